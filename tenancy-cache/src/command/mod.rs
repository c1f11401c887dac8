//! One command in, one command out that touches one tenant's keys and channels, or a refusal. Pure functions, no I/O.
//!
//! `table` is generated from a server's own key specifications, `review` is our decision about each command, `grammar`
//! reads what specifications don't cover, `reply` takes the prefix out of answers again.

mod grammar;
mod reply;
mod review;
mod spec;
mod table;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::sync::LazyLock;

use deadpool_redis::redis::{Arg, Cmd, RedisWrite};
use foldhash::fast::FixedState;

use self::review::{BY_RULE, BY_SPECS, REFUSED, Rule};
pub(crate) use self::review::{Keys, Reply};
use self::spec::{Row, Spec};
use crate::error::Refused;
use crate::keyspace::Prefix;

/// A command that passes.
#[derive(Debug)]
pub(crate) struct Entry {
    row: &'static Row,
    rule: Rule,
    /// The place of its only key, if that is how it is.
    single: Option<usize>,
}

/// A command that is safe to send.
pub(crate) struct Rewritten {
    pub(crate) cmd: Cmd,
    pub(crate) entry: &'static Entry,
}

/// The names are fixed and a look-up compares, so the hash need not resist anybody.
static ENTRIES: LazyLock<HashMap<&'static [u8], Entry, FixedState>> = LazyLock::new(|| {
    let specs = BY_SPECS.iter().map(|name| {
        let rule = Rule {
            keys: Keys::Specs,
            reply: Reply::Plain,
        };
        (*name, rule)
    });
    let rules: HashMap<&str, Rule> = specs.chain(BY_RULE.iter().copied()).collect();
    table::TABLE
        .iter()
        .filter_map(|row| {
            let rule = *rules.get(row.name)?;
            let single = match (rule.keys, row.specs) {
                (Keys::Specs, [Spec::Range(at, 0, _)]) => Some(*at),
                _ => None,
            };
            Some((row.name.as_bytes(), Entry { row, rule, single }))
        })
        .collect()
});

/// Longest name of a command and its subcommand.
const NAME_MAX: usize = 48;

impl Entry {
    /// The command of these first two arguments.
    fn of(first: &[u8], second: Option<&[u8]>) -> Result<&'static Self, Refused> {
        let mut buffer = [0; NAME_MAX];
        let name = lower(&mut buffer, first, None).ok_or_else(|| Refused::unknown(first))?;
        if let Some(entry) = ENTRIES.get(name) {
            return Ok(entry);
        }
        let container = std::str::from_utf8(name).unwrap_or_default().to_owned();
        if let Some(second) = second
            && table::TABLE
                .iter()
                .any(|row| row.is_container() && row.name == container)
            && let Some(name) = lower(&mut buffer, first, Some(second))
            && let Some(entry) = ENTRIES.get(name)
        {
            return Ok(entry);
        }
        Err(match REFUSED.iter().find(|(name, _)| *name == container) {
            Some((name, why)) => Refused::named(name, why),
            None => Refused::unknown(first),
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.row.name
    }

    pub(crate) fn reply(&self) -> Reply {
        self.rule.reply
    }

    /// Whether it changes what the tenant stored. What a script does we can't see.
    pub(crate) fn writes(&self) -> bool {
        self.row.writes() || matches!(self.row.name, "eval" | "evalsha")
    }

    pub(crate) fn blocks(&self) -> bool {
        self.row.blocks()
    }

    /// Whether it walks over keys, which access lists of a server can't confine.
    pub(crate) fn walks(&self) -> bool {
        matches!(self.rule.keys, Keys::Scan | Keys::Pattern)
    }
}

/// Every command that passes, for access lists.
pub(crate) fn passing() -> impl Iterator<Item = &'static Entry> {
    table::TABLE
        .iter()
        .filter_map(|row| ENTRIES.get(row.name.as_bytes()))
}

fn lower<'b>(
    buffer: &'b mut [u8; NAME_MAX],
    first: &[u8],
    second: Option<&[u8]>,
) -> Option<&'b [u8]> {
    let separator: &[u8] = if second.is_some() { b"|" } else { b"" };
    let parts = [first, separator, second.unwrap_or_default()];
    let mut length = 0;
    // A subcommand is never written with a `|`, and a command never is one.
    if first.contains(&b'|') || second.is_some_and(|second| second.contains(&b'|')) {
        return None;
    }
    for part in parts {
        let place = buffer.get_mut(length..length + part.len())?;
        for (to, from) in place.iter_mut().zip(part) {
            *to = from.to_ascii_lowercase();
        }
        length += part.len();
    }
    buffer.get(..length)
}

/// What one tenant may send in place of `cmd`.
pub(crate) fn rewrite(cmd: &Cmd, prefix: &Prefix) -> Result<Rewritten, Refused> {
    let mut leading = cmd.args_iter();
    let (Some(Arg::Simple(first)), second) = (leading.next(), leading.next()) else {
        return Err(Refused::unknown(b""));
    };
    let second = match second {
        Some(Arg::Simple(second)) => Some(second),
        _ => None,
    };
    let entry = Entry::of(first, second)?;
    let mut rewritten = match entry.single {
        Some(at) if !cmd.in_scan_mode() => single(cmd, entry, at, prefix)?,
        _ => planned(&arguments(cmd)?, entry, prefix)?,
    };
    rewritten.set_no_response(cmd.is_no_response());
    Ok(Rewritten {
        cmd: rewritten,
        entry,
    })
}

/// The common case: one key, in one place.
fn single(cmd: &Cmd, entry: &Entry, at: usize, prefix: &Prefix) -> Result<Cmd, Refused> {
    let arguments = cmd.args_iter();
    if arguments.len() <= at {
        return Err(Refused::named(entry.name(), "it needs a key"));
    }
    let size = arguments
        .clone()
        .map(|argument| match argument {
            Arg::Simple(bytes) => bytes.len(),
            _ => 0,
        })
        .sum::<usize>();
    let mut out = Cmd::with_capacity(arguments.len(), size + prefix.as_bytes().len());
    for (index, argument) in arguments.enumerate() {
        match argument {
            Arg::Simple(bytes) if index == at => write_prefixed(&mut out, prefix, bytes),
            Arg::Simple(bytes) => out.write_arg(bytes),
            _ => {
                return Err(Refused::named(
                    entry.name(),
                    "it has a cursor of unknown form",
                ));
            }
        }
    }
    Ok(out)
}

/// Which arguments become longer, and whether a pattern has to be added.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    prefixed: Vec<usize>,
    adds_match: bool,
}

fn planned(arguments: &[Cow<'_, [u8]>], entry: &Entry, prefix: &Prefix) -> Result<Cmd, Refused> {
    let mut plan = grammar::plan(entry.row, entry.rule.keys, arguments)
        .map_err(|why| Refused::named(entry.name(), why))?;
    plan.prefixed.sort_unstable();
    plan.prefixed.dedup();
    let size: usize = arguments.iter().map(|argument| argument.len()).sum();
    let more = plan.prefixed.len() + 1;
    let mut out = Cmd::with_capacity(
        arguments.len() + 2,
        size + more * prefix.as_bytes().len() + 8,
    );
    let mut next = plan.prefixed.iter().peekable();
    for (index, argument) in arguments.iter().enumerate() {
        if next.next_if(|at| **at == index).is_some() {
            write_prefixed(&mut out, prefix, argument);
        } else {
            out.write_arg(argument);
        }
    }
    if plan.adds_match {
        out.write_arg(b"MATCH");
        write_prefixed(&mut out, prefix, b"*");
    }
    Ok(out)
}

fn write_prefixed(out: &mut Cmd, prefix: &Prefix, key: &[u8]) {
    let mut argument = out.writer_for_next_arg();
    // Into memory: it can't fail.
    let _ = argument.write_all(prefix.as_bytes());
    let _ = argument.write_all(key);
}

/// All arguments of a command. The value of a cursor is private to redis-rs, so it is read from the encoded command.
fn arguments(cmd: &Cmd) -> Result<Vec<Cow<'_, [u8]>>, Refused> {
    let mut encoded = None;
    cmd.args_iter()
        .enumerate()
        .map(|(index, argument)| match argument {
            Arg::Simple(bytes) => Ok(Cow::Borrowed(bytes)),
            _ => encoded
                .get_or_insert_with(|| cmd.get_packed_command())
                .as_slice()
                .pipe_argument(index)
                .map(|bytes| Cow::Owned(bytes.to_vec()))
                .ok_or_else(|| Refused::unknown(b"")),
        })
        .collect()
}

trait Encoded {
    /// The argument of this index in a RESP array of bulk strings.
    fn pipe_argument(&self, index: usize) -> Option<&[u8]>;
}

impl Encoded for [u8] {
    fn pipe_argument(&self, index: usize) -> Option<&[u8]> {
        let mut rest = after_line(self)?.1;
        for at in 0.. {
            let (line, after) = after_line(rest)?;
            let length: usize = std::str::from_utf8(line.strip_prefix(b"$")?)
                .ok()?
                .parse()
                .ok()?;
            if at == index {
                return after.get(..length);
            }
            rest = after.get(length + 2..)?;
        }
        None
    }
}

/// A line without its end, and what follows.
fn after_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end + 2..)?))
}

#[cfg(test)]
mod tests;
