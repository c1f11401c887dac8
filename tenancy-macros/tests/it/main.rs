//! What the macros say to those who make a mistake. Each file of `tests/ui` is one mistake, named by it.
#![allow(
    clippy::unwrap_used,
    reason = "a failed assumption in a test is a failed test"
)]

use std::path::Path;

/// The compiler is the judge: a change of a message is seen in the `.stderr` file beside the mistake, and
/// `TRYBUILD=overwrite` writes them anew.
#[test]
fn mistakes_are_told_where_they_were_made() {
    project();
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*/*.rs");
}

/// The macros look for `tenancy.toml` beside the `Cargo.toml` of the crate that is compiled and above it. Here that crate is
/// one that the test harness makes in the target folder.
fn project() {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/project");
    let to = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("tests")
        .join("trybuild");
    for file in [
        "tenancy.toml",
        "migrations/postgres/0001_tables.sql",
        "migrations/postgres/0002_models.sql",
        "migrations/sqlite/0001_tables.sql",
        "migrations/sqlite/0002_models.sql",
    ] {
        let copy = to.join(file);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(from.join(file), copy).unwrap();
    }
}
