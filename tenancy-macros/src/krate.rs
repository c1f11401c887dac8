//! The path of the crate that expansions name: `::tenancy`, unless `crate = …` says otherwise.

use quote::quote;
use syn::Path;

/// The default.
pub(crate) fn tenancy() -> Path {
    Path {
        leading_colon: Some(<syn::Token![::]>::default()),
        segments: std::iter::once(syn::PathSegment::from(syn::Ident::new(
            "tenancy",
            proc_macro2::Span::call_site(),
        )))
        .collect(),
    }
}

/// A dialect, as the expansion names it.
pub(crate) fn dialect(krate: &Path, dialect: tenancy_sql::Dialect) -> proc_macro2::TokenStream {
    match dialect {
        tenancy_sql::Dialect::Postgres => quote!(#krate::sql::Dialect::Postgres),
        tenancy_sql::Dialect::Sqlite => quote!(#krate::sql::Dialect::Sqlite),
    }
}
