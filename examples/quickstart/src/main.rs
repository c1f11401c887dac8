//! The smallest useful program: two tenants, one table, the same statements for both, and no data without a tenant.

use sqlx::Sqlite;
use sqlx::migrate::Migrator;
use tenancy::sqlx::provision::NewTenant;
use tenancy::sqlx::{Provisioner, SqlRegistry, SqliteServer, TenantPool};
use tenancy::{Actor, Isolation, ServerName, TenantContext, TenantSlug, tenant_scoped};

/// Builds the tables of every tenant, whether it shares them or has them to itself.
static MIGRATIONS: Migrator = sqlx::migrate!();

/// A row of `leads`, checked against the migrations while this is compiled. The pool adds whose leads they are.
#[tenant_scoped(table = "leads")]
struct Lead {
    id: i64,
    name: String,
}

/// Plain SQL runs as well, written as if there were one tenant.
async fn names(db: &TenantPool<Sqlite>) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT name FROM leads ORDER BY id")
        .fetch_all(db)
        .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Once: which tables belong to tenants, where they live, who the tenants are.
    let folder = std::env::temp_dir().join(format!("tenancy-quickstart-{}", std::process::id()));
    let server = SqliteServer::folder(&folder);
    let catalog = tenancy::catalog!()?;
    let registry = SqlRegistry::<Sqlite>::new(&folder);
    registry.migrate().await?;

    // Two tenants: one shares its tables with others, the other has a database of its own.
    let provisioner = Provisioner::builder(registry.clone(), catalog.clone())
        .server(ServerName::default(), server.clone())
        .migrations(&MIGRATIONS)
        .build()?;
    provisioner.migrate_shared().await?;
    let acme = provisioner
        .provision(NewTenant::new(TenantSlug::parse("acme")?))
        .await?;
    let umbrella = NewTenant::new(TenantSlug::parse("umbrella")?).isolation(Isolation::Database);
    let umbrella = provisioner.provision(umbrella).await?;

    // A web service gets the context from `TenantLayer`; here we make it ourselves. The ids are the same on purpose.
    let db = TenantPool::<Sqlite>::builder(catalog)
        .server(ServerName::default(), server)
        .build()?;
    for (tenant, name) in [(acme, "Ada Lovelace"), (umbrella, "Grace Hopper")] {
        let (id, name) = (1, name.to_owned());
        let slug = *tenant.slug();
        let context = TenantContext::for_request(tenant, Actor::user("demo"))?;
        let seen = context.scope(async {
            Lead { id, name }.insert().execute(&db).await?;
            assert_eq!(
                Lead::all().order_by(Lead::NAME).fetch_all(&db).await?.len(),
                1
            );
            names(&db).await
        });
        println!("{slug} sees {:?}", seen.await??);
    }

    // Nobody said for whom: refused before a connection is taken.
    if let Err(refused) = names(&db).await {
        println!("without a tenant: {refused}");
    }

    db.close().await;
    registry.close().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
