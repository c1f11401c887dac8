//! A statement that passed: its new text and what a pool has to know to run it.

use std::sync::Arc;

use crate::rewrite::Splice;

/// Whether a statement may change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a third answer would have to be thought about wherever one is matched"
)]
pub enum Access {
    /// It provably changes nothing: no write anywhere in it, no row locks, only functions known to be pure.
    Read,
    /// It writes, locks, or calls something that may.
    Write,
}

/// A statement confined to one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    sql: Arc<str>,
    params: usize,
    binds_tenant: bool,
    access: Access,
    splices: Box<[Splice]>,
}

impl Checked {
    pub(crate) fn new(
        sql: Arc<str>,
        params: usize,
        binds_tenant: bool,
        access: Access,
        splices: Vec<Splice>,
    ) -> Self {
        Self {
            sql,
            params,
            binds_tenant,
            access,
            splices: splices.into(),
        }
    }

    #[cfg(test)]
    pub(crate) fn untouched(sql: &str, params: usize, access: Access) -> Self {
        Self::new(sql.into(), params, false, access, Vec::new())
    }

    /// The rewritten text. The tenant is placeholder number [`params()`](Self::params)` + 1`; on SQLite it is written `$N`,
    /// or `?N` in a statement that itself uses `?N`.
    #[must_use]
    pub fn sql(&self) -> &Arc<str> {
        &self.sql
    }

    /// How many values the original text takes. Bind exactly as many before the tenant: one more, and the caller's value
    /// would be taken for the tenant.
    #[must_use]
    pub fn params(&self) -> usize {
        self.params
    }

    /// Whether the rewritten text takes the tenant. False when no tenant table occurs in it.
    #[must_use]
    pub fn binds_tenant(&self) -> bool {
        self.binds_tenant
    }

    /// Whether it may change anything.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// The replacements, for macros: start and length in characters of the original, and length of what replaces it.
    #[doc(hidden)]
    pub fn compiled_splices(&self) -> impl Iterator<Item = [usize; 3]> {
        self.splices
            .iter()
            .map(|splice| [splice.start, splice.removed, splice.inserted])
    }

    /// Where a position in the rewritten text was in the original, both in characters counted from 1 as PostgreSQL reports
    /// them. A position inside text of ours maps to the original text it stands for. `None` if it is past the end.
    #[must_use]
    pub fn original_position(&self, rewritten_char_pos: usize) -> Option<usize> {
        let wanted = rewritten_char_pos.checked_sub(1)?;
        if wanted > self.sql.chars().count() {
            return None;
        }
        let mut shift = 0_isize;
        for splice in &self.splices {
            let start = splice.start.checked_add_signed(shift)?;
            if wanted < start {
                break;
            }
            if wanted < start + splice.inserted {
                return Some(splice.start + 1);
            }
            shift +=
                isize::try_from(splice.inserted).ok()? - isize::try_from(splice.removed).ok()?;
        }
        wanted
            .checked_add_signed(-shift)
            .map(|position| position + 1)
    }
}
