//! The surface on SQLite.

pub(crate) type Db = sqlx::Sqlite;
pub(crate) type Row = sqlx::sqlite::SqliteRow;
pub(crate) use sqlx::SqliteExecutor as DbExecutor;

#[path = "handles.rs"]
mod handles;
#[path = "statements.rs"]
mod statements;

crate::surface::every_test!(sqlite);
