//! [`Issuer`]: somebody whose tokens are believed, and about which tenants.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tenancy_core::{Actor, LookupKey, TenantId, TenantSlug};

use super::keys::{KeySource, TokenKey};

/// Somebody whose tokens are believed: for one audience, signed by its own keys, about the tenants that they name.
///
/// How a token of it names a tenant is said by one or more of [`tenant_id_claim`](Self::tenant_id_claim),
/// [`tenant_slug_claim`](Self::tenant_slug_claim), [`only_for`](Self::only_for) and, key by key, [`TokenKey::only_for`]. All that
/// apply must name the same tenant. With none of them no token of this issuer is good for anything.
#[derive(Debug, Clone)]
pub struct Issuer {
    name: Box<str>,
    audience: Box<str>,
    keys: Arc<dyn KeySource>,
    id_claim: Option<Box<str>>,
    slug_claim: Option<Box<str>>,
    only_for: Option<TenantId>,
    leeway: Duration,
    issues_for_services: bool,
}

impl Issuer {
    /// The issuer that calls itself `name` in `iss`, when it issues for `audience`, with these keys.
    pub fn new(
        name: impl Into<Box<str>>,
        audience: impl Into<Box<str>>,
        keys: impl KeySource,
    ) -> Self {
        Self {
            name: name.into(),
            audience: audience.into(),
            keys: Arc::new(keys),
            id_claim: None,
            slug_claim: None,
            only_for: None,
            leeway: Duration::from_secs(30),
            issues_for_services: false,
        }
    }

    /// Each token has a claim of this name with a tenant's id: the better choice, since ids never change hands.
    #[must_use]
    pub fn tenant_id_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.id_claim = Some(claim.into());
        self
    }

    /// Each token has a claim of this name with a tenant's slug.
    #[must_use]
    pub fn tenant_slug_claim(mut self, claim: impl Into<Box<str>>) -> Self {
        self.slug_claim = Some(claim.into());
        self
    }

    /// This issuer is one tenant's own: whatever its tokens say, they are good for no other.
    #[must_use]
    pub fn only_for(mut self, tenant: TenantId) -> Self {
        self.only_for = Some(tenant);
        self
    }

    /// How far its clock may be off ours; 30 seconds if not said.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Its tokens are about services and not about users: nobody is asked about membership.
    #[must_use]
    pub fn for_services(mut self) -> Self {
        self.issues_for_services = true;
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    pub(super) fn keys(&self) -> &dyn KeySource {
        &*self.keys
    }

    pub(super) fn leeway(&self) -> Duration {
        self.leeway
    }

    /// All that names a tenant in a verified token. They are looked up and must agree.
    pub(super) fn tenants(
        &self,
        claims: &Map<String, Value>,
        key: &TokenKey,
    ) -> Result<Vec<LookupKey>, &'static str> {
        let mut named: Vec<LookupKey> = self
            .only_for
            .into_iter()
            .chain(key.tenant())
            .map(LookupKey::Id)
            .collect();
        if let Some(claim) = &self.id_claim {
            let id = match claims.get(&**claim) {
                Some(Value::String(text)) => TenantId::parse(text).ok(),
                Some(Value::Number(number)) => number
                    .as_i64()
                    .and_then(|id| TenantId::from_integer(id).ok()),
                _ => None,
            };
            named.push(LookupKey::Id(
                id.ok_or("the claim of its tenant holds no id")?,
            ));
        }
        if let Some(claim) = &self.slug_claim {
            let slug = claims
                .get(&**claim)
                .and_then(Value::as_str)
                .and_then(|text| TenantSlug::parse(text).ok());
            named.push(LookupKey::Slug(
                slug.ok_or("the claim of its tenant holds no slug")?,
            ));
        }
        if named.is_empty() {
            tracing::error!(
                "an issuer of tokens names no tenant: add `.tenant_id_claim(..)` or `.only_for(..)`"
            );
            return Err("names no tenant");
        }
        Ok(named)
    }

    /// Whom a verified token is about.
    pub(super) fn actor(&self, claims: &Map<String, Value>) -> Option<Actor> {
        let subject = claims.get("sub").and_then(Value::as_str)?;
        let actor = if self.issues_for_services {
            Actor::service(subject)
        } else {
            Actor::user(subject)
        };
        (!actor.is_anonymous()).then_some(actor)
    }
}
