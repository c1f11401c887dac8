//! The places of the fixture, as this crate's pools reach them.

use std::path::Path;

use diesel::{PgConnection, SqliteConnection};
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tenancy_core::{Isolation, Secret, ServerName, Tenant};
use tenancy_diesel::{
    AsyncTenantPool, Budget, PgServer, SqliteServer, TenantDb, TenantPool, TenantPoolBuilder,
};
use tenancy_testkit::NetworkDelay;
use tenancy_testkit::fixture::{FixtureDb, TwoTenants, Walls};

/// A Diesel connection, and the database of the fixture that it reaches.
pub(crate) trait Driver: TenantDb {
    type Sqlx: FixtureDb;
    const NAME: &'static str;

    async fn fixture(isolation: Isolation, walls: Walls) -> TwoTenants<Self::Sqlx>;

    fn server(tenants: &TwoTenants<Self::Sqlx>) -> Self::Server;
}

impl Driver for SqliteConnection {
    type Sqlx = sqlx::Sqlite;
    const NAME: &'static str = "SQLite";

    async fn fixture(isolation: Isolation, walls: Walls) -> TwoTenants<sqlx::Sqlite> {
        let fixture = TwoTenants::sqlite(isolation).walls(walls);
        fixture.build().await.unwrap()
    }

    fn server(tenants: &TwoTenants<sqlx::Sqlite>) -> SqliteServer {
        sqlite_server(&tenants.a, &tenants.file_of(&tenants.a))
    }
}

impl Driver for PgConnection {
    type Sqlx = sqlx::Postgres;
    const NAME: &'static str = "PostgreSQL";

    async fn fixture(isolation: Isolation, walls: Walls) -> TwoTenants<sqlx::Postgres> {
        let fixture = TwoTenants::postgres(isolation).walls(walls);
        fixture.build().await.unwrap()
    }

    fn server(tenants: &TwoTenants<sqlx::Postgres>) -> PgServer {
        pg_server(&tenants.app_options(), &tenants.admin_options())
    }
}

/// The server whose folder a tenant's file is in.
pub(crate) fn sqlite_server(tenant: &Tenant, file: &Path) -> SqliteServer {
    let up = match tenant.placement().isolation() {
        Isolation::Shared => 1,
        Isolation::Schema | Isolation::Database => 2,
    };
    SqliteServer::folder(file.ancestors().nth(up).unwrap()).unwrap()
}

/// A server from how sqlx is told of it.
pub(crate) fn pg_server(app: &PgConnectOptions, admin: &PgConnectOptions) -> PgServer {
    let password = |of: &PgConnectOptions| of.to_url_lossy().password().map(str::to_owned);
    let server = PgServer::new(app.get_host(), app.get_database().unwrap())
        .port(app.get_port())
        .user(app.get_username())
        .owner(admin.get_username(), password(admin))
        .secret(Secret::new("the secret of tests, known to all").unwrap());
    match password(app) {
        Some(password) => server.password(password),
        None => server,
    }
}

/// A pool over the fixture's tenants.
pub(crate) fn pool<C: Driver>(tenants: &TwoTenants<C::Sqlx>, connections: usize) -> TenantPool<C> {
    pool_with(tenants, Budget::new(connections))
}

/// The same under any budget.
pub(crate) fn pool_with<C: Driver>(tenants: &TwoTenants<C::Sqlx>, budget: Budget) -> TenantPool<C> {
    let builder: TenantPoolBuilder<C> = TenantPool::builder(tenants.pool.catalog().clone())
        .server(ServerName::default(), C::server(tenants))
        .budget(budget);
    match tenants.walls {
        Walls::Both => builder,
        Walls::FirewallOnly => builder.without_server_wall(),
        Walls::ServerOnly => builder.without_firewall(),
    }
    .build()
    .unwrap()
}

/// An asynchronous pool over the fixture's tenants.
pub(crate) fn async_pool(
    tenants: &TwoTenants<sqlx::Postgres>,
    connections: usize,
) -> AsyncTenantPool {
    async_pool_with(tenants, Budget::new(connections))
}

/// The same under any budget.
pub(crate) fn async_pool_with(
    tenants: &TwoTenants<sqlx::Postgres>,
    budget: Budget,
) -> AsyncTenantPool {
    async_pool_of(tenants, PgConnection::server(tenants), budget)
}

/// The same through a network.
pub(crate) fn async_pool_through(
    tenants: &TwoTenants<sqlx::Postgres>,
    network: &NetworkDelay,
    connections: usize,
) -> AsyncTenantPool {
    let slow = |options: PgConnectOptions| options.host("127.0.0.1").port(network.address().port());
    let server = pg_server(&slow(tenants.app_options()), &slow(tenants.admin_options()));
    async_pool_of(tenants, server, Budget::new(connections))
}

fn async_pool_of(
    tenants: &TwoTenants<sqlx::Postgres>,
    server: PgServer,
    budget: Budget,
) -> AsyncTenantPool {
    let builder = AsyncTenantPool::builder(tenants.pool.catalog().clone())
        .server(ServerName::default(), server)
        .budget(budget);
    match tenants.walls {
        Walls::Both => builder,
        Walls::FirewallOnly => builder.without_server_wall(),
        Walls::ServerOnly => builder.without_firewall(),
    }
    .build()
    .unwrap()
}
