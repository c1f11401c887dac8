//! [`Source`] and [`Evidence`]: what one request says about its tenant, before anybody was asked whether it is true.

use std::fmt;

use tenancy_core::{Actor, ApiKeyHash, LookupKey, TenantId};

use super::session::SessionHash;

/// Where in a request a tenant was named. The word for it stands in logs and audit events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Subdomain,
    CustomDomain,
    Path,
    Header,
    ApiKey,
    Token,
    Session,
    Peer,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subdomain => "subdomain",
            Self::CustomDomain => "custom domain",
            Self::Path => "path",
            Self::Header => "header",
            Self::ApiKey => "api key",
            Self::Token => "token",
            Self::Session => "session",
            Self::Peer => "propagated context",
        })
    }
}

/// One place that names a tenant, and what is to be looked up.
pub(super) type Named = (Source, LookupKey);

/// All that a request brings. Nothing in it has been verified.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// What its host names.
    pub(super) host: Option<Named>,
    /// What its path and its headers name.
    pub(super) others: Vec<Named>,
    /// The hash of the API key that it presents.
    pub(super) api_key: Option<ApiKeyHash>,
    /// The token that it presents.
    pub(super) token: Option<Box<str>>,
    /// The sessions that its cookies name, one a tenant.
    pub(super) sessions: Vec<(TenantId, SessionHash)>,
    /// What another service of ours signed. The one thing here that is verified, since that needs nobody.
    pub(super) peer: Option<(TenantId, Actor)>,
}

impl Evidence {
    /// The one key to look up if a single place names the tenant and nobody is to be authenticated: the hot path.
    pub(super) fn sole_place(&mut self) -> Option<Named> {
        let authenticates = self.api_key.is_some()
            || self.token.is_some()
            || self.peer.is_some()
            || !self.sessions.is_empty();
        if authenticates {
            return None;
        }
        match (&self.host, self.others.len()) {
            (Some(_), 0) => self.host.take(),
            (None, 1) => self.others.pop(),
            _ => None,
        }
    }

    /// Whether an address in it names a tenant, whatever it proves.
    pub(super) fn names_a_place(&self) -> bool {
        self.host.is_some() || !self.others.is_empty()
    }

    /// Whether nothing in it names a tenant.
    pub(super) fn is_empty(&self) -> bool {
        self.host.is_none()
            && self.others.is_empty()
            && self.api_key.is_none()
            && self.token.is_none()
            && self.sessions.is_empty()
            && self.peer.is_none()
    }
}
