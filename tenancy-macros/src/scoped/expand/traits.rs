//! The implementations of the traits: the statements as constants, and the way between rows and values.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::Type;

use crate::scoped::statements::Statements;
use crate::scoped::validate::{Column, Model};

/// How many columns the traits for tuples take.
const AT_ONCE: usize = 16;

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
    let Model { krate, ident, .. } = model;
    let bounds = bounds(model);
    let load = loaded(model);
    let value = valued(model);
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
                #load
            }

            fn value(&self, column: usize, values: &mut #krate::__private::Values<DB>) {
                #value
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

/// How a row becomes a value: its columns as tuples, then field by field.
fn loaded(model: &Model) -> TokenStream {
    let krate = &model.krate;
    // Not by the fields' names, which may be anything.
    let name = |at: usize| quote::format_ident!("column{at}");
    let reads = model.columns.chunks(AT_ONCE).enumerate().map(|(chunk, columns)| {
        let first = chunk * AT_ONCE;
        let names = (first..first + columns.len()).map(name);
        let types = columns.iter().map(|column| {
            let ty = &column.ty;
            match (&column.try_from, column.json) {
                (Some(source), _) => quote!(#source),
                (None, true) => quote!(#krate::__private::sqlx::types::Json<#ty>),
                (None, false) => quote!(_),
            }
        });
        let place = (first > 0).then(|| quote!(+ #first));
        quote!(let (#(#names,)*): (#(#types,)*) = #krate::__private::Columns::<DB>::read(row, at #place)?;)
    });
    let fields = model.columns.iter().enumerate().map(|(at, column)| {
        let (field, value) = (&column.ident, name(at));
        if column.try_from.is_some() {
            quote!(#field: #krate::__private::converted(#value, at + #at)?)
        } else if column.json {
            quote!(#field: #value.0)
        } else {
            quote!(#field: #value)
        }
    });
    let skipped = &model.skipped;
    quote! {
        #(#reads)*
        ::core::result::Result::Ok(Self {
            #(#fields,)*
            #(#skipped: ::core::default::Default::default(),)*
        })
    }
}

/// How the value of a column is found by its place.
fn valued(model: &Model) -> TokenStream {
    let krate = &model.krate;
    let is_plain = |column: &Column| !column.json && column.bind_with.is_none();
    if !model.columns.iter().all(is_plain) {
        let arms = model.columns.iter().enumerate().map(|(at, column)| {
            let field = &column.ident;
            let value = bound(model, column, &quote!(&self.#field));
            quote!(#at => values.add(#value))
        });
        return quote! {
            match column {
                #(#arms,)*
                _ => {}
            }
        };
    }
    let chunks = model.columns.chunks(AT_ONCE).map(|columns| {
        let fields = columns.iter().map(|column| &column.ident);
        quote!(#krate::__private::Fields::<DB>::bind((#(&self.#fields,)*), column % #AT_ONCE, values))
    });
    if model.columns.len() <= AT_ONCE {
        let fields = model.columns.iter().map(|column| &column.ident);
        return quote!(#krate::__private::Fields::<DB>::bind((#(&self.#fields,)*), column, values););
    }
    let places = 0..model.columns.len().div_ceil(AT_ONCE);
    quote! {
        match column / #AT_ONCE {
            #(#places => #chunks,)*
            _ => {}
        }
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
