//! `Actor`: who acts. What they may do is the service's business.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who acts: a user, a service, the system itself, or nobody we know.
///
/// An actor is a name for logs and audit events, not a proof: whoever makes one must have authenticated it.
///
/// # Example
/// ```
/// use tenancy_core::{Actor, ActorKind};
///
/// let actor = Actor::user("u-17");
/// assert_eq!((actor.kind(), actor.id()), (ActorKind::User, Some("u-17")));
/// assert!(Actor::anonymous().is_anonymous());
/// assert!(Actor::user("").is_anonymous(), "a user without an id is nobody");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    kind: ActorKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Box<str>>,
}

/// What sort of actor it is.
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever decides about actors must decide about every kind"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    User,
    /// Another program.
    Service,
    /// The service itself: a schedule, a migration.
    System,
    /// Nobody we know.
    Anonymous,
}

impl Actor {
    /// A person, by the id the service knows them by.
    #[must_use]
    pub fn user(id: &str) -> Self {
        Self::named(ActorKind::User, id)
    }

    /// Another program, by name.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self::named(ActorKind::Service, name)
    }

    /// A part of the service itself, by name.
    #[must_use]
    pub fn system(name: &str) -> Self {
        Self::named(ActorKind::System, name)
    }

    /// Nobody we know.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self {
            kind: ActorKind::Anonymous,
            id: None,
        }
    }

    fn named(kind: ActorKind, id: &str) -> Self {
        if id.is_empty() {
            Self::anonymous()
        } else {
            Self {
                kind,
                id: Some(id.into()),
            }
        }
    }

    /// What sort of actor it is.
    #[must_use]
    pub fn kind(&self) -> ActorKind {
        self.kind
    }

    /// Its id or name; nobody has none.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether it is nobody we know: of that kind, or without an id.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.kind == ActorKind::Anonymous || self.id().is_none_or(str::is_empty)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ActorKind::User => "user",
            ActorKind::Service => "service",
            ActorKind::System => "system",
            ActorKind::Anonymous => "anonymous",
        };
        match self.id() {
            Some(id) => write!(f, "{kind}:{id}"),
            None => f.write_str(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_serde() {
        for actor in [
            Actor::user("1"),
            Actor::service("billing"),
            Actor::system("cron"),
            Actor::anonymous(),
        ] {
            let json = serde_json::to_string(&actor).unwrap();
            assert_eq!(serde_json::from_str::<Actor>(&json).unwrap(), actor);
        }
        assert!(serde_json::from_str::<Actor>("{}").is_err());
        assert!(
            serde_json::from_str::<Actor>(r#"{"kind":"user"}"#)
                .unwrap()
                .is_anonymous()
        );
    }

    #[test]
    fn shows_kind_and_id() {
        let check = |actor: &Actor, expect: &str| assert_eq!(actor.to_string(), expect);
        check(&Actor::user("1"), "user:1");
        check(&Actor::anonymous(), "anonymous");
    }
}
