//! Models: a struct whose rows belong to tenants, and the statements it sends.
//!
//! `#[tenant_scoped(table = "leads")]` on a struct writes the implementations of [`TenantScoped`], [`TenantWritten`] and
//! [`Stored`], and functions of the struct that call those here: `Lead::find(7)` is [`find::<Lead, _>(7)`](find). All of it can
//! be written by hand; [`TenantScoped`] shows how.
//!
//! | function | sends |
//! |---|---|
//! | [`find`], [`select`], [`filter`] | `SELECT`; then `order_by`, `limit`, `page_after`, `count`, `exists`, `fetch_all`, … |
//! | [`insert`], [`update`], [`upsert`], [`delete`] | one row's statement; `execute`, `returning` |
//! | [`insert_many`], [`delete_where`] | many rows' statement |
//! | [`with`], [`may_have`] | `SELECT` with a join to what a row belongs to |
//!
//! The texts are those that a person would write in a database that one tenant has to itself. They go to a
//! [`TenantPool`](crate::TenantPool), [`BoundPool`](crate::BoundPool), [`TenantTx`](crate::TenantTx) or
//! [`TenantConn`](crate::TenantConn), which are the only [`TenantExecutor`]s, and through the firewall like every other.

mod column;
mod executor;
mod fields;
mod join;
mod many;
mod page;
mod scoped;
mod select;
mod shape;
#[cfg(all(test, feature = "sqlite"))]
mod tests;
mod values;
mod write;

pub use column::{Column, IntoOrder, Order};
pub use executor::TenantExecutor;
#[doc(hidden)]
pub use fields::{Columns, Fields};
pub use join::{Join, JoinParts, may_have, points_to, with};
pub use many::{DeleteWhere, InsertMany, delete_where, insert_many};
pub use page::{Cursor, Page};
pub use scoped::{Stored, TenantScoped, TenantWritten};
#[doc(hidden)]
pub use select::{Answered, count, exists};
pub use select::{Select, filter, find, select};
pub use shape::{Alone, MayHave, Shape, With};
pub use values::{Readable, Value, Values, Writable, converted};
pub use write::{Write, delete, insert, update, upsert};
