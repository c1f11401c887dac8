//! The text above generated functions: what they do and what they send.

use std::sync::Arc;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;
use tenancy_sql::{Checked, Dialect};

use crate::scoped::statements::Statement;

/// A first line, how a statement is written, and, where documentation is made, what it becomes on each database.
pub(super) fn sends(krate: &Path, line: &str, statement: Option<&Statement>) -> TokenStream {
    let Some(Statement { text, .. }) = statement else {
        return quote!(#[doc = #line]);
    };
    let written = format!("{line}\n\nWritten as `{text}`.");
    quote! {
        #[doc = #written]
        #[cfg_attr(doc, doc = #krate::__private::sent!(#text))]
    }
}

/// What a statement became.
pub(crate) fn sent(answers: &[(Dialect, Arc<Checked>)]) -> String {
    let mut text = "\nSends:\n".to_owned();
    for (dialect, checked) in answers {
        let on = match dialect {
            Dialect::Postgres => "PostgreSQL",
            Dialect::Sqlite => "SQLite",
        };
        text.push_str(&format!("\n- on {on}: `{}`", checked.sql()));
    }
    text
}
