//! The one way from tenant to tenant, with a permit. A reviewer can find every use of it by searching for `danger`.

use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{CopyOptions, GetOptions, ObjectStore, ObjectStoreExt, PutPayload};
use tenancy_core::danger::CrossTenant;

use crate::error::scrub;
use crate::store::{Access, BoundStore, Scope};
use crate::{Error, Result};

/// Copies one object of a tenant to another tenant, or within one. The permit is used up: ask for one for each deed, the audit
/// event comes first.
///
/// The copy is the target's own: it counts towards its limits and outlives the source. Within one bucket the store behind
/// copies by itself; between buckets the object is streamed in parts of at least 5 MiB. Whichever scope this runs in does not
/// matter; each tenant's own status does.
///
/// # Errors
/// A tenant that is suspended, a target that is read-only or over its limits, a source that is missing, or what the store
/// behind reports.
///
/// # Example: with a permit, and an audit event that names the reason
/// ```
/// # use std::sync::Arc;
/// use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
/// use tenancy_core::danger::{CrossTenant, Permission};
/// use tenancy_core::InMemoryAudit;
/// # use tenancy_core::{Actor, ServerName, Tenant, TenantContext, TenantId, TenantSlug};
/// use tenancy_object_store::{ObjectServer, TenantStore, danger, object_store};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let open = |id, slug| TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?), Actor::user("ada"));
/// # let (acme, globex) = (open("1", "acme")?, open("2", "globex")?);
/// # let files = TenantStore::builder().server(ServerName::default(), ObjectServer::new(InMemory::new())).build()?;
/// let (acmes, globexs) = (files.for_tenant(&acme), files.for_tenant(&globex));
/// let contract = Path::from("contract.pdf");
/// acmes.put(&contract, "terms".into()).await?;
///
/// const COPY: Permission = Permission::granted("files.copy_between_tenants");
/// let audit = InMemoryAudit::new();
/// let permit = CrossTenant::acquire(Actor::user("op-3"), COPY, "merger, ticket 4711", &audit).await?;
/// danger::copy_between(permit, &acmes, &contract, &globexs, &contract).await?;
/// assert_eq!(globexs.get(&contract).await?.bytes().await?, "terms");
/// assert_eq!(audit.events().len(), 1);
///
/// // Without a reason there is no permit, and without a permit this can't be called.
/// assert!(CrossTenant::acquire(Actor::user("op-3"), COPY, "", &audit).await.is_err());
/// # Ok(()) }
/// ```
pub async fn copy_between<S: ObjectStore>(
    permit: CrossTenant,
    from: &BoundStore<S>,
    from_path: &Path,
    to: &BoundStore<S>,
    to_path: &Path,
) -> Result<()> {
    let source = scope_of(from, Access::Read)?;
    let target = scope_of(to, Access::Write)?;
    let (whole_from, whole_to) = (
        source.prefix.object(from_path)?,
        target.prefix.object(to_path)?,
    );
    tracing::warn!(
        actor = %permit.actor(),
        reason = permit.reason(),
        from = %source.cx.tenant_id(),
        to = %target.cx.tenant_id(),
        "copying an object between tenants"
    );
    // One after the other in the order of ids, as everybody takes them.
    let (of_source, of_target) = (source.account(), target.account());
    let (first, second) = (source.cx.tenant_id(), target.cx.tenant_id());
    let mut turns = Vec::new();
    match (&of_source, &of_target) {
        (Some(one), Some(_)) if first == second => {
            turns.push(one.turns.copy(from_path, to_path).await);
        }
        (Some(one), Some(two)) if first < second => {
            turns.push(one.turns.copy_from(from_path).await);
            turns.push(two.turns.write(to_path).await);
        }
        (Some(one), Some(two)) => {
            turns.push(two.turns.write(to_path).await);
            turns.push(one.turns.copy_from(from_path).await);
        }
        _ => {}
    }
    let head = source
        .store()
        .get_opts(&whole_from, GetOptions::new().with_head(true))
        .await
        .map_err(|error| scrub(error, from_path))?;
    let mut room = target.reserve(head.meta.size, 1).await?;
    if let Some(room) = &mut room {
        room.begin();
    }
    let result = if std::sync::Arc::ptr_eq(&source.store, &target.store) {
        let options = CopyOptions::new();
        target
            .store()
            .copy_opts(&whole_from, &whole_to, options)
            .await
    } else {
        stream_over(&source, &whole_from, &target, &whole_to).await
    };
    if let Some(room) = room {
        room.end(&result, false);
    }
    result.map_err(|error| {
        let path = match &error {
            object_store::Error::NotFound { .. } => from_path,
            _ => to_path,
        };
        Error::from(scrub(error, path))
    })
}

fn scope_of<S: ObjectStore>(store: &BoundStore<S>, access: Access) -> Result<Scope<S>> {
    let (core, cx) = store.bound();
    // Not `ensure_not_elsewhere`: one of the two is bound to be somebody else's. The permit is what allows it.
    Scope::open(core, cx.clone(), access)
}

/// The least that stores take as a part.
const PART: usize = 5 << 20;

async fn stream_over<S: ObjectStore>(
    source: &Scope<S>,
    from: &Path,
    target: &Scope<S>,
    to: &Path,
) -> object_store::Result<()> {
    let mut body = source.store().get(from).await?.into_stream();
    let mut upload = target.store().put_multipart(to).await?;
    let copied = async {
        let (mut chunks, mut size) = (Vec::new(), 0);
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            size += chunk.len();
            chunks.push(chunk);
            if size >= PART {
                let part: PutPayload = std::mem::take(&mut chunks).into_iter().collect();
                size = 0;
                source.ensure_live()?;
                target.ensure_live()?;
                upload.put_part(part).await?;
            }
        }
        upload.put_part(chunks.into_iter().collect()).await?;
        upload.complete().await
    };
    match copied.await {
        Ok(_) => Ok(()),
        Err(error) => {
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, "a copy that failed could not be aborted");
            }
            Err(error)
        }
    }
}
