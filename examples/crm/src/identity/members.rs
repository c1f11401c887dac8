//! Who is a member: the users of a tenant that are active, asked on every request.

use tenancy::http::Membership;
use tenancy::{BoxFuture, Error, TenantContext};

use super::sessions::{unavailable, user_id};
use crate::db::{Db, on_db};

/// The table `users`.
#[derive(Debug)]
pub(super) struct DbMembers(Db);

impl DbMembers {
    pub(super) fn new(db: Db) -> Self {
        Self(db)
    }
}

impl Membership for DbMembers {
    fn is_member<'a>(&'a self, context: &'a TenantContext) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            // A token's subject may be any text; one that is no id of ours is nobody's.
            let Ok(id) = user_id(context.actor().id().unwrap_or_default()) else {
                return Ok(false);
            };
            let found: Option<i64> = on_db!(&self.0, pool => sqlx::query_scalar(
                "SELECT invited_at FROM users WHERE id = $1 AND status = 'active'",
            )
            .bind(id)
            .fetch_optional(pool)
            .await)
            .map_err(unavailable)?;
            Ok(found.is_some())
        })
    }
}
