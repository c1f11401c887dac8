//! Stores that misbehave on purpose: one that waits at a gate, one that fails, one that answers with a neighbour's objects.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result, UploadPart,
};
use tokio::sync::Semaphore;

/// Memory behind a gate that every write waits at, before it is written and after.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) inner: InMemory,
    pub(crate) before: Arc<Semaphore>,
    pub(crate) after: Arc<Semaphore>,
    pub(crate) copying: Arc<Semaphore>,
    /// How many calls reached the store.
    pub(crate) calls: Arc<AtomicUsize>,
    /// Uploads that were aborted.
    pub(crate) aborted: Arc<AtomicUsize>,
    /// How often it was listed.
    pub(crate) lists: Arc<AtomicUsize>,
}

impl Gate {
    /// With both doors open.
    pub(crate) fn open() -> Self {
        Self {
            inner: InMemory::new(),
            before: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            after: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            copying: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            calls: Arc::default(),
            aborted: Arc::default(),
            lists: Arc::default(),
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn called(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
    }
}

async fn pass(door: &Semaphore) {
    door.acquire().await.unwrap().forget();
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate(/data/secret-folder)")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Gate {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.called();
        pass(&self.before).await;
        let result = self.inner.put_opts(location, payload, opts).await;
        pass(&self.after).await;
        result
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.called();
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(GatedUpload {
            inner,
            gate: self.clone(),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.called();
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.called();
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.called();
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.called();
        self.lists.fetch_add(1, Ordering::SeqCst);
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.called();
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.called();
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.called();
        pass(&self.copying).await;
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.called();
        self.inner.rename_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct GatedUpload {
    inner: Box<dyn MultipartUpload>,
    gate: Gate,
}

#[async_trait]
impl MultipartUpload for GatedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let part = self.inner.put_part(data);
        let gate = self.gate.clone();
        Box::pin(async move {
            pass(&gate.before).await;
            part.await
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        pass(&self.gate.before).await;
        let result = self.inner.complete().await;
        pass(&self.gate.after).await;
        result
    }

    async fn abort(&mut self) -> Result<()> {
        self.gate.aborted.fetch_add(1, Ordering::SeqCst);
        self.inner.abort().await
    }
}

/// Answers every question with an object of tenant 2.
#[derive(Debug)]
pub(crate) struct Lying;

impl fmt::Display for Lying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lying")
    }
}

fn foreign() -> ObjectMeta {
    ObjectMeta {
        location: Path::from("tenants/tenant_i_2/secret"),
        last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
        size: 1,
        e_tag: None,
        version: None,
    }
}

#[async_trait]
impl ObjectStore for Lying {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(full())
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(full())
    }

    async fn get_opts(&self, _: &Path, _: GetOptions) -> Result<GetResult> {
        Ok(GetResult {
            payload: GetResultPayload::Stream(
                stream::once(async { Ok(Bytes::from_static(b"s")) }).boxed(),
            ),
            meta: foreign(),
            range: 0..1,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        locations.map(|_| Ok(foreign().location)).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::once(async { Ok(foreign()) }).boxed()
    }

    fn list_with_offset(
        &self,
        _: Option<&Path>,
        _: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list(None)
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Ok(ListResult {
            common_prefixes: vec![Path::from("tenants/tenant_i_2")],
            objects: Vec::new(),
            extensions: Default::default(),
        })
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(full())
    }
}

/// What a full disk looks like, folder and all.
pub(crate) fn full() -> Error {
    Error::Generic {
        store: "Lying",
        source: Box::new(std::io::Error::new(
            std::io::ErrorKind::StorageFull,
            "no space for /data/secret-folder/tenants/tenant_i_2/secret",
        )),
    }
}
