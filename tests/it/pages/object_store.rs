//! The code of `docs/object-store.md`.

use tenancy::object_store::object_store::local::LocalFileSystem;
use tenancy::object_store::object_store::{ObjectStoreExt as _, PutPayload};
use tenancy::object_store::{Limits, ObjectServer, TenantStore, object_path};
use tenancy::{ServerName, TenantContext};

#[rustfmt::skip]
async fn files(name_from_the_user: &str, data: PutPayload, cx: TenantContext) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let files = TenantStore::builder()
        .server(ServerName::default(), ObjectServer::new(LocalFileSystem::new_with_prefix("files")?))
        .limits(|tenant| match tenant.plan() {
            Some("enterprise") => Limits::none(),
            _ => Limits::none().bytes(5 << 30).object_bytes(25 << 20),
        })
        .build()?;

    files.put(&object_path(name_from_the_user)?, data).await?;      // inside a request: the request's tenant
    files.for_tenant(&cx).export();                                 // anywhere: the tenant of `cx`
    Ok(())
}
