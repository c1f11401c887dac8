//! A tenant's store against the same store with the tenant written into each path by hand.

use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tenancy_core::{ServerName, Tenant, TenantContext, TenantId, TenantSlug};
use tenancy_object_store::{ObjectServer, TenantStore};
use tenancy_testkit::TempFolder;

use crate::{
    Failure,
    runner::{Figure, PARTS, Runner, Target},
};

const FIGURES: [[Figure; 3]; 2] = [
    [
        figure("objects: memory, put 64 KiB, against hand-written"),
        figure("objects: memory, get 64 KiB, against hand-written"),
        figure("objects: memory, list 1,000, against hand-written"),
    ],
    [
        figure("objects: files, put 64 KiB, against hand-written"),
        figure("objects: files, get 64 KiB, against hand-written"),
        figure("objects: files, list 1,000, against hand-written"),
    ],
];

const SIZE: usize = 64 << 10;
const OBJECTS: usize = 1000;

const fn figure(name: &'static str) -> Figure {
    Figure {
        name,
        target: Target::Speed(0.97),
    }
}

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    let [memory, files] = FIGURES;
    if memory.iter().any(|it| runner.wants(it.name)) {
        for _ in 0..PARTS {
            compare(runner, memory, InMemory::new()).await?;
        }
    }
    if files.iter().any(|it| runner.wants(it.name)) {
        for _ in 0..PARTS {
            let folder = TempFolder::new()?;
            let store = LocalFileSystem::new_with_prefix(folder.path())?;
            compare(runner, files, store).await?;
        }
    }
    Ok(())
}

/// Which memory a store gets changes what the same work takes by some hundredths, so there are several.
async fn compare<S: ObjectStore + Clone>(
    runner: &mut Runner,
    [put, get, list]: [Figure; 3],
    bare: S,
) -> Result<(), Failure> {
    let id = TenantId::new_v7();
    let tenant = Tenant::builder(id, TenantSlug::parse("acme")?).build()?;
    let cx = TenantContext::for_test(tenant.into());
    let store = TenantStore::builder()
        .server(ServerName::default(), ObjectServer::new(bare.clone()))
        .build()?;
    // Within a request, as a service uses it.
    let ours = store;
    let folder = Path::from("tenants").join(id.schema_name());
    for n in 0..OBJECTS {
        let path = Path::from(format!("leads/{n}"));
        ours.for_tenant(&cx).put(&path, "small".into()).await?;
    }
    let data = vec![7_u8; SIZE];

    // What is written is a copy, and what is read is looked at: that is what makes an object one of 64 KiB.
    runner
        .compare_part(
            put,
            async |times| {
                cx.scope(async {
                    for n in 0..times {
                        let path = Path::from(format!("scans/{}", n % 16));
                        ours.put(&path, PutPayload::from(data.clone())).await?;
                    }
                    Ok(())
                })
                .await?
            },
            async |times| {
                for n in 0..times {
                    let path = by_hand(&folder, &Path::from(format!("scans/{}", n % 16)));
                    bare.put(&path, PutPayload::from(data.clone())).await?;
                }
                Ok(())
            },
        )
        .await?;
    runner
        .compare_part(
            get,
            async |times| {
                cx.scope(async {
                    for _ in 0..times {
                        looked_at(&ours.get(&Path::from("scans/3")).await?.bytes().await?)?;
                    }
                    Ok(())
                })
                .await?
            },
            async |times| {
                for _ in 0..times {
                    let path = by_hand(&folder, &Path::from("scans/3"));
                    looked_at(&bare.get(&path).await?.bytes().await?)?;
                }
                Ok(())
            },
        )
        .await?;
    runner
        .compare_part(
            list,
            async |times| cx.scope(list_ours(&ours, times)).await?,
            async |times| {
                for _ in 0..times {
                    let path = by_hand(&folder, &Path::from("leads"));
                    let mut found = bare.list(Some(&path));
                    let mut seen = 0;
                    while let Some(meta) = found.try_next().await? {
                        // The caller wants its own paths here too.
                        let own: Option<Path> =
                            meta.location.prefix_match(&folder).map(Iterator::collect);
                        seen += usize::from(own.is_some());
                    }
                    ensure_all(seen)?;
                }
                Ok(())
            },
        )
        .await
}

async fn list_ours<S: ObjectStore>(ours: &TenantStore<S>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let mut found = ours.list(Some(&Path::from("leads")));
        let mut seen = 0;
        while found.try_next().await?.is_some() {
            seen += 1;
        }
        ensure_all(seen)?;
    }
    Ok(())
}

/// The path as a service without this crate would write it.
fn by_hand(folder: &Path, path: &Path) -> Path {
    folder.parts().chain(path.parts()).collect()
}

fn looked_at(data: &[u8]) -> Result<(), Failure> {
    let sum: u64 = data.iter().map(|byte| u64::from(*byte)).sum();
    if sum == 7 * SIZE as u64 {
        Ok(())
    } else {
        Err("another object was read than was written".into())
    }
}

fn ensure_all(seen: usize) -> Result<(), Failure> {
    if seen == OBJECTS {
        Ok(())
    } else {
        Err("the listing is not whole".into())
    }
}
