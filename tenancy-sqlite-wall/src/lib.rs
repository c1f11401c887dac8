//! SQLite's own engine as a wall between tenants who share tables: no parser of SQL, no trust in whoever wrote a statement.
//!
//! SQLite has no users and no policies. What it has is a compiler that asks before each thing a statement is to do, temporary
//! views and triggers, and schemas that can be called anything. A [`Wall`] puts them together on one connection:
//!
//! - The file of shared tables is attached under a name of 122 random bits, on a connection that has nothing else. Its tables
//!   can't be named by a statement whose writer does not know that name.
//! - In front of each tenant table there is a temporary view of its name, over another one that selects the rows of the
//!   current tenant. Whatever a statement calls `leads`, wherever it stands, is that view. Index searches stay searches.
//! - Who writes has to name the schema ([`Wall::schema`]), since views can't be written with all that SQL has for it. Temporary
//!   triggers look at each row: one of another tenant is passed over by `UPDATE` and `DELETE` as if it were not there, and can't
//!   be made. That holds for `REPLACE`, upserts, cascades and triggers of the file, too.
//! - The authorizer refuses everything else: definitions, `ATTACH`, `PRAGMA`, schema tables, tables and views nobody declared,
//!   table-valued functions that tell about the engine, functions that load code. The first refusal ends the connection.
//! - Who the tenant is, is a value beside the connection, read by an SQL function when a statement *runs*. So prepared
//!   statements serve one tenant after the other. Without a tenant there are no rows.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sqlx::{ConnectOptions, Executor, sqlite::SqliteConnectOptions};
//! use tenancy_sqlite_wall::{Key, Rules, Wall};
//!
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("shared.db");
//! # let open = |options: SqliteConnectOptions| async move {
//! #     #[expect(clippy::disallowed_methods, reason = "an example without a pool")]
//! #     options.connect().await
//! # };
//! # let mut owner = open(SqliteConnectOptions::new().filename(&file).create_if_missing(true)).await?;
//! # owner.execute("
//! #     CREATE TABLE leads (tenant_id INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT, PRIMARY KEY (tenant_id, id));
//! #     INSERT INTO leads VALUES (1, 1, 'mine'), (2, 1, 'theirs')").await?;
//! let mut conn = open(SqliteConnectOptions::new().filename(":memory:")).await?;
//! let rules = Rules::new("tenant_id").tenant_table("leads");
//! let wall = Wall::build(&mut conn, file.to_str().ok_or("path")?, &rules).await?;
//!
//! // Nobody, one, and the other.
//! let names = "SELECT name FROM leads WHERE tenant_id > 0 OR true";
//! assert!(sqlx::query_scalar::<_, String>(names).fetch_all(&mut conn).await?.is_empty());
//! wall.enter(Key::Integer(1));
//! assert_eq!(sqlx::query_scalar::<_, String>(names).fetch_all(&mut conn).await?, ["mine"]);
//! wall.enter(Key::Integer(2));
//! assert_eq!(sqlx::query_scalar::<_, String>(names).fetch_all(&mut conn).await?, ["theirs"]);
//!
//! // Past the wall: refused, and the connection is of no use any more.
//! assert!(sqlx::query("ATTACH 'shared.db' AS x").execute(&mut conn).await.is_err());
//! assert!(wall.is_breached());
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not stop
//! - **Errors and time as messengers in writes.** A write that names the schema and lacks a predicate of its own looks at the rows
//!   of others before the triggers pass them over. Nothing of them gets into an answer or a row, but an error raised by a value
//!   (`WHERE json(name)`), and how long it takes, can tell.
//! - **Keys without the tenant.** A unique key over all tenants tells that somebody has a value; a foreign key without the tenant
//!   lets a row point at another's. No row of another is changed by it: a cascade into one is an error.
//! - **Code of the file that was declared.** A [trusted trigger](Rules::trust_trigger) reads all tenants. An
//!   [open](Rules::open_table) table or view is open to all.
//! - **Whoever learns the name of the schema.** With it, a statement can read the base tables. Views of the engine that show it
//!   are closed, `EXPLAIN` does not show it, and the error of a refusal comes when the connection is done for. But the driver
//!   knows it (sqlx's `Column::origin`), logs of statements show it, and the error about a table that vanished names it: keep
//!   database errors from clients.
//! - **`COMMIT` and `ROLLBACK` as statements**, which a pool sends on the same connection. They end a transaction, not a wall.
//! - **Statements without end**, and whoever else opens the file.
//!
//! # What is lost with it
//! `rowid` and `INDEXED BY` are errors where a tenant's table is read (it is a view); virtual tables, and triggers of the file
//! nobody trusts, are closed; so is a common table expression *inside an expression of a write* that reads a column of the
//! written row. `last_insert_rowid()` and `changes()` are refused as functions (the driver's own answers are not touched).
//!
//! # Review: which promises of SQLite it stands on
//! All unsafe code is in `ffi.rs`, about a hundred lines. The sections are those of SQLite's documentation.
//!
//! | promise | where SQLite makes it | what stands on it |
//! |---|---|---|
//! | the authorizer is called for every access while a statement is compiled, and again when a schema change has it compiled anew; its `SQLITE_DENY` fails the statement | "Compile-Time Authorization Callbacks" (`sqlite3_set_authorizer`) | the closed world |
//! | `SQLITE_READ` is also reported for a table of which no column is used, with an empty column; the sixth argument is the innermost trigger or view, NULL for the statement itself | the same; "Authorizer Action Codes" | `count(*)` of a closed table; who reads a base table |
//! | the callback must not use the connection | the same | ours compares strings and sets a flag |
//! | user data of a function is given to its destructor exactly once: when the connection closes, the function is replaced, or creating it fails | "Create Or Redefine SQL Functions" (`sqlite3_create_function_v2`) | the lifetime of what both callbacks point to: a counted reference that the function owns. The authorizer has no destructor of its own and borrows it; no name but ours replaces the function, and the name is a secret |
//! | a function without `SQLITE_DETERMINISTIC` is evaluated when the statement runs; `SQLITE_INNOCUOUS` may be used with `trusted_schema` off. `SQLITE_DIRECTONLY` would forbid it in views and triggers | "Function Flags", "Deterministic SQL Functions" | one prepared statement for all tenants |
//! | results are copied with `SQLITE_TRANSIENT` | "Setting The Result Of An SQL Function" | no pointer outlives the callback |
//! | unqualified names are looked up in `temp`, then `main`, then attached schemas; triggers and views of a file name only their own file | "CREATE VIEW", "CREATE TRIGGER" ("Non-TEMP triggers"), "ATTACH" | the views in front |
//! | temporary triggers may stand on tables of another schema, and fire for statements of other triggers and of cascades; with `recursive_triggers` also for rows that `REPLACE` removes | "CREATE TRIGGER", "ON CONFLICT", "PRAGMA recursive_triggers" | the writes |
//! | a connection opened `NOMUTEX` is used by one thread at a time | "Using SQLite In Multi-Threaded Applications"; sqlx's `LockedSqliteHandle` | callbacks run on sqlx's thread, `Wall` anywhere: what they share is `Sync` |
//!
//! A panic can't cross into SQLite: what a callback runs is caught, and `extern "C"` would abort. `libsqlite3-sys` is taken in
//! the range that sqlx gives, so that both speak of one library; sqlx says that its handle's type is exempt from its promises
//! of compatibility, so a new minor version of it may need a new version of this crate, which the compiler will say.

mod ddl;
mod error;
mod ffi;
mod policy;
mod rules;
mod state;
mod wall;

pub use error::Error;
pub use rules::Rules;
pub use state::Key;
pub use wall::Wall;
