//! The isolation matrix of tenancy-sqlx, asked of Diesel: every driver, isolation and standing wall answers every probe alike.

pub(crate) mod world;

mod postgres;
mod sqlite;

use diesel::{PgConnection, SqliteConnection};
use tenancy_core::Isolation;
use tenancy_testkit::fixture::Walls;

use world::World;

macro_rules! matrix {
    ($($test:ident: $db:ident $driver:ty, $isolation:ident, $walls:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let world = World::<$driver>::new(Isolation::$isolation, Walls::$walls).await;
                $db::probes::run(world).await;
            }
        )*
    };
}

matrix! {
    postgres_shared_both_walls: postgres PgConnection, Shared, Both;
    postgres_shared_firewall_alone: postgres PgConnection, Shared, FirewallOnly;
    postgres_shared_server_alone: postgres PgConnection, Shared, ServerOnly;
    postgres_schema_both_walls: postgres PgConnection, Schema, Both;
    postgres_schema_firewall_alone: postgres PgConnection, Schema, FirewallOnly;
    postgres_schema_server_alone: postgres PgConnection, Schema, ServerOnly;
    postgres_database_both_walls: postgres PgConnection, Database, Both;
    postgres_database_firewall_alone: postgres PgConnection, Database, FirewallOnly;
    postgres_database_server_alone: postgres PgConnection, Database, ServerOnly;
    // SQLite's engine has no wall for shared tables; in the other two the tenant's own file is the second one.
    sqlite_shared_firewall: sqlite SqliteConnection, Shared, Both;
    sqlite_schema_both_walls: sqlite SqliteConnection, Schema, Both;
    sqlite_schema_firewall_alone: sqlite SqliteConnection, Schema, FirewallOnly;
    sqlite_schema_server_alone: sqlite SqliteConnection, Schema, ServerOnly;
    sqlite_database_both_walls: sqlite SqliteConnection, Database, Both;
    sqlite_database_firewall_alone: sqlite SqliteConnection, Database, FirewallOnly;
    sqlite_database_server_alone: sqlite SqliteConnection, Database, ServerOnly;
}
