//! The traits of a model: what its table is called, which statements it sends, how a row becomes a value and back.

use super::{Column, Values};
use crate::db::TenantDb;

/// A model: rows of a table that belongs to tenants.
///
/// `#[tenant_scoped]` writes the implementation, and it can be written by hand. Each constant is the statement as a person
/// would write it in a database that one tenant has to itself; the pool adds whose rows it sees, or refuses it.
///
/// # Isolation
/// Nothing here keeps tenants apart: the statements go through the same two walls as any other. A wrong constant is a
/// statement that is refused, or one that reads the wrong columns of the right tenant.
///
/// # Example: by hand
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tenancy_sqlx::model::{Column, Stored, TenantScoped, Values, find};
/// use tenancy_sqlx::sqlx::{self, Decode, Encode, Type};
/// use tenancy_sqlx::{Error, TenantDb};
///
/// #[derive(Debug)]
/// struct User {
///     id: i64,
///     name: String,
/// }
///
/// impl TenantScoped for User {
///     type Key = i64;
///     const TABLE: &'static str = "users";
///     const COLUMNS: &'static [Column<Self>] = &[Column::new(0, "id").key(), Column::new(1, "name")];
///     const LIST: &'static str = "id, name";
///     const BY_KEY: &'static str = "id = $1";
///     const SELECT: &'static str = "SELECT id, name FROM users";
///     const FIND: &'static str = "SELECT id, name FROM users WHERE id = $1";
///     const COUNT: &'static str = "SELECT count(*) FROM users";
///     const EXISTS: &'static str = "SELECT 1 FROM users WHERE id = $1";
/// }
///
/// impl<DB: TenantDb> Stored<DB> for User
/// where
///     i64: for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB> + Type<DB>,
///     String: for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB> + Type<DB>,
/// {
///     fn load(row: &DB::Row, at: usize) -> Result<Self, sqlx::Error> {
///         Ok(Self { id: DB::column(row, at)?, name: DB::column(row, at + 1)? })
///     }
///
///     fn value(&self, column: usize, values: &mut Values<DB>) {
///         match column {
///             0 => values.add(&self.id),
///             _ => values.add(&self.name),
///         }
///     }
///
///     fn key(key: Self::Key, values: &mut Values<DB>) {
///         values.add(key);
///     }
/// }
///
/// # use tenancy_testkit::fixture::TwoTenants;
/// # let tenants = TwoTenants::sqlite(tenancy_core::Isolation::Shared).build().await?;
/// # let (db, cx) = (&tenants.pool, tenancy_core::TenantContext::for_test(tenants.a.clone()));
/// let user: User = cx.scope(find(2).fetch_one(db)).await??;
/// assert_eq!((user.id, user.name.as_str()), (2, "a user 2"));
///
/// // Nobody said for whom.
/// let refused = find::<User, _>(2).fetch_one(db).await.unwrap_err();
/// assert!(Error::from_sqlx(&refused).unwrap().as_tenancy().unwrap().is_no_tenant());
/// # Ok(()) }
/// # #[cfg(not(feature = "sqlite"))] fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model of a tenant's table",
    note = "put `#[tenant_scoped(table = \"…\")]` on the struct"
)]
pub trait TenantScoped: Sized + Send + Sync + 'static {
    /// The type of the key: that of the column, or a tuple where the key has several.
    type Key: Send;

    /// The table, as statements name it.
    const TABLE: &'static str;

    /// The columns, in the order of [`LIST`](Self::LIST).
    const COLUMNS: &'static [Column<Self>];

    /// The columns, as statements list them.
    const LIST: &'static str;

    /// The condition that finds one row; its placeholders are the key's columns, from `$1`.
    const BY_KEY: &'static str;

    /// Reads all rows: `SELECT id, name FROM leads`. Conditions, order and limits are appended to it.
    const SELECT: &'static str;

    /// Reads one row: `SELECT id, name FROM leads WHERE id = $1`.
    const FIND: &'static str;

    /// Counts all rows: `SELECT count(*) FROM leads`. A condition is appended to it.
    const COUNT: &'static str;

    /// Looks whether a row is there: `SELECT 1 FROM leads WHERE id = $1`.
    const EXISTS: &'static str;
}

/// A model that is written, too, not only read.
///
/// # Isolation
/// As [`TenantScoped`]. The tenant column is in none of these: the framework alone writes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model that is written",
    note = "a model with `read_only` has no `insert`, `update`, `upsert` and `delete`; write the statement, or another model"
)]
pub trait TenantWritten: TenantScoped {
    /// Adds a row. Its values are those of the [`insertable`](Column::is_insertable) columns, in their order.
    const INSERT: &'static str;

    /// Changes a row. Its values are the key, then those of the [`updatable`](Column::is_updatable) columns, in their order.
    /// Empty, and so refused, where there is nothing but the key.
    const UPDATE: &'static str;

    /// Adds a row or changes the one of this key. Its values are those of [`INSERT`](Self::INSERT). Empty, and so refused,
    /// where the database makes the key.
    const UPSERT: &'static str;

    /// Deletes a row.
    const DELETE: &'static str;
}

/// How a model goes into a database and comes out of it.
pub trait Stored<DB: TenantDb>: TenantScoped {
    /// Reads a value out of a row; its columns begin at a place.
    ///
    /// # Errors
    /// A column can't be decoded as what the field is.
    fn load(row: &DB::Row, at: usize) -> Result<Self, sqlx::Error>;

    /// Appends the value of a column, by its place in [`COLUMNS`](TenantScoped::COLUMNS).
    fn value(&self, column: usize, values: &mut Values<DB>);

    /// Appends the values of a key.
    fn key(key: Self::Key, values: &mut Values<DB>);
}
