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
    ($($test:ident: $db:ident, $isolation:ident, $walls:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let tenants = TwoTenants::$db(Isolation::$isolation).walls(Walls::$walls).build().await.unwrap();
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
    // SQLite's engine has no wall for shared tables; in the other two the tenant's own file is the second one.
    sqlite_shared_firewall: sqlite, Shared, Both;
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
