//! Shows what the firewall makes of statements.
//!
//! ```text
//! cargo run -q -p tenancy-sql --example rewrite -- --dialect postgres --schema schema.sql [--config tenancy.toml] [--global a,b] [--central c]
//! ```
//! Reads statements from standard input, separated by `;` or, where no line ends with one, one per line, and prints for
//! each the rewritten text or `REFUSED: reason`.

use std::error::Error;
use std::io::Read as _;
use std::process::ExitCode;

use tenancy_sql::{Catalog, Config, Dialect, Firewall};

const USAGE: &str = "usage: rewrite --dialect postgres|sqlite --schema FILE.sql [--config tenancy.toml] [--tenant-column NAME] \
                     [--global a,b] [--central c,d] [--summary] < statements.sql";

#[derive(Default)]
struct Options {
    dialect: Option<Dialect>,
    schema: Vec<String>,
    config: Option<String>,
    tenant_column: Option<String>,
    global: Vec<String>,
    central: Vec<String>,
    summary: bool,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options::default();
    let mut args = std::env::args().skip(1);
    let list = |text: String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    while let Some(flag) = args.next() {
        if flag == "--summary" {
            options.summary = true;
            continue;
        }
        let value = args.next().ok_or(USAGE)?;
        match flag.as_str() {
            "--dialect" => options.dialect = Some(value.parse()?),
            "--schema" => options.schema.push(value),
            "--config" => options.config = Some(value),
            "--tenant-column" => options.tenant_column = Some(value),
            "--global" => options.global = list(value),
            "--central" => options.central = list(value),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}

fn firewall(options: &Options) -> Result<Firewall, Box<dyn Error>> {
    let mut builder = Catalog::builder(options.dialect.ok_or(USAGE)?);
    if let Some(path) = &options.config {
        builder = builder.config(&Config::parse(&std::fs::read_to_string(path)?)?);
    }
    if let Some(column) = &options.tenant_column {
        builder = builder.tenant_column(column);
    }
    builder = builder.global(&options.global).central(&options.central);
    for path in &options.schema {
        builder = builder.migration(path, std::fs::read_to_string(path)?);
    }
    Ok(Firewall::new(builder.build()?))
}

/// The statements of a text. Where a line ends with `;`, or there is but one line, what stands between those is a statement,
/// over however many lines; elsewhere each line is one, and its indented lines with it.
fn statements(text: &str) -> Vec<&str> {
    let ends = ends(text);
    let line_ends_there = |end: &usize| {
        let rest = text.get(end + 1..).unwrap_or_default();
        let rest = rest.split('\n').next().unwrap_or_default().trim();
        rest.is_empty() || rest.starts_with("--")
    };
    let is_end = |end: &&usize| text.as_bytes().get(**end) == Some(&b';');
    let is_one_line = !text.trim().contains('\n');
    let by_semicolon = is_one_line || ends.iter().filter(is_end).any(line_ends_there);
    let mut pieces = Vec::new();
    let mut start = 0;
    for end in ends.iter().filter(|end| is_end(end) == by_semicolon) {
        let next = text.get(end + 1..).unwrap_or_default();
        if by_semicolon || !next.starts_with([' ', '\t']) {
            pieces.push(text.get(start..*end).unwrap_or_default());
            start = end + 1;
        }
    }
    pieces.push(text.get(start..).unwrap_or_default());
    let pieces = pieces.into_iter().map(str::trim);
    pieces.filter(|piece| !piece.is_empty()).collect()
}

/// Where `;` and line breaks stand outside quotes and comments.
fn ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let closed_by = |open: usize, close: &str| {
            let body = rest.get(open..).unwrap_or_default();
            body.find(close)
                .map_or(rest.len(), |end| open + end + close.len())
        };
        let length = rest.chars().next().map_or(1, char::len_utf8);
        at += match rest.as_bytes() {
            [b';' | b'\n', ..] => {
                ends.push(at);
                1
            }
            [quote @ (b'\'' | b'"' | b'`'), ..] => closed_by(1, &char::from(*quote).to_string()),
            [b'/', b'*', ..] => closed_by(2, "*/"),
            [b'-', b'-', ..] => rest.find('\n').unwrap_or(rest.len()),
            [b'$', ..] => dollar_tag(rest).map_or(1, |tag| closed_by(tag.len(), tag)),
            _ => length,
        };
    }
    ends
}

/// `$tag$`, where one begins the text.
fn dollar_tag(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let end = name.find(|each: char| !each.is_alphanumeric() && each != '_')?;
    let is_tag =
        name.get(end..)?.starts_with('$') && !name.starts_with(|first: char| first.is_numeric());
    is_tag.then(|| text.get(..end + 2)).flatten()
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let firewall = firewall(&options)?;
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let (mut accepted, mut refused) = (0, 0);
    for statement in statements(&text) {
        match firewall.check(statement) {
            Ok(checked) => {
                accepted += 1;
                println!("{}", checked.sql());
            }
            Err(reason) => {
                refused += 1;
                println!("REFUSED: {reason}");
            }
        }
    }
    if options.summary {
        eprintln!("{accepted} accepted, {refused} refused");
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
