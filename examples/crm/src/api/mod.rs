//! The JSON side: the same model and the same statements, other clothes.

pub mod access;
pub mod domains;
pub mod leads;
pub mod reports;
