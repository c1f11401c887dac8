//! `Signer` for [`TenantStore`]: addresses to read from, for whoever has no credentials. Uploads are in `grant`.

use std::time::Duration;

use async_trait::async_trait;
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer, Url};
use object_store::{ObjectStore, Result};

use super::scope::{Access, Scope};
use super::{TenantStore, Whose};
use crate::Error;
use crate::error::scrub;

/// What may be asked of an object in an address to read from. Anything else asks something else than for the object.
const QUERY: [&str; 7] = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "versionId",
];

/// Headers that only narrow what is read.
const HEADERS: [&str; 3] = ["range", "if-match", "if-none-match"];

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ObjectStore + Signer, W: Whose> Signer for TenantStore<S, W> {
    /// Signs `GET` and `HEAD` of one object. What is written through an address is signed with its size:
    /// [`signed_upload`](TenantStore::signed_upload).
    async fn signed_url(&self, method: Method, path: &Path, expires_in: Duration) -> Result<Url> {
        let scope = self.open(Access::Read)?;
        sign(&scope, method, path, expires_in, &SignedUrlOptions::new()).await
    }

    async fn signed_url_opts(
        &self,
        method: Method,
        path: &Path,
        expires_in: Duration,
        options: &SignedUrlOptions,
    ) -> Result<Url> {
        let scope = self.open(Access::Read)?;
        sign(&scope, method, path, expires_in, options).await
    }

    async fn signed_urls(
        &self,
        method: Method,
        paths: &[Path],
        expires_in: Duration,
    ) -> Result<Vec<Url>> {
        let scope = self.open(Access::Read)?;
        let mut urls = Vec::with_capacity(paths.len());
        for path in paths {
            urls.push(
                sign(
                    &scope,
                    method.clone(),
                    path,
                    expires_in,
                    &SignedUrlOptions::new(),
                )
                .await?,
            );
        }
        Ok(urls)
    }
}

async fn sign<S: ObjectStore + Signer>(
    scope: &Scope<S>,
    method: Method,
    path: &Path,
    lasts: Duration,
    options: &SignedUrlOptions,
) -> Result<Url> {
    let whole = scope.prefix.object(path)?;
    scope.ensure_short(lasts)?;
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(Error::NotSigned {
            why: "only GET and HEAD are; sign what is written, with its size, by `TenantStore::signed_upload`",
        }
        .into());
    }
    let asks = options
        .extra_query
        .iter()
        .all(|(name, _)| QUERY.contains(&name.as_str()));
    let narrows = options
        .signed_headers
        .keys()
        .all(|name| HEADERS.contains(&name.as_str()));
    if !asks || !narrows {
        return Err(Error::NotSigned {
            why: "a query or header asks for more than the object; leave it out",
        }
        .into());
    }
    scope
        .store()
        .signed_url_opts(method, &whole, lasts, options)
        .await
        .map_err(|error| scrub(error, path))
}

impl<S> Scope<S> {
    /// Refuses addresses that last longer than the service allows, and those that never begin.
    pub(super) fn ensure_short(&self, lasts: Duration) -> crate::Result<()> {
        if lasts > self.core.longest || lasts.as_secs() == 0 {
            return Err(Error::NotSigned {
                why: "it lasts longer than `TenantStoreBuilder::longest_address` allows, or less than a second",
            });
        }
        Ok(())
    }
}
