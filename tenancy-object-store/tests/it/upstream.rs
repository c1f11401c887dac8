//! `object_store`'s own conformance suite, over the bare store and over ours: a tenant's store is a store like any other.

use futures_util::{StreamExt, TryStreamExt};
use object_store::{ObjectStore, integration};
use tenancy_core::Isolation;

use crate::world::{BACKENDS, Backend, Dyn, ISOLATIONS, World};

async fn empty(store: &Dyn) {
    let paths = store.list(None).map_ok(|meta| meta.location).boxed();
    let _: Vec<_> = store.delete_stream(paths).try_collect().await.unwrap();
}

/// What the backend itself passes.
async fn suite(store: &Dyn, backend: Backend) {
    if backend != Backend::S3 {
        // Asks for objects where there are folders, at which the server fails.
        integration::put_get_delete_list(store).await;
    }
    integration::list_uses_directories_correctly(store).await;
    integration::list_with_delimiter(store).await;
    integration::list_with_offset_exclusivity(store).await;
    empty(store).await;
    integration::stream_get(store).await;
    integration::rename_and_copy(store).await;
    integration::copy_rename_nonexistent_object(store).await;
    integration::copy_if_not_exists(store).await;
    if backend != Backend::S3 {
        // The server knows no conditions on dates.
        integration::get_opts(store).await;
    }
    if backend != Backend::S3 {
        // Writers race for one name, which the server does not settle in one step. Files have no updates.
        integration::put_opts(store, backend == Backend::Memory).await;
    }
    integration::multipart_race_condition(store, true).await;
    integration::multipart_out_of_order(store).await;
    if backend != Backend::Local {
        integration::put_get_attributes(store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_stores_pass() {
    for backend in BACKENDS {
        let world = World::new(backend, Isolation::Shared).await;
        suite(&world.shared, backend).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_store_passes_as_the_bare_one_does() {
    for backend in BACKENDS {
        for isolation in ISOLATIONS {
            let world = World::new(backend, isolation).await;
            crate::world::write(&world.b(), "neighbour", "untouched")
                .await
                .unwrap();
            let a: Dyn = std::sync::Arc::new(world.a());
            suite(&a, backend).await;
            let b: Vec<_> = world.b().list(None).try_collect().await.unwrap();
            assert_eq!(b.len(), 1, "{backend:?} {isolation}");
        }
    }
}
