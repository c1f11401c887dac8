//! What is kept where is nobody's business: no error, name or debugging output shows more than the tenant's own paths.

use std::error::Error as _;

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    UpdateVersion,
};
use tenancy_core::Isolation;

use crate::gate::{Gate, Lying};
use crate::world::{BACKENDS, ISOLATIONS, Tenants, World, over, write};

/// What must not be seen: the tenants' folder, buckets, folders and addresses.
const SECRETS: [&str; 8] = [
    "tenants",
    "tenant_t_",
    "app-t-",
    "shared",
    "/tmp",
    "127.0.0.1",
    "secret-folder",
    "http:",
];

fn clean(error: &object_store::Error, path: Option<&str>) {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    if let Some(path) = path {
        assert!(text.contains(path), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_show_the_tenants_own_path_and_no_more() {
    for backend in BACKENDS {
        for isolation in ISOLATIONS {
            let world = World::new(backend, isolation).await;
            let a = world.a();
            let (x, n) = (Path::from("leads/x"), Path::from("leads/n"));
            write(&a, "leads/x", "data").await.unwrap();
            clean(&a.get(&n).await.unwrap_err(), Some("leads/n"));
            clean(&a.head(&n).await.unwrap_err(), Some("leads/n"));
            clean(&a.get_ranges(&n, &[0..1, 5..9]).await.unwrap_err(), None);
            clean(&a.get_range(&x, 100..200).await.unwrap_err(), None);
            clean(&a.copy(&n, &x).await.unwrap_err(), Some("leads/n"));
            let create = CopyOptions::new().with_mode(CopyMode::Create);
            clean(
                &a.copy_opts(&x, &x, create).await.unwrap_err(),
                Some("leads/x"),
            );
            clean(&a.rename(&n, &x).await.unwrap_err(), None);
            let create = PutOptions::from(PutMode::Create);
            clean(
                &a.put_opts(&x, "data".into(), create).await.unwrap_err(),
                Some("leads/x"),
            );
            let stale = UpdateVersion {
                e_tag: Some("\"0123\"".into()),
                version: None,
            };
            let update = PutOptions::from(PutMode::Update(stale));
            clean(
                &a.put_opts(&x, "data".into(), update).await.unwrap_err(),
                None,
            );
            let other = GetOptions::new().with_if_match(Some("\"0123\""));
            // The S3 server of the tests does not look at this one.
            if let Err(error) = a.get_opts(&x, other).await {
                clean(&error, Some("leads/x"));
            }
            // An object where a folder is.
            if let Err(error) = a.put(&Path::from("leads"), "data".into()).await {
                clean(&error, None);
            }
            if let Err(error) = a.delete(&n).await {
                clean(&error, Some("leads/n"));
            }
            let name = "long".repeat(200);
            if let Err(error) = write(&a, &name, "data").await {
                clean(&error, None);
            }
            for text in [
                format!("{a}"),
                format!("{a:?}"),
                format!("{:?} {}", world.store, world.store),
            ] {
                assert!(
                    !SECRETS.iter().any(|secret| text.contains(secret)),
                    "{text}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_and_its_errors_show_the_tenants_own_path() {
    for backend in BACKENDS {
        let world = World::new(backend, Isolation::Shared).await;
        let a = world.a();
        write(&a, "x", "data").await.unwrap();
        let got = a.get(&Path::from("x")).await.unwrap();
        assert_eq!(got.meta.location.as_ref(), "x");
        if let object_store::GetResultPayload::File(_, path) = &got.payload {
            assert_eq!(path, std::path::Path::new("x"));
        }
        // Shortened while it is read.
        if let Some(folder) = &world.folder {
            std::fs::write(folder.path().join("tenants/tenant_t_a/x"), "").unwrap();
            clean(&got.bytes().await.unwrap_err(), None);
        }
    }
}

#[tokio::test]
async fn errors_of_streams_and_full_disks_are_clean_too() {
    let tenants = Tenants::new(Isolation::Shared);
    let lying = over(Lying).for_tenant(&tenants.a);
    clean(&write(&lying, "x", "data").await.unwrap_err(), None);
    clean(
        &lying.put_multipart(&Path::from("x")).await.unwrap_err(),
        None,
    );
    clean(
        &lying
            .copy(&Path::from("x"), &Path::from("y"))
            .await
            .unwrap_err(),
        None,
    );
    clean(&lying.list(None).try_next().await.unwrap_err(), None);
    clean(&lying.delete(&Path::from("x")).await.unwrap_err(), None);
    clean(&lying.list_with_delimiter(None).await.unwrap_err(), None);
    let gate = over(Gate::open());
    assert!(!format!("{gate} {gate:?}").contains("Gate"));
}
