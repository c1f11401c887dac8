//! Every method refuses without a tenant, with the wrong one and with one that is not open for it, before the store behind is
//! asked. One table over all methods.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::memory::InMemory;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer};
use object_store::{
    CopyOptions, GetOptions, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions,
    PutPayload, RenameOptions,
};
use tenancy_core::{ErrorKind, Isolation, Placement, TenantStatus};
use tenancy_object_store::{BoundStore, Error, TenantStore, Upload, Whose};

use crate::gate::Gate;
use crate::s3;
use crate::world::{Tenants, over};

/// What a method does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Read,
    Write,
}

const OBJECTS: [(&str, Does); 12] = [
    ("put_opts", Does::Write),
    ("put_multipart_opts", Does::Write),
    ("get_opts", Does::Read),
    ("get_ranges", Does::Read),
    ("delete_stream", Does::Write),
    ("list", Does::Read),
    ("list_with_offset", Does::Read),
    ("list_with_delimiter", Does::Read),
    ("copy_opts", Does::Write),
    ("rename_opts", Does::Write),
    ("usage", Does::Read),
    ("recount", Does::Read),
];

const PARTS: [(&str, Does); 5] = [
    ("create_multipart", Does::Write),
    ("create_multipart_opts", Does::Write),
    ("put_part", Does::Write),
    ("complete_multipart", Does::Write),
    ("abort_multipart", Does::Write),
];

const REMOTE: [(&str, Does); 6] = [
    ("list_paginated", Does::Read),
    ("signed_url", Does::Read),
    ("signed_url_opts", Does::Read),
    ("signed_urls", Does::Read),
    ("signed_upload", Does::Write),
    ("confirm_upload", Does::Read),
];

fn x() -> Path {
    Path::from("x")
}

async fn object<S: ObjectStore, W: Whose>(
    method: &str,
    store: &TenantStore<S, W>,
) -> Result<(), Error> {
    let from = |result: object_store::Result<()>| result.map_err(Error::from);
    let head = GetOptions::new();
    from(match method {
        "put_opts" => store
            .put_opts(&x(), PutPayload::new(), PutOptions::default())
            .await
            .map(drop),
        "put_multipart_opts" => store
            .put_multipart_opts(&x(), PutMultipartOptions::default())
            .await
            .map(drop),
        "get_opts" => store.get_opts(&x(), head).await.map(drop),
        "get_ranges" => store
            .get_ranges(&x(), std::slice::from_ref(&(0..1)))
            .await
            .map(drop),
        "delete_stream" => {
            store
                .delete_stream(stream::once(async { Ok(x()) }).boxed())
                .try_for_each(|_| async { Ok(()) })
                .await
        }
        "list" => store.list(None).try_for_each(|_| async { Ok(()) }).await,
        "list_with_offset" => {
            store
                .list_with_offset(None, &x())
                .try_for_each(|_| async { Ok(()) })
                .await
        }
        "list_with_delimiter" => store.list_with_delimiter(None).await.map(drop),
        "copy_opts" => {
            store
                .copy_opts(&x(), &Path::from("y"), CopyOptions::new())
                .await
        }
        "rename_opts" => {
            store
                .rename_opts(&x(), &Path::from("y"), RenameOptions::new())
                .await
        }
        "usage" => return store.usage().await.map(drop),
        "recount" => return store.recount().await.map(drop),
        other => panic!("{other} is not in the table"),
    })
}

async fn part<W: Whose>(
    method: &str,
    store: &TenantStore<InMemory, W>,
    id: &String,
) -> Result<(), Error> {
    let from = |result: object_store::Result<()>| result.map_err(Error::from);
    from(match method {
        "create_multipart" => store.create_multipart(&x()).await.map(drop),
        "create_multipart_opts" => store
            .create_multipart_opts(&x(), PutMultipartOptions::default())
            .await
            .map(drop),
        "put_part" => store
            .put_part(&x(), id, 0, PutPayload::new())
            .await
            .map(drop),
        "complete_multipart" => store
            .complete_multipart(&x(), id, Vec::new())
            .await
            .map(drop),
        "abort_multipart" => store.abort_multipart(&x(), id).await,
        other => panic!("{other} is not in the table"),
    })
}

async fn remote<W: Whose>(
    method: &str,
    store: &TenantStore<object_store::aws::AmazonS3, W>,
) -> Result<(), Error> {
    let minute = Duration::from_secs(60);
    let from = |result: object_store::Result<()>| result.map_err(Error::from);
    from(match method {
        "list_paginated" => store
            .list_paginated(None, PaginatedListOptions::default())
            .await
            .map(drop),
        "signed_url" => store.signed_url(Method::GET, &x(), minute).await.map(drop),
        "signed_url_opts" => store
            .signed_url_opts(Method::GET, &x(), minute, &SignedUrlOptions::new())
            .await
            .map(drop),
        "signed_urls" => store
            .signed_urls(Method::GET, &[x()], minute)
            .await
            .map(drop),
        "signed_upload" => {
            return store
                .signed_upload(&x(), &Upload::new(1), minute)
                .await
                .map(drop);
        }
        "confirm_upload" => return store.confirm_upload(&x()).await.map(drop),
        other => panic!("{other} is not in the table"),
    })
}

/// States of a tenant, and what each method must answer then.
const STATES: [(TenantStatus, Option<ErrorKind>, Option<ErrorKind>); 5] = [
    (TenantStatus::Active, None, None),
    (TenantStatus::ReadOnly, None, Some(ErrorKind::ReadOnly)),
    (
        TenantStatus::Suspended,
        Some(ErrorKind::Suspended),
        Some(ErrorKind::Suspended),
    ),
    (
        TenantStatus::Provisioning,
        Some(ErrorKind::Suspended),
        Some(ErrorKind::Suspended),
    ),
    (
        TenantStatus::Offboarding,
        Some(ErrorKind::Suspended),
        Some(ErrorKind::Suspended),
    ),
];

fn refusal(result: &Result<(), Error>) -> Option<ErrorKind> {
    result
        .as_ref()
        .err()
        .and_then(Error::as_tenancy)
        .map(tenancy_core::Error::kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_refuses_before_the_store_is_asked() {
    let gate = Gate::open();
    let store = over(gate.clone());
    let tenants = Tenants::new(Isolation::Shared);
    let bound = store.for_tenant(&tenants.a);
    for (method, does) in OBJECTS {
        let check = |result, expect: Option<ErrorKind>, calls: usize, when: &str| {
            assert_eq!(refusal(&result), expect, "{method}, {when}: {result:?}");
            let asked = gate.calls() != calls;
            assert_eq!(asked, expect.is_none(), "{method}, {when}");
        };
        let calls = gate.calls();
        check(
            object(method, &store).await,
            Some(ErrorKind::NoTenant),
            calls,
            "no tenant",
        );
        let wrong = tenants.b.scope(object(method, &bound)).await.unwrap();
        check(wrong, Some(ErrorKind::WrongTenant), calls, "wrong tenant");
        for (status, read, write) in STATES {
            tenants.set(&tenants.a, status);
            let expect = if does == Does::Read { read } else { write };
            let calls = gate.calls();
            check(object(method, &bound).await, expect, calls, status.as_str());
            let calls = gate.calls();
            check(
                tenants.a.scope(object(method, &store)).await.unwrap(),
                expect,
                calls,
                status.as_str(),
            );
        }
        tenants.set(&tenants.a, TenantStatus::Active);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_part_by_part_refuse_the_same() {
    let store = over(InMemory::new());
    let tenants = Tenants::new(Isolation::Shared);
    let bound = store.for_tenant(&tenants.a);
    for (method, does) in PARTS {
        assert_eq!(does, Does::Write);
        let id = bound.create_multipart(&x()).await.unwrap();
        assert_eq!(
            refusal(&part(method, &store, &id).await),
            Some(ErrorKind::NoTenant),
            "{method}"
        );
        let wrong = tenants.b.scope(part(method, &bound, &id)).await.unwrap();
        assert_eq!(refusal(&wrong), Some(ErrorKind::WrongTenant), "{method}");
        for (status, _, write) in STATES.into_iter().rev() {
            tenants.set(&tenants.a, status);
            assert_eq!(
                refusal(&part(method, &bound, &id).await),
                write,
                "{method} {status}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_addresses_refuse_the_same() {
    let server = s3::Server::start().await;
    let store = over(server.bucket("shared"));
    let tenants = Tenants::new(Isolation::Shared);
    let bound = store.for_tenant(&tenants.a);
    for (method, does) in REMOTE {
        assert_eq!(
            refusal(&remote(method, &store).await),
            Some(ErrorKind::NoTenant),
            "{method}"
        );
        let wrong = tenants.b.scope(remote(method, &bound)).await.unwrap();
        assert_eq!(refusal(&wrong), Some(ErrorKind::WrongTenant), "{method}");
        for (status, read, write) in STATES {
            tenants.set(&tenants.a, status);
            let expect = if does == Does::Read { read } else { write };
            assert_eq!(
                refusal(&remote(method, &bound).await),
                expect,
                "{method} {status}"
            );
        }
        tenants.set(&tenants.a, TenantStatus::Active);
    }
}

#[tokio::test]
async fn work_that_began_before_a_move_does_not_write_to_the_old_place() {
    let store = over(InMemory::new());
    let tenants = Tenants::new(Isolation::Shared);
    let bound = store.for_tenant(&tenants.a);
    let id = tenants.a.tenant_id();
    let moved = tenancy_core::Tenant::builder(id, *tenants.a.tenant().slug())
        .placement(Placement::schema(&id))
        .epoch(9);
    tenants.registry.replace(moved.build().unwrap()).unwrap();
    for (method, _) in OBJECTS {
        assert_eq!(
            refusal(&object(method, &bound).await),
            Some(ErrorKind::Moved),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_server_or_bucket_that_is_not_there_is_an_error_and_no_other_is_taken() {
    let tenants = Tenants::new(Isolation::Database);
    let store = TenantStore::builder()
        .server(
            tenancy_core::ServerName::default(),
            tenancy_object_store::ObjectServer::new(InMemory::new()),
        )
        .build()
        .unwrap();
    for (method, _) in OBJECTS {
        let result = object(method, &store.for_tenant(&tenants.a)).await;
        assert!(matches!(result, Err(Error::NoBuckets)), "{method}");
    }
    let store = TenantStore::builder()
        .server(
            tenancy_core::ServerName::parse("eu").unwrap(),
            tenancy_object_store::ObjectServer::new(InMemory::new()),
        )
        .build()
        .unwrap();
    for (method, _) in OBJECTS {
        let result = object(method, &store.for_tenant(&tenants.a)).await;
        assert!(matches!(result, Err(Error::UnknownServer(_))), "{method}");
    }
}

/// The tenant's store with three objects.
async fn three() -> (Tenants, BoundStore<InMemory>) {
    let tenants = Tenants::new(Isolation::Shared);
    let store = over(InMemory::new()).for_tenant(&tenants.a);
    for path in ["1", "2", "3"] {
        store.put(&Path::from(path), "data".into()).await.unwrap();
    }
    (tenants, store)
}

#[tokio::test]
async fn streams_stop_when_the_tenant_is_suspended_midway() {
    let (tenants, store) = three().await;
    let mut list = store.list(None);
    let mut pages = store.list_with_offset(None, &Path::from("0"));
    let mut body = store.get(&Path::from("1")).await.unwrap().into_stream();
    let mut export = store.export();
    let ask = futures_util::stream::iter(["1", "2", "3"].map(|path| Ok(Path::from(path))));
    let mut gone = store.delete_stream(ask.boxed());
    assert!(list.next().await.unwrap().is_ok());
    assert!(pages.next().await.unwrap().is_ok());
    assert!(export.next().await.unwrap().is_ok());
    assert!(gone.next().await.unwrap().is_ok());
    tenants.set(&tenants.a, TenantStatus::Suspended);

    let refused = |error: object_store::Error| {
        Error::from(error)
            .as_tenancy()
            .is_some_and(tenancy_core::Error::is_suspended)
    };
    assert!(refused(list.next().await.unwrap().unwrap_err()));
    assert!(list.next().await.is_none(), "it ends after it has refused");
    assert!(refused(pages.next().await.unwrap().unwrap_err()));
    assert!(refused(body.next().await.unwrap().unwrap_err()));
    assert!(refused(gone.next().await.unwrap().unwrap_err()));
    assert!(gone.next().await.is_none());
    assert!(
        export
            .next()
            .await
            .unwrap()
            .unwrap_err()
            .as_tenancy()
            .unwrap()
            .is_suspended()
    );

    tenants.set(&tenants.a, TenantStatus::Active);
    let left: Vec<_> = store.list(None).try_collect().await.unwrap();
    assert_eq!(left.len(), 2, "what came after was left alone");
}

#[tokio::test]
async fn streams_are_of_the_tenant_they_were_made_for() {
    let (tenants, store) = three().await;
    // Made inside the scope, polled outside.
    let made = tenants.a.sync_scope(|| store.list(None)).unwrap();
    assert_eq!(made.count().await, 3);
    // Polled inside another's scope it refuses, once, and ends.
    let mut made = store.list(None);
    let refused = tenants
        .b
        .scope(made.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert!(Error::from(refused).as_tenancy().unwrap().is_wrong_tenant());
    assert!(made.next().await.is_none());
    let mut body = store.get(&Path::from("1")).await.unwrap().into_stream();
    assert!(
        tenants
            .b
            .scope(body.next())
            .await
            .unwrap()
            .unwrap()
            .is_err()
    );
    let ask = futures_util::stream::iter([Ok(Path::from("1"))]);
    let mut gone = store.delete_stream(ask.boxed());
    assert!(
        tenants
            .b
            .scope(gone.next())
            .await
            .unwrap()
            .unwrap()
            .is_err()
    );
    assert_eq!(store.list(None).count().await, 3);
}

#[tokio::test]
async fn a_bare_task_has_lost_the_tenant_and_is_refused() {
    let tenants = Tenants::new(Isolation::Shared);
    let store = over(InMemory::new());
    let lost = store.clone();
    let inside = async {
        tokio::spawn(async move { lost.put(&x(), "data".into()).await })
            .await
            .unwrap()
    };
    let error = tenants.a.scope(inside).await.unwrap().unwrap_err();
    assert!(Error::from(error).as_tenancy().unwrap().is_no_tenant());
    let kept = store.clone();
    let inside = async {
        tenancy_core::spawn(async move { kept.put(&x(), "data".into()).await })
            .unwrap()
            .await
            .unwrap()
    };
    tenants.a.scope(inside).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_operator_writes_for_a_tenant_that_is_read_only_for_others() {
    let (tenants, store) = three().await;
    tenants.set(&tenants.a, TenantStatus::ReadOnly);
    assert!(store.put(&x(), "data".into()).await.is_err());
    let keeper = over(InMemory::new()).for_tenant(&tenants.keeper(&tenants.a));
    keeper.put(&x(), "data".into()).await.unwrap();
}
