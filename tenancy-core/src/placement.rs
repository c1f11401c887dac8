//! `Placement`: where one tenant lives, as data. How a driver gets there is the driver's business.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::inline::InlineStr;
use crate::{Error, ErrorKind, TenantId};

/// How far a tenant is kept from the others. Also known as pool, bridge and silo.
#[expect(
    clippy::exhaustive_enums,
    reason = "every driver must decide about every model; a new one is a breaking change on purpose"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Its rows share tables with those of other tenants.
    Shared,
    /// It has a schema of its own in a shared database.
    Schema,
    /// It has a database of its own.
    Database,
}

impl Isolation {
    /// The word for it, as registries store it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Schema => "schema",
            Self::Database => "database",
        }
    }

    /// Reads the word that [`as_str`](Self::as_str) writes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPlacement`] for any other text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "shared" => Ok(Self::Shared),
            "schema" => Ok(Self::Schema),
            "database" => Ok(Self::Database),
            _ => Err(invalid("not an isolation; use shared, schema or database")),
        }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidPlacement, message)
}

/// The name under which the service's configuration knows a database server: `[a-z0-9][a-z0-9_-]{0,31}`.
///
/// The default is `main`. `Copy`, 33 bytes wide.
///
/// # Example
/// ```
/// use tenancy_core::ServerName;
///
/// assert_eq!(ServerName::default().as_str(), "main");
/// assert_eq!(ServerName::parse("eu-2")?.as_str(), "eu-2");
/// assert!(ServerName::parse("EU 2").is_err());
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerName(InlineStr<32>);

impl ServerName {
    /// Reads a server name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPlacement`] if the text is not of the form above.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let begins_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let well_formed = text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        match InlineStr::new(text) {
            Some(inline) if begins_well && well_formed => Ok(Self(inline)),
            _ => Err(invalid(
                "not a server name; use 1 to 32 of a-z, 0-9, `_` and `-`, beginning with a letter or digit",
            )),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Default for ServerName {
    fn default() -> Self {
        const MAIN: InlineStr<32> = match InlineStr::new("main") {
            Some(main) => main,
            None => unreachable!(),
        };
        Self(MAIN)
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerName({self})")
    }
}

impl FromStr for ServerName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl Serialize for ServerName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ServerName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Where one tenant lives: isolation, server, and the name of its own schema or database if it has one.
///
/// The name is never chosen: it is [`TenantId::schema_name`] of the tenant, and a [`Tenant`](crate::Tenant) can't be
/// built with the placement of another. Cheap to clone; one word wide.
///
/// # Isolation
/// Shared placements have no name. Schema and database placements have one, unique among all tenants.
///
/// # Example: three tenants, one of them on a server of its own
/// ```
/// use tenancy_core::{Isolation, Placement, ServerName, TenantId};
///
/// let id = TenantId::parse("7")?;
/// assert_eq!(Placement::shared().name(), None);
/// assert_eq!(Placement::schema(&id).name(), Some("tenant_i_7"));
/// let far = Placement::database(&id).on(ServerName::parse("eu-2")?);
/// assert_eq!((far.isolation(), far.server().as_str()), (Isolation::Database, "eu-2"));
///
/// // What a registry stored is checked when it is read back.
/// assert_eq!(Placement::from_parts(Isolation::Database, far.server().clone(), Some("tenant_i_7"))?, far);
/// assert!(Placement::from_parts(Isolation::Schema, ServerName::default(), None).is_err());
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Placement(Arc<Parts>);

#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    isolation: Isolation,
    #[serde(default)]
    server: ServerName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Box<str>>,
}

impl Placement {
    /// Among the rows of other tenants, on the server `main`.
    #[must_use]
    pub fn shared() -> Self {
        static SHARED: LazyLock<Placement> = LazyLock::new(|| {
            Placement(Arc::new(Parts {
                isolation: Isolation::Shared,
                server: ServerName::default(),
                name: None,
            }))
        });
        SHARED.clone()
    }

    /// In a schema of its own, on the server `main`.
    #[must_use]
    pub fn schema(tenant: &TenantId) -> Self {
        Self::named(Isolation::Schema, tenant)
    }

    /// In a database of its own, on the server `main`.
    #[must_use]
    pub fn database(tenant: &TenantId) -> Self {
        Self::named(Isolation::Database, tenant)
    }

    /// Where a tenant lives under this isolation, on the server `main`.
    ///
    /// # Example
    /// ```
    /// use tenancy_core::{Isolation, Placement, TenantId};
    ///
    /// let id = TenantId::parse("7")?;
    /// assert_eq!(Placement::of(Isolation::Schema, &id), Placement::schema(&id));
    /// # Ok::<(), tenancy_core::Error>(())
    /// ```
    #[must_use]
    pub fn of(isolation: Isolation, tenant: &TenantId) -> Self {
        match isolation {
            Isolation::Shared => Self::shared(),
            Isolation::Schema | Isolation::Database => Self::named(isolation, tenant),
        }
    }

    fn named(isolation: Isolation, tenant: &TenantId) -> Self {
        let name = Some(tenant.schema_name().into_boxed_str());
        Self(Arc::new(Parts {
            isolation,
            server: ServerName::default(),
            name,
        }))
    }

    /// The same place on another server.
    #[must_use]
    pub fn on(self, server: ServerName) -> Self {
        if self.0.server == server {
            return self;
        }
        let mut parts = Arc::unwrap_or_clone(self.0);
        parts.server = server;
        Self(Arc::new(parts))
    }

    /// A placement as a registry stored it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPlacement`] if a shared placement has a name, another one has none, or the name is not of
    /// the form that [`TenantId::schema_name`] makes. Whether it is the name of the *right* tenant is checked by
    /// [`TenantBuilder::build`](crate::TenantBuilder::build).
    pub fn from_parts(
        isolation: Isolation,
        server: ServerName,
        name: Option<&str>,
    ) -> Result<Self, Error> {
        match (isolation, name) {
            (Isolation::Shared, None) => Ok(Self::shared().on(server)),
            (Isolation::Shared, Some(_)) => Err(invalid(
                "a shared placement has no name; remove it or choose another isolation",
            )),
            (Isolation::Schema | Isolation::Database, None) => Err(invalid(
                "this placement needs the name of the tenant's schema or database",
            )),
            (Isolation::Schema | Isolation::Database, Some(name)) if is_schema_name(name) => {
                Ok(Self(Arc::new(Parts {
                    isolation,
                    server,
                    name: Some(name.into()),
                })))
            }
            _ => Err(invalid(
                "not a name that a tenant's schema or database can have; take it from `TenantId::schema_name`",
            )),
        }
    }

    /// How far the tenant is kept from the others.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.0.isolation
    }

    /// The server it is on.
    #[must_use]
    pub fn server(&self) -> &ServerName {
        &self.0.server
    }

    /// The name of its own schema or database; `None` in shared tables.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether this is a place for that tenant: shared, or under its own name.
    pub(crate) fn is_for(&self, tenant: &TenantId) -> bool {
        self.name().is_none_or(|name| name == tenant.schema_name())
    }
}

fn is_schema_name(name: &str) -> bool {
    name.len() <= 63
        && ["tenant_u_", "tenant_i_", "tenant_t_"]
            .iter()
            .any(|prefix| {
                name.strip_prefix(prefix)
                    .is_some_and(|rest| !rest.is_empty())
            })
        && name
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

impl fmt::Debug for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts {
            isolation,
            server,
            name,
        } = &*self.0;
        f.debug_struct("Placement")
            .field("isolation", isolation)
            .field("server", server)
            .field("name", name)
            .finish()
    }
}

impl Serialize for Placement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Placement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Parts {
            isolation,
            server,
            name,
        } = Parts::deserialize(deserializer)?;
        Self::from_parts(isolation, server, name.as_deref()).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_parts_are_checked() {
        let check = |isolation, name: Option<&str>, expect: bool| {
            let found = Placement::from_parts(isolation, ServerName::default(), name);
            assert_eq!(found.is_ok(), expect, "{isolation} {name:?}");
        };
        check(Isolation::Shared, None, true);
        check(Isolation::Shared, Some("tenant_i_1"), false);
        for isolation in [Isolation::Schema, Isolation::Database] {
            check(isolation, Some("tenant_i_1"), true);
            check(isolation, None, false);
            for name in [
                "",
                "public",
                "tenant_i_",
                "pg_catalog",
                "tenant_i_1\"",
                "Tenant_i_1",
                "tenant_x_1",
                &format!("tenant_t_{}", "a".repeat(60)),
            ] {
                check(isolation, Some(name), false);
            }
        }
    }

    #[test]
    fn survives_serde_and_only_well_formed() {
        let id = TenantId::parse("acme").unwrap();
        for placement in [
            Placement::shared(),
            Placement::schema(&id),
            Placement::database(&id).on(ServerName::parse("eu").unwrap()),
        ] {
            let json = serde_json::to_string(&placement).unwrap();
            assert_eq!(serde_json::from_str::<Placement>(&json).unwrap(), placement);
        }
        for wrong in [
            r#"{"isolation":"shared","name":"tenant_i_1"}"#,
            r#"{"isolation":"schema"}"#,
            r#"{"isolation":"shared","server":"A"}"#,
            r#"{"isolation":"shared","x":1}"#,
            r#"{}"#,
        ] {
            assert!(serde_json::from_str::<Placement>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn knows_whose_it_is() {
        let (one, ten) = (
            TenantId::parse("1").unwrap(),
            TenantId::parse("10").unwrap(),
        );
        assert!(Placement::shared().is_for(&one));
        assert!(Placement::schema(&one).is_for(&one));
        assert!(!Placement::schema(&one).is_for(&ten));
        assert!(!Placement::database(&ten).is_for(&one));
    }

    #[test]
    fn server_names() {
        let check = |text: &str, expect: bool| {
            assert_eq!(ServerName::parse(text).is_ok(), expect, "{text:?}");
        };
        check("main", true);
        check("eu-2_b", true);
        check(&"a".repeat(32), true);
        check(&"a".repeat(33), false);
        for bad in ["", "-a", "_a", "A", "a.b", "a b"] {
            check(bad, false);
        }
    }
}
