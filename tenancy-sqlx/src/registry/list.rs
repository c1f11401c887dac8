//! All tenants, a page at a time.

use std::sync::Arc;

use tenancy_core::{Error as CoreError, Tenant, TenantId};

use super::SqlRegistry;
use super::row::{select_tenants, tenant};
use crate::{Result, TenantDb};

impl<DB: TenantDb> SqlRegistry<DB> {
    /// The next tenants after `after`, in the order of their ids' texts: at most `limit` of them, of every status.
    ///
    /// Pass the id of the last one to go on; an empty page is the end. Tenants that come and go meanwhile are met or not, but
    /// none is met twice.
    ///
    /// # Errors
    /// `RegistryUnavailable`, or the [`RowError`](super::RowError) of a row that can't be read.
    pub async fn list(&self, after: Option<TenantId>, limit: u32) -> Result<Vec<Arc<Tenant>>> {
        // The empty text comes before every id.
        let after = after.map_or_else(String::new, |id| id.to_string());
        let mut rows = self
            .fetch(
                select_tenants!("WHERE t.id > $1 ORDER BY t.id LIMIT $2"),
                vec![after.into(), i64::from(limit).into()],
            )
            .await?;
        let tenants: Result<Vec<_>, _> = rows.iter_mut().map(tenant).collect();
        Ok(tenants.map_err(CoreError::from)?)
    }
}
