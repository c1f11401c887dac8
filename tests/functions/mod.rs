//! Makes the firewall's lists of functions and operators: what the engines' own catalogues call harmless by kind and
//! volatility, without and with what `exceptions.txt` says. A person reviews the exceptions, and the change of the lists.

mod exceptions;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use sqlx::{Connection as _, Row as _, postgres::PgConnection, sqlite::SqliteConnection};
use tenancy_testkit::PgCluster;

use self::exceptions::Exceptions;

/// The major version of PostgreSQL that the checked-in lists are made from. Another one has other functions.
pub const MAJOR: i32 = 15;

/// Functions of which every overload is immutable or stable, takes and gives what a statement can have, and is not merely the
/// inside of an operator, an index, a type, an aggregate, a range, a parser or a conversion.
const POSTGRES: &str = "
WITH inside AS (
    SELECT oprcode::oid AS f FROM pg_operator UNION SELECT oprrest FROM pg_operator UNION SELECT oprjoin FROM pg_operator
    UNION SELECT amproc::oid FROM pg_amproc UNION SELECT amhandler::oid FROM pg_am
    UNION SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze, typsubscript]::oid[]) FROM pg_type
    UNION SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn]::oid[]) FROM pg_aggregate
    UNION SELECT unnest(ARRAY[rngcanonical, rngsubdiff]::oid[]) FROM pg_range
    UNION SELECT unnest(ARRAY[tmplinit, tmpllexize]::oid[]) FROM pg_ts_template
    UNION SELECT unnest(ARRAY[prsstart, prstoken, prsend, prsheadline, prslextype]::oid[]) FROM pg_ts_parser
    UNION SELECT conproc::oid FROM pg_conversion UNION SELECT prosupport::oid FROM pg_proc
)
SELECT proname::text FROM pg_proc p
WHERE pronamespace = 'pg_catalog'::regnamespace
GROUP BY proname
HAVING bool_and(
    provolatile IN ('i', 's') AND prokind IN ('f', 'a', 'w')
    AND NOT EXISTS (SELECT 1 FROM inside WHERE f = p.oid)
    AND NOT prorettype::regtype::text = ANY (ARRAY['internal', 'trigger', 'event_trigger', 'cstring', 'language_handler', 'fdw_handler',
        'index_am_handler', 'table_am_handler', 'tsm_handler'])
    AND NOT proargtypes::oid[] && ARRAY['internal', 'cstring']::regtype[]::oid[]
)";

const POSTGRES_OPERATORS: &str = "SELECT DISTINCT oprname::text FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace";

const VOLATILE: &str = "SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND provolatile = 'v'";

/// SQLite's own functions; it has no volatility, so each that is not harmless is an exception.
const SQLITE: &str = "SELECT DISTINCT name FROM pragma_function_list WHERE builtin";

/// One list: its file and the text of that.
#[derive(Debug)]
pub struct List {
    /// The name of the file among the firewall's lists.
    pub file: &'static str,
    /// What is to be in it.
    pub text: String,
    /// The major version of the server it was made from, if it was made from one.
    pub major: Option<i32>,
}

/// Makes all lists from a live PostgreSQL and the SQLite that is linked.
///
/// # Errors
/// A sentence, when a database can't be had or the exceptions can't be read.
pub async fn generate() -> Result<Vec<List>, String> {
    let exceptions = Exceptions::read(&folder().join("exceptions.txt"))?;
    let (functions, operators, major) = postgres().await.map_err(|error| error.to_string())?;
    let sqlite = sqlite().await.map_err(|error| error.to_string())?;
    let made_by = "Made by `cargo xtask functions`";
    Ok(vec![
        List {
            file: "postgres.txt",
            text: text(
                &[
                    "Functions a tenant's statement may call on PostgreSQL; none of them changes anything.",
                    &format!("{made_by} from pg_proc of PostgreSQL {major} and `exceptions.txt`."),
                    "A name is here only if every overload of it may be. Sorted; `functions::tests` checks that.",
                ],
                &exceptions.apply("postgres", functions)?,
            ),
            major: Some(major),
        },
        List {
            file: "postgres_operators.txt",
            text: text(
                &[
                    &format!(
                        "Operators of PostgreSQL. {made_by} from pg_operator of PostgreSQL {major} and `exceptions.txt`."
                    ),
                    "Sorted by bytes; `functions::tests` checks that.",
                ],
                &exceptions.apply("postgres operators", operators)?,
            ),
            major: Some(major),
        },
        List {
            file: "sqlite.txt",
            text: text(
                &[
                    "Functions a tenant's statement may call on SQLite; none of them changes anything.",
                    &format!(
                        "{made_by} from pragma_function_list and `exceptions.txt`. Sorted; `functions::tests` checks that."
                    ),
                ],
                &exceptions.apply("sqlite", sqlite)?,
            ),
            major: None,
        },
    ])
}

/// Writes the lists, and says what changed.
///
/// # Errors
/// A sentence, when a file can't be written.
pub fn write(lists: &[List]) -> Result<Vec<String>, String> {
    let changes = differences(lists)?;
    for list in lists {
        let path = folder().join(list.file);
        fs::write(&path, &list.text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(changes)
}

/// What the checked-in lists have too much or lack.
///
/// # Errors
/// A sentence, when a file can't be read.
pub fn differences(lists: &[List]) -> Result<Vec<String>, String> {
    let mut changes = Vec::new();
    for list in lists {
        let path = folder().join(list.file);
        let before =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let (before, after) = (names(&before), names(&list.text));
        // A name that this server does not have was added by another one.
        changes.extend(
            before
                .difference(&after)
                .map(|name| format!("{}: - {name}", list.file)),
        );
        changes.extend(
            after
                .difference(&before)
                .map(|name| format!("{}: + {name}", list.file)),
        );
    }
    Ok(changes)
}

/// The names on a checked-in list.
///
/// # Errors
/// A sentence, when the file can't be read.
pub fn listed(file: &str) -> Result<BTreeSet<String>, String> {
    let path = folder().join(file);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(names(&text).into_iter().map(str::to_owned).collect())
}

/// The functions of the live PostgreSQL of which an overload may change something.
///
/// # Errors
/// A sentence, when a database can't be had.
pub async fn volatile() -> Result<BTreeSet<String>, String> {
    let (mut lists, _) = ask(&[VOLATILE]).await.map_err(|error| error.to_string())?;
    Ok(lists.pop().unwrap_or_default())
}

fn names(text: &str) -> BTreeSet<&str> {
    text.lines()
        .filter(|line| !line.starts_with("# "))
        .collect()
}

fn text(head: &[&str], names: &BTreeSet<String>) -> String {
    let head = head.iter().map(|line| format!("# {line}\n"));
    let names = names.iter().map(|name| format!("{name}\n"));
    head.chain(names).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tenancy-sql/src/functions")
}

type Error = Box<dyn std::error::Error>;

async fn postgres() -> Result<(BTreeSet<String>, BTreeSet<String>, i32), Error> {
    let (mut lists, major) = ask(&[POSTGRES, POSTGRES_OPERATORS]).await?;
    let operators = lists.pop().unwrap_or_default();
    Ok((lists.pop().unwrap_or_default(), operators, major))
}

/// The names that each query answers, and the server's major version.
#[expect(
    clippy::disallowed_methods,
    reason = "asks a catalogue, not a tenant's table"
)]
async fn ask(queries: &[&'static str]) -> Result<(Vec<BTreeSet<String>>, i32), Error> {
    let database = PgCluster::shared().await?.database().await?;
    let mut connection = PgConnection::connect_with(&database.admin_options()).await?;
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut connection)
        .await?;
    let mut lists = Vec::new();
    for query in queries {
        let rows = sqlx::query(*query).fetch_all(&mut connection).await?;
        let names: Result<BTreeSet<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
        lists.push(names?);
    }
    connection.close().await?;
    Ok((lists, version / 10_000))
}

#[expect(
    clippy::disallowed_methods,
    reason = "asks a catalogue, not a tenant's table"
)]
async fn sqlite() -> Result<BTreeSet<String>, Error> {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
    let rows = sqlx::query(SQLITE).fetch_all(&mut connection).await?;
    let names: Result<BTreeSet<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    connection.close().await?;
    Ok(names?)
}
