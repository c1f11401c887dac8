//! Limits: refused before the first byte, never passed by racing, and given back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tenancy_core::{Isolation, ServerName};
use tenancy_object_store::{BoundStore, Error, Limits, ObjectServer, TenantStore};

use crate::gate::{Gate, Lying};
use crate::world::{BACKENDS, Backend, Tenants, World, all, write};

pub(crate) fn limited(gate: &Gate, limits: Limits) -> (Tenants, TenantStore<Gate>) {
    let store = TenantStore::builder()
        .server(ServerName::default(), ObjectServer::new(gate.clone()))
        .limits(move |_| limits)
        .build()
        .unwrap();
    (Tenants::new(Isolation::Shared), store)
}

pub(crate) fn is_quota(error: &object_store::Error) -> bool {
    Error::from_object_store(error).is_some_and(Error::is_quota)
}

async fn used<S: ObjectStore>(store: &BoundStore<S>) -> (u64, u64) {
    let usage = store.usage().await.unwrap();
    (usage.bytes, usage.objects)
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_on_every_backend_and_each_tenant_has_its_own() {
    for backend in BACKENDS {
        let limits = Limits::none().bytes(10).objects(3).object_bytes(8);
        let world = World::with(backend, Isolation::Shared, |builder| {
            builder.limits(move |_| limits)
        })
        .await;
        let (a, b) = (world.a(), world.b());
        assert!(
            is_quota(&write(&a, "large", "123456789").await.unwrap_err()),
            "{backend:?}"
        );
        write(&a, "1", "12345678").await.unwrap();
        assert!(
            is_quota(&write(&a, "2", "123").await.unwrap_err()),
            "{backend:?}"
        );
        // The neighbour's room is its own.
        write(&b, "1", "12345678").await.unwrap();
        // What is replaced or removed is room again.
        write(&a, "1", "1234").await.unwrap();
        write(&a, "2", "123").await.unwrap();
        assert_eq!(used(&a).await, (7, 2), "{backend:?}");
        a.delete(&Path::from("1")).await.unwrap();
        write(&a, "1", "1234567").await.unwrap();
        assert_eq!(used(&a).await, (10, 2), "{backend:?}");
        // Nothing but objects: an empty one is one too.
        write(&a, "3", "").await.unwrap();
        assert!(
            is_quota(&write(&a, "4", "").await.unwrap_err()),
            "{backend:?}"
        );
        let copied = a.copy(&Path::from("3"), &Path::from("4")).await;
        assert!(is_quota(&copied.unwrap_err()), "{backend:?}");
        a.rename(&Path::from("3"), &Path::from("4")).await.unwrap();
        assert_eq!(used(&a).await, (10, 3), "{backend:?}");
        assert_eq!(used(&b).await, (8, 1), "{backend:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_of_writers_does_not_pass_a_limit() {
    for round in 0..20 {
        let gate = Gate::open();
        let (tenants, store) = limited(&gate, Limits::none().bytes(100));
        let store = store.for_tenant(&tenants.a);
        let writes = (0..200).map(|n| {
            let store = store.clone();
            tokio::spawn(async move { write(&store, &format!("{n}"), "1234567").await })
        });
        let written = join_all(writes)
            .await
            .into_iter()
            .filter(|result| result.as_ref().unwrap().is_ok())
            .count();
        assert_eq!(written, 14, "round {round}");
        let bytes: usize = all(&store).await.iter().map(|(_, data)| data.len()).sum();
        assert_eq!(bytes, 98);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_that_replaces_removes_and_uploads_does_not_pass_a_limit_either() {
    let gate = Gate::open();
    let (tenants, store) = limited(&gate, Limits::none().bytes(100).objects(12));
    let store = store.for_tenant(&tenants.a);
    let work = (0..300_usize).map(|n| {
        let (store, gate) = (store.clone(), gate.clone());
        tokio::spawn(async move {
            let path = Path::from(format!("{}", n % 17));
            let _ = match n % 5 {
                0 | 1 => write(&store, path.as_ref(), &"x".repeat(n % 13)).await,
                2 => store.delete(&path).await,
                3 => store.copy(&path, &Path::from(format!("{}", n % 19))).await,
                _ => match store.put_multipart(&path).await {
                    Ok(mut upload) => {
                        match upload.put_part(PutPayload::from(vec![b'x'; n % 29])).await {
                            Ok(()) => upload.complete().await.map(drop),
                            Err(error) => Err(error),
                        }
                    }
                    Err(error) => Err(error),
                },
            };
            // Whenever one looks, it is within the limits.
            let found: Vec<_> = gate.inner.list(None).try_collect().await.unwrap();
            assert!(found.iter().map(|meta| meta.size).sum::<u64>() <= 100);
            assert!(found.len() <= 12);
        })
    });
    for done in join_all(work).await {
        done.unwrap();
    }
    let usage = store.usage().await.unwrap();
    let found: Vec<_> = store.list(None).try_collect().await.unwrap();
    assert_eq!(usage.bytes, found.iter().map(|meta| meta.size).sum::<u64>());
    assert_eq!(usage.objects, found.len() as u64);
}

#[tokio::test]
async fn nothing_is_sent_for_a_write_that_is_refused() {
    let gate = Gate::open();
    let (tenants, store) = limited(&gate, Limits::none().bytes(3));
    let store = store.for_tenant(&tenants.a);
    let lists = || gate.lists.load(Ordering::SeqCst);
    assert!(is_quota(&write(&store, "x", "1234").await.unwrap_err()));
    assert_eq!(
        (gate.calls(), lists()),
        (2, 1),
        "counted once, looked for what it replaces, nothing written"
    );
    let create = PutOptions::from(PutMode::Create);
    for _ in 0..5 {
        let error = store
            .put_opts(&Path::from("x"), "1234".into(), create.clone())
            .await
            .unwrap_err();
        assert!(is_quota(&error));
    }
    assert_eq!(
        (gate.calls(), lists()),
        (2, 1),
        "nothing has changed, so nobody counts"
    );
    store
        .put_opts(&Path::from("x"), "123".into(), create)
        .await
        .unwrap();
    assert!(is_quota(&write(&store, "y", "1").await.unwrap_err()));
    assert_eq!(lists(), 1, "what was created is known exactly");
}

#[tokio::test]
async fn without_limits_nobody_counts() {
    let gate = Gate::open();
    let store = crate::world::over(gate.clone()).for_tenant(&Tenants::new(Isolation::Shared).a);
    write(&store, "x", "1234").await.unwrap();
    store
        .copy(&Path::from("x"), &Path::from("y"))
        .await
        .unwrap();
    assert_eq!(
        (gate.calls(), gate.lists.load(Ordering::SeqCst)),
        (2, 0),
        "no request more than the bare store"
    );
    assert_eq!(used(&store).await, (8, 2));
}

#[tokio::test(start_paused = true)]
async fn what_others_wrote_is_found_at_the_next_count() {
    let gate = Gate::open();
    let store = TenantStore::builder()
        .server(ServerName::default(), ObjectServer::new(gate.clone()))
        .limits(|_| Limits::none().bytes(10))
        .recount_every(Duration::from_secs(60))
        .build()
        .unwrap();
    let tenants = Tenants::new(Isolation::Shared);
    let here = store.for_tenant(&tenants.a);
    write(&here, "1", "1234").await.unwrap();
    // Another process.
    write(&gate, "tenants/tenant_t_a/2", "1234567")
        .await
        .unwrap();
    write(&here, "3", "1").await.unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(is_quota(&write(&here, "4", "1").await.unwrap_err()));
    assert_eq!(used(&here).await, (12, 3));
}

#[tokio::test]
async fn a_write_that_failed_gives_its_room_back() {
    let gate = Gate::open();
    let (tenants, store) = limited(&gate, Limits::none().bytes(10));
    let store = store.for_tenant(&tenants.a);
    write(&store, "x", "1234").await.unwrap();
    let create = PutOptions::from(PutMode::Create);
    for _ in 0..10 {
        let error = store
            .put_opts(&Path::from("x"), "123456".into(), create.clone())
            .await
            .unwrap_err();
        assert!(matches!(error, object_store::Error::AlreadyExists { .. }));
        assert!(
            store
                .copy(&Path::from("missing"), &Path::from("y"))
                .await
                .is_err()
        );
    }
    store
        .put_opts(&Path::from("y"), "123456".into(), create)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_says_so_and_nothing_is_lost() {
    let store = crate::world::over(Lying).for_tenant(&Tenants::new(Isolation::Shared).a);
    let error = write(&store, "x", "data").await.unwrap_err();
    let fault = Error::from_object_store(&error);
    assert!(
        matches!(fault, Some(Error::Fault(tenancy_object_store::Fault::Full))),
        "{error}"
    );
}

#[tokio::test]
async fn deleting_what_is_not_there_gives_no_room() {
    let world = World::with(Backend::Memory, Isolation::Shared, |builder| {
        builder.limits(|_| Limits::none().bytes(4))
    })
    .await;
    let a = world.a();
    write(&a, "x", "1234").await.unwrap();
    let ask = ["n1", "n2", "n3"].map(|path| Ok(Path::from(path)));
    let _: Vec<_> = a.delete_stream(stream::iter(ask).boxed()).collect().await;
    assert!(is_quota(&write(&a, "y", "1").await.unwrap_err()));
}

#[tokio::test]
async fn an_object_does_not_grow_between_the_question_for_its_size_and_its_copy() {
    use futures_util::FutureExt;

    let gate = Gate::open();
    let (tenants, store) = limited(&gate, Limits::none().bytes(12));
    let store = store.for_tenant(&tenants.a);
    let (x, y) = (Path::from("x"), Path::from("y"));
    write(&store, "x", "1").await.unwrap();
    gate.copying.forget_permits(usize::MAX);
    let mut copy = Box::pin(store.copy(&x, &y));
    assert!(copy.as_mut().now_or_never().is_none());
    let mut grow = Box::pin(write(&store, "x", "1234567890"));
    assert!(
        grow.as_mut().now_or_never().is_none(),
        "it waits for the copy"
    );
    gate.copying.add_permits(1);
    copy.await.unwrap();
    grow.await.unwrap();
    assert_eq!(store.usage().await.unwrap().bytes, 11);
}
