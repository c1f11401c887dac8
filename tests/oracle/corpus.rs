//! Reads sqllogictest files: the records of one engine, without the answers they expect, since the same engine answers both
//! sides here.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How a query's answer is brought into an order before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Not at all.
    None,
    /// By rows.
    Rows,
    /// By values, wherever they stand.
    Values,
}

/// One statement of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Where it begins, counted from 1.
    pub(super) line: usize,
    pub(super) sql: String,
    /// `None` for a `statement`, which answers nothing.
    pub(super) query: Option<Sort>,
}

/// The `.test` files in a folder and those below it, by name.
pub(super) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "test")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The records that `engine` (`sqlite` or `postgresql`) shall run, up to a `halt` that is meant for it.
pub(super) fn parse(text: &str, engine: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let mut wanted = true;
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let mut words = line.split_whitespace();
        let query = match words.next().unwrap_or_default() {
            "skipif" => {
                wanted &= words.next() != Some(engine);
                continue;
            }
            "onlyif" => {
                wanted &= words.next() == Some(engine);
                continue;
            }
            "halt" if wanted => break,
            "halt" => {
                wanted = true;
                continue;
            }
            "statement" => None,
            "query" => Some(match words.nth(1) {
                Some("rowsort") => Sort::Rows,
                Some("valuesort") => Sort::Values,
                _ => Sort::None,
            }),
            // `hash-threshold`, comments, what is left of an answer.
            _ => continue,
        };
        let mut sql = String::new();
        for (_, line) in lines.by_ref() {
            if line.trim().is_empty() || line.starts_with("----") {
                break;
            }
            if !sql.is_empty() {
                sql.push('\n');
            }
            sql.push_str(line);
        }
        if std::mem::replace(&mut wanted, true) && !sql.is_empty() {
            records.push(Record {
                line: at + 1,
                sql: sql.trim_end().trim_end_matches(';').to_owned(),
                query,
            });
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format() {
        let text = "hash-threshold 8\n\n# a comment\nstatement ok\nCREATE TABLE t(a)\n\nskipif sqlite # why\n\
                    statement error\nDROP TABLE t\n\nonlyif sqlite # empty\nquery I nosort label-1\nSELECT 1\n IN ()\n----\n0\n\n\
                    onlyif mysql\nhalt\n\nquery II valuesort\nSELECT 1, 2;\n----\n1\n2\n\nonlyif sqlite\nhalt\n\nquery I rowsort\n\
                    SELECT 3\n";
        let record = |line, sql: &str, query| Record {
            line,
            sql: sql.to_owned(),
            query,
        };
        assert_eq!(
            parse(text, "sqlite"),
            [
                record(4, "CREATE TABLE t(a)", None),
                record(12, "SELECT 1\n IN ()", Some(Sort::None)),
                record(21, "SELECT 1, 2", Some(Sort::Values)),
            ]
        );
        assert_eq!(
            parse(text, "postgresql").last(),
            Some(&record(30, "SELECT 3", Some(Sort::Rows)))
        );
    }
}
