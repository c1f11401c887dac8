//! A client over a real connection that keeps one cookie, as a browser at one host would.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A client that keeps one cookie, as a browser at one host would.
pub(crate) struct Browser {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) cookie: String,
    /// Sent as `Authorization`.
    pub(crate) bearer: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// All that an outsider can compare, but for the clock.
    pub(crate) fn timeless(mut self) -> Self {
        self.headers.remove(header::DATE);
        self
    }
}

impl Browser {
    pub(crate) fn new(address: SocketAddr, host: &str) -> Self {
        Self {
            address,
            host: host.to_owned(),
            cookie: String::new(),
            bearer: String::new(),
        }
    }

    /// The same client at another host, with everything that it has.
    pub(crate) fn at(&self, host: &str) -> Self {
        Self {
            address: self.address,
            host: host.to_owned(),
            cookie: self.cookie.clone(),
            bearer: self.bearer.clone(),
        }
    }

    pub(crate) fn with_bearer(&self, token: &str) -> Self {
        Self {
            cookie: String::new(),
            bearer: format!("Bearer {token}"),
            ..self.at(&self.host)
        }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header("sec-fetch-site", "same-origin");
        for (name, value) in [
            (header::COOKIE, self.cookie.as_str()),
            (header::AUTHORIZATION, &self.bearer),
            (header::CONTENT_TYPE, kind),
        ] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        let (parts, body) = client
            .send_request(request.body(body).unwrap())
            .await
            .unwrap()
            .into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "").await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        self.send("POST", path, "application/x-www-form-urlencoded", form)
            .await
    }

    /// Signs in below `base`, and keeps the cookie.
    pub(crate) async fn sign_in(&mut self, base: &str, email: &str, password: &str) -> Answer {
        let form = format!("email={}&password={password}", email.replace('@', "%40"));
        let answer = self.post(&format!("{base}/sign-in"), &form).await;
        let set = answer.header("set-cookie");
        if !set.is_empty() {
            self.cookie = set.split(';').next().unwrap().to_owned();
        }
        answer
    }
}
