//! `PaginatedListStore` for [`TenantStore`]: listing page by page, by the beginning of a key as text.

use async_trait::async_trait;
use object_store::list::{PaginatedListOptions, PaginatedListResult, PaginatedListStore};
use object_store::{ObjectStore, Result};

use super::scope::Access;
use super::{TenantStore, Whose};
use crate::error::scrub;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ObjectStore + PaginatedListStore, W: Whose> PaginatedListStore for TenantStore<S, W> {
    /// The slash behind the tenant's own folder is always there, so that a text never means a neighbour's folder too. A page
    /// token belongs to the store behind; whatever it leads to, objects from elsewhere are withheld.
    async fn list_paginated(
        &self,
        prefix: Option<&str>,
        opts: PaginatedListOptions,
    ) -> Result<PaginatedListResult> {
        let scope = self.open(Access::Read)?;
        let whole = scope.prefix.text(prefix.unwrap_or_default())?;
        let PaginatedListOptions {
            offset,
            delimiter,
            max_keys,
            page_token,
            extensions,
        } = opts;
        let offset = offset
            .map(|offset| scope.prefix.text(&offset))
            .transpose()?;
        let opts = PaginatedListOptions {
            offset,
            delimiter,
            max_keys,
            page_token,
            extensions,
        };
        let PaginatedListResult { result, page_token } = scope
            .store()
            .list_paginated(Some(&whole), opts)
            .await
            .map_err(|error| scrub(error, prefix.unwrap_or_default()))?;
        Ok(PaginatedListResult {
            result: scope.prefix.own_list(result)?,
            page_token,
        })
    }
}
