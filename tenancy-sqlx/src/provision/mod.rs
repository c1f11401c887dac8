//! Provisioning: from a name to a tenant that can be served, or to nothing at all.
//!
//! ```text
//! register   a row with the status "provisioning": the name is taken, nobody is served
//! create     the schema, the database or the file, and its role
//! migrate    the same migrations that built the shared tables
//! pin        every tenant table can hold this tenant's rows only
//! wall       grants for the tenant's role (shared tables: forced row level security)
//! verify     asked as the role that will serve requests
//! activate   the status "active", last of all
//! ```
//!
//! A failure leaves nothing half-made: on PostgreSQL a schema and its role are made in one transaction, a database under
//! another name, on SQLite a file under another name. What a killed process leaves behind belongs to a tenant that is still
//! "provisioning", was never served, and is removed when [`Provisioner::provision`] is run again with the same slug.

mod builder;
mod migrate;
mod new_tenant;
#[cfg(feature = "postgres")]
pub mod postgres;
mod provisioner;
#[cfg(feature = "sqlite")]
mod sqlite;
mod step;
mod work;

pub use builder::ProvisionerBuilder;
pub use new_tenant::NewTenant;
pub use provisioner::Provisioner;
pub use step::ProvisionStep;
pub use work::ProvisionDb;
