//! The text above generated functions: what they do and what they send.

use proc_macro2::TokenStream;
use quote::quote;
use tenancy_sql::Dialect;

use crate::scoped::statements::Statement;

/// A first line, and what a statement becomes on each database.
pub(super) fn sends(line: &str, statement: Option<&Statement>) -> TokenStream {
    let mut lines = vec![line.to_owned()];
    if let Some(statement) = statement {
        lines.push(String::new());
        lines.push(format!("Written as `{}`. Sends:", statement.text));
        lines.push(String::new());
        for answer in &statement.answers {
            let on = match answer.dialect {
                Dialect::Postgres => "PostgreSQL",
                Dialect::Sqlite => "SQLite",
            };
            lines.push(format!("- on {on}: `{}`", answer.checked.sql()));
        }
    }
    let text = lines.join("\n");
    quote!(#[doc = #text])
}
