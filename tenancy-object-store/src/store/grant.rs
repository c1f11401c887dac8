//! Uploads by whoever has no credentials: an address that takes one object of one size, and the room that it holds.

use std::time::Duration;

use async_trait::async_trait;
use object_store::path::Path;
use object_store::signer::{Signer, Url};
use object_store::{GetOptions, ObjectMeta, ObjectStore};

use super::scope::Access;
use super::{TenantStore, Whose};
use crate::error::scrub;
use crate::{Error, Result};

/// What somebody is about to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub(super) size: u64,
    pub(super) content_type: Option<Box<str>>,
}

impl Upload {
    /// An object of exactly this many bytes.
    #[must_use]
    pub fn new(size: u64) -> Self {
        Self {
            size,
            content_type: None,
        }
    }

    /// Of this type, which whoever uploads has to name.
    #[must_use]
    pub fn content_type(mut self, content_type: &str) -> Self {
        self.content_type = Some(content_type.into());
        self
    }
}

/// An address for one upload, and the headers that have to be sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedUpload {
    /// Where to `PUT` the object.
    pub url: Url,
    /// What to send with it, byte for byte; the store behind refuses anything else. A browser sends the length by itself.
    pub headers: Vec<(&'static str, String)>,
}

/// Signs uploads of one size. `object_store`'s own signer leaves the length out of what it signs, so that an address would
/// take an object of any size.
///
/// Implemented for `AmazonS3` with the feature `aws`. Whoever implements it signs the method, the path, `content-length` and,
/// if there is one, `content-type`.
#[async_trait]
pub trait SizedSigner: Signer {
    /// An address that takes one `PUT` of `size` bytes, and nothing else.
    ///
    /// # Errors
    /// What the store behind reports.
    async fn signed_put(
        &self,
        path: &Path,
        size: u64,
        content_type: Option<&str>,
        expires_in: Duration,
    ) -> object_store::Result<Url>;
}

impl<S: ObjectStore, W: Whose> TenantStore<S, W> {
    /// Signs an address at which one object of one size can be uploaded, once or again, until it expires.
    ///
    /// With [limits](super::TenantStoreBuilder::limits) the address holds room for the object until
    /// [`confirm_upload`](Self::confirm_upload) or until it expires. It can't be taken back: sign for minutes.
    ///
    /// # Errors
    /// No tenant, a suspended or read-only one; no room; an address that lasts longer than
    /// [`longest_address`](super::TenantStoreBuilder::longest_address) allows.
    ///
    /// # Example: signed for one size, refused without a tenant
    /// ```
    /// # #[cfg(feature = "aws")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::sync::Arc;
    /// use std::time::Duration;
    /// use object_store::{aws::AmazonS3Builder, path::Path};
    /// # use tenancy_core::{Actor, ServerName, Tenant, TenantContext, TenantId, TenantSlug};
    /// use tenancy_object_store::{ObjectServer, TenantStore, Upload, object_store};
    ///
    /// # use object_store::client::{HttpClient, HttpConnector};
    /// # #[derive(Debug)] struct Offline;
    /// # #[derive(Debug)] struct Never;
    /// # #[async_trait::async_trait] impl object_store::client::HttpService for Never {
    /// #     async fn call(&self, _: object_store::client::HttpRequest) -> Result<object_store::client::HttpResponse, object_store::client::HttpError> { unreachable!("signing asks nobody") }
    /// # }
    /// # impl HttpConnector for Offline { fn connect(&self, _: &object_store::ClientOptions) -> object_store::Result<HttpClient> { Ok(HttpClient::new(Never)) } }
    /// # let acme = TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse("1")?, TenantSlug::parse("acme")?).build()?), Actor::user("ada"))?;
    /// let s3 = AmazonS3Builder::new()
    ///     .with_bucket_name("crm")
    ///     .with_region("eu-central-1")
    ///     .with_access_key_id("key")
    ///     .with_secret_access_key("secret")
    /// #   .with_http_connector(Offline)
    ///     .build()?;
    /// let files = TenantStore::builder().server(ServerName::default(), ObjectServer::new(s3)).build()?;
    /// let scan = Upload::new(2048).content_type("application/pdf");
    /// let minutes = Duration::from_secs(5 * 60);
    ///
    /// let signed = acme.scope(files.signed_upload(&Path::from("scan.pdf"), &scan, minutes)).await??;
    /// assert!(signed.url.path().ends_with("/tenants/tenant_i_1/scan.pdf"));
    /// assert_eq!(signed.headers[0], ("content-length", "2048".to_owned()));
    ///
    /// assert!(files.signed_upload(&Path::from("scan.pdf"), &scan, minutes).await.is_err());
    /// # Ok(()) }
    /// # #[cfg(not(feature = "aws"))] fn main() {}
    /// ```
    pub async fn signed_upload(
        &self,
        path: &Path,
        upload: &Upload,
        lasts: Duration,
    ) -> Result<SignedUpload>
    where
        S: SizedSigner,
    {
        let scope = self.open(Access::Write)?;
        let whole = scope.prefix.object(path)?;
        scope.ensure_short(lasts)?;
        let content_type = upload.content_type.as_deref();
        if content_type.is_some_and(|text| !text.bytes().all(|b| matches!(b, b' '..=b'~'))) {
            return Err(Error::NotSigned {
                why: "the content type is no text that a header can have",
            });
        }
        let room = scope.reserve(upload.size, 1).await?;
        let url = scope
            .store()
            .signed_put(&whole, upload.size, content_type, lasts)
            .await
            .map_err(|error| scrub(error, path))?;
        if let (Some(meter), Some(room)) = (scope.meter(), room) {
            meter.grant(room, path.clone(), lasts);
        }
        let mut headers = vec![("content-length", upload.size.to_string())];
        headers.extend(content_type.map(|text| ("content-type", text.to_owned())));
        Ok(SignedUpload { url, headers })
    }

    /// Looks whether what an address was signed for has arrived. From then on it counts as what it is.
    ///
    /// # Errors
    /// As reading; [`object_store::Error::NotFound`] within [`Error::Driver`] if it has not arrived.
    pub async fn confirm_upload(&self, path: &Path) -> Result<ObjectMeta> {
        let scope = self.open(Access::Read)?;
        let whole = scope.prefix.object(path)?;
        let found = scope
            .store()
            .get_opts(&whole, GetOptions::new().with_head(true))
            .await
            .map_err(|error| scrub(error, path))?;
        let meta = scope.prefix.own_meta(found.meta)?;
        if let Some(meter) = scope.meter() {
            meter.redeem(scope.cx.tenant_id(), path, meta.size);
        }
        Ok(meta)
    }
}
