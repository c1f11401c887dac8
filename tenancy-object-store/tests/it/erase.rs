//! Erasing a tenant removes all of it and nothing else, and says so if it could not; exporting takes all of it along.

use futures_util::TryStreamExt;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tenancy_core::{ErrorKind, Isolation, TenantStatus};
use tenancy_object_store::{Error, Limits};

use crate::gate::Gate;
use crate::quota::limited;
use crate::world::{BACKENDS, ISOLATIONS, Tenants, World, all, over, write};

#[tokio::test(flavor = "multi_thread")]
async fn all_of_the_tenant_goes_and_nothing_of_the_neighbour() {
    for backend in BACKENDS {
        for isolation in ISOLATIONS {
            let world = World::with(backend, isolation, |builder| {
                builder.limits(|_| Limits::none().bytes(1000))
            })
            .await;
            for n in 0..25 {
                write(&world.a(), &format!("folder/{n}"), "a")
                    .await
                    .unwrap();
            }
            write(&world.a(), "logo", "aa").await.unwrap();
            write(&world.b(), "logo", "b").await.unwrap();
            let keeper = world
                .store
                .for_tenant(&world.tenants.keeper(&world.tenants.a));
            world
                .tenants
                .set(&world.tenants.a, TenantStatus::Offboarding);
            let erased = keeper.erase().await.unwrap();
            assert_eq!(
                (erased.usage.objects, erased.usage.bytes),
                (26, 27),
                "{backend:?} {isolation}"
            );
            assert!(keeper.list(None).try_next().await.unwrap().is_none());
            assert_eq!(keeper.usage().await.unwrap(), Default::default());
            assert_eq!(
                keeper.erase().await.unwrap().usage.objects,
                0,
                "again, there is nothing"
            );
            assert_eq!(all(&world.b()).await.len(), 1, "{backend:?} {isolation}");
        }
    }
}

#[tokio::test]
async fn only_maintenance_of_a_closed_tenant_erases() {
    let tenants = Tenants::new(Isolation::Shared);
    let store = over(Gate::open());
    let a = store.for_tenant(&tenants.a);
    write(&a, "x", "data").await.unwrap();
    let keeper = store.for_tenant(&tenants.keeper(&tenants.a));
    let kind = |result: Result<_, Error>| result.unwrap_err().as_tenancy().unwrap().kind();
    for status in [TenantStatus::Active, TenantStatus::ReadOnly] {
        tenants.set(&tenants.a, status);
        assert_eq!(kind(keeper.erase().await), ErrorKind::Forbidden, "{status}");
    }
    for status in [
        TenantStatus::Suspended,
        TenantStatus::Offboarding,
        TenantStatus::Provisioning,
    ] {
        tenants.set(&tenants.a, status);
        assert_eq!(kind(a.erase().await), ErrorKind::Forbidden, "{status}");
    }
    let elsewhere = tenants.b.scope(keeper.erase()).await.unwrap();
    assert_eq!(kind(elsewhere), ErrorKind::WrongTenant);
    assert_eq!(all(&keeper).await.len(), 1);
    keeper.erase().await.unwrap();
}

#[tokio::test]
async fn what_comes_back_meanwhile_is_reported() {
    // A writer that knows no tenancy puts it back at every look.
    #[derive(Debug)]
    struct Haunted(object_store::memory::InMemory);
    impl std::fmt::Display for Haunted {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Haunted")
        }
    }
    #[async_trait::async_trait]
    impl ObjectStore for Haunted {
        async fn put_opts(
            &self,
            location: &Path,
            payload: object_store::PutPayload,
            opts: object_store::PutOptions,
        ) -> object_store::Result<object_store::PutResult> {
            self.0.put_opts(location, payload, opts).await
        }
        async fn put_multipart_opts(
            &self,
            location: &Path,
            opts: object_store::PutMultipartOptions,
        ) -> object_store::Result<Box<dyn object_store::MultipartUpload>> {
            self.0.put_multipart_opts(location, opts).await
        }
        async fn get_opts(
            &self,
            location: &Path,
            options: object_store::GetOptions,
        ) -> object_store::Result<object_store::GetResult> {
            self.0.get_opts(location, options).await
        }
        fn delete_stream(
            &self,
            locations: futures_core::stream::BoxStream<'static, object_store::Result<Path>>,
        ) -> futures_core::stream::BoxStream<'static, object_store::Result<Path>> {
            locations
        }
        fn list(
            &self,
            prefix: Option<&Path>,
        ) -> futures_core::stream::BoxStream<'static, object_store::Result<object_store::ObjectMeta>>
        {
            self.0.list(prefix)
        }
        async fn list_with_delimiter(
            &self,
            prefix: Option<&Path>,
        ) -> object_store::Result<object_store::ListResult> {
            self.0.list_with_delimiter(prefix).await
        }
        async fn copy_opts(
            &self,
            from: &Path,
            to: &Path,
            options: object_store::CopyOptions,
        ) -> object_store::Result<()> {
            self.0.copy_opts(from, to, options).await
        }
    }
    let tenants = Tenants::new(Isolation::Shared);
    let store = over(Haunted(object_store::memory::InMemory::new()));
    write(&store.for_tenant(&tenants.a), "ghost", "boo")
        .await
        .unwrap();
    let keeper = store.for_tenant(&tenants.keeper(&tenants.a));
    tenants.set(&tenants.a, TenantStatus::Offboarding);
    assert!(matches!(
        keeper.erase().await,
        Err(Error::NotErased { left: 1 })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_under_way_are_aborted() {
    let server = crate::s3::Server::start().await;
    let tenants = Tenants::new(Isolation::Shared);
    let store = over(server.bucket("shared"));
    let (a, b) = (store.for_tenant(&tenants.a), store.for_tenant(&tenants.b));
    let x = Path::from("x");
    let mine = a.create_multipart(&x).await.unwrap();
    a.put_part(&x, &mine, 0, "data".into()).await.unwrap();
    let theirs = b.create_multipart(&x).await.unwrap();
    let part = b.put_part(&x, &theirs, 0, "data".into()).await.unwrap();
    let keeper = store.for_tenant(&tenants.keeper(&tenants.a));
    tenants.set(&tenants.a, TenantStatus::Offboarding);
    assert_eq!(keeper.erase().await.unwrap().uploads, 1);
    assert!(
        keeper
            .complete_multipart(&x, &mine, vec![part.clone()])
            .await
            .is_err()
    );
    assert!(all(&keeper).await.is_empty());
    b.complete_multipart(&x, &theirs, vec![part]).await.unwrap();
    assert_eq!(all(&b).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_object_of_the_tenant_and_no_other() {
    for backend in BACKENDS {
        for isolation in ISOLATIONS {
            let world = World::new(backend, isolation).await;
            for path in ["logo", "leads/1/offer", "leads/10/offer"] {
                write(&world.a(), path, &format!("a {path}")).await.unwrap();
                write(&world.b(), path, &format!("b {path}")).await.unwrap();
            }
            world.tenants.set(&world.tenants.a, TenantStatus::Suspended);
            assert!(world.a().export().try_next().await.is_err());
            let keeper = world
                .store
                .for_tenant(&world.tenants.keeper(&world.tenants.a));
            let mut found = Vec::new();
            let mut objects = keeper.export();
            while let Some(object) = objects.try_next().await.unwrap() {
                let path = object.meta.location.to_string();
                assert_eq!(object.bytes().await.unwrap(), format!("a {path}"));
                found.push(path);
            }
            found.sort();
            assert_eq!(
                found,
                ["leads/1/offer", "leads/10/offer", "logo"],
                "{backend:?} {isolation}"
            );
        }
    }
}

#[tokio::test]
async fn an_erase_that_is_dropped_can_be_done_again() {
    use futures_util::FutureExt;

    for polls in 0..6 {
        let gate = Gate::open();
        let (tenants, store) = limited(&gate, Limits::none().bytes(100));
        for n in 0..5 {
            write(&store.for_tenant(&tenants.a), &format!("{n}"), "data")
                .await
                .unwrap();
        }
        write(&store.for_tenant(&tenants.b), "x", "data")
            .await
            .unwrap();
        let keeper = store.for_tenant(&tenants.keeper(&tenants.a));
        tenants.set(&tenants.a, TenantStatus::Offboarding);
        let mut erase = Box::pin(keeper.erase());
        for _ in 0..polls {
            if erase.as_mut().now_or_never().is_some() {
                break;
            }
        }
        drop(erase);
        keeper.erase().await.unwrap();
        assert_eq!(keeper.usage().await.unwrap(), Default::default());
        assert_eq!(
            gate.inner
                .list(None)
                .try_collect::<Vec<_>>()
                .await
                .unwrap()
                .len(),
            1
        );
        assert!(
            gate.inner
                .head(&Path::from("tenants/tenant_t_a-b/x"))
                .await
                .is_ok()
        );
    }
}
