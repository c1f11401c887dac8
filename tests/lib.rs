//! Tests live in `it/`; the plan corpus, which is a program too, in `plans/`.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a failed assumption in a test is a failed test"
    )
)]

pub mod plans;
