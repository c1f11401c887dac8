//! Leads: people who may become customers.
//!
//! `model` holds what a lead is and which input becomes one, `store` the statements, `handlers` and `views` the pages. The
//! JSON side lives in [`crate::api`] and uses the same model and store.

pub mod handlers;
pub mod list;
pub mod model;
pub mod status;
pub mod store;
pub mod views;
