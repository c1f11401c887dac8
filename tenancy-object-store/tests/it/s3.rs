//! A server that speaks S3, in this process: `s3s` reads requests and checks their signatures, `s3s-fs` keeps objects in a
//! folder. And a client for it that is `object_store`'s own, but for the connection, which needs no TLS.

use std::net::SocketAddr;
use std::path::Path as FsPath;

use async_trait::async_trait;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3CopyIfNotExists};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use object_store::signer::{Method, Url};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;

const KEY: &str = "test-key";
const SECRET: &str = "test-secret";

/// The server. It ends with the test's runtime.
pub(crate) struct Server {
    folder: TempDir,
    address: SocketAddr,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = s3s_fs::FileSystem::new(folder.path()).unwrap();
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = service.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let connections = auto::Builder::new(TokioExecutor::new());
            while let Ok((socket, _)) = listener.accept().await {
                let served = connections
                    .serve_connection(TokioIo::new(socket), service.clone())
                    .into_owned();
                tokio::spawn(async move {
                    let _ = served.await;
                });
            }
        });
        Self { folder, address }
    }

    /// Where it keeps its buckets.
    pub(crate) fn folder(&self) -> &FsPath {
        self.folder.path()
    }

    /// Makes a bucket, unless there is one.
    pub(crate) fn bucket(&self, name: &str) -> AmazonS3 {
        std::fs::create_dir_all(self.folder().join(name)).unwrap();
        client(self.address, name)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A client of one bucket at an address.
pub(crate) fn client(address: SocketAddr, bucket: &str) -> AmazonS3 {
    AmazonS3Builder::new()
        .with_endpoint(format!("http://{address}"))
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name(bucket)
        .with_access_key_id(KEY)
        .with_secret_access_key(SECRET)
        .with_copy_if_not_exists(S3CopyIfNotExists::Multipart)
        .with_http_connector(Plain)
        .with_retry(RetryConfig {
            max_retries: 0,
            backoff: BackoffConfig::default(),
            ..RetryConfig::default()
        })
        .build()
        .unwrap()
}

/// Sends one request as somebody without credentials. Status and body.
pub(crate) async fn ask(
    method: Method,
    url: &Url,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, Vec<u8>) {
    let mut request = http::Request::builder().method(method).uri(url.as_str());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(HttpRequestBody::from(body)).unwrap();
    let response = Plain.call(request).await.unwrap();
    let status = response.status().as_u16();
    (
        status,
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
}

#[derive(Debug)]
struct Plain;

impl HttpConnector for Plain {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Self))
    }
}

#[async_trait]
impl HttpService for Plain {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // A connection for each request: the server of a test is never far, and nothing outlives its runtime.
        let client: Client<Tcp, HttpRequestBody> =
            Client::builder(TokioExecutor::new()).build_http();
        let response = client
            .request(request)
            .await
            .map_err(|error| HttpError::new(HttpErrorKind::Connect, error))?;
        Ok(response.map(|body| {
            HttpResponseBody::new(
                body.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error)),
            )
        }))
    }
}
