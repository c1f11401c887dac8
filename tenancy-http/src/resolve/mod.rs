//! The layer that decides once whose request this is.
//!
//! ```text
//!            ┌ host ───────┐                      ┌ tenant
//!            ├ path        │                      ├ tenant
//! request ── ┼ header      ├─ evidence ─ registry ┼ tenant  ── agree ── belong ── TenantContext ── inner service
//!            ├ api key     │                      ├ tenant       │        │
//!            ├ token       │       401       404  └ tenant      404      404
//!            └ session ────┘                 503
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `layer`, `sources` | [`TenantLayer`]: what is configured once |
//! | `service`, `decision` | [`TenantService`]: what is to become of a request, and that it does |
//! | `read`, `claim`, `bearer` | what one request says, before anybody was asked |
//! | `quick` | the same for most requests of tenants at hand, in fewer steps |
//! | `identify`, `admit` | who is asked, that all agree, that the user belongs |
//! | `report` | what operators are told of refusals |
//! | `future`, `body` | [`TenantFuture`] and [`TenantBody`]: the context from the first poll to the last byte |
//! | `path`, `api_key`, `session/`, `token/`, `membership` | one means each |
//!
//! **To add a means of naming a tenant:** a `Source` and a field of `Evidence` in `claim`, what is read without waiting in
//! `read`, what is asked in `identify` (before `agree`), a method in `sources`, and rows in `tests/it/agree.rs`.
//! What is decided about a host before any registry is asked lives in `host`.

mod admit;
mod api_key;
mod bearer;
mod body;
mod claim;
mod decision;
mod future;
mod identify;
mod layer;
mod membership;
mod path;
mod quick;
mod read;
mod report;
mod service;
mod session;
mod sources;
#[cfg(feature = "jwt")]
mod token;

pub use api_key::{ApiKeys, UsedKeys};
pub use body::TenantBody;
pub use future::TenantFuture;
pub use layer::TenantLayer;
pub use membership::Membership;
pub use path::Links;
pub use service::TenantService;
pub use session::{InMemorySessions, SameSite, Session, SessionHash, SessionStore, Sessions};
#[cfg(feature = "jwt")]
pub use token::{FetchedKeys, FixedKeys, Issuer, KeySource, TokenKey, Tokens};
