//! Dropped at each await: no object that was not meant, no room that stays taken, no upload that stays behind.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tenancy_core::{Isolation, TenantContext, TenantStatus};
use tenancy_object_store::Limits;
use tokio::sync::Semaphore;

use crate::gate::Gate;
use crate::quota::{is_quota, limited};
use crate::world::{BACKENDS, World, all, write};

fn shut(door: &Semaphore) {
    door.forget_permits(usize::MAX);
}

fn reopen(door: &Semaphore) {
    door.add_permits(1 << 20);
}

/// Waits, on a busy machine too.
async fn until(mut seen: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if seen() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited for half a minute");
}

#[tokio::test]
async fn a_write_dropped_before_it_arrived_leaves_no_object_and_no_used_room() {
    let gate = Gate::open();
    let (tenants, store) = limited(&gate, Limits::none().bytes(10));
    let store = store.for_tenant(&tenants.a);
    write(&store, "first", "1").await.unwrap();
    shut(&gate.before);
    for _ in 0..5 {
        let x = Path::from("x");
        let mut put = Box::pin(store.put(&x, "123456789".into()));
        assert!(put.as_mut().now_or_never().is_none());
        drop(put);
    }
    reopen(&gate.before);
    assert_eq!(store.usage().await.unwrap().bytes, 1);
    write(&store, "y", "123456789").await.unwrap();
    let names: Vec<_> = all(&store)
        .await
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(names, ["first", "y"]);
}

#[tokio::test]
async fn a_write_dropped_after_it_arrived_is_counted() {
    let gate = Gate::open();
    let (tenants, store) = limited(&gate, Limits::none().bytes(10));
    let store = store.for_tenant(&tenants.a);
    write(&store, "first", "1").await.unwrap();
    shut(&gate.after);
    let create = PutOptions::from(PutMode::Create);
    let x = Path::from("x");
    let mut put = Box::pin(store.put_opts(&x, "123456".into(), create));
    assert!(put.as_mut().now_or_never().is_none());
    drop(put);
    reopen(&gate.after);
    assert!(is_quota(&write(&store, "y", "1234").await.unwrap_err()));
    assert_eq!(store.usage().await.unwrap().bytes, 7);
}

#[tokio::test]
async fn an_upload_dropped_midway_is_aborted_and_holds_no_room() {
    let gate = Gate::open();
    let (tenants, store) = limited(&gate, Limits::none().bytes(10).objects(1));
    let store = store.for_tenant(&tenants.a);
    for parts in 0..4 {
        let mut upload = store.put_multipart(&Path::from("x")).await.unwrap();
        for _ in 0..parts {
            upload
                .put_part(PutPayload::from_static(b"123"))
                .await
                .unwrap();
        }
        if parts == 3 {
            // A part whose future is dropped half way, too.
            shut(&gate.before);
            let mut part = upload.put_part(PutPayload::from_static(b"4"));
            assert!((&mut part).now_or_never().is_none());
            drop(part);
            reopen(&gate.before);
        }
        drop(upload);
        until(|| gate.aborted.load(Ordering::SeqCst) == parts + 1).await;
        assert_eq!(store.usage().await.unwrap(), Default::default());
    }
    write(&store, "y", "1234567890").await.unwrap();
}

#[tokio::test]
async fn an_upload_dropped_while_it_completes_counts_if_it_arrived() {
    for arrives in [false, true] {
        let gate = Gate::open();
        let (tenants, store) = limited(&gate, Limits::none().bytes(10));
        let store = store.for_tenant(&tenants.a);
        let mut upload = store.put_multipart(&Path::from("x")).await.unwrap();
        upload
            .put_part(PutPayload::from_static(b"123456"))
            .await
            .unwrap();
        let door = if arrives { &gate.after } else { &gate.before };
        shut(door);
        assert!(upload.complete().now_or_never().is_none());
        drop(upload);
        reopen(door);
        assert_eq!(
            store.usage().await.unwrap().bytes,
            if arrives { 6 } else { 0 }
        );
        assert_eq!(write(&store, "y", "12345").await.is_ok(), !arrives);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_dropped_midway_leaves_nothing_on_any_backend() {
    for backend in BACKENDS {
        let world = World::with(backend, Isolation::Shared, |builder| {
            builder.limits(|_| Limits::none().bytes(6 << 20))
        })
        .await;
        let a = world.a();
        let mut upload = a.put_multipart(&Path::from("x")).await.unwrap();
        upload
            .put_part(PutPayload::from(vec![1; 5 << 20]))
            .await
            .unwrap();
        drop(upload);
        // Staged files and parts are somewhere below the folder of the backend.
        let folder = world.folder.as_ref().map(|folder| folder.path().to_owned());
        let folder = folder.or_else(|| {
            world
                .server
                .as_ref()
                .map(|server| server.folder().to_owned())
        });
        if let Some(folder) = folder {
            until(|| large_files(&folder) == 0).await;
        }
        assert!(
            a.list(None).try_next().await.unwrap().is_none(),
            "{backend:?}"
        );
        assert_eq!(a.usage().await.unwrap().bytes, 0, "{backend:?}");
        a.put(&Path::from("y"), PutPayload::from(vec![1; 6 << 20]))
            .await
            .unwrap();
    }
}

fn large_files(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let entries = entries.filter_map(Result::ok);
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => large_files(&entry.path()),
            Ok(meta) => usize::from(meta.len() > 1 << 20),
            Err(_) => 0,
        })
        .sum()
}

#[tokio::test]
async fn every_await_can_be_the_last() {
    // Each operation is polled n times and dropped, for every n until it ends. Whatever happened, the numbers are right, and
    // the neighbour and the surroundings have noticed nothing.
    let operations = ["put", "copy", "rename", "delete", "upload", "usage"];
    for operation in operations {
        for polls in 0..12 {
            let gate = Gate::open();
            let (tenants, store) = limited(&gate, Limits::none().bytes(100).objects(10));
            let (a, b) = (store.for_tenant(&tenants.a), store.for_tenant(&tenants.b));
            write(&a, "x", "123").await.unwrap();
            write(&b, "x", "456").await.unwrap();
            // Doors that open once each poll, so that each await is a place to stop at.
            shut(&gate.before);
            shut(&gate.after);
            let (x, y) = (Path::from("x"), Path::from("y"));
            let mut work = Box::pin(tenants.a.scope(async {
                match operation {
                    "put" => store.put(&y, "12345".into()).await.map(drop),
                    "copy" => store.copy(&x, &y).await,
                    "rename" => store.rename(&x, &y).await,
                    "delete" => store.delete(&x).await,
                    "upload" => {
                        let mut upload = store.put_multipart(&y).await?;
                        upload.put_part("12345".into()).await?;
                        upload.complete().await.map(drop)
                    }
                    _ => {
                        drop(store.usage().await);
                        Ok(())
                    }
                }
            }));
            for n in 0..polls {
                if work.as_mut().now_or_never().is_some() {
                    break;
                }
                assert!(TenantContext::current().is_err());
                if n % 2 == 0 {
                    gate.before.add_permits(1);
                } else {
                    gate.after.add_permits(1);
                }
            }
            drop(work);
            reopen(&gate.before);
            reopen(&gate.after);
            tokio::task::yield_now().await;
            let found: Vec<_> = a.list(None).try_collect().await.unwrap();
            let usage = a.usage().await.unwrap();
            assert_eq!(
                usage.bytes,
                found.iter().map(|meta| meta.size).sum::<u64>(),
                "{operation} {polls}"
            );
            assert_eq!(usage.objects, found.len() as u64, "{operation} {polls}");
            assert_eq!(all(&b).await, [("x".to_owned(), "456".to_owned())]);
            let rest = usize::try_from(100 - usage.bytes).unwrap();
            write(&a, "rest", &"r".repeat(rest)).await.unwrap();
            assert!(is_quota(&write(&a, "more", "1").await.unwrap_err()));
        }
    }
}

#[tokio::test]
async fn an_upload_stops_when_its_tenant_is_suspended() {
    let gate = Gate::open();
    let (tenants, store) = limited(&gate, Limits::none().bytes(10));
    let store = store.for_tenant(&tenants.a);
    let mut upload = store.put_multipart(&Path::from("x")).await.unwrap();
    upload.put_part("123".into()).await.unwrap();
    let late = upload.put_part("4".into());
    tenants.set(&tenants.a, TenantStatus::Suspended);
    assert!(late.await.is_err());
    assert!(upload.put_part("5".into()).await.is_err());
    assert!(upload.complete().await.is_err());
    upload.abort().await.unwrap();
    tenants.set(&tenants.a, TenantStatus::Active);
    assert!(store.list(None).try_next().await.unwrap().is_none());
    assert!(upload.complete().await.is_err(), "it has ended");
    assert_eq!(store.usage().await.unwrap().bytes, 0);
}

#[tokio::test]
async fn an_upload_is_refused_inside_anothers_scope() {
    let gate = Gate::open();
    let (tenants, store) = limited(&gate, Limits::none());
    let store = store.for_tenant(&tenants.a);
    let mut upload = store.put_multipart(&Path::from("x")).await.unwrap();
    let part = tenants
        .b
        .sync_scope(|| upload.put_part("1".into()))
        .unwrap();
    assert!(part.await.is_err());
    let part = upload.put_part("1".into());
    assert!(tenants.b.scope(part).await.unwrap().is_err());
    assert!(tenants.b.scope(upload.complete()).await.unwrap().is_err());
    assert!(tenants.b.scope(upload.abort()).await.unwrap().is_err());
    assert!(upload.complete().await.is_err(), "a part was refused");
    assert!(store.list(None).try_next().await.unwrap().is_none());
}
