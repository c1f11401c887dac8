//! What came of all statements: counts, reasons, and each failure with the numbers that make it again.

use std::{collections::BTreeMap, fmt};

/// How many reasons are listed.
const REASONS: usize = 25;

/// How many failures are kept as text.
const FAILURES: usize = 20;

type Reasons = BTreeMap<String, (u64, String)>;

/// The outcome of a run. `Display` ends with the line that scripts read.
#[derive(Debug, Default)]
pub struct Report {
    pub(super) statements: u64,
    pub(super) wrong: u64,
    pub(super) errors: u64,
    pub(super) undetermined: u64,
    pub(super) given_up: u64,
    pub(super) measured: u64,
    pub(super) noticed: u64,
    rejected: Reasons,
    refused: Reasons,
    failures: Vec<String>,
}

impl Report {
    /// Statements that were made.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements
    }

    /// Statements that the engine does not take as they are.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected.values().map(|(count, _)| count).sum()
    }

    /// Statements that the engine takes and the firewall refuses.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.values().map(|(count, _)| count).sum()
    }

    /// Statements with another answer or effect than with the tenant's rows alone, and panics.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.wrong
    }

    /// Statements that the engine takes as they are and not as they were rewritten.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// Statements whose answer the engine itself gives in another way in another order of rows.
    #[must_use]
    pub fn undetermined(&self) -> u64 {
        self.undetermined
    }

    /// In percent, how often a query answers something else when it is not rewritten.
    #[must_use]
    pub fn sensitivity(&self) -> u64 {
        (self.noticed * 100)
            .checked_div(self.measured)
            .unwrap_or_default()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.wrong == 0 && self.errors == 0
    }

    /// Takes the counts of another run in.
    pub(super) fn add(&mut self, other: Self) {
        let Self {
            statements,
            wrong,
            errors,
            undetermined,
            given_up,
            measured,
            noticed,
            rejected,
            refused,
            failures,
        } = other;
        self.statements += statements;
        self.wrong += wrong;
        self.errors += errors;
        self.undetermined += undetermined;
        self.given_up += given_up;
        self.measured += measured;
        self.noticed += noticed;
        for (mine, others) in [(&mut self.rejected, rejected), (&mut self.refused, refused)] {
            for (reason, (count, example)) in others {
                mine.entry(reason).or_insert((0, example)).0 += count;
            }
        }
        self.failures.extend(failures);
    }

    pub(super) fn note_rejected(&mut self, reason: &str, example: impl FnOnce() -> String) {
        note(&mut self.rejected, reason, example);
    }

    pub(super) fn note_refused(&mut self, reason: &str, example: impl FnOnce() -> String) {
        note(&mut self.refused, reason, example);
    }

    /// Keeps the text of a failure, if there are not many yet.
    pub(super) fn note_failure(&mut self, text: String) {
        if self.failures.len() < FAILURES {
            println!("fuzz: {text}");
            self.failures.push(text);
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.failures.len() < FAILURES
    }
}

/// Counts a reason; names in quotes and numbers in it do not make another one.
fn note(reasons: &mut Reasons, reason: &str, example: impl FnOnce() -> String) {
    let mut key = String::new();
    let mut quote = None;
    for character in reason.chars() {
        match quote {
            Some(end) if end == character => quote = None,
            Some(_) => continue,
            None if matches!(character, '"' | '`') => quote = Some(character),
            None => {}
        }
        if !character.is_ascii_digit() {
            key.push(character);
        }
    }
    reasons.entry(key).or_insert_with(|| (0, example())).0 += 1;
}

fn list(f: &mut fmt::Formatter<'_>, what: &str, reasons: &Reasons) -> fmt::Result {
    let mut reasons: Vec<_> = reasons.iter().collect();
    reasons.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (reason, (count, example)) in reasons.into_iter().take(REASONS) {
        writeln!(f, "{what} {count}: {reason}\n    {example}")?;
    }
    Ok(())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, "rejected", &self.rejected)?;
        list(f, "refused", &self.refused)?;
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        writeln!(
            f,
            "{} statements the engine rejects, {} take too long, {} answers depend on the order of rows; unrewritten, {} of {} \
             answers differ",
            self.rejected(),
            self.given_up,
            self.undetermined,
            self.noticed,
            self.measured
        )?;
        write!(
            f,
            "fuzz: {} statements, {} refused, {} wrong, {} errors; sensitivity {} %",
            self.statements,
            self.refused(),
            self.wrong,
            self.errors,
            self.sensitivity()
        )
    }
}
