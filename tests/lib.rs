//! Tests live in `it/`; the isolation oracle, the grammar fuzzer and the plan corpus, which are programs too, in `oracle/`, `fuzz/` and
//! `plans/`.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a failed assumption in a test is a failed test"
    )
)]

pub mod functions;
pub mod fuzz;
pub mod oracle;
pub mod plans;

/// The guide to models: its examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../docs/models.md")]
pub mod guide_to_models {}
