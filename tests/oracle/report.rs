//! What came out: counts, refusals by reason, and the first things that are wrong.

use std::{collections::BTreeMap, fmt};

/// How many examples of wrong answers and errors are kept.
const EXAMPLES: usize = 20;

/// How many reasons are listed.
const GROUPS: usize = 30;

/// How often for which reason, with the first example.
type Groups = BTreeMap<String, (u64, String)>;

/// The outcome of a run. `Display` ends with the line that scripts read.
#[derive(Debug, Default)]
pub struct Report {
    pub(super) statements: u64,
    pub(super) wrong: u64,
    pub(super) errors: u64,
    undetermined: u64,
    pub(super) measured: u64,
    pub(super) differed: u64,
    refused: Groups,
    skipped: Groups,
    examples: Vec<String>,
}

impl Report {
    /// Statements that the engine accepts and the firewall was asked about.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements
    }

    /// Statements that the firewall refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        total(&self.refused)
    }

    /// Statements whose answer or effect was another than with the tenant's rows alone.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.wrong
    }

    /// Statements that the engine accepts as they are and not as they were rewritten.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// In percent, how often a statement that reads tenants' tables answers something else when it is not rewritten.
    #[must_use]
    pub fn sensitivity(&self) -> u64 {
        (self.differed * 100)
            .checked_div(self.measured)
            .unwrap_or_default()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.wrong == 0 && self.errors == 0
    }

    pub(super) fn note_refused(&mut self, reason: &str, example: impl FnOnce() -> String) {
        add(&mut self.refused, reason, example);
    }

    /// Counts a record that the engine rejects, or that the oracle does not run.
    pub(super) fn note_skipped(&mut self, reason: &str, example: impl FnOnce() -> String) {
        add(&mut self.skipped, reason, example);
    }

    pub(super) fn note_wrong(&mut self, example: &str) {
        self.wrong += 1;
        self.note("wrong", example);
    }

    /// Counts an answer that the engine itself gives in another way when the rows come in another order.
    pub(super) fn note_undetermined(&mut self, example: &str) {
        self.undetermined += 1;
        self.note("undetermined", example);
    }

    pub(super) fn note_error(&mut self, example: &str) {
        self.errors += 1;
        self.note("error", example);
    }

    fn note(&mut self, what: &str, example: &str) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(format!("{what}: {example}"));
        }
    }
}

fn add(groups: &mut Groups, reason: &str, example: impl FnOnce() -> String) {
    // Names that differ in their numbers are one reason.
    let mut key = String::new();
    for character in reason.chars() {
        let character = if character.is_ascii_digit() {
            '#'
        } else {
            character
        };
        if character != '#' || !key.ends_with('#') {
            key.push(character);
        }
    }
    let (count, _) = groups.entry(key).or_insert_with(|| (0, example()));
    *count += 1;
}

fn total(groups: &Groups) -> u64 {
    groups.values().map(|(count, _)| count).sum()
}

/// The groups, the largest first.
fn list(f: &mut fmt::Formatter<'_>, what: &str, groups: &Groups) -> fmt::Result {
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (at, (reason, (count, example))) in groups.iter().enumerate() {
        if at == GROUPS {
            return writeln!(f, "{what}: {} more reasons", groups.len() - at);
        }
        writeln!(f, "{what} {count}: {reason}\n    {example}")?;
    }
    Ok(())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, "skipped", &self.skipped)?;
        list(f, "refused", &self.refused)?;
        for example in &self.examples {
            writeln!(f, "{example}")?;
        }
        writeln!(
            f,
            "{} records skipped; {} answers that depend on the order of rows compared by their number; unrewritten, {} of {} \
             answers differ",
            total(&self.skipped),
            self.undetermined,
            self.differed,
            self.measured
        )?;
        write!(
            f,
            "oracle: {} statements, {} refused, {} wrong, {} errors; sensitivity {} %",
            self.statements,
            self.refused(),
            self.wrong,
            self.errors,
            self.sensitivity()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line() {
        let mut report = Report {
            statements: 10,
            measured: 3,
            differed: 2,
            ..Report::default()
        };
        report.note_refused("no t1", || "SELECT 1".to_owned());
        report.note_refused("no t22", || "SELECT 2".to_owned());
        assert!(report.is_good());
        report.note_wrong("SELECT 3");
        assert!(!report.is_good());
        let text = report.to_string();
        assert!(
            text.starts_with("refused 2: no t#\n    SELECT 1\nwrong: SELECT 3\n"),
            "{text}"
        );
        assert_eq!(
            text.lines().last(),
            Some("oracle: 10 statements, 2 refused, 1 wrong, 0 errors; sensitivity 66 %")
        );
    }
}
