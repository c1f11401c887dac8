//! A task, and where its file is.

use serde::Serialize;
use tenancy::object_store::object_store::path::Path;
use tenancy::tenant_scoped;
use uuid::Uuid;

/// Work in the background, and how far it is.
#[tenant_scoped(table = "tasks")]
#[derive(Clone, Debug, Serialize)]
pub struct TaskRow {
    /// Its id.
    pub id: Uuid,
    /// `import` or `export`.
    pub kind: String,
    /// What it is about.
    pub title: String,
    /// `waiting`, `running`, `done` or `failed`.
    pub state: String,
    /// How many rows there are to do.
    pub total: i64,
    /// How many are done.
    pub done: i64,
    /// How many of those were not taken.
    pub rejected: i64,
    /// What there is to say about it.
    pub note: String,
    /// When it was asked for.
    pub created_at: i64,
    /// When it was over.
    pub finished_at: Option<i64>,
}

impl TaskRow {
    /// Where its file is: what is imported, or what was exported.
    pub fn path(&self) -> Path {
        Path::from_iter(["tasks".to_owned(), format!("{}.csv", self.id)])
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.finished_at.is_some()
    }
}
