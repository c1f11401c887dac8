//! Uploads part by part, by id: an id is good for its tenant and path only, whatever the store behind would take.

use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tenancy_core::{Isolation, ServerName};
use tenancy_object_store::{BoundStore, Error, Limits, ObjectServer, TenantStore};

use crate::quota::is_quota;
use crate::world::{Tenants, all, ours, over, write};
use crate::{s3, world};

/// Every way to use an upload of `a` at its path as somebody else, or elsewhere.
async fn steals<S: ObjectStore + MultipartStore>(
    a: &BoundStore<S>,
    b: &BoundStore<S>,
    guess: fn(&str) -> String,
) {
    let x = Path::from("x");
    let id = a.create_multipart(&x).await.unwrap();
    a.put_part(&x, &id, 0, PutPayload::from_static(b"secret"))
        .await
        .unwrap();
    let unknown = |error: object_store::Error| {
        assert!(matches!(ours(&error), Error::UnknownUpload), "{error}");
    };
    for stolen in [id.clone(), guess(&id)] {
        for path in [&x, &Path::from("y")] {
            unknown(
                b.put_part(path, &stolen, 0, PutPayload::from_static(b"forged"))
                    .await
                    .unwrap_err(),
            );
            unknown(
                b.complete_multipart(path, &stolen, Vec::new())
                    .await
                    .unwrap_err(),
            );
            unknown(b.abort_multipart(path, &stolen).await.unwrap_err());
        }
    }
    unknown(
        a.put_part(&Path::from("y"), &id, 0, PutPayload::new())
            .await
            .unwrap_err(),
    );
    unknown(
        a.complete_multipart(&Path::from("y"), &id, Vec::new())
            .await
            .unwrap_err(),
    );
    assert!(all(b).await.is_empty());

    let part = a
        .put_part(&x, &id, 0, PutPayload::from_static(b"secret"))
        .await
        .unwrap();
    a.complete_multipart(&x, &id, vec![part]).await.unwrap();
    assert_eq!(all(a).await, [("x".to_owned(), "secret".to_owned())]);
    assert!(all(b).await.is_empty());
}

/// What the id is without its seal.
fn unsealed(id: &str) -> String {
    id[32..].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_id_is_of_no_use_to_others() {
    let tenants = Tenants::new(Isolation::Shared);
    let store = over(object_store::memory::InMemory::new());
    steals(
        &store.for_tenant(&tenants.a),
        &store.for_tenant(&tenants.b),
        unsealed,
    )
    .await;
    let server = s3::Server::start().await;
    let store = over(server.bucket("shared"));
    steals(
        &store.for_tenant(&tenants.a),
        &store.for_tenant(&tenants.b),
        unsealed,
    )
    .await;
}

/// Why ids are sealed: these stores take an id for whatever path it comes with.
#[tokio::test(flavor = "multi_thread")]
async fn bare_stores_let_an_upload_be_finished_elsewhere() {
    async fn finished_elsewhere<S: MultipartStore + ObjectStore>(store: &S) -> bool {
        let (mine, theirs) = (Path::from("mine"), Path::from("theirs"));
        let id = store.create_multipart(&mine).await.unwrap();
        let part = store
            .put_part(&mine, &id, 0, PutPayload::from_static(b"secret"))
            .await
            .unwrap();
        store
            .complete_multipart(&theirs, &id, vec![part])
            .await
            .is_ok()
            && world::read(store, "theirs").await == "secret"
    }
    assert!(finished_elsewhere(&object_store::memory::InMemory::new()).await);
    let server = s3::Server::start().await;
    assert!(finished_elsewhere(&server.bucket("shared")).await);
}

#[tokio::test]
async fn a_secret_lets_another_process_go_on() {
    let memory = std::sync::Arc::new(object_store::memory::InMemory::new());
    // `Arc<InMemory>` is no `MultipartStore`, but a clone of `InMemory` shares what it holds.
    let process = |secret: Option<&[u8]>| {
        let builder = TenantStore::builder()
            .server(ServerName::default(), ObjectServer::new((*memory).clone()));
        let builder = match secret {
            Some(secret) => builder.upload_secret(secret),
            None => builder,
        };
        builder.build().unwrap()
    };
    let tenants = Tenants::new(Isolation::Shared);
    let x = Path::from("x");
    let one = process(Some(b"sixteen bytes or more")).for_tenant(&tenants.a);
    let id = one.create_multipart(&x).await.unwrap();
    one.put_part(&x, &id, 0, "data".into()).await.unwrap();
    let stranger = process(None).for_tenant(&tenants.a);
    assert!(
        stranger
            .complete_multipart(&x, &id, Vec::new())
            .await
            .is_err()
    );
    let two = process(Some(b"sixteen bytes or more")).for_tenant(&tenants.a);
    two.complete_multipart(&x, &id, Vec::new()).await.unwrap();
    assert_eq!(world::read(&one, "x").await, "data");
    let short =
        TenantStore::builder().server(ServerName::default(), ObjectServer::new((*memory).clone()));
    assert!(short.upload_secret(b"short").build().is_err());
}

#[tokio::test]
async fn parts_count_towards_the_limits_before_they_are_sent() {
    let tenants = Tenants::new(Isolation::Shared);
    let store = TenantStore::builder()
        .server(
            ServerName::default(),
            ObjectServer::new(object_store::memory::InMemory::new()),
        )
        .limits(|_| Limits::none().bytes(10).object_bytes(8))
        .build()
        .unwrap()
        .for_tenant(&tenants.a);
    let x = Path::from("x");
    let id = store.create_multipart(&x).await.unwrap();
    store.put_part(&x, &id, 0, "12345".into()).await.unwrap();
    assert!(
        is_quota(&store.put_part(&x, &id, 1, "1234".into()).await.unwrap_err()),
        "one object"
    );
    assert!(
        is_quota(&write(&store, "y", "123456").await.unwrap_err()),
        "what is under way takes room"
    );
    // Sent again, a part counts once.
    store.put_part(&x, &id, 0, "12".into()).await.unwrap();
    store.put_part(&x, &id, 1, "1234".into()).await.unwrap();
    store.complete_multipart(&x, &id, Vec::new()).await.unwrap();
    assert_eq!(store.usage().await.unwrap().bytes, 6);
    let id = store.create_multipart(&x).await.unwrap();
    store.put_part(&x, &id, 0, "1234".into()).await.unwrap();
    assert!(write(&store, "y", "1").await.is_err());
    store.abort_multipart(&x, &id).await.unwrap();
    write(&store, "y", "1234").await.unwrap();
}

#[tokio::test]
async fn a_refused_part_leaves_no_object_that_nobody_meant() {
    let tenants = Tenants::new(Isolation::Shared);
    let store = TenantStore::builder()
        .server(
            ServerName::default(),
            ObjectServer::new(object_store::memory::InMemory::new()),
        )
        .limits(|_| Limits::none().bytes(10))
        .build()
        .unwrap()
        .for_tenant(&tenants.a);
    let x = Path::from("x");
    let mut upload = store.put_multipart(&x).await.unwrap();
    upload.put_part("12345".into()).await.unwrap();
    assert!(is_quota(
        &upload.put_part("123456".into()).await.unwrap_err()
    ));
    assert!(upload.complete().await.is_err());
    assert!(store.head(&x).await.is_err());
    // A part whose future nobody polls is given to some stores all the same, and is counted when it counts.
    let mut upload = store.put_multipart(&x).await.unwrap();
    drop(upload.put_part("12345678901".into()));
    assert!(is_quota(&upload.complete().await.unwrap_err()));
    drop(upload);
    assert!(store.head(&x).await.is_err());
    write(&store, "y", "1234567890").await.unwrap();
}
