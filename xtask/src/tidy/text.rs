//! Rules about one file's text: it opens with its story, stays short, shows examples that run, and names nobody's machine.

use std::path::Path;

const LONGEST: usize = 600;

/// Folders of somebody's machine, in two halves so that this file does not name them.
const MACHINE: [(&str, &str); 5] = [
    ("/ho", "me/"),
    ("/Us", "ers/"),
    ("/ro", "ot/"),
    ("/wo", "rk/"),
    ("C:\\Us", "ers"),
];

/// What is wrong with the file of this path.
pub(super) fn check(path: &Path, content: &str) -> Vec<String> {
    let is = |extension| path.extension().is_some_and(|found| found == extension);
    let mut complaints = Vec::new();
    let mut complain = |line: usize, what: &str| {
        complaints.push(format!("{}:{line}: {what}", path.display()));
    };
    if is("rs") {
        // A mistake that a macro is shown is named by its file, and read as a user's program would be.
        let is_mistake = path
            .parent()
            .is_some_and(|folder| folder.components().any(|part| part.as_os_str() == "ui"));
        if !is_mistake && !content.starts_with("//!") {
            complain(
                1,
                "open the file with `//!`: what lives here, what does not",
            );
        }
        let lines = content.lines().count();
        if lines > LONGEST {
            complain(lines, "600 lines at most: one noun a file");
        }
    }
    for (number, line) in (1..).zip(content.lines()) {
        let line = line.trim_start();
        if is("rs") && line.starts_with("pub use ") && line.contains("::*") {
            complain(number, "no glob re-exports: one path per public type");
        }
        if is("rs") && comment(line).is_some_and(is_ignored_example)
            || is("md") && is_ignored_example(line)
        {
            complain(
                number,
                "an example that is ignored proves nothing: let it run",
            );
        }
        if MACHINE
            .iter()
            .any(|(a, b)| names_folder(line, &[*a, *b].concat()))
        {
            complain(number, "a path of somebody's machine");
        }
    }
    complaints
}

/// The text of a documentation comment.
fn comment(line: &str) -> Option<&str> {
    line.strip_prefix("///")
        .or_else(|| line.strip_prefix("//!"))
        .map(str::trim_start)
}

/// Whether a code block opens here that rustdoc would skip.
fn is_ignored_example(line: &str) -> bool {
    line.trim_start().strip_prefix("```").is_some_and(|info| {
        info.split([',', ' '])
            .any(|word| word.starts_with("ignore"))
    })
}

/// Whether the folder stands here as the beginning of an absolute path, not within an address or a longer path.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '}' | '*'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, content: &str) -> usize {
        check(Path::new(path), content).len()
    }

    #[test]
    fn a_file_opens_with_its_story_and_is_short() {
        assert_eq!(complaints("a.rs", "//! Things.\n"), 0);
        assert_eq!(complaints("a.rs", "mod a;\n"), 1);
        assert_eq!(complaints("a.rs", ""), 1);
        assert_eq!(
            complaints("tests/ui/statement/unknown_table.rs", "fn main() {}\n"),
            0
        );
        assert_eq!(complaints("a.toml", ""), 0);
        let long = |lines| "//! x\n".repeat(lines);
        assert_eq!(complaints("a.rs", &long(600)), 0);
        assert_eq!(complaints("a.rs", &long(601)), 1);
    }

    #[test]
    fn examples_run() {
        let with = |info: &str| format!("//! x\n/// ```{info}\n/// ```\n");
        for info in ["", "rust", "no_run", "compile_fail,E0277", "text"] {
            assert_eq!(complaints("a.rs", &with(info)), 0, "{info}");
        }
        for info in ["ignore", "rust,ignore", "ignore-windows"] {
            assert_eq!(complaints("a.rs", &with(info)), 1, "{info}");
        }
        assert_eq!(complaints("a.md", "```rust,ignore\n"), 1);
        assert_eq!(complaints("a.rs", "//! x\n//! lines that ignore\n"), 0);
    }

    #[test]
    fn paths_are_nobodys() {
        let root = MACHINE[2].0.to_owned() + MACHINE[2].1;
        assert_eq!(complaints("a.md", &format!("see {root}x")), 1);
        assert_eq!(complaints("a.md", &format!("\"{root}x\"")), 1);
        assert_eq!(
            complaints("a.md", &format!("https://example.com{root}x")),
            0
        );
    }

    #[test]
    fn globs_are_not_exported() {
        assert_eq!(complaints("a.rs", "//! x\npub use a::*;\n"), 1);
        assert_eq!(complaints("a.rs", "//! x\nuse super::*;\n"), 0);
    }
}
