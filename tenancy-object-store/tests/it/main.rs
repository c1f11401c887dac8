//! Tests of this crate against memory, local files and a server that speaks S3 and checks signatures.
#![allow(
    clippy::disallowed_methods,
    reason = "a task without a tenant is part of what is tested, and the S3 server is no tenant's work"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption in a test is a failed test"
)]

mod addresses;
mod cancelled;
mod crossing;
mod erase;
mod gate;
mod meeting;
mod model;
mod paths;
mod quota;
mod refusals;
mod s3;
mod secrets;
mod uploads;
mod upstream;
mod world;
