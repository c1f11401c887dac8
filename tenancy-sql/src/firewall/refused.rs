//! A statement that did not pass: where, what, why, and what to write instead.

use std::borrow::Cow;
use std::fmt;

/// Which rule refused a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusedKind {
    /// Longer or more deeply nested than the firewall reads.
    TooLarge,
    /// Not made of the engine's tokens.
    Token,
    /// Not understood by the parser.
    Syntax,
    /// Empty, or more than one statement.
    StatementCount,
    /// A kind of statement or clause that is not allowed.
    Statement,
    /// A relation that is not in the catalogue, or not for tenants.
    Relation,
    /// A schema or database name in front of something.
    Qualifier,
    /// A function that is not on the list.
    Function,
    /// An operator that is not on the list.
    Operator,
    /// A type that is not allowed.
    Type,
    /// The tenant column where only the framework writes it.
    TenantColumn,
    /// A system column or `rowid`.
    SystemColumn,
    /// Placeholders with gaps, of mixed styles, or of an unknown style.
    Placeholder,
    /// A conflict clause that no key of the tenant's backs.
    Conflict,
    /// The rewritten text does not parse to what was meant; please report it.
    Unverified,
}

/// A refusal. One pointer wide; `Display` is one line, [`render`](Self::render) shows the place.
///
/// # Example: shown to a person
/// ```
/// # use tenancy_sql::{Catalog, Dialect, Firewall};
/// # let firewall = Firewall::new(Catalog::builder(Dialect::Postgres).build()?);
/// let sql = "SELECT pg_sleep(10)";
/// let refused = firewall.check(sql).unwrap_err();
/// assert!(refused.to_string().starts_with("refused at 1:8: function `pg_sleep`"), "{refused}");
/// assert!(refused.render(sql).contains("       ^^^^^^^^"));
/// # Ok::<(), tenancy_sql::CatalogError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    inner: Box<Inner>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: RefusedKind,
    start: usize,
    end: usize,
    line: usize,
    column: usize,
    met: Cow<'static, str>,
    why: Cow<'static, str>,
    instead: Cow<'static, str>,
}

impl Refused {
    pub(crate) fn new(
        kind: RefusedKind,
        met: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
        instead: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (met, why, instead) = (met.into(), why.into(), instead.into());
        Self {
            inner: Box::new(Inner {
                kind,
                start: 0,
                end: 0,
                line: 1,
                column: 1,
                met,
                why,
                instead,
            }),
        }
    }

    /// Sets the place, as bytes of the original text.
    pub(crate) fn at(mut self, sql: &str, start: usize, end: usize) -> Self {
        let start = (0..=start.min(sql.len()))
            .rev()
            .find(|at| sql.is_char_boundary(*at))
            .unwrap_or(0);
        let before = sql.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        self.inner.start = start;
        self.inner.end = end.clamp(start, sql.len());
        self.inner.line = before.matches('\n').count() + 1;
        self.inner.column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        self
    }

    /// Which rule it was.
    #[must_use]
    pub fn kind(&self) -> RefusedKind {
        self.inner.kind
    }

    /// Where it starts, in bytes of the original text.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.inner.start
    }

    /// What it covers, in bytes of the original text.
    #[must_use]
    pub fn range(&self) -> std::ops::Range<usize> {
        self.inner.start..self.inner.end
    }

    /// The line in the original text, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.inner.line
    }

    /// The column in its line, in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.inner.column
    }

    /// What was met, such as ``function `pg_sleep` ``.
    #[must_use]
    pub fn met(&self) -> &str {
        &self.inner.met
    }

    /// Why it can't pass.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.inner.why
    }

    /// What to write or declare instead.
    #[must_use]
    pub fn instead(&self) -> &str {
        &self.inner.instead
    }

    /// The message, and below it the line of the statement with the place underlined.
    #[must_use]
    pub fn render(&self, sql: &str) -> String {
        let Inner {
            start, end, line, ..
        } = &*self.inner;
        let text = sql.lines().nth(line - 1).unwrap_or_default();
        let number = line.to_string();
        let met = sql.get(*start..*end).unwrap_or_default();
        let width = met
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            .max(1);
        let blank: String = text
            .chars()
            .take(self.inner.column - 1)
            .map(|character| if character == '\t' { '\t' } else { ' ' })
            .collect();
        let margin = " ".repeat(number.len());
        format!(
            "{self}\n{margin} |\n{number} | {text}\n{margin} | {blank}{}\n",
            "^".repeat(width)
        )
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            line,
            column,
            met,
            why,
            instead,
            ..
        } = &*self.inner;
        write!(f, "refused at {line}:{column}: {met}: {why}; {instead}")
    }
}

impl std::error::Error for Refused {}
