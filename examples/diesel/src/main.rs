//! The quickstart in Diesel: two tenants, one table, the same queries for both, and no data without a tenant.

use diesel::prelude::*;
use sqlx::Sqlite;
use sqlx::migrate::Migrator;
use tenancy::diesel::{SqliteServer, TenantConnection, TenantPool};
use tenancy::sqlx::provision::NewTenant;
use tenancy::sqlx::{Provisioner, SqlRegistry};
use tenancy::{Actor, Isolation, ServerName, TenantContext, TenantSlug, tenant_scoped};

/// Builds the tables of every tenant, whether it shares them or has them to itself.
static MIGRATIONS: Migrator = sqlx::migrate!();

#[allow(
    missing_docs,
    unreachable_pub,
    reason = "written by Diesel's macro, for this file alone"
)]
mod schema {
    diesel::table! {
        leads (id) {
            id -> BigInt,
            name -> Text,
        }
    }
}

use schema::leads;

/// A row of `leads`, checked against the migrations while this is compiled. The connection adds whose leads they are.
#[tenant_scoped(table = "leads")]
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = leads)]
struct Lead {
    id: i64,
    name: String,
}

type Conn = TenantConnection<SqliteConnection>;

/// Plain Diesel.
fn add(conn: &mut Conn, lead: &Lead) -> QueryResult<usize> {
    diesel::insert_into(Lead::scoped())
        .values(lead)
        .execute(conn)
}

fn all(conn: &mut Conn) -> QueryResult<Vec<Lead>> {
    Lead::scoped()
        .order(leads::id)
        .select(Lead::as_select())
        .load(conn)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Once: which tables belong to tenants, where they live, who the tenants are. Provisioning is tenancy-sqlx's.
    let folder = std::env::temp_dir().join(format!("tenancy-diesel-{}", std::process::id()));
    let catalog = tenancy::catalog!()?;
    let registry = SqlRegistry::<Sqlite>::new(&folder);
    registry.migrate().await?;
    let provisioner = Provisioner::builder(registry.clone(), catalog.clone())
        .server(
            ServerName::default(),
            tenancy::sqlx::SqliteServer::folder(&folder),
        )
        .migrations(&MIGRATIONS)
        .build()?;
    provisioner.migrate_shared().await?;

    // Two tenants: one shares its tables with others, the other has a database of its own.
    let acme = provisioner
        .provision(NewTenant::new(TenantSlug::parse("acme")?))
        .await?;
    let umbrella = NewTenant::new(TenantSlug::parse("umbrella")?).isolation(Isolation::Database);
    let umbrella = provisioner.provision(umbrella).await?;

    // A web service gets the context from `TenantLayer`; here we make it ourselves. The ids are the same on purpose.
    let db = TenantPool::<SqliteConnection>::builder(catalog)
        .server(ServerName::default(), SqliteServer::folder(&folder)?)
        .build()?;
    for (tenant, name) in [(acme, "Ada Lovelace"), (umbrella, "Grace Hopper")] {
        let slug = *tenant.slug();
        let context = TenantContext::for_request(tenant, Actor::user("demo"))?;
        let name = name.to_owned();
        let work = db.interact(move |conn| {
            conn.transaction(|conn| {
                add(conn, &Lead { id: 1, name })?;
                all(conn)
            })
        });
        for Lead { id, name } in context.scope(work).await?? {
            println!("{slug} sees lead {id}, {name}");
        }
    }

    // Nobody said for whom: refused before a connection is taken.
    if let Err(refused) = db.interact(all).await {
        println!("without a tenant: {refused}");
    }

    db.close().await;
    registry.close().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
