//! The control plane, on either database: domains, API keys and the audit log of the tenants. Central data: no handler that
//! serves a tenant's own rows needs it.

use std::time::{Duration, SystemTime};

use sqlx::{Postgres, Sqlite};
use tenancy::sqlx::SqlRegistry;
use tenancy::sqlx::registry::{ApiKey, ApiKeyRow, DomainRow};
use tenancy::{
    Actor, ApiKeyHash, AuditEvent, AuditSink, DomainName, Error, TenantContext, TenantId,
};

use crate::error::AppError;

/// The registry that changes are made in.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "`on_control!` has one arm for each, and a third must break the build"
)]
pub enum Control {
    /// On a PostgreSQL server.
    Postgres(SqlRegistry<Postgres>),
    /// In a folder of SQLite files.
    Sqlite(SqlRegistry<Sqlite>),
}

macro_rules! on_control {
    ($control:expr, $registry:ident => $body:expr) => {
        match $control {
            Control::Postgres($registry) => $body,
            Control::Sqlite($registry) => $body,
        }
    };
}

/// Who changes what, out of the request's context: nobody passes a tenant here.
fn whose() -> Result<(TenantId, Actor), AppError> {
    let context = TenantContext::current().map_err(tenancy::sqlx::Error::from)?;
    Ok((context.tenant_id(), context.actor().clone()))
}

impl Control {
    /// Makes an API key of the current tenant. It is shown once.
    pub async fn add_key(&self) -> Result<ApiKey, AppError> {
        let (tenant, actor) = whose()?;
        Ok(on_control!(self, registry => registry.add_api_key(tenant, &actor).await)?)
    }

    /// Puts a new key in the place of one, which works on for a while.
    pub async fn rotate_key(&self, prefix: &str, overlap: Duration) -> Result<ApiKey, AppError> {
        let (tenant, actor) = whose()?;
        Ok(
            on_control!(self, registry => registry.rotate_api_key(tenant, prefix, overlap, &actor).await)?,
        )
    }

    /// Revokes a key.
    pub async fn revoke_key(&self, prefix: &str) -> Result<(), AppError> {
        let (tenant, actor) = whose()?;
        on_control!(self, registry => registry.revoke_listed_api_key(tenant, prefix, &actor).await.map(drop))?;
        Ok(())
    }

    /// The keys of the current tenant.
    pub async fn keys(&self) -> Result<Vec<ApiKeyRow>, AppError> {
        let (tenant, _) = whose()?;
        Ok(on_control!(self, registry => registry.api_keys(tenant).await)?)
    }

    /// Notes which keys were used.
    ///
    /// # Errors
    /// `RegistryUnavailable`.
    pub async fn mark_used(
        &self,
        keys: &[(ApiKeyHash, SystemTime)],
    ) -> Result<(), tenancy::sqlx::Error> {
        on_control!(self, registry => registry.mark_api_keys_used(keys).await)
    }

    /// Notes that the current tenant claims a domain.
    pub async fn claim(&self, domain: &DomainName) -> Result<(), AppError> {
        let (tenant, actor) = whose()?;
        Ok(on_control!(self, registry => registry.add_domain(tenant, domain, &actor).await)?)
    }

    /// Notes that the current tenant proved that a domain is its own.
    pub async fn verified(&self, domain: &DomainName) -> Result<(), AppError> {
        let (tenant, actor) = whose()?;
        on_control!(self, registry => registry.verify_domain(tenant, domain, &actor).await.map(drop))?;
        Ok(())
    }

    /// Takes a domain away from the current tenant.
    pub async fn release(&self, domain: &DomainName) -> Result<(), AppError> {
        let (tenant, actor) = whose()?;
        on_control!(self, registry => registry.remove_domain(tenant, domain, &actor).await.map(drop))?;
        Ok(())
    }

    /// The domains that the current tenant claims.
    pub async fn domains(&self) -> Result<Vec<DomainRow>, AppError> {
        let (tenant, _) = whose()?;
        Ok(on_control!(self, registry => registry.domains(tenant).await)?)
    }

    /// How many requests for the current tenant were refused because their sources disagreed, or their user was no member.
    pub async fn refusals(&self) -> Result<usize, AppError> {
        let (tenant, _) = whose()?;
        let rows = on_control!(self, registry => registry.audit_rows(tenant, 0, 10_000).await)?;
        Ok(rows
            .iter()
            .filter(|row| row.kind.starts_with("refused_"))
            .count())
    }

    /// All domains that a proxy may get certificates for.
    ///
    /// # Errors
    /// `RegistryUnavailable`.
    pub async fn served(&self) -> Result<Vec<DomainName>, tenancy::sqlx::Error> {
        on_control!(self, registry => registry.served_domains().await)
    }
}

impl AuditSink for Control {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> tenancy::BoxFuture<'a, Result<(), Error>> {
        on_control!(self, registry => registry.record(event))
    }
}
