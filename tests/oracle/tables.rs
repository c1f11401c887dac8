//! Each table twice: as the file creates it, for one tenant alone, and with keys that begin with the tenant, for three. Both
//! have the tenant's column, last, so that a star means the same on both sides.

use std::ops::Range;

use tenancy_sql::Dialect;

use super::words::Words;

/// The tenant's column.
pub(crate) const TENANT: &str = "tenant_id";

/// The tenant whose statements are run.
pub(crate) const OURS: i64 = 1;

/// What a statement of a file does to the schema.
#[derive(Debug)]
pub(crate) enum Ddl<'a> {
    Table(NewTable),
    /// An index; the text is that of the shared side.
    Index(String),
    /// A view's name and its query.
    View(&'a str, &'a str),
    DropTable(&'a str),
    DropView(&'a str),
    DropIndex,
    /// Nothing that can be done to both sides alike: triggers, `CREATE TABLE ... AS`.
    Unsupported,
}

/// A table of both sides.
#[derive(Debug)]
pub(crate) struct NewTable {
    pub(crate) table: Table,
    pub(crate) baseline: String,
    pub(crate) shared: String,
}

/// What filling a table with noise needs to know.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) references: bool,
}

/// A column that rows are written to.
#[derive(Debug)]
pub(crate) struct Column {
    name: String,
    is_numeric: bool,
}

/// Reads a statement that changes the schema; `None` if it is something else.
pub(crate) fn read<'a>(dialect: Dialect, words: &Words<'a>) -> Option<Ddl<'a>> {
    let if_exists = |at| {
        if words.are(at, &["if", "exists"]) {
            at + 2
        } else {
            at
        }
    };
    if words.is(0, "drop") {
        let name = words.text(if_exists(2));
        return Some(match words.text(1).to_ascii_lowercase().as_str() {
            "table" => Ddl::DropTable(name),
            "view" => Ddl::DropView(name),
            "index" => Ddl::DropIndex,
            _ => Ddl::Unsupported,
        });
    }
    if !words.is(0, "create") {
        return None;
    }
    let at = 1 + usize::from(words.is(1, "unique"));
    let after = if words.are(at + 1, &["if", "not", "exists"]) {
        at + 4
    } else {
        at + 1
    };
    let read = match words.text(at).to_ascii_lowercase().as_str() {
        "table" => new_table(dialect, words, after).map(Ddl::Table),
        "index" => index(words).map(Ddl::Index),
        "view" if words.is(after + 1, "as") => Some(Ddl::View(
            words.text(after),
            words.slice(after + 2..words.len()),
        )),
        _ => None,
    };
    Some(read.unwrap_or(Ddl::Unsupported))
}

/// The keys of an index begin with the tenant, unique or not.
fn index(words: &Words<'_>) -> Option<String> {
    let on = words.find(0..words.len(), &["on"])?;
    let open = words.find(on..words.len(), &["("])?;
    Some(format!(
        "{} ({TENANT}, {}",
        words.slice(0..open),
        words.slice(open + 1..words.len())
    ))
}

fn new_table(dialect: Dialect, words: &Words<'_>, name: usize) -> Option<NewTable> {
    let open = words.is(name + 1, "(").then_some(name + 1)?;
    let close = words.close_of(open)?;
    let mut table = Table {
        name: words.text(name).to_owned(),
        columns: Vec::new(),
        references: words.find(open..close, &["references"]).is_some(),
    };
    let (own, shared_column) = match dialect {
        // Left out of an INSERT that lists no columns, and there in a star.
        Dialect::Sqlite => (
            "INTEGER GENERATED ALWAYS AS (1) VIRTUAL",
            "INTEGER NOT NULL",
        ),
        Dialect::Postgres => ("bigint NOT NULL DEFAULT 1", "bigint NOT NULL"),
    };
    let (mut baseline, mut shared) = (Vec::new(), Vec::new());
    let (mut constraints, mut keys) = (Vec::new(), Vec::new());
    for part in words.split(open + 1..close) {
        if is_constraint(words, part.start) {
            constraints.push(words.slice(part.clone()).to_owned());
            keys.push(wider(words, part));
            continue;
        }
        let end = words
            .find(part.start + 1..part.end, &AFTER_TYPE)
            .unwrap_or(part.end);
        if words.find(end..part.end, &["generated", "as"]).is_none() {
            table.columns.push(Column {
                name: words.text(part.start).to_owned(),
                is_numeric: NUMERIC.iter().any(|it| words.is(part.start + 1, it)),
            });
        }
        baseline.push(alone(dialect, words, part.clone()));
        shared.push(column(words, part, &mut keys));
    }
    baseline.push(format!("{TENANT} {own}"));
    shared.push(format!("{TENANT} {shared_column}"));
    baseline.append(&mut constraints);
    shared.append(&mut keys);
    let whole = |parts: &[String]| {
        format!(
            "{} ({}) {}",
            words.slice(0..open),
            parts.join(", "),
            words.slice(close + 1..words.len())
        )
    };
    Some(NewTable {
        baseline: whole(&baseline),
        shared: whole(&shared),
        table,
    })
}

/// What ends the type of a column.
const AFTER_TYPE: [&str; 10] = [
    "primary",
    "unique",
    "references",
    "not",
    "null",
    "default",
    "check",
    "generated",
    "as",
    "collate",
];

/// Types whose values one can be added to.
const NUMERIC: [&str; 12] = [
    "int", "integer", "smallint", "bigint", "int4", "int8", "real", "float", "double", "numeric",
    "decimal", "date",
];

fn is_constraint(words: &Words<'_>, at: usize) -> bool {
    ["constraint", "check", "foreign"]
        .iter()
        .any(|word| words.is(at, word))
        || words.are(at, &["primary", "key"])
        || words.are(at, &["unique", "("])
}

/// A constraint of a table, its keys beginning with the tenant.
fn wider(words: &Words<'_>, part: Range<usize>) -> String {
    let mut text = String::new();
    let mut is_key = false;
    for at in part {
        let word = words.text(at);
        text.push_str(word);
        text.push(' ');
        is_key |= ["key", "unique", "references"]
            .iter()
            .any(|it| words.is(at, it));
        if word == "(" && is_key {
            text.push_str(TENANT);
            text.push_str(", ");
            is_key = false;
        }
    }
    text
}

/// A column of the baseline. `INTEGER PRIMARY KEY` is SQLite's name for the row's number, which it fills in by itself; a key
/// that begins with the tenant can't do that, so neither may this one.
fn alone(dialect: Dialect, words: &Words<'_>, part: Range<usize>) -> String {
    if dialect == Dialect::Sqlite && words.are(part.start + 1, &["integer", "primary", "key"]) {
        let rest = words.slice(part.start + 2..part.end);
        return format!("{} INT {rest}", words.text(part.start));
    }
    words.slice(part).to_owned()
}

/// A column of the shared side; its keys go to those of the table.
fn column(words: &Words<'_>, part: Range<usize>, keys: &mut Vec<String>) -> String {
    let name = words.text(part.start);
    let mut kept = vec![name];
    let mut at = part.start + 1;
    while at < part.end {
        if words.are(at, &["primary", "key"]) {
            keys.push(format!("PRIMARY KEY ({TENANT}, {name})"));
            at += 2;
        } else if words.is(at, "unique") {
            keys.push(format!("UNIQUE ({TENANT}, {name})"));
            at += 1;
        } else if words.is(at, "references") {
            let foreign = wider(words, at..part.end);
            keys.push(format!("FOREIGN KEY ({TENANT}, {name}) {foreign}"));
            break;
        } else {
            kept.push(words.text(at));
            at += 1;
        }
    }
    kept.join(" ")
}

impl Table {
    fn list(&self, value: impl Fn(&Column) -> String) -> String {
        let values: Vec<String> = self.columns.iter().map(value).collect();
        values.join(", ")
    }

    /// The columns that rows are written to, without the tenant's.
    pub(crate) fn names(&self) -> String {
        self.list(|column| column.name.clone())
    }

    /// The statement that takes the neighbours' rows away.
    pub(crate) fn without_noise(&self) -> String {
        format!("DELETE FROM {} WHERE {TENANT} <> {OURS};", self.name)
    }

    /// Statements that give tenant 2 the same rows, and tenant 3 rows whose numbers are one more: still in the range of what
    /// is asked for.
    pub(crate) fn with_noise(&self, dialect: Dialect) -> String {
        let (table, names) = (&self.name, self.names());
        let more = self.list(|Column { name, is_numeric }| match dialect {
            Dialect::Sqlite => format!(
                "CASE typeof({name}) WHEN 'integer' THEN {name} + 1 WHEN 'real' THEN {name} + 1.0 ELSE {name} END"
            ),
            Dialect::Postgres if *is_numeric => format!("{name} + 1"),
            Dialect::Postgres => name.clone(),
        });
        let (verb, end) = match dialect {
            Dialect::Sqlite => ("INSERT OR IGNORE", ""),
            Dialect::Postgres => ("INSERT", " ON CONFLICT DO NOTHING"),
        };
        let rows = |tenant, values: &str| {
            format!(
                "{verb} INTO {table} ({names}, {TENANT}) SELECT {values}, {tenant} FROM {table} WHERE {TENANT} = {OURS}{end};"
            )
        };
        rows(2, &names) + &rows(3, &more)
    }
}

/// `INSERT INTO a SELECT * FROM b` with the star written out, for a baseline in which the star has a column that the INSERT
/// must not have.
pub(crate) fn star_written_out(words: &Words<'_>, tables: &[Table]) -> Option<String> {
    let select = words.find(0..words.len(), &["select"])?;
    if !words.is(0, "insert") || !words.are(select + 1, &["*", "from"]) {
        return None;
    }
    let from = words.text(select + 3);
    let table = tables
        .iter()
        .find(|table| table.name.eq_ignore_ascii_case(from))?;
    Some(format!(
        "{} {} {}",
        words.slice(0..select + 1),
        table.names(),
        words.slice(select + 2..words.len())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(sql: &str) -> (String, String) {
        match read(Dialect::Sqlite, &Words::of(sql)) {
            Some(Ddl::Table(new)) => (new.baseline, new.shared),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_begin_with_the_tenant() {
        let (baseline, shared) = both(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, name VARCHAR(8) NOT NULL UNIQUE, b INT REFERENCES b (id) ON DELETE CASCADE, \
             UNIQUE (name, b), FOREIGN KEY (b) REFERENCES b (id)) WITHOUT ROWID",
        );
        assert_eq!(
            baseline,
            "CREATE TABLE a (id INT PRIMARY KEY, name VARCHAR(8) NOT NULL UNIQUE, b INT REFERENCES b (id) ON DELETE CASCADE, \
             tenant_id INTEGER GENERATED ALWAYS AS (1) VIRTUAL, UNIQUE (name, b), FOREIGN KEY (b) REFERENCES b (id)) WITHOUT ROWID"
        );
        assert_eq!(
            shared,
            "CREATE TABLE a (id INTEGER, name VARCHAR ( 8 ) NOT NULL, b INT, tenant_id INTEGER NOT NULL, PRIMARY KEY (tenant_id, id), \
             UNIQUE (tenant_id, name), FOREIGN KEY (tenant_id, b) REFERENCES b ( tenant_id, id ) ON DELETE CASCADE , \
             UNIQUE ( tenant_id, name , b ) , FOREIGN KEY ( tenant_id, b ) REFERENCES b ( tenant_id, id ) ) WITHOUT ROWID"
        );
    }

    #[test]
    fn other_ddl() {
        let read = |sql| format!("{:?}", read(Dialect::Sqlite, &Words::of(sql)));
        assert_eq!(
            read("CREATE UNIQUE INDEX i ON t(a DESC, b)"),
            "Some(Index(\"CREATE UNIQUE INDEX i ON t (tenant_id, a DESC, b)\"))"
        );
        assert_eq!(
            read("CREATE VIEW v AS SELECT a FROM t"),
            "Some(View(\"v\", \"SELECT a FROM t\"))"
        );
        assert_eq!(read("DROP TABLE IF EXISTS t"), "Some(DropTable(\"t\"))");
        assert_eq!(read("CREATE TABLE a AS SELECT 1"), "Some(Unsupported)");
        assert_eq!(read("SELECT 1"), "None");
    }
}
