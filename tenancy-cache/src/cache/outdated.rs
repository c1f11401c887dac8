//! What an invalidation is about, in memory and as a message to other nodes.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use tenancy_core::TenantId;
use uuid::Uuid;

/// What of a tenant is outdated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outdated {
    All,
    Key(Box<str>),
    Tag(Box<str>),
}

/// One channel carries all tenants' news; the tenant is in the message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct News {
    /// Who sends it, and so needs not hear it.
    pub(super) node: Uuid,
    pub(super) tenant: TenantId,
    pub(super) outdated: Outdated,
}

/// Above so many, a tenant's unsent news is "all".
const MOST: usize = 1000;

/// What Redis could not be told while it was away.
#[derive(Debug, Default)]
pub(super) struct Unsent(HashMap<TenantId, HashSet<Said>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Said {
    All,
    Key(Box<str>),
    Tag(Box<str>),
}

impl Unsent {
    pub(super) fn add(&mut self, tenant: TenantId, outdated: Outdated) {
        let said = self.0.entry(tenant).or_default();
        if said.contains(&Said::All) {
            return;
        }
        let new = match outdated {
            Outdated::All => Said::All,
            Outdated::Key(key) => Said::Key(key),
            Outdated::Tag(tag) => Said::Tag(tag),
        };
        if new == Said::All || said.len() >= MOST {
            said.clear();
            said.insert(Said::All);
        } else {
            said.insert(new);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Some of it, to be sent; [`sent`](Self::sent) takes it off.
    pub(super) fn some(&self) -> Option<(TenantId, Outdated)> {
        let (tenant, said) = self.0.iter().next()?;
        let outdated = match said.iter().next()? {
            Said::All => Outdated::All,
            Said::Key(key) => Outdated::Key(key.clone()),
            Said::Tag(tag) => Outdated::Tag(tag.clone()),
        };
        Some((*tenant, outdated))
    }

    pub(super) fn sent(&mut self, tenant: TenantId, outdated: &Outdated) {
        let Some(said) = self.0.get_mut(&tenant) else {
            return;
        };
        said.remove(&match outdated {
            Outdated::All => Said::All,
            Outdated::Key(key) => Said::Key(key.clone()),
            Outdated::Tag(tag) => Said::Tag(tag.clone()),
        });
        if said.is_empty() {
            self.0.remove(&tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_becomes_all_and_nothing_is_lost() {
        let tenant = TenantId::new_v7();
        let mut unsent = Unsent::default();
        for n in 0..2 * MOST {
            unsent.add(tenant, Outdated::Key(n.to_string().into()));
        }
        assert_eq!(unsent.some(), Some((tenant, Outdated::All)));
        unsent.sent(tenant, &Outdated::All);
        assert!(unsent.is_empty());
        unsent.add(tenant, Outdated::Tag("t".into()));
        unsent.add(tenant, Outdated::Key("t".into()));
        let (_, first) = unsent.some().unwrap();
        unsent.sent(tenant, &first);
        assert!(!unsent.is_empty());
    }

    #[test]
    fn news_of_no_tenant_is_no_news() {
        let news =
            r#"{"node":"67e55044-10b1-426f-9247-bb680e5fe0c8","tenant":"../x","outdated":"all"}"#;
        assert!(serde_json::from_str::<News>(news).is_err());
        let news = news.replace("../x", "42");
        assert!(serde_json::from_str::<News>(&news).is_ok());
    }
}
