//! `ObjectServer`: where objects of tenants are kept, and `BucketName`: what a tenant's own bucket is called. Opening and
//! remembering stores is here; what is done with one is in `store`.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tenancy_core::{IdRepr, Isolation, Placement, TenantId};

use crate::error::scrub;
use crate::seal::hex;
use crate::{Error, Result};

/// The name of a tenant's own bucket: `{app}-u-…`, `{app}-i-…`, `{app}-t-…` or `{app}-x-…`.
///
/// Derived from the tenant's id alone, like [`TenantId::schema_name`], within the rules that all stores share: 3 to 63 bytes
/// of `a-z`, `0-9` and `-`, neither beginning nor ending with `-`, never two of them in a row. A text id that these rules
/// don't allow is hashed (`x`). Different tenants have different buckets; and within its bucket a tenant has its own prefix
/// all the same, so that a wrong bucket holds nothing of it.
///
/// # Example
/// ```
/// use tenancy_core::TenantId;
/// use tenancy_object_store::BucketName;
///
/// let name = |id| Ok::<_, Box<dyn std::error::Error>>(BucketName::new("crm", TenantId::parse(id)?)?.to_string());
/// assert_eq!(name("42")?, "crm-i-42");
/// assert_eq!(name("acme-eu")?, "crm-t-acme-eu");
/// assert_eq!(name("67e55044-10b1-426f-9247-bb680e5fe0c8")?, "crm-u-67e5504410b1426f9247bb680e5fe0c8");
/// assert!(name("acme_eu")?.starts_with("crm-x-"));
/// assert!(BucketName::new("CRM", TenantId::parse("42")?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BucketName(String);

impl BucketName {
    /// The name of a tenant's bucket; `app` keeps the buckets of one service apart from everybody else's.
    ///
    /// # Errors
    /// [`Error::Config`] unless `app` is 1 to 16 of `a-z`, `0-9` and single hyphens, beginning and ending with neither.
    pub fn new(app: &str, tenant: TenantId) -> Result<Self> {
        if app.len() > 16 || !is_label(app) {
            return Err(Error::Config(
                "a bucket name begins with 1 to 16 of a-z, 0-9 and single hyphens between them",
            ));
        }
        Ok(Self(match tenant.repr() {
            IdRepr::Uuid(uuid) => format!("{app}-u-{}", uuid.simple()),
            IdRepr::Integer(integer) => format!("{app}-i-{integer}"),
            IdRepr::Text(text) if is_label(text) => format!("{app}-t-{text}"),
            IdRepr::Text(text) => {
                let mut hash = hex(&Sha256::digest(text));
                hash.truncate(40);
                format!("{app}-x-{hash}")
            }
        }))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(text: &str) -> bool {
    text.bytes()
        .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && text.split('-').all(|part| !part.is_empty())
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where objects of tenants are kept: one bucket that tenants share, and a way to the buckets of those who have their own.
///
/// # Isolation
/// | isolation | where a tenant's objects are |
/// |---|---|
/// | shared, schema | in the shared bucket, below a prefix of its own |
/// | database | in a bucket of its own, below the same prefix; refused if there is no [`buckets`](Self::buckets) |
///
/// With [`prefixes_only`](Self::prefixes_only) all of them are in the shared bucket.
pub struct ObjectServer<S> {
    shared: Arc<S>,
    own: Own<S>,
}

/// Makes the store of a bucket.
type Open<S> = Box<dyn Fn(&BucketName) -> object_store::Result<S> + Send + Sync>;

enum Own<S> {
    Refused,
    Prefix,
    Bucket {
        app: Box<str>,
        open: Open<S>,
        opened: Mutex<Opened<S>>,
    },
}

/// Stores of buckets, each with the tick of its last use.
struct Opened<S> {
    stores: HashMap<TenantId, (Arc<S>, u64)>,
    tick: u64,
}

/// How many buckets are kept open.
const OPEN: usize = 1024;

impl<S> ObjectServer<S> {
    /// A server with one bucket, folder or container that tenants share.
    ///
    /// Give it a store of its own root: an `AmazonS3` of one bucket, a `LocalFileSystem` with a prefix.
    pub fn new(shared: S) -> Self {
        Self {
            shared: Arc::new(shared),
            own: Own::Refused,
        }
    }

    /// Gives tenants whose placement is a database of their own a bucket of their own, too.
    ///
    /// `open` makes a store for a bucket. It is called when a bucket is first used and again if 1,024 others were used since,
    /// so it should make no more than a client: the bucket is there already, or is made by provisioning. It may read the current
    /// context, and can't enter another scope.
    ///
    /// # Errors
    /// [`Error::Config`] if `app` can't be the beginning of a bucket's name; see [`BucketName`].
    ///
    /// # Example: a folder for each
    /// ```
    /// use object_store::local::LocalFileSystem;
    /// use tenancy_object_store::{ObjectServer, object_store};
    ///
    /// # let root = tempfile::tempdir().unwrap();
    /// # let root = root.path().to_owned();
    /// let server = ObjectServer::new(LocalFileSystem::new_with_prefix(&root)?).buckets("crm", move |bucket| {
    ///     LocalFileSystem::new_with_prefix(root.join(bucket.as_str()))
    /// })?;
    /// # let _: ObjectServer<LocalFileSystem> = server;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn buckets(
        mut self,
        app: &str,
        open: impl Fn(&BucketName) -> object_store::Result<S> + Send + Sync + 'static,
    ) -> Result<Self> {
        if app.len() > 16 || !is_label(app) {
            return Err(Error::Config(
                "a bucket name begins with 1 to 16 of a-z, 0-9 and single hyphens between them",
            ));
        }
        self.own = Own::Bucket {
            app: app.into(),
            open: Box::new(open),
            opened: Mutex::new(Opened {
                stores: HashMap::new(),
                tick: 0,
            }),
        };
        Ok(self)
    }

    /// Keeps the objects of every tenant in the shared bucket, also of those that have a database of their own.
    #[must_use]
    pub fn prefixes_only(mut self) -> Self {
        self.own = Own::Prefix;
        self
    }

    /// The store that holds a tenant's objects.
    pub(crate) fn store(&self, tenant: TenantId, placement: &Placement) -> Result<Arc<S>> {
        match (placement.isolation(), &self.own) {
            (Isolation::Shared | Isolation::Schema, _) | (Isolation::Database, Own::Prefix) => {
                Ok(Arc::clone(&self.shared))
            }
            (Isolation::Database, Own::Refused) => Err(Error::NoBuckets),
            (Isolation::Database, Own::Bucket { app, open, opened }) => {
                let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
                opened.tick += 1;
                let tick = opened.tick;
                if let Some((store, used)) = opened.stores.get_mut(&tenant) {
                    *used = tick;
                    return Ok(Arc::clone(store));
                }
                let name = BucketName::new(app, tenant)?;
                let store = Arc::new(open(&name).map_err(|error| scrub(error, ""))?);
                if opened.stores.len() >= OPEN {
                    let oldest = opened.stores.iter().min_by_key(|(_, (_, used))| *used);
                    if let Some(oldest) = oldest.map(|(id, _)| *id) {
                        opened.stores.remove(&oldest);
                    }
                }
                opened.stores.insert(tenant, (Arc::clone(&store), tick));
                Ok(store)
            }
        }
    }
}

impl<S> fmt::Debug for ObjectServer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectServer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn bucket(id: &str) -> String {
        BucketName::new("app", TenantId::parse(id).unwrap())
            .unwrap()
            .to_string()
    }

    #[test]
    fn names_that_stores_do_not_allow_are_hashed() {
        for id in ["a_b", "a-b-", "a--b", "a_-b"] {
            assert!(bucket(id).starts_with("app-x-"), "{id}");
        }
        let names: HashSet<_> = ["a-b", "a_b", "a--b", "ab", "a-b-"]
            .into_iter()
            .map(bucket)
            .collect();
        assert_eq!(names.len(), 5);
        for app in ["", "-a", "a-", "A", "a_b", "a.b", "seventeen-letters"] {
            assert!(
                BucketName::new(app, TenantId::parse("1").unwrap()).is_err(),
                "{app}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_id_has_a_name_that_stores_allow(id in "[a-z0-9][a-z0-9_-]{0,35}") {
            if let Ok(id) = TenantId::parse(&id) {
                let name = BucketName::new("sixteen-letters1", id).unwrap();
                prop_assert!((3..=63).contains(&name.as_str().len()), "{}", name);
                prop_assert!(is_label(name.as_str()), "{}", name);
            }
        }
    }

    #[test]
    fn a_bucket_is_opened_once_and_the_least_used_is_forgotten() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let opened = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&opened);
        let server = ObjectServer::new(0)
            .buckets("app", move |_| Ok(count.fetch_add(1, Ordering::Relaxed)))
            .unwrap();
        let ask = |n: usize| {
            let id = TenantId::from_integer(i64::try_from(n).unwrap() + 1).unwrap();
            server.store(id, &Placement::database(&id)).unwrap()
        };
        for n in 0..OPEN {
            ask(n);
        }
        ask(0);
        assert_eq!(opened.load(Ordering::Relaxed), OPEN);
        ask(OPEN);
        ask(0);
        assert_eq!(
            opened.load(Ordering::Relaxed),
            OPEN + 1,
            "the first was used since"
        );
        ask(1);
        assert_eq!(
            opened.load(Ordering::Relaxed),
            OPEN + 2,
            "the second was forgotten"
        );
    }

    #[test]
    fn a_bucket_of_its_own_is_not_replaced_by_a_shared_one() {
        let id = TenantId::parse("1").unwrap();
        let server = ObjectServer::new(7);
        assert!(matches!(
            server.store(id, &Placement::database(&id)),
            Err(Error::NoBuckets)
        ));
        assert_eq!(*server.store(id, &Placement::schema(&id)).unwrap(), 7);
        assert_eq!(
            *server
                .prefixes_only()
                .store(id, &Placement::database(&id))
                .unwrap(),
            7
        );
    }
}
