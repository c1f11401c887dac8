//! Users: the people a tenant has invited into its CRM.

pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
