//! The cookie of a session: `__Host-{name}-{tenant id}={secret}`, read from and written to headers.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use tenancy_core::{Error, ErrorKind, TenantId};

/// Hexadecimal digits of a secret.
const SECRET: usize = 64;

/// When a browser sends the cookie along with a request that another site caused.
#[expect(
    clippy::exhaustive_enums,
    reason = "RFC 6265bis has three; `None` would let every site use the session, so it is left out"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// When somebody follows a link: they arrive signed in. Never with a form or a script of another site.
    Lax,
    /// Never.
    Strict,
}

/// `__Host-{name}-`: what the names of our cookies begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CookieName(Box<str>);

impl Default for CookieName {
    fn default() -> Self {
        Self("__Host-session-".into())
    }
}

impl CookieName {
    pub(super) fn parse(name: &str) -> Option<Self> {
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
        plain.then(|| Self(format!("__Host-{name}-").into()))
    }

    /// The tenants and secrets of our cookies in a request. What is not of our form is somebody else's cookie.
    pub(super) fn read<'a>(
        &'a self,
        headers: &'a HeaderMap,
    ) -> impl Iterator<Item = (TenantId, &'a str)> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
            .filter_map(|(name, secret)| {
                let tenant = TenantId::parse(name.strip_prefix(&*self.0)?).ok()?;
                let ours = secret.len() == SECRET && secret.bytes().all(|b| b.is_ascii_hexdigit());
                ours.then_some((tenant, secret))
            })
    }

    /// The header that sets the cookie, or with an empty secret removes it.
    pub(super) fn set(
        &self,
        tenant: TenantId,
        secret: &str,
        lifetime: Duration,
        same_site: SameSite,
    ) -> Result<HeaderValue, Error> {
        let same_site = match same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
        };
        let text = format!(
            "{}{tenant}={secret}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite={same_site}",
            self.0,
            lifetime.as_secs()
        );
        let mut value = HeaderValue::try_from(text).map_err(|error| {
            Error::new(ErrorKind::Other, "no header holds this cookie").with_source(error)
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_back_and_nothing_else_is() {
        let name = CookieName::default();
        let secret = "a".repeat(SECRET);
        let id = TenantId::parse("42").unwrap();
        let set = name
            .set(id, &secret, Duration::from_secs(60), SameSite::Lax)
            .unwrap();
        assert_eq!(
            set.to_str().unwrap(),
            format!(
                "__Host-session-42={secret}; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"
            )
        );
        let check = |cookies: &[&str], expect: &[&str]| {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append(
                    header::COOKIE,
                    cookie.replace('S', &secret).parse().unwrap(),
                );
            }
            let found: Vec<_> = name.read(&headers).map(|(id, _)| id.to_string()).collect();
            assert_eq!(found, expect, "{cookies:?}");
        };
        check(&["__Host-session-42=S"], &["42"]);
        check(&["a=b; __Host-session-42=S;c=d"], &["42"]);
        check(&["a=b", "__Host-session-42=S"], &["42"]);
        check(&["__Host-session-42=S; __Host-session-7=S"], &["42", "7"]);
        check(
            &[
                "session-42=S",
                "__Secure-session-42=S",
                "__host-session-42=S",
            ],
            &[],
        );
        check(
            &[
                "__Host-session-=S",
                "__Host-session-042=S",
                "__Host-session-A=S",
            ],
            &[],
        );
        check(
            &[
                "__Host-session-42=",
                "__Host-session-42=xyz",
                "__Host-session-42=\"S\"",
            ],
            &[],
        );
        check(&["__Host-session-42=SS"], &[]);
    }

    #[test]
    fn names_are_plain() {
        assert!(CookieName::parse("crm").is_some());
        for bad in ["", "a-b", "a b", "a=b", "a;b", "é"] {
            assert!(CookieName::parse(bad).is_none(), "{bad}");
        }
    }
}
