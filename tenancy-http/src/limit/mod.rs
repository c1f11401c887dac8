//! How much of the service one tenant may use: requests in a time, requests in a period, requests at a time.
//!
//! ```text
//! request ── TenantContext ── allowance ── at a time? ── quotas, rate ── inner service ── RateLimit headers
//!                 │        (tenant, plan,      │              │
//!                500         default)         429            429 with Retry-After; 503 if Redis is away and that means no
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `allowance` | [`Allowance`]: what one tenant may use; [`Limits`]: who has which |
//! | `attempts` | [`Attempts`]: tries under one name, such as signing in |
//! | `count` | `Verdict`: what counting came to |
//! | `local` | counts of this process, one small lock per tenant |
//! | `redis` | [`SharedCounts`]: counts that nodes share (feature `redis`) |
//! | `layer`, `service`, `body` | [`LimitLayer`], which goes below [`TenantLayer`](crate::TenantLayer) |
//! | `headers` | the fields that tell clients where they stand |

mod allowance;
mod attempts;
mod body;
mod count;
mod future;
mod headers;
mod layer;
mod local;
#[cfg(feature = "redis")]
mod redis;
mod service;

pub use allowance::{Allowance, Limits};
pub use attempts::Attempts;
pub use body::LimitBody;
pub use future::LimitFuture;
pub use layer::{LimitLayer, Outage};
#[cfg(feature = "redis")]
pub use redis::SharedCounts;
pub use service::LimitService;
