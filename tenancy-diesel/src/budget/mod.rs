//! Connections of the budget in use, and the task that closes those that nobody uses. The book is
//! [`tenancy_core::budget`]'s.

mod keeper;
mod lease;

pub(crate) use keeper::Keeper;
pub(crate) use lease::Lease;
