//! A PostgreSQL server that holds tenants.

use sqlx::postgres::PgConnectOptions;
use tenancy_core::{Isolation, Placement};

use crate::{Error, Result, Secret};

/// A PostgreSQL server (or a database of one) that holds tenants.
///
/// Requests connect as the *application role*: a login role that owns nothing, is no superuser and has no `BYPASSRLS`.
/// Provisioning connects as an owner, given separately with [`Self::admin`]; a process that only serves requests has no need
/// of it and should not have it.
///
/// Each connection pins `search_path` to `public, pg_temp` and `standard_conforming_strings` to `on` when it opens.
///
/// # Example: a server for requests only
/// ```
/// use sqlx::postgres::PgConnectOptions;
/// use tenancy_sqlx::PgServer;
///
/// let app = PgConnectOptions::new().host("db.internal").username("crm_app").database("crm");
/// let server = PgServer::new(app);
/// assert!(server.admin_options().is_err()); // this process can't provision
/// ```
#[derive(Clone, Debug)]
pub struct PgServer {
    app: PgConnectOptions,
    admin: Option<PgConnectOptions>,
    secret: Option<Secret>,
}

impl PgServer {
    /// A server that is reached as the application role.
    pub fn new(app: PgConnectOptions) -> Self {
        Self {
            app,
            admin: None,
            secret: None,
        }
    }

    /// Adds the owner that provisioning and migrations connect as; its database is where the shared tables live.
    #[must_use]
    pub fn admin(mut self, admin: PgConnectOptions) -> Self {
        self.admin = Some(admin);
        self
    }

    /// Adds the secret that the passwords of tenants' login roles are derived from.
    ///
    /// Needed for tenants with a database of their own, unless the server trusts their roles by other means.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// The options of the application role.
    pub fn app_options(&self) -> &PgConnectOptions {
        &self.app
    }

    /// The options of the owner.
    ///
    /// # Errors
    /// [`Error::Config`] if this server was made without one.
    pub fn admin_options(&self) -> Result<&PgConnectOptions> {
        self.admin.as_ref().ok_or_else(|| {
            Error::Config("provisioning needs an owner: add one with `PgServer::admin`".into())
        })
    }

    /// The secret of the deployment, if there is one.
    pub(crate) fn deployment_secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// The options with which a connection for this placement is opened.
    pub(crate) fn options_for(&self, placement: &Placement) -> PgConnectOptions {
        let options = match (placement.isolation(), placement.name()) {
            (Isolation::Database, Some(name)) => {
                // The tenant's own role: it may connect to that one database.
                let options = self.app.clone().database(name).username(name);
                match &self.secret {
                    Some(secret) => options.password(&secret.password_for(name)),
                    None => options,
                }
            }
            _ => self.app.clone(),
        };
        options.options([
            ("search_path", "public,pg_temp"),
            ("standard_conforming_strings", "on"),
        ])
    }
}
