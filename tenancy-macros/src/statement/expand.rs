//! What a checked statement becomes: a `static` with the firewall's answers, and the text or sqlx's macro.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use tenancy_sql::Access;

use super::validate::Checked;

/// The text, known to all firewalls of the program.
pub(crate) fn text(checked: &Checked) -> TokenStream {
    let compiled = compiled(checked);
    quote!({
        #compiled
        __STATEMENT.text()
    })
}

/// sqlx's macro of the name, with what was written.
pub(crate) fn sqlx(name: &str, checked: &Checked) -> TokenStream {
    let compiled = compiled(checked);
    let name = Ident::new(name, Span::call_site());
    let record = checked.input.record.iter();
    let rest = &checked.input.rest;
    quote!({
        #compiled
        __STATEMENT.text();
        ::sqlx::#name!(#(#record,)* #rest)
    })
}

fn compiled(
    Checked {
        input,
        project,
        text,
        file,
        answers,
    }: &Checked,
) -> TokenStream {
    let krate = &input.krate;
    let answers = answers.iter().map(|(fingerprint, checked)| {
        let (sql, params, binds_tenant) = (&**checked.sql(), checked.params(), checked.binds_tenant());
        let writes = checked.access() == Access::Write;
        let splices = checked
            .compiled_splices()
            .map(|splice| quote!([#(#splice),*]));
        quote!(#krate::__private::Answer::new(#fingerprint, #sql, #params, #binds_tenant, #writes, &[#(#splices),*]))
    });
    let tracked = project.tracked();
    let file = file.iter().map(|path| path.to_string_lossy().into_owned());
    quote! {
        #tracked
        #(const _: &str = ::core::include_str!(#file);)*
        static __STATEMENT: #krate::__private::Compiled = #krate::__private::Compiled::new(#text, &[#(#answers),*]);
    }
}
