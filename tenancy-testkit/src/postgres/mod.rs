//! A PostgreSQL server for tests: ours and thrown away afterwards, or the one that `DATABASE_URL` names.
//!
//! `find` looks for the binaries, `server` runs them, `run` makes sure that nothing of this test run stays behind on a
//! server that is not ours, `database` is what a test gets.

mod database;
mod find;
mod run;
mod server;

use std::{
    collections::HashMap,
    env,
    path::Path,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{
    Connection,
    postgres::{PgConnectOptions, PgConnection, PgSslMode},
};
use tokio::sync::OnceCell;
use uuid::Uuid;

pub use self::database::PgDatabase;
use self::{run::Run, server::Server};
use crate::{Error, blocking};

/// A PostgreSQL server of version 15 or newer, with an application role that owns nothing.
///
/// A server of our own listens on 127.0.0.1 only, asks every role for its password, forgets its data on a power cut
/// (`fsync = off`) and ends with the test process, even when that is killed. On a server that `DATABASE_URL` names, the
/// databases of a run are dropped as their tests end, and what a killed run left is dropped by the next one.
///
/// Roles belong to the whole server: a test that creates roles chooses names that no other test uses.
///
/// # Example: a fresh database, seen by its owner and by the application
/// ```
/// use sqlx::{Connection, PgConnection};
/// use tenancy_testkit::PgCluster;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cluster = PgCluster::shared().await?;
/// let database = cluster
///     .database_from("leads", async |admin| {
///         sqlx::raw_sql("CREATE TABLE leads (id int)").execute(admin).await.map(drop)
///     })
///     .await?;
///
/// let mut admin = PgConnection::connect_with(&database.admin_options()).await?;
/// sqlx::query("INSERT INTO leads VALUES (1)").execute(&mut admin).await?;
///
/// // the application role may connect, and has no right that nobody granted
/// let mut app = PgConnection::connect_with(&database.app_options()).await?;
/// let refused = sqlx::query("SELECT id FROM leads").fetch_all(&mut app).await;
/// assert!(refused.is_err());
/// # database.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PgCluster {
    admin: PgConnectOptions,
    app: PgConnectOptions,
    run: Run,
    templates: Mutex<HashMap<String, Arc<OnceCell<String>>>>,
    // The last field, so that the server is still there when the others are dropped.
    server: Option<Arc<Server>>,
}

impl PgCluster {
    /// The one server of this test process: that of `DATABASE_URL` if it is set, else one of our own.
    ///
    /// It is started by whoever asks first, in about a second, and ends with the process.
    ///
    /// # Errors
    /// As [`at`](Self::at) and [`start`](Self::start); whoever asks next tries again.
    pub async fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceCell<PgCluster> = OnceCell::const_new();
        SHARED
            .get_or_try_init(async || match env::var("DATABASE_URL") {
                Ok(url) => Self::at(&url).await,
                Err(_) => Self::start().await,
            })
            .await
    }

    /// Starts a server for one test alone, which may [`stop`](Self::stop) and [`restart`](Self::restart) it.
    ///
    /// Dropping the value stops the server and removes its folder.
    ///
    /// # Errors
    /// [`Error::NotFound`] without PostgreSQL, [`Error::NoServerUser`] as root without a user to become,
    /// [`Error::NotStarted`] with the end of the server's log.
    pub async fn start() -> Result<Self, Error> {
        let password = secret();
        let server = blocking({
            let password = password.clone();
            move || Server::start(&password)
        })
        .await?;
        let admin = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(server.port())
            .username("admin")
            .password(&password)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable);
        Self::with(admin, Some(Arc::new(server))).await
    }

    /// Uses the server at this address, whose role must be a superuser or have `CREATEDB` and `CREATEROLE`.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Unreachable`] within ten seconds, [`Error::TooOld`] or [`Error::NotAdmin`].
    pub async fn at(url: &str) -> Result<Self, Error> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let reason = "it does not begin with postgres://";
            return Err(Error::Url(sqlx::Error::Configuration(reason.into())));
        }
        let admin = PgConnectOptions::from_str(url).map_err(Error::Url)?;
        let mut connection =
            tokio::time::timeout(Duration::from_secs(10), PgConnection::connect_with(&admin))
                .await
                .unwrap_or_else(|elapsed| Err(sqlx::Error::Io(elapsed.into())))
                .map_err(Error::Unreachable)?;
        let (number, version, role, is_admin): (i32, String, String, bool) = sqlx::query_as(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version'), rolname::text, \
             rolsuper OR (rolcreatedb AND rolcreaterole) FROM pg_catalog.pg_roles WHERE rolname = current_user",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(Error::database("say its version and our rights"))?;
        if number < 150_000 {
            return Err(Error::TooOld(version));
        }
        if !is_admin {
            return Err(Error::NotAdmin(role));
        }
        Self::with(admin, None).await
    }

    async fn with(admin: PgConnectOptions, server: Option<Arc<Server>>) -> Result<Self, Error> {
        let app_password = secret();
        let run = Run::open(admin.clone(), &app_password).await?;
        Ok(Self {
            app: admin
                .clone()
                .username(run.app_role())
                .password(&app_password),
            admin,
            run,
            templates: Mutex::default(),
            server,
        })
    }

    /// The application role: `LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT`, owns nothing, so that row level security binds it.
    ///
    /// A template's function grants to this name.
    #[must_use]
    pub fn app_role(&self) -> &str {
        self.run.app_role()
    }

    /// Where the server of our own keeps its data and its log, `None` for that of `DATABASE_URL`.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.server.as_deref().map(Server::folder)
    }

    /// A fresh empty database.
    ///
    /// # Errors
    /// [`Error::Database`] when the server refuses.
    pub async fn database(&self) -> Result<PgDatabase, Error> {
        self.create("template1").await
    }

    /// A fresh copy of the template of this key, which `build` fills, as the admin, when the key is first asked for.
    ///
    /// Each process builds a key once, however many tests ask at the same time; one that fails is built again for whoever
    /// asks next. Two different functions under one key are a mistake that is not noticed: the first one wins.
    ///
    /// # Errors
    /// [`Error::Template`] with what `build` answered, [`Error::Database`] when the server refuses.
    pub async fn database_from<F, E>(&self, key: &str, build: F) -> Result<PgDatabase, Error>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<(), E>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let cell = {
            let mut templates = self
                .templates
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            Arc::clone(templates.entry(key.to_owned()).or_default())
        };
        let template = cell
            .get_or_try_init(async || self.build(key, build).await)
            .await?;
        self.create(template).await
    }

    /// Makes a template database and lets nobody connect to it any more.
    async fn build<F, E>(&self, key: &str, build: F) -> Result<String, Error>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<(), E>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let database = self.create("template1").await?;
        let mut connection = PgConnection::connect_with(&database.admin_options())
            .await
            .map_err(Error::database("connect to a new database"))?;
        build(&mut connection)
            .await
            .map_err(|error| Error::Template {
                key: key.to_owned(),
                source: error.into(),
            })?;
        connection
            .close()
            .await
            .map_err(Error::database("end a session"))?;
        self.run.seal(database.name()).await?;
        Ok(database.keep())
    }

    async fn create(&self, template: &str) -> Result<PgDatabase, Error> {
        let name = self.run.create(template).await?;
        Ok(PgDatabase::new(
            name,
            self.admin.clone(),
            self.app.clone(),
            self.run.clone(),
        ))
    }

    /// Stops the server, cutting its connections; nothing happens if it is stopped already.
    ///
    /// # Errors
    /// [`Error::NotOurs`] for the server of `DATABASE_URL`.
    pub async fn stop(&self) -> Result<(), Error> {
        let server = self.server.clone().ok_or(Error::NotOurs)?;
        blocking(move || server.stop()).await
    }

    /// Stops the server if it runs, cutting its connections, and starts it with the same data on the same port.
    ///
    /// # Errors
    /// [`Error::NotOurs`] for the server of `DATABASE_URL`, [`Error::NotStarted`] with the end of the server's log.
    pub async fn restart(&self) -> Result<(), Error> {
        let server = self.server.clone().ok_or(Error::NotOurs)?;
        blocking(move || server.stop().and_then(|()| server.start_again())).await
    }
}

/// A password that nobody guesses, in characters that need no quoting.
fn secret() -> String {
    Uuid::new_v4().simple().to_string()
}
