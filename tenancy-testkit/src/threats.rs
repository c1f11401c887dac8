//! The tables of threats in `docs/`: each row names the tests that would notice, and none of them may be a name only.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// What a table of threats begins with.
const HEAD: &str = "| threat | test |\n";

/// Reads the table of threats in a page and looks for each test that it names, in the sources of `crates`: folders with a `src`
/// or `tests` in them. How many rows there are.
///
/// # Errors
/// [`Error::Threats`] if there is no such table, a row names no test, or a test is not there; [`Error::Io`].
///
/// # Example: a row that promises too much
/// ```
/// use tenancy_testkit::{Error, TempFolder, threat_table};
///
/// let folder = TempFolder::new()?;
/// std::fs::create_dir(folder.join("tests"))?;
/// std::fs::write(folder.join("tests/it.rs"), "#[test]\nfn doors_are_shut() {}")?;
/// let page = folder.join("page.md");
/// std::fs::write(&page, "| threat | test |\n|---|---|\n| an open door | `doors_are_shut` |\n")?;
/// assert_eq!(threat_table(&page, &[folder.path()])?, 1);
///
/// std::fs::write(&page, "| threat | test |\n|---|---|\n| an open window | `windows_are_shut` |\n")?;
/// assert!(matches!(threat_table(&page, &[folder.path()]), Err(Error::Threats(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn threat_table(page: &Path, crates: &[&Path]) -> Result<usize, Error> {
    let mut sources = String::new();
    for folder in crates {
        for part in ["src", "tests"] {
            let folder = folder.join(part);
            if folder.is_dir() {
                read(&folder, &mut sources)?;
            }
        }
    }
    let text = fs::read_to_string(page).map_err(Error::io("read the page of threats"))?;
    let wrong = |what: String| Error::Threats(format!("{}: {what}", page.display()));
    let (_, table) = text
        .split_once(HEAD)
        .ok_or_else(|| wrong("it has no table that begins with `| threat | test |`".to_owned()))?;
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        count += 1;
        let tests = row.rsplit('|').nth(1).unwrap_or_default();
        let mut names = tests.split('`').skip(1).step_by(2).peekable();
        if names.peek().is_none() {
            return Err(wrong(format!("no test in {row}")));
        }
        // A test that runs on several databases is a function with a parameter for them.
        let is_there = |name: &str| {
            ["(", "<"]
                .iter()
                .any(|after| sources.contains(&format!("fn {name}{after}")))
        };
        if let Some(name) = names.find(|name| !is_there(name)) {
            return Err(wrong(format!("{name} is no test")));
        }
    }
    Ok(count)
}

fn read(folder: &Path, into: &mut String) -> Result<(), Error> {
    let failed = Error::io("read the sources of tests");
    let entries: Result<Vec<PathBuf>, _> =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    for path in entries.map_err(failed)? {
        if path.is_dir() {
            read(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(Error::io("read the sources of tests"))?;
            into.push_str(&text);
        }
    }
    Ok(())
}
