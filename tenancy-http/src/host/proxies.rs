//! [`TrustedProxies`]: who may say for which host a request was meant, and in which header.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{Extensions, HeaderName, Request};
use ipnet::IpNet;
use tenancy_core::{Error, ErrorKind};

use super::name::{Host, Malformed};

type PeerOf = Arc<dyn Fn(&Extensions) -> Option<IpAddr> + Send + Sync>;

/// The proxies that may say in `X-Forwarded-Host` which host a client asked for.
///
/// A proxy that passes on the `Host` it was given needs none of this, and is the better choice. Where one can't, its networks
/// are listed here. From any other peer the header is not looked at, and `Host` decides as ever; so does it if the peer's
/// address is not known.
///
/// The proxy must *set* the header, not add to it: a list, or two of them, is refused with 400.
///
/// # Example: a load balancer's network
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use http::{Request, Response, StatusCode};
/// use tenancy_core::{InMemoryRegistry, Tenant, TenantId, TenantSlug};
/// use tenancy_http::{TenantLayer, TrustedProxies};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = InMemoryRegistry::new();
/// registry.insert(Tenant::builder(TenantId::parse("42")?, TenantSlug::parse("acme")?).build()?)?;
///
/// // With axum: `extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())`.
/// let proxies = TrustedProxies::new(["10.0.0.0/8", "fd00::/8"], |extensions| {
///     extensions.get::<SocketAddr>().map(SocketAddr::ip)
/// })?;
/// let ok = service_fn(async |_: Request<()>| Ok::<_, std::convert::Infallible>(Response::new(String::new())));
/// let service = TenantLayer::new(registry).subdomain_of("example.com").behind(proxies).layer(ok);
///
/// let ask = |peer: &str| Request::builder()
///     .header("host", "backend.internal").header("x-forwarded-host", "acme.example.com")
///     .extension(peer.parse::<SocketAddr>().unwrap()).body(()).unwrap();
/// assert_eq!(service.clone().oneshot(ask("10.1.2.3:40000")).await?.status(), StatusCode::OK);
/// assert_eq!(service.oneshot(ask("192.0.2.1:40000")).await?.status(), StatusCode::NOT_FOUND);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TrustedProxies {
    networks: Arc<[IpNet]>,
    peer: PeerOf,
    header: HeaderName,
}

impl TrustedProxies {
    /// Trusts peers in these networks (`10.0.0.0/8`, `2001:db8::/32`, or single addresses). `peer` says which address a request
    /// came from, out of its extensions: the server that accepted the connection put it there.
    ///
    /// # Errors
    /// `ApiMisuse` if one is no network, or is the whole internet.
    pub fn new<'n>(
        networks: impl IntoIterator<Item = &'n str>,
        peer: impl Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let networks = networks
            .into_iter()
            .map(network)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            networks,
            peer: Arc::new(peer),
            header: HeaderName::from_static("x-forwarded-host"),
        })
    }

    /// Reads another header than `X-Forwarded-Host`: the one that *this* proxy overwrites.
    #[must_use]
    pub fn with_header(mut self, header: HeaderName) -> Self {
        self.header = header;
        self
    }

    /// The host that a trusted peer says was asked for; `None` if the peer is not trusted or says nothing.
    pub(super) fn host_of<'r, B>(
        &self,
        request: &'r Request<B>,
    ) -> Option<Result<Host<'r>, Malformed>> {
        let peer = (self.peer)(request.extensions())?.to_canonical();
        if !self.networks.iter().any(|network| network.contains(&peer)) {
            return None;
        }
        let mut values = request.headers().get_all(&self.header).iter();
        Some(match (values.next()?, values.next()) {
            (_, Some(_)) => Err(Malformed::Several),
            (value, None) => match value.to_str() {
                Ok(text) => Host::parse(text),
                Err(_) => Err(Malformed::NotAscii),
            },
        })
    }
}

fn network(text: &str) -> Result<IpNet, Error> {
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    match network {
        Ok(network) if network.prefix_len() > 0 => Ok(network),
        Ok(_) => Err(Error::new(
            ErrorKind::ApiMisuse,
            "the whole internet is no network of proxies; list the proxies' own",
        )),
        Err(_) => Err(Error::new(
            ErrorKind::ApiMisuse,
            format!(
                "`{}` is no network; write it like `10.0.0.0/8`",
                text.escape_debug()
            ),
        )),
    }
}

impl fmt::Debug for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedProxies")
            .field("networks", &self.networks)
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_networks() {
        let check = |text: &str, good: bool| {
            assert_eq!(
                TrustedProxies::new([text], |_| None).is_ok(),
                good,
                "{text}"
            );
        };
        for good in ["10.0.0.0/8", "127.0.0.1", "::1", "2001:db8::/32"] {
            check(good, true);
        }
        for bad in [
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/33",
            "proxy.internal",
            "",
            "10.0.0.*",
        ] {
            check(bad, false);
        }
    }

    #[test]
    fn only_its_own_peers_are_believed_and_only_one_plain_value() {
        let proxies = TrustedProxies::new(["10.0.0.0/8"], |extensions| {
            extensions.get::<IpAddr>().copied()
        })
        .unwrap();
        let check =
            |peer: Option<&str>, values: &[&str], expect: Option<Result<&str, Malformed>>| {
                let mut request = Request::get("/").header("host", "backend");
                for value in values {
                    request = request.header("x-forwarded-host", *value);
                }
                let mut request = request.body(()).unwrap();
                if let Some(peer) = peer {
                    request
                        .extensions_mut()
                        .insert(peer.parse::<IpAddr>().unwrap());
                }
                let found = proxies
                    .host_of(&request)
                    .map(|host| host.map(|host| host.to_string()));
                assert_eq!(
                    found,
                    expect.map(|host| host.map(str::to_owned)),
                    "{peer:?} {values:?}"
                );
            };
        let acme = "acme.example.com";
        check(Some("10.9.8.7"), &[acme], Some(Ok(acme)));
        check(Some("::ffff:10.9.8.7"), &[acme], Some(Ok(acme)));
        check(Some("11.0.0.1"), &[acme], None);
        check(Some("::1"), &[acme], None);
        check(None, &[acme], None);
        check(Some("10.9.8.7"), &[], None);
        check(
            Some("10.9.8.7"),
            &[acme, acme],
            Some(Err(Malformed::Several)),
        );
        check(
            Some("10.9.8.7"),
            &["acme.example.com, evil.org"],
            Some(Err(Malformed::Character)),
        );
        check(Some("10.9.8.7"), &[""], Some(Err(Malformed::Missing)));
    }
}
