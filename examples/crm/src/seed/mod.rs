//! Demonstration data: real-looking, the same at every start, different for each tenant.
//!
//! `tenants` says who is seeded, `people` and `words` hold the raw material, `plan` makes leads and their history out of it,
//! `load` writes them through the framework, batch by batch, and never twice.

pub mod load;
mod people;
mod plan;
pub mod tenants;
mod words;
