//! Reports: the pipeline by status, conversion by month, and the dashboard that shows the gist of both.

pub mod counts;
pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
