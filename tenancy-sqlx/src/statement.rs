//! One statement of a caller on its way to the driver: checked, rewritten, with the tenant behind its values.

use std::fmt;
use std::sync::Arc;

use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, AssertSqlSafe, Execute, SqlSafeStr as _, SqlStr};
use tenancy_core::TenantContext;
use tenancy_sql::{Access, Checked, Firewall};

use crate::budget::Lease;
use crate::db::TenantDb;
use crate::{Error, Result};

/// A rewritten statement with its values: what the bare connection executes.
#[doc(hidden)]
#[allow(
    unnameable_types,
    reason = "part of a sealed trait: nobody outside names it"
)]
pub struct Scoped<DB: TenantDb> {
    sql: SqlStr,
    args: Option<DB::Arguments>,
    persistent: bool,
    /// What the firewall said, if it is a write; and whether `sql` is the text that came out, or the one that went in.
    written: Option<(Arc<Checked>, Text)>,
}

/// Which text of a checked statement.
#[derive(Clone, Copy)]
enum Text {
    Rewritten,
    Original,
}

impl<DB: TenantDb> Scoped<DB> {
    /// Names the table it writes with a schema, where the connection reads it under another name.
    pub(crate) fn into_schema(mut self, schema: &str) -> Self {
        let aimed = self
            .written
            .as_ref()
            .and_then(|(checked, text)| match text {
                Text::Rewritten => checked.sql_into(schema),
                Text::Original => checked.original_into(self.sql.as_str(), schema),
            });
        if let Some(aimed) = aimed {
            // The same text with a name of ours in one place, found by the firewall.
            self.sql = AssertSqlSafe(aimed).into_sql_str();
        }
        self
    }
}

impl<DB: TenantDb> fmt::Debug for Scoped<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped")
            .field("sql", &self.sql.as_str())
            .finish_non_exhaustive()
    }
}

impl<DB: TenantDb> Execute<'_, DB> for Scoped<DB> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement> {
        // A statement that the caller prepared is of the original text; ours is another one.
        None
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        Ok(self.args.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

/// A statement that may run: for whom, and whether it changes anything.
pub(crate) struct Plan<DB: TenantDb> {
    pub(crate) query: Scoped<DB>,
    pub(crate) access: Access,
    pub(crate) cx: TenantContext,
}

/// Checks a statement for the tenant of a context and appends that tenant to its values.
///
/// `firewall: None` is for tests of the server's wall; the statement then goes out as it came.
///
/// # Errors
/// A suspended tenant, a write for a read-only tenant, a refusal of the firewall, a wrong number of values.
pub(crate) fn plan<'q, DB, E>(
    firewall: &Firewall,
    rewrite: bool,
    cx: TenantContext,
    mut query: E,
) -> Result<Plan<DB>>
where
    DB: TenantDb,
    E: Execute<'q, DB>,
{
    cx.ensure_live()?;
    // The order matters: `persistent` answers by what `take_arguments` leaves, and `sql` consumes.
    let persistent = query.persistent();
    let args = query.take_arguments().map_err(sqlx::Error::Encode)?;
    let sql = query.sql();
    let mut args = args.unwrap_or_default();
    if !rewrite {
        // Not confined by it, but a write still has to find its table.
        let written = firewall.check(sql.as_str()).ok();
        return Ok(Plan {
            query: Scoped {
                sql,
                args: Some(args),
                persistent,
                written: written.map(|checked| (checked, Text::Original)),
            },
            access: Access::Write,
            cx,
        });
    }
    let checked = firewall.check(sql.as_str())?;
    if args.len() != checked.params() {
        return Err(Error::Arity {
            placeholders: checked.params(),
            values: args.len(),
        });
    }
    if checked.access() == Access::Write {
        cx.ensure_writable()?;
    }
    if checked.binds_tenant() {
        DB::bind_tenant(&mut args, cx.tenant_id(), firewall.catalog().key_type())?;
    }
    Ok(Plan {
        query: Scoped {
            // Rewritten by the firewall from a text that the caller was allowed to send; nothing is added but its own splices.
            sql: AssertSqlSafe(Arc::clone(checked.sql())).into_sql_str(),
            args: Some(args),
            persistent,
            written: (checked.access() == Access::Write)
                .then(|| (Arc::clone(&checked), Text::Rewritten)),
        },
        access: checked.access(),
        cx,
    })
}

/// Refuses to hand out a prepared write of a connection that takes another text than the caller's: it would show that text.
pub(crate) fn ensure_preparable<DB: TenantDb>(lease: &Lease<DB>, checked: &Checked) -> Result<()> {
    if lease.target_schema().is_some() && checked.access() == Access::Write {
        return Err(Error::Config(
            "a write can't be prepared behind the engine's wall; run its text, which the driver prepares and keeps"
                .into(),
        ));
    }
    Ok(())
}

/// Refuses to describe on a connection whose engine keeps its schema to itself.
pub(crate) fn ensure_describable<DB: TenantDb>(lease: &Lease<DB>) -> Result<()> {
    if lease.target_schema().is_some() {
        return Err(Error::Config(
            "a statement can't be described behind the engine's wall; prepare it instead".into(),
        ));
    }
    Ok(())
}
