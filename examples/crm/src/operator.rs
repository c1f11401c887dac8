//! What the people who run the CRM do to a tenant from a shell: they suspend and resume it.
//!
//! They change the registry and nothing else. Running nodes hear of it from the database.

use std::path::Path;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Postgres, Sqlite};
use tenancy::sqlx::{SqlRegistry, TenantDb};
use tenancy::{Actor, RegistryExt, TenantSlug, TenantStatus};

use crate::start::StartError;

/// Gives a tenant another status, in a folder of SQLite files.
///
/// # Errors
/// [`StartError`] if there is no such tenant or the registry does not answer.
pub async fn embedded(folder: &Path, slug: &str, to: TenantStatus) -> Result<(), StartError> {
    change(SqlRegistry::<Sqlite>::new(folder), slug, to).await
}

/// Gives a tenant another status, on a PostgreSQL database, given as its owner.
///
/// # Errors
/// [`StartError`] if there is no such tenant or the registry does not answer.
pub async fn postgres(
    owner: PgConnectOptions,
    slug: &str,
    to: TenantStatus,
) -> Result<(), StartError> {
    change(SqlRegistry::<Postgres>::new(owner), slug, to).await
}

async fn change<DB: TenantDb>(
    registry: SqlRegistry<DB>,
    slug: &str,
    to: TenantStatus,
) -> Result<(), StartError> {
    let tenant = registry.by_slug(&TenantSlug::parse(slug)?).await?;
    let by = Actor::system("crm");
    registry
        .set_status(tenant.id(), to, &by, "asked for on the command line")
        .await?;
    registry.close().await;
    Ok(())
}
