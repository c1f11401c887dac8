//! From a request to the label below one of our base domains: which host was asked for, and whose is it.
//!
//! Pure functions over text; nothing here knows a registry or a tenant. Three steps, one file each:
//!
//! | step | file | refuses |
//! |---|---|---|
//! | find the one host a request names | `source` | no host, two hosts, hosts that disagree |
//! | read it into a `HostName` | `name` | whatever is not a DNS name or an IP literal with an optional port |
//! | match it under the base domains | `base` | nothing: it says label, base, nested or foreign |
//!
//! `X-Forwarded-Host` is looked at only if it comes from a configured proxy (`proxies`): whoever can send a request can send it.

mod base;
mod name;
mod proxies;
mod source;

pub(crate) use base::{BaseDomains, Below};
pub use proxies::TrustedProxies;
pub(crate) use source::host_of;
