//! The SQL firewall of the `tenancy` framework: one statement in, one statement out that can only see and touch the
//! rows of one tenant, or a refusal that says what was met and what to write instead.
//!
//! Nothing in this crate does I/O. It is called by the pools at run time and by the macros at compile time, and it knows
//! neither a driver nor who the current tenant is: the rewritten text has one more placeholder than the original, and
//! whoever executes it binds the tenant there.
//!
//! * [`Catalog`]: which tables there are, read from the text of the migrations, and which of them belong to tenants.
//! * [`Firewall::check`]: a statement against the catalogue; the answer is [`Checked`] or [`Refused`].
//! * [`Config`]: the parsed `tenancy.toml`.
//!
//! ```
//! use tenancy_sql::{Catalog, Dialect, Firewall};
//!
//! let catalog = Catalog::builder(Dialect::Postgres)
//!     .migration(
//!         "0001_leads.sql",
//!         "CREATE TABLE leads (tenant_id uuid NOT NULL, id uuid NOT NULL, name text, PRIMARY KEY (tenant_id, id))",
//!     )
//!     .build()?;
//! let firewall = Firewall::new(catalog);
//!
//! let checked = firewall.check("SELECT name FROM leads WHERE id = $1")?;
//! assert_eq!(
//!     &**checked.sql(),
//!     "SELECT name FROM (SELECT * FROM leads WHERE leads.tenant_id OPERATOR(pg_catalog.=) $2::uuid) AS leads WHERE id = $1",
//! );
//!
//! // Everything that is not known to be safe is refused.
//! let refused = firewall.check("SELECT * FROM pg_stats").unwrap_err();
//! assert_eq!(refused.kind(), tenancy_sql::RefusedKind::Relation);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it proves, and what it does not
//! Every relation of an accepted statement is in the catalogue, every occurrence of a tenant table is confined to the
//! tenant, every function and operator is on an allow-list, and only the framework writes the tenant column. It does not
//! look inside functions, triggers, rules or views of the database: those are the business of the catalogue (registered
//! or refused) and of the second wall in the server.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail loudly"
    )
)]

mod catalog;
mod config;
mod dialect;
mod firewall;
mod functions;
mod lex;
mod names;
mod rewrite;

pub use catalog::{
    Catalog, CatalogBuilder, CatalogError, CatalogErrorKind, Column, Drift, DriftKind, ForeignKey,
    Index, LiveTable, LiveTables, Table, TableClass, UniqueKey, Weakness, WeaknessKind,
};
pub use config::{Config, ConfigError};
pub use dialect::{Dialect, KeyType, UnknownDialect};
pub use firewall::{Access, Checked, Firewall, Misses, Refused, RefusedKind};

/// For the macros of `tenancy-macros` and for the proofs, and for nobody else.
#[doc(hidden)]
pub mod __private {
    pub use crate::catalog::from_files as catalog;
    pub use crate::firewall::compiled::{Answer, Compiled};
    pub use crate::rewrite::relations;
}
