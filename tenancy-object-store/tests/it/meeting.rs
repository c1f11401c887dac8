//! Two tenants, the same paths, every method, on every backend: no meeting. And what really lies in the store.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutPayload, RenameOptions, RenameTargetMode,
};
use tenancy_core::Isolation;

use crate::world::{BACKENDS, Backend, ISOLATIONS, World, all, read, write};

const PATHS: [&str; 5] = [
    "logo",
    "leads/1/offer",
    "leads/1/scan",
    "leads/10/offer",
    "b/logo",
];

/// Writes every path as `name`.
async fn fill<S: ObjectStore>(store: &S, name: &str) {
    for path in PATHS {
        write(store, path, &format!("{name} {path}")).await.unwrap();
    }
}

fn expect(name: &str) -> Vec<(String, String)> {
    let mut all: Vec<_> = PATHS
        .iter()
        .map(|path| ((*path).to_owned(), format!("{name} {path}")))
        .collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_paths_hold_each_tenants_own() {
    for backend in BACKENDS {
        for isolation in ISOLATIONS {
            let world = World::new(backend, isolation).await;
            let (a, b) = (world.a(), world.b());
            fill(&a, "a").await;
            assert!(all(&b).await.is_empty(), "{backend:?} {isolation}");
            fill(&b, "b").await;
            assert_eq!(all(&a).await, expect("a"), "{backend:?} {isolation}");
            assert_eq!(all(&b).await, expect("b"), "{backend:?} {isolation}");
            // Through the current tenant it is the same.
            let seen = world.tenants.a.scope(all(&world.store)).await.unwrap();
            assert_eq!(seen, expect("a"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_read_answers_with_the_tenants_own() {
    for backend in BACKENDS {
        for isolation in ISOLATIONS {
            let world = World::new(backend, isolation).await;
            let (a, b) = (world.a(), world.b());
            fill(&b, "b").await;
            fill(&a, "a").await;
            let offer = Path::from("leads/1/offer");
            let folder = Path::from("leads/1");

            let got = a.get(&offer).await.unwrap();
            assert_eq!(got.meta.location, offer);
            assert_eq!(got.bytes().await.unwrap(), "a leads/1/offer");
            let body: Vec<Bytes> = a
                .get(&offer)
                .await
                .unwrap()
                .into_stream()
                .try_collect()
                .await
                .unwrap();
            assert_eq!(body.concat(), b"a leads/1/offer");
            assert_eq!(a.head(&offer).await.unwrap().location, offer);
            assert_eq!(a.get_range(&offer, 0..1).await.unwrap(), "a");
            assert_eq!(
                a.get_ranges(&offer, &[0..1, 2..7]).await.unwrap(),
                ["a", "leads"]
            );
            let last = GetOptions::new().with_range(Some(GetRange::Suffix(5)));
            assert_eq!(
                a.get_opts(&offer, last)
                    .await
                    .unwrap()
                    .bytes()
                    .await
                    .unwrap(),
                "offer"
            );

            let paths = |found: Vec<object_store::ObjectMeta>| {
                let mut paths: Vec<_> = found
                    .into_iter()
                    .map(|meta| meta.location.to_string())
                    .collect();
                paths.sort();
                paths
            };
            let found: Vec<_> = a.list(Some(&folder)).try_collect().await.unwrap();
            assert_eq!(paths(found), ["leads/1/offer", "leads/1/scan"]);
            let found: Vec<_> = a
                .list_with_offset(None, &offer)
                .try_collect()
                .await
                .unwrap();
            assert_eq!(paths(found), ["leads/1/scan", "leads/10/offer", "logo"]);
            let found = a.list_with_delimiter(None).await.unwrap();
            let mut folders: Vec<_> = found
                .common_prefixes
                .iter()
                .map(ToString::to_string)
                .collect();
            folders.sort();
            assert_eq!(folders, ["b", "leads"]);
            assert_eq!(paths(found.objects), ["logo"]);
            assert!(
                a.list(Some(&Path::from("nothing")))
                    .try_next()
                    .await
                    .unwrap()
                    .is_none()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_write_leaves_the_neighbour_alone() {
    for backend in BACKENDS {
        for isolation in ISOLATIONS {
            let world = World::new(backend, isolation).await;
            let (a, b) = (world.a(), world.b());
            fill(&b, "b").await;
            let path = |text: &str| Path::from(text);
            let payload = || PutPayload::from_static(b"a");

            // The neighbour's objects are not in the way of creating, and not there to be updated.
            let create = PutOptions::from(PutMode::Create);
            a.put_opts(&path("logo"), payload(), create.clone())
                .await
                .unwrap();
            let again = a
                .put_opts(&path("logo"), payload(), create)
                .await
                .unwrap_err();
            assert!(
                matches!(again, object_store::Error::AlreadyExists { path, .. } if path == "logo")
            );
            let e_tag = b.head(&path("b/logo")).await.unwrap().e_tag;
            if backend != Backend::Local {
                let update = PutMode::Update(object_store::UpdateVersion {
                    e_tag,
                    version: None,
                });
                let error = a
                    .put_opts(&path("b/logo"), payload(), update.into())
                    .await
                    .unwrap_err();
                assert!(
                    matches!(error, object_store::Error::Precondition { .. }),
                    "{error}"
                );
            }

            a.copy(&path("logo"), &path("leads/1/offer")).await.unwrap();
            let create = CopyOptions::new().with_mode(CopyMode::Create);
            a.copy_opts(&path("logo"), &path("b/logo"), create.clone())
                .await
                .unwrap();
            assert!(
                a.copy_opts(&path("logo"), &path("b/logo"), create)
                    .await
                    .is_err()
            );
            let missing = a.copy(&path("leads/1/scan"), &path("x")).await.unwrap_err();
            assert!(
                matches!(missing, object_store::Error::NotFound { .. }),
                "{missing}"
            );
            a.rename(&path("logo"), &path("leads/1/scan"))
                .await
                .unwrap();
            let create = RenameOptions::new().with_target_mode(RenameTargetMode::Create);
            a.rename_opts(&path("leads/1/scan"), &path("logo"), create)
                .await
                .unwrap();

            let mut upload = a.put_multipart(&path("leads/10/offer")).await.unwrap();
            upload.put_part(payload()).await.unwrap();
            upload.complete().await.unwrap();
            let mut upload = a.put_multipart(&path("b/logo")).await.unwrap();
            upload
                .put_part(PutPayload::from_static(b"never"))
                .await
                .unwrap();
            upload.abort().await.unwrap();

            let mine = ["b/logo", "leads/1/offer", "leads/10/offer", "logo"];
            let mine: Vec<_> = mine
                .iter()
                .map(|path| ((*path).to_owned(), "a".to_owned()))
                .collect();
            assert_eq!(all(&a).await, mine, "{backend:?} {isolation}");
            assert_eq!(all(&b).await, expect("b"), "{backend:?} {isolation}");

            a.delete(&path("logo")).await.unwrap();
            let rest =
                ["b/logo", "leads/1/offer", "leads/10/offer"].map(|path| Ok(Path::from(path)));
            let gone: Vec<_> = a
                .delete_stream(stream::iter(rest).boxed())
                .try_collect()
                .await
                .unwrap();
            assert_eq!(gone.len(), 3);
            assert!(gone.contains(&path("b/logo")));
            assert!(all(&a).await.is_empty(), "{backend:?} {isolation}");
            assert_eq!(all(&b).await, expect("b"), "{backend:?} {isolation}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_shared_bucket_each_has_its_folder_and_in_its_own_nothing_is_shared() {
    for backend in BACKENDS {
        let world = World::new(backend, Isolation::Shared).await;
        write(&world.a(), "x", "a").await.unwrap();
        write(&world.b(), "x", "b").await.unwrap();
        let whole = all(&world.shared).await;
        let expect = [
            ("tenants/tenant_t_a-b/x", "b"),
            ("tenants/tenant_t_a/x", "a"),
        ];
        let expect = expect.map(|(path, data)| (path.to_owned(), data.to_owned()));
        assert_eq!(whole, expect, "{backend:?}");

        let world = World::new(backend, Isolation::Database).await;
        write(&world.a(), "x", "a").await.unwrap();
        let folder = world.folder.as_ref().map(|folder| folder.path().to_owned());
        let folder = folder.or_else(|| {
            world
                .server
                .as_ref()
                .map(|server| server.folder().to_owned())
        });
        if let Some(folder) = folder {
            let own = folder.join("app-t-a/tenants/tenant_t_a/x");
            assert_eq!(std::fs::read_to_string(own).unwrap(), "a", "{backend:?}");
        }
        assert!(
            !all(&world.shared)
                .await
                .iter()
                .any(|(path, _)| path.starts_with("tenants/")),
            "{backend:?}"
        );
    }
}

#[tokio::test]
async fn what_a_store_answers_from_elsewhere_is_withheld() {
    use crate::gate::Lying;

    let world = World::new(Backend::Memory, Isolation::Shared).await;
    let store = crate::world::over(Lying);
    let a = store.for_tenant(&world.tenants.a);
    let foreign = |error: object_store::Error| {
        assert!(
            matches!(
                crate::world::ours(&error),
                tenancy_object_store::Error::Foreign
            ),
            "{error}"
        );
    };
    foreign(a.get(&Path::from("x")).await.unwrap_err());
    foreign(a.head(&Path::from("x")).await.unwrap_err());
    foreign(a.list(None).try_next().await.unwrap_err());
    foreign(
        a.list_with_offset(None, &Path::from("x"))
            .try_next()
            .await
            .unwrap_err(),
    );
    foreign(a.list_with_delimiter(None).await.unwrap_err());
    foreign(a.delete(&Path::from("x")).await.unwrap_err());
    assert!(matches!(
        a.export().next().await,
        Some(Err(tenancy_object_store::Error::Foreign))
    ));
}

#[tokio::test]
async fn a_tenant_may_be_read_while_another_writes_the_same_path() {
    let world = World::new(Backend::Memory, Isolation::Shared).await;
    write(&world.a(), "x", "a").await.unwrap();
    write(&world.b(), "x", "b").await.unwrap();
    let (a, b) = tokio::join!(
        world.tenants.a.scope(read(&world.store, "x")),
        world.tenants.b.scope(read(&world.store, "x"))
    );
    assert_eq!((a.unwrap(), b.unwrap()), ("a".to_owned(), "b".to_owned()));
}
