//! The extension point for Diesel: a struct that carries `#[diesel(…)]` or one of Diesel's derives comes here.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use crate::scoped::statements::Statements;
use crate::scoped::validate::Model;

/// For Diesel: nothing yet but a message that says so.
pub(crate) fn diesel(model: &Model, _statements: &Statements) -> TokenStream {
    quote_spanned! {model.span=>
        ::core::compile_error!("a model with Diesel's derives is not supported yet: give sqlx a struct of its own");
    }
}
