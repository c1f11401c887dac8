//! A PostgreSQL server that holds tenants.

use std::fmt;

use tenancy_core::{Isolation, Placement, Secret};

/// A PostgreSQL server (or a database of one) that holds tenants.
///
/// Requests connect as the *application role*: a login role that owns nothing, is no superuser and has no `BYPASSRLS`.
/// tenancy-sqlx's provisioning makes roles, schemas and databases; a process that only serves requests has no need of its
/// owner.
///
/// Each connection pins `search_path` to `public, pg_temp` and `standard_conforming_strings` to `on` when it opens. `Debug`
/// shows no password.
///
/// # Example
/// ```
/// use tenancy_diesel::PgServer;
///
/// let server = PgServer::new("db.internal", "crm").user("crm_app").password("from the environment");
/// assert!(!format!("{server:?}").contains("environment"));
/// ```
#[derive(Clone)]
pub struct PgServer {
    app: Login,
    secret: Option<Secret>,
    owner: Option<Login>,
}

/// How one connection logs in.
#[derive(Clone)]
pub(crate) struct Login {
    host: String,
    port: u16,
    user: String,
    password: Option<String>,
    database: String,
    ssl_mode: Option<&'static str>,
}

impl fmt::Debug for PgServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgServer")
            .field("host", &self.app.host)
            .field("port", &self.app.port)
            .field("database", &self.app.database)
            .field("user", &self.app.user)
            .finish_non_exhaustive()
    }
}

impl PgServer {
    /// A server by its host (a name, an address, or the folder of its socket) and the database with the shared tables.
    pub fn new(host: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            app: Login {
                host: host.into(),
                port: 5432,
                user: "postgres".to_owned(),
                password: None,
                database: database.into(),
                ssl_mode: None,
            },
            secret: None,
            owner: None,
        }
    }

    /// The port; 5432 unless told.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.app.port = port;
        self
    }

    /// The application role.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.app.user = user.into();
        self
    }

    /// Its password.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.app.password = Some(password.into());
        self
    }

    /// Refuses to connect without TLS and without a certificate that names the host (libpq's `sslmode=verify-full`).
    ///
    /// Of synchronous connections; libpq has to be one with TLS.
    #[must_use]
    pub fn verify_tls(mut self) -> Self {
        self.app.ssl_mode = Some("verify-full");
        self
    }

    /// Adds the secret that the passwords of tenants' login roles are derived from, as provisioning was given it.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// The owner, who bypasses every policy and grant. For tests that take the server's wall down.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn owner(mut self, user: impl Into<String>, password: Option<String>) -> Self {
        self.owner = Some(Login {
            user: user.into(),
            password,
            ..self.app.clone()
        });
        self
    }

    /// How a connection for this placement logs in.
    pub(crate) fn login_for(&self, placement: &Placement, server_wall: bool) -> Login {
        let tenants = match placement.isolation() {
            Isolation::Database => placement.name(),
            Isolation::Shared | Isolation::Schema => None,
        };
        match (&self.owner, tenants) {
            (Some(owner), name) if !server_wall => {
                let mut login = owner.clone();
                if let Some(name) = name {
                    name.clone_into(&mut login.database);
                }
                login
            }
            (_, None) => self.app.clone(),
            // The tenant's own role: it may connect to that one database.
            (_, Some(name)) => Login {
                user: name.to_owned(),
                database: name.to_owned(),
                password: match &self.secret {
                    Some(secret) => Some(secret.password_for(name)),
                    None => self.app.password.clone(),
                },
                ..self.app.clone()
            },
        }
    }
}

#[cfg(feature = "postgres")]
impl Login {
    /// libpq's `keyword='value'` text; a value can't leave its quotes.
    pub(crate) fn conninfo(&self, connect_timeout: std::time::Duration) -> String {
        let mut text = String::new();
        let mut add = |keyword: &str, value: &str| {
            text.push_str(keyword);
            text.push_str("='");
            for c in value.chars() {
                if matches!(c, '\'' | '\\') {
                    text.push('\\');
                }
                text.push(c);
            }
            text.push_str("' ");
        };
        add("host", &self.host);
        add("port", &self.port.to_string());
        add("user", &self.user);
        add("dbname", &self.database);
        if let Some(password) = &self.password {
            add("password", password);
        }
        if let Some(mode) = self.ssl_mode {
            add("sslmode", mode);
        }
        // libpq takes anything below two seconds as two.
        add(
            "connect_timeout",
            &connect_timeout.as_secs().max(2).to_string(),
        );
        add("options", SETTINGS);
        text
    }
}

#[cfg(feature = "async-postgres")]
impl Login {
    /// The same for diesel-async's driver.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if TLS was asked for, which diesel-async's connections are opened without.
    pub(crate) fn config(
        &self,
        connect_timeout: std::time::Duration,
    ) -> crate::Result<tokio_postgres::Config> {
        if self.ssl_mode.is_some() {
            return Err(crate::Error::Config(
                "asynchronous connections are opened without TLS; leave `verify_tls` out or use `TenantPool`"
                    .into(),
            ));
        }
        let mut config = tokio_postgres::Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(&self.user)
            .dbname(&self.database)
            .options(SETTINGS)
            .connect_timeout(connect_timeout);
        if let Some(password) = &self.password {
            config.password(password);
        }
        Ok(config)
    }
}

/// What each session is set to when it opens.
#[cfg(feature = "_pg")]
pub(crate) const SETTINGS: &str = "-c search_path=public,pg_temp -c standard_conforming_strings=on";

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        let server = PgServer::new("h", "x' host='evil").user(r"back\slash");
        let text = server
            .login_for(&Placement::shared(), true)
            .conninfo(std::time::Duration::from_secs(1));
        assert!(text.contains(r"dbname='x\' host=\'evil'"), "{text}");
        assert!(text.contains(r"user='back\\slash'"), "{text}");
    }
}
