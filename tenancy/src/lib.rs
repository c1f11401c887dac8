//! Multi-tenancy for Rust services: one code path, three isolation models, no forgotten tenant.
//!
//! A service says once where its tenants come from. From then on every door out of the process opens only for the tenant
//! whose work is being done, and refuses where there is none. The same handlers serve tenants whose rows share tables with
//! others, tenants with a schema of their own and tenants with a database of their own: where one lives is its
//! [`Placement`], data in the registry.
//!
//! This crate is the front of several and holds nothing of its own. Its features add modules and change nothing else:
//!
//! | feature | adds |
//! |---|---|
//! | (none) | the context, the registry and envelopes, at the top of this crate; [`sql`], the firewall |
//! | `sqlx` | `tenancy::sqlx`: pools and transactions that see one tenant |
//! | `postgres`, `sqlite` | `sqlx` for that database |
//! | `diesel` | `tenancy::diesel`: Diesel connections that see one tenant |
//! | `diesel-postgres`, `diesel-sqlite` | `diesel` for that database; the first links libpq |
//! | `diesel-async` | `diesel` for diesel-async on PostgreSQL |
//! | `macros` | `catalog!`, `statement!`, `query!` and its relatives, `#[tenant_test]`: checked while the program is compiled |
//! | `sqlite-wall` | `sqlite`, and `SqliteServer::engine_wall`: the engine as the second wall of shared tables |
//! | `object-store` | `tenancy::object_store`: files that are one tenant's, in folders, memory or buckets |
//! | `http` | `tenancy::http`: the tower layer that decides whose a request is |
//! | `axum` | `http`, with an extractor and error answers for axum |
//! | `domains` | `http`, with what tenants' own domains need: claims, challenges, permission for certificates |
//! | `dns` | `domains`, with a resolver for the challenges |
//! | `jwt` | `http`, with tenants and users by signed tokens; the program chooses the cryptography of `jsonwebtoken` |
//! | `limit`, `limit-redis` | `http`, with `tenancy::http::limit`: rates, quotas and requests at a time, in process or in Redis |
//! | `propagate`, `propagate-reqwest` | `http`, with `tenancy::http::propagate`: the tenant of a request to another service |
//! | `metrics` | `http`, with `tenancy::http::observe`, and the metrics of limits |
//! | `cache` | `tenancy::cache`: Redis connections and caches that see one tenant |
//! | `jobs` | `tenancy::jobs`: background jobs that run in their tenant's scope, and take turns between tenants |
//! | `jobs-redis` | their queue in Redis |
//!
//! # The context
//! It is set once, at the edge, and read wherever a door is. Without one there is an error, never a default tenant.
//! ```
//! use tenancy::{Actor, InMemoryRegistry, RegistryExt, Tenant, TenantContext, TenantId, TenantSlug};
//!
//! // Somewhere deep in the program.
//! async fn whose_data() -> Result<String, tenancy::Error> {
//!     TenantContext::with_current(|context| context.tenant().slug().to_string())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = InMemoryRegistry::new();
//! registry.insert(Tenant::builder(TenantId::parse("42")?, TenantSlug::parse("acme")?).build()?)?;
//!
//! // At its edge: a resolver, an envelope or a purpose-named constructor says for whom the work is done.
//! let acme = registry.by_slug(&TenantSlug::parse("acme")?).await?;
//! let context = TenantContext::for_request(acme, Actor::user("ada"))?;
//! assert_eq!(context.scope(whose_data()).await??, "acme");
//!
//! // Tasks keep it if they are started with `tenancy::spawn`.
//! let task = context.scope(async { tenancy::spawn(whose_data()) }).await??;
//! assert_eq!(task.await??, "acme");
//!
//! // Outside there is no tenant, and so no data.
//! assert!(whose_data().await.unwrap_err().is_no_tenant());
//! # Ok(())
//! # }
//! ```
//!
//! # A request
//! With the feature `axum`. The layer makes the context of each request; handlers need not mention the tenant at all.
//! ```
//! # #[cfg(feature = "axum")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
//! use tenancy::http::{Problem, Tenancy, TenantLayer};
//! use tenancy::{InMemoryRegistry, Tenant, TenantContext, TenantId, TenantSlug};
//! use tower::ServiceExt;
//!
//! async fn greeting(tenancy: Tenancy) -> String {
//!     format!("hello, {}", tenancy.tenant().name())
//! }
//!
//! // Stands for everything below: it asks for the tenant, nobody passes it one.
//! async fn report() -> Result<String, Problem> {
//!     let id = TenantContext::with_current(TenantContext::tenant_id)?;
//!     Ok(format!("the figures of tenant {id}"))
//! }
//!
//! let registry = InMemoryRegistry::new();
//! registry.insert(Tenant::builder(TenantId::parse("42")?, TenantSlug::parse("acme")?).name("Acme").build()?)?;
//!
//! let app = Router::new()
//!     .route("/", get(greeting))
//!     .route("/report", get(report))
//!     .layer(TenantLayer::new(registry).subdomain_of("crm.example.com"))
//!     .route("/healthz", get(async || "ok")); // after the layer: of no tenant
//!
//! let ask = async |host: &str, path: &str| {
//!     let request = Request::get(path).header("host", host).body(Body::empty())?;
//!     Ok::<_, Box<dyn std::error::Error>>(app.clone().oneshot(request).await?.status())
//! };
//! assert_eq!(ask("acme.crm.example.com", "/report").await?, StatusCode::OK);
//! assert_eq!(ask("globex.crm.example.com", "/report").await?, StatusCode::NOT_FOUND);
//! assert_eq!(ask("acme.crm.example.com.evil.org", "/report").await?, StatusCode::NOT_FOUND);
//! assert_eq!(ask("evil.org", "/healthz").await?, StatusCode::OK);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "axum"))]
//! # fn main() {}
//! ```
//!
//! # A statement
//! With the feature `sqlite` or `postgres`. Plain SQL, written as if there were one tenant; the pool adds whose rows it sees.
//! ```
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sqlx::{Sqlite, migrate::Migrator};
//! use tenancy::sql::{Catalog, Dialect};
//! use tenancy::sqlx::{Provisioner, SqlRegistry, SqliteServer, TenantPool, provision::NewTenant};
//! use tenancy::{Actor, Isolation, ServerName, TenantContext, TenantSlug};
//!
//! async fn names(db: &TenantPool<Sqlite>) -> Result<Vec<String>, sqlx::Error> {
//!     sqlx::query_scalar("SELECT name FROM leads ORDER BY id").fetch_all(db).await
//! }
//!
//! # let folder = tempfile::tempdir()?;
//! # let migrations = folder.path().join("migrations");
//! # std::fs::create_dir(&migrations)?;
//! # let data = folder.path().join("data");
//! // One set of migrations builds the shared tables, each schema and each database.
//! let leads = "CREATE TABLE leads (
//!     tenant_id TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (tenant_id, id))";
//! # std::fs::write(migrations.join("0001_leads.sql"), leads)?;
//! let catalog = Catalog::builder(Dialect::Sqlite).migration("0001_leads.sql", leads).build()?;
//! let registry = SqlRegistry::<Sqlite>::new(&data);
//! registry.migrate().await?;
//! let provisioner = Provisioner::builder(registry.clone(), catalog.clone())
//!     .server(ServerName::default(), SqliteServer::folder(&data))
//!     .owned_migrations(Migrator::new(migrations).await?)
//!     .build()?;
//! provisioner.migrate_shared().await?;
//!
//! let db = TenantPool::<Sqlite>::builder(catalog)
//!     .server(ServerName::default(), SqliteServer::folder(&data))
//!     .build()?;
//! for (slug, isolation) in [("acme", Isolation::Shared), ("globex", Isolation::Shared), ("umbrella", Isolation::Database)] {
//!     let new = NewTenant::new(TenantSlug::parse(slug)?).isolation(isolation);
//!     let context = TenantContext::for_request(provisioner.provision(new).await?, Actor::user("ada"))?;
//!     // The same handler for all of them, and the same primary key.
//!     let seen = context.scope(async {
//!         sqlx::query("INSERT INTO leads (id, name) VALUES (1, $1)").bind(slug).execute(&db).await?;
//!         names(&db).await
//!     });
//!     assert_eq!(seen.await??, [slug]);
//! }
//!
//! // Nobody said for whom: refused before a connection is taken.
//! assert!(names(&db).await.is_err());
//! # db.close().await;
//! # registry.close().await;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```
//!
//! # What it does not do
//! - It does not authenticate anyone, and does not decide what a user may do within a tenant. A host name says whose data a
//!   request is about; [`Actor`] is where the application says who asks.
//! - It does not keep code from opening a connection of its own. `clippy.toml` of this project bans bare pools and bare
//!   `tokio::spawn`, each with its replacement: copy it. The second wall, in the database server, is there for the rest.

pub use tenancy_core::{
    Actor, ActorKind, ApiKeyHash, AuditEvent, AuditKind, AuditSink, CachedRegistry,
    CachedRegistryBuilder, DomainName, Ended, Envelope, Error, ErrorKind, IdRepr, InMemoryAudit,
    InMemoryRegistry, InTenant, Isolation, Known, LookupKey, Operation, Placement, RegistryEvent,
    RegistryExt, Resolved, Scoped, ScopedStream, ServerName, StreamInTenant, Tenant, TenantBuilder,
    TenantContext, TenantId, TenantJoinSet, TenantRegistry, TenantSlug, TenantStatus, WhileLive,
    spawn, spawn_blocking,
};

/// What the traits of this crate return: a future that is boxed, and may move between threads.
pub use tenancy_core::BoxFuture;

/// The doors out of one tenant, each with a permit, a reason and an audit event.
pub use tenancy_core::danger;

/// The SQL firewall: one statement in, one tenant's statement out, or a refusal.
pub use tenancy_sql as sql;

/// Pools and transactions that see one tenant, in shared tables, a schema or a database of its own.
#[cfg(feature = "diesel")]
pub use tenancy_diesel as diesel;
#[cfg(feature = "sqlx")]
pub use tenancy_sqlx as sqlx;

/// Object stores that hold one tenant's objects, by prefix or by bucket.
#[cfg(feature = "object-store")]
pub use tenancy_object_store as object_store;

/// Redis connections and caches that see one tenant.
#[cfg(feature = "cache")]
pub use tenancy_cache as cache;

/// Background jobs that know their tenant, signed, and fair between tenants.
#[cfg(feature = "jobs")]
pub use tenancy_jobs as jobs;

/// The tower layer that decides whose a request is, and what goes with it.
#[cfg(feature = "http")]
pub use tenancy_http as http;

/// What the tables are and what a statement becomes, settled while the program is compiled.
#[cfg(feature = "macros")]
pub use tenancy_macros::{
    catalog, query, query_as, query_as_unchecked, query_file, query_file_as,
    query_file_as_unchecked, query_file_scalar, query_file_scalar_unchecked, query_file_unchecked,
    query_scalar, query_scalar_unchecked, query_unchecked, statement, tenant_scoped, tenant_test,
};

/// What the expansions of the macros name, and nobody else.
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private {
    pub use tenancy_macros::sent;
    pub use tenancy_sql::__private::{Answer, Compiled, catalog};
    #[cfg(feature = "sqlx")]
    pub use tenancy_sqlx::{
        TenantDb,
        model::{
            Answered, Column, Columns, DeleteWhere, Fields, InsertMany, Join, JoinParts, MayHave,
            Readable, Select, Stored, TenantExecutor, TenantScoped, TenantWritten, Value, Values,
            With, Writable, Write, converted, count, delete, delete_where, exists, filter, find,
            insert, insert_many, may_have, points_to, select, update, upsert, with,
        },
        sqlx,
    };
}
