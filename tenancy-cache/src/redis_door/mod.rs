//! The door to Redis: a pool, its connections, subscriptions, and what concerns all keys of a tenant.

mod connection;
mod pool;
mod subscription;
mod usage;

pub use self::connection::TenantRedis;
pub use self::pool::{TenantRedisPool, TenantRedisPoolBuilder};
pub use self::subscription::{TenantMessage, TenantSubscription};
pub use self::usage::RedisUsage;
