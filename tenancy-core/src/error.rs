//! The one error of this crate: opaque, one word wide, asked for its [`ErrorKind`].
//!
//! Driver crates wrap it in enums of their own; nothing here knows a driver.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why something was refused, or why it could not be decided.
///
/// The text of an error is for the people who run the service: it says what to do and never names a tenant, so that
/// it may be shown where another tenant can read it. It never repeats its [`source`](std::error::Error::source).
/// Programs ask for the [`kind`](Error::kind). An error is cheap to clone: everyone who waited for one answer gets it.
///
/// # Example: telling an outage from an unknown tenant
/// ```
/// use tenancy_core::{Error, ErrorKind};
///
/// let outage = Error::new(ErrorKind::RegistryUnavailable, "the registry does not answer; try again later")
///     .with_source(std::io::Error::other("connection refused"));
/// assert!(outage.is_registry_unavailable());
/// assert!(!outage.is_unknown_tenant());
/// assert_eq!(outage.to_string(), "the registry does not answer; try again later");
/// assert_eq!(std::error::Error::source(&outage).unwrap().to_string(), "connection refused");
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Source>,
}

/// What sort of refusal or failure an [`Error`] is.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No tenant is set where one is needed. Outside: a bug of the caller, never "all tenants".
    NoTenant,
    /// The registry answered, and there is no such tenant. Outside: 404.
    UnknownTenant,
    /// Work of one tenant met the scope of another. Outside: 404; loud in the log.
    WrongTenant,
    /// The tenant exists and is not open for this work: suspended, being provisioned or being offboarded. Outside: 404.
    Suspended,
    /// The tenant admits reads only for now. Outside: 423.
    ReadOnly,
    /// The tenant moved to another place while the work was under way; begin it again. Outside: 503.
    Moved,
    /// The actor may not do this. Outside: 404 or 403.
    Forbidden,
    /// A permit to cross tenants was refused.
    CrossTenantRefused,
    /// The registry could not answer. Says nothing about whether the tenant exists. Outside: 503.
    RegistryUnavailable,
    /// A text is no tenant id.
    InvalidId,
    /// A text is no tenant slug.
    InvalidSlug,
    /// A text is no domain name.
    InvalidDomain,
    /// A server name or a placement is malformed, or a placement belongs to another tenant.
    InvalidPlacement,
    /// The caller used the library in a way it does not support.
    ApiMisuse,
    /// Anything else; see the source.
    Other,
}

impl Error {
    /// An error of `kind` that says `message`: lower case, no final dot, what to do, no tenant named.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            source: None,
        }))
    }

    /// The same error with a cause, in place of the one it had.
    #[must_use]
    pub fn with_source(self, source: impl Into<Source>) -> Self {
        let (kind, message) = (self.0.kind, self.0.message.clone());
        Self(Arc::new(Inner {
            kind,
            message,
            source: Some(source.into()),
        }))
    }

    /// What sort of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether no tenant was set.
    #[must_use]
    pub fn is_no_tenant(&self) -> bool {
        self.kind() == ErrorKind::NoTenant
    }

    /// Whether the registry answered that there is no such tenant.
    #[must_use]
    pub fn is_unknown_tenant(&self) -> bool {
        self.kind() == ErrorKind::UnknownTenant
    }

    /// Whether work of one tenant met the scope of another.
    #[must_use]
    pub fn is_wrong_tenant(&self) -> bool {
        self.kind() == ErrorKind::WrongTenant
    }

    /// Whether the tenant is not open for this work.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.kind() == ErrorKind::Suspended
    }

    /// Whether the registry could not answer.
    #[must_use]
    pub fn is_registry_unavailable(&self) -> bool {
        self.kind() == ErrorKind::RegistryUnavailable
    }

    /// Whether someone outside must see this exactly as they see a tenant that does not exist.
    ///
    /// True for unknown, wrong and suspended tenants. False for an outage, which is not an answer.
    #[must_use]
    pub fn looks_absent(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::UnknownTenant | ErrorKind::WrongTenant | ErrorKind::Suspended
        )
    }

    pub(crate) fn no_tenant() -> Self {
        Self::new(
            ErrorKind::NoTenant,
            "no tenant is set here; run this inside `TenantContext::scope`, and start tasks with `tenancy_core::spawn`",
        )
    }

    pub(crate) fn wrong_tenant() -> Self {
        Self::new(
            ErrorKind::WrongTenant,
            "this work belongs to another tenant than the scope it runs in; leave that scope first, or start it with its own context",
        )
    }

    pub(crate) fn unknown_tenant() -> Self {
        Self::new(
            ErrorKind::UnknownTenant,
            "there is no such tenant; provision it first",
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            message,
            source,
        } = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", kind).field("message", message);
        if let Some(source) = source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_word_and_crosses_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn own_texts_are_lower_case_and_end_without_a_dot() {
        for error in [
            Error::no_tenant(),
            Error::wrong_tenant(),
            Error::unknown_tenant(),
        ] {
            let text = error.to_string();
            assert!(text.starts_with(char::is_lowercase), "{text}");
            assert!(!text.ends_with('.'), "{text}");
        }
    }

    #[test]
    fn an_outage_does_not_look_absent() {
        let check =
            |kind, expect| assert_eq!(Error::new(kind, "x").looks_absent(), expect, "{kind:?}");
        check(ErrorKind::UnknownTenant, true);
        check(ErrorKind::WrongTenant, true);
        check(ErrorKind::Suspended, true);
        check(ErrorKind::RegistryUnavailable, false);
        check(ErrorKind::NoTenant, false);
        check(ErrorKind::Moved, false);
    }
}
