//! What a row of a list becomes: a model, or a model with what it belongs to.

use std::marker::PhantomData;

use super::{Stored, TenantScoped};
use crate::db::TenantDb;

/// What each row of a [`Select`](super::Select) becomes.
pub trait Shape<M, DB: TenantDb> {
    /// The value of a row.
    type Out;

    /// Reads a row.
    ///
    /// # Errors
    /// A column can't be decoded as what the field is.
    fn load(row: &DB::Row) -> Result<Self::Out, sqlx::Error>;
}

/// The model itself.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl<M: Stored<DB>, DB: TenantDb> Shape<M, DB> for Alone {
    type Out = M;

    fn load(row: &DB::Row) -> Result<M, sqlx::Error> {
        M::load(row, 0)
    }
}

/// The model with the one it belongs to, which is there: `(Lead, User)`.
pub struct With<P>(PhantomData<fn() -> P>);

impl<P> std::fmt::Debug for With<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("With")
    }
}

impl<M: Stored<DB>, P: Stored<DB>, DB: TenantDb> Shape<M, DB> for With<P> {
    type Out = (M, P);

    fn load(row: &DB::Row) -> Result<(M, P), sqlx::Error> {
        Ok((M::load(row, 0)?, P::load(row, M::COLUMNS.len())?))
    }
}

/// The model with the one it belongs to, if there is one: `(Lead, Option<User>)`.
pub struct MayHave<P>(PhantomData<fn() -> P>);

impl<P> std::fmt::Debug for MayHave<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MayHave")
    }
}

impl<M: Stored<DB>, P: Stored<DB>, DB: TenantDb> Shape<M, DB> for MayHave<P> {
    type Out = (M, Option<P>);

    fn load(row: &DB::Row) -> Result<(M, Option<P>), sqlx::Error> {
        let at = M::COLUMNS.len();
        let model = M::load(row, 0)?;
        // A row of an outer join that found nothing has no key.
        if DB::is_null(row, at + key_at::<P>())? {
            return Ok((model, None));
        }
        Ok((model, Some(P::load(row, at)?)))
    }
}

/// Where the first column of the key is.
fn key_at<P: TenantScoped>() -> usize {
    P::COLUMNS
        .iter()
        .find(|column| column.is_key())
        .map_or(0, super::Column::at)
}
