//! A small CRM, the demonstration of `tenancy`.
//!
//! Its tenants live in shared tables, in a schema of their own and in a database of their own, on SQLite or PostgreSQL.
//! Handlers, statements and templates are written as if there were one tenant and one database: [`start`] alone knows the
//! tenants and where they live, [`db`] alone knows the two drivers.
//!
//! Users sign in, each on their own tenant's host, domain or path; programs bring an API key or a token. Who is a member is
//! asked on every request. Nobody sees anything but the sign-in page before: see [`identity`].

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test may fail loudly"
    )
)]

pub mod api;
pub mod app;
pub mod assets;
pub mod attachments;
pub mod clock;
pub mod control;
pub mod db;
pub mod error;
pub mod goals;
pub mod html;
pub mod identity;
pub mod leads;
pub mod operator;
pub mod reports;
pub mod secret;
pub mod seed;
pub mod sign_in;
pub mod start;
pub mod tables;
pub mod tasks;
pub mod tools;
pub mod users;
pub mod worker;
