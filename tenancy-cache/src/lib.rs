//! Redis and caches that see one tenant.
//!
//! A key that two tenants share is the leak that no row policy catches. Here a key, a pattern and a channel belong to the
//! current tenant before anything is sent, a command of which that can't be said is refused, and a cache has no place for a
//! value without a tenant.
//!
//! - [`TenantRedisPool`] hands out [`TenantRedis`]: redis-rs's `ConnectionLike`, so that typed commands, pipelines, `MULTI`,
//!   scripts and scan iterators run unchanged, for one tenant.
//! - [`TenantScript`] runs a script of the service's own on a tenant's keys, in one round trip.
//! - [`TenantCache`] keeps values that were expensive to find out: in memory, or in memory in front of Redis for many nodes.
//! - [`RegistryNews`] tells other processes of a change in the registry, where its database can't.
//! - [`AccessLists`] put up the second wall: the server's own user for each tenant.
//!
//! # The walls
//! | | first wall, in this process | second wall, in the server |
//! |---|---|---|
//! | what | every command is rewritten by a reviewed table, or refused | a user per tenant whose access list names one prefix |
//! | when | always | with [`access_lists`](TenantRedisPoolBuilder::access_lists) |
//! | stops | another's keys, patterns, channels; commands about the whole server | the same, also out of Lua, also if the first wall is wrong |
//! | costs | a look into a table for a command (`cargo xtask bench redis`) | connections per tenant |
//!
//! Each is tested with the other one down: random commands with another tenant's keys in them leave that one's data unread
//! and untouched.
//!
//! # What can't happen
//! - A command without a tenant, with another one than the scope's, or after its tenant was suspended.
//! - A command that nobody reviewed: a new one of the server is refused until somebody does.
//! - A key out of user text that is another tenant's, another part's, or a second command.
//! - A way to the driver's connection from here.
//! - A connection that holds up the next tenant, or aborts its transaction: one that waits is closed, one that watched forgets.
//! - A cached value that was read before a write and stored after the write's invalidation.
//!
//! # What can
//! - A Lua script touches a key that it did not declare. The first wall sees declared keys only, and says so by refusing
//!   scripts that declare none; the second wall stops it. Don't build scripts from user text.
//! - A tenant makes the server slow for all: `KEYS` over many keys, a script without end. Time is not isolated.
//! - Errors of the server may spell the tenant's own prefix (`NOGROUP … key 'tenant:{42}:jobs'`). It is the tenant's own.
//! - Another node answers from memory for the milliseconds that news of an invalidation travels.
//!
//! # Example: the whole of it, and what is refused
//! ```
//! use tenancy_cache::redis::AsyncTypedCommands;
//! use tenancy_cache::{Error, TenantCache, TenantRedisPool};
//! # use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = tenancy_testkit::RedisServer::shared().await?;
//! # let url = server.url();
//! # let open = |slug| TenantContext::for_request(Tenant::builder(TenantId::new_v7(), TenantSlug::parse(slug)?).build()?.into(), Actor::user("u"));
//! # let (acme, globex) = (open("acme")?, open("globex")?);
//! let pool = TenantRedisPool::builder(url).build()?;
//! let reports = TenantCache::<String>::builder("reports").redis(&pool).build()?;
//!
//! let work = async |name: &str| {
//!     pool.get().await?.set("greeting", format!("hello, {name}")).await?;
//!     reports.get_or_load("monthly", async || Ok::<_, Error>(format!("{name}'s report"))).await
//! };
//! assert_eq!(acme.scope(work("Acme")).await??, "Acme's report");
//! assert_eq!(globex.scope(work("Globex")).await??, "Globex's report");
//! assert_eq!(acme.scope(work("whoever asks")).await??, "Acme's report");
//!
//! assert!(work("nobody").await.unwrap_err().tenancy().unwrap().is_no_tenant());
//! # Ok(()) }
//! ```
//!
//! # Redis Cluster
//! Keys carry the tenant as their [`HashTag`], so that commands over several keys work. The pool itself speaks to one server
//! or to a proxy in front of several; it does not follow redirections yet.
//!
//! # Features
//! `testing` adds the module `testing` for tests of the walls, and changes nothing else.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a failed assumption in a test is a failed test"
    )
)]

mod access;
mod cache;
mod command;
mod error;
mod hex;
mod keyspace;
mod news;
mod redis_door;
mod scope;
mod script;
#[cfg(feature = "testing")]
pub mod testing;

/// The driver, in the version that this crate wraps.
pub use deadpool_redis::redis;

pub use crate::access::AccessLists;
pub use crate::cache::{CacheKey, Outage, TenantCache, TenantCacheBuilder};
pub use crate::error::{Error, Refused, Result};
pub use crate::keyspace::HashTag;
pub use crate::news::{Hearing, RegistryNews};
pub use crate::redis_door::{
    RedisUsage, TenantMessage, TenantRedis, TenantRedisPool, TenantRedisPoolBuilder,
    TenantSubscription,
};
pub use crate::script::TenantScript;
