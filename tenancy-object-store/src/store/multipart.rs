//! `MultipartStore` for [`TenantStore`]. Upload ids are sealed for their tenant and path: stores that go by the id alone
//! would otherwise let one tenant finish another's upload as its own.

use std::sync::Arc;

use async_trait::async_trait;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    GetOptions, MultipartId, ObjectStore, PutMultipartOptions, PutPayload, PutResult, Result,
};

use super::scope::{Access, Scope};
use super::{TenantStore, Whose};
use crate::error::scrub;
use crate::uploads::Parts;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ObjectStore + MultipartStore, W: Whose> MultipartStore for TenantStore<S, W> {
    async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
        self.create_multipart_opts(path, PutMultipartOptions::default())
            .await
    }

    async fn create_multipart_opts(
        &self,
        path: &Path,
        opts: PutMultipartOptions,
    ) -> Result<MultipartId> {
        let scope = self.open(Access::Write)?;
        let whole = scope.prefix.object(path)?;
        let room = scope.reserve(0, 1).await?;
        let id = scope
            .store()
            .create_multipart_opts(&whole, opts)
            .await
            .map_err(|error| scrub(error, path))?;
        let tenant = scope.cx.tenant_id();
        let sealed = scope.core.seal.close(tenant, path, &id);
        let store = Arc::clone(&scope.store);
        let abort = Box::new(move || {
            let (store, whole, id) = (Arc::clone(&store), whole.clone(), id.clone());
            Box::pin(async move { store.abort_multipart(&whole, &id).await }) as _
        });
        scope.core.uploads.begin(tenant, &sealed, room, abort);
        Ok(sealed)
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        part_idx: usize,
        data: PutPayload,
    ) -> Result<PartId> {
        let (scope, whole) = self.of_upload(path)?;
        let inner = scope.unsealed(path, id)?;
        let bytes = data.content_length() as u64;
        if let Some(meter) = scope.meter() {
            let others = scope.core.uploads.bytes_without(id, part_idx);
            meter.ensure_object_fits(scope.cx.tenant(), others.saturating_add(bytes))?;
        }
        let room = scope.reserve(bytes, 0).await?;
        let part = scope
            .store()
            .put_part(&whole, &inner, part_idx, data)
            .await
            .map_err(|error| scrub(error, path))?;
        scope
            .core
            .uploads
            .add(scope.cx.tenant_id(), id, part_idx, room);
        Ok(part)
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        let (scope, whole) = self.of_upload(path)?;
        let inner = scope.unsealed(path, id)?;
        let sent = parts.len();
        let account = scope.account();
        let _turn = match &account {
            Some(account) => Some(account.turns.write(path).await),
            None => None,
        };
        let Parts { mut room, known } = scope.core.uploads.end(id);
        if let Some(room) = &mut room {
            room.begin();
        }
        let result = scope
            .store()
            .complete_multipart(&whole, &inner, parts)
            .await;
        if let Some(room) = room {
            room.end(&result, false);
        }
        let done = result.map_err(|error| scrub(error, path))?;
        if let Some(meter) = scope.meter()
            && known != sent
        {
            // Parts that another process or the holder of an address has sent.
            let head = GetOptions::new().with_head(true);
            let found = scope.store().get_opts(&whole, head).await;
            let size = found.map_err(|error| scrub(error, path))?.meta.size;
            meter.add(scope.cx.tenant_id(), size);
        }
        Ok(done)
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        let (scope, whole) = self.of_upload(path)?;
        let inner = scope.unsealed(path, id)?;
        drop(scope.core.uploads.end(id));
        scope
            .store()
            .abort_multipart(&whole, &inner)
            .await
            .map_err(|error| scrub(error, path))
    }
}

impl<S: ObjectStore, W: Whose> TenantStore<S, W> {
    fn of_upload(&self, path: &Path) -> crate::Result<(Scope<S>, Path)> {
        let scope = self.open(Access::Write)?;
        let whole = scope.prefix.object(path)?;
        Ok((scope, whole))
    }
}

impl<S> Scope<S> {
    /// The id that the store behind gave out.
    fn unsealed(&self, path: &Path, id: &str) -> crate::Result<MultipartId> {
        let id = self.core.seal.open(self.cx.tenant_id(), path, id)?;
        Ok(id.to_owned())
    }
}
