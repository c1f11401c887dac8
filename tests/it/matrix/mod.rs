//! The isolation matrix: every database, isolation and standing wall answers every probe alike.
//!
//! The probes are one file, compiled once per driver, so that nothing can be true of one database only. Where there are two
//! walls, all of it runs three times: with both, with the firewall alone, with the server's wall alone.

pub(crate) mod world;

mod postgres;
mod sqlite;

use tenancy_core::Isolation;
use tenancy_testkit::fixture::{TwoTenants, Walls};

macro_rules! matrix {
    ($($test:ident: $db:ident, $isolation:ident, $walls:ident $(, $more:ident)?;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let tenants = TwoTenants::$db(Isolation::$isolation)$(.$more())?.walls(Walls::$walls).build().await.unwrap();
                $db::probes::run(world::World::new(tenants)).await;
            }
        )*
    };
}

matrix! {
    postgres_shared_both_walls: postgres, Shared, Both;
    postgres_shared_firewall_alone: postgres, Shared, FirewallOnly;
    postgres_shared_server_alone: postgres, Shared, ServerOnly;
    postgres_schema_both_walls: postgres, Schema, Both;
    postgres_schema_firewall_alone: postgres, Schema, FirewallOnly;
    postgres_schema_server_alone: postgres, Schema, ServerOnly;
    postgres_database_both_walls: postgres, Database, Both;
    postgres_database_firewall_alone: postgres, Database, FirewallOnly;
    postgres_database_server_alone: postgres, Database, ServerOnly;
    // For shared tables SQLite's engine is the second wall if it is asked to; in the other two it is the tenant's own file.
    sqlite_shared_firewall: sqlite, Shared, Both;
    sqlite_shared_engine_wall_and_firewall: sqlite, Shared, Both, engine_wall;
    sqlite_shared_engine_wall_alone: sqlite, Shared, ServerOnly, engine_wall;
    sqlite_schema_both_walls: sqlite, Schema, Both;
    sqlite_schema_firewall_alone: sqlite, Schema, FirewallOnly;
    sqlite_schema_server_alone: sqlite, Schema, ServerOnly;
    sqlite_database_both_walls: sqlite, Database, Both;
    sqlite_database_firewall_alone: sqlite, Database, FirewallOnly;
    sqlite_database_server_alone: sqlite, Database, ServerOnly;
}

/// The id of a tenant as it is stored in the tenant column.
pub(crate) fn uuid_of(cx: &tenancy_core::TenantContext) -> uuid::Uuid {
    match cx.tenant_id().repr() {
        tenancy_core::IdRepr::Uuid(id) => id,
        other => panic!("the fixture's tenants have UUIDs, not {other:?}"),
    }
}
