//! What a test has to look like.

use syn::spanned::Spanned as _;
use syn::{Error, ItemFn, Result};

pub(crate) fn validate(test: &ItemFn) -> Result<()> {
    let signature = &test.sig;
    let mut errors = Vec::new();
    if signature.asyncness.is_none() {
        errors.push(Error::new(
            signature.fn_token.span(),
            "a tenant test is async: write `async fn`",
        ));
    }
    if !signature.generics.params.is_empty() {
        errors.push(Error::new(
            signature.generics.span(),
            "a tenant test has no generics: write the database, as in `tenants: TestTenants<Sqlite>`",
        ));
    }
    if signature.inputs.len() != 1 {
        errors.push(Error::new(
            signature.paren_token.span.join(),
            "a tenant test takes its tenants and nothing else: write `(tenants: TestTenants<Sqlite>)`",
        ));
    }
    let other = test.attrs.iter().find(|attribute| {
        attribute
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "test")
    });
    if let Some(other) = other {
        errors.push(Error::new(
            other.span(),
            "`#[tenant_test]` makes the tests itself: remove this attribute",
        ));
    }
    let errors = errors.into_iter().reduce(|mut all, error| {
        all.combine(error);
        all
    });
    errors.map_or(Ok(()), Err)
}
