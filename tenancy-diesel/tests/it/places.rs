//! The places of the fixture, as this crate's pools reach them.

use diesel::{PgConnection, SqliteConnection};
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tenancy_core::{Isolation, Secret, ServerName};
use tenancy_diesel::{Budget, PgServer, SqliteServer, TenantDb, TenantPool, TenantPoolBuilder};
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
        let file = tenants.file_of(&tenants.a);
        let up = if tenants.a.placement().isolation() == Isolation::Shared {
            1
        } else {
            2
        };
        SqliteServer::folder(file.ancestors().nth(up).unwrap()).unwrap()
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
    let builder: TenantPoolBuilder<C> = TenantPool::builder(tenants.pool.catalog().clone())
        .server(ServerName::default(), C::server(tenants))
        .budget(Budget::new(connections));
    match tenants.walls {
        Walls::Both => builder,
        Walls::FirewallOnly => builder.without_server_wall(),
        Walls::ServerOnly => builder.without_firewall(),
    }
    .build()
    .unwrap()
}
