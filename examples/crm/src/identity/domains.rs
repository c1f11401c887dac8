//! Domains of a workspace's own: claimed, proved by a DNS record, and from then on another address of it.

use std::sync::Arc;

use tenancy::http::domains::{Challenge, DomainPolicy, SystemDns, TxtLookup};
use tenancy::sqlx::Secret;
use tenancy::{DomainName, Error, TenantContext};

use crate::control::Control;
use crate::error::AppError;

/// What is done about domains. Whose they are is read from the context.
#[derive(Clone, Debug)]
pub struct Domains {
    control: Control,
    secret: Secret,
    policy: DomainPolicy,
    dns: Option<Arc<dyn TxtLookup>>,
}

impl Domains {
    /// Refuses claims to `own`, the domain below which tenants have their subdomains.
    ///
    /// # Errors
    /// `ApiMisuse` if that is no domain.
    pub(super) fn new(
        control: Control,
        secret: Secret,
        dns: Option<Arc<dyn TxtLookup>>,
        own: &str,
    ) -> Result<Self, Error> {
        Ok(Self {
            control,
            secret,
            policy: DomainPolicy::new([own])?,
            dns,
        })
    }

    /// Claims a domain for the current tenant.
    pub async fn claim(&self, text: &str) -> Result<(DomainName, Challenge), AppError> {
        let domain = self.read(text)?;
        self.control.claim(&domain).await?;
        let challenge = self.challenge(&domain)?;
        Ok((domain, challenge))
    }

    /// Opens a domain if its record is there.
    pub async fn verify(&self, text: &str) -> Result<(), AppError> {
        let domain = self.read(text)?;
        let dns = self.dns.as_ref().ok_or(AppError::Busy)?;
        let is_met = self.challenge(&domain)?.is_met(dns).await;
        if !is_met.map_err(tenancy::sqlx::Error::from)? {
            return Err(AppError::field(
                "domain",
                "The record is not there yet. It can take a while until everybody sees it.",
            ));
        }
        self.control.verified(&domain).await
    }

    /// Gives a domain up.
    pub async fn release(&self, text: &str) -> Result<(), AppError> {
        self.control.release(&self.read(text)?).await
    }

    /// The record that proves that a domain is the current tenant's.
    pub fn challenge(&self, domain: &DomainName) -> Result<Challenge, AppError> {
        let tenant = TenantContext::with_current(TenantContext::tenant_id)
            .map_err(tenancy::sqlx::Error::from)?;
        Ok(Challenge::new(&self.secret, tenant, domain))
    }

    fn read(&self, text: &str) -> Result<DomainName, AppError> {
        self.policy
            .check(text)
            .map_err(|refused| AppError::field("domain", &refused.to_string()))
    }
}

/// The name servers that this machine is configured with, if it is.
pub(super) fn system_dns() -> Option<Arc<dyn TxtLookup>> {
    match SystemDns::new() {
        Ok(dns) => Some(Arc::new(dns)),
        Err(error) => {
            tracing::warn!(%error, "domains can't be verified on this machine");
            None
        }
    }
}
