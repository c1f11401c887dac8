//! Models on PostgreSQL.

pub(crate) type Db = sqlx::Postgres;

#[path = "answers.rs"]
mod answers;
#[path = "refusals.rs"]
mod refusals;
#[path = "writes.rs"]
mod writes;

crate::models::every_test!(postgres);
