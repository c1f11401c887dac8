//! [`Sources`]: what besides base domains names a tenant in a request, as configured on the layer.

use std::sync::Arc;

use http::HeaderName;
use tenancy_core::AuditSink;

use super::api_key::ApiKeys;
use super::layer::TenantLayer;
use super::membership::{Members, Membership};
use super::path::PathPrefix;
use super::report::Reports;
use super::session::Sessions;
#[cfg(feature = "jwt")]
use super::token::Tokens;
use crate::host::TrustedProxies;
#[cfg(feature = "propagate")]
use crate::propagate::Verifier;

/// What a layer looks at, and whom it asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    pub(super) custom_domains: bool,
    pub(super) path: Option<PathPrefix>,
    pub(super) header: Option<HeaderName>,
    pub(super) api_keys: Option<ApiKeys>,
    #[cfg(feature = "jwt")]
    pub(super) tokens: Option<Tokens>,
    pub(super) sessions: Option<Sessions>,
    #[cfg(feature = "propagate")]
    pub(super) peers: Option<Verifier>,
    pub(super) proxies: Option<TrustedProxies>,
    pub(super) members: Option<Members>,
    pub(super) reports: Reports,
    pub(super) reach: Reach,
}

/// Which requests pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Reach {
    /// Those of a tenant.
    #[default]
    Tenant,
    /// Those of no tenant.
    Central,
    /// Both.
    Universal,
}

impl Sources {
    fn authenticates_users(&self) -> bool {
        #[cfg(feature = "jwt")]
        if self.tokens.is_some() {
            return true;
        }
        #[cfg(feature = "propagate")]
        if self.peers.is_some() {
            return true;
        }
        self.sessions.is_some()
    }

    /// Whether nothing but a host is looked at.
    pub(super) fn are_hosts_alone(&self) -> bool {
        self.path.is_none()
            && self.header.is_none()
            && self.api_keys.is_none()
            && !self.authenticates_users()
            && self.proxies.is_none()
            && self.reach == Reach::Tenant
    }

    /// What a configuration lacks, and how to add it.
    pub(super) fn missing(&self, has_bases: bool) -> Option<&'static str> {
        let names_tenants = has_bases
            || self.custom_domains
            || self.path.is_some()
            || self.header.is_some()
            || self.api_keys.is_some()
            || self.authenticates_users();
        if !names_tenants {
            return Some(
                "TenantLayer does not know how requests name tenants; add `.subdomain_of(\"crm.example.com\")` or another source",
            );
        }
        if self.authenticates_users() && self.members.is_none() {
            return Some(
                "TenantLayer authenticates users and nobody says whether they are members; add `.members(..)`",
            );
        }
        None
    }
}

/// What names a tenant, besides subdomains.
impl TenantLayer {
    /// Takes a host that is below no base domain as a tenant's own, if the registry says that the tenant has verified it.
    pub fn custom_domains(mut self) -> Self {
        self.rules_mut().sources.custom_domains = true;
        self
    }

    /// Declares a host that is no tenant's: what it is asked for must name its tenant by path, key, token or session.
    ///
    /// Base domains themselves are such hosts already. Where no base domain and no custom domains are configured, all hosts are.
    pub fn neutral_host(mut self, host: impl AsRef<str>) -> Self {
        let host = host.as_ref();
        let rules = self.rules_mut();
        if let Err(reason) = rules.bases.insert_neutral(host) {
            rules.mistaken(format!(
                "`{}` is no host: {reason}; write it like `api.example.com`",
                host.escape_debug()
            ));
        }
        self
    }

    /// Takes the path segment after `prefix` as a tenant's slug, on hosts that are nobody's: `/t/acme/leads` with `/t`. The
    /// service below sees `/leads`, and [`Links`](crate::Links) makes addresses with what was taken off.
    ///
    /// On a tenant's own host the path may name a tenant too, and must agree. The slug stands there unescaped; a path with
    /// dot segments after it, however they are written, is refused as absent.
    ///
    /// The layer changes the path, so it must be *around* a router and not one of its layers, which run after routing:
    /// `Router::new().fallback_service(layer.layer(tenants))`.
    ///
    /// Tenants in paths share an origin, and so everything that a browser keeps by origin. Scripts of one page can read
    /// the pages of another: this is for pages that you write, not for what tenants upload.
    pub fn path_prefix(mut self, prefix: impl AsRef<str>) -> Self {
        let prefix = prefix.as_ref();
        let rules = self.rules_mut();
        match PathPrefix::parse(prefix) {
            Some(prefix) => rules.sources.path = Some(prefix),
            None => rules.mistaken(format!(
                "`{}` is no path prefix; write it like `/t`",
                prefix.escape_debug()
            )),
        }
        self
    }

    /// Takes a header's value as a tenant's id. **Whoever can send a request chooses the tenant**: this is for services that
    /// only other services of yours can reach, and only if every one of them may act for every tenant.
    ///
    /// Where the request names a tenant otherwise too, the header must agree.
    pub fn dangerously_trust_header(mut self, header: HeaderName) -> Self {
        self.rules_mut().sources.header = Some(header);
        self
    }

    /// Identifies services by API keys.
    pub fn api_keys(mut self, keys: ApiKeys) -> Self {
        self.rules_mut().sources.api_keys = Some(keys);
        self
    }

    /// Identifies users and services by signed tokens.
    #[cfg(feature = "jwt")]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.rules_mut().sources.tokens = Some(tokens);
        self
    }

    /// Identifies users by session cookies.
    pub fn sessions(mut self, sessions: Sessions) -> Self {
        self.rules_mut().sources.sessions = Some(sessions);
        self
    }

    /// Believes what other services of yours signed about whose a request is, and who asks.
    ///
    /// A claim that is not believed is answered with 401, whatever else the request brings; one that is believed must agree
    /// with whatever else names a tenant. Users that a peer vouches for are asked about as all others are.
    #[cfg(feature = "propagate")]
    pub fn peers(mut self, verifier: Verifier) -> Self {
        self.rules_mut().sources.peers = Some(verifier);
        self
    }

    /// Believes these proxies about the host that was asked for.
    pub fn behind(mut self, proxies: TrustedProxies) -> Self {
        self.rules_mut().sources.proxies = Some(proxies);
        self
    }
}

/// Who is asked, who is told, and who may pass.
impl TenantLayer {
    /// Asks this about every authenticated user, on every request: somebody who is no member any more is refused as absent.
    pub fn members(mut self, membership: impl Membership) -> Self {
        self.rules_mut().sources.members = Some(Members::Asked(Arc::new(membership)));
        self
    }

    /// Asks nobody: whoever issues sessions and tokens has made sure that their user is a member, and ends them when that
    /// changes.
    pub fn members_vouched_for(mut self) -> Self {
        self.rules_mut().sources.members = Some(Members::VouchedFor);
        self
    }

    /// Tells this when a request is refused because its sources disagree, or its user is no member. At most a few a second
    /// are told, so that nobody can fill a log by sending nonsense; the next one says how many were left out.
    ///
    /// A sink that fails changes nothing about the refusal.
    pub fn audit(mut self, sink: impl AuditSink + 'static) -> Self {
        self.rules_mut().sources.reports = Reports::to(Arc::new(sink));
        self
    }

    /// The same layer for routes of no tenant: it passes requests for hosts that are nobody's and name no tenant, without a
    /// context, and answers all others with 404.
    pub fn central(mut self) -> Self {
        self.rules_mut().sources.reach = Reach::Central;
        self
    }

    /// The same layer for routes that serve tenants and the centre alike: a request that names a tenant runs in its context
    /// or is refused, one for a host that is nobody's and that names none runs without.
    pub fn universal(mut self) -> Self {
        self.rules_mut().sources.reach = Reach::Universal;
        self
    }
}
