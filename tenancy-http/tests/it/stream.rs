//! The body keeps the context until its last byte, whoever polls it and wherever.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tenancy_core::{Actor, ErrorKind, TenantContext, TenantStatus};
use tenancy_http::TenantLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::fixture::{BASE, layer, registry, request, tenant};

fn slug_now() -> String {
    TenantContext::with_current(|context| context.tenant().slug().to_string())
        .unwrap_or_else(|error| format!("{:?}", error.kind()))
}

/// Names the current tenant in each of three frames and in the trailers, and is pending in between.
#[derive(Debug, Default)]
struct Telling {
    polls: usize,
}

impl HttpBody for Telling {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.polls += 1;
        Poll::Ready(match self.polls {
            2 | 4 => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            1 | 3 | 5 => Some(Ok(Frame::data(Bytes::from(slug_now())))),
            6 => {
                let mut trailers = HeaderMap::new();
                trailers.insert("tenant", slug_now().parse().unwrap());
                Some(Ok(Frame::trailers(trailers)))
            }
            _ => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(12)
    }
}

fn telling(
    layer: &TenantLayer,
) -> impl tower::Service<
    Request<Body>,
    Response = Response<tenancy_http::TenantBody<Telling>>,
    Error = Infallible,
    Future: Send,
> + Clone {
    layer.layer(service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Telling::default()))
    }))
}

#[tokio::test]
async fn every_frame_is_read_in_the_context() {
    let response = telling(&layer())
        .oneshot(request("acme.crm.example.com"))
        .await
        .unwrap();
    assert_eq!(slug_now(), "NoTenant");
    assert_eq!(response.body().size_hint().exact(), Some(12));

    // On another task, and another thread perhaps: the body carries its own context.
    let collected = tokio::spawn(response.into_body().collect())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(collected.trailers().unwrap()["tenant"], "acme");
    assert_eq!(collected.to_bytes(), "acmeacmeacme");
}

#[tokio::test]
async fn a_body_polled_for_another_tenant_is_an_error() {
    let response = telling(&layer())
        .oneshot(request("acme.crm.example.com"))
        .await
        .unwrap();
    let globex = Arc::new(tenant("2", "globex", TenantStatus::Active));
    let context = TenantContext::for_request(globex, Actor::anonymous()).unwrap();
    let mut body = Box::pin(response.into_body());

    let refused = context
        .scope(body.frame())
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    let refused = refused.downcast_ref::<tenancy_core::Error>().unwrap();
    assert_eq!(refused.kind(), ErrorKind::WrongTenant);
    assert!(!refused.to_string().contains("acme"));

    // Outside of that scope it goes on where it was.
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "acme");
}

/// Says whose it is when it is dropped.
struct Cleanup(Arc<Mutex<Vec<String>>>);

impl Drop for Cleanup {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(slug_now());
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_to_its_end_cleans_up_as_its_tenant() {
    let dropped = Arc::new(Mutex::new(Vec::new()));
    let rows = {
        let dropped = Arc::clone(&dropped);
        get(async move || {
            let cleanup = Cleanup(dropped);
            Body::from_stream(stream::unfold(cleanup, async |cleanup| {
                Some((Ok::<_, Infallible>(slug_now()), cleanup))
            }))
        })
    };
    let app = Router::new().route("/", rows).layer(layer());
    for frames in 0..3 {
        let response = app
            .clone()
            .oneshot(request("acme.crm.example.com"))
            .await
            .unwrap();
        let mut body = response.into_body();
        for _ in 0..frames {
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), "acme");
        }
        drop(body);
        assert_eq!(
            dropped.lock().unwrap().drain(..).collect::<Vec<_>>(),
            ["acme"]
        );
    }
}

#[tokio::test]
async fn axum_streams_read_rows_of_their_own_tenant() {
    async fn rows() -> Body {
        Body::from_stream(stream::unfold(0, async |row| {
            tokio::task::yield_now().await;
            (row < 5).then(|| {
                (
                    Ok::<_, Infallible>(format!("{row}:{} ", slug_now())),
                    row + 1,
                )
            })
        }))
    }
    let app = Router::new().route("/", get(rows)).layer(layer());
    let acme = app
        .clone()
        .oneshot(request("acme.crm.example.com"))
        .await
        .unwrap();
    let globex = app
        .oneshot(request("globex.crm.example.com"))
        .await
        .unwrap();
    let (acme, globex) = tokio::join!(acme.into_body().collect(), globex.into_body().collect());
    assert_eq!(
        acme.unwrap().to_bytes(),
        "0:acme 1:acme 2:acme 3:acme 4:acme "
    );
    assert_eq!(
        globex.unwrap().to_bytes(),
        "0:globex 1:globex 2:globex 3:globex 4:globex "
    );
}

#[tokio::test]
async fn errors_of_the_inner_body_pass() {
    let broken = layer().layer(service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Body::from_stream(stream::iter([
            Ok("first"),
            Err(std::io::Error::other("disk on fire")),
        ]))))
    }));
    let response = broken
        .oneshot(request("acme.crm.example.com"))
        .await
        .unwrap();
    let mut body = response.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("disk on fire"), "{error}");
}

#[tokio::test]
async fn a_problem_is_a_body_with_a_length() {
    let response = telling(&layer())
        .oneshot(request("vandelay.crm.example.com"))
        .await
        .unwrap();
    let length = response.body().size_hint().exact().unwrap();
    assert!(!response.body().is_end_stream());
    let mut body = response.into_body();
    let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(data.len() as u64, length);
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn request_bodies_are_read_in_the_context_of_the_handler() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let upload = {
        let seen = Arc::clone(&seen);
        stream::iter(0..3).map(move |chunk| {
            seen.lock().unwrap().push(slug_now());
            Ok::<_, Infallible>(Bytes::from(chunk.to_string()))
        })
    };
    let app = Router::new()
        .route("/", axum::routing::post(async |body: String| body))
        .layer(TenantLayer::new(registry()).subdomain_of(BASE));
    let request = Request::post("/")
        .header("host", "acme.crm.example.com")
        .body(Body::from_stream(upload))
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "012"
    );
    assert_eq!(*seen.lock().unwrap(), ["acme", "acme", "acme"]);
}
