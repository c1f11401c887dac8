//! [`Provisioner`]: makes tenants, and moves them through their lives.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tenancy_core::{
    Actor, Isolation, Placement, RegistryEvent, ServerName, Tenant, TenantId, TenantSlug,
    TenantStatus,
};
use tenancy_sql::{Catalog, KeyType};

use super::builder::ProvisionerBuilder;
use super::migrate::Migrations;
use super::new_tenant::NewTenant;
use super::step::{AtStep as _, ProvisionStep};
use super::work::{ProvisionDb, Work, done};
use crate::registry::Draft;
use crate::{Error, Result, SqlRegistry};

/// Makes tenants in shared tables, in a schema or in a database of their own.
///
/// It connects as the owner of each server, so it belongs into an operator's process; one that serves requests can do
/// without. A handle: clones share everything.
///
/// # Concurrency
/// One slug is provisioned by one caller at a time, across processes; another waits two seconds and gets
/// [`Error::ProvisioningBusy`], or [`Error::SlugTaken`] if the first has finished.
///
/// # Cancellation
/// Dropping the future at any point leaves a tenant that is not active. Run it again with the same slug.
///
/// # Example: a tenant with a database of its own, on SQLite
/// ```
/// use sqlx::migrate::{Migration, MigrationType, Migrator};
/// use sqlx::SqlSafeStr;
/// use tenancy_core::{Isolation, ServerName, TenantSlug, TenantStatus};
/// use tenancy_sql::{Catalog, Dialect};
/// use tenancy_sqlx::provision::NewTenant;
/// use tenancy_sqlx::{Error, Provisioner, SqlRegistry, SqliteServer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("tenancy-doc-provision-{}", std::process::id()));
/// const LEADS: &str = "CREATE TABLE leads (tenant_id TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tenant_id, id))";
/// let catalog = Catalog::builder(Dialect::Sqlite).migration("1_leads.sql", LEADS).build()?;
/// let migrations = Migrator::with_migrations(vec![
///     Migration::new(1, "leads".into(), MigrationType::Simple, LEADS.into_sql_str(), false),
/// ]);
/// let registry = SqlRegistry::<sqlx::Sqlite>::new(&folder);
/// registry.migrate().await?;
///
/// let provisioner = Provisioner::builder(registry.clone(), catalog)
///     .server(ServerName::default(), SqliteServer::folder(&folder))
///     .owned_migrations(migrations)
///     .build()?;
/// let new = NewTenant::new(TenantSlug::parse("umbrella")?).isolation(Isolation::Database);
/// let umbrella = provisioner.provision(new.clone()).await?;
/// assert_eq!(umbrella.status(), TenantStatus::Active);
///
/// // The slug is taken now.
/// assert!(matches!(provisioner.provision(new).await, Err(Error::SlugTaken)));
/// # registry.close().await;
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(()) }
/// ```
pub struct Provisioner<DB: ProvisionDb> {
    inner: Arc<Inner<DB>>,
    /// Whether the shared tables of a server were seen to be walled off.
    ready: Arc<HashMap<ServerName, AtomicBool>>,
}

pub(super) struct Inner<DB: ProvisionDb> {
    pub(super) registry: SqlRegistry<DB>,
    pub(super) catalog: Catalog,
    pub(super) servers: HashMap<ServerName, DB::Server>,
    pub(super) migrations: Migrations,
    pub(super) actor: Actor,
    pub(super) fail_after: Option<ProvisionStep>,
}

impl<DB: ProvisionDb> Provisioner<DB> {
    /// Begins one for the tenants of this registry and the tables of this catalogue.
    pub fn builder(registry: SqlRegistry<DB>, catalog: Catalog) -> ProvisionerBuilder<DB> {
        ProvisionerBuilder::new(registry, catalog)
    }

    pub(super) fn new(inner: Inner<DB>) -> Self {
        let ready = inner
            .servers
            .keys()
            .map(|name| (*name, AtomicBool::new(false)))
            .collect();
        Self {
            inner: Arc::new(inner),
            ready: Arc::new(ready),
        }
    }

    /// Migrates the shared tables of every server and walls them off. Does nothing where nothing is to be done.
    ///
    /// On PostgreSQL migrations and walls are one transaction per server: nobody ever sees a table without its wall. Inside
    /// it the owner is not subject to the policies, so a migration can fill a new column for all tenants.
    ///
    /// # Errors
    /// [`Error::Provision`] with the step *migrate*, *wall* or *verify*; nothing was changed on that server.
    pub async fn migrate_shared(&self) -> Result<()> {
        let registry = self.inner.registry.identity().await?;
        let mut names: Vec<_> = self.inner.servers.keys().copied().collect();
        names.sort_unstable();
        for name in names {
            let work = self.work(&name, &registry)?;
            DB::migrate_shared(&work).await?;
            self.set_ready(&name);
        }
        Ok(())
    }

    /// Provisions a tenant: registers it, makes its place, and activates it last.
    ///
    /// After an error, or when the future was dropped, run it again with the same slug: the tenant keeps its id, what was
    /// left behind is removed and made again.
    ///
    /// # Errors
    /// * [`Error::SlugTaken`]: a tenant has the slug, or had it.
    /// * [`Error::IdTaken`]: a tenant has the id.
    /// * [`Error::PlaceTaken`]: a schema, database or file of this name is there that was not made for this registry; it is
    ///   left alone.
    /// * [`Error::ProvisioningBusy`]: somebody else is provisioning it right now.
    /// * [`Error::HalfProvisioned`]: an earlier attempt was for another isolation or server; see [`Self::abandon`].
    /// * [`Error::Provision`]: a step failed. Nothing was activated.
    pub async fn provision(&self, new: NewTenant) -> Result<Arc<Tenant>> {
        use ProvisionStep::{Activate, Register, Verify};
        let inner = &*self.inner;
        let draft = self.draft(new)?;
        let registry = inner.registry.identity().await.at(Register)?;

        let lock = inner
            .registry
            .lock_provisioning(&draft.slug)
            .await
            .at(Register)?;
        let tenant = self.register(draft).await.at(Register)?;
        done(inner.fail_after, Register)?;

        let server = *tenant.placement().server();
        let work = self.work(&server, &registry)?;
        match tenant.placement().isolation() {
            Isolation::Shared => {
                if !self.is_ready(&server) {
                    DB::ensure_shared(&work).await.at(Verify)?;
                    self.set_ready(&server);
                }
                work.done(Verify)?;
            }
            Isolation::Schema | Isolation::Database => {
                if let Err(error) = DB::make(&work, &tenant).await {
                    if let Err(error) = DB::unmake(&work, &tenant).await {
                        tracing::warn!(%error, "what a failed provisioning left will be removed when it is run again");
                    }
                    return Err(error);
                }
            }
        }

        // From here on nothing is removed when something fails: an activation whose answer was lost may have happened.
        done(inner.fail_after, Activate)?;
        inner
            .registry
            .step(
                tenant.id(),
                TenantStatus::Active,
                &inner.actor,
                "provisioned",
            )
            .await
            .at(Activate)?;
        let tenant = inner
            .registry
            .find_slug(tenant.slug())
            .await
            .at(Activate)?
            .ok_or(Error::SlugTaken)?;
        drop(lock);
        tracing::info!(tenant.id = %tenant.id(), isolation = %tenant.placement().isolation(), "provisioned");
        Ok(tenant)
    }

    /// Gives up a tenant whose provisioning failed: removes what was left of it and frees its slug.
    ///
    /// # Errors
    /// `UnknownTenant`; `ApiMisuse` if it was ever activated; [`Error::ProvisioningBusy`].
    pub async fn abandon(&self, slug: &TenantSlug, reason: &str) -> Result<()> {
        let inner = &*self.inner;
        let registry = inner.registry.identity().await?;
        let _lock = inner.registry.lock_provisioning(slug).await?;
        let tenant = inner.registry.provisioning(slug).await?;
        let work = self.work(tenant.placement().server(), &registry)?;
        DB::unmake(&work, &tenant).await?;
        inner
            .registry
            .forget(tenant.id(), &inner.actor, reason)
            .await
    }

    /// Suspends a tenant: it looks absent from outside until it is resumed.
    ///
    /// # Errors
    /// As [`SqlRegistry::set_status`].
    pub async fn suspend(&self, tenant: TenantId, reason: &str) -> Result<RegistryEvent> {
        self.set_status(tenant, TenantStatus::Suspended, reason)
            .await
    }

    /// Resumes a suspended or read-only tenant.
    ///
    /// # Errors
    /// As [`SqlRegistry::set_status`].
    pub async fn resume(&self, tenant: TenantId, reason: &str) -> Result<RegistryEvent> {
        self.set_status(tenant, TenantStatus::Active, reason).await
    }

    /// Begins to offboard a tenant: it takes no more work. Its data and its row stay; see [`SqlRegistry::bury`].
    ///
    /// # Errors
    /// As [`SqlRegistry::set_status`].
    pub async fn offboard(&self, tenant: TenantId, reason: &str) -> Result<RegistryEvent> {
        self.set_status(tenant, TenantStatus::Offboarding, reason)
            .await
    }

    async fn set_status(
        &self,
        tenant: TenantId,
        status: TenantStatus,
        reason: &str,
    ) -> Result<RegistryEvent> {
        self.inner
            .registry
            .set_status(tenant, status, &self.inner.actor, reason)
            .await
    }

    /// The row of the tenant: a new one, or the one that an earlier attempt left.
    async fn register(&self, mut draft: Draft) -> Result<Arc<Tenant>> {
        let registry = &self.inner.registry;
        let Some(earlier) = registry.find_slug(&draft.slug).await? else {
            return registry.register(&draft, &self.inner.actor).await;
        };
        if earlier.status() != TenantStatus::Provisioning {
            return Err(Error::SlugTaken);
        }
        let wanted =
            Placement::of(draft.placement.isolation(), &earlier.id()).on(*draft.placement.server());
        if wanted != *earlier.placement() {
            return Err(Error::HalfProvisioned);
        }
        draft.id = earlier.id();
        draft.placement = wanted;
        registry.register_again(&draft).await?;
        Ok(earlier)
    }

    fn draft(&self, new: NewTenant) -> Result<Draft> {
        let NewTenant {
            slug,
            id,
            name,
            isolation,
            server,
            plan,
            settings,
            features,
        } = new;
        if !self.inner.servers.contains_key(&server) {
            return Err(Error::UnknownServer(server.to_string()));
        }
        let key_type = self.inner.catalog.key_type();
        let id = match (id, key_type) {
            (Some(id), _) => id,
            (None, KeyType::Uuid | KeyType::Text | KeyType::Blob) => TenantId::new_v7(),
            (None, KeyType::Integer) => {
                return Err(Error::Config(
                    "the tenant column is an integer; choose the tenant's number with `NewTenant::id`".into(),
                ));
            }
        };
        for feature in &features {
            crate::registry::ensure_feature_name(feature)?;
        }
        // Refused now rather than by the first statement.
        crate::walls::quote::tenant(DB::DIALECT, key_type, id)?;
        Ok(Draft {
            name: name.unwrap_or_else(|| slug.as_str().to_owned()),
            placement: Placement::of(isolation, &id).on(server),
            id,
            slug,
            plan,
            settings,
            features,
        })
    }

    fn work<'a>(&'a self, server: &ServerName, registry: &'a str) -> Result<Work<'a, DB>> {
        let inner = &*self.inner;
        Ok(Work {
            server: inner
                .servers
                .get(server)
                .ok_or_else(|| Error::UnknownServer(server.to_string()))?,
            catalog: &inner.catalog,
            migrations: inner.migrations.get(),
            registry,
            fail_after: inner.fail_after,
        })
    }

    fn is_ready(&self, server: &ServerName) -> bool {
        self.ready
            .get(server)
            .is_some_and(|ready| ready.load(Ordering::Acquire))
    }

    fn set_ready(&self, server: &ServerName) {
        if let Some(ready) = self.ready.get(server) {
            ready.store(true, Ordering::Release);
        }
    }
}

impl<DB: ProvisionDb> Clone for Provisioner<DB> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            ready: Arc::clone(&self.ready),
        }
    }
}

impl<DB: ProvisionDb> fmt::Debug for Provisioner<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provisioner")
            .field("servers", &self.inner.servers.keys())
            .field("actor", &self.inner.actor)
            .finish_non_exhaustive()
    }
}
