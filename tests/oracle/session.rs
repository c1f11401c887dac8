//! One file against both databases, record by record.

use std::sync::Arc;

use tenancy_sql::{Catalog, Config, Firewall};

use super::{
    Wall,
    answer::{Answer, Order},
    corpus::Record,
    engine::{Bind, Engine, Side},
    neighbours::Neighbours,
    report::Report,
    tables::{self, Ddl, OURS, TENANT, Table},
    words::Words,
};

/// After how many plain INSERTs the neighbours get rows too.
const ADDITIONS: u32 = 16;

/// After how many writes every table is looked at, not only those that the statement names.
const EVERYWHERE: u32 = 32;

/// See the module.
pub(super) struct Session<'a, E> {
    engine: &'a mut E,
    wall: Wall,
    report: &'a mut Report,
    file: &'a str,
    tables: Vec<Table>,
    views: Vec<String>,
    neighbours: Neighbours,
    /// The DDL of the shared side, as the catalogue reads it.
    history: String,
    firewall: Option<Firewall>,
    writes: u32,
}

/// What is sent to the shared side in place of a statement.
struct Sent {
    sql: Arc<str>,
    binds: Vec<Bind>,
}

/// The sides have different rows, so that the rest of the file means nothing.
pub(super) struct Diverged;

/// Whether the file can go on; an `Err` is a statement of the oracle itself that failed.
type Step = Result<Result<(), Diverged>, String>;

impl<'a, E: Engine> Session<'a, E> {
    pub(super) async fn new(
        engine: &'a mut E,
        wall: Wall,
        report: &'a mut Report,
        file: &'a str,
    ) -> Result<Self, String> {
        engine.clear().await?;
        Ok(Self {
            engine,
            wall,
            report,
            file,
            tables: Vec::new(),
            views: Vec::new(),
            neighbours: Neighbours::default(),
            history: String::new(),
            firewall: None,
            writes: 0,
        })
    }

    /// Runs one record; a query that is not `chosen` is left out.
    pub(super) async fn record(&mut self, record: &Record, chosen: bool) -> Step {
        let words = Words::of(&record.sql);
        if let Some(ddl) = tables::read(E::DIALECT, &words) {
            self.ddl(record, ddl).await?;
            return Ok(Ok(()));
        }
        match words.text(0).to_ascii_lowercase().as_str() {
            _ if words.writes() => self.write(record, &words).await,
            "select" | "with" | "values" | "table" | "(" if chosen => {
                self.read(record, &words).await
            }
            "select" | "with" | "values" | "table" | "(" => Ok(Ok(())),
            _ => {
                self.skip(record, "not a statement that the oracle runs");
                Ok(Ok(()))
            }
        }
    }

    async fn ddl(&mut self, record: &Record, ddl: Ddl<'_>) -> Result<(), String> {
        let baseline = match &ddl {
            Ddl::Table(new) => &*new.baseline,
            Ddl::Unsupported => {
                self.skip(record, "a change of the schema that the oracle does not do");
                return Ok(());
            }
            _ => &*record.sql,
        };
        for side in [Side::Baseline, Side::Shared] {
            self.engine.run(side, "BEGIN").await?;
        }
        let mut shared = String::new();
        let outcome = match self.engine.run(Side::Baseline, baseline).await {
            Ok(()) => match self.on_shared(record, &ddl) {
                Some(text) => {
                    shared = text;
                    self.engine.run(Side::Shared, &shared).await.map_err(Some)
                }
                None => Err(None),
            },
            Err(error) => {
                self.skip(record, &error);
                Err(None)
            }
        };
        let end = if outcome.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        for side in [Side::Baseline, Side::Shared] {
            self.engine.run(side, end).await?;
        }
        match outcome {
            Err(Some(error)) => self.report.note_error(&self.place(record, &shared, &error)),
            Err(None) => {}
            Ok(()) => {
                self.history.push_str(&shared);
                self.history.push_str(";\n");
                self.firewall = None;
                self.keep(ddl);
            }
        }
        Ok(())
    }

    /// What makes the same change on the shared side; `None` if the wall refuses it.
    fn on_shared(&mut self, record: &Record, ddl: &Ddl<'_>) -> Option<String> {
        Some(match ddl {
            Ddl::Table(new) => new.shared.clone(),
            Ddl::Index(shared) => shared.clone(),
            // The query of a view goes through the wall as well, with the tenant written into it.
            Ddl::View(name, query) => {
                let sent = self.pass(record, query)?;
                let query = sent.sql.replace("$1", &OURS.to_string());
                format!("CREATE VIEW {name} AS {query}")
            }
            _ => record.sql.clone(),
        })
    }

    fn keep(&mut self, ddl: Ddl<'_>) {
        match ddl {
            Ddl::Table(new) => {
                self.neighbours.add(&new.table);
                self.tables.push(new.table);
            }
            Ddl::View(name, _) => self.views.push(name.to_owned()),
            Ddl::DropTable(name) => {
                self.neighbours.remove(name);
                self.tables
                    .retain(|table| !table.name.eq_ignore_ascii_case(name));
            }
            Ddl::DropView(name) => self.views.retain(|view| !view.eq_ignore_ascii_case(name)),
            Ddl::Index(_) | Ddl::DropIndex | Ddl::Unsupported => {}
        }
    }

    async fn read(&mut self, record: &Record, words: &Words<'_>) -> Step {
        let sql = &record.sql;
        let expected = match self.engine.ask(Side::Baseline, sql, &[], usize::MAX).await {
            Ok(expected) => expected,
            Err(error) => {
                self.skip(record, &error);
                return Ok(Ok(()));
            }
        };
        let Some(sent) = self.pass(record, sql) else {
            return Ok(Ok(()));
        };
        if self.refill(record).await?.is_err() {
            return Ok(Err(Diverged));
        }
        let answer = match self
            .engine
            .ask(Side::Shared, &sent.sql, &sent.binds, usize::MAX)
            .await
        {
            Ok(answer) => answer,
            Err(error) if E::took_too_long(&error) => {
                self.skip(record, "given up: takes too long on the shared tables");
                return Ok(Ok(()));
            }
            Err(error) => {
                self.report
                    .note_error(&self.place(record, &sent.sql, &error));
                return Ok(Ok(()));
            }
        };
        let order = Order::of(record.query, words.is_ordered());
        if !answer.is_same(&expected, order) {
            let others = self.engine.ask_reordered(sql, &[], &self.tables).await;
            let is_stable = others
                .iter()
                .flatten()
                .all(|other| other.is_same(&expected, order));
            let difference = self.difference(record, &sent, &expected, &answer);
            if is_stable || answer.rows.len() != expected.rows.len() {
                self.report.note_wrong(&difference);
            } else {
                self.report.note_undetermined(&difference);
            }
        }
        if !sent.binds.is_empty() || self.wall == Wall::OpenForReads {
            let most = expected.rows.len();
            if let Ok(leaky) = self.engine.ask(Side::Unconfined, sql, &[], most).await {
                self.report.measured += 1;
                self.report.differed += u64::from(!leaky.is_same(&expected, order));
            }
        }
        Ok(Ok(()))
    }

    async fn write(&mut self, record: &Record, words: &Words<'_>) -> Step {
        let adds = words.only_adds();
        self.writes += 1;
        if (!adds || self.writes.is_multiple_of(ADDITIONS)) && self.refill(record).await?.is_err() {
            return Ok(Err(Diverged));
        }
        self.engine.run(Side::Baseline, "BEGIN").await?;
        let outcome = self.write_both(record, words).await;
        let end = if outcome.is_some() {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        self.engine.run(Side::Baseline, end).await?;
        let Some((sent, expected, answer)) = outcome else {
            return Ok(Ok(()));
        };
        if answer.affected != expected.affected || !answer.is_same(&expected, Order::AnyRows) {
            self.report
                .note_wrong(&self.difference(record, &sent, &expected, &answer));
            return Ok(Err(Diverged));
        }
        self.neighbours.outdated_by(words, &self.tables);
        if adds {
            // Looked at when the neighbours' rows are made anew.
            return Ok(Ok(()));
        }
        let complaint = if self.writes.is_multiple_of(EVERYWHERE) {
            self.neighbours
                .look_everywhere(self.engine, &self.tables)
                .await?
        } else {
            self.neighbours.look(self.engine, &self.tables).await?
        };
        Ok(match complaint {
            None => Ok(()),
            Some(complaint) => {
                self.report
                    .note_wrong(&self.place(record, &sent.sql, &complaint));
                Err(Diverged)
            }
        })
    }

    /// Looks at every table once more; what is found is noted with the last record.
    pub(super) async fn finish(&mut self, last: &Record) -> Result<(), String> {
        if let Some(complaint) = self
            .neighbours
            .look_everywhere(self.engine, &self.tables)
            .await?
        {
            self.report
                .note_wrong(&self.place(last, "(at or before this record)", &complaint));
        }
        Ok(())
    }

    /// Both sides' answers to a write that both accept.
    async fn write_both(
        &mut self,
        record: &Record,
        words: &Words<'_>,
    ) -> Option<(Sent, Answer, Answer)> {
        let sql = &record.sql;
        let mut expected = self.engine.ask(Side::Baseline, sql, &[], usize::MAX).await;
        if expected.is_err()
            && let Some(sql) = tables::star_written_out(words, &self.tables)
        {
            expected = self.engine.ask(Side::Baseline, &sql, &[], usize::MAX).await;
        }
        let expected = match expected {
            Ok(expected) => expected,
            Err(error) => {
                self.skip(record, &error);
                return None;
            }
        };
        let sent = self.pass(record, sql)?;
        match self
            .engine
            .ask(Side::Shared, &sent.sql, &sent.binds, usize::MAX)
            .await
        {
            Ok(answer) => Some((sent, expected, answer)),
            Err(error) => {
                self.report
                    .note_error(&self.place(record, &sent.sql, &error));
                None
            }
        }
    }

    /// Brings the neighbours up to date.
    async fn refill(&mut self, record: &Record) -> Step {
        let complaint = self.neighbours.refill(self.engine, &self.tables).await?;
        Ok(match complaint {
            None => Ok(()),
            Some(complaint) => {
                self.report
                    .note_wrong(&self.place(record, "(before this record)", &complaint));
                Err(Diverged)
            }
        })
    }

    /// What the wall makes of a statement that the engine accepts; `None` if it is refused.
    fn pass(&mut self, record: &Record, sql: &str) -> Option<Sent> {
        self.report.statements += 1;
        let words = Words::of(sql);
        let open = match self.wall {
            Wall::Firewall => false,
            Wall::OpenForReads => !words.writes(),
            Wall::OpenForWrites => words.is(0, "update") || words.is(0, "delete"),
        };
        if open {
            return Some(Sent {
                sql: sql.into(),
                binds: Vec::new(),
            });
        }
        let answer = match self.firewall() {
            Ok(firewall) => firewall.check(sql).map_err(|refused| {
                format!("{:?}: {}: {}", refused.kind(), refused.met(), refused.why())
            }),
            Err(error) => Err(error),
        };
        match answer {
            Ok(checked) => Some(Sent {
                sql: Arc::clone(checked.sql()),
                binds: checked
                    .binds_tenant()
                    .then_some(Bind::Int(OURS))
                    .into_iter()
                    .collect(),
            }),
            Err(reason) => {
                let place = || format!("{}:{}: {}", self.file, record.line, one_line(sql));
                self.report.note_refused(&reason, place);
                None
            }
        }
    }

    /// The firewall for the schema as it is now.
    fn firewall(&mut self) -> Result<&Firewall, String> {
        if self.firewall.is_none() {
            let dialect = E::DIALECT;
            let config = format!(
                "[tenancy]\ndialect = \"{dialect}\"\ntenant_column = \"{TENANT}\"\nviews = {:?}\n",
                self.views
            );
            let config =
                Config::parse(&config).map_err(|error| format!("configuration: {error}"))?;
            let catalog = Catalog::builder(dialect)
                .config(&config)
                .migration(self.file, &*self.history)
                .build()
                .map_err(|error| format!("catalogue: {error}"))?;
            self.firewall = Some(Firewall::new(catalog).with_cache_capacity(64));
        }
        self.firewall
            .as_ref()
            .ok_or_else(|| "no firewall".to_owned())
    }

    /// Notes that a statement of the oracle itself failed.
    pub(super) fn fail(&mut self, record: &Record, error: &str) {
        self.report
            .note_error(&self.place(record, "(a statement of the oracle)", error));
    }

    fn skip(&mut self, record: &Record, reason: &str) {
        let place = || format!("{}:{}: {}", self.file, record.line, one_line(&record.sql));
        self.report.note_skipped(reason, place);
    }

    fn place(&self, record: &Record, sent: &str, what: &str) -> String {
        format!(
            "{}:{}: {}\n    sent: {}\n    {what}",
            self.file,
            record.line,
            one_line(&record.sql),
            one_line(sent)
        )
    }

    fn difference(
        &self,
        record: &Record,
        sent: &Sent,
        expected: &Answer,
        answer: &Answer,
    ) -> String {
        let (expected_rows, rows) = (expected.excerpt(), answer.excerpt());
        let excerpts = if Words::of(&record.sql).writes() {
            format!(
                "expected {} written, {expected_rows}\n    answered {} written, {rows}",
                expected.affected, answer.affected
            )
        } else {
            format!("expected {expected_rows}\n    answered {rows}")
        };
        self.place(record, &sent.sql, &excerpts)
    }
}

/// The text without its line breaks, cut where it gets long.
fn one_line(sql: &str) -> String {
    let text: Vec<&str> = sql.split_whitespace().collect();
    let mut text = text.join(" ");
    if let Some((at, _)) = text.char_indices().nth(600) {
        text.truncate(at);
        text.push_str(" ...");
    }
    text
}
