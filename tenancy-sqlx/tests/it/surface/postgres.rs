//! The surface on PostgreSQL.

pub(crate) type Db = sqlx::Postgres;
pub(crate) type Row = sqlx::postgres::PgRow;
pub(crate) use sqlx::PgExecutor as DbExecutor;

#[path = "handles.rs"]
mod handles;
#[path = "statements.rs"]
mod statements;

crate::surface::every_test!(postgres);
