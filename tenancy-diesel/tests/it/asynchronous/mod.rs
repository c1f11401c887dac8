//! The isolation matrix, asked of diesel-async, and what only asynchronous code can do wrong.

mod cancelled;
mod per_tenant;
mod probes;
mod transactions;

use diesel::PgConnection;
use tenancy_core::{Isolation, TenantContext};
use tenancy_diesel::{AsyncTenantConnection, AsyncTenantPool};
use tenancy_testkit::fixture::Walls;

use crate::matrix::world::World;

macro_rules! matrix {
    ($($test:ident: $isolation:ident, $walls:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let world = World::new(Isolation::$isolation, Walls::$walls).await;
                probes::run(world).await;
            }
        )*
    };
}

matrix! {
    shared_both_walls: Shared, Both;
    shared_firewall_alone: Shared, FirewallOnly;
    shared_server_alone: Shared, ServerOnly;
    schema_both_walls: Schema, Both;
    schema_firewall_alone: Schema, FirewallOnly;
    schema_server_alone: Schema, ServerOnly;
    database_both_walls: Database, Both;
    database_firewall_alone: Database, FirewallOnly;
    database_server_alone: Database, ServerOnly;
}

/// The fixture of the synchronous driver: the data is the same.
pub(crate) type Tenants = World<PgConnection>;

/// A connection of a tenant.
pub(crate) async fn conn(pool: &AsyncTenantPool, cx: &TenantContext) -> AsyncTenantConnection {
    pool.get_for(cx).await.unwrap()
}
