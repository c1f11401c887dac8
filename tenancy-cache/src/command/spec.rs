//! What a row of the command table is made of: Redis's key specifications, as far as we trust them.

/// One command or subcommand of the server.
#[derive(Debug)]
pub(crate) struct Row {
    /// Lower case; a subcommand is `object|encoding`.
    pub(crate) name: &'static str,
    flags: u8,
    pub(crate) specs: &'static [Spec],
}

pub(super) const WRITE: u8 = 1;
pub(super) const BLOCKING: u8 = 2;
pub(super) const CONTAINER: u8 = 4;

/// Where keys begin, and how they go on.
#[derive(Debug)]
pub(crate) enum Spec {
    /// From argument `.0` to `.1` (negative counts from the end, 0 is the first itself), every `.2`th.
    Range(usize, i64, usize),
    /// At argument `.0` stands how many follow, the first `.1` further, every `.2`th.
    Count(usize, usize, usize),
    /// Something that has to be read by a grammar of our own: after a keyword, or anywhere.
    Grammar,
    /// A channel, which the server does not count as a key.
    Channel,
}

pub(super) const fn row(name: &'static str, flags: u8, specs: &'static [Spec]) -> Row {
    Row { name, flags, specs }
}

impl Row {
    /// Whether it changes data.
    pub(crate) fn writes(&self) -> bool {
        self.flags & WRITE != 0
    }

    /// Whether the server may hold the answer back.
    pub(crate) fn blocks(&self) -> bool {
        self.flags & BLOCKING != 0
    }

    /// Whether its first argument names a subcommand.
    pub(crate) fn is_container(&self) -> bool {
        self.flags & CONTAINER != 0
    }
}
