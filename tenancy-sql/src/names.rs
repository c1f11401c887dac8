//! Names as the engine compares them, and names as we write them.

use sqlparser::ast::Ident;

use crate::Dialect;

/// PostgreSQL cuts longer names, silently.
const POSTGRES_BYTES: usize = 63;

/// A name as the engine compares it: case folded by its rules, quotes undone, cut to its length.
///
/// `raw` is the text between the quotes, as written.
pub(crate) fn fold(dialect: Dialect, raw: &str, quote: Option<char>) -> String {
    let plain = match quote {
        Some(quote @ ('"' | '`' | '\'')) => {
            let doubled: String = [quote, quote].iter().collect();
            raw.replace(&doubled, quote.encode_utf8(&mut [0; 4]))
        }
        _ => raw.to_owned(),
    };
    match dialect {
        Dialect::Sqlite => plain.to_ascii_lowercase(),
        Dialect::Postgres => {
            let mut name = if quote.is_none() {
                plain.to_ascii_lowercase()
            } else {
                plain
            };
            let cut = (0..=POSTGRES_BYTES.min(name.len()))
                .rev()
                .find(|at| name.is_char_boundary(*at));
            name.truncate(cut.unwrap_or(0));
            name
        }
    }
}

/// [`fold`] of a name of the parser's.
pub(crate) fn fold_ident(dialect: Dialect, ident: &Ident) -> String {
    fold(dialect, &ident.value, ident.quote_style)
}

/// A folded name as we write it into a statement, and the same as the parser will see it.
pub(crate) fn written(folded: &str) -> Ident {
    let simple = folded.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && folded.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
        })
        && ![POSTGRES_RESERVED, SQLITE_RESERVED, HALF_RESERVED]
            .iter()
            .any(|words| words.binary_search(&folded).is_ok());
    if simple {
        Ident::new(folded)
    } else {
        Ident::with_quote('"', folded.replace('"', "\"\""))
    }
}

/// The text of a name made by [`written`].
pub(crate) fn text(ident: &Ident) -> String {
    match ident.quote_style {
        Some(quote) => format!("{quote}{}{quote}", ident.value),
        None => ident.value.clone(),
    }
}

/// Words that can't be an unquoted name of a relation, alias or label in PostgreSQL. A parser that takes one for a name
/// has not read what the server reads.
pub(crate) fn is_reserved(dialect: Dialect, word: &str) -> bool {
    let words = match dialect {
        Dialect::Postgres => POSTGRES_RESERVED,
        Dialect::Sqlite => SQLITE_RESERVED,
    };
    words
        .binary_search(&word.to_ascii_lowercase().as_str())
        .is_ok()
}

const POSTGRES_RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "system_user",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// Words of PostgreSQL that may name a function or type only; quoting them is always right.
const HALF_RESERVED: &[&str] = &[
    "authorization",
    "binary",
    "collation",
    "concurrently",
    "cross",
    "current_schema",
    "freeze",
    "full",
    "ilike",
    "inner",
    "is",
    "isnull",
    "join",
    "left",
    "like",
    "natural",
    "notnull",
    "outer",
    "overlaps",
    "right",
    "similar",
    "tablesample",
    "verbose",
];

const SQLITE_RESERVED: &[&str] = &[
    "add",
    "all",
    "alter",
    "and",
    "as",
    "autoincrement",
    "between",
    "case",
    "check",
    "collate",
    "commit",
    "constraint",
    "create",
    "default",
    "deferrable",
    "delete",
    "distinct",
    "drop",
    "else",
    "escape",
    "except",
    "exists",
    "foreign",
    "from",
    "group",
    "having",
    "in",
    "index",
    "insert",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "limit",
    "not",
    "nothing",
    "notnull",
    "null",
    "on",
    "or",
    "order",
    "primary",
    "references",
    "returning",
    "select",
    "set",
    "table",
    "then",
    "to",
    "transaction",
    "union",
    "unique",
    "update",
    "using",
    "values",
    "when",
    "where",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_like_the_engines() {
        assert_eq!(fold(Dialect::Postgres, "Leads", None), "leads");
        assert_eq!(fold(Dialect::Postgres, "Leads", Some('"')), "Leads");
        assert_eq!(fold(Dialect::Postgres, "a\"\"b", Some('"')), "a\"b");
        assert_eq!(fold(Dialect::Sqlite, "LEADS", Some('"')), "leads");
        assert_eq!(fold(Dialect::Sqlite, "Leads", Some('[')), "leads");
        assert_eq!(fold(Dialect::Sqlite, "a``b", Some('`')), "a`b");
        let long = "x".repeat(70);
        assert_eq!(fold(Dialect::Postgres, &long, None).len(), 63);
        assert_eq!(
            fold(Dialect::Postgres, &format!("{}é", "x".repeat(62)), None).len(),
            62
        );
        assert_eq!(fold(Dialect::Sqlite, &long, None).len(), 70);
        // Only ASCII is folded, whatever the alphabet.
        assert_eq!(fold(Dialect::Postgres, "ÄB", None), "Äb");
    }

    #[test]
    fn writes_quotes_where_they_are_needed() {
        for (name, expected) in [
            ("leads", "leads"),
            ("Leads", "\"Leads\""),
            ("order", "\"order\""),
            ("a\"b", "\"a\"\"b\""),
        ] {
            assert_eq!(text(&written(name)), expected);
        }
    }

    #[test]
    fn lists_are_sorted() {
        assert!(POSTGRES_RESERVED.is_sorted());
        assert!(HALF_RESERVED.is_sorted());
        assert!(SQLITE_RESERVED.is_sorted());
    }
}
