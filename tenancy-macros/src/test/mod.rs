//! `#[tenant_test]`: one async test, run in each isolation on fresh tenants.

mod expand;
mod parse;
mod validate;

use proc_macro2::{Span, TokenStream};
use quote::quote;

/// Expands `#[tenant_test]`.
pub(crate) fn tenant_test(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let arguments = match parse::arguments(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return beside(item, error),
    };
    let test = match syn::parse2::<syn::ItemFn>(item.clone()) {
        Ok(test) => test,
        Err(error) => return beside(item, error),
    };
    let checked = validate::validate(&test).and_then(|()| {
        crate::project::project().map_err(|message| syn::Error::new(Span::call_site(), message))
    });
    match checked {
        Ok(project) => expand::expand(&arguments, &test, &project),
        Err(error) => beside(item, error),
    }
}

/// The item stays, so that one mistake gives one message.
fn beside(item: &TokenStream, error: syn::Error) -> TokenStream {
    let error = error.into_compile_error();
    quote!(#error #item)
}
