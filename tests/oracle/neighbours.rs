//! The other tenants of the shared side: what rows they have, and whether they still have them.

use std::collections::HashMap;

use tenancy_sql::Dialect;

use super::{
    engine::{Engine, Side},
    tables::{OURS, TENANT, Table},
    words::Words,
};

type Rows = Vec<Vec<String>>;

/// What is known about the neighbours' rows.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    rows: HashMap<String, Rows>,
    /// Tables whose rows do not follow from the tenant's any more, and whether both were looked at since.
    stale: HashMap<String, bool>,
}

impl Neighbours {
    pub(super) fn add(&mut self, table: &Table) {
        self.stale.insert(table.name.clone(), false);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.rows.remove(name);
        self.stale.remove(name);
    }

    /// Remembers that the tenant's rows in the tables of this statement may have changed.
    pub(super) fn outdated_by(&mut self, words: &Words<'_>, tables: &[Table]) {
        let cascades = tables.iter().any(|table| table.references);
        for table in tables {
            if cascades || words.find(0..words.len(), &[&table.name]).is_some() {
                self.stale.insert(table.name.clone(), false);
            }
        }
    }

    /// Gives the neighbours the rows that follow from those of the tenant, where these have changed. What they had before is
    /// looked at first.
    pub(super) async fn refill<E: Engine>(
        &mut self,
        engine: &mut E,
        tables: &[Table],
    ) -> Result<Option<String>, String> {
        let complaint = self.look(engine, tables).await?;
        let stale: Vec<&Table> = tables
            .iter()
            .filter(|table| self.stale.contains_key(&table.name))
            .collect();
        if stale.is_empty() || complaint.is_some() {
            return Ok(complaint);
        }
        let mut script: String = stale.iter().rev().map(|it| it.without_noise()).collect();
        script.extend(stale.iter().map(|it| it.with_noise(E::DIALECT)));
        if E::DIALECT == Dialect::Postgres {
            // Once, so that its planner knows something.
            let new = stale.iter().filter(|it| !self.rows.contains_key(&it.name));
            script.extend(new.map(|it| format!("ANALYZE {};", it.name)));
        }
        engine.run(Side::Shared, &script).await?;
        for table in stale {
            let (_, others) = shared(engine, table).await?;
            self.rows.insert(table.name.clone(), others);
            self.stale.remove(&table.name);
        }
        Ok(None)
    }

    /// Looks at the tables that were written to since they were last looked at. See [`check`](Self::check).
    pub(super) async fn look<E: Engine>(
        &mut self,
        engine: &mut E,
        tables: &[Table],
    ) -> Result<Option<String>, String> {
        for table in tables {
            if self.stale.get(&table.name) == Some(&false) {
                let complaint = self.check(engine, table).await?;
                if complaint.is_some() {
                    return Ok(complaint);
                }
                self.stale.insert(table.name.clone(), true);
            }
        }
        Ok(None)
    }

    /// Looks at all tables, also those that no statement should have reached. See [`check`](Self::check).
    pub(super) async fn look_everywhere<E: Engine>(
        &self,
        engine: &mut E,
        tables: &[Table],
    ) -> Result<Option<String>, String> {
        for table in tables {
            let complaint = self.check(engine, table).await?;
            if complaint.is_some() {
                return Ok(complaint);
            }
        }
        Ok(None)
    }

    /// Whether the tenant's rows are those of the baseline, and the neighbours' untouched; if not, what is wrong.
    async fn check<E: Engine>(
        &self,
        engine: &mut E,
        table: &Table,
    ) -> Result<Option<String>, String> {
        let (own, others) = shared(engine, table).await?;
        if self.rows.get(&table.name).map_or(&[][..], |rows| rows) != others {
            return Ok(Some(format!(
                "rows of other tenants in {} changed",
                table.name
            )));
        }
        if own != rows(engine, Side::Baseline, table).await? {
            return Ok(Some(format!("the rows in {} are others", table.name)));
        }
        Ok(None)
    }
}

/// The tenant's rows and those of the others.
async fn shared<E: Engine>(engine: &mut E, table: &Table) -> Result<(Rows, Rows), String> {
    let ours = OURS.to_string();
    let rows = rows(engine, Side::Shared, table).await?;
    Ok(rows.into_iter().partition(|row| row.last() == Some(&ours)))
}

async fn rows<E: Engine>(engine: &mut E, side: Side, table: &Table) -> Result<Rows, String> {
    let sql = format!("SELECT {}, {TENANT} FROM {}", table.names(), table.name);
    let mut rows = engine.ask(side, &sql, &[], usize::MAX).await?.rows;
    rows.sort_unstable();
    Ok(rows)
}
