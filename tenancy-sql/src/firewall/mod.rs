//! The door: text in, [`Checked`] or [`Refused`] out, with a bounded cache in front. How a statement is rewritten is in
//! `rewrite`.

mod cache;
mod checked;
pub(crate) mod compiled;
mod refused;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use checked::{Access, Checked};
pub use refused::{Refused, RefusedKind};

use crate::Catalog;
use cache::Cache;

/// Checks statements against a [`Catalog`]. `Send` and `Sync`; share one behind an `Arc`.
///
/// # Isolation
/// An accepted statement reads and writes rows of the tenant bound to its last placeholder, rows of global tables, and
/// nothing else, whatever the statement says. What is not known to be safe is refused.
///
/// # Example: insert and its refused twin
/// ```
/// # use tenancy_sql::{Catalog, Dialect, Firewall, RefusedKind};
/// # let catalog = Catalog::builder(Dialect::Sqlite)
/// #     .migration("1", "CREATE TABLE leads (tenant_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT, PRIMARY KEY (tenant_id, id))")
/// #     .build()?;
/// let firewall = Firewall::new(catalog);
/// let checked = firewall.check("INSERT INTO leads (id, name) VALUES (?, ?)")?;
/// assert_eq!(&**checked.sql(), "INSERT INTO leads (id, name, tenant_id) VALUES (?, ?, $3)");
///
/// let refused = firewall.check("INSERT INTO leads (tenant_id, id) VALUES (?, ?)").unwrap_err();
/// assert_eq!(refused.kind(), RefusedKind::TenantColumn);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Firewall {
    catalog: Catalog,
    cache: Cache,
    compiled: AtomicU64,
    parsed: AtomicU64,
    /// Whether SQLite's placeholders are written out as `?N`.
    numbered: bool,
}

/// What a firewall did with texts that were not in its cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Misses {
    /// Taken as a macro had checked them while the program was compiled.
    pub compiled: u64,
    /// Parsed, and passed or refused.
    pub parsed: u64,
}

/// How many statements a firewall remembers unless it is told otherwise.
const DEFAULT_CAPACITY: usize = 4096;

impl Firewall {
    /// A firewall for one catalogue.
    #[must_use]
    pub fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            cache: Cache::new(DEFAULT_CAPACITY),
            compiled: AtomicU64::new(0),
            parsed: AtomicU64::new(0),
            numbered: false,
        }
    }

    /// Writes every placeholder of a SQLite statement as `?N`, for drivers that bind by the engine's own numbers (Diesel). The
    /// engine numbers a bare `?` by what stands before it, ours included. PostgreSQL's are numbered anyway.
    ///
    /// ```
    /// # use tenancy_sql::{Catalog, Dialect, Firewall};
    /// # let catalog = Catalog::builder(Dialect::Sqlite)
    /// #     .migration("1", "CREATE TABLE leads (tenant_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT, PRIMARY KEY (tenant_id, id))")
    /// #     .build()?;
    /// let firewall = Firewall::new(catalog).with_numbered_placeholders();
    /// let checked = firewall.check("DELETE FROM leads WHERE name = ? AND id <> ?")?;
    /// assert_eq!(
    ///     &**checked.sql(),
    ///     "DELETE FROM leads WHERE (name = ?1 AND id <> ?2) AND leads.tenant_id = ?3",
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_numbered_placeholders(self) -> Self {
        Self {
            numbered: true,
            ..self
        }
    }

    /// Remembers about `statements` distinct texts; 0 turns the cache off. Older texts that nobody asks for make room, so
    /// any number of distinct statements takes bounded memory.
    #[must_use]
    pub fn with_cache_capacity(self, statements: usize) -> Self {
        Self {
            cache: Cache::new(statements),
            ..self
        }
    }

    /// The catalogue it checks against.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// How often a text was not in the cache, and what was done with it. Many parsed texts in a program that has been running
    /// for a while mean statements put together with their values inside.
    #[must_use]
    pub fn misses(&self) -> Misses {
        Misses {
            compiled: self.compiled.load(Ordering::Relaxed),
            parsed: self.parsed.load(Ordering::Relaxed),
        }
    }

    /// Rewrites one statement so that it is confined to one tenant.
    ///
    /// A text that was accepted before costs a hash and a look into the cache. A text that was refused is looked at anew.
    ///
    /// # Errors
    /// [`Refused`], with the position, what was met there, why it can't pass and what to write instead.
    pub fn check(&self, sql: &str) -> Result<Arc<Checked>, Refused> {
        if let Some(checked) = self.cache.get(sql) {
            return Ok(checked);
        }
        if self.numbered
            && let Some(numbered) = crate::rewrite::numbered(&self.catalog, sql)?
        {
            self.parsed.fetch_add(1, Ordering::Relaxed);
            let checked = crate::rewrite::rewrite(&self.catalog, &numbered)
                // A refusal points into the text as it was written.
                .or_else(|refused| crate::rewrite::rewrite(&self.catalog, sql).and(Err(refused)))?;
            let checked = Arc::new(checked);
            self.cache.insert(sql, &checked);
            return Ok(checked);
        }
        // A statement that a macro checked over this catalogue is not parsed again.
        let checked = match compiled::find(self.catalog.fingerprint(), sql) {
            Some(checked) => {
                self.compiled.fetch_add(1, Ordering::Relaxed);
                checked
            }
            None => {
                self.parsed.fetch_add(1, Ordering::Relaxed);
                crate::rewrite::rewrite(&self.catalog, sql)?
            }
        };
        let checked = Arc::new(checked);
        self.cache.insert(sql, &checked);
        Ok(checked)
    }
}
