//! The functions of a struct: a thin layer over those of the run-time crate, so that `Lead::find(7)` finds a lead.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::docs::sends;
use crate::scoped::statements::Statements;
use crate::scoped::validate::Model;

pub(super) fn functions(model: &Model, statements: &Statements) -> TokenStream {
    let ident = &model.ident;
    let columns = columns(model);
    let reads = reads(model, statements);
    let writes = (!model.read_only).then(|| writes(model, statements));
    quote! {
        #[allow(dead_code, reason = "a model has more functions than a program uses")]
        impl #ident {
            #columns
            #reads
            #writes
        }
    }
}

/// A constant for each column, to order by.
fn columns(model: &Model) -> TokenStream {
    let Model { krate, vis, .. } = model;
    let constants = model.columns.iter().enumerate().map(|(at, column)| {
        let name = format_ident!(
            "{}",
            syn::ext::IdentExt::unraw(&column.ident)
                .to_string()
                .to_uppercase(),
            span = column.ident.span()
        );
        let doc = format!("The column `{}`.", column.name);
        quote! {
            #[doc = #doc]
            #vis const #name: #krate::__private::Column<Self> =
                <Self as #krate::__private::TenantScoped>::COLUMNS[#at];
        }
    });
    quote!(#(#constants)*)
}

fn reads(model: &Model, statements: &Statements) -> TokenStream {
    let Model { krate, vis, .. } = model;
    let private = quote!(#krate::__private);
    let (parameters, key) = key(model);
    let select = quote!(#private::Select<Self, DB>);
    let scope = quote!(where Self: #private::Stored<DB>);
    let mut functions = TokenStream::new();
    if model.has("find") {
        let doc = sends(krate, "The row of a key.", statements.named("FIND"));
        functions.extend(quote! {
            #doc
            #vis fn find<DB: #private::TenantDb>(#parameters) -> #select #scope {
                #private::find(#key)
            }
        });
    }
    if model.has("all") {
        let doc = sends(
            krate,
            "All rows; order, limit and conditions are added to it.",
            statements.named("SELECT"),
        );
        functions.extend(quote! {
            #doc
            #vis fn all<DB: #private::TenantDb>() -> #select #scope {
                #private::select()
            }
        });
    }
    if model.has("filter") {
        let text = statements.text("SELECT");
        let doc = format!(
            "The rows that a condition holds for, as behind `WHERE`; bind its `$1`, `$2`, … in their order.\n\n\
             Written as `{text} WHERE (…)`."
        );
        functions.extend(quote! {
            #[doc = #doc]
            #vis fn filter<DB: #private::TenantDb>(condition: &'static str) -> #select #scope {
                #private::filter(condition)
            }
        });
    }
    if model.has("count") {
        let doc = sends(krate, "How many rows there are.", statements.named("COUNT"));
        functions.extend(quote! {
            #doc
            #vis fn count<'c, DB: #private::TenantDb>(
                db: impl #private::TenantExecutor<'c, DB> + 'c,
            ) -> #private::Answered<'c, i64> #scope {
                #private::count::<Self, DB>(db)
            }
        });
    }
    if model.has("exists") {
        let doc = sends(
            krate,
            "Whether there is a row of a key.",
            statements.named("EXISTS"),
        );
        functions.extend(quote! {
            #doc
            #vis fn exists<'c, DB: #private::TenantDb>(
                #parameters,
                db: impl #private::TenantExecutor<'c, DB> + 'c,
            ) -> #private::Answered<'c, bool> #scope {
                #private::exists::<Self, DB>(#key, db)
            }
        });
    }
    functions
}

fn writes(model: &Model, statements: &Statements) -> TokenStream {
    let Model { krate, vis, .. } = model;
    let private = quote!(#krate::__private);
    let (parameters, key) = key(model);
    let scope = quote!(where Self: #private::Stored<DB>);
    let mut functions = TokenStream::new();
    let of_a_value = [
        ("insert", "INSERT", "Adds this row."),
        (
            "update",
            "UPDATE",
            "Writes this row over the one of its key; `RowNotFound` if the tenant has none.",
        ),
        (
            "upsert",
            "UPSERT",
            "Adds this row, or writes it over the one of its key.",
        ),
    ];
    for (name, statement, line) in of_a_value {
        let Some(statement) = statements.named(statement).filter(|_| model.has(name)) else {
            continue;
        };
        let doc = sends(krate, line, Some(statement));
        let name = format_ident!("{name}");
        functions.extend(quote! {
            #doc
            #vis fn #name<DB: #private::TenantDb>(&self) -> #private::Write<Self, DB> #scope {
                #private::#name(self)
            }
        });
    }
    if model.has("insert_many") {
        let text = statements.text("INSERT");
        let doc = format!(
            "Adds many rows, all or none, a thousand in a statement.\n\nWritten as `{text}, (…), …`."
        );
        functions.extend(quote! {
            #[doc = #doc]
            #vis fn insert_many<DB: #private::TenantDb>(rows: &[Self]) -> #private::InsertMany<'_, Self, DB> #scope {
                #private::insert_many(rows)
            }
        });
    }
    if model.has("delete") {
        let doc = sends(
            krate,
            "Deletes the row of a key; `RowNotFound` if the tenant has none.",
            statements.named("DELETE"),
        );
        functions.extend(quote! {
            #doc
            #vis fn delete<DB: #private::TenantDb>(#parameters) -> #private::Write<Self, DB> #scope {
                #private::delete(#key)
            }
        });
    }
    if model.has("delete_where") {
        let doc = format!(
            "Deletes the rows that a condition holds for.\n\nWritten as `DELETE FROM {} WHERE (…)`.",
            model.table
        );
        functions.extend(quote! {
            #[doc = #doc]
            #vis fn delete_where<DB: #private::TenantDb>(condition: &'static str) -> #private::DeleteWhere<Self, DB> #scope {
                #private::delete_where(condition)
            }
        });
    }
    functions
}

/// The parameters that are a key, and the key made of them.
fn key(model: &Model) -> (TokenStream, TokenStream) {
    let names: Vec<_> = model.keys().map(|key| &key.ident).collect();
    let types = model.keys().map(|key| &key.ty);
    let parameters = quote!(#(#names: #types),*);
    let key = match &*names {
        [one] => quote!(#one),
        several => quote!((#(#several),*)),
    };
    (parameters, key)
}
