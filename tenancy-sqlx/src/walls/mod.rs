//! The second wall: what the database itself enforces, as SQL text that can be read, reviewed and put into migrations.
//!
//! The first wall, in our process, proves or rewrites every statement. These walls stand on their own: with the first taken
//! down, a connection still sees one tenant.
//!
//! | isolation | PostgreSQL | SQLite |
//! |---|---|---|
//! | shared | forced row level security, and an application role that owns nothing ([`postgres::shared`]) | with the feature `sqlite-wall`: the engine's authorizer, views and triggers (`SqliteServer::engine_wall`); otherwise none |
//! | schema | a role that can use one schema, columns pinned to the tenant ([`postgres::pinned`]) | a file of its own, pinned ([`sqlite::pinned`]) |
//! | database | `CONNECT` for one role ([`postgres::database`]), columns pinned | a file of its own, pinned |
//!
//! Each function is pure: a [`Catalog`](tenancy_sql::Catalog) in, statements out, in the order in which they are to be run.
//! All of them can be run again; [`Provisioner`](crate::Provisioner) does so after each migration. [`postgres::check`] looks at
//! a live database and says what does not hold.
//!
//! # Caveats
//! * PostgreSQL checks foreign keys and uniqueness behind the policies: make both start with the tenant.
//! * A superuser and a role with `BYPASSRLS` walk past every policy. `check` refuses them.
//! * Views run as their owner unless they are `security_invoker`; materialised views always hold the owner's rows.

mod finding;
#[cfg(feature = "postgres")]
pub mod postgres;
pub(crate) mod quote;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use finding::{Finding, Severity};
