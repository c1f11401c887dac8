//! Tests that cross crates.
#![expect(
    clippy::disallowed_methods,
    reason = "tests spawn without a context on purpose"
)]

mod matrix;
mod soak;
