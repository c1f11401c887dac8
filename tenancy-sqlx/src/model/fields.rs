//! Several fields at once, as a tuple: a generated model makes one call for sixteen of them, which the compiler checks much
//! faster than sixteen calls.

use sqlx::{Encode, Type};

use super::{Readable, Values};
use crate::db::TenantDb;

/// Values that stand side by side in a row: a tuple of up to sixteen.
pub trait Columns<DB: TenantDb>: Sized {
    /// Reads them; the first is at a place.
    ///
    /// # Errors
    /// A column can't be decoded as what stands in the tuple.
    fn read(row: &DB::Row, at: usize) -> Result<Self, sqlx::Error>;
}

/// References to fields: a tuple of up to sixteen.
pub trait Fields<'v, DB: TenantDb> {
    /// Appends one of them, by its place in the tuple.
    fn bind(self, at: usize, values: &mut Values<DB>);
}

macro_rules! tuples {
    ($($name:ident $at:tt,)*) => {
        tuples!(@from [] $($name $at,)*);
    };
    (@from [$($done:ident $done_at:tt,)*] $name:ident $at:tt, $($rest:tt)*) => {
        tuples!(@one $($done $done_at,)* $name $at,);
        tuples!(@from [$($done $done_at,)* $name $at,] $($rest)*);
    };
    (@from [$($done:tt)*]) => {};
    (@one $($name:ident $at:tt,)*) => {
        impl<DB: TenantDb, $($name: Readable<DB>),*> Columns<DB> for ($($name,)*) {
            fn read(row: &DB::Row, at: usize) -> Result<Self, sqlx::Error> {
                Ok(($(DB::column::<$name>(row, at + $at)?,)*))
            }
        }

        impl<'v, DB: TenantDb, $($name: Encode<'v, DB> + Type<DB>),*> Fields<'v, DB> for ($($name,)*) {
            fn bind(self, at: usize, values: &mut Values<DB>) {
                match at {
                    $($at => values.add(self.$at),)*
                    _ => {}
                }
            }
        }
    };
}

tuples! {
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15,
}
