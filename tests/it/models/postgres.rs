//! Models on PostgreSQL.

pub(crate) type Db = sqlx::Postgres;

#[path = "answers.rs"]
mod answers;

crate::models::every_test!(postgres);
