//! Who a request is for and who asks: the layer of the CRM, with its sessions, keys, tokens and members.
//!
//! | file | holds |
//! |---|---|
//! | here | [`Identity`]: everything put together |
//! | `domains` | domains of tenants' own |
//! | `sessions` | sessions in the tenants' own tables |
//! | `members` | who is still a member |
//! | `signer` | the tokens that the CRM gives out |
//! | `guard` | nobody sees anything but the sign-in page before they signed in |
//! | `rights` | what a member may do, by role |

mod domains;
pub mod guard;
mod members;
pub mod rights;
mod sessions;
mod signer;

use std::sync::Arc;

use tenancy::http::domains::TxtLookup;
use tenancy::http::limit::Attempts;
use tenancy::http::{ApiKeys, Sessions, TenantLayer, UsedKeys};
use tenancy::sqlx::Secret;
use tenancy::{Error, TenantRegistry};

use crate::control::Control;
use crate::db::Db;
pub use domains::Domains;
use members::DbMembers;
use sessions::DbSessions;
pub use signer::Signer;

/// What stands before a tenant's slug in a path.
pub const PATH_PREFIX: &str = "/t";

/// The means by which requests say who they are for, and who asks.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Opens and closes sessions.
    pub sessions: Sessions,
    /// Gives out tokens for programs.
    pub signer: Signer,
    /// Domains and API keys.
    pub control: Control,
    /// How often somebody may try to sign in under one address.
    pub attempts: Attempts,
    keys: ApiKeys,
    db: Db,
    secret: Secret,
    dns: Option<Arc<dyn TxtLookup>>,
}

impl Identity {
    /// All means, over the tenants' tables and the registry. `secret` signs tokens.
    ///
    /// # Errors
    /// `ApiMisuse` if the secret is too short.
    pub fn new(db: &Db, control: Control, secret: &[u8]) -> Result<Self, Error> {
        Ok(Self {
            sessions: Sessions::new(DbSessions::new(db.clone())).with_name("crm")?,
            signer: Signer::new(secret)?,
            control,
            // Ten in a quarter of an hour; those that were right don't count.
            attempts: Attempts::new(10, 900),
            keys: ApiKeys::new(),
            db: db.clone(),
            secret: Secret::new(secret)?,
            dns: domains::system_dns(),
        })
    }

    /// The layer around everything that belongs to a tenant.
    ///
    /// # Errors
    /// `ApiMisuse` if `domain` is no domain.
    pub fn layer(
        &self,
        registry: Arc<dyn TenantRegistry>,
        domain: &str,
    ) -> Result<TenantLayer, Error> {
        let layer = TenantLayer::new(registry)
            .subdomain_of(domain)
            .custom_domains()
            .path_prefix(PATH_PREFIX)
            .api_keys(self.keys.clone())
            .tokens(self.signer.tokens())
            .sessions(self.sessions.clone())
            .members(DbMembers::new(self.db.clone()))
            .audit(self.control.clone());
        layer.ensure_configured()?;
        Ok(layer)
    }

    /// Asks another name server than the machine's.
    #[must_use]
    pub fn with_dns(self, dns: impl TxtLookup) -> Self {
        Self {
            dns: Some(Arc::new(dns)),
            ..self
        }
    }

    /// What is done about domains, where tenants have their subdomains below `own`.
    ///
    /// # Errors
    /// `ApiMisuse` if that is no domain.
    pub fn domains(&self, own: &str) -> Result<Domains, Error> {
        Domains::new(
            self.control.clone(),
            self.secret.clone(),
            self.dns.clone(),
            own,
        )
    }

    /// Which API keys were used since this was last asked.
    #[must_use]
    pub fn used_keys(&self) -> UsedKeys {
        self.keys.used()
    }
}
