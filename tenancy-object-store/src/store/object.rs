//! `ObjectStore` for [`TenantStore`]: every method, none left to its default.

use std::ops::Range;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, RenameTargetMode, Result,
};

use super::scope::{Access, Scope};
use super::upload::ScopedUpload;
use super::{TenantStore, Whose, stream};
use crate::error::scrub;

static ROOT: Path = Path::ROOT;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ObjectStore, W: Whose> ObjectStore for TenantStore<S, W> {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        if self.core.meter.is_some() {
            // Its future is large, and most of that is of no use without limits.
            let scope = self.open(Access::Write)?;
            return Box::pin(put_metered(scope, location, payload, opts)).await;
        }
        let (store, whole) = self.place_of(Access::Write, location)?;
        S::put_opts(&store, &whole, payload, opts)
            .await
            .map_err(|error| scrub(error, location))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let scope = self.open(Access::Write)?;
        let whole = scope.prefix.object(location)?;
        let room = scope.reserve(0, 1).await?;
        let upload = scope
            .store()
            .put_multipart_opts(&whole, opts)
            .await
            .map_err(|error| scrub(error, location))?;
        Ok(Box::new(ScopedUpload::new(
            scope,
            location.clone(),
            upload,
            room,
        )))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let scope = self.open(Access::Read)?;
        let whole = scope.prefix.object(location)?;
        let result = scope
            .store()
            .get_opts(&whole, options)
            .await
            .map_err(|error| scrub(error, location))?;
        got(scope, location, whole, result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let scope = self.open(Access::Read)?;
        let whole = scope.prefix.object(location)?;
        scope
            .store()
            .get_ranges(&whole, ranges)
            .await
            .map_err(|error| scrub(error, location))
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.open(Access::Write) {
            Ok(scope) => stream::delete(scope, locations),
            Err(error) => stream::refused(error),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let begun = self.open(Access::Read).and_then(|scope| {
            let whole = scope.prefix.folder(prefix.unwrap_or(&ROOT))?;
            let found = scope.store().list(Some(&whole));
            Ok(stream::list(scope, found))
        });
        begun.unwrap_or_else(stream::refused)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let begun = self.open(Access::Read).and_then(|scope| {
            let whole = scope.prefix.folder(prefix.unwrap_or(&ROOT))?;
            let offset = scope.prefix.folder(offset)?;
            let found = scope.store().list_with_offset(Some(&whole), &offset);
            Ok(stream::list(scope, found))
        });
        begun.unwrap_or_else(stream::refused)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let scope = self.open(Access::Read)?;
        let folder = prefix.unwrap_or(&ROOT);
        let whole = scope.prefix.folder(folder)?;
        let list = scope
            .store()
            .list_with_delimiter(Some(&whole))
            .await
            .map_err(|error| scrub(error, folder))?;
        Ok(scope.prefix.own_list(list)?)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let scope = self.open(Access::Write)?;
        let (whole_from, whole_to) = (scope.prefix.object(from)?, scope.prefix.object(to)?);
        let replaces = options.mode != CopyMode::Create;
        // How much room a copy takes nobody knows but the store, so the source stays as it is from the question to the copy.
        let account = scope.account();
        let _turn = match &account {
            Some(account) => Some(account.turns.copy(from, to).await),
            None => None,
        };
        let mut room = match scope.meter() {
            Some(_) => {
                let head = GetOptions::new().with_head(true);
                let found = scope.store().get_opts(&whole_from, head).await;
                let size = found.map_err(|error| scrub(error, from))?.meta.size;
                scope.reserve(size, 1).await?
            }
            None => None,
        };
        if let Some(room) = &mut room {
            room.begin();
        }
        let result = scope
            .store()
            .copy_opts(&whole_from, &whole_to, options)
            .await;
        if let Some(room) = room {
            room.end(&result, !replaces);
        }
        result.map_err(|error| scrub_of_two(error, from, to))
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let scope = self.open(Access::Write)?;
        let (whole_from, whole_to) = (scope.prefix.object(from)?, scope.prefix.object(to)?);
        let replaces = options.target_mode != RenameTargetMode::Create;
        let account = scope.account();
        let _turn = match &account {
            Some(account) => Some(account.turns.write(to).await),
            None => None,
        };
        let result = scope
            .store()
            .rename_opts(&whole_from, &whole_to, options)
            .await;
        // Nothing is added. What was replaced is gone, and a copy without its removal is one more.
        if replaces || result.is_err() {
            scope.doubt();
        }
        result.map_err(|error| scrub_of_two(error, from, to))
    }
}

/// Puts an object if there is room for it, and counts it.
async fn put_metered<S: ObjectStore>(
    scope: Scope<S>,
    location: &Path,
    payload: PutPayload,
    opts: PutOptions,
) -> Result<PutResult> {
    let whole = scope.prefix.object(location)?;
    let replaces = opts.mode != PutMode::Create;
    let bytes = payload.content_length() as u64;
    let account = scope.account();
    let _turn = match &account {
        Some(account) => Some(account.turns.write(location).await),
        None => None,
    };
    let mut room = if replaces {
        scope.reserve_instead(&whole, bytes).await?
    } else {
        scope.reserve(bytes, 1).await?
    };
    if let Some(room) = &mut room {
        room.begin();
    }
    let result = scope.store().put_opts(&whole, payload, opts).await;
    if let Some(room) = room {
        room.end(&result, !replaces);
    }
    result.map_err(|error| scrub(error, location))
}

/// The answer with the tenant's own path, and a body that is the tenant's.
fn got<S: ObjectStore>(
    scope: Scope<S>,
    location: &Path,
    whole: Path,
    result: GetResult,
) -> Result<GetResult> {
    let GetResult {
        payload,
        meta,
        range,
        attributes,
        extensions,
    } = result;
    let meta = scope.prefix.own_meta_at(meta, location, &whole)?;
    let payload = match payload {
        // The path is only ever written into errors.
        GetResultPayload::File(file, _) => {
            GetResultPayload::File(file, PathBuf::from(location.as_ref()))
        }
        GetResultPayload::Stream(body) => {
            GetResultPayload::Stream(stream::body(scope, whole, body).boxed())
        }
    };
    Ok(GetResult {
        payload,
        meta,
        range,
        attributes,
        extensions,
    })
}

/// What is missing is the source; what is in the way is the target.
fn scrub_of_two(error: object_store::Error, from: &Path, to: &Path) -> object_store::Error {
    let location = match &error {
        object_store::Error::NotFound { .. } => from,
        _ => to,
    };
    scrub(error, location)
}
