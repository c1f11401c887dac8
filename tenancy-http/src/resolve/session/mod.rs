//! Sessions of signed-in users: a cookie that only its own host gets, and a record in its own tenant's store.
//!
//! | file | holds |
//! |---|---|
//! | `cookie` | reading and writing of the cookie |
//! | `store` | the trait of stores, and one in memory |
//! | here | [`Sessions`], which opens and closes them |

mod cookie;
mod store;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};
use tenancy_core::{Actor, Error, ErrorKind, TenantContext, TenantId};
use uuid::Uuid;

use cookie::CookieName;
pub use cookie::SameSite;
pub use store::{InMemorySessions, Session, SessionStore};

/// The SHA-256 of what a session's cookie holds. The store keeps this; the cookie's text is nowhere but in the browser.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionHash([u8; 32]);

impl SessionHash {
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// The bytes, for a store to keep.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SessionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionHash(..)")
    }
}

/// Identifies users by a session cookie that is bound to one tenant.
///
/// The cookie is called `__Host-{name}-{tenant id}`, so a browser takes it over HTTPS (or from `localhost`) only, sends it
/// to the very host that set it, and lets no sibling subdomain write it. It is `HttpOnly`, `Secure` and `SameSite`. It holds
/// 244 random bits; the store holds their hash, the user, and when the session ends.
///
/// | the cookie | the request's user |
/// |---|---|
/// | of a session of the tenant that the request is for | the session's |
/// | of no session, or of one that ended | nobody: the sign-in page must be reachable |
/// | of another tenant, on a host of this one's | refused as absent, with an audit event |
/// | of another tenant, where the tenant is in the path | not looked at: one host serves both |
///
/// Opening a session draws new bits each time, so nobody can be made to use a session that somebody else knows.
///
/// # Example: sign in, come back, sign out
/// ```
/// use http::{Request, Response, StatusCode};
/// use tenancy_core::{InMemoryRegistry, RegistryExt, Tenant, TenantContext, TenantId, TenantSlug, Actor};
/// use tenancy_http::{InMemorySessions, Sessions, TenantLayer};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = InMemoryRegistry::new();
/// let (acme, globex) = (TenantSlug::parse("acme")?, TenantSlug::parse("globex")?);
/// registry.insert(Tenant::builder(TenantId::parse("1")?, acme).build()?)?;
/// registry.insert(Tenant::builder(TenantId::parse("2")?, globex).build()?)?;
/// let sessions = Sessions::new(InMemorySessions::new());
///
/// // What the handler of the sign-in page does once the password was right.
/// let context = TenantContext::for_request(registry.by_slug(&acme).await?, Actor::anonymous())?;
/// let cookie = sessions.open(&context, "ada").await?;
/// let sent = cookie.to_str()?.split(';').next().unwrap_or_default().to_owned();
///
/// let whoami = service_fn(async |_: Request<()>| {
///     Ok::<_, tenancy_core::Error>(Response::new(TenantContext::current()?.actor().to_string()))
/// });
/// let service = TenantLayer::new(registry)
///     .subdomain_of("example.com")
///     .sessions(sessions)
///     .members_vouched_for() // see `TenantLayer::members` for what most services want
///     .layer(whoami);
/// let ask = |host: &str| Request::builder().header("host", host).header("cookie", &sent).body(()).unwrap();
/// assert_eq!(service.clone().oneshot(ask("acme.example.com")).await?.status(), StatusCode::OK);
/// assert_eq!(service.oneshot(ask("globex.example.com")).await?.status(), StatusCode::NOT_FOUND);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    name: CookieName,
    lifetime: Duration,
    same_site: SameSite,
}

impl Sessions {
    /// Sessions in this store, of twelve hours, in a cookie called `__Host-session-…`, `SameSite=Lax`.
    pub fn new(store: impl SessionStore) -> Self {
        Self {
            store: Arc::new(store),
            name: CookieName::default(),
            lifetime: Duration::from_secs(12 * 60 * 60),
            same_site: SameSite::Lax,
        }
    }

    /// Another name for the cookie: what stands between `__Host-` and the tenant. Several services on one host need several.
    ///
    /// # Errors
    /// `ApiMisuse` if it is empty or has anything but ASCII letters and digits.
    pub fn with_name(mut self, name: &str) -> Result<Self, Error> {
        self.name = CookieName::parse(name).ok_or_else(|| {
            Error::new(
                ErrorKind::ApiMisuse,
                "a session cookie's name is made of ASCII letters and digits",
            )
        })?;
        Ok(self)
    }

    /// How long a session lasts from when it was opened; it is not prolonged by use.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Whether the cookie goes along when somebody follows a link from another site (`Lax`) or not (`Strict`).
    #[must_use]
    pub fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Opens a session of `user` in the context's tenant; the answer is the `Set-Cookie` header. Whoever calls this has
    /// authenticated the user.
    ///
    /// # Errors
    /// What the store says; nothing is set then. `Suspended` if the tenant was suspended meanwhile.
    pub async fn open(&self, context: &TenantContext, user: &str) -> Result<HeaderValue, Error> {
        context.ensure_live()?;
        if user.is_empty() {
            return Err(Error::new(
                ErrorKind::ApiMisuse,
                "a session needs the id of a user",
            ));
        }
        let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let session = Session::new(user, SystemTime::now() + self.lifetime);
        let hash = SessionHash::of(&secret);
        context
            .scope(async { self.store.save(context, &hash, &session).await })
            .await??;
        self.name
            .set(context.tenant_id(), &secret, self.lifetime, self.same_site)
    }

    /// Ends the session that a request's cookies name, in the store and, with the `Set-Cookie` header that is the answer, in
    /// the browser. No error if there is none.
    ///
    /// # Errors
    /// What the store says: the session may still be open then.
    pub async fn close(
        &self,
        context: &TenantContext,
        headers: &HeaderMap,
    ) -> Result<HeaderValue, Error> {
        let tenant = context.tenant_id();
        for (_, hash) in self.read(headers).iter().filter(|(id, _)| *id == tenant) {
            context
                .scope(async { self.store.delete(context, hash).await })
                .await??;
        }
        self.name.set(tenant, "", Duration::ZERO, self.same_site)
    }

    /// Ends all sessions of a user in the context's tenant: their password changed, or they were shown the door.
    ///
    /// # Errors
    /// What the store says: some may still be open then.
    pub async fn close_all(&self, context: &TenantContext, user: &str) -> Result<(), Error> {
        context
            .scope(async { self.store.delete_all(context, user).await })
            .await?
    }

    /// The sessions that cookies name. Two of one tenant are none: somebody planted one of them.
    pub(super) fn read(&self, headers: &HeaderMap) -> Vec<(TenantId, SessionHash)> {
        let mut found: Vec<(TenantId, SessionHash)> = Vec::new();
        let mut twice = Vec::new();
        for (tenant, secret) in self.name.read(headers) {
            if found.iter().any(|(id, _)| *id == tenant) {
                twice.push(tenant);
            } else {
                found.push((tenant, SessionHash::of(secret)));
            }
        }
        found.retain(|(tenant, _)| !twice.contains(tenant));
        found
    }

    /// The user of a session of the context's tenant, if there is such a session and it has not ended.
    pub(super) async fn user(
        &self,
        context: &TenantContext,
        hash: &SessionHash,
    ) -> Result<Option<Actor>, Error> {
        let session = context
            .scope(async { self.store.load(context, hash).await })
            .await??;
        Ok(session
            .filter(|session| session.ends() > SystemTime::now())
            .map(|session| Actor::user(session.user()))
            .filter(|actor| !actor.is_anonymous()))
    }
}
