//! Paths that try to get out of the tenant's folder, by each door: refused or contained, and the neighbours untouched.

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;
use tenancy_core::Isolation;
use tenancy_object_store::{Error, object_path};

use crate::world::{BACKENDS, Backend, World, all, over, write};

/// What an attacker sends. Each is tried as it comes, encoded by `Path::from`, and decoded by `Path::from_url_path`.
const ATTACKS: [&str; 48] = [
    "",
    "/",
    "//",
    ".",
    "..",
    "./x",
    "../x",
    "../../x",
    "../tenant_t_a-b/secret",
    "x/../../tenant_t_a-b/secret",
    "/../tenant_t_a-b/secret",
    "..//tenant_t_a-b/secret",
    "..;/tenant_t_a-b/secret",
    "%2e%2e/tenant_t_a-b/secret",
    "%2E%2E/tenant_t_a-b/secret",
    ".%2e/tenant_t_a-b/secret",
    "%2e./tenant_t_a-b/secret",
    "%252e%252e/tenant_t_a-b/secret",
    "%25252e%25252e/tenant_t_a-b/secret",
    "..%2ftenant_t_a-b%2fsecret",
    "..%252ftenant_t_a-b%252fsecret",
    "..%5ctenant_t_a-b%5csecret",
    "..\\tenant_t_a-b\\secret",
    "x\\..\\..\\tenant_t_a-b\\secret",
    "tenant_t_a-b/secret",
    "tenants/tenant_t_a-b/secret",
    "/tenants/tenant_t_a-b/secret",
    "-b/secret",
    "b/secret",
    "~/x",
    "~root/x",
    "C:/x",
    "C:\\x",
    "file:///etc/passwd",
    "http://localhost/x",
    "//evil/x",
    "x?versionId=1",
    "x?delete",
    "x#fragment",
    "x#1",
    "x\0y",
    "x\ny",
    "x\r\nHost: evil",
    "\u{202e}x",
    "\u{ff0e}\u{ff0e}/x",
    "..\u{2215}x",
    " ",
    "*",
];

/// The paths that one text can become.
fn spellings(text: &str) -> Vec<Path> {
    let mut paths = vec![Path::from(text)];
    paths.extend(Path::parse(text).ok());
    paths.extend(Path::from_url_path(text).ok());
    paths.push(Path::from_iter([text]));
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out() {
    for backend in BACKENDS {
        let world = World::new(backend, Isolation::Shared).await;
        let (a, b) = (world.a(), world.b());
        write(&b, "secret", "b").await.unwrap();
        for attack in ATTACKS {
            for path in spellings(attack) {
                let wrote = a.put(&path, "forged".into()).await.is_ok();
                if let Ok(got) = a.get(&path).await {
                    assert_eq!(got.meta.location, path, "{backend:?} {attack:?}");
                    assert_eq!(
                        got.bytes().await.unwrap(),
                        "forged",
                        "{backend:?} {attack:?}"
                    );
                }
                // What was written is found again under its own name, in the tenant's own folder.
                let found: Vec<_> = a.list(None).try_collect().await.unwrap();
                assert!(
                    found.len() <= usize::from(wrote),
                    "{backend:?} {attack:?} {found:?}"
                );
                let _ = a
                    .list(Some(&path))
                    .try_collect::<Vec<_>>()
                    .await
                    .map(|found| assert!(found.is_empty()));
                let _ = a.copy(&path, &Path::from("stolen")).await;
                let _ = a.rename(&Path::from("stolen"), &path).await;
                let _ = a.delete(&path).await;
                let _ = a.delete(&Path::from("stolen")).await;
                if let Ok(list) = a.list_with_delimiter(Some(&path)).await {
                    assert!(list.objects.is_empty(), "{backend:?} {attack:?}");
                }
            }
        }
        let left: Vec<_> = world.shared.list(None).try_collect().await.unwrap();
        for meta in &left {
            let path = meta.location.as_ref();
            assert!(
                path.starts_with("tenants/tenant_t_a/") || path == "tenants/tenant_t_a-b/secret",
                "{backend:?} {path}"
            );
        }
        assert_eq!(
            all(&b).await,
            [("secret".to_owned(), "b".to_owned())],
            "{backend:?}"
        );
    }
}

#[test]
fn texts_of_users_have_one_spelling() {
    for attack in ATTACKS {
        if let Ok(path) = object_path(attack) {
            assert_eq!(path.as_ref(), attack);
            let dots = attack
                .split('/')
                .any(|part| matches!(part, "." | ".." | "..;"));
            assert!(!attack.starts_with('/') && !dots, "{attack:?}");
        }
    }
    for (refused, why) in [
        ("a/", "begins or ends"),
        ("/a", "begins or ends"),
        ("a//b", "segment"),
        ("a\\b", "backslash"),
    ] {
        let Err(Error::Path { why: said }) = object_path(refused) else {
            panic!("{refused} was let through");
        };
        assert!(said.contains(why), "{refused}: {said}");
    }
    assert_eq!(
        object_path("ä/50%25 off (1).pdf").unwrap().as_ref(),
        "ä/50%25 off (1).pdf"
    );
}

#[tokio::test]
async fn the_tenants_folder_is_no_object() {
    let world = World::new(Backend::Memory, Isolation::Shared).await;
    let a = world.a();
    let root = Path::ROOT;
    assert!(matches!(
        crate::world::ours(&a.put(&root, "x".into()).await.unwrap_err()),
        Error::Path { .. }
    ));
    assert!(a.get(&root).await.is_err());
    assert!(a.delete(&root).await.is_err());
    assert!(a.put_multipart(&root).await.is_err());
    assert!(a.copy(&root, &Path::from("x")).await.is_err());
    assert!(a.rename(&Path::from("x"), &root).await.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever text it is: a tenant that writes there changes nothing that another can see, and nothing outside its folder.
    #[test]
    fn any_text_is_refused_or_contained(text in "[./%25eE2fF5cC\\\\a-b\u{0}\u{2e}\u{e4}]{0,24}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let memory = std::sync::Arc::new(object_store::memory::InMemory::new());
            let store = over(memory.clone());
            let tenants = crate::world::Tenants::new(Isolation::Shared);
            let a = store.for_tenant(&tenants.a);
            for path in spellings(&text) {
                let _ = a.put(&path, "x".into()).await;
            }
            let whole: Vec<_> = memory.list(None).try_collect().await.unwrap();
            for meta in whole {
                assert!(meta.location.as_ref().starts_with("tenants/tenant_t_a/"), "{}", meta.location);
            }
            assert!(all(&store.for_tenant(&tenants.b)).await.is_empty());
        });
    }
}
