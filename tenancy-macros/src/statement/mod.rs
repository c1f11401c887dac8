//! `statement!` and the macros named like sqlx's: one text, checked while the program is compiled.

mod expand;
mod parse;
mod validate;

use proc_macro2::{Span, TokenStream};
use quote::quote;

use parse::Input;
pub(crate) use parse::Shape;

/// Expands `statement!`.
pub(crate) fn statement(input: TokenStream) -> TokenStream {
    checked(Shape::Alone, input, |checked| expand::text(&checked))
}

/// Expands `query!` and its relatives to sqlx's macro of the name.
pub(crate) fn sqlx(name: &str, shape: Shape, input: TokenStream) -> TokenStream {
    checked(shape, input, |checked| expand::sqlx(name, &checked))
}

fn checked(
    shape: Shape,
    input: TokenStream,
    expand: impl FnOnce(validate::Checked) -> TokenStream,
) -> TokenStream {
    let parsed = Input::parse(shape, input);
    let checked = parsed.and_then(|input| {
        let project = crate::project::project()
            .map_err(|message| syn::Error::new(Span::call_site(), message))?;
        validate::validate(input, project)
    });
    match checked {
        Ok(checked) => expand(checked),
        // In a block, since several messages are no expression.
        Err(error) => {
            let errors = error.into_compile_error();
            quote!({ #errors })
        }
    }
}
