//! What the oracle wants from a database engine: two databases, and statements run on either.

use tenancy_sql::Dialect;

use super::{answer::Answer, tables::Table};

/// Which database, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The tenant's rows alone.
    Baseline,
    /// Three tenants' rows.
    Shared,
    /// Three tenants' rows, asked what is not confined to one: such a statement may join everything with everything, so it
    /// is given up when it takes long.
    Unconfined,
}

/// A value for a placeholder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bind {
    Int(i64),
    Real(f64),
    Text(String),
}

/// A database engine. Errors are the engine's text: they end up in a report.
pub(crate) trait Engine {
    /// The firewall's dialect.
    const DIALECT: Dialect;
    /// What sqllogictest calls it.
    const NAME: &'static str;

    /// Whether this is the error of a statement that was given up, which says nothing about its answer.
    fn took_too_long(error: &str) -> bool;

    /// Empties both databases.
    async fn clear(&mut self) -> Result<(), String>;

    /// Runs statements that answer nothing.
    async fn run(&mut self, side: Side, script: &str) -> Result<(), String>;

    /// Runs one statement with these values, and stops reading behind `most` rows.
    async fn ask(
        &mut self,
        side: Side,
        sql: &str,
        binds: &[Bind],
        most: usize,
    ) -> Result<Answer, String>;

    /// Asks the baseline again with its rows in other orders, to learn whether the answer depends on them.
    async fn ask_reordered(
        &mut self,
        sql: &str,
        binds: &[Bind],
        tables: &[Table],
    ) -> Result<Vec<Answer>, String>;

    /// Asks the baseline with copies of its tables in the place of the real ones, once with rising and once with falling rows.
    async fn ask_copies(
        &mut self,
        schema: &str,
        sql: &str,
        binds: &[Bind],
        tables: &[Table],
    ) -> Result<Vec<Answer>, String> {
        let rising = self.ask_copy(schema, sql, binds, tables, "ASC").await?;
        let falling = self.ask_copy(schema, sql, binds, tables, "DESC").await?;
        Ok(vec![rising, falling])
    }

    /// Asks the baseline with copies of its tables in the place of the real ones, the rows in this order.
    async fn ask_copy(
        &mut self,
        schema: &str,
        sql: &str,
        binds: &[Bind],
        tables: &[Table],
        order: &str,
    ) -> Result<Answer, String> {
        // A temporary table hides the one of the same name.
        let copies: String = tables
            .iter()
            .map(|Table { name, .. }| {
                format!("CREATE TEMPORARY TABLE {name} AS SELECT * FROM {schema}.{name} ORDER BY 1 {order};")
            })
            .collect();
        self.run(Side::Baseline, "BEGIN").await?;
        let answer = match self.run(Side::Baseline, &copies).await {
            Ok(()) => self.ask(Side::Baseline, sql, binds, usize::MAX).await,
            Err(error) => Err(error),
        };
        self.run(Side::Baseline, "ROLLBACK").await?;
        answer
    }
}
