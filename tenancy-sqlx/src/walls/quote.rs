//! The only place where names and values are put into SQL text. DDL takes no parameters, so here is where it is made safe.

use tenancy_core::{IdRepr, TenantId};
use tenancy_sql::{Dialect, KeyType};

use crate::{Error, Result};

/// A quoted identifier: the same in PostgreSQL and SQLite.
///
/// Neither database accepts a NUL in a name; without it the text would end there, so it is left out and the name is then
/// one that does not exist.
pub(crate) fn ident(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('"');
    for c in name.chars() {
        match c {
            '"' => quoted.push_str("\"\""),
            '\0' => {}
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A quoted text value: `standard_conforming_strings` is on (the default since PostgreSQL 9.1; SQLite knows no other way).
pub(crate) fn text(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('\'');
    for c in value.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\0' => {}
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// `schema.name`, both quoted.
#[cfg(feature = "postgres")]
pub(crate) fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", ident(schema), ident(name))
}

/// An anonymous block in dollar quotes that the body can't end.
#[cfg(feature = "postgres")]
pub(crate) fn block(body: &str) -> String {
    let mut tag = String::from("tenancy");
    while body.contains(&format!("${tag}$")) {
        tag.push('_');
    }
    format!("DO ${tag}$\n{body}\n${tag}$")
}

/// The tenant as a literal of the tenant column's type: what the pool binds, written out.
///
/// # Errors
/// [`Error::KeyType`] if an id of this kind can't be stored in such a column.
pub(crate) fn tenant(dialect: Dialect, key_type: KeyType, tenant: TenantId) -> Result<String> {
    match (tenant.repr(), key_type, dialect) {
        (IdRepr::Uuid(id), KeyType::Uuid, Dialect::Postgres) => {
            Ok(format!("'{}'::uuid", id.as_hyphenated()))
        }
        (IdRepr::Uuid(id), KeyType::Blob, Dialect::Postgres) => {
            Ok(format!("'\\x{}'::bytea", id.as_simple()))
        }
        (IdRepr::Uuid(id), KeyType::Uuid | KeyType::Blob, Dialect::Sqlite) => {
            Ok(format!("X'{}'", id.as_simple()))
        }
        (IdRepr::Integer(id), KeyType::Integer, _) => Ok(id.to_string()),
        (_, KeyType::Text, _) => Ok(text(&tenant.to_string())),
        _ => Err(Error::KeyType { key_type }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(ident("leads"), r#""leads""#);
        assert_eq!(
            ident(r#"x"; DROP TABLE y; --"#),
            r#""x""; DROP TABLE y; --""#
        );
        assert_eq!(ident("a\0b"), r#""ab""#);
        assert_eq!(text("it's"), "'it''s'");
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_body_cannot_end_its_block() {
        let block = block("BEGIN PERFORM $tenancy$ x $tenancy$; END");
        assert!(block.starts_with("DO $tenancy_$\n"), "{block}");
    }

    #[test]
    fn tenants_are_written_in_the_type_of_their_column() {
        let uuid = TenantId::parse("0190a0e0-0000-7000-8000-000000000001").unwrap();
        let number = TenantId::parse("42").unwrap();
        let word = TenantId::parse("acme").unwrap();
        let check = |dialect, key_type, id, expect: Option<&str>| {
            assert_eq!(tenant(dialect, key_type, id).ok().as_deref(), expect);
        };
        use Dialect::{Postgres, Sqlite};
        check(
            Postgres,
            KeyType::Uuid,
            uuid,
            Some("'0190a0e0-0000-7000-8000-000000000001'::uuid"),
        );
        check(
            Sqlite,
            KeyType::Blob,
            uuid,
            Some("X'0190a0e0000070008000000000000001'"),
        );
        check(Postgres, KeyType::Integer, number, Some("42"));
        check(Sqlite, KeyType::Text, number, Some("'42'"));
        check(Postgres, KeyType::Text, word, Some("'acme'"));
        check(Postgres, KeyType::Uuid, word, None);
        check(Sqlite, KeyType::Integer, uuid, None);
    }
}
