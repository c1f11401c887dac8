//! Signing in and out, and accepting an invitation: the pages that somebody sees who is nobody yet.

pub mod handlers;
mod password;
pub mod store;
mod views;
