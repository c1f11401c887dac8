//! What a tenant test becomes: the function as it was, and beside it a module of its name with one `#[test]` for each
//! isolation.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemFn;

use super::parse::Arguments;
use crate::project::Project;

/// Attributes that are about the test, not about the function.
const OF_TESTS: [&str; 2] = ["should_panic", "ignore"];

pub(crate) fn expand(
    Arguments {
        testkit,
        isolations,
    }: &Arguments,
    test: &ItemFn,
    project: &Project,
) -> TokenStream {
    let (of_tests, of_function): (Vec<_>, Vec<_>) = test
        .attrs
        .iter()
        .partition(|attribute| OF_TESTS.iter().any(|name| attribute.path().is_ident(name)));
    let function = ItemFn {
        attrs: of_function.into_iter().cloned().collect(),
        ..test.clone()
    };
    let name = &test.sig.ident;
    let private = quote!(#testkit::fixture::__private);
    let toml = project.toml.to_string_lossy();
    let sides = project.sides.iter().map(|side| {
        let dialect = match side.dialect {
            tenancy_sql::Dialect::Postgres => quote!(Postgres),
            tenancy_sql::Dialect::Sqlite => quote!(Sqlite),
        };
        let names = side.migrations.iter().map(|(name, _)| name);
        let paths = side
            .migrations
            .iter()
            .map(|(_, path)| path.to_string_lossy());
        quote!((#private::Dialect::#dialect, &[#((#names, ::core::include_str!(#paths))),*]))
    });
    // Such a test has no outcome but the panic, and the compiler insists.
    let outcome = if of_tests
        .iter()
        .any(|attribute| attribute.path().is_ident("should_panic"))
    {
        TokenStream::new()
    } else {
        quote!(-> impl ::std::process::Termination)
    };
    let tests = isolations.iter().map(|(isolation, variant)| {
        quote! {
            #[::core::prelude::v1::test]
            #(#of_tests)*
            fn #isolation() #outcome {
                #private::run(&PROJECT, #private::Isolation::#variant, super::#name)
            }
        }
    });
    quote! {
        #[cfg(test)]
        #function

        #[cfg(test)]
        mod #name {
            const PROJECT: #testkit::fixture::Project =
                #testkit::fixture::Project::new(::core::include_str!(#toml), &[#(#sides),*]);
            #(#tests)*
        }
    }
}
