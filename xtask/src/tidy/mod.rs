//! The house rules that no compiler checks. Each rule is a pure function from text to complaints.

mod dependencies;
mod manifest;
mod text;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use self::manifest::Manifest;
use crate::steps::{Outcome, root};

/// Checks every file that git knows or would add, and says everything that is wrong, not only the first thing.
pub(crate) fn run() -> Outcome {
    let files = files()?;
    let mut complaints = Vec::new();
    for path in &files {
        // What is not text has no rules, what is deleted but not yet committed has no text.
        if let Ok(content) = fs::read_to_string(root().join(path)) {
            complaints.extend(text::check(path, &content));
        }
    }
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap_or_default();
    let workspace = read(Path::new("Cargo.toml"))?;
    let folders = workspace.members();
    let mut members = Vec::new();
    for folder in &folders {
        members.push(read(&Path::new(folder).join("Cargo.toml"))?);
    }
    complaints.extend(dependencies::check(
        &workspace,
        &folders,
        &members,
        &architecture,
    ));
    let text = |path: &str| fs::read_to_string(root().join(path)).unwrap_or_default();
    complaints.extend(readme(
        &text("README.md"),
        &text("examples/quickstart/src/main.rs"),
    ));
    for complaint in &complaints {
        eprintln!("tidy: {complaint}");
    }
    if complaints.is_empty() {
        println!(
            "tidy: {} files, {} crates, nothing to complain about",
            files.len(),
            members.len()
        );
        Ok(())
    } else {
        Err(format!("tidy: {} complaints", complaints.len()))
    }
}

/// The program that the README shows is the one that runs.
fn readme(readme: &str, quickstart: &str) -> Option<String> {
    let shown = format!("<!-- quickstart -->\n```rust\n{quickstart}```\n<!-- /quickstart -->");
    (!readme.contains(&shown))
        .then(|| "README.md: shows another program than examples/quickstart/src/main.rs".to_owned())
}

fn read(path: &Path) -> Result<Manifest, String> {
    let content = fs::read_to_string(root().join(path))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Manifest::parse(&content))
}

/// Paths of the repository's files, relative to its root.
fn files() -> Result<Vec<PathBuf>, String> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .map_err(|error| format!("git can't be run: {error}"))?;
    if !output.status.success() {
        return Err("`git ls-files` failed: tidy needs a git checkout".to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .split_terminator('\0')
        .map(PathBuf::from)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::readme;

    #[test]
    fn the_readme_shows_the_program() {
        let page = "# x\n<!-- quickstart -->\n```rust\nfn main() {}\n```\n<!-- /quickstart -->\n";
        assert_eq!(readme(page, "fn main() {}\n"), None);
        assert!(readme(page, "fn main() { }\n").is_some());
    }
}
