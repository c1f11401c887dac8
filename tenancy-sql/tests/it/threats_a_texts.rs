//! Attacks with the text itself: literals, comments, several statements, hostile sizes, placeholders.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, both, both_refuse, check, refuses};
use Dialect::{Postgres, Sqlite};
use RefusedKind::*;

#[test]
fn a15_to_a18_literals_pass_byte_for_byte() {
    for sql in [
        r"DELETE FROM leads WHERE name = '\'' OR 1=1 --'",
        "DELETE FROM leads WHERE (id = - - 1 OR name = 'foo\n 1) --')",
        "DELETE FROM leads WHERE name = 'a''''b' OR data = X'ab'",
        "DELETE FROM leads WHERE name = '/*' OR name = '*/'",
        "DELETE FROM leads WHERE \"a\"\" OR 1=1 --\" = 1",
    ] {
        let inner = &sql["DELETE FROM leads WHERE ".len()..];
        both(
            sql,
            &format!("DELETE FROM leads WHERE ({inner}) AND [[leads]]"),
        );
    }
    for literal in [
        r"E'\\'''",
        r"U&'\0027'",
        "$x$ ' $x$",
        "$$ OR true $$",
        r"E'\' OR 1=1 --'",
        "X'ab''cd'",
        "B'1''0'",
    ] {
        accepts(
            Postgres,
            &format!("DELETE FROM leads WHERE name = {literal}"),
            &format!("DELETE FROM leads WHERE (name = {literal}) AND [[leads]]"),
        );
    }
}

#[test]
fn nothing_is_left_unread_behind_a_statement() {
    for sql in [
        "SELECT * FROM countries END, leads",
        "SELECT * FROM leads END SELECT * FROM leads",
        "SELECT * FROM countries END",
        "DELETE FROM leads END WHERE id = 1",
        "SELECT 1 END; DELETE FROM leads",
    ] {
        both_refuse(sql, Syntax);
    }
}

#[test]
fn what_ends_the_text_for_the_engine_is_refused() {
    both_refuse("UPDATE leads SET name = 'a' --\0\n WHERE id = 1", Token);
    both_refuse("SELECT '\0'", Token);
}

#[test]
fn literals_that_go_on_are_refused() {
    // The second part of the first literal has escapes, so what looks like the third is no literal.
    refuses(
        Postgres,
        "SELECT E'a'\n'b\\', id ' , (SELECT name FROM leads) , ' FROM countries",
        Token,
    );
    refuses(Postgres, "SELECT 'a'\n'b'", Token);
    refuses(Postgres, "SELECT 'a' -- x\n 'b'", Token);
}

#[test]
fn operators_of_other_schemas_are_refused_everywhere() {
    refuses(Postgres, "SELECT 1 OPERATOR(evil.=) 1", Qualifier);
    assert!(check(Postgres, "SELECT 1 OPERATOR(evil.=) ANY (ARRAY[1])").is_err());
    assert!(
        check(
            Postgres,
            "SELECT 1 FROM leads ORDER BY id USING OPERATOR(evil.<)"
        )
        .is_err()
    );
    refuses(Postgres, "SELECT id <~~> 1 FROM leads", Operator);
}

#[test]
fn a19_one_statement() {
    both_refuse("SELECT 1; DELETE FROM leads", StatementCount);
    both_refuse("", StatementCount);
    both_refuse(" -- nothing\n", StatementCount);
    both("SELECT 1;", "SELECT 1;");
    assert!(check(Postgres, "SELECT 1;; DELETE FROM leads").is_err());
}

#[test]
fn a20_a21_comments() {
    both_refuse("SELECT 1 /*!50000 UNION SELECT name FROM leads */", Token);
    both_refuse("SELECT /*+ SeqScan(leads) */ 1", Token);
    accepts(
        Sqlite,
        "SELECT 1 /* /* */ UNION SELECT name FROM leads -- */",
        "SELECT 1 /* /* */ UNION SELECT name FROM <<leads>> AS leads -- */",
    );
    // Comments nest in PostgreSQL, so all of it is one.
    let sql = "SELECT 1 /* /* */ UNION SELECT name FROM leads -- */";
    accepts(Postgres, sql, sql);
}

#[test]
fn a54_hostile_sizes() {
    let started = std::time::Instant::now();
    let deep = format!("SELECT {}1{}", "(".repeat(41), ")".repeat(41));
    assert_eq!(refuses(Postgres, &deep, TooLarge).met(), "deep nesting");
    both_refuse(
        &format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000)),
        TooLarge,
    );
    both_refuse(&format!("SELECT 1{}", " + 1".repeat(20_000)), TooLarge);
    both_refuse(
        &format!(
            "SELECT * FROM leads WHERE id IN ({}1)",
            "1, ".repeat(100_000)
        ),
        TooLarge,
    );
    both_refuse(
        &format!("SELECT 1{}", " UNION SELECT 1".repeat(5000)),
        TooLarge,
    );
    both_refuse(&format!("SELECT '{}'", "x".repeat(1 << 20)), TooLarge);
    for sql in [
        format!("SELECT {}1{}", "(".repeat(39), ")".repeat(39)),
        format!("SELECT * FROM {}leads{}", "(".repeat(39), ")".repeat(39)),
        format!("SELECT {}1", "NOT ".repeat(900)),
        format!("SELECT {}1", "- ".repeat(900)),
        format!("SELECT 1{}", " + 1".repeat(3900)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(900)),
        format!(
            "SELECT * FROM leads WHERE id IN ({}1)",
            "1, ".repeat(20_000)
        ),
        format!(
            "SELECT {}1{}",
            "CASE WHEN 1 = 1 THEN ".repeat(300),
            " END".repeat(300)
        ),
        format!("SELECT * FROM leads {}", "JOIN leads ".repeat(790)),
    ] {
        let _ = check(Postgres, &sql);
        let _ = check(Sqlite, &sql);
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn a54_a_caller_needs_little_stack() {
    let nested = |depth: usize| {
        format!(
            "SELECT * FROM {}leads{}",
            "(SELECT * FROM ".repeat(depth),
            ") x".repeat(depth)
        )
    };
    let conditions = |depth: usize| {
        format!(
            "SELECT * FROM leads WHERE {}1 = 1{}",
            "(NOT ".repeat(depth),
            ")".repeat(depth)
        )
    };
    let joins = |count: usize| {
        format!(
            "SELECT * FROM leads a{}",
            " JOIN leads ON true".repeat(count)
        )
    };
    let small = std::thread::Builder::new().stack_size(1 << 19);
    let thread = small.spawn(move || {
        for size in 1..40 {
            for sql in [nested(size), conditions(size), joins(size)] {
                let _ = (check(Postgres, &sql), check(Sqlite, &sql));
            }
        }
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn a55_placeholders() {
    both_refuse("SELECT $1, $3", Placeholder);
    both_refuse("SELECT $2", Placeholder);
    both_refuse("SELECT $0", Placeholder);
    both_refuse("SELECT $99999999999999999999", Placeholder);
    refuses(Sqlite, "SELECT ?, $1", Placeholder);
    refuses(Sqlite, "SELECT ?1, $2", Placeholder);
    refuses(Sqlite, "SELECT ?1, ?", Placeholder);
    refuses(Sqlite, "SELECT :a", Token);
    refuses(Sqlite, "SELECT @a", Token);
    refuses(Sqlite, "SELECT $a", Token);
    both(
        "SELECT * FROM leads WHERE id = $1 AND $2 = $1",
        "SELECT * FROM <<leads>> AS leads WHERE id = $1 AND $2 = $1",
    );
}
