//! Runs a made statement on both sides and says what came of it. Whatever it writes is rolled back.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tenancy_sql::{Catalog, Checked, Config, Dialect, Firewall};

use super::{schema, text::Statement};
use crate::oracle::{
    answer::{Answer, Order},
    engine::{Bind, Engine, Side},
    tables::{self, Ddl, OURS, TENANT, Table},
    words::Words,
};

/// What came of a statement.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The same on both sides; whether the tenant had to do with it.
    Same { is_confined: bool },
    /// The engine does not take it as it is, for this reason.
    Rejected(String),
    /// The firewall does not take it, for this reason.
    Refused(String),
    /// It takes too long.
    GivenUp,
    /// The engine takes it as it is, but not as it was rewritten.
    Error(String),
    /// Another answer that the engine itself gives in another order of rows.
    Undetermined(String),
    /// Another answer, or another tenant's row was touched, or a panic.
    Wrong(String),
}

/// Both sides, with a few rows of three tenants.
#[derive(Debug)]
pub(super) struct Arena<E> {
    engine: E,
    tables: Vec<Table>,
    firewall: Firewall,
    /// The statement that shows all rows of all tenants' tables, and what it shows of the neighbours.
    everything: String,
    neighbours: Vec<Vec<String>>,
}

impl<E: Engine> Arena<E> {
    pub(super) async fn new(mut engine: E) -> Result<Self, String> {
        engine.clear().await?;
        let config = Config::parse(&schema::config(E::DIALECT, TENANT))
            .map_err(|error| error.to_string())?;
        let mut tables = Vec::new();
        let mut history = format!("{};\n", schema::GLOBAL);
        for side in [Side::Baseline, Side::Shared] {
            engine.run(side, schema::GLOBAL).await?;
        }
        for ddl in schema::TENANTS {
            let (baseline, shared) = match tables::read(E::DIALECT, &Words::of(ddl)) {
                Some(Ddl::Table(new)) => {
                    tables.push(new.table);
                    (new.baseline, new.shared)
                }
                Some(Ddl::Index(shared)) => ((*ddl).to_owned(), shared),
                other => return Err(format!("{ddl} was read as {other:?}")),
            };
            engine.run(Side::Baseline, &baseline).await?;
            engine.run(Side::Shared, &shared).await?;
            history.push_str(&shared);
            history.push_str(";\n");
        }
        let (name, query) = schema::VIEW;
        let view = format!("CREATE VIEW {name} AS {query}");
        engine.run(Side::Baseline, &view).await?;
        let firewall = firewall(E::DIALECT, &config, &format!("{history}{view}"))?;
        let confined = pass(&firewall, query)?
            .sql()
            .replace("$1", &OURS.to_string());
        engine
            .run(Side::Shared, &format!("CREATE VIEW {name} AS {confined}"))
            .await?;
        for rows in schema::ROWS {
            engine.run(Side::Baseline, rows).await?;
            let checked = pass(&firewall, rows)?;
            engine
                .ask(Side::Shared, checked.sql(), &[Bind::Int(OURS)], usize::MAX)
                .await?;
        }
        let noise: String = tables
            .iter()
            .map(|table| table.with_noise(E::DIALECT))
            .collect();
        engine.run(Side::Shared, &noise).await?;
        let everything = everything(E::DIALECT, &tables);
        let mut arena = Self {
            engine,
            tables,
            firewall,
            everything,
            neighbours: Vec::new(),
        };
        arena.neighbours = arena.shared().await?.1;
        Ok(arena)
    }

    /// Whether the answer of a statement that only reads is another one when it is not rewritten; `None` if there is none.
    pub(super) async fn is_noticed(&mut self, statement: &Statement) -> Option<bool> {
        let expected = self
            .engine
            .ask(
                Side::Baseline,
                &statement.text(own_schema(E::DIALECT, Side::Baseline)),
                &statement.binds,
                usize::MAX,
            )
            .await
            .ok()?;
        let leaky = self
            .engine
            .ask(
                Side::Unconfined,
                &statement.text(own_schema(E::DIALECT, Side::Shared)),
                &statement.binds,
                expected.rows.len(),
            )
            .await
            .ok()?;
        Some(!leaky.is_same(&expected, order(statement)))
    }

    /// What the firewall makes of it.
    pub(super) fn check(&self, statement: &Statement) -> Result<Arc<Checked>, Outcome> {
        let sql = statement.text(schema_in_front(E::DIALECT));
        match catch_unwind(AssertUnwindSafe(|| self.firewall.check(&sql))) {
            Err(_) => Err(Outcome::Wrong("the firewall panicked".to_owned())),
            Ok(Ok(checked)) => Ok(checked),
            Ok(Err(refused)) => Err(Outcome::Refused(format!(
                "{:?}: {}: {}",
                refused.kind(),
                refused.met(),
                refused.why()
            ))),
        }
    }

    /// Runs it on both sides. An error is one of the machinery.
    pub(super) async fn run(&mut self, statement: &Statement) -> Result<Outcome, String> {
        if statement.writes {
            self.write(statement).await
        } else {
            self.read(statement).await
        }
    }

    async fn ask_baseline(&mut self, statement: &Statement) -> Result<Answer, Outcome> {
        let sql = statement.text(own_schema(E::DIALECT, Side::Baseline));
        match self
            .engine
            .ask(Side::Baseline, &sql, &statement.binds, usize::MAX)
            .await
        {
            Ok(answer) => Ok(answer),
            Err(error) if E::took_too_long(&error) => Err(Outcome::GivenUp),
            Err(error) => Err(Outcome::Rejected(error)),
        }
    }

    async fn ask_shared(
        &mut self,
        statement: &Statement,
        checked: &Checked,
    ) -> Result<Answer, Outcome> {
        let mut binds = statement.binds.clone();
        if binds.len() != checked.params() {
            return Err(Outcome::Wrong(format!(
                "{} values, counted {}",
                binds.len(),
                checked.params()
            )));
        }
        binds.extend(checked.binds_tenant().then_some(Bind::Int(OURS)));
        match self
            .engine
            .ask(Side::Shared, checked.sql(), &binds, usize::MAX)
            .await
        {
            Ok(answer) => Ok(answer),
            Err(error) if E::took_too_long(&error) => Err(Outcome::GivenUp),
            Err(error) => Err(Outcome::Error(format!(
                "{error}\n    sent: {}",
                checked.sql()
            ))),
        }
    }

    async fn read(&mut self, statement: &Statement) -> Result<Outcome, String> {
        let expected = match self.ask_baseline(statement).await {
            Ok(expected) => expected,
            Err(outcome) => return Ok(outcome),
        };
        let checked = match self.check(statement) {
            Ok(checked) => checked,
            Err(outcome) => return Ok(outcome),
        };
        let answer = match self.ask_shared(statement, &checked).await {
            Ok(answer) => answer,
            Err(outcome) => return Ok(outcome),
        };
        let order = order(statement);
        if answer.is_same(&expected, order) {
            return Ok(Outcome::Same {
                is_confined: checked.binds_tenant(),
            });
        }
        let sql = statement.text(temporary(E::DIALECT));
        let others = self
            .engine
            .ask_reordered(&sql, &statement.binds, &self.tables)
            .await;
        let is_stable = others
            .iter()
            .flatten()
            .all(|other| other.is_same(&expected, order));
        let what = difference(&checked, &expected, &answer);
        Ok(if is_stable || answer.rows.len() != expected.rows.len() {
            Outcome::Wrong(what)
        } else {
            Outcome::Undetermined(what)
        })
    }

    async fn write(&mut self, statement: &Statement) -> Result<Outcome, String> {
        for side in [Side::Baseline, Side::Shared] {
            self.engine.run(side, "BEGIN").await?;
        }
        let outcome = self.write_both(statement).await;
        for side in [Side::Baseline, Side::Shared] {
            self.engine.run(side, "ROLLBACK").await?;
        }
        Ok(outcome.unwrap_or_else(|outcome| outcome))
    }

    async fn write_both(&mut self, statement: &Statement) -> Result<Outcome, Outcome> {
        let machinery = |error| Outcome::Error(format!("of the fuzzer's own: {error}"));
        let expected = self.ask_baseline(statement).await?;
        let checked = self.check(statement)?;
        let answer = self.ask_shared(statement, &checked).await?;
        if answer.affected != expected.affected || !answer.is_same(&expected, Order::AnyRows) {
            return Err(Outcome::Wrong(difference(&checked, &expected, &answer)));
        }
        let (own, neighbours) = self.shared().await.map_err(machinery)?;
        if neighbours != self.neighbours {
            return Err(Outcome::Wrong(format!(
                "rows of other tenants changed\n    sent: {}",
                checked.sql()
            )));
        }
        let everything = self.everything.clone();
        let alone = self
            .engine
            .ask(Side::Baseline, &everything, &[], usize::MAX)
            .await
            .map_err(machinery)?;
        if alone.rows != own {
            return Err(Outcome::Wrong(format!(
                "the rows are others\n    sent: {}\n    expected {:?}\n    have {own:?}",
                checked.sql(),
                alone.rows
            )));
        }
        Ok(Outcome::Same { is_confined: true })
    }

    /// The tenant's rows on the shared side, and those of the others.
    async fn shared(&mut self) -> Result<(Vec<Vec<String>>, Vec<Vec<String>>), String> {
        let everything = self.everything.clone();
        let rows = self
            .engine
            .ask(Side::Shared, &everything, &[], usize::MAX)
            .await?
            .rows;
        let ours = OURS.to_string();
        Ok(rows.into_iter().partition(|row| row.get(1) == Some(&ours)))
    }
}

/// The firewall for the schema of all runs.
pub(super) fn firewall(
    dialect: Dialect,
    config: &Config,
    history: &str,
) -> Result<Firewall, String> {
    let catalog = Catalog::builder(dialect)
        .config(config)
        .migration("fuzz", history)
        .build()
        .map_err(|error| error.to_string())?;
    // No statement comes twice.
    Ok(Firewall::new(catalog).with_cache_capacity(0))
}

fn pass(firewall: &Firewall, sql: &str) -> Result<Arc<Checked>, String> {
    firewall.check(sql).map_err(|refused| refused.render(sql))
}

fn order(statement: &Statement) -> Order {
    if statement.is_ordered {
        Order::Rows
    } else {
        Order::AnyRows
    }
}

/// What a caller may write in front of a table.
fn schema_in_front(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "public",
        Dialect::Sqlite => "main",
    }
}

/// What the tables' schema is called on a side.
fn own_schema(dialect: Dialect, side: Side) -> &'static str {
    match (dialect, side) {
        (Dialect::Sqlite, _) => "main",
        (Dialect::Postgres, Side::Baseline) => "baseline",
        (Dialect::Postgres, Side::Shared | Side::Unconfined) => "shared",
    }
}

/// What the schema of temporary tables is called.
fn temporary(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "pg_temp",
        Dialect::Sqlite => "temp",
    }
}

/// One row for each table and tenant, with all of its rows in it.
fn everything(dialect: Dialect, tables: &[Table]) -> String {
    let selects: Vec<String> = tables
        .iter()
        .map(|table| {
            let (name, columns) = (&table.name, table.names());
            let label = name.replace(['"', '\''], "");
            match dialect {
                Dialect::Postgres => format!(
                    "SELECT '{label}', {TENANT}, string_agg(x::text, ';' ORDER BY x::text) FROM (SELECT {columns}, {TENANT} FROM {name}) x GROUP BY {TENANT}"
                ),
                Dialect::Sqlite => {
                    let row = columns.split(", ").map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || ',' || ");
                    format!(
                        "SELECT '{label}', {TENANT}, group_concat(x, ';' ORDER BY x) FROM (SELECT {TENANT}, {row} AS x FROM {name}) GROUP BY {TENANT}"
                    )
                }
            }
        })
        .collect();
    format!("{} ORDER BY 1, 2", selects.join(" UNION ALL "))
}

fn difference(checked: &Checked, expected: &Answer, answer: &Answer) -> String {
    format!(
        "sent: {}\n    expected {} written, {}\n    answered {} written, {}",
        checked.sql(),
        expected.affected,
        expected.excerpt(),
        answer.affected,
        answer.excerpt()
    )
}
