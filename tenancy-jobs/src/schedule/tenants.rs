//! [`Tenants`]: a list of all tenants, a page at a time, for what is done for each of them.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use tenancy_core::{Actor, Error as CoreError, ErrorKind, Tenant, TenantContext, TenantId};
use tenancy_sqlx::{SqlRegistry, TenantDb};

use crate::Result;

const PAGE: u32 = 200;

/// A list of all tenants, a page at a time, in the order of the text of their ids.
pub trait Tenants: Send + Sync {
    /// The next tenants after this one; none at the end.
    fn list(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Arc<Tenant>>, CoreError>>;
}

impl<DB: TenantDb> Tenants for SqlRegistry<DB> {
    fn list(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Arc<Tenant>>, CoreError>> {
        Box::pin(async move {
            SqlRegistry::list(self, after, limit)
                .await
                .map_err(|error| {
                    CoreError::new(
                        ErrorKind::RegistryUnavailable,
                        "the list of tenants can't be read; check the registry's database",
                    )
                    .with_source(error)
                })
        })
    }
}

impl Tenants for Vec<Arc<Tenant>> {
    /// All of them, in one page.
    fn list(
        &self,
        after: Option<TenantId>,
        _limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Arc<Tenant>>, CoreError>> {
        let all = if after.is_none() {
            self.clone()
        } else {
            Self::new()
        };
        Box::pin(std::future::ready(Ok(all)))
    }
}

/// Contexts of the system for all tenants that may work, a page at a time.
pub(crate) struct Pages<'a> {
    tenants: &'a dyn Tenants,
    part: &'a str,
    after: Option<TenantId>,
}

impl<'a> Pages<'a> {
    /// For a part of the service of this name.
    pub(crate) fn new(tenants: &'a dyn Tenants, part: &'a str) -> Self {
        Self {
            tenants,
            part,
            after: None,
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Vec<TenantContext>>> {
        let page = self.tenants.list(self.after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        self.after = Some(last.id());
        let actor = Actor::system(self.part);
        let open = page
            .into_iter()
            .filter_map(|tenant| TenantContext::for_request(tenant, actor.clone()).ok());
        Ok(Some(open.collect()))
    }
}
