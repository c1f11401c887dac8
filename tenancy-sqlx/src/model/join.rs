//! Models that belong to another: the text of the join, put together at compile time where it can be read as a constant.

use super::select::Source;
use super::{Column, MayHave, Select, Stored, TenantScoped, With};
use crate::db::TenantDb;

/// The texts of a join of two models.
///
/// # Isolation
/// They name no tenant. The firewall confines both tables to the tenant of the statement, so that a row never meets one of
/// another tenant's, whatever its key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    /// `SELECT leads.id, …, owner.id, … FROM leads JOIN users AS owner ON owner.id = leads.owner_id`.
    pub select: &'static str,
    /// `leads JOIN users AS owner ON owner.id = leads.owner_id`.
    pub from: &'static str,
}

impl Join {
    /// The join of this text, which [`JoinParts::bytes`] made.
    #[must_use]
    pub const fn of(select: &'static [u8], from: &'static str) -> Self {
        match std::str::from_utf8(select) {
            Ok(select) => Self { select, from },
            // An empty text is refused.
            Err(_) => Self { select: "", from },
        }
    }
}

/// Looks whether a model is one of this table and is found by this key: what a foreign key points to. As a constant it
/// does not compile otherwise.
///
/// # Panics
/// It is another one.
pub const fn points_to<P: TenantScoped>(table: &str, by_key: &str) {
    assert!(
        is_same(P::TABLE, table),
        "the foreign key points to the table of another model"
    );
    assert!(
        is_same(P::BY_KEY, by_key),
        "the foreign key points to another column than the model's key"
    );
}

const fn is_same(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
        if *x != *y {
            return false;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.is_empty() && b.is_empty()
}

/// Rows with what they belong to, where that is always there.
pub fn with<M: Stored<DB>, P: Stored<DB>, DB: TenantDb>(join: Join) -> Select<M, DB, With<P>> {
    Select::of(source::<M>(join))
}

/// Rows with what they belong to, where there is such a thing.
pub fn may_have<M: Stored<DB>, P: Stored<DB>, DB: TenantDb>(
    join: Join,
) -> Select<M, DB, MayHave<P>> {
    Select::of(source::<M>(join))
}

fn source<M: TenantScoped>(join: Join) -> Source {
    let Join { select, from } = join;
    Source {
        select,
        from,
        qualifier: Some(M::TABLE),
    }
}

/// The parts of the list of a join: `SELECT leads.id, leads.name, owner.id, owner.name FROM `, then what it reads from.
#[derive(Clone, Copy, Debug)]
pub struct JoinParts<M: 'static, P: 'static> {
    /// The table of the one.
    pub table: &'static str,
    /// Its columns.
    pub columns: &'static [Column<M>],
    /// What the other is called.
    pub alias: &'static str,
    /// Its columns.
    pub others: &'static [Column<P>],
    /// What is behind `FROM`.
    pub from: &'static str,
}

impl<M: 'static, P: 'static> JoinParts<M, P> {
    /// How long the text is.
    #[must_use]
    pub const fn len(&self) -> usize {
        let mut text = Text::<0>::measure();
        self.write(&mut text);
        text.len
    }

    /// Whether there is no text, which is never so.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text, as bytes; `N` is [`len`](Self::len).
    #[must_use]
    pub const fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut text = Text::<N>::measure();
        self.write(&mut text);
        text.bytes
    }

    const fn write<const N: usize>(&self, text: &mut Text<N>) {
        text.push("SELECT ");
        text.columns(self.table, self.columns);
        text.push(", ");
        text.columns(self.alias, self.others);
        text.push(" FROM ");
        text.push(self.from);
    }
}

/// A text that is written at compile time, or only measured.
struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    const fn measure() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    const fn push(&mut self, part: &str) {
        let mut rest = part.as_bytes();
        while let [byte, behind @ ..] = rest {
            if let (_, [slot, ..]) =
                self.bytes
                    .split_at_mut(if self.len < N { self.len } else { N })
            {
                *slot = *byte;
            }
            self.len += 1;
            rest = behind;
        }
    }

    const fn columns<M: 'static>(&mut self, table: &str, columns: &[Column<M>]) {
        let mut rest = columns;
        let mut first = true;
        while let [column, behind @ ..] = rest {
            if !first {
                self.push(", ");
            }
            first = false;
            self.push(table);
            self.push(".");
            self.push(column.sql());
            rest = behind;
        }
    }
}
