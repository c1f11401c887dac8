//! What the source must not contain: nobody but the start-up knows tenants, placements or drivers.

use std::fs;
use std::path::Path;

fn texts(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, out);
        } else {
            out.push((
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            ));
        }
    }
}

#[test]
fn handlers_statements_and_templates_are_those_of_one_tenant() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in [
        "src/api",
        "src/attachments",
        "src/goals",
        "src/leads",
        "src/reports",
        "src/tasks",
        "src/sign_in",
        "src/users",
        "templates",
    ] {
        texts(&root.join(folder), &mut found);
    }
    assert!(found.len() > 20);
    for (path, text) in found {
        for word in [
            "tenant_id",
            "Placement",
            "placement",
            "Isolation",
            "slug",
            "Postgres",
            "Sqlite",
        ] {
            assert!(!text.contains(word), "{path} mentions {word}");
        }
    }
}
