//! The application role, for deployments that were given an owner's URL and nothing else.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::{pinned, scram};
use crate::walls::quote::{block, ident, text};
use crate::{Error, Result, Secret, walls::Finding};

/// Makes the application role or renews its password, and returns the options with which it connects.
///
/// `owner` needs `CREATEROLE` (or is a superuser). The role can log in and nothing else: no superuser, no `BYPASSRLS`, no
/// `CREATEDB`, no `CREATEROLE`, and it inherits nothing. Its password is derived from `secret`; the server sees a verifier of
/// it only. Can be run at each start.
///
/// # Errors
/// [`Error::Walls`] if a role of this name is there that policies would not bind; [`Error::Config`] for the owner's own name;
/// [`Error::Driver`] if the owner may not make roles.
///
/// # Example: one URL for everything
/// ```no_run
/// use sqlx::postgres::PgConnectOptions;
/// use tenancy_sqlx::{PgServer, Secret, provision::postgres::bootstrap};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let owner: PgConnectOptions = std::env::var("DATABASE_URL")?.parse()?;
/// let secret = Secret::new(std::env::var("TENANCY_SECRET")?)?;
/// let app = bootstrap(&owner, "crm_app", &secret).await?;
/// let server = PgServer::new(app).admin(owner).secret(secret);
/// # let _ = server; Ok(()) }
/// ```
pub async fn bootstrap(
    owner: &PgConnectOptions,
    role: &str,
    secret: &Secret,
) -> Result<PgConnectOptions> {
    if role.is_empty() || role.len() > 63 || role == owner.get_username() {
        return Err(Error::Config(
            "the application role needs a name of its own, of 1 to 63 bytes".into(),
        ));
    }
    let password = secret.password_for(role);
    let (name, name_text) = (ident(role), text(role));
    let verifier = text(&scram::verifier(&password, role));
    // An existing role is not given `NOSUPERUSER` and the like: PostgreSQL lets only superusers say so, even where nothing
    // would change. What it must not have is looked at below.
    let sql = block(&format!(
        "BEGIN\n    \
             IF EXISTS (SELECT FROM pg_roles WHERE rolname = {name_text}) THEN\n        \
                 ALTER ROLE {name} LOGIN NOINHERIT PASSWORD {verifier};\n    \
             ELSE\n        \
                 CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEDB NOCREATEROLE PASSWORD {verifier};\n    \
             END IF;\n\
         EXCEPTION WHEN duplicate_object OR unique_violation THEN\n    \
             ALTER ROLE {name} LOGIN NOINHERIT PASSWORD {verifier};\n\
         END"
    ));
    let mut conn = pinned(owner.clone()).connect().await?;
    let mut tx = conn.begin().await?;
    let mighty: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 \
                        AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication))",
    )
    .bind(role)
    .fetch_one(&mut *tx)
    .await?;
    if mighty {
        return Err(Error::Walls {
            findings: vec![
                Finding::broken(format!("the role {name} has rights that no policy binds")).fix(
                    format!(
                        "ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION"
                    ),
                ),
            ],
        });
    }
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await?;
    tx.commit().await?;
    conn.close().await?;
    Ok(owner.clone().username(role).password(&password))
}
