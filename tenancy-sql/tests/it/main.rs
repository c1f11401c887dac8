//! The firewall from outside: golden texts, refusals, and the catalogue of attacks.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod app_statements;
mod conflicts;
mod fixture;
mod fuzzed;
mod golden;
mod groups;
mod guards;
mod hostile;
mod in_place;
mod merge;
mod notation;
mod property;
mod shims;
mod soup;
mod stars;
mod threats_a;
mod threats_a47;
mod threats_a_texts;
mod threats_b;
