//! Token boundaries, engine by engine.

use super::*;
use Dialect::{Postgres, Sqlite};

fn check(dialect: Dialect, sql: &str, expected: &[&str]) {
    let lexemes = lex(dialect, sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let texts: Vec<_> = lexemes.iter().map(|lexeme| lexeme.text(sql)).collect();
    assert_eq!(texts, expected, "{sql}");
}

fn refused(dialect: Dialect, sql: &str) {
    assert!(lex(dialect, sql).is_err(), "{sql}");
}

#[test]
fn strings_end_where_the_engine_ends_them() {
    check(Postgres, r"a = '\' OR 1", &["a", "=", r"'\'", "OR", "1"]);
    check(Sqlite, r"'\' OR 1", &[r"'\'", "OR", "1"]);
    check(Postgres, r"E'\' OR ''1' 2", &[r"E'\' OR ''1'", "2"]);
    check(Postgres, "'a''''b' x", &["'a''''b'", "x"]);
    check(Postgres, r#""x\"" y" z"#, &[r#""x\"" y""#, "z"]);
    check(
        Postgres,
        r"U&'\0027',X'ab''cd',B'1',N'x'",
        &[r"U&'\0027'", ",", "X'ab''cd'", ",", "B'1'", ",", "N'x'"],
    );
    check(
        Postgres,
        "$x$ ' $x$ , $$a$b$$ , $1",
        &["$x$ ' $x$", ",", "$$a$b$$", ",", "$1"],
    );
    check(Postgres, "a$x$ + b", &["a$x$", "+", "b"]);
    check(Sqlite, "[a]`c``d`x'ab'", &["[a]", "`c``d`", "x'ab'"]);
}

#[test]
fn what_never_closes_is_refused() {
    for sql in ["'a", "\"a", "/* a", "E'a\\'", "$x$ a $y$"] {
        refused(Postgres, sql);
    }
    for sql in ["'a", "\"a", "`a", "[a", "/* a"] {
        refused(Sqlite, sql);
    }
}

#[test]
fn comments() {
    check(Postgres, "1 /* /* */ 2 */ 3", &["1", "3"]);
    check(Sqlite, "1 /* /* */ 2 -- */ 3", &["1", "2"]);
    check(Postgres, "1 -- x\r2", &["1", "2"]);
    check(Sqlite, "1 -- x\r2\n3", &["1", "3"]);
    check(Postgres, "a<--b\nc", &["a", "<", "c"]);
    check(Postgres, "a @/* b */ c", &["a", "@", "c"]);
    refused(Postgres, "SELECT /*+ SeqScan(a) */ 1");
    refused(Sqlite, "SELECT 1 /*!50000 UNION SELECT 2 */");
}

#[test]
fn operators_are_cut_as_postgres_cuts_them() {
    check(Postgres, "a=-1", &["a", "=", "-", "1"]);
    check(Postgres, "a@-1", &["a", "@-", "1"]);
    check(Postgres, "a*-1 - - 1", &["a", "*", "-", "1", "-", "-", "1"]);
    check(
        Postgres,
        "a->>'b' #>> c ?| d",
        &["a", "->>", "'b'", "#>>", "c", "?|", "d"],
    );
    check(
        Postgres,
        "a::int :b[1:2]",
        &["a", "::", "int", ":", "b", "[", "1", ":", "2", "]"],
    );
    check(
        Sqlite,
        "a==b<<1||c->>'d'",
        &["a", "==", "b", "<<", "1", "||", "c", "->>", "'d'"],
    );
}

#[test]
fn numbers_and_placeholders() {
    check(Postgres, "1.5e-3 .5 1. $12", &["1.5e-3", ".5", "1.", "$12"]);
    check(
        Sqlite,
        "0xFF 1e5 ?1 ? $2",
        &["0xFF", "1e5", "?1", "?", "$2"],
    );
    for sql in ["1a", "0x1F", "1_000", "$1a", "1e", "1..2", "$"] {
        refused(Postgres, sql);
    }
    for sql in ["1a", ":a", "@a", "$a", "#1", "?1a", "$1::x"] {
        refused(Sqlite, sql);
    }
}

#[test]
fn names_of_any_alphabet() {
    check(Postgres, "größe Ωmega _a1", &["größe", "Ωmega", "_a1"]);
    check(Sqlite, "größe a$b", &["größe", "a$b"]);
    refused(Postgres, "SELECT \u{feff}1");
    refused(Postgres, "SELECT \0");
    refused(Postgres, "SELECT 1 \\ 2");
    refused(Sqlite, "SELECT 1 \\ 2");
    refused(Sqlite, "SELECT {1}");
    refused(Postgres, r#"U&"\0061""#);
}
