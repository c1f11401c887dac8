//! `Prefix`: where a tenant's objects begin within a bucket, and the only way from a tenant's path to a whole one and back.
//! Which paths can be an object's at all is decided here too.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ListResult, ObjectMeta};
use tenancy_core::TenantId;

use crate::{Error, Result};

/// `tenants/tenant_i_7`: one segment of it is the tenant's alone, so that no tenant's name is the beginning of another's.
#[derive(Debug, Clone)]
pub(crate) struct Prefix(Arc<Path>);

impl Prefix {
    pub(crate) fn of(root: &Path, tenant: TenantId) -> Self {
        Self(Arc::new(root.clone().join(tenant.schema_name())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The whole path of an object.
    pub(crate) fn object(&self, location: &Path) -> Result<Path> {
        if location.is_root() {
            return Err(refused("it is empty; name the object"));
        }
        self.folder(location)
    }

    /// The whole path of a folder, which may be the tenant's uppermost.
    pub(crate) fn folder(&self, location: &Path) -> Result<Path> {
        check(location.as_ref())?;
        let mut whole = Path::clone(&self.0);
        whole.extend(location.parts());
        Ok(whole)
    }

    /// The beginning of whole keys for a listing by text, which need not end at a segment.
    pub(crate) fn text(&self, beginning: &str) -> Result<String> {
        if beginning.starts_with('/') {
            return Err(refused("it begins with `/`"));
        }
        check(beginning)?;
        let inner = beginning.strip_suffix('/').unwrap_or(beginning);
        if !inner.is_empty() && inner.split('/').any(str::is_empty) {
            return Err(refused("it has an empty segment"));
        }
        Ok(format!("{}/{beginning}", self.0))
    }

    /// The tenant's own path of a whole one. Whatever lies elsewhere is refused, not passed on.
    pub(crate) fn own(&self, whole: &Path) -> Result<Path> {
        let below = whole.as_ref().strip_prefix(self.path().as_ref());
        let own = below.and_then(|rest| rest.strip_prefix('/'));
        let own = own.filter(|own| !own.is_empty()).ok_or(Error::Foreign)?;
        // Checks and copies in one go. A name that no path may have, which some store came by, is taken part by part.
        let own =
            Path::parse(own).unwrap_or_else(|_| whole.parts().skip(self.0.parts_count()).collect());
        if own.is_root() {
            return Err(Error::Foreign);
        }
        Ok(own)
    }

    pub(crate) fn own_meta(&self, mut meta: ObjectMeta) -> Result<ObjectMeta> {
        meta.location = self.own(&meta.location)?;
        Ok(meta)
    }

    /// As [`own_meta`](Self::own_meta), of an object that was asked for as `location` and is at `whole`.
    pub(crate) fn own_meta_at(
        &self,
        mut meta: ObjectMeta,
        location: &Path,
        whole: &Path,
    ) -> Result<ObjectMeta> {
        if meta.location != *whole {
            return self.own_meta(meta);
        }
        meta.location.clone_from(location);
        Ok(meta)
    }

    pub(crate) fn own_list(&self, list: ListResult) -> Result<ListResult> {
        let ListResult {
            common_prefixes,
            objects,
            extensions,
        } = list;
        Ok(ListResult {
            common_prefixes: common_prefixes
                .iter()
                .map(|path| self.own(path))
                .collect::<Result<_>>()?,
            objects: objects
                .into_iter()
                .map(|meta| self.own_meta(meta))
                .collect::<Result<_>>()?,
            extensions,
        })
    }
}

/// Reads the path of an object out of a text that a user sent, in the one spelling it has.
///
/// [`Path::parse`] removes slashes at both ends, so that two texts mean one object. This refuses instead of tidying, and
/// decodes nothing: decode once where the text arrives, then ask here.
///
/// # Errors
/// [`Error::Path`] if the text is empty, begins or ends with `/`, has an empty segment, one that is or decodes to `.` or
/// `..`, a backslash or a control character.
///
/// # Example
/// ```
/// use tenancy_object_store::object_path;
///
/// assert_eq!(object_path("leads/7/offer.pdf")?.as_ref(), "leads/7/offer.pdf");
/// for refused in ["", "/leads", "leads/", "leads//7", "../globex/offer.pdf", "leads/%2e%2e/x", "..\\x", "a\0b"] {
///     assert!(object_path(refused).is_err());
/// }
/// # Ok::<(), tenancy_object_store::Error>(())
/// ```
pub fn object_path(text: &str) -> Result<Path> {
    check(text)?;
    let path = Path::parse(text).map_err(|_| refused("it has an empty or forbidden segment"))?;
    if path.is_root() || path.as_ref() != text {
        return Err(refused(
            "it is empty, or begins or ends with `/`; leave the slashes at the ends out",
        ));
    }
    Ok(path)
}

/// Refuses what some store, proxy or file system behind could take for a way out, though `Path` has let it pass.
fn check(text: &str) -> Result<()> {
    // Nearly every path ends here.
    if !text
        .bytes()
        .any(|b| matches!(b, b'\\' | b'%' | b'.') || b.is_ascii_control())
    {
        return Ok(());
    }
    if text.contains('\\') {
        return Err(refused(
            "it has a backslash, which some file systems read as `/`",
        ));
    }
    if text.bytes().any(|b| b.is_ascii_control()) {
        return Err(refused("it has a control character"));
    }
    if text.split('/').any(is_dots) {
        return Err(refused("a segment is `.` or `..`, or decodes to it"));
    }
    Ok(())
}

/// `.`, `..`, and what becomes one of them however often it is decoded.
fn is_dots(segment: &str) -> bool {
    let mut segment = segment.to_ascii_lowercase();
    while segment.contains("%25") {
        segment = segment.replace("%25", "%");
    }
    let segment = segment
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    // Some servers cut a segment at its first `;`.
    let mut parts = segment
        .split('/')
        .map(|part| part.split_once(';').map_or(part, |(name, _)| name));
    segment.contains('.') && parts.any(|part| matches!(part, "." | ".."))
}

fn refused(why: &'static str) -> Error {
    Error::Path { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(id: &str) -> Prefix {
        Prefix::of(&Path::from("tenants"), TenantId::parse(id).unwrap())
    }

    #[test]
    fn whole_paths_are_below_the_tenants_own_segment() {
        let check = |id, path: &str, expect: Option<&str>| {
            let whole = Path::parse(path)
                .map_err(|_| ())
                .and_then(|path| prefix(id).object(&path).map_err(|_| ()));
            assert_eq!(whole.ok().as_ref().map(AsRef::as_ref), expect, "{path:?}");
        };
        check("1", "a/b", Some("tenants/tenant_i_1/a/b"));
        check("a", "-b/x", Some("tenants/tenant_t_a/-b/x"));
        check(
            "1",
            "tenants/tenant_i_2/x",
            Some("tenants/tenant_i_1/tenants/tenant_i_2/x"),
        );
        check("1", "a.b/..c/...", Some("tenants/tenant_i_1/a.b/..c/..."));
        check("1", "50%25/x", Some("tenants/tenant_i_1/50%25/x"));
        for refused in [
            "",
            "/",
            "..",
            "a/../b",
            "%2e%2e/x",
            "a/%2E./x",
            "%252e%252e/x",
            "..%2f..%2fx",
            "a\\..\\b",
            "..%5cx",
            "a\nb",
        ] {
            check("1", refused, None);
        }
    }

    #[test]
    fn only_what_lies_below_comes_back() {
        let check = |id, whole: &str, expect: Option<&str>| {
            let own = prefix(id).own(&Path::from(whole));
            assert_eq!(own.ok().as_ref().map(AsRef::as_ref), expect, "{whole}");
        };
        check("1", "tenants/tenant_i_1/a/b", Some("a/b"));
        check("1", "tenants/tenant_i_1", None);
        check("1", "tenants/tenant_i_10/a", None);
        check("1", "tenants/tenant_i_2/a", None);
        check("1", "a", None);
        check("a", "tenants/tenant_t_a-b/x", None);
        check("a-b", "tenants/tenant_t_a/x", None);
    }

    #[test]
    fn listings_by_text_stay_below() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(prefix("1").text(text).ok().as_deref(), expect, "{text:?}");
        };
        check("", Some("tenants/tenant_i_1/"));
        check("fo", Some("tenants/tenant_i_1/fo"));
        check("foo/", Some("tenants/tenant_i_1/foo/"));
        for refused in ["/", "0/../x", "../", "..", "//", "a//b", "%2e%2e/", "a\\b"] {
            check(refused, None);
        }
    }
}
