//! Domains of tenants' own: which may be claimed, how a claim is proved, and what a proxy may get a certificate for.
//!
//! ```text
//! claim ── DomainPolicy ── registry: claimed ── Challenge ── TXT record ── TxtLookup ── registry: verified ── KnownDomains
//!             refused                             shown to the tenant         not there yet                     certificates
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `policy` | [`DomainPolicy`]: no public suffix, none of ours |
//! | `challenge` | [`Challenge`]: the record that proves a claim |
//! | `lookup` | [`TxtLookup`]: how records are read; `SystemDns` with the feature `dns` |
//! | `known` | [`KnownDomains`]: what is answered to a proxy, from memory |
//!
//! What is claimed and verified is kept by the registry, such as `SqlRegistry`; nothing here stores anything.

mod challenge;
mod known;
mod lookup;
mod policy;

pub use challenge::Challenge;
pub use known::KnownDomains;
#[cfg(feature = "dns")]
pub use lookup::SystemDns;
pub use lookup::TxtLookup;
pub use policy::DomainPolicy;
