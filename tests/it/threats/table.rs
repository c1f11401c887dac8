//! The table of attacks, read: rows, what becomes of each statement, and which tests elsewhere cover the rest.

use tenancy_sql::Dialect;

/// What has to become of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Refused,
    Confined,
    Same,
}

/// One statement on one engine or both.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) row: usize,
    pub(super) dialects: Vec<Dialect>,
    pub(super) fate: Fate,
    pub(super) sql: String,
}

/// The whole table.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<usize>,
    pub(super) cases: Vec<Case>,
    /// Row, file, and the name of a test in it.
    pub(super) elsewhere: Vec<(usize, String, String)>,
}

impl Table {
    pub(super) fn read() -> Self {
        let mut table = Self::default();
        for line in include_str!("attacks.txt").lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (first, rest) = line.trim_start().split_once(' ').unwrap();
            let row = table.rows.last().copied().unwrap_or(0);
            let dialects = match first {
                _ if !line.starts_with(' ') => {
                    assert!(!rest.is_empty(), "{line}");
                    table.rows.push(first.parse().unwrap());
                    continue;
                }
                "see" => {
                    let (file, test) = rest.split_once("::").unwrap();
                    table.elsewhere.push((row, file.into(), test.into()));
                    continue;
                }
                "both" => vec![Dialect::Postgres, Dialect::Sqlite],
                name => vec![name.parse().unwrap()],
            };
            let (fate, sql) = rest.trim_start().split_once(' ').unwrap();
            table.cases.push(Case {
                row,
                dialects,
                fate: match fate {
                    "refused" => Fate::Refused,
                    "confined" => Fate::Confined,
                    "same" => Fate::Same,
                    _ => panic!("{line}"),
                },
                sql: sql
                    .trim_start()
                    .replace("{q}", "(SELECT count(*) FROM leads)")
                    .replace("\\n", "\n"),
            });
        }
        table
    }
}
