//! What a member may do: look, work, or manage the workspace. Asked once, on the way to the handlers, by route group.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tenancy::{ActorKind, TenantContext};

use super::sessions::user_id;
use crate::db::{Db, on_db};
use crate::error::AppError;

/// How much somebody may do. Each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever decides by it must decide about every one"
)]
pub enum Right {
    /// Read everything that is on a page.
    Look,
    /// Change leads and their files, import and export.
    Work,
    /// Say who and what else gets in: users, API keys, domains; and set goals.
    Manage,
}

impl Right {
    /// What a role may do; a word that is none may do nothing.
    fn of_role(role: &str) -> Option<Self> {
        match role {
            "viewer" => Some(Self::Look),
            "sales" => Some(Self::Work),
            "admin" => Some(Self::Manage),
            _ => None,
        }
    }

    /// What whoever acts may do. A program with a key works, and makes no keys; nobody else may do anything.
    async fn of_actor(db: &Db, context: &TenantContext) -> Result<Option<Self>, AppError> {
        let actor = context.actor();
        match (actor.kind(), actor.id()) {
            (ActorKind::Service, Some(_)) => Ok(Some(Self::Work)),
            (ActorKind::User, Some(id)) => {
                let Ok(id) = user_id(id) else { return Ok(None) };
                let role: Option<String> = on_db!(db, pool => sqlx::query_scalar(
                    "SELECT role FROM users WHERE id = $1 AND status = 'active'",
                )
                .bind(id)
                .fetch_optional(pool)
                .await)?;
                Ok(role.as_deref().and_then(Self::of_role))
            }
            (
                ActorKind::Service | ActorKind::User | ActorKind::System | ActorKind::Anonymous,
                _,
            ) => Ok(None),
        }
    }
}

/// What the routes of a group take: to look at them, and to send anything to them.
#[derive(Clone, Debug)]
pub struct Needs {
    db: Db,
    look: Right,
    send: Right,
}

impl Needs {
    /// Routes that take these rights.
    #[must_use]
    pub fn new(db: &Db, look: Right, send: Right) -> Self {
        let db = db.clone();
        Self { db, look, send }
    }
}

/// Lets those pass who may; 403 for the others, before anything is looked up for them.
pub async fn check(State(needs): State<Needs>, request: Request, next: Next) -> Response {
    let takes = match *request.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => needs.look,
        _ => needs.send,
    };
    let context = match TenantContext::current() {
        Ok(context) => context,
        Err(error) => return AppError::from(tenancy::sqlx::Error::from(error)).into_response(),
    };
    match Right::of_actor(&needs.db, &context).await {
        Ok(Some(right)) if right >= takes => next.run(request).await,
        Ok(_) => AppError::Forbidden.into_response(),
        Err(error) => error.into_response(),
    }
}
