//! One test run on one server: its names, its administrative session, and the proof that it is still alive.
//!
//! Every database and role of a run is named after it, `tenancy_run_<16 hex digits>_...`, and the run's session holds an
//! advisory lock of the same number. A run whose lock nobody holds is dead, and the next run drops what it left behind.
//! The session lives on a thread of its own, because each test has its own short-lived tokio runtime.

use std::{fmt, sync::Arc, thread, time::Duration};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::Error;

/// A handle to the run; the session ends with the last one.
#[derive(Clone)]
pub(super) struct Run {
    prefix: Arc<str>,
    app_role: Arc<str>,
    orders: mpsc::UnboundedSender<Order>,
}

/// One statement for the session.
struct Order {
    statement: String,
    action: &'static str,
    done: Option<oneshot::Sender<Result<(), Error>>>,
}

impl Run {
    /// Opens the session, sweeps what dead runs left, and makes the application role.
    pub(super) async fn open(admin: PgConnectOptions, app_password: &str) -> Result<Self, Error> {
        let number = Uuid::new_v4().as_u64_pair().0;
        let prefix: Arc<str> = format!("tenancy_run_{number:016x}_").into();
        let app_role: Arc<str> = format!("{prefix}app").into();
        let (orders, inbox) = mpsc::unbounded_channel();
        let mut session = Session {
            admin,
            number,
            prefix: Arc::clone(&prefix),
            connection: None,
        };
        let (ready, opened) = oneshot::channel();
        thread::Builder::new()
            .name("tenancy-testkit".to_owned())
            .spawn(move || {
                match tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                {
                    Ok(runtime) => runtime.block_on(async move {
                        let opened = session.sweep().await;
                        let is_open = opened.is_ok();
                        if ready.send(opened).is_ok() && is_open {
                            session.serve(inbox).await;
                        }
                    }),
                    Err(error) => drop(ready.send(Err(Error::io("start a runtime")(error)))),
                }
            })
            .map_err(Error::io("start a thread"))?;
        opened.await.unwrap_or_else(|_| Err(gone()))?;

        let run = Self {
            prefix,
            app_role,
            orders,
        };
        run.order(
            "create the application role",
            format!(
                "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOINHERIT PASSWORD '{app_password}'",
                run.app_role
            ),
        )
        .await?;
        Ok(run)
    }

    pub(super) fn app_role(&self) -> &str {
        &self.app_role
    }

    /// Makes a database of this run from a template and answers its name.
    pub(super) async fn create(&self, template: &str) -> Result<String, Error> {
        let name = format!("{}{:016x}", self.prefix, Uuid::new_v4().as_u64_pair().0);
        let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
        self.order("create a database", statement).await?;
        Ok(name)
    }

    /// Makes a template out of a database: nobody can connect to it any more.
    pub(super) async fn seal(&self, name: &str) -> Result<(), Error> {
        let statement = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false");
        self.order("seal a template", statement).await
    }

    /// Drops a database, cutting its connections, and waits until it is gone.
    pub(super) async fn drop_database(&self, name: &str) -> Result<(), Error> {
        self.order("drop a database", drop_statement(name)).await
    }

    /// Drops a database some time soon.
    pub(super) fn drop_database_later(&self, name: &str) {
        // Without a session there is no server, or the next run sweeps it.
        let _ = self.orders.send(Order {
            statement: drop_statement(name),
            action: "drop a database",
            done: None,
        });
    }

    async fn order(&self, action: &'static str, statement: String) -> Result<(), Error> {
        let (done, answer) = oneshot::channel();
        let order = Order {
            statement,
            action,
            done: Some(done),
        };
        self.orders.send(order).map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("app_role", &self.app_role)
            .finish_non_exhaustive()
    }
}

/// The thread's side: one connection, opened anew when the server was restarted.
struct Session {
    admin: PgConnectOptions,
    number: u64,
    prefix: Arc<str>,
    connection: Option<PgConnection>,
}

/// Databases and roles of runs that are dead, and of ours.
const LEFTOVERS: &str = r"
WITH names (is_database, name) AS (
    SELECT true, datname::text FROM pg_catalog.pg_database
    UNION ALL SELECT false, rolname::text FROM pg_catalog.pg_roles
), alive (prefix) AS (
    SELECT 'tenancy_run_' || lpad(to_hex(classid::bigint), 8, '0') || lpad(to_hex(objid::bigint), 8, '0') || '_'
    FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND objsubid = 1
)
SELECT is_database, name FROM names
WHERE name ~ '^tenancy_run_[0-9a-f]{16}_[0-9a-z]+$'
  AND (left(name, 29) = $1 OR left(name, 29) NOT IN (SELECT prefix FROM alive))
ORDER BY is_database DESC";

impl Session {
    async fn serve(&mut self, mut inbox: mpsc::UnboundedReceiver<Order>) {
        while let Some(order) = inbox.recv().await {
            let result = self.execute(&order.statement).await;
            if let Some(done) = order.done {
                // Whoever asked may have been cancelled.
                let _ = done.send(result.map_err(Error::database(order.action)));
            }
        }
        let _ = self.sweep().await;
    }

    /// Runs one statement; waits a while for backends that still leave the template, reconnects once.
    async fn execute(&mut self, statement: &str) -> Result<(), sqlx::Error> {
        const OBJECT_IN_USE: &str = "55006";
        for _ in 0..250 {
            let answer = match self.connection().await {
                Ok(connection) => connection.execute(AssertSqlSafe(statement)).await.map(drop),
                Err(error) => Err(error),
            };
            match answer {
                Err(sqlx::Error::Database(error))
                    if error.code().as_deref() == Some(OBJECT_IN_USE) =>
                {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => {
                    self.connection = None;
                    return Err(error);
                }
                Ok(()) => return Ok(()),
            }
        }
        self.connection()
            .await?
            .execute(AssertSqlSafe(statement))
            .await
            .map(drop)
    }

    /// The connection, with the lock that says that this run is alive.
    async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let usable = match self.connection.take() {
            Some(mut connection) => connection.ping().await.is_ok().then_some(connection),
            None => None,
        };
        let connection = match usable {
            Some(connection) => connection,
            None => {
                let mut connection = PgConnection::connect_with(&self.admin).await?;
                sqlx::query("SELECT pg_advisory_lock($1)")
                    .bind(self.number.cast_signed())
                    .execute(&mut connection)
                    .await?;
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// Drops what dead runs left, and what is ours.
    async fn sweep(&mut self) -> Result<(), Error> {
        let prefix = Arc::clone(&self.prefix);
        let connection = self
            .connection()
            .await
            .map_err(Error::database("open a session"))?;
        let leftovers: Vec<(bool, String)> = sqlx::query_as(LEFTOVERS)
            .bind(&*prefix)
            .fetch_all(&mut *connection)
            .await
            .map_err(Error::database("list what earlier runs left"))?;
        for (is_database, name) in leftovers {
            let statement = if is_database {
                drop_statement(&name)
            } else {
                format!("DROP ROLE IF EXISTS {name}")
            };
            // Another run may sweep at the same time, and a role may have rights elsewhere: neither is our test's matter.
            let _ = connection.execute(AssertSqlSafe(statement)).await;
        }
        Ok(())
    }
}

fn drop_statement(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")
}

fn gone() -> Error {
    Error::io("reach the run's session")(std::io::ErrorKind::BrokenPipe.into())
}
