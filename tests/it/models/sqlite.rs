//! Models on SQLite.

pub(crate) type Db = sqlx::Sqlite;

#[path = "answers.rs"]
mod answers;

crate::models::every_test!(sqlite);
