//! Where the keys of a command's arguments are. Strict: what is not understood whole is refused.

use std::borrow::Cow;

use super::Plan;
use super::review::Keys;
use super::spec::{Row, Spec};

type Why = &'static str;
type Arguments<'a> = &'a [Cow<'a, [u8]>];

/// Which arguments are keys, patterns or channels.
pub(super) fn plan(row: &Row, keys: Keys, arguments: Arguments<'_>) -> Result<Plan, Why> {
    match keys {
        Keys::None => Ok(Plan::default()),
        Keys::Specs => by_specs(row, arguments),
        Keys::Script => match word(arguments, 2).as_deref() {
            Some("0") => Err(
                "a script has to declare the keys it touches; one that declares none can only touch what we can't see",
            ),
            _ => by_specs(row, arguments),
        },
        Keys::Channel => exactly(arguments, 3, &[1]),
        Keys::Pattern => exactly(arguments, 2, &[1]),
        Keys::Scan => scan(arguments),
        Keys::Sort => sort(row.writes(), arguments),
        Keys::Streams => streams(arguments),
        Keys::GeoRadius(options) => geo_radius(options, arguments),
        Keys::Copy => copy(arguments),
    }
}

fn by_specs(row: &Row, arguments: Arguments<'_>) -> Result<Plan, Why> {
    let mut prefixed = Vec::new();
    for (index, spec) in row.specs.iter().enumerate() {
        let (first, last, step) = match *spec {
            // A list that may be left out, such as the sources of PFMERGE.
            Spec::Range(first, ..=-1, _) if index > 0 && first >= arguments.len() => continue,
            Spec::Range(first, last, step) => {
                let last = match usize::try_from(last) {
                    Ok(more) => first + more,
                    Err(_) => arguments
                        .len()
                        .checked_add_signed(isize::try_from(last).map_err(|_| UNREADABLE)?)
                        .ok_or(TOO_FEW)?,
                };
                (first, last, step)
            }
            Spec::Count(at, first, step) => {
                let count = number(arguments, at)?;
                let more = count.checked_sub(1).ok_or("it names no key")?;
                let last = more
                    .checked_mul(step)
                    .and_then(|more| more.checked_add(at + first));
                (at + first, last.ok_or(TOO_FEW)?, step)
            }
            Spec::Grammar | Spec::Channel => return Err(UNREADABLE),
        };
        if step == 0 || last < first || last >= arguments.len() {
            return Err(TOO_FEW);
        }
        prefixed.extend((first..=last).step_by(step));
    }
    if prefixed.is_empty() {
        return Err(UNREADABLE);
    }
    Ok(Plan {
        prefixed,
        adds_match: false,
    })
}

const TOO_FEW: Why = "it has fewer arguments than it needs";
const UNREADABLE: Why = "its keys can't be told from its arguments";
const UNKNOWN_OPTION: Why = "it has an option that is not known to be harmless";

fn exactly(arguments: Arguments<'_>, count: usize, prefixed: &[usize]) -> Result<Plan, Why> {
    if arguments.len() != count {
        return Err("it has another number of arguments than it needs");
    }
    Ok(Plan {
        prefixed: prefixed.to_vec(),
        adds_match: false,
    })
}

fn scan(arguments: Arguments<'_>) -> Result<Plan, Why> {
    number(arguments, 1)?;
    let mut plan = Plan {
        prefixed: Vec::new(),
        adds_match: true,
    };
    let mut at = 2;
    while at < arguments.len() {
        present(arguments, at + 1)?;
        match word(arguments, at).as_deref() {
            // The server takes the last of several; there is no use for more than one.
            Some("match") if plan.adds_match => {
                plan.adds_match = false;
                plan.prefixed.push(at + 1);
            }
            Some("count" | "type") => {}
            _ => return Err(UNKNOWN_OPTION),
        }
        at += 2;
    }
    Ok(plan)
}

fn sort(stores: bool, arguments: Arguments<'_>) -> Result<Plan, Why> {
    present(arguments, 1)?;
    let mut prefixed = vec![1];
    let mut at = 2;
    while at < arguments.len() {
        at += match word(arguments, at).as_deref() {
            Some("asc" | "desc" | "alpha") => 1,
            Some("limit") => 3,
            Some("by") => {
                prefixed.push(at + 1);
                2
            }
            Some("get") => {
                if present(arguments, at + 1)? != b"#" {
                    prefixed.push(at + 1);
                }
                2
            }
            Some("store") if stores => {
                prefixed.push(at + 1);
                2
            }
            _ => return Err(UNKNOWN_OPTION),
        };
    }
    whole(arguments, at, prefixed)
}

fn streams(arguments: Arguments<'_>) -> Result<Plan, Why> {
    let is_group = word(arguments, 0).as_deref() == Some("xreadgroup");
    let mut at = 1;
    loop {
        at += match word(arguments, at).as_deref() {
            Some("count" | "block") => 2,
            Some("noack") if is_group => 1,
            Some("group") if is_group => 3,
            Some("streams") => break,
            _ => return Err(UNKNOWN_OPTION),
        };
    }
    let rest = arguments.len().saturating_sub(at + 1);
    if rest == 0 || !rest.is_multiple_of(2) {
        return Err("it needs as many ids as streams");
    }
    Ok(Plan {
        prefixed: (at + 1..at + 1 + rest / 2).collect(),
        adds_match: false,
    })
}

fn geo_radius(options: usize, arguments: Arguments<'_>) -> Result<Plan, Why> {
    present(arguments, options - 1)?;
    let mut prefixed = vec![1];
    let mut at = options;
    while at < arguments.len() {
        at += match word(arguments, at).as_deref() {
            Some("withdist" | "withhash" | "withcoord" | "asc" | "desc" | "any") => 1,
            Some("count") => 2,
            Some("store" | "storedist") => {
                prefixed.push(at + 1);
                2
            }
            _ => return Err(UNKNOWN_OPTION),
        };
    }
    whole(arguments, at, prefixed)
}

fn copy(arguments: Arguments<'_>) -> Result<Plan, Why> {
    present(arguments, 2)?;
    let replaces = |at| word(arguments, at).as_deref() == Some("replace");
    if (3..arguments.len()).all(replaces) {
        return whole(arguments, arguments.len(), vec![1, 2]);
    }
    Err("a tenant's keys are in one database; copy within it")
}

/// A plan of options that ended exactly where the arguments end.
fn whole(arguments: Arguments<'_>, end: usize, prefixed: Vec<usize>) -> Result<Plan, Why> {
    if end != arguments.len() {
        return Err(TOO_FEW);
    }
    Ok(Plan {
        prefixed,
        adds_match: false,
    })
}

fn present<'a>(arguments: Arguments<'a>, at: usize) -> Result<&'a [u8], Why> {
    arguments.get(at).map(|argument| &**argument).ok_or(TOO_FEW)
}

/// A keyword in lower case.
fn word(arguments: Arguments<'_>, at: usize) -> Option<String> {
    let argument = arguments.get(at)?;
    (argument.len() <= 16).then(|| String::from_utf8_lossy(argument).to_ascii_lowercase())
}

/// A number as the server's strictest parser takes it: digits, no sign, no leading zero.
fn number(arguments: Arguments<'_>, at: usize) -> Result<usize, Why> {
    let digits = present(arguments, at)?;
    let is_canonical = digits.iter().all(u8::is_ascii_digit)
        && (digits == b"0" || digits.first().is_some_and(|first| *first != b'0'));
    if !is_canonical {
        return Err("it has no number where one has to be");
    }
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .ok_or("it has a number that is too large")
}
