//! The implementations of the traits: the statements as constants, and the way between rows and values.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::Type;
use tenancy_sql::Access;

use crate::scoped::statements::{Statement, Statements};
use crate::scoped::validate::{Column, Model};

pub(super) fn traits(model: &Model, statements: &Statements) -> TokenStream {
    let scoped = scoped(model, statements);
    let written = (!model.read_only).then(|| written(model, statements));
    let stored = stored(model);
    quote! {
        #scoped
        #written
        #stored
    }
}

fn scoped(model: &Model, statements: &Statements) -> TokenStream {
    let Model {
        krate,
        ident,
        table,
        ..
    } = model;
    let key = key_type(model);
    let columns = model.columns.iter().enumerate().map(|(at, column)| {
        let name = &column.name;
        let quoted = (column.sql != column.name).then(|| {
            let sql = &column.sql;
            quote!(.quoted(#sql))
        });
        let key = column.is_key.then(|| quote!(.key()));
        let nullable = column.is_nullable.then(|| quote!(.nullable()));
        let written = match (column.is_insertable, column.is_updatable || column.is_key) {
            (true, _) => None,
            (false, true) => Some(quote!(.filled())),
            (false, false) => Some(quote!(.read_only())),
        };
        quote!(#krate::__private::Column::new(#at, #name) #quoted #key #nullable #written)
    });
    let (list, by_key) = (&statements.list, &statements.by_key);
    let [select, find, count, exists] =
        ["SELECT", "FIND", "COUNT", "EXISTS"].map(|name| statements.text(name));
    let compiled = (!statements.all.is_empty()
        && statements
            .all
            .iter()
            .all(|statement| !statement.answers.is_empty()))
    .then(|| compiled(model, statements));
    quote! {
        impl #krate::__private::TenantScoped for #ident {
            type Key = #key;
            const TABLE: &'static str = #table;
            const COLUMNS: &'static [#krate::__private::Column<Self>] = &[#(#columns),*];
            const LIST: &'static str = #list;
            const BY_KEY: &'static str = #by_key;
            const SELECT: &'static str = #select;
            const FIND: &'static str = #find;
            const COUNT: &'static str = #count;
            const EXISTS: &'static str = #exists;
            #compiled
        }
    }
}

/// The firewall's answers, so that nothing is parsed at run time.
fn compiled(model: &Model, statements: &Statements) -> TokenStream {
    let krate = &model.krate;
    let count = statements.all.len();
    let all = statements.all.iter().map(|Statement { text, answers, .. }| {
        let answers = answers.iter().map(|answer| {
            let (fingerprint, checked) = (answer.fingerprint, &answer.checked);
            let (sql, params, binds_tenant) =
                (&**checked.sql(), checked.params(), checked.binds_tenant());
            let writes = checked.access() == Access::Write;
            let splices = checked
                .compiled_splices()
                .map(|splice| quote!([#(#splice),*]));
            quote!(Answer::new(#fingerprint, #sql, #params, #binds_tenant, #writes, &[#(#splices),*]))
        });
        quote!(Compiled::new(#text, &[#(#answers),*]))
    });
    quote! {
        fn compiled() -> &'static [#krate::__private::Compiled] {
            use #krate::__private::{Answer, Compiled};
            static STATEMENTS: [Compiled; #count] = [#(#all),*];
            &STATEMENTS
        }
    }
}

fn written(model: &Model, statements: &Statements) -> TokenStream {
    let Model { krate, ident, .. } = model;
    let [insert, update, upsert, delete] =
        ["INSERT", "UPDATE", "UPSERT", "DELETE"].map(|name| statements.text(name));
    quote! {
        impl #krate::__private::TenantWritten for #ident {
            const INSERT: &'static str = #insert;
            const UPDATE: &'static str = #update;
            const UPSERT: &'static str = #upsert;
            const DELETE: &'static str = #delete;
        }
    }
}

fn stored(model: &Model) -> TokenStream {
    let Model {
        krate,
        ident,
        columns,
        skipped,
        ..
    } = model;
    let bounds = bounds(model);
    let loads = columns.iter().enumerate().map(|(at, column)| {
        let (field, value) = (&column.ident, load(model, column, at));
        quote!(#field: #value)
    });
    let arms = columns.iter().enumerate().map(|(at, column)| {
        let field = &column.ident;
        let value = bound(model, column, &quote!(&self.#field));
        quote!(#at => values.add(#value))
    });
    // Not by the fields' names, which may be anything.
    let names: Vec<_> = (0..model.keys().count())
        .map(|at| quote::format_ident!("key{at}"))
        .collect();
    let keys = model.keys().zip(&names).map(|(column, name)| {
        let value = bound(model, column, &quote!(&#name));
        quote!(values.add(#value);)
    });
    let pattern = match &*names {
        [one] => quote!(#one),
        several => quote!((#(#several),*)),
    };
    quote! {
        impl<DB: #krate::__private::TenantDb> #krate::__private::Stored<DB> for #ident
        where
            #(#bounds,)*
        {
            fn load(row: &DB::Row, at: usize) -> ::core::result::Result<Self, #krate::__private::sqlx::Error> {
                ::core::result::Result::Ok(Self {
                    #(#loads,)*
                    #(#skipped: ::core::default::Default::default(),)*
                })
            }

            fn value(&self, column: usize, values: &mut #krate::__private::Values<DB>) {
                match column {
                    #(#arms,)*
                    _ => {}
                }
            }

            fn key(#pattern: Self::Key, values: &mut #krate::__private::Values<DB>) {
                #(#keys)*
            }
        }
    }
}

/// The type of the key: that of its column, or a tuple.
fn key_type(model: &Model) -> TokenStream {
    let types: Vec<_> = model.keys().map(|key| &key.ty).collect();
    match &*types {
        [one] => quote!(#one),
        several => quote!((#(#several),*)),
    }
}

/// How a field comes out of a row.
fn load(model: &Model, column: &Column, at: usize) -> TokenStream {
    let krate = &model.krate;
    let ty = &column.ty;
    if let Some(source) = &column.try_from {
        quote!(#krate::__private::converted::<#source, #ty, DB>(row, at + #at)?)
    } else if column.json {
        quote!(DB::column::<#krate::__private::sqlx::types::Json<#ty>>(row, at + #at)?.0)
    } else {
        quote!(DB::column(row, at + #at)?)
    }
}

/// How a field goes into a statement.
fn bound(model: &Model, column: &Column, value: &TokenStream) -> TokenStream {
    let krate = &model.krate;
    if let Some(with) = &column.bind_with {
        let function = &with.function;
        match function {
            syn::Expr::Path(path) => quote!(#path(#value)),
            closure => quote!((#closure)(#value)),
        }
    } else if column.json {
        quote!(#krate::__private::sqlx::types::Json(#value))
    } else {
        value.clone()
    }
}

/// What the types of the fields must be able to do, each said once.
fn bounds(model: &Model) -> Vec<TokenStream> {
    let krate = &model.krate;
    let private = quote!(#krate::__private);
    let mut seen = BTreeSet::new();
    let mut bounds = Vec::new();
    let mut add = |bound: TokenStream| {
        if seen.insert(bound.to_string()) {
            bounds.push(bound);
        }
    };
    for column in &model.columns {
        let ty = &column.ty;
        if column.try_from.is_none() && !column.json && column.bind_with.is_none() {
            add(quote!(#ty: #private::Value<DB>));
            continue;
        }
        let json = |ty: TokenStream| quote!(#private::sqlx::types::Json<#ty>);
        add(match (&column.try_from, column.json) {
            (Some(source), _) => quote!(#source: #private::Readable<DB>),
            (None, true) => {
                let document = json(ty.to_token_stream());
                quote!(#document: #private::Readable<DB>)
            }
            (None, false) => quote!(#ty: #private::Readable<DB>),
        });
        add(match (&column.bind_with, column.json) {
            (Some(with), _) => {
                let ty: &Type = &with.ty;
                quote!(#ty: #private::Writable<DB>)
            }
            (None, true) => {
                let document = json(quote!(&'v #ty));
                quote!(for<'v> #document: #private::sqlx::Encode<'v, DB> + #private::sqlx::Type<DB>)
            }
            (None, false) => quote!(#ty: #private::Writable<DB>),
        });
    }
    bounds
}
