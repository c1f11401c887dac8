//! The table of threats in `docs/jobs.md` names tests that exist.

use std::{fs, path::Path};

fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_threat_names_its_test() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    sources(&here.join("src"), &mut all);
    sources(&here.join("tests"), &mut all);
    let page = fs::read_to_string(here.join("../docs/jobs.md")).unwrap();
    let (_, table) = page.split_once("| threat | test |\n").unwrap();
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert!(rows.len() >= 20);
    for row in rows {
        let tests = row.rsplit('|').nth(1).unwrap();
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            assert!(all.contains(&format!("fn {name}(")), "{name} is no test");
        }
    }
}
