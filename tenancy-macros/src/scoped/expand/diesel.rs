//! A struct with Diesel's derives: the way to its table. The statements are Diesel's own.

use proc_macro2::TokenStream;
use quote::quote;

use crate::scoped::parse::DieselTable;
use crate::scoped::validate::Model;

/// `scoped()`: the table of the struct's `#[diesel(table_name = …)]`. Fields, key and table have been compared with the
/// migrations by now; whose rows they are is the business of the connection. The path is that of Diesel's own derives.
pub(crate) fn diesel(model: &Model, table: &DieselTable) -> TokenStream {
    let Model { ident, vis, .. } = model;
    let about = format!(
        "The table of [`{ident}`], for Diesel's query builder. On a tenant's connection its rows are that tenant's."
    );
    let (ty, table) = match table {
        DieselTable::Named(path) => (quote!(#path::table), quote!(#path::table)),
        DieselTable::Derived => (
            quote!(<Self as diesel::associations::HasTable>::Table),
            quote!(<Self as diesel::associations::HasTable>::table()),
        ),
    };
    quote! {
        impl #ident {
            #[doc = #about]
            #[allow(dead_code, reason = "generated; not every program asks for it")]
            #vis fn scoped() -> #ty {
                #table
            }
        }
    }
}
