//! One test's database.

use std::fmt;

use sqlx::postgres::PgConnectOptions;

use super::run::Run;
use crate::Error;

/// A fresh database for one test, from [`PgCluster::database_from`](crate::PgCluster::database_from).
///
/// [`close`](Self::close) drops it at once and says whether that worked; dropping the value drops it some time soon.
/// Both cut the connections that are still open.
pub struct PgDatabase {
    name: String,
    admin: PgConnectOptions,
    app: PgConnectOptions,
    // `None` once somebody else is responsible for the database.
    run: Option<Run>,
}

impl PgDatabase {
    pub(super) fn new(
        name: String,
        admin: PgConnectOptions,
        app: PgConnectOptions,
        run: Run,
    ) -> Self {
        Self {
            admin: admin.database(&name),
            app: app.database(&name),
            name,
            run: Some(run),
        }
    }

    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the owner connects, who migrates and provisions. Row level security does not bind a superuser: never read
    /// through this what a test says about isolation.
    #[must_use]
    pub fn admin_options(&self) -> PgConnectOptions {
        self.admin.clone()
    }

    /// How the application connects: `LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT`, owning nothing.
    #[must_use]
    pub fn app_options(&self) -> PgConnectOptions {
        self.app.clone()
    }

    /// Drops the database, cutting its connections, and waits until it is gone.
    ///
    /// # Errors
    /// [`Error::Database`] when the server refuses.
    pub async fn close(mut self) -> Result<(), Error> {
        match self.run.take() {
            Some(run) => run.drop_database(&self.name).await,
            None => Ok(()),
        }
    }

    /// Leaves the database to its run.
    pub(super) fn keep(mut self) -> String {
        self.run = None;
        self.name.clone()
    }
}

impl Drop for PgDatabase {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            run.drop_database_later(&self.name);
        }
    }
}

impl fmt::Debug for PgDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgDatabase")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
