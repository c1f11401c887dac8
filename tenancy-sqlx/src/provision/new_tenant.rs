//! What a tenant is to be.

use serde_json::{Map, Value as Json};
use tenancy_core::{Isolation, ServerName, TenantId, TenantSlug};

/// A tenant that is to be provisioned.
///
/// # Example: a tenant with a schema of its own
/// ```
/// use tenancy_core::{Isolation, TenantSlug};
/// use tenancy_sqlx::provision::NewTenant;
///
/// let initech = NewTenant::new(TenantSlug::parse("initech")?)
///     .name("Initech GmbH")
///     .isolation(Isolation::Schema)
///     .plan("team");
/// # let _ = initech;
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is only a description; pass it to `Provisioner::provision`"]
pub struct NewTenant {
    pub(super) slug: TenantSlug,
    pub(super) id: Option<TenantId>,
    pub(super) name: Option<String>,
    pub(super) isolation: Isolation,
    pub(super) server: ServerName,
    pub(super) plan: Option<String>,
    pub(super) settings: Map<String, Json>,
    pub(super) features: Vec<String>,
}

impl NewTenant {
    /// A tenant in shared tables of the server `main`, with a new random id.
    pub fn new(slug: TenantSlug) -> Self {
        Self {
            slug,
            id: None,
            name: None,
            isolation: Isolation::Shared,
            server: ServerName::default(),
            plan: None,
            settings: Map::new(),
            features: Vec::new(),
        }
    }

    /// Gives it this id. Needed where the tenant column is an integer; elsewhere the default is a new UUID (version 7).
    pub fn id(mut self, id: TenantId) -> Self {
        self.id = Some(id);
        self
    }

    /// The name people see; the slug by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Where its rows live: shared tables, a schema or a database of its own.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// The server on which.
    pub fn on(mut self, server: ServerName) -> Self {
        self.server = server;
        self
    }

    /// The plan it is on.
    pub fn plan(mut self, plan: impl Into<String>) -> Self {
        self.plan = Some(plan.into());
        self
    }

    /// Settings that travel with it.
    pub fn settings(mut self, settings: Map<String, Json>) -> Self {
        self.settings = settings;
        self
    }
    /// Switches a feature on for it.
    pub fn feature(mut self, name: impl Into<String>) -> Self {
        self.features.push(name.into());
        self
    }
}
