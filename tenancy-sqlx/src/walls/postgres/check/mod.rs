//! A look at a live database: does the second wall stand for this role?

mod pin;
mod policy;
mod role;
mod surroundings;
mod table;

use sqlx::PgConnection;
use tenancy_sql::{Catalog, DriftKind, TableClass};

use super::super::Finding;
use crate::Result;

pub(crate) use pin::ensure_pinned;

/// Looks at the shared tables of the database behind `conn` as the role that is connected.
///
/// Meant for the start of a service, on a connection of the *application role*: the answer is about that role. Finds a role
/// that is a superuser, bypasses policies, owns a table or is a member of a role that does; tables without forced policies,
/// with other policies than ours, or with rights that walk past policies; tables with a tenant column that the catalogue does
/// not know; partitions that can be addressed directly; views and functions that run as their owner; a default tenant set on
/// the role or database; keys, references and triggers of the migrations that reach over tenants; tables that are not as the migrations make them.
/// Each finding that SQL can put right carries that SQL, to be run by the owner.
///
/// No finding of severity [`Broken`](super::super::Severity::Broken) means that the wall stands.
///
/// # Isolation
/// Shared tables. A schema or database of its own is checked when it is provisioned.
///
/// # Errors
/// [`Error::Driver`](crate::Error::Driver) if the database can't be asked.
///
/// # Example: refusing to start
/// ```no_run
/// use sqlx::{ConnectOptions, postgres::PgConnectOptions};
/// use tenancy_sqlx::walls::{self, Severity};
///
/// # async fn start(app: PgConnectOptions, catalog: tenancy_sql::Catalog) -> Result<(), Box<dyn std::error::Error>> {
/// let mut conn = app.connect().await?;
/// let findings = walls::postgres::check(&mut conn, &catalog).await?;
/// for finding in &findings {
///     eprintln!("{finding}");
/// }
/// if findings.iter().any(|finding| finding.severity() == Severity::Broken) {
///     return Err("row level security does not hold; see above".into());
/// }
/// # Ok(())
/// # }
/// ```
pub async fn check(conn: &mut PgConnection, catalog: &Catalog) -> Result<Vec<Finding>> {
    let role: String = sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(&mut *conn)
        .await?;
    check_for(conn, catalog, &role).await
}

/// The same, asked by somebody else about `role`.
pub(crate) async fn check_for(
    conn: &mut PgConnection,
    catalog: &Catalog,
    role: &str,
) -> Result<Vec<Finding>> {
    let tables = Names::of(catalog);
    let mut findings = Vec::new();
    role::check(&mut *conn, role, &mut findings).await?;
    table::check(&mut *conn, catalog, &tables, role, &mut findings).await?;
    policy::check(&mut *conn, catalog, &tables, role, &mut findings).await?;
    surroundings::check(&mut *conn, catalog, &tables, role, &mut findings).await?;
    findings.extend(drifted(&mut *conn, catalog).await?);
    findings.extend(
        catalog
            .weaknesses()
            .iter()
            .map(|weakness| Finding::weak(weakness.to_string())),
    );
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    Ok(findings)
}

/// What differs from the migrations, but for what `table` says already.
async fn drifted(conn: &mut PgConnection, catalog: &Catalog) -> Result<Vec<Finding>> {
    let drift = crate::drift::postgres(conn, catalog, super::SHARED_SCHEMA).await?;
    let findings = drift.iter().filter_map(|drift| match drift.kind() {
        DriftKind::MissingTable | DriftKind::UnknownTable => None,
        DriftKind::TenantColumn => Some(Finding::broken(drift.to_string())),
        _ => Some(Finding::weak(drift.to_string())),
    });
    Ok(findings.collect())
}

/// The catalogue's table names by class, as arrays to bind.
struct Names {
    all: Vec<String>,
    tenant: Vec<String>,
}

impl Names {
    fn of(catalog: &Catalog) -> Self {
        Self {
            all: catalog.tables().map(|t| t.name().to_owned()).collect(),
            tenant: catalog
                .tables()
                .filter(|t| t.class() == TableClass::Tenant)
                .map(|t| t.name().to_owned())
                .collect(),
        }
    }
}
