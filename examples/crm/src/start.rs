//! Start-up: opens the tables, makes the tenants of the demonstration and fills them.
//!
//! The one place that knows where tenants live. What it returns (a pool and a registry) is all the application ever sees.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Postgres, Sqlite};
use tenancy::sql::{Catalog, CatalogError, Config, ConfigError, Dialect};
use tenancy::sqlx::provision::postgres::bootstrap;
use tenancy::sqlx::provision::{NewTenant, ProvisionDb};
use tenancy::sqlx::registry::RegistryWatch;
use tenancy::sqlx::{PgServer, Provisioner, Secret, SqlRegistry, SqliteServer, TenantPool};
use tenancy::{
    Actor, CachedRegistry, LookupKey, ServerName, Tenant, TenantContext, TenantRegistry,
    TenantSlug, TenantStatus,
};

use crate::control::Control;
use crate::db::Db;
use crate::error::AppError;
use crate::identity::Identity;
use crate::seed;
use crate::seed::tenants::Profile;
use crate::{secret, sign_in};

static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");
static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a suspension takes to be noticed where nothing tells of it, such as a lost notification of PostgreSQL.
const POLL: Duration = Duration::from_secs(1);

/// The password of each demonstration tenant's first user. It protects made-up data.
pub const DEMO_PASSWORD: &str = "try-the-crm-out";

/// What the application needs of the outside.
#[derive(Debug)]
pub struct Service {
    /// The tenants' tables.
    pub db: Db,
    /// Who the tenants are.
    pub registry: Arc<dyn TenantRegistry>,
    /// Who asks.
    pub identity: Identity,
    /// Carries changes of the registry (a suspension) to the cache in front of it, while it lives.
    pub watch: RegistryWatch,
}

/// Why the CRM did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// `tenancy.toml` is not as it must be.
    #[error("tenancy.toml can't be read")]
    Config(#[from] ConfigError),
    /// A migration is not as it must be.
    #[error("the migrations can't be read")]
    Catalog(#[from] CatalogError),
    /// The database or the provisioning of a tenant failed.
    #[error("the tenants' tables can't be opened")]
    Tables(#[from] tenancy::sqlx::Error),
    /// A tenant is not as it must be.
    #[error("a tenant can't be served")]
    Tenant(#[from] tenancy::Error),
    /// The secret that signs tokens can't be read or made.
    #[error("the signing secret can't be read or made")]
    Secret(#[from] std::io::Error),
    /// The demonstration data could not be written.
    #[error("the demonstration data can't be written")]
    Seed(#[from] AppError),
}

/// Starts on a folder of SQLite files, which is made if it is not there.
///
/// # Errors
/// [`StartError`]; starting again goes on where this stopped.
pub async fn embedded(
    folder: &Path,
    profiles: &[Profile],
    report: impl Fn(&str),
) -> Result<Service, StartError> {
    report(&format!("crm on SQLite, in {}", folder.display()));
    let catalog = catalog(Dialect::Sqlite, &SQLITE)?;
    let server = SqliteServer::folder(folder);
    let registry = SqlRegistry::<Sqlite>::new(folder);
    let pool = TenantPool::builder(catalog.clone())
        .server(ServerName::default(), server.clone())
        .build()?;
    let provisioner = Provisioner::builder(registry.clone(), catalog)
        .server(ServerName::default(), server)
        .migrations(&SQLITE)
        .build()?;
    let control = Control::Sqlite(registry.clone());
    let identity = Identity::new(&Db::Sqlite(pool.clone()), control, &signing(folder)?)?;
    open(
        Db::Sqlite(pool),
        registry,
        identity,
        &provisioner,
        profiles,
        report,
    )
    .await
}

/// Starts on a PostgreSQL database, given as its owner.
///
/// The owner provisions and migrates; requests run as a role that owns nothing, which is made here.
///
/// # Errors
/// [`StartError`]; starting again goes on where this stopped.
pub async fn postgres(
    owner: PgConnectOptions,
    secret: Secret,
    profiles: &[Profile],
    report: impl Fn(&str),
) -> Result<Service, StartError> {
    let database = owner.get_database().unwrap_or_else(|| owner.get_username());
    report(&format!(
        "crm on PostgreSQL, in {database} at {}:{}",
        owner.get_host(),
        owner.get_port()
    ));
    let catalog = catalog(Dialect::Postgres, &POSTGRES)?;
    // Another key than the roles' passwords, out of the same secret.
    let signing = secret.password_for("tokens of the crm");
    let app = bootstrap(&owner, &app_role(database), &secret).await?;
    let server = PgServer::new(app).admin(owner.clone()).secret(secret);
    let registry = SqlRegistry::<Postgres>::new(owner);
    let pool = TenantPool::builder(catalog.clone())
        .server(ServerName::default(), server.clone())
        .build()?;
    let provisioner = Provisioner::builder(registry.clone(), catalog)
        .server(ServerName::default(), server)
        .migrations(&POSTGRES)
        .build()?;
    let control = Control::Postgres(registry.clone());
    let identity = Identity::new(&Db::Postgres(pool.clone()), control, signing.as_bytes())?;
    open(
        Db::Postgres(pool),
        registry,
        identity,
        &provisioner,
        profiles,
        report,
    )
    .await
}

/// The role of requests, named after the database: roles belong to the whole server, and another CRM may be on it.
fn app_role(database: &str) -> String {
    let kept: String = database
        .chars()
        .scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= 59).then_some(c)
        })
        .collect();
    format!("{kept}_app")
}

/// The same for both databases: tables, then tenant by tenant.
async fn open<DB: ProvisionDb>(
    db: Db,
    registry: SqlRegistry<DB>,
    identity: Identity,
    provisioner: &Provisioner<DB>,
    profiles: &[Profile],
    report: impl Fn(&str),
) -> Result<Service, StartError> {
    registry.migrate().await?;
    provisioner.migrate_shared().await?;
    for profile in profiles {
        let tenant = provisioned(&registry, provisioner, profile).await?;
        let isolation = tenant.placement().isolation();
        let context =
            TenantContext::for_maintenance(tenant, Actor::system("seed"), "demonstration data")?;
        let added = context.scope(seed::load::fill(&db, profile)).await??;
        let admin = profile.admin();
        let seeded = context.scope(sign_in::store::seed(&db, &admin, DEMO_PASSWORD));
        seeded.await??;
        let what = if added == 0 {
            "ready".to_owned()
        } else {
            format!("{added} leads added")
        };
        report(&format!(
            "  {:<10} {:<10} {what}",
            profile.slug,
            isolation.as_str()
        ));
    }
    let cached = Arc::new(CachedRegistry::new(registry.clone()));
    let watch = registry.watch(&cached, POLL).await?;
    Ok(Service {
        db,
        registry: cached,
        identity,
        watch,
    })
}

/// The tenant of a profile: the one that is there, or a new one. One that is half there is made whole.
async fn provisioned<DB: ProvisionDb>(
    registry: &SqlRegistry<DB>,
    provisioner: &Provisioner<DB>,
    profile: &Profile,
) -> Result<Arc<Tenant>, StartError> {
    let slug = TenantSlug::parse(profile.slug)?;
    if let Some(tenant) = registry.lookup(&LookupKey::Slug(slug)).await?
        && tenant.status() != TenantStatus::Provisioning
    {
        return Ok(tenant);
    }
    let settings = Map::from_iter([("accent".to_owned(), profile.accent.into())]);
    let new = NewTenant::new(slug)
        .name(profile.name)
        .isolation(profile.isolation)
        .settings(settings);
    Ok(provisioner.provision(new).await?)
}

/// The secret that signs tokens, kept beside the files.
fn signing(folder: &Path) -> Result<Vec<u8>, StartError> {
    Ok(secret::read_or_make(&folder.join("signing"))?.into_bytes())
}

/// The tables that belong to tenants, read from the same migrations that build them.
fn catalog(dialect: Dialect, migrations: &Migrator) -> Result<Catalog, StartError> {
    let config = Config::parse(include_str!("../tenancy.toml"))?;
    let mut builder = Catalog::builder(dialect).config(&config);
    for migration in migrations.iter() {
        let name = format!("{:04}_{}.sql", migration.version, migration.description);
        builder = builder.migration(name, migration.sql.as_str());
    }
    Ok(builder.build()?)
}
