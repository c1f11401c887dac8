//! What was written: the arguments of `#[tenant_scoped(…)]`, the struct, and the `#[tenant(…)]` of its fields.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, Fields, Ident, Item, ItemStruct, LitStr, Meta, Path, Token, Type};

use super::errors::Errors;
use crate::krate;

const ARGUMENTS: &str = "`table`, `key`, `read_only`, `except` and `crate`";
const FIELD_KEYS: &str =
    "`column`, `key`, `skip`, `default`, `read_only`, `nullable`, `bind_with` and `belongs_to`";

/// Between the parentheses of `#[tenant_scoped(…)]`.
pub(super) struct Arguments {
    pub(super) krate: Path,
    pub(super) table: Option<LitStr>,
    pub(super) key: Vec<LitStr>,
    pub(super) read_only: bool,
    /// Functions that are left out.
    pub(super) except: Vec<Ident>,
}

/// The struct, as far as it can be a model.
pub(super) struct Input {
    pub(super) arguments: Arguments,
    pub(super) item: ItemStruct,
    pub(super) fields: Vec<Field>,
    /// What is said to Diesel, if it is a struct of Diesel's.
    pub(super) diesel: Option<DieselTable>,
}

/// How Diesel's derives know the table.
pub(super) enum DieselTable {
    /// `#[diesel(table_name = schema::leads)]`.
    Named(Path),
    /// `#[derive(Identifiable)]` knows it.
    Derived,
}

/// A field and what is said about it.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) span: Span,
    /// The name of the column, and where it stands.
    pub(super) column: String,
    pub(super) column_span: Span,
    pub(super) key: bool,
    pub(super) skip: bool,
    pub(super) default: Option<Span>,
    pub(super) read_only: bool,
    pub(super) nullable: bool,
    pub(super) json: bool,
    pub(super) try_from: Option<Type>,
    pub(super) bind_with: Option<BindWith>,
    pub(super) belongs_to: Option<BelongsTo>,
}

/// `bind_with(Status::word, &'static str)`: the function (or closure) that makes the value to bind, and its type.
#[derive(Clone)]
pub(super) struct BindWith {
    pub(super) function: Expr,
    pub(super) ty: Type,
}

/// `belongs_to = User`, or `belongs_to(User, name = "owner")`.
pub(super) struct BelongsTo {
    pub(super) model: Path,
    pub(super) name: Option<Ident>,
}

impl Arguments {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut parsed = Self {
            krate: krate::tenancy(),
            table: None,
            key: Vec::new(),
            read_only: false,
            except: Vec::new(),
        };
        let mut seen = Vec::new();
        let parser = syn::meta::parser(|meta| {
            if let Some(key) = meta.path.get_ident() {
                once(&mut seen, key)?;
            }
            if meta.path.is_ident("table") {
                parsed.table = Some(text(&meta)?);
            } else if meta.path.is_ident("crate") {
                parsed.krate = meta.value()?.parse()?;
            } else if meta.path.is_ident("key") {
                parsed.key = texts(&meta)?;
            } else if meta.path.is_ident("read_only") {
                parsed.read_only = true;
            } else if meta.path.is_ident("except") {
                meta.parse_nested_meta(|function| {
                    parsed.except.push(function.path.require_ident()?.clone());
                    Ok(())
                })?;
            } else {
                return Err(unknown(&meta.path, ARGUMENTS));
            }
            Ok(())
        });
        let result = parser.parse2(tokens);
        let failed = result.is_err();
        errors.take(result);
        if parsed.table.is_none() && !failed {
            errors.push(
                Span::call_site(),
                "which table is it? Say `#[tenant_scoped(table = \"…\")]`",
            );
        }
        parsed
    }
}

impl Input {
    /// The struct, or the item as it came if it is nothing that can be a model.
    pub(super) fn parse(
        arguments: Arguments,
        item: TokenStream,
        errors: &mut Errors,
    ) -> Result<Self, TokenStream> {
        let mut item = match syn::parse2::<Item>(item.clone()) {
            Ok(Item::Struct(item)) => item,
            Ok(other) => {
                errors.push(
                    first_span(&other),
                    "a model is a struct with named fields: each is a column of the table",
                );
                return Err(item);
            }
            Err(error) => {
                errors.take::<()>(Err(error));
                return Err(item);
            }
        };
        let Fields::Named(named) = &mut item.fields else {
            errors.push(
                item.ident.span(),
                "a model is a struct with named fields: each is a column of the table",
            );
            return Err(quote::quote!(#item));
        };
        let fields: Vec<_> = named
            .named
            .iter_mut()
            .filter_map(|field| Field::parse(field, errors))
            .collect();
        if let Some(parameter) = item.generics.params.first() {
            errors.push(
                parameter.span(),
                "a model has no parameters: its fields are the columns of one table, and own what was read",
            );
            return Err(quote::quote!(#item));
        }
        for attribute in attributes(&item.attrs, "sqlx") {
            errors.take(attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("rename_all") {
                    return Err(meta.error(
                        "the columns of a model are named one by one: `#[tenant(column = \"…\")]` on a field",
                    ));
                }
                skip_value(&meta)
            }));
        }
        let diesel = DieselTable::parse(&item, errors);
        Ok(Self {
            arguments,
            diesel,
            fields,
            item,
        })
    }
}

impl Field {
    /// Reads the attributes of a field, and takes ours off.
    fn parse(field: &mut syn::Field, errors: &mut Errors) -> Option<Self> {
        let ident = field.ident.clone()?;
        let mut parsed = Self {
            span: ident.span(),
            column: ident.unraw().to_string(),
            column_span: ident.span(),
            ident,
            ty: field.ty.clone(),
            key: false,
            skip: false,
            default: None,
            read_only: false,
            nullable: is_option(&field.ty),
            json: false,
            try_from: None,
            bind_with: None,
            belongs_to: None,
        };
        for attribute in attributes(&field.attrs, "sqlx") {
            errors.take(attribute.parse_nested_meta(|meta| parsed.sqlx(&meta)));
        }
        for attribute in attributes(&field.attrs, "diesel") {
            errors.take(attribute.parse_nested_meta(|meta| parsed.diesel(&meta)));
        }
        let mut seen = Vec::new();
        for attribute in attributes(&field.attrs, "tenant") {
            let result = match &attribute.meta {
                Meta::List(_) => attribute.parse_nested_meta(|meta| {
                    if let Some(key) = meta.path.get_ident() {
                        once(&mut seen, key)?;
                    }
                    parsed.tenant(&meta)
                }),
                other => Err(syn::Error::new(
                    other.span(),
                    format!("write `#[tenant(…)]`; the known keys are {FIELD_KEYS}"),
                )),
            };
            errors.take(result);
        }
        field
            .attrs
            .retain(|attribute| !attribute.path().is_ident("tenant"));
        Some(parsed)
    }

    /// What is said to sqlx's derives holds for the model, too: it need not be said twice.
    fn sqlx(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("rename") {
            let name = text(meta)?;
            self.column_span = name.span();
            self.column = name.value();
        } else if meta.path.is_ident("skip") {
            self.skip = true;
        } else if meta.path.is_ident("json") {
            self.json = true;
            if meta.input.peek(syn::token::Paren) {
                return Err(meta.error(
                    "a model binds a nullable document as `Option<sqlx::types::Json<T>>`: make that the type of the field",
                ));
            }
        } else if meta.path.is_ident("try_from") {
            self.try_from = Some(text(meta)?.parse()?);
        } else if meta.path.is_ident("flatten") {
            return Err(meta.error(
                "a model lists its columns itself, and can't look into another struct: write the fields here",
            ));
        } else {
            skip_value(meta)?;
        }
        Ok(())
    }

    /// Nor what is said to Diesel's.
    fn diesel(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("column_name") {
            let name = meta.value()?;
            self.column_span = name.span();
            self.column = if name.peek(LitStr) {
                name.parse::<LitStr>()?.value()
            } else {
                Ident::parse_any(name)?.unraw().to_string()
            };
            Ok(())
        } else if meta.path.is_ident("embed") {
            Err(meta.error(
                "a model lists its columns itself, and can't look into another struct: write the fields here",
            ))
        } else {
            skip_value(meta)
        }
    }

    fn tenant(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("column") {
            let name = text(meta)?;
            self.column_span = name.span();
            self.column = name.value();
        } else if meta.path.is_ident("key") {
            self.key = true;
        } else if meta.path.is_ident("skip") {
            self.skip = true;
        } else if meta.path.is_ident("default") {
            self.default = Some(meta.path.span());
        } else if meta.path.is_ident("read_only") {
            self.read_only = true;
        } else if meta.path.is_ident("nullable") {
            self.nullable = true;
        } else if meta.path.is_ident("bind_with") {
            let content;
            syn::parenthesized!(content in meta.input);
            let function = content.parse()?;
            content.parse::<Token![,]>()?;
            self.bind_with = Some(BindWith {
                function,
                ty: content.parse()?,
            });
        } else if meta.path.is_ident("belongs_to") {
            self.belongs_to = Some(BelongsTo::parse(meta)?);
        } else {
            return Err(unknown(&meta.path, FIELD_KEYS));
        }
        Ok(())
    }
}

impl BelongsTo {
    fn parse(meta: &ParseNestedMeta<'_>) -> syn::Result<Self> {
        if meta.input.peek(Token![=]) {
            let model = meta.value()?;
            // In quotes, too, as serde and sqlx write paths.
            let model = if model.peek(LitStr) {
                model.parse::<LitStr>()?.parse()?
            } else {
                model.parse()?
            };
            return Ok(Self { model, name: None });
        }
        let content;
        syn::parenthesized!(content in meta.input);
        let model = content.parse()?;
        let mut name = None;
        if content.parse::<Option<Token![,]>>()?.is_some() && !content.is_empty() {
            let key: Ident = content.parse()?;
            if key != "name" {
                return Err(syn::Error::new(
                    key.span(),
                    format!("unknown key `{key}`: `belongs_to` takes a model and `name`"),
                ));
            }
            content.parse::<Token![=]>()?;
            let text: LitStr = content.parse()?;
            name = Some(text.parse_with(Ident::parse_any)?);
        }
        Ok(Self { model, name })
    }
}

/// `name = "text"`.
fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let value = meta.value()?;
    value
        .parse()
        .map_err(|error| syn::Error::new(error.span(), "write it as text: `\"…\"`"))
}

/// `name = "text"`, or `name = ["text", "text"]`.
fn texts(meta: &ParseNestedMeta<'_>) -> syn::Result<Vec<LitStr>> {
    let value = meta.value()?;
    if !value.peek(syn::token::Bracket) {
        return Ok(vec![value.parse()?]);
    }
    let content;
    syn::bracketed!(content in value);
    let list = content.parse_terminated(<LitStr as syn::parse::Parse>::parse, Token![,])?;
    Ok(list.into_iter().collect())
}

/// Reads over a value that is none of ours.
fn skip_value(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let content;
        syn::parenthesized!(content in meta.input);
        content.parse::<TokenStream>()?;
    }
    Ok(())
}

fn once(seen: &mut Vec<String>, key: &Ident) -> syn::Result<()> {
    let name = key.to_string();
    if seen.contains(&name) {
        return Err(syn::Error::new(
            key.span(),
            format!("`{key}` is said twice: keep one"),
        ));
    }
    seen.push(name);
    Ok(())
}

fn unknown(path: &Path, known: &str) -> syn::Error {
    let name = path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect::<Vec<_>>()
        .join("::");
    syn::Error::new(
        path.span(),
        format!("unknown key `{name}`: the known ones are {known}"),
    )
}

fn attributes<'a>(
    attributes: &'a [Attribute],
    name: &'a str,
) -> impl Iterator<Item = &'a Attribute> {
    attributes
        .iter()
        .filter(move |attribute| attribute.path().is_ident(name))
}

impl DieselTable {
    /// What the attributes of a struct say to Diesel: `None` if it is none of Diesel's.
    fn parse(item: &ItemStruct, errors: &mut Errors) -> Option<Self> {
        let mut named = None;
        for attribute in attributes(&item.attrs, "diesel") {
            // What can't be read here is reported by Diesel.
            let _ = attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("table_name") {
                    named = Some(meta.value()?.parse()?);
                    return Ok(());
                }
                skip_value(&meta)
            });
        }
        if let Some(path) = named {
            return Some(Self::Named(path));
        }
        let derives = |names: &[&str]| item.attrs.iter().any(|it| derives(it, names));
        if derives(&["Identifiable"]) {
            return Some(Self::Derived);
        }
        if derives(&["Queryable", "Selectable", "Insertable", "AsChangeset"]) {
            errors.push(
                item.ident.span(),
                "which table of Diesel's is it? Say `#[diesel(table_name = …)]`",
            );
            return Some(Self::Derived);
        }
        None
    }
}

/// Whether it is a `#[derive(…)]` of one of these.
fn derives(attribute: &Attribute, names: &[&str]) -> bool {
    if !attribute.path().is_ident("derive") {
        return false;
    }
    let mut found = false;
    // What can't be read here is reported by the compiler.
    let _ = attribute.parse_nested_meta(|meta| {
        let last = meta.path.segments.last();
        found |= last.is_some_and(|last| names.iter().any(|name| last.ident == name));
        Ok(())
    });
    found
}

/// Whether a type is written as `Option<…>`.
pub(super) fn is_option(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Option"),
        _ => false,
    }
}

fn first_span(item: &Item) -> Span {
    match item {
        Item::Enum(item) => item.ident.span(),
        Item::Union(item) => item.ident.span(),
        Item::Type(item) => item.ident.span(),
        Item::Fn(item) => item.sig.ident.span(),
        other => other.span(),
    }
}
