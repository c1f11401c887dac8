//! Random sequences of operations of two tenants on the same few paths, against a model of two maps that never meet.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    RenameOptions, RenameTargetMode,
};
use proptest::prelude::*;
use tenancy_core::Isolation;
use tenancy_object_store::{BoundStore, Limits};

use crate::quota::is_quota;
use crate::world::{Backend, Dyn, World, all};

const PATHS: [&str; 6] = ["x", "y", "f/x", "f/y", "b/x", "f-1/x"];
const LIMIT: u64 = 60;

#[derive(Debug, Clone)]
enum Op {
    Put(usize, usize),
    Create(usize, usize),
    Upload(usize, Vec<usize>),
    Abandon(usize, usize),
    Delete(usize),
    DeleteMany(Vec<usize>),
    Copy(usize, usize),
    CopyCreate(usize, usize),
    Rename(usize, usize),
    RenameCreate(usize, usize),
    Get(usize),
    ListFolder,
    Usage,
}

fn op() -> impl Strategy<Value = Op> {
    let path = || 0..PATHS.len();
    prop_oneof![
        (path(), 0..30_usize).prop_map(|(p, n)| Op::Put(p, n)),
        (path(), 0..30_usize).prop_map(|(p, n)| Op::Put(p, n)),
        (path(), 0..30_usize).prop_map(|(p, n)| Op::Create(p, n)),
        (path(), proptest::collection::vec(0..15_usize, 0..4)).prop_map(|(p, n)| Op::Upload(p, n)),
        (path(), 0..30_usize).prop_map(|(p, n)| Op::Abandon(p, n)),
        path().prop_map(Op::Delete),
        proptest::collection::vec(path(), 0..5).prop_map(Op::DeleteMany),
        (path(), path()).prop_map(|(p, q)| Op::Copy(p, q)),
        (path(), path()).prop_map(|(p, q)| Op::CopyCreate(p, q)),
        (path(), path()).prop_map(|(p, q)| Op::Rename(p, q)),
        (path(), path()).prop_map(|(p, q)| Op::RenameCreate(p, q)),
        path().prop_map(Op::Get),
        Just(Op::ListFolder),
        Just(Op::Usage),
    ]
}

type Model = BTreeMap<String, String>;

fn at(path: usize) -> Path {
    Path::from(PATHS[path])
}

/// What one writes: recognisable, and of this length.
fn text(whose: &str, length: usize) -> String {
    whose.repeat(length)
}

/// Does it in the store and in the model; both must agree about what was possible.
async fn run(store: &BoundStore<Dyn>, model: &mut Model, whose: &str, op: &Op) {
    let sum = |model: &Model| model.values().map(|data| data.len() as u64).sum::<u64>();
    let put = |model: &mut Model,
               result: object_store::Result<()>,
               path: usize,
               data: String,
               exact: bool| match result {
        Ok(()) => {
            model.insert(PATHS[path].to_owned(), data);
            assert!(sum(model) <= LIMIT, "over the limit");
        }
        Err(error) => {
            assert!(is_quota(&error), "{op:?} {error}");
            let old = model
                .get(PATHS[path])
                .map_or(0, |old| if exact { old.len() as u64 } else { 0 });
            assert!(
                sum(model) + data.len() as u64 - old > LIMIT,
                "{op:?} was refused though there is room"
            );
        }
    };
    match op {
        Op::Put(path, length) => {
            let data = text(whose, *length);
            let result = store.put(&at(*path), data.clone().into()).await.map(drop);
            put(model, result, *path, data, true);
        }
        Op::Create(path, length) => {
            let data = text(whose, *length);
            let result = store
                .put_opts(
                    &at(*path),
                    data.clone().into(),
                    PutOptions::from(PutMode::Create),
                )
                .await;
            match (result, model.contains_key(PATHS[*path])) {
                (Err(object_store::Error::AlreadyExists { .. }), true) => {}
                (Err(error), true) => assert!(is_quota(&error)),
                (result, true) => panic!("created twice: {result:?}"),
                (result, false) => put(model, result.map(drop), *path, data, false),
            }
        }
        Op::Upload(path, parts) => {
            let data = text(whose, parts.iter().sum());
            let result = async {
                let mut upload = store.put_multipart(&at(*path)).await?;
                for part in parts {
                    upload
                        .put_part(PutPayload::from(text(whose, *part)))
                        .await?;
                }
                upload.complete().await.map(drop)
            };
            let result = result.await;
            put(model, result, *path, data, false);
        }
        Op::Abandon(path, length) => {
            if let Ok(mut upload) = store.put_multipart(&at(*path)).await {
                let _ = upload
                    .put_part(PutPayload::from(text(whose, *length)))
                    .await;
            }
        }
        Op::Delete(path) => {
            let _ = store.delete(&at(*path)).await;
            model.remove(PATHS[*path]);
        }
        Op::DeleteMany(paths) => {
            for path in paths {
                model.remove(PATHS[*path]);
            }
            let ask: Vec<_> = paths.iter().map(|path| Ok(at(*path))).collect();
            let _: Vec<_> = store
                .delete_stream(stream::iter(ask).boxed())
                .collect()
                .await;
        }
        Op::Copy(from, to) | Op::CopyCreate(from, to) => {
            let create = matches!(op, Op::CopyCreate(..));
            let mode = if create {
                CopyMode::Create
            } else {
                CopyMode::Overwrite
            };
            let result = store
                .copy_opts(&at(*from), &at(*to), CopyOptions::new().with_mode(mode))
                .await;
            let source = model.get(PATHS[*from]).cloned();
            match (source, result) {
                (None, result) => assert!(result.is_err()),
                (Some(_), Err(object_store::Error::AlreadyExists { .. })) => {
                    assert!(create && model.contains_key(PATHS[*to]));
                }
                (Some(_), Err(error)) if create && model.contains_key(PATHS[*to]) => {
                    assert!(is_quota(&error));
                }
                (Some(data), result) => put(model, result, *to, data, false),
            }
        }
        // Some stores lose an object that is renamed to itself; that is theirs to mend.
        Op::Rename(from, to) | Op::RenameCreate(from, to) if from == to => {}
        // In local files a copy is a hard link, and renaming one name of a file to another of its names does nothing (rename(2)).
        Op::Rename(from, to) | Op::RenameCreate(from, to)
            if model.contains_key(PATHS[*from])
                && model.get(PATHS[*from]) == model.get(PATHS[*to]) => {}
        Op::Rename(from, to) | Op::RenameCreate(from, to) => {
            let create = matches!(op, Op::RenameCreate(..));
            let mode = if create {
                RenameTargetMode::Create
            } else {
                RenameTargetMode::Overwrite
            };
            let result = store
                .rename_opts(
                    &at(*from),
                    &at(*to),
                    RenameOptions::new().with_target_mode(mode),
                )
                .await;
            let blocked = create && model.contains_key(PATHS[*to]);
            let there = model.contains_key(PATHS[*from]);
            assert_eq!(result.is_ok(), there && !blocked, "{op:?} {result:?}");
            if result.is_ok() {
                let data = model.remove(PATHS[*from]).unwrap();
                model.insert(PATHS[*to].to_owned(), data);
            }
        }
        Op::Get(path) => match (store.get(&at(*path)).await, model.get(PATHS[*path])) {
            (Ok(got), Some(data)) => assert_eq!(got.bytes().await.unwrap(), *data),
            (Err(object_store::Error::NotFound { .. }), None) => {}
            (got, model) => panic!("{got:?} {model:?}"),
        },
        Op::ListFolder => {
            let found: Vec<_> = store
                .list(Some(&Path::from("f")))
                .try_collect()
                .await
                .unwrap();
            assert_eq!(
                found.len(),
                model.keys().filter(|path| path.starts_with("f/")).count()
            );
        }
        Op::Usage => {
            let usage = store.usage().await.unwrap();
            assert_eq!(
                (usage.bytes, usage.objects),
                (sum(model), model.len() as u64)
            );
        }
    }
}

async fn check(backend: Backend, isolation: Isolation, ops: &[(bool, Op)]) {
    let world = World::with(backend, isolation, |builder| {
        builder.limits(|_| Limits::none().bytes(LIMIT))
    })
    .await;
    let (a, b) = (world.a(), world.b());
    let (mut of_a, mut of_b) = (Model::new(), Model::new());
    for (is_a, op) in ops {
        // All parts but the last have 5 MiB there.
        let op = match op {
            Op::Upload(path, parts) if backend == Backend::S3 => {
                &Op::Upload(*path, vec![parts.iter().sum()])
            }
            op => op,
        };
        if *is_a {
            run(&a, &mut of_a, "a", op).await;
        } else {
            run(&b, &mut of_b, "b", op).await;
        }
    }
    assert_eq!(all(&a).await, of_a.into_iter().collect::<Vec<_>>());
    assert_eq!(all(&b).await, of_b.into_iter().collect::<Vec<_>>());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn two_tenants_in_memory_never_meet(ops in proptest::collection::vec((any::<bool>(), op()), 1..60)) {
        runtime().block_on(check(Backend::Memory, Isolation::Shared, &ops));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn two_tenants_on_local_files_never_meet(ops in proptest::collection::vec((any::<bool>(), op()), 1..40)) {
        runtime().block_on(check(Backend::Local, Isolation::Shared, &ops));
    }

    #[test]
    fn two_tenants_in_buckets_of_their_own_never_meet(ops in proptest::collection::vec((any::<bool>(), op()), 1..40)) {
        runtime().block_on(check(Backend::Memory, Isolation::Database, &ops));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn two_tenants_on_s3_never_meet(ops in proptest::collection::vec((any::<bool>(), op()), 1..25)) {
        runtime().block_on(check(Backend::S3, Isolation::Shared, &ops));
    }
}
