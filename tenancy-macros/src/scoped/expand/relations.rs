//! What a model belongs to: the join, whose text is a constant, and the way from a row to what it points to.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::docs::sends;
use crate::scoped::statements::Statements;
use crate::scoped::validate::{Model, Relation};

pub(super) fn relations(model: &Model, statements: &Statements) -> Option<TokenStream> {
    if model.relations.is_empty() {
        return None;
    }
    let ident = &model.ident;
    let functions = model
        .relations
        .iter()
        .map(|it| relation(model, it, statements));
    let krate = &model.krate;
    let fitting = model.relations.iter().map(|relation| {
        let (other, table, by_key) = (&relation.model, &relation.table, &relation.by_key);
        quote!(const _: () = #krate::__private::points_to::<#other>(#table, #by_key);)
    });
    Some(quote! {
        #(#fitting)*
        #[allow(dead_code, reason = "a model has more functions than a program uses")]
        impl #ident {
            #(#functions)*
        }
    })
}

fn relation(model: &Model, relation: &Relation, statements: &Statements) -> TokenStream {
    let (krate, vis, ident, here) = (&model.krate, &model.vis, &model.ident, &model.table);
    let private = quote!(#krate::__private);
    let Relation {
        name,
        model: other,
        field,
        optional,
        table: _,
        by_key: _,
        from,
    } = relation;
    let alias = name.to_string();
    let constant = format_ident!("WITH_{}", alias.to_uppercase());
    let with = format_ident!("with_{name}");
    let shown = statements
        .joins
        .iter()
        .find(|statement| statement.name == alias);
    let doc = sends(
        krate,
        &format!(
            "The rows, each with its `{alias}`{}. Conditions call the tables `{here}` and `{alias}`.",
            if *optional { ", if it has one" } else { "" }
        ),
        shown,
    );
    let constant_doc =
        format!("The join of `{here}` with `{alias}`, as [`Self::{with}`] writes it.");
    let (shape, function) = if *optional {
        (quote!(MayHave), quote!(may_have))
    } else {
        (quote!(With), quote!(with))
    };
    let one_doc = format!(
        "The `{alias}` that this row points to, as `{other}::find` finds it.",
        other = other
            .segments
            .last()
            .map(|last| last.ident.to_string())
            .unwrap_or_default()
    );
    let find = quote!(#private::find::<#other, DB>);
    let one = if *optional {
        quote! {
            #[doc = #one_doc]
            ///
            /// `None` if it points to nothing.
            #vis fn #name<DB: #private::TenantDb>(&self) -> ::core::option::Option<#private::Select<#other, DB>>
            where
                #other: #private::Stored<DB>,
            {
                ::core::clone::Clone::clone(&self.#field).map(#find)
            }
        }
    } else {
        quote! {
            #[doc = #one_doc]
            #vis fn #name<DB: #private::TenantDb>(&self) -> #private::Select<#other, DB>
            where
                #other: #private::Stored<DB>,
            {
                #find(::core::clone::Clone::clone(&self.#field))
            }
        }
    };
    quote! {
        #[doc = #constant_doc]
        #vis const #constant: #private::Join = {
            const PARTS: #private::JoinParts<#ident, #other> = #private::JoinParts {
                table: #here,
                columns: <#ident as #private::TenantScoped>::COLUMNS,
                alias: #alias,
                others: <#other as #private::TenantScoped>::COLUMNS,
                from: #from,
            };
            const TEXT: [u8; PARTS.len()] = PARTS.bytes();
            #private::Join::of(&TEXT, #from)
        };

        #doc
        #vis fn #with<DB: #private::TenantDb>() -> #private::Select<Self, DB, #private::#shape<#other>>
        where
            Self: #private::Stored<DB>,
            #other: #private::Stored<DB>,
        {
            #private::#function(Self::#constant)
        }

        #one
    }
}
