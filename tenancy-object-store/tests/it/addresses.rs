//! Addresses that are signed for whoever has no credentials, tried at a server that checks signatures: one method, one object,
//! one size, some minutes.

use std::time::Duration;

use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::signer::{HeaderName, HeaderValue, Method, SignedUrlOptions, Signer, Url};
use object_store::{ObjectStore, ObjectStoreExt};
use tenancy_core::{Isolation, ServerName, TenantStatus};
use tenancy_object_store::{Error, Limits, ObjectServer, TenantStore, Upload};

use crate::quota::is_quota;
use crate::s3::{self, Server, ask};
use crate::world::{Tenants, all, ours, read, write};

const MINUTE: Duration = Duration::from_secs(60);

fn store_of(server: &Server, limits: Limits) -> TenantStore<AmazonS3> {
    TenantStore::builder()
        .server(
            ServerName::default(),
            ObjectServer::new(server.bucket("shared")),
        )
        .limits(move |_| limits)
        .build()
        .unwrap()
}

fn x() -> Path {
    Path::from("scans/x")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_takes_one_object_of_one_size_and_type() {
    let server = Server::start().await;
    let tenants = Tenants::new(Isolation::Shared);
    let store = store_of(&server, Limits::none());
    let (a, b) = (store.for_tenant(&tenants.a), store.for_tenant(&tenants.b));
    write(&b, "scans/x", "b").await.unwrap();
    let upload = Upload::new(5).content_type("application/pdf");
    let signed = a.signed_upload(&x(), &upload, MINUTE).await.unwrap();
    let pdf = ("content-type", "application/pdf");

    let refused = async |method, url: &Url, headers: &[(&str, &str)], body: &[u8], why: &str| {
        let (status, _) = ask(method, url, headers, body.to_vec()).await;
        assert!((400..500).contains(&status), "{why}: {status}");
        assert!(a.head(&x()).await.is_err(), "{why}");
    };
    refused(Method::PUT, &signed.url, &[pdf], b"123456", "larger").await;
    refused(Method::PUT, &signed.url, &[pdf], b"1234", "smaller").await;
    refused(Method::PUT, &signed.url, &[], b"12345", "no type").await;
    refused(
        Method::PUT,
        &signed.url,
        &[("content-type", "text/html")],
        b"12345",
        "another type",
    )
    .await;
    refused(Method::GET, &signed.url, &[pdf], b"", "another method").await;
    refused(Method::DELETE, &signed.url, &[pdf], b"", "another method").await;
    let mut elsewhere = signed.url.clone();
    elsewhere.set_path(&signed.url.path().replace("tenant_t_a/", "tenant_t_a-b/"));
    assert_ne!(elsewhere, signed.url);
    refused(Method::PUT, &elsewhere, &[pdf], b"12345", "another tenant").await;
    let longer = signed
        .url
        .as_str()
        .replace("X-Amz-Expires=60", "X-Amz-Expires=6000");
    assert_ne!(longer, signed.url.as_str());
    refused(
        Method::PUT,
        &Url::parse(&longer).unwrap(),
        &[pdf],
        b"12345",
        "longer",
    )
    .await;
    let bare = signed.url.as_str().replace("content-length%3B", "");
    assert_ne!(bare, signed.url.as_str());
    refused(
        Method::PUT,
        &Url::parse(&bare).unwrap(),
        &[pdf],
        b"123456",
        "without the length",
    )
    .await;

    let (status, body) = ask(Method::PUT, &signed.url, &[pdf], b"12345".to_vec()).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    assert_eq!(a.confirm_upload(&x()).await.unwrap().size, 5);
    assert_eq!(read(&a, "scans/x").await, "12345");
    assert_eq!(read(&b, "scans/x").await, "b");
}

/// Why the length is signed here and not by `object_store`: its signer has no way to, so its address takes any size.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_the_bare_store_takes_any_size() {
    let server = Server::start().await;
    let bare = server.bucket("shared");
    let length = SignedUrlOptions::new().with_signed_header(
        HeaderName::from_static("content-length"),
        HeaderValue::from_static("5"),
    );
    assert!(
        bare.signed_url_opts(Method::PUT, &x(), MINUTE, &length)
            .await
            .is_err()
    );
    let url = bare.signed_url(Method::PUT, &x(), MINUTE).await.unwrap();
    let (status, _) = ask(Method::PUT, &url, &[], vec![b'x'; 100_000]).await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_expires() {
    let server = Server::start().await;
    let tenants = Tenants::new(Isolation::Shared);
    let a = store_of(&server, Limits::none()).for_tenant(&tenants.a);
    write(&a, "scans/x", "12345").await.unwrap();
    let url = a
        .signed_url(Method::GET, &x(), Duration::from_secs(1))
        .await
        .unwrap();
    let put = a
        .signed_upload(&x(), &Upload::new(1), Duration::from_secs(1))
        .await
        .unwrap();
    // The server's clock is the machine's, so this waits; there is no upper bound to it.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(ask(Method::GET, &url, &[], Vec::new()).await.0, 403);
    assert_eq!(ask(Method::PUT, &put.url, &[], b"1".to_vec()).await.0, 403);
    assert_eq!(read(&a, "scans/x").await, "12345");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_through_an_address_is_one_object_of_the_tenant() {
    let server = Server::start().await;
    let tenants = Tenants::new(Isolation::Shared);
    let store = store_of(&server, Limits::none());
    let (a, b) = (store.for_tenant(&tenants.a), store.for_tenant(&tenants.b));
    write(&a, "scans/x", "a's").await.unwrap();
    write(&b, "scans/x", "b's").await.unwrap();
    let urls = a
        .signed_urls(Method::GET, &[x(), Path::from("missing")], MINUTE)
        .await
        .unwrap();
    assert_eq!(
        ask(Method::GET, &urls[0], &[], Vec::new()).await,
        (200, b"a's".to_vec())
    );
    assert_eq!(ask(Method::GET, &urls[1], &[], Vec::new()).await.0, 404);
    let mut elsewhere = urls[0].clone();
    elsewhere.set_path(&urls[0].path().replace("tenant_t_a/", "tenant_t_a-b/"));
    assert_eq!(ask(Method::GET, &elsewhere, &[], Vec::new()).await.0, 403);
    let head = a.signed_url(Method::HEAD, &x(), MINUTE).await.unwrap();
    assert_eq!(ask(Method::HEAD, &head, &[], Vec::new()).await.0, 200);
    let download = SignedUrlOptions::new().with_query([("response-content-type", "text/plain")]);
    let url = a
        .signed_url_opts(Method::GET, &x(), MINUTE, &download)
        .await
        .unwrap();
    assert_eq!(
        ask(Method::GET, &url, &[], Vec::new()).await,
        (200, b"a's".to_vec())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_reach_further_is_not_signed() {
    let server = Server::start().await;
    let tenants = Tenants::new(Isolation::Shared);
    let a = store_of(&server, Limits::none()).for_tenant(&tenants.a);
    let none = SignedUrlOptions::new;
    let header = |name: &'static str| {
        none().with_signed_header(
            HeaderName::from_static(name),
            HeaderValue::from_static("/shared/tenants/tenant_t_a-b/x"),
        )
    };
    let cases = [
        (Method::PUT, none(), MINUTE),
        (Method::DELETE, none(), MINUTE),
        (Method::POST, none(), MINUTE),
        (Method::GET, none(), Duration::ZERO),
        (Method::GET, none(), Duration::from_secs(15 * 60 + 1)),
        (Method::GET, none().with_query([("acl", "")]), MINUTE),
        (Method::GET, none().with_query([("tagging", "")]), MINUTE),
        (Method::GET, none().with_query([("uploads", "")]), MINUTE),
        (Method::GET, none().with_query([("list-type", "2")]), MINUTE),
        (Method::GET, header("x-amz-copy-source"), MINUTE),
        (Method::GET, header("host"), MINUTE),
    ];
    for (method, options, lasts) in cases {
        let error = a
            .signed_url_opts(method.clone(), &x(), lasts, &options)
            .await
            .unwrap_err();
        assert!(
            matches!(ours(&error), Error::NotSigned { .. }),
            "{method} {options:?} {error}"
        );
    }
    for path in ["", "%2e%2e/tenant_t_a-b/x"] {
        let path = Path::parse(path).unwrap();
        assert!(a.signed_url(Method::GET, &path, MINUTE).await.is_err());
        assert!(
            a.signed_upload(&path, &Upload::new(1), MINUTE)
                .await
                .is_err()
        );
    }
    assert!(
        a.signed_upload(&x(), &Upload::new(1), Duration::from_secs(3600))
            .await
            .is_err()
    );
    let split = Upload::new(1).content_type("text/plain\r\nx-amz-acl: public-read");
    assert!(a.signed_upload(&x(), &split, MINUTE).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_holds_room_until_its_upload_is_confirmed() {
    let server = Server::start().await;
    let tenants = Tenants::new(Isolation::Shared);
    let a = store_of(&server, Limits::none().bytes(10)).for_tenant(&tenants.a);
    assert!(
        a.signed_upload(&x(), &Upload::new(11), MINUTE)
            .await
            .unwrap_err()
            .is_quota()
    );
    let signed = a
        .signed_upload(&x(), &Upload::new(6), MINUTE)
        .await
        .unwrap();
    // However many are asked for, together they fit; and counting what is there does not free what may come.
    assert!(
        a.signed_upload(&Path::from("y"), &Upload::new(6), MINUTE)
            .await
            .unwrap_err()
            .is_quota()
    );
    assert!(is_quota(&write(&a, "y", "12345").await.unwrap_err()));
    assert!(matches!(
        a.confirm_upload(&x()).await,
        Err(Error::Driver(object_store::Error::NotFound { .. }))
    ));
    assert_eq!(
        ask(Method::PUT, &signed.url, &[], b"123456".to_vec())
            .await
            .0,
        200
    );
    a.confirm_upload(&x()).await.unwrap();
    assert!(is_quota(&write(&a, "y", "12345").await.unwrap_err()));
    write(&a, "y", "1234").await.unwrap();
    assert_eq!(a.usage().await.unwrap().bytes, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_the_tenants_own_and_its_text_never_means_a_neighbour() {
    use object_store::list::{PaginatedListOptions, PaginatedListStore};

    let server = Server::start().await;
    let tenants = Tenants::new(Isolation::Shared);
    let store = store_of(&server, Limits::none());
    let (a, b) = (store.for_tenant(&tenants.a), store.for_tenant(&tenants.b));
    for path in ["leads/1", "leads/10", "leads/2", "logo"] {
        write(&a, path, "a").await.unwrap();
        write(&b, path, "b").await.unwrap();
    }
    let list = async |prefix: Option<&str>, opts: PaginatedListOptions| {
        let found = a.list_paginated(prefix, opts).await.unwrap();
        let mut paths: Vec<_> = found
            .result
            .objects
            .iter()
            .map(|meta| meta.location.to_string())
            .collect();
        paths.extend(
            found
                .result
                .common_prefixes
                .iter()
                .map(|path| format!("{path}/")),
        );
        (paths, found.page_token)
    };
    let all_of = PaginatedListOptions::default;
    assert_eq!(
        list(None, all_of()).await.0,
        ["leads/1", "leads/10", "leads/2", "logo"]
    );
    assert_eq!(
        list(Some("leads/1"), all_of()).await.0,
        ["leads/1", "leads/10"]
    );
    assert_eq!(
        list(Some("-b"), all_of()).await.0.len(),
        0,
        "the beginning of a neighbour's name"
    );
    let folders = PaginatedListOptions {
        delimiter: Some("/".into()),
        ..all_of()
    };
    assert_eq!(list(None, folders).await.0, ["logo", "leads/"]);
    let offset = PaginatedListOptions {
        offset: Some("leads/10".into()),
        ..all_of()
    };
    assert_eq!(list(None, offset).await.0, ["leads/2", "logo"]);
    let (mut paths, mut token) = (Vec::new(), None);
    for _ in 0..4 {
        let page = PaginatedListOptions {
            max_keys: Some(1),
            page_token: token.take(),
            ..all_of()
        };
        let (found, next) = list(None, page).await;
        paths.extend(found);
        token = next;
        // A neighbour who has got hold of it sees its own.
        let stolen = PaginatedListOptions {
            page_token: token.clone(),
            ..all_of()
        };
        for meta in b.list_paginated(None, stolen).await.unwrap().result.objects {
            assert_eq!(read(&b, meta.location.as_ref()).await, "b");
        }
    }
    assert_eq!(paths, ["leads/1", "leads/10", "leads/2", "logo"]);
    for prefix in ["../", "/", "..", "a//b", "%2e%2e/tenant_t_a-b"] {
        assert!(
            a.list_paginated(Some(prefix), all_of()).await.is_err(),
            "{prefix}"
        );
        let offset = PaginatedListOptions {
            offset: Some(prefix.to_owned()),
            ..all_of()
        };
        assert!(a.list_paginated(None, offset).await.is_err(), "{prefix}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_an_outage_and_comes_back() {
    let server = Server::start().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let tenants = Tenants::new(Isolation::Shared);
    let store = TenantStore::builder()
        .server(
            ServerName::default(),
            ObjectServer::new(s3::client(nobody, "shared")),
        )
        .limits(|_| Limits::none().bytes(10))
        .build()
        .unwrap()
        .for_tenant(&tenants.a);
    let error = write(&store, "x", "data").await.unwrap_err();
    assert!(!error.to_string().contains(&nobody.to_string()), "{error}");
    assert!(
        matches!(
            ours(&error),
            Error::Fault(tenancy_object_store::Fault::Unreachable)
        ),
        "{error:?}"
    );
    let back = store_of(&server, Limits::none().bytes(10)).for_tenant(&tenants.a);
    write(&back, "x", "data").await.unwrap();
    assert_eq!(all(&back).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_tenant_gets_no_address() {
    let server = Server::start().await;
    let tenants = Tenants::new(Isolation::Shared);
    let a = store_of(&server, Limits::none()).for_tenant(&tenants.a);
    tenants.set(&tenants.a, TenantStatus::ReadOnly);
    a.signed_url(Method::GET, &x(), MINUTE).await.unwrap();
    assert!(
        a.signed_upload(&x(), &Upload::new(1), MINUTE)
            .await
            .is_err()
    );
    tenants.set(&tenants.a, TenantStatus::Suspended);
    assert!(a.signed_url(Method::GET, &x(), MINUTE).await.is_err());
    assert!(a.list(None).next_is_err().await);
}

/// Whether a stream begins with an error.
trait NextIsErr {
    async fn next_is_err(self) -> bool;
}

impl<T> NextIsErr for futures_core::stream::BoxStream<'static, object_store::Result<T>> {
    async fn next_is_err(mut self) -> bool {
        use futures_util::StreamExt;
        matches!(self.next().await, Some(Err(_)))
    }
}
