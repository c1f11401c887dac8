//! Copying between tenants: with a permit, an audit event that came first, and the target's own limits.

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tenancy_core::danger::{CrossTenant, Permission};
use tenancy_core::{Actor, AuditKind, InMemoryAudit, Isolation, TenantStatus};
use tenancy_object_store::{Error, Limits, danger};

use crate::world::{BACKENDS, Backend, ISOLATIONS, World, all, write};

const COPY: Permission = Permission::granted("files.copy");

async fn permit(audit: &InMemoryAudit) -> CrossTenant {
    CrossTenant::acquire(Actor::user("op"), COPY, "merger, ticket 4711", audit)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_goes_where_the_permit_says_and_is_the_targets_own() {
    for backend in BACKENDS {
        for isolation in ISOLATIONS {
            let world = World::new(backend, isolation).await;
            let (a, b) = (world.a(), world.b());
            let (x, y) = (Path::from("x"), Path::from("y"));
            // More than a part.
            let large = PutPayload::from(vec![7; (6 << 20) + 5]);
            a.put(&x, large).await.unwrap();
            let audit = InMemoryAudit::new();
            let permit = permit(&audit).await;
            assert_eq!(
                audit.events()[0].kind(),
                AuditKind::CrossedTenants,
                "the event came first"
            );
            // In whichever scope it runs.
            let copied = world
                .tenants
                .a
                .scope(danger::copy_between(permit, &a, &x, &b, &y))
                .await;
            copied.unwrap().unwrap();
            assert_eq!(
                b.head(&y).await.unwrap().size,
                (6 << 20) + 5,
                "{backend:?} {isolation}"
            );
            a.put(&x, "changed".into()).await.unwrap();
            a.delete(&x).await.unwrap();
            let kept = b.get(&y).await.unwrap().bytes().await.unwrap();
            assert!(kept.iter().all(|byte| *byte == 7) && kept.len() == (6 << 20) + 5);
            assert!(a.head(&y).await.is_err() && b.head(&x).await.is_err());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_opens_no_more_than_each_tenant_admits() {
    for isolation in ISOLATIONS {
        let world = World::with(Backend::Memory, isolation, |builder| {
            builder.limits(|_| Limits::none().bytes(10))
        })
        .await;
        let (a, b) = (world.a(), world.b());
        let audit = InMemoryAudit::new();
        let (x, root) = (Path::from("x"), Path::ROOT);
        write(&a, "x", "12345678").await.unwrap();
        let copy = async || danger::copy_between(permit(&audit).await, &a, &x, &b, &x).await;

        write(&b, "other", "123").await.unwrap();
        assert!(copy().await.unwrap_err().is_quota());
        b.delete(&Path::from("other")).await.unwrap();
        for (cx, status) in [
            (&world.tenants.a, TenantStatus::Suspended),
            (&world.tenants.b, TenantStatus::Suspended),
            (&world.tenants.b, TenantStatus::ReadOnly),
        ] {
            world.tenants.set(cx, status);
            assert!(copy().await.unwrap_err().as_tenancy().is_some());
            world.tenants.set(cx, TenantStatus::Active);
        }
        let missing =
            danger::copy_between(permit(&audit).await, &a, &Path::from("n"), &b, &x).await;
        assert!(
            matches!(missing, Err(Error::Driver(object_store::Error::NotFound { path, .. })) if path == "n")
        );
        assert!(
            danger::copy_between(permit(&audit).await, &a, &root, &b, &x)
                .await
                .is_err()
        );
        assert!(
            danger::copy_between(permit(&audit).await, &a, &x, &b, &root)
                .await
                .is_err()
        );
        assert!(all(&b).await.is_empty());
        copy().await.unwrap();
        assert_eq!(b.usage().await.unwrap().bytes, 8);
    }
}

#[tokio::test]
async fn without_a_permit_no_path_names_the_neighbours_object() {
    let world = World::new(Backend::Memory, Isolation::Shared).await;
    write(&world.b(), "x", "b").await.unwrap();
    for from in ["tenants/tenant_t_a-b/x", "../tenant_t_a-b/x", "-b/x", "x"] {
        let from = Path::from(from);
        assert!(world.a().copy(&from, &Path::from("stolen")).await.is_err());
        assert!(
            world
                .a()
                .rename(&from, &Path::from("stolen"))
                .await
                .is_err()
        );
    }
    assert_eq!(all(&world.shared).await.len(), 1);
    assert!(
        world
            .a()
            .list_with_delimiter(None)
            .await
            .unwrap()
            .objects
            .is_empty()
    );
}
