//! The table of threats in `docs/http.md` names tests that exist, here or in the crate whose door it is about.

use std::path::Path;

#[test]
fn every_threat_names_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates = [
        "tenancy-http",
        "tenancy-core",
        "tenancy-sqlx",
        "tenancy-cache",
        "tenancy-jobs",
        "tenancy-object-store",
        "examples/crm",
        "tests",
    ]
    .map(|name| root.join(name));
    let crates = crates.each_ref().map(|path| path.as_path());
    let rows = tenancy_testkit::threat_table(&root.join("docs/http.md"), &crates);
    assert!(rows.unwrap() >= 40);
}
