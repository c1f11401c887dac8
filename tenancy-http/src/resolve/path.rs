//! [`PathPrefix`]: a tenant named in the path, taken off for the service below; [`Links`]: addresses that put it back.

use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{Request, Uri};
use tenancy_core::TenantSlug;

/// What stands before the tenant's slug in a path: `/t` for `/t/acme/leads`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathPrefix(Box<str>);

/// What a path says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InPath {
    /// It does not begin with the prefix.
    Nothing,
    /// It does, and what follows is no tenant of ours.
    Refused(&'static str),
    /// It names a tenant, and this is left of it for the service below.
    Tenant(TenantSlug, String),
}

impl PathPrefix {
    /// Checks a prefix: it begins with a slash, does not end with one, and has nothing in it that needs an escape.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let segments = text.strip_prefix('/')?;
        let plain = |segment: &str| {
            !segment.is_empty()
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        segments.split('/').all(plain).then(|| Self(text.into()))
    }

    /// Reads a path. The slug must stand there as it is: no escapes, no empty segment, no dots anywhere that somebody in
    /// front or below might resolve to another tenant's path.
    pub(super) fn read(&self, path: &str) -> InPath {
        let Some(rest) = path.strip_prefix(&*self.0) else {
            return InPath::Nothing;
        };
        let Some(rest) = rest.strip_prefix('/') else {
            return if rest.is_empty() {
                InPath::Refused("the path ends before the tenant")
            } else {
                InPath::Nothing
            };
        };
        let (slug, rest) = rest.split_once('/').unwrap_or((rest, ""));
        if rest.split('/').any(is_dots) {
            return InPath::Refused("the path has dot segments");
        }
        match TenantSlug::parse(slug) {
            Ok(slug) => InPath::Tenant(slug, format!("/{rest}")),
            Err(_) => InPath::Refused("what stands in the tenant's place is no slug"),
        }
    }

    /// Takes the prefix and the tenant off a request's target, and leaves [`Links`] that know them.
    pub(super) fn strip<B>(
        &self,
        request: &mut Request<B>,
        slug: &TenantSlug,
        rest: &str,
    ) -> Option<()> {
        let mut parts = request.uri().clone().into_parts();
        let query = request.uri().query();
        let target = match query {
            Some(query) => format!("{rest}?{query}"),
            None => rest.to_owned(),
        };
        parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
        *request.uri_mut() = Uri::from_parts(parts).ok()?;
        request
            .extensions_mut()
            .insert(Links(Some(format!("{}/{slug}", self.0).into())));
        Some(())
    }
}

/// Whether a segment is `.` or `..` in any spelling, or hides one behind a separator, however often it was escaped.
fn is_dots(segment: &str) -> bool {
    if !segment.contains(['.', '%', '\\']) {
        return false;
    }
    let mut folded = segment.to_ascii_lowercase();
    while folded.contains("%25") {
        folded = folded.replace("%25", "%");
    }
    folded
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/")
        .split(['/', '\\'])
        .any(|piece| matches!(piece, "." | ".."))
}

/// Makes addresses within the tenant that a request is for.
///
/// A page of a tenant that has a host of its own links to `/leads`; the same page of a tenant in the path to `/t/acme/leads`.
/// It is in the extensions of every request that the layer found a tenant in by its path, and an axum extractor that is empty
/// for all others. Links between tenants are not made here.
///
/// # Example: one template, two addresses
/// ```
/// use tenancy_http::Links;
///
/// assert_eq!(Links::default().to("/leads"), "/leads");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links(Option<Arc<str>>);

impl Links {
    /// What goes before a path that begins with a slash: empty on a host of the tenant's own, `/t/acme` in a path.
    #[must_use]
    pub fn base(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The address of a path of the service.
    #[must_use]
    pub fn to(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_reading() {
        let prefix = PathPrefix::parse("/t").unwrap();
        let check = |path: &str, expect: Option<(&str, &str)>| match (prefix.read(path), expect) {
            (InPath::Tenant(slug, rest), Some((expected, left))) => {
                assert_eq!((slug.as_str(), rest.as_str()), (expected, left), "{path}");
            }
            (InPath::Refused(_), None) => {}
            (found, _) => panic!("{path}: {found:?}"),
        };
        check("/t/acme", Some(("acme", "/")));
        check("/t/acme/", Some(("acme", "/")));
        check("/t/acme/leads", Some(("acme", "/leads")));
        check("/t/acme/leads/", Some(("acme", "/leads/")));
        check("/t/acme//leads", Some(("acme", "//leads")));
        check("/t/acme/a.b/..c", Some(("acme", "/a.b/..c")));
        check("/t/acme/caf%C3%A9", Some(("acme", "/caf%C3%A9")));
        check("/t/acme/50%25/a%2Fb", Some(("acme", "/50%25/a%2Fb")));
        for refused in [
            "/t",
            "/t/",
            "/t//",
            "/t//acme",
            "/t/Acme",
            "/t/%61cme",
            "/t/acme%2fleads",
            "/t/acme%00",
            "/t/www",
            "/t/.",
            "/t/../acme",
            "/t/acme/../globex/leads",
            "/t/acme/./leads",
            "/t/acme/..",
            "/t/acme/%2e%2e/globex",
            "/t/acme/.%2E/globex",
            "/t/acme/..%2fglobex",
            "/t/acme/x%5c..%5cglobex",
            "/t/acme/..\\globex",
            "/t/acme/%252e%252e/globex",
            "/t/xn--cme-5cd/leads",
        ] {
            check(refused, None);
        }
        for nothing in [
            "/",
            "/leads",
            "/T/acme",
            "/tt/acme",
            "/tenant/t/acme",
            "//t/acme",
            "/%74/acme",
        ] {
            assert_eq!(prefix.read(nothing), InPath::Nothing, "{nothing}");
        }
    }

    #[test]
    fn a_prefix_is_plain_segments() {
        for good in ["/t", "/tenants", "/a/b", "/a-b_c"] {
            assert!(PathPrefix::parse(good).is_some(), "{good}");
        }
        for bad in [
            "", "/", "t", "/t/", "//t", "/a//b", "/{t}", "/t?x", "/%74", "/a.b", "/..",
        ] {
            assert!(PathPrefix::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_service_below_sees_the_rest_and_links_put_it_back() {
        let prefix = PathPrefix::parse("/t").unwrap();
        let check = |target: &str, expect: &str| {
            let mut request = Request::get(target).body(()).unwrap();
            let InPath::Tenant(slug, rest) = prefix.read(request.uri().path()) else {
                panic!("{target}");
            };
            prefix.strip(&mut request, &slug, &rest).unwrap();
            assert_eq!(request.uri(), expect);
            let links = request.extensions().get::<Links>().unwrap();
            assert_eq!(links.to("/leads?x"), "/t/acme/leads?x");
        };
        check("/t/acme/leads?q=1&t=/t/globex", "/leads?q=1&t=/t/globex");
        check("/t/acme", "/");
        check("/t/acme?x", "/?x");
        check(
            "http://app.example.com/t/acme/leads",
            "http://app.example.com/leads",
        );
    }
}
