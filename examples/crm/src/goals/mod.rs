//! Goals: what a team wants to win in a month, and who brings it.

pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
