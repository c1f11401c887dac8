//! A number that tells two catalogues apart. What a statement becomes depends on nothing but its text and what goes in here.

use std::fmt::{self, Write as _};

use super::{Inner, Table};

/// 128-bit FNV-1a (RFC 9923). Not a defence against anybody: whoever could choose a colliding catalogue writes the
/// migrations anyway.
struct Fnv(u128);

const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(PRIME);
        }
        Ok(())
    }
}

/// The same for the same migrations and declarations, whatever the migration files are called.
pub(super) fn of(catalog: &Inner) -> u128 {
    let Inner {
        dialect,
        tenant_column,
        key_type,
        tables,
        views,
        functions,
        operators,
        routines,
        parents,
        fingerprint: _,
    } = catalog;
    let mut hash = Fnv(OFFSET_BASIS);
    // A macro of another release than the library may rewrite otherwise.
    let release = env!("CARGO_PKG_VERSION");
    let written = write!(
        hash,
        "{release} {dialect:?} {tenant_column:?} {key_type:?} {views:?} {functions:?} {operators:?} {routines:?} {parents:?}"
    )
    .and_then(|()| tables.values().try_for_each(|table| write_table(&mut hash, table)));
    // Hashing never fails; if it did, a catalogue that matches nothing is the safe answer.
    written.map_or(0, |()| hash.0.max(1))
}

fn write_table(hash: &mut Fnv, table: &Table) -> fmt::Result {
    let Table {
        name,
        class,
        columns,
        primary_key,
        primary_key_name,
        uniques,
        foreign_keys,
        indexes,
        without_rowid,
        partition_of,
        // Code in the database has no part in the rewrite.
        triggers: _,
        origin: _,
    } = table;
    write!(
        hash,
        "{name:?} {class:?} {columns:?} {primary_key:?} {primary_key_name:?} {uniques:?} {foreign_keys:?} {indexes:?} \
         {without_rowid:?} {partition_of:?}"
    )
}
