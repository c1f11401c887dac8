//! What the oracle wants from a database engine: two databases, and statements run on either.

use tenancy_sql::Dialect;

use super::{answer::Answer, tables::Table};

/// Which database, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The tenant's rows alone.
    Baseline,
    /// Three tenants' rows.
    Shared,
    /// Three tenants' rows, asked what is not confined to one: such a statement may join everything with everything, so it
    /// is given up when it takes long.
    Unconfined,
}

/// A database engine. Errors are the engine's text: they end up in a report.
#[expect(async_fn_in_trait, reason = "used in this crate, on one thread")]
pub(super) trait Engine {
    /// The firewall's dialect.
    const DIALECT: Dialect;
    /// What sqllogictest calls it.
    const NAME: &'static str;

    /// Empties both databases.
    async fn clear(&mut self) -> Result<(), String>;

    /// Runs statements that answer nothing.
    async fn run(&mut self, side: Side, script: &str) -> Result<(), String>;

    /// Runs one statement with the tenant bound to its one placeholder, and stops reading behind `most` rows.
    async fn ask(
        &mut self,
        side: Side,
        sql: &str,
        tenant: Option<i64>,
        most: usize,
    ) -> Result<Answer, String>;

    /// Asks the baseline again with its rows in another order, to learn whether the answer depends on it.
    async fn ask_reordered(&mut self, sql: &str, tables: &[Table]) -> Result<Answer, String>;
}
