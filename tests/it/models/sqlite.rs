//! Models on SQLite.

pub(crate) type Db = sqlx::Sqlite;

#[path = "answers.rs"]
mod answers;
#[path = "refusals.rs"]
mod refusals;
#[path = "writes.rs"]
mod writes;

crate::models::every_test!(sqlite);
