//! [`Problem`]: an answer that says what the caller may know, and the log line that says the rest.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use tenancy_core::{Error, ErrorKind, TenantSlug};

/// How long a client is asked to wait while the registry is away, unless the application says otherwise.
const REGISTRY_RETRY: Duration = Duration::from_secs(5);
/// How long a client is asked to wait when its tenant moved in mid-request: the next attempt finds the new place.
const MOVE_RETRY: Duration = Duration::from_secs(1);

/// An error answer in the form of RFC 9457: `application/problem+json` with `type`, `title`, `status` and `detail`.
///
/// Made from a [`tenancy_core::Error`] it tells outsiders only what they may know, and the operators' log everything:
///
/// | kind of error | status | why |
/// |---|---|---|
/// | `NoTenant`, `UnknownTenant`, `WrongTenant`, `Suspended`, `InvalidId`, `InvalidSlug`, `InvalidDomain` | 404 | absent, not forbidden: all byte for byte the same |
/// | `ReadOnly` | 423 | the request was right and will be right again; 403 would send clients to their sign-in page |
/// | `Forbidden`, `CrossTenantRefused` | 403 | the caller is known and may not |
/// | `RegistryUnavailable` | 503 with `Retry-After` | an outage is never "no such tenant" |
/// | `Moved` | 503 with `Retry-After` | the same request finds the tenant at its new place |
/// | everything else | 500 | a mistake in the program; the log says which |
///
/// It never says which tenant was meant, and a `detail` that you add should not either.
///
/// # Example: turn errors into answers
/// ```
/// use http::StatusCode;
/// use tenancy_core::{Error, ErrorKind, TenantSlug};
/// use tenancy_http::Problem;
///
/// let suspended = Problem::from(Error::new(ErrorKind::Suspended, "the tenant is suspended since monday"));
/// assert_eq!(suspended, Problem::not_found());
///
/// let outage = Problem::from(Error::new(ErrorKind::RegistryUnavailable, "no connection to 10.0.0.7"));
/// assert_eq!(outage.status(), StatusCode::SERVICE_UNAVAILABLE);
///
/// let response: http::Response<Vec<u8>> = outage.into();
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// assert_eq!(response.headers()["retry-after"], "5");
/// assert!(!String::from_utf8_lossy(response.body()).contains("10.0.0.7"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem that its status says all about: `type` is `about:blank` and `title` the status's own phrase.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            detail: None,
            retry_after: None,
        }
    }

    /// The answer for whatever is not there *for this caller*: no such row, no such host, another tenant's row, a tenant
    /// that is suspended. Use it for your own 404s below the layer and nobody can tell them apart.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND)
    }

    /// The answer to a credential that proves nothing: 401, with the scheme to try. The same for every reason.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED)
    }

    /// The answer to a request that does not name one well-formed host.
    pub(crate) fn malformed_host() -> Self {
        Self::new(StatusCode::BAD_REQUEST)
            .with_detail("the request must name exactly one well-formed host")
    }

    /// The answer of a program that was put together wrongly. What is wrong is in the log.
    pub(crate) fn misconfigured() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR).with_detail("the service is misconfigured")
    }

    /// The answer to a request that is more than its tenant may have in a time.
    #[cfg(feature = "limit")]
    pub(crate) fn too_many() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS)
            .with_detail("that is more than may be asked in this time; come back later")
    }

    /// The answer to a request that is one more than its tenant may have at a time.
    #[cfg(feature = "limit")]
    pub(crate) fn busy() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS)
            .with_detail("too many requests are under way; wait for one of them")
            .with_retry_after(Duration::from_secs(1))
    }

    /// The answer while something that must be asked is away.
    #[cfg(feature = "redis")]
    pub(crate) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE).with_retry_after(REGISTRY_RETRY)
    }

    /// Adds a sentence about this occurrence, for the caller's eyes.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a `Retry-After` header, in whole seconds and rounded up.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence about this occurrence, if there is one.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl StdError for Problem {}

/// Logs the error with its causes (see the table at [`Problem`] for what is left of it outside).
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// Logs the error with its causes (see the table at [`Problem`] for what is left of it outside).
impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        Self::reported(error, None)
    }
}

impl Problem {
    /// Logs the error, with the slug that was asked for if it is known, and makes the answer.
    pub(crate) fn reported(error: &Error, slug: Option<&TenantSlug>) -> Self {
        let kind = error.kind();
        let slug = slug.map(tracing::field::display);
        let error = Causes(error);
        match kind {
            ErrorKind::UnknownTenant
            | ErrorKind::InvalidId
            | ErrorKind::InvalidSlug
            | ErrorKind::InvalidDomain => {
                tracing::info!(?kind, slug, %error, "answered as absent");
            }
            ErrorKind::Suspended
            | ErrorKind::ReadOnly
            | ErrorKind::Forbidden
            | ErrorKind::Moved => {
                tracing::warn!(?kind, slug, %error, "request refused");
            }
            _ => tracing::error!(?kind, slug, %error, "request failed"),
        }
        Self::from(kind)
    }
}

/// The answer of a kind of error, by the table at [`Problem`]; logs nothing.
impl From<ErrorKind> for Problem {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NoTenant
            | ErrorKind::UnknownTenant
            | ErrorKind::WrongTenant
            | ErrorKind::Suspended
            | ErrorKind::InvalidId
            | ErrorKind::InvalidSlug
            | ErrorKind::InvalidDomain => Self::not_found(),
            ErrorKind::ReadOnly => Self::new(StatusCode::LOCKED)
                .with_detail("changes are switched off for the moment; reading still works"),
            ErrorKind::Forbidden | ErrorKind::CrossTenantRefused => {
                Self::new(StatusCode::FORBIDDEN)
            }
            ErrorKind::RegistryUnavailable => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE).with_retry_after(REGISTRY_RETRY)
            }
            ErrorKind::Moved => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE).with_retry_after(MOVE_RETRY)
            }
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// The answer on the wire. `Cache-Control: no-store`, because a cache that kept a 404 would outlive the reason for it.
impl From<Problem> for Response<Vec<u8>> {
    fn from(problem: Problem) -> Self {
        let members = Members {
            kind: "about:blank",
            title: problem.status.canonical_reason().unwrap_or("Error"),
            status: problem.status.as_u16(),
            detail: problem.detail.as_deref(),
        };
        // Four members of text and number always serialise; an empty body would still carry the status.
        let mut response = Response::new(serde_json::to_vec(&members).unwrap_or_default());
        *response.status_mut() = problem.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if problem.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = problem.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The members of RFC 9457, in the order of its section 3.1.
#[derive(Serialize)]
struct Members<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

/// An error with all its sources on one line, for the log only.
struct Causes<'a>(&'a Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: &str = r#"{"type":"about:blank","title":"Not Found","status":404}"#;

    fn check(kind: ErrorKind, status: u16, body: &str) {
        let error = Error::new(kind, "tenant 42 named globex").with_source("postgres://secret");
        let response = Response::<Vec<u8>>::from(Problem::from(error));
        assert_eq!(response.status(), status, "{kind:?}");
        assert_eq!(String::from_utf8_lossy(response.body()), body, "{kind:?}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(
            response.headers().contains_key("retry-after"),
            status == 503
        );
    }

    #[test]
    fn every_kind_has_one_answer() {
        for absent in [
            ErrorKind::NoTenant,
            ErrorKind::UnknownTenant,
            ErrorKind::WrongTenant,
            ErrorKind::Suspended,
            ErrorKind::InvalidId,
            ErrorKind::InvalidSlug,
            ErrorKind::InvalidDomain,
        ] {
            check(absent, 404, ABSENT);
        }
        check(
            ErrorKind::ReadOnly,
            423,
            r#"{"type":"about:blank","title":"Locked","status":423,"detail":"changes are switched off for the moment; reading still works"}"#,
        );
        for forbidden in [ErrorKind::Forbidden, ErrorKind::CrossTenantRefused] {
            check(
                forbidden,
                403,
                r#"{"type":"about:blank","title":"Forbidden","status":403}"#,
            );
        }
        for later in [ErrorKind::RegistryUnavailable, ErrorKind::Moved] {
            check(
                later,
                503,
                r#"{"type":"about:blank","title":"Service Unavailable","status":503}"#,
            );
        }
        for mistake in [
            ErrorKind::ApiMisuse,
            ErrorKind::InvalidPlacement,
            ErrorKind::Other,
        ] {
            check(
                mistake,
                500,
                r#"{"type":"about:blank","title":"Internal Server Error","status":500}"#,
            );
        }
    }

    #[test]
    fn waiting_is_rounded_up_to_seconds() {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE)
            .with_retry_after(Duration::from_millis(1001));
        assert_eq!(Response::from(problem).headers()["retry-after"], "2");
    }

    #[test]
    fn the_log_has_every_cause() {
        let error = Error::new(ErrorKind::RegistryUnavailable, "the registry is away")
            .with_source("connection refused");
        assert_eq!(
            Causes(&error).to_string(),
            "the registry is away: connection refused"
        );
    }
}
