//! What differs between Diesel's backends: how the tenant is bound. Sealed; connections are in `db`.

use std::fmt::Debug;

use diesel::backend::Backend;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use tenancy_core::{IdRepr, TenantId};
use tenancy_sql::{Dialect, KeyType};

use crate::{Error, Result};

/// A backend whose statements the firewall reads.
#[doc(hidden)]
#[allow(
    unnameable_types,
    reason = "part of a sealed trait: nobody outside names it"
)]
pub trait TenantBackend: Backend<QueryBuilder: Default> + Debug + 'static {
    /// The SQL it speaks.
    const DIALECT: Dialect;

    /// The backend itself, which has no state.
    const BACKEND: &'static Self;

    /// Appends the tenant to the values of a statement.
    fn push_tenant<'b>(
        pass: &mut AstPass<'_, 'b, Self>,
        tenant: &'b TenantValue,
    ) -> QueryResult<()>;
}

/// A tenant's id as the tenant column holds it.
#[doc(hidden)]
#[allow(
    unnameable_types,
    clippy::exhaustive_enums,
    reason = "part of a sealed trait: nobody outside names it"
)]
#[derive(Debug)]
pub enum TenantValue {
    /// The 16 bytes of a `uuid` (PostgreSQL).
    #[cfg_attr(
        not(feature = "_pg"),
        allow(dead_code, reason = "only PostgreSQL has the type")
    )]
    Uuid(UuidBytes),
    /// A number.
    Integer(i64),
    /// A text.
    Text(String),
    /// The 16 bytes of a UUID as bytes.
    Bytes(Vec<u8>),
}

/// The bytes of a UUID, so that Diesel's feature for the `uuid` crate is not needed.
#[doc(hidden)]
#[allow(
    unnameable_types,
    reason = "part of a sealed trait: nobody outside names it"
)]
#[derive(Debug)]
pub struct UuidBytes([u8; 16]);

impl TenantValue {
    /// The id for a tenant column of this type.
    ///
    /// # Errors
    /// [`Error::KeyType`] if such a column can't hold an id of this kind.
    pub(crate) fn new(tenant: TenantId, key_type: KeyType, dialect: Dialect) -> Result<Self> {
        match (tenant.repr(), key_type, dialect) {
            (IdRepr::Uuid(id), KeyType::Uuid, Dialect::Postgres) => {
                Ok(Self::Uuid(UuidBytes(*id.as_bytes())))
            }
            (IdRepr::Uuid(id), KeyType::Uuid | KeyType::Blob, _) => {
                Ok(Self::Bytes(id.as_bytes().to_vec()))
            }
            (IdRepr::Integer(id), KeyType::Integer, _) => Ok(Self::Integer(id)),
            (_, KeyType::Text, _) => Ok(Self::Text(tenant.to_string())),
            _ => Err(Error::KeyType { key_type }),
        }
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    //! SQLite.

    use diesel::sql_types::{BigInt, Binary, Text};
    use diesel::sqlite::Sqlite;

    use super::{AstPass, Dialect, QueryResult, TenantBackend, TenantValue};

    impl TenantBackend for Sqlite {
        const DIALECT: Dialect = Dialect::Sqlite;
        const BACKEND: &'static Self = &Self;

        fn push_tenant<'b>(
            pass: &mut AstPass<'_, 'b, Self>,
            tenant: &'b TenantValue,
        ) -> QueryResult<()> {
            match tenant {
                TenantValue::Uuid(id) => {
                    pass.push_bind_param_value_only::<Binary, [u8]>(id.0.as_slice())
                }
                TenantValue::Integer(id) => pass.push_bind_param_value_only::<BigInt, i64>(id),
                TenantValue::Text(id) => pass.push_bind_param_value_only::<Text, String>(id),
                TenantValue::Bytes(id) => pass.push_bind_param_value_only::<Binary, Vec<u8>>(id),
            }
        }
    }
}

#[cfg(feature = "_pg")]
mod postgres {
    //! PostgreSQL.

    use std::io::Write as _;

    use diesel::pg::Pg;
    use diesel::serialize::{IsNull, Output, ToSql};
    use diesel::sql_types::{BigInt, Binary, Text, Uuid};

    use super::{AstPass, Dialect, QueryResult, TenantBackend, TenantValue, UuidBytes};

    impl TenantBackend for Pg {
        const DIALECT: Dialect = Dialect::Postgres;
        const BACKEND: &'static Self = &Self;

        fn push_tenant<'b>(
            pass: &mut AstPass<'_, 'b, Self>,
            tenant: &'b TenantValue,
        ) -> QueryResult<()> {
            match tenant {
                TenantValue::Uuid(id) => pass.push_bind_param_value_only::<Uuid, UuidBytes>(id),
                TenantValue::Integer(id) => pass.push_bind_param_value_only::<BigInt, i64>(id),
                TenantValue::Text(id) => pass.push_bind_param_value_only::<Text, String>(id),
                TenantValue::Bytes(id) => pass.push_bind_param_value_only::<Binary, Vec<u8>>(id),
            }
        }
    }

    impl ToSql<Uuid, Pg> for UuidBytes {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
            out.write_all(&self.0)?;
            Ok(IsNull::No)
        }
    }
}
