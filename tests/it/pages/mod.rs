//! The code that the pages of `docs/` and the README show is compiled: each block stands in the file of its page here, with what it
//! leaves out around it, and a test compares the two. One pass of the compiler for all of them.
//!
//! `docs/models.md` is compiled as documentation (`tests/lib.rs`); the second block of the README is `examples/quickstart`, which
//! `cargo xtask tidy` compares.
#![allow(
    dead_code,
    unused_imports,
    unused_variables,
    clippy::all,
    clippy::pedantic,
    reason = "fragments, as a reader meets them"
)]

mod diesel;
mod http;
mod jobs;
mod limits;
mod lints;
mod object_store;
mod observability;
mod propagation;
mod readme;
mod status;

use std::fs;
use std::path::Path;

/// Pages whose code is compiled elsewhere.
const ELSEWHERE: [&str; 1] = ["models.md"];

/// The blocks of Rust in a page.
fn blocks(page: &str) -> Vec<&str> {
    let begins = page.split("\n```rust\n").skip(1);
    begins
        .map(|rest| rest.split("\n```").next().unwrap())
        .collect()
}

/// Without white space, of which the file has more.
fn tight(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn what_the_pages_show_is_what_is_compiled() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let here = root.join("tests/it/pages");
    let mut seen = 0;
    let docs = fs::read_dir(root.join("docs")).unwrap();
    let mut pages: Vec<_> = docs.map(|entry| entry.unwrap().path()).collect();
    pages.push(root.join("README.md"));
    for page in pages {
        let name = page.file_name().unwrap().to_str().unwrap();
        let Some(stem) = name
            .strip_suffix(".md")
            .filter(|_| !ELSEWHERE.contains(&name))
        else {
            continue;
        };
        let text = fs::read_to_string(&page).unwrap();
        let mut shown = blocks(&text);
        if name == "README.md" {
            shown.truncate(1);
        }
        if shown.is_empty() {
            continue;
        }
        let file = here.join(format!("{}.rs", stem.to_lowercase().replace('-', "_")));
        let compiled = fs::read_to_string(&file)
            .unwrap_or_else(|_| panic!("{name} shows code, and there is no {}", file.display()));
        let compiled = tight(&compiled);
        for block in shown {
            seen += 1;
            assert!(
                compiled.contains(&tight(block)),
                "{name} shows what is not in {}:\n{block}",
                file.display()
            );
        }
    }
    assert!(seen >= 19, "{seen}");
}
