//! What a model becomes. `traits` holds its statements and how rows become values, `functions` what people call,
//! `relations` the joins, `docs` the text above them. `diesel` is the same for Diesel.

mod diesel;
mod docs;
mod functions;
mod relations;
mod traits;

use proc_macro2::TokenStream;
use quote::quote;

use super::statements::Statements;
use super::validate::Model;

pub(super) use diesel::diesel;
pub(super) use docs::sent;

/// For sqlx: implementations of the traits, and functions of the struct that call those of the run-time crate.
pub(super) fn sqlx(model: &Model, statements: &Statements) -> TokenStream {
    let traits = traits::traits(model, statements);
    let functions = functions::functions(model, statements);
    let relations = relations::relations(model, statements);
    quote! {
        #traits
        #functions
        #relations
    }
}
