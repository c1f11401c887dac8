//! What may be written in `#[tenant_test(…)]`.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser as _};
use syn::{Ident, Path, Token, parse_quote};

/// The isolations, as they are written and as the modules of the tests are called.
const ISOLATIONS: [(&str, &str); 3] = [
    ("shared", "Shared"),
    ("schema", "Schema"),
    ("database", "Database"),
];

/// What was written.
pub(crate) struct Arguments {
    /// The test kit's path.
    pub(crate) testkit: Path,
    /// Name of the test, and of the variant of `Isolation`.
    pub(crate) isolations: Vec<(Ident, Ident)>,
}

pub(crate) fn arguments(tokens: TokenStream) -> syn::Result<Arguments> {
    let mut arguments = (|input: ParseStream<'_>| of(input)).parse2(tokens)?;
    if arguments.isolations.is_empty() {
        arguments.isolations = ISOLATIONS
            .iter()
            .map(|(name, variant)| {
                let span = proc_macro2::Span::call_site();
                (Ident::new(name, span), Ident::new(variant, span))
            })
            .collect();
    }
    Ok(arguments)
}

fn of(input: ParseStream<'_>) -> syn::Result<Arguments> {
    let mut arguments = Arguments {
        testkit: parse_quote!(::tenancy_testkit),
        isolations: Vec::new(),
    };
    while !input.is_empty() {
        let name: Ident = input.parse()?;
        let known = ISOLATIONS.iter().find(|(known, _)| name == known);
        if let Some((_, variant)) = known {
            if arguments
                .isolations
                .iter()
                .any(|(before, _)| *before == name)
            {
                return Err(syn::Error::new(
                    name.span(),
                    format!("`{name}` is there twice"),
                ));
            }
            let variant = Ident::new(variant, name.span());
            arguments.isolations.push((name, variant));
        } else if name == "testkit" {
            input.parse::<Token![=]>()?;
            arguments.testkit = input.parse()?;
        } else {
            let known = "`shared`, `schema`, `database` and `testkit = path`";
            return Err(syn::Error::new(
                name.span(),
                format!("unknown argument `{name}`: the known ones are {known}"),
            ));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(arguments)
}
