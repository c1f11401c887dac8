//! `catalog!`: the migrations as they were when the program was compiled.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, Path, Token};
use tenancy_sql::Dialect;

use crate::krate;
use crate::project::{Project, project};

struct Input {
    krate: Path,
    dialect: Option<(Dialect, Ident)>,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut parsed = Self {
            krate: krate::tenancy(),
            dialect: None,
        };
        if input.peek(Token![crate]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            parsed.krate = input.parse()?;
            input.parse::<Option<Token![,]>>()?;
        }
        if !input.is_empty() {
            let name: Ident = input.parse()?;
            let dialect = name.to_string().parse::<Dialect>();
            let dialect = dialect.map_err(|error| syn::Error::new(name.span(), error))?;
            parsed.dialect = Some((dialect, name));
        }
        Ok(parsed)
    }
}

/// Expands `catalog!`.
pub(crate) fn catalog(input: TokenStream) -> TokenStream {
    let expanded = syn::parse2::<Input>(input).and_then(|input| {
        let call_site = proc_macro2::Span::call_site();
        let project = project().map_err(|message| syn::Error::new(call_site, message))?;
        expand(&input, &project)
    });
    expanded.unwrap_or_else(|error| error.to_compile_error())
}

fn expand(Input { krate, dialect }: &Input, project: &Project) -> syn::Result<TokenStream> {
    let known = project.sides.iter().map(|side| side.dialect.as_str());
    let known = known.collect::<Vec<_>>().join("` and `");
    let (wanted, span) = match dialect {
        Some((dialect, name)) => (Some(*dialect), name.span()),
        None => (None, proc_macro2::Span::call_site()),
    };
    let mut sides = project
        .sides
        .iter()
        .filter(|side| wanted.is_none_or(|dialect| dialect == side.dialect));
    let (side, another) = (sides.next(), sides.next());
    let (Some(side), None) = (side, another) else {
        return Err(syn::Error::new(
            span,
            format!(
                "tenancy.toml has the dialects `{known}`: name one of them, as in `catalog!(sqlite)`"
            ),
        ));
    };
    let dialect = krate::dialect(krate, side.dialect);
    let toml = project.toml.to_string_lossy();
    let names = side.migrations.iter().map(|(name, _)| name);
    let paths = side
        .migrations
        .iter()
        .map(|(_, path)| path.to_string_lossy());
    Ok(quote_spanned! {span=>
        #krate::__private::catalog(
            #dialect,
            ::core::include_str!(#toml),
            &[#((#names, ::core::include_str!(#paths))),*],
        )
    })
}
