//! Where a request says which host it is for, and that it says so once.

use http::{Request, header};

use super::name::{Host, Malformed};
use super::proxies::TrustedProxies;

/// The host of a request: the authority of its target (HTTP/2 and later, and the absolute form of HTTP/1.1), or else its
/// one `Host` header.
///
/// Where both are there they must agree. RFC 9112 would have a server ignore the header then; but a cache or a proxy in front
/// may have read the other one, and a request that means two tenants must not reach either. The same reasoning refuses two
/// `Host` headers even if they are equal.
///
/// What a trusted proxy says was asked for goes before both: `Host` is then the proxy's name for us.
pub(crate) fn host_of<'r, B>(
    request: &'r Request<B>,
    proxies: Option<&TrustedProxies>,
) -> Result<Host<'r>, Malformed> {
    if let Some(forwarded) = proxies.and_then(|proxies| proxies.host_of(request)) {
        return forwarded;
    }
    let target = match request.uri().authority() {
        Some(authority) => Some(Host::parse(authority.as_str())?),
        None => None,
    };
    let mut headers = request.headers().get_all(header::HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (None, _) => None,
        (Some(_), Some(_)) => return Err(Malformed::Several),
        (Some(value), None) => {
            let text = std::str::from_utf8(value.as_bytes()).map_err(|_| Malformed::NotAscii)?;
            Some(Host::parse(text)?)
        }
    };
    match (target, header) {
        (Some(target), Some(header)) if !target.agrees_with(&header) => Err(Malformed::Disagree),
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Err(Malformed::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, hosts: &[&[u8]], expect: Result<&str, Malformed>) {
        let mut request = Request::builder().uri(target);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let request = request.body(()).unwrap();
        let found = host_of(&request, None).map(|host| host.to_string());
        assert_eq!(found, expect.map(str::to_owned), "{target} {hosts:?}");
    }

    #[test]
    fn a_request_names_exactly_one_host() {
        use Malformed::*;
        let acme: &[u8] = b"acme.example.com";
        let globex: &[u8] = b"globex.example.com";

        check("/", &[acme], Ok("acme.example.com"));
        check("*", &[acme], Ok("acme.example.com"));
        check("http://acme.example.com/", &[], Ok("acme.example.com"));
        check(
            "http://acme.example.com:8080/",
            &[b"ACME.example.com."],
            Ok("acme.example.com"),
        );

        check("/", &[], Err(Missing));
        check("/", &[b""], Err(Missing));
        check("http://acme.example.com/", &[b""], Err(Missing));
        check("/", &[acme, globex], Err(Several));
        check("/", &[acme, acme], Err(Several));
        check("http://acme.example.com/", &[acme, acme], Err(Several));
        check("http://acme.example.com/", &[globex], Err(Disagree));
        check(
            "http://acme.example.com:80/",
            &[b"acme.example.com:81"],
            Err(Disagree),
        );
        check("http://globex@acme.example.com/", &[acme], Err(Userinfo));
        check("/", &[b"\xd0\xb0cme.example.com"], Err(NotAscii));
        check("/", &[b"\xffacme.example.com"], Err(NotAscii));
        check(
            "/",
            &[b"acme.example.com,globex.example.com"],
            Err(Character),
        );
    }
}
