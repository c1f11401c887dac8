//! Sessions in the tenants' own tables: the pool decides whose, so no statement here could find another tenant's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tenancy::http::{Session, SessionHash, SessionStore};
use tenancy::{BoxFuture, Error, ErrorKind, TenantContext};
use uuid::Uuid;

use crate::clock;
use crate::db::{Db, on_db};

/// The table `sessions`.
#[derive(Debug)]
pub(super) struct DbSessions(Db);

impl DbSessions {
    pub(super) fn new(db: Db) -> Self {
        Self(db)
    }
}

/// What a store says of a statement that failed: its own refusal, or that it can't be known just now.
pub(super) fn unavailable(error: sqlx::Error) -> Error {
    if let Some(tenancy::sqlx::Error::Tenancy(error)) = tenancy::sqlx::Error::from_sqlx(&error) {
        return error.clone();
    }
    Error::new(
        ErrorKind::RegistryUnavailable,
        "the sessions can't be read or written just now",
    )
    .with_source(error)
}

/// Users are known by uuids; anything else names nobody.
pub(super) fn user_id(text: &str) -> Result<Uuid, Error> {
    Uuid::parse_str(text).map_err(|error| {
        Error::new(ErrorKind::ApiMisuse, "a user's id is a uuid").with_source(error)
    })
}

impl SessionStore for DbSessions {
    fn save<'a>(
        &'a self,
        _: &'a TenantContext,
        hash: &'a SessionHash,
        session: &'a Session,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let user = user_id(session.user())?;
            let ends = session
                .ends()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |at| at.as_secs());
            on_db!(&self.0, pool => {
                sqlx::query("DELETE FROM sessions WHERE ends_at <= $1")
                    .bind(clock::now()).execute(pool).await.map_err(unavailable)?;
                sqlx::query("INSERT INTO sessions (id, user_id, ends_at) VALUES ($1, $2, $3)")
                    .bind(hash.as_bytes().to_vec())
                    .bind(user)
                    .bind(i64::try_from(ends).unwrap_or(i64::MAX))
                    .execute(pool).await.map(drop).map_err(unavailable)
            })
        })
    }

    fn load<'a>(
        &'a self,
        _: &'a TenantContext,
        hash: &'a SessionHash,
    ) -> BoxFuture<'a, Result<Option<Session>, Error>> {
        Box::pin(async move {
            let row: Option<(Uuid, i64)> = on_db!(&self.0, pool => {
                sqlx::query_as("SELECT user_id, ends_at FROM sessions WHERE id = $1")
                    .bind(hash.as_bytes().to_vec())
                    .fetch_optional(pool).await
            })
            .map_err(unavailable)?;
            Ok(row.map(|(user, ends)| {
                let ends = Duration::from_secs(u64::try_from(ends).unwrap_or_default());
                Session::new(&user.to_string(), SystemTime::UNIX_EPOCH + ends)
            }))
        })
    }

    fn delete<'a>(
        &'a self,
        _: &'a TenantContext,
        hash: &'a SessionHash,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            on_db!(&self.0, pool => sqlx::query("DELETE FROM sessions WHERE id = $1")
                .bind(hash.as_bytes().to_vec()).execute(pool).await.map(drop))
            .map_err(unavailable)
        })
    }

    fn delete_all<'a>(
        &'a self,
        _: &'a TenantContext,
        user: &'a str,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let user = user_id(user)?;
            on_db!(&self.0, pool => sqlx::query("DELETE FROM sessions WHERE user_id = $1")
                .bind(user).execute(pool).await.map(drop))
            .map_err(unavailable)
        })
    }
}
