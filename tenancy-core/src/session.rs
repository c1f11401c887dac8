//! What a connection is told about the tenant it serves, and where a tenant's file is: the same for every driver, so that
//! two of them can serve the same data side by side.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::{Isolation, Placement, TenantId};

/// The one message that opens a transaction of a tenant on PostgreSQL.
///
/// `SET LOCAL` ends with the transaction, so a connection can't keep a tenant. Ids and names are safe inside quotes by their
/// types. `server_wall: false` is for tests that take the server's wall down.
///
/// # Isolation
/// Shared: `app.tenant_id`, which row level security asks for. Schema: `search_path` and role besides. Database: the
/// connection itself is the tenant's.
///
/// # Example: a schema of its own
/// ```
/// use tenancy_core::{Placement, TenantId, session};
///
/// let id = TenantId::parse("acme")?;
/// assert_eq!(
///     session::postgres_begin(&Placement::schema(&id), id, true, true),
///     "BEGIN READ ONLY; SET LOCAL app.tenant_id = 'acme'; \
///      SET LOCAL search_path TO \"tenant_t_acme\", pg_temp; SET LOCAL ROLE \"tenant_t_acme\""
/// );
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[must_use]
pub fn postgres_begin(
    placement: &Placement,
    tenant: TenantId,
    read_only: bool,
    server_wall: bool,
) -> String {
    let mut sql = String::with_capacity(224);
    sql.push_str(if read_only {
        "BEGIN READ ONLY"
    } else {
        "BEGIN"
    });
    // Writing to a `String` does not fail.
    if server_wall {
        let _ = write!(sql, "; SET LOCAL app.tenant_id = '{tenant}'");
    }
    if let (Isolation::Schema, Some(name)) = (placement.isolation(), placement.name()) {
        let _ = write!(sql, "; SET LOCAL search_path TO \"{name}\", pg_temp");
        if server_wall {
            let _ = write!(sql, "; SET LOCAL ROLE \"{name}\"");
        }
    }
    sql
}

/// Whether a connection of one placement can be turned into one of another on PostgreSQL, short of opening a new one.
///
/// Shared tables and schemas of one server are reached through one database as one login role; a database of its own is not.
#[must_use]
pub fn postgres_can_turn(from: &Placement, to: &Placement) -> bool {
    from.server() == to.server()
        && from.isolation() != Isolation::Database
        && to.isolation() != Isolation::Database
}

/// Whether a connection of one placement can be turned into one of another on SQLite: by detaching one file and attaching
/// another.
#[must_use]
pub fn sqlite_can_turn(from: &Placement, to: &Placement) -> bool {
    from.server() == to.server()
        && from.isolation() == Isolation::Schema
        && to.isolation() == Isolation::Schema
}

/// The file in which a placement's rows are, in a folder of SQLite files.
///
/// # Example: three isolations, three files
/// ```
/// use std::path::Path;
/// use tenancy_core::{Placement, TenantId, session};
///
/// let (folder, id) = (Path::new("data"), TenantId::parse("7")?);
/// assert_eq!(session::sqlite_file(folder, &Placement::shared()), Path::new("data/shared.db"));
/// assert_eq!(session::sqlite_file(folder, &Placement::schema(&id)), Path::new("data/schemas/tenant_i_7.db"));
/// assert_eq!(session::sqlite_file(folder, &Placement::database(&id)), Path::new("data/databases/tenant_i_7.db"));
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[must_use]
pub fn sqlite_file(folder: &Path, placement: &Placement) -> PathBuf {
    match (placement.isolation(), placement.name()) {
        (Isolation::Schema, Some(name)) => folder.join("schemas").join(format!("{name}.db")),
        (Isolation::Database, Some(name)) => folder.join("databases").join(format!("{name}.db")),
        _ => folder.join("shared.db"),
    }
}

/// What an error calls the place of a placement: `shared tables`, `schema` or `database`.
#[must_use]
pub fn place_name(placement: &Placement) -> &'static str {
    match placement.isolation() {
        Isolation::Shared => "shared tables",
        Isolation::Schema => "schema",
        Isolation::Database => "database",
    }
}
