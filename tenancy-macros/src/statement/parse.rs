//! What may be written between the parentheses.

use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser as _};
use syn::{Ident, LitStr, Path, Token, Type};
use tenancy_sql::Dialect;

use crate::krate;

/// What a macro takes, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A text and nothing else.
    Alone,
    /// A text, then values.
    Text,
    /// A type, a text, then values.
    Typed,
    /// The path of a file with the text, then values.
    File,
    /// A type, the path of a file with the text, then values.
    TypedFile,
}

impl Shape {
    fn is_typed(self) -> bool {
        matches!(self, Self::Typed | Self::TypedFile)
    }

    pub(crate) fn is_file(self) -> bool {
        matches!(self, Self::File | Self::TypedFile)
    }
}

/// What was written.
pub(crate) struct Input {
    pub(crate) krate: Path,
    pub(crate) dialect: Option<Dialect>,
    pub(crate) record: Option<Type>,
    /// The text, or the path of its file, put together of all literals.
    pub(crate) source: String,
    /// The first of them.
    pub(crate) literal: LitStr,
    pub(crate) span: Span,
    /// The literals and the values as they were written: what sqlx's macro is given.
    pub(crate) rest: TokenStream,
    pub(crate) shape: Shape,
}

impl Input {
    pub(crate) fn parse(shape: Shape, input: TokenStream) -> syn::Result<Self> {
        (|input: ParseStream<'_>| Self::of(shape, input)).parse2(input)
    }

    fn of(shape: Shape, input: ParseStream<'_>) -> syn::Result<Self> {
        let mut krate = krate::tenancy();
        if input.peek(Token![crate]) && input.peek2(Token![=]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            krate = input.parse()?;
            input.parse::<Token![,]>()?;
        }
        let dialect = dialect(input)?;
        let record = if shape.is_typed() {
            let record = input.parse()?;
            input.parse::<Token![,]>()?;
            Some(record)
        } else {
            None
        };
        let ahead = input.fork();
        let literal: LitStr = input.parse().map_err(|error| {
            syn::Error::new(
                error.span(),
                "the text of a statement is a string literal, or several with `+` between them: what is put together while \
                 the program runs can't be checked before",
            )
        })?;
        let (mut source, mut span) = (literal.value(), literal.span());
        while input.peek(Token![+]) {
            input.parse::<Token![+]>()?;
            let more: LitStr = input.parse()?;
            source.push_str(&more.value());
            span = span.join(more.span()).unwrap_or(span);
        }
        if shape == Shape::Alone {
            input.parse::<Option<Token![,]>>()?;
            if !input.is_empty() {
                return Err(
                    input.error("`statement!` takes a text alone; bind the values to the query")
                );
            }
        } else {
            input.parse::<TokenStream>()?;
        }
        Ok(Self {
            krate,
            dialect,
            record,
            source,
            literal,
            span,
            rest: ahead.parse()?,
            shape,
        })
    }
}

/// `dialect = "sqlite",` at the beginning.
fn dialect(input: ParseStream<'_>) -> syn::Result<Option<Dialect>> {
    if !(input.peek(Ident) && input.peek2(Token![=])) {
        return Ok(None);
    }
    let key: Ident = input.parse()?;
    if key != "dialect" {
        return Err(syn::Error::new(
            key.span(),
            format!("unknown key `{key}`: the known ones are `crate` and `dialect`"),
        ));
    }
    input.parse::<Token![=]>()?;
    let name: LitStr = input.parse()?;
    input.parse::<Token![,]>()?;
    let dialect = name.value().parse::<Dialect>();
    dialect
        .map(Some)
        .map_err(|error| syn::Error::new(name.span(), error))
}
