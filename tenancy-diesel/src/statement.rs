//! One statement of a caller on its way to the driver: checked, rewritten, with the tenant behind its values.

use std::fmt;
use std::sync::Arc;

use diesel::internal::derives::multiconnection::AstPassHelper as _;
use diesel::query_builder::{AstPass, Query, QueryBuilder as _, QueryFragment, QueryId};
use diesel::result::QueryResult;
use tenancy_core::TenantContext;
use tenancy_sql::{Access, Firewall};

use crate::backend::{TenantBackend, TenantValue};
use crate::{Error, Result};

/// A query of the caller as it is sent: the text is the firewall's, the values are the caller's and then the tenant.
///
/// Diesel asks a query for its text, its values and its cache key in several ways, some of which go through the generic
/// implementations for `&T` and `Box<T>`. All of them end in `walk_ast`, so that is where the answer is given, and only there.
pub(crate) struct Scoped<T> {
    query: T,
    sql: Arc<str>,
    tenant: Option<TenantValue>,
}

impl<T> fmt::Debug for Scoped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}

impl<T, DB> QueryFragment<DB> for Scoped<T>
where
    DB: TenantBackend,
    T: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if wants_text(&mut pass) {
            pass.push_sql(&self.sql);
            return Ok(());
        }
        self.query.walk_ast(pass.reborrow())?;
        match &self.tenant {
            Some(tenant) => DB::push_tenant(&mut pass, tenant),
            None => Ok(()),
        }
    }
}

/// Whether a pass collects the text; there is no other way to ask.
fn wants_text<DB: TenantBackend>(pass: &mut AstPass<'_, '_, DB>) -> bool {
    let before = pass.should_skip_from();
    pass.skip_from(true);
    let does = pass.should_skip_from();
    pass.skip_from(before);
    does
}

impl<T> QueryId for Scoped<T> {
    type QueryId = ();

    // Statements are cached by the rewritten text, so what runs is always what was checked. The text does not depend on the
    // tenant: one prepared statement serves all of them.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T: Query> Query for Scoped<T> {
    type SqlType = T::SqlType;
}

/// Checks a query for the tenant of a context, whose id is appended to its values.
///
/// `rewrite: false` is for tests of the server's wall; the statement then goes out as it came.
///
/// # Errors
/// A suspended tenant, a write for a read-only tenant, a refusal of the firewall, a wrong number of values.
pub(crate) fn scope<DB, T>(
    firewall: &Firewall,
    rewrite: bool,
    cx: &TenantContext,
    query: T,
) -> Result<(Scoped<T>, Access)>
where
    DB: TenantBackend,
    T: QueryFragment<DB>,
{
    cx.ensure_live()?;
    let mut text = DB::QueryBuilder::default();
    query.to_sql(&mut text, DB::BACKEND)?;
    let text = text.finish();
    if !rewrite {
        let sql = text.into();
        let scoped = Scoped {
            query,
            sql,
            tenant: None,
        };
        return Ok((scoped, Access::Write));
    }
    let checked = firewall.check(&text)?;
    let values = values::<DB, T>(&query)?;
    if values != checked.params() {
        return Err(Error::Arity {
            placeholders: checked.params(),
            values,
        });
    }
    if checked.access() == Access::Write {
        cx.ensure_writable()?;
    }
    let tenant = if checked.binds_tenant() {
        let key_type = firewall.catalog().key_type();
        Some(TenantValue::new(cx.tenant_id(), key_type, DB::DIALECT)?)
    } else {
        None
    };
    let scoped = Scoped {
        query,
        sql: Arc::clone(checked.sql()),
        tenant,
    };
    Ok((scoped, checked.access()))
}

/// How many values a query binds. Those of `sql_query` need not be as many as its placeholders.
fn values<DB: TenantBackend, T: QueryFragment<DB>>(query: &T) -> Result<usize> {
    let mut values = Vec::new();
    query.walk_ast(AstPass::<DB>::collect_debug_binds_pass(
        &mut values,
        DB::BACKEND,
    ))?;
    Ok(values.len())
}

/// A statement as text, without values.
#[derive(Debug)]
pub(crate) struct RawText<'a>(pub(crate) &'a str);

impl<DB: TenantBackend> QueryFragment<DB> for RawText<'_> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.unsafe_to_cache_prepared();
        pass.push_sql(self.0);
        Ok(())
    }
}

impl QueryId for RawText<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}
