//! Rules about crates: who may depend on whom, and that the map names them all.

use super::manifest::{Kind, Manifest};

/// What a crate's own code may not depend on: names, or prefixes that end in `*`.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "tenancy-core",
        &[
            "tenancy-*",
            "sqlx*",
            "diesel*",
            "tokio-postgres",
            "rusqlite",
            "redis",
            "deadpool*",
            "object_store",
            "http*",
            "hyper*",
            "tower*",
            "axum*",
            "reqwest",
        ],
    ),
    (
        "tenancy-sql",
        &[
            "tenancy-*",
            "sqlx*",
            "diesel*",
            "tokio*",
            "futures*",
            "http*",
            "tower*",
            "axum*",
        ],
    ),
    (
        "tenancy-sqlx",
        &[
            "tenancy-http",
            "diesel*",
            "http*",
            "hyper*",
            "tower*",
            "axum*",
        ],
    ),
    (
        "tenancy-diesel",
        &[
            "tenancy-sqlx",
            "tenancy-http",
            "sqlx*",
            "http*",
            "hyper*",
            "tower*",
            "axum*",
        ],
    ),
    (
        "tenancy-sqlite-wall",
        &["tenancy-*", "diesel*", "tokio*", "http*", "tower*", "axum*"],
    ),
    (
        "tenancy-cache",
        &[
            "tenancy-sql*",
            "tenancy-http",
            "sqlx*",
            "diesel*",
            "http*",
            "tower*",
            "axum*",
        ],
    ),
    (
        "tenancy-jobs",
        &["tenancy-http", "tenancy-cache", "diesel*", "http*", "axum*"],
    ),
    ("tenancy-http", &["tenancy-sql*", "sqlx*", "diesel*"]),
    (
        "tenancy-object-store",
        &["tenancy-sql*", "tenancy-http", "sqlx*", "diesel*", "axum*"],
    ),
    ("tenancy", &["sqlx*", "diesel*", "http*", "tower*", "axum*"]),
];

/// The only crate that may contain unsafe code, and so can't take the workspace's lints as they are.
const UNSAFE: &str = "tenancy-sqlite-wall";

/// Crates that exist for tests, and so may ask for `testing` features and for each other.
const FOR_TESTS: [&str; 3] = ["tenancy-testkit", "tenancy-tests", "tenancy-benches"];

/// What is wrong with the members, which stand in the order of their folders.
pub(super) fn check(
    workspace: &Manifest,
    folders: &[String],
    members: &[Manifest],
    architecture: &str,
) -> Vec<String> {
    let mut complaints = Vec::new();
    for entry in workspace.section("workspace.dependencies") {
        if !architecture.contains(&format!("`{}`", entry.key)) {
            complaints.push(format!(
                "ARCHITECTURE.md: no line says why we depend on `{}`",
                entry.key
            ));
        }
    }
    for (folder, member) in folders.iter().zip(members) {
        let is_named = [format!("`{folder}`"), format!("`{folder}/`")]
            .iter()
            .any(|name| architecture.contains(name));
        if !is_named && member.value("package", "publish") != Some("false") {
            complaints.push(format!("ARCHITECTURE.md: the map does not name `{folder}`"));
        }
        if member.name() == UNSAFE {
            complaints.extend(own_lints(workspace, member));
        } else if member.value("lints", "workspace") != Some("true") {
            complaints.push(format!(
                "{folder}/Cargo.toml: add `[lints] workspace = true`"
            ));
        }
        complaints.extend(
            directions(member)
                .into_iter()
                .map(|complaint| format!("{folder}/Cargo.toml: {complaint}")),
        );
    }
    complaints
}

/// What the one crate with unsafe code leaves out of the workspace's lints, or says otherwise.
fn own_lints(workspace: &Manifest, member: &Manifest) -> Vec<String> {
    let mut complaints = Vec::new();
    for tool in ["rust", "clippy"] {
        for lint in workspace.section(&format!("workspace.lints.{tool}")) {
            let wanted = match lint.key.as_str() {
                "unsafe_code" => "\"deny\"",
                _ => lint.value.as_str(),
            };
            if member.value(&format!("lints.{tool}"), &lint.key) != Some(wanted) {
                complaints.push(format!(
                    "{UNSAFE}/Cargo.toml: `{} = {wanted}` belongs into `[lints.{tool}]`",
                    lint.key
                ));
            }
        }
    }
    complaints
}

/// What is wrong with one crate's dependencies.
fn directions(member: &Manifest) -> Vec<String> {
    let name = member.name();
    let is_for_tests = FOR_TESTS.contains(&name);
    let forbidden = FORBIDDEN
        .iter()
        .find(|(of, _)| *of == name)
        .map_or(&[] as &[&str], |(_, forbidden)| forbidden);
    let mut complaints = Vec::new();
    for (kind, dependency, value) in member.dependencies() {
        if kind == Kind::Dev {
            continue;
        }
        if forbidden.iter().any(|pattern| matches(pattern, dependency)) {
            complaints.push(format!("`{name}` must not depend on `{dependency}`"));
        }
        if is_for_tests {
            continue;
        }
        if FOR_TESTS.contains(&dependency) {
            complaints.push(format!("`{dependency}` belongs into dev-dependencies"));
        }
        if value.contains("\"testing\"") {
            complaints.push(format!(
                "the `testing` feature of `{dependency}` belongs into dev-dependencies"
            ));
        }
    }
    for feature in member.section("features") {
        if feature.key != "testing" && feature.value.contains("/testing\"") {
            complaints.push(format!(
                "feature `{}` must not turn on `testing`",
                feature.key
            ));
        }
    }
    complaints
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(manifest: &str) -> usize {
        directions(&Manifest::parse(manifest)).len()
    }

    #[test]
    fn dependencies_point_one_way() {
        let core = |dependency: &str| {
            format!(
                "[package]\nname = \"tenancy-core\"\n[dependencies]\n{dependency}.workspace = true\n"
            )
        };
        assert_eq!(complaints(&core("serde")), 0);
        for wrong in ["sqlx", "axum-core", "tower-layer", "http", "tenancy-sql"] {
            assert_eq!(complaints(&core(wrong)), 1, "{wrong}");
        }
        let dev = core("sqlx").replace("[dep", "[dev-dep");
        assert_eq!(complaints(&dev), 0);
    }

    #[test]
    fn testing_stays_in_tests() {
        let of = |name: &str, section: &str| {
            format!(
                "[package]\nname = \"{name}\"\n[{section}]\n\
                 tenancy-core = {{ workspace = true, features = [\"testing\"] }}\n"
            )
        };
        assert_eq!(complaints(&of("crm", "dependencies")), 1);
        assert_eq!(complaints(&of("crm", "dev-dependencies")), 0);
        assert_eq!(complaints(&of("tenancy-testkit", "dependencies")), 0);
        let kit = "[package]\nname = \"crm\"\n[dependencies]\ntenancy-testkit.workspace = true\n";
        assert_eq!(complaints(kit), 1);
        let features = "[package]\nname = \"crm\"\n[features]\nfast = [\"tenancy-core/testing\"]\n";
        assert_eq!(complaints(features), 1);
    }

    #[test]
    fn the_map_names_crates_and_dependencies() {
        let workspace = Manifest::parse("[workspace.dependencies]\nserde = \"1\"\n");
        let lints = "[lints]\nworkspace = true\n";
        let member = |text: &str| Manifest::parse(&format!("[package]\nname = \"a\"\n{text}"));
        let run = |text: &str, map: &str| {
            check(&workspace, &["a".to_owned()], &[member(text)], map).len()
        };
        assert_eq!(run(lints, "`serde` reads; `a/` is a crate"), 0);
        assert_eq!(run(lints, "serde reads; a is a crate"), 2);
        assert_eq!(run("", "`serde`, `a`"), 1);
        assert_eq!(run(&format!("publish = false\n{lints}"), "`serde`"), 0);
    }

    #[test]
    fn the_crate_with_unsafe_code_has_the_same_lints_but_one() {
        let workspace = Manifest::parse(
            "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n[workspace.lints.clippy]\npanic = \"deny\"\n",
        );
        let run = |text: &str| own_lints(&workspace, &Manifest::parse(text)).len();
        let rust = "[lints.rust]\nunsafe_code = \"deny\"\n";
        let clippy = "[lints.clippy]\npanic = \"deny\"\n";
        assert_eq!(run(&format!("{rust}{clippy}")), 0);
        assert_eq!(run(rust), 1);
        assert_eq!(run(&rust.replace("deny", "allow")), 2);
        assert_eq!(run("[lints]\nworkspace = true\n"), 2);
    }
}
