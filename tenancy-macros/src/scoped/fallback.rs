//! What a model becomes when something is wrong with it: the struct as it is, and its functions without statements, so that
//! one mistake is one message and not one for each use of the model.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemStruct;

use super::errors::Errors;
use super::expand;
use super::statements::statements;
use super::validate::Model;

/// The struct, the messages, and functions that never run.
pub(super) fn fallback(item: &ItemStruct, model: &Model, errors: Errors) -> TokenStream {
    let has_key = model.keys().next().is_some();
    let unambiguous = model.columns.iter().enumerate().all(|(at, column)| {
        let before = model.columns.iter().take(at);
        before.into_iter().all(|other| other.name != column.name)
    });
    let functions = (has_key && unambiguous).then(|| {
        let statements = statements(model, None, &mut Errors::default());
        expand::sqlx(model, &statements)
    });
    let errors = errors.into_tokens();
    quote! {
        #item
        #functions
        #errors
    }
}

/// The item as it came, and the messages.
pub(super) fn item(item: &TokenStream, errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    quote! {
        #item
        #errors
    }
}
