//! Files of a lead: rows say which there are, the object store holds what is in them.

pub mod handlers;
pub mod model;
pub mod store;

/// The largest file, in bytes.
pub const LARGEST: usize = 5 * 1024 * 1024;
