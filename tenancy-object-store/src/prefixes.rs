//! `Prefixes`: the prefixes of tenants met lately, since writing one anew costs as much as finding an object in memory.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use foldhash::quality::RandomState;
use object_store::path::Path;
use tenancy_core::TenantId;

use crate::prefix::Prefix;

/// How many are remembered: some hundred kilobytes. More tenants than these at a time are none the worse for it but slower.
const MOST: usize = 2_048;

/// Where tenants begin below one root. A prefix follows from the id alone, so what is remembered is never outdated.
#[derive(Debug)]
pub(crate) struct Prefixes {
    root: Path,
    met: RwLock<HashMap<TenantId, Prefix, RandomState>>,
}

impl Prefixes {
    pub(crate) fn below(root: Path) -> Self {
        Self {
            root,
            met: RwLock::default(),
        }
    }

    pub(crate) fn of(&self, tenant: TenantId) -> Prefix {
        self.with(tenant, Prefix::clone)
    }

    /// Looks at a tenant's prefix where it is remembered. Others may wait for `f`, so it does not wait for anything.
    pub(crate) fn with<R>(&self, tenant: TenantId, f: impl FnOnce(&Prefix) -> R) -> R {
        let met = self.met.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(prefix) = met.get(&tenant) {
            return f(prefix);
        }
        drop(met);
        let prefix = Prefix::of(&self.root, tenant);
        let mut met = self.met.write().unwrap_or_else(PoisonError::into_inner);
        if met.len() >= MOST {
            met.clear();
        }
        met.insert(tenant, prefix.clone());
        drop(met);
        f(&prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_its_own_however_many_there_are() {
        let prefixes = Prefixes::below(Path::from("tenants"));
        for _ in 0..2 {
            for n in 1..=3_000 {
                let id = TenantId::from_integer(n).unwrap();
                let expect = format!("tenants/tenant_i_{n}");
                assert_eq!(prefixes.of(id).path().as_ref(), expect);
                assert!(prefixes.met.read().unwrap().len() <= MOST);
            }
        }
    }
}
