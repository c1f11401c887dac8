//! `#[tenant_scoped]`: a struct becomes a model of a tenant's table.
//!
//! `parse` reads what was written, `validate` compares it with the tables, `statements` writes the SQL and asks the firewall,
//! `expand` writes the Rust. If anything is wrong, `fallback` says so.

mod errors;
mod expand;
mod fallback;
mod parse;
mod statements;
#[cfg(test)]
mod tests;
mod validate;

use std::sync::Arc;

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::project::{Project, project};
use errors::Errors;
use parse::{Arguments, Input};

/// Expands `#[tenant_scoped]`.
pub(crate) fn tenant_scoped(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expanded(arguments, item, project())
}

/// What a statement is sent as on each database, as a text; see [`crate::sent`].
pub(crate) fn sent(input: TokenStream) -> TokenStream {
    let sent = syn::parse2::<syn::LitStr>(input).and_then(|text| {
        let at = |message| syn::Error::new(text.span(), message);
        let project = project().map_err(at)?;
        statements::answers(&project, &text.value())
            .map(|answers| expand::sent(&answers))
            .map_err(|refusals| {
                let refusals: Vec<_> = refusals.into_iter().map(|(_, message)| message).collect();
                at(refusals.join("\n"))
            })
    });
    match sent {
        Ok(sent) => quote!(#sent),
        Err(error) => error.to_compile_error(),
    }
}

fn expanded(
    arguments: TokenStream,
    item: TokenStream,
    project: Result<Arc<Project>, String>,
) -> TokenStream {
    let mut errors = Errors::default();
    let arguments = Arguments::parse(arguments, &mut errors);
    let input = match Input::parse(arguments, item, &mut errors) {
        Ok(input) => input,
        Err(item) => return fallback::item(&item, errors),
    };
    let project = project
        .map_err(|message| errors.push(Span::call_site(), message))
        .ok();
    let mut input = input;
    let (item, diesel) = (input.item.clone(), input.diesel.take());
    let model = validate::validate(input, project.as_deref(), &mut errors);
    if !errors.is_empty() && diesel.is_some() {
        return fallback::item(&quote!(#item), errors);
    }
    if !errors.is_empty() {
        return fallback::fallback(&item, &model, errors);
    }
    let statements = statements::statements(&model, project.as_deref(), &mut errors);
    if !errors.is_empty() {
        return fallback::fallback(&item, &model, errors);
    }
    let functions = match diesel {
        Some(table) => expand::diesel(&model, &table),
        None => expand::sqlx(&model, &statements),
    };
    let tracked = project.map(|project| project.tracked());
    quote! {
        #item
        #tracked
        #functions
    }
}
