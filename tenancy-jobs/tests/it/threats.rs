//! The table of threats in `docs/jobs.md` names tests that exist.

use std::path::Path;

#[test]
fn every_threat_names_its_test() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = here.join("../docs/jobs.md");
    assert!(tenancy_testkit::threat_table(&page, &[here]).unwrap() >= 20);
}
