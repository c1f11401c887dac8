//! [`Sender::client`]: a reqwest client that carries the tenant, and does not carry it elsewhere.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use http::{Extensions, Uri};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Request, Response, Url};
use reqwest_middleware::{ClientWithMiddleware, Error, Middleware, Next};

use super::sender::Sender;

/// As many as reqwest follows by itself.
const MOST_REDIRECTS: usize = 10;

impl Sender {
    /// A client that puts the current tenant on its requests, as [`put`](Self::put) does.
    ///
    /// reqwest repeats the headers of a request when it follows a redirect. So this client follows redirects within the
    /// scheme, host and port that were asked; an answer that leads elsewhere is handed out as it is, with its 3xx status. A
    /// redirect policy of `builder` is replaced, and the middleware can't be had without.
    ///
    /// # Errors
    /// What reqwest says about `builder`.
    ///
    /// Requests fail with [`reqwest_middleware::Error::Middleware`] around a [`tenancy_core::Error`] where `put` refuses.
    pub fn client(&self, builder: ClientBuilder) -> reqwest::Result<ClientWithMiddleware> {
        let policy = Policy::custom(|attempt| {
            let stays = |first: &Url| first.origin() == attempt.url().origin();
            let is_same = attempt.previous().first().is_some_and(stays);
            if !is_same {
                attempt.stop()
            } else if attempt.previous().len() > MOST_REDIRECTS {
                attempt.error("too many redirects")
            } else {
                attempt.follow()
            }
        });
        let client = builder.redirect(policy).build()?;
        let carry = Carry(self.clone());
        Ok(reqwest_middleware::ClientBuilder::new(client)
            .with(carry)
            .build())
    }
}

/// Puts the tenant on requests. Private: it is only safe on a client that stays where it was sent.
struct Carry(Sender);

impl Middleware for Carry {
    fn handle<'a, 'e, 'n, 'f>(
        &'a self,
        mut request: Request,
        extensions: &'e mut Extensions,
        next: Next<'n>,
    ) -> Pin<Box<dyn Future<Output = reqwest_middleware::Result<Response>> + Send + 'f>>
    where
        'a: 'f,
        'e: 'f,
        'n: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let address: Uri = request
                .url()
                .as_str()
                .parse()
                .map_err(|error: http::uri::InvalidUri| Error::Middleware(error.into()))?;
            self.0
                .put(&address, request.headers_mut())
                .map_err(|refused| Error::Middleware(refused.into()))?;
            next.run(request, extensions).await
        })
    }
}

impl fmt::Debug for Carry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Carry").field(&self.0).finish()
    }
}
