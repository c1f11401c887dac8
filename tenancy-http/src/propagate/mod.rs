//! The tenant of a request to another service of yours: signed on the way out, verified before it is believed.
//!
//! ```text
//! here                                                    there
//! TenantContext ── Sender ── `tenancy-context: v1.…` ──── Verifier ── TenantLayer ── TenantContext
//!                    │                                       │
//!           hosts on the list only                key, audience, expiry, first time seen
//! ```
//!
//! What travels is a claim: which tenant, who works, for which host it is meant, until when, and a number that is used once.
//! It is signed (HMAC-SHA256) with a key that both services have. It is no secret to those who can read it, so hops are
//! encrypted as everything else between services is. The registry of the receiving service is asked as ever: a tenant that is
//! suspended there is absent there.
//!
//! W3C `baggage` is never read: anybody can write it. On the way to a host that is not on the list it is taken off.
//!
//! | file | noun |
//! |---|---|
//! | `key` | [`Key`]: a secret with a name |
//! | `token` | the text between the two, and nothing else that knows its form |
//! | `sender` | [`Sender`]: to whom, and what is put on a request |
//! | `verifier` | [`Verifier`]: what is believed; [`Propagated`]: what it says |
//! | `layer` | [`PropagateLayer`] for clients that are tower services |
//! | `client` | [`Sender::client`] for reqwest (feature `reqwest`) |

#[cfg(feature = "reqwest")]
mod client;
mod key;
mod layer;
mod sender;
mod token;
mod verifier;

pub use key::Key;
pub use layer::{PropagateFuture, PropagateLayer, PropagateService};
pub use sender::Sender;
pub use token::HEADER;
pub use verifier::{Propagated, Verifier};
