//! Shows what the firewall makes of statements.
//!
//! ```text
//! cargo run -q -p tenancy-sql --example rewrite -- --dialect postgres --schema schema.sql [--config tenancy.toml] [--global a,b] [--central c]
//! ```
//! Reads statements from standard input, separated by `;` or, where a line has none, one per line, and prints for each the
//! rewritten text or `REFUSED: reason`.

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

/// Pieces at `;` outside quotes; in a text without any, the lines.
fn statements(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut quote) = (0, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '\'' | '"' | '`') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, ';') => {
                pieces.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            // A line that ends outside quotes is a statement if the next one does not go on with it.
            (None, '\n') if starts_statement(text.get(at + 1..).unwrap_or_default()) => {
                pieces.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(text.get(start..).unwrap_or_default());
    pieces
        .into_iter()
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
        .collect()
}

fn starts_statement(rest: &str) -> bool {
    rest.starts_with(|first: char| first.is_alphabetic() || first == '(')
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
