//! The walk over trees that no text becomes in our two dialects: clauses of other engines, as their dialects of the parser
//! read them, and trees put together by hand. A later parser may read them in ours.

use sqlparser::ast::{
    ArrayElemTypeDef, DataType, Expr, Fetch, ObjectName, Query, SetExpr, Statement,
};
use sqlparser::dialect::{
    BigQueryDialect, ClickHouseDialect, Dialect as Theirs, DuckDbDialect, GenericDialect,
    MsSqlDialect, MySqlDialect, RedshiftSqlDialect, SnowflakeDialect,
};
use sqlparser::parser::Parser;

use super::*;

const DDL: &str =
    "CREATE TABLE leads (tenant_id text NOT NULL, id int, name text, PRIMARY KEY (tenant_id, id))";

fn read(theirs: &dyn Theirs, sql: &str) -> Statement {
    let mut statements =
        Parser::parse_sql(theirs, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    statements.remove(0)
}

fn plain(sql: &str) -> Statement {
    read(&sqlparser::dialect::PostgreSqlDialect {}, sql)
}

fn query(statement: &mut Statement) -> &mut Query {
    match statement {
        Statement::Query(query) => query,
        other => panic!("{other}"),
    }
}

/// A walk at the start of a text, in each of our dialects that reads its tokens.
fn with(sql: &str, step: impl Fn(&mut Rewriter<'_>) -> Walk) -> Vec<Walk> {
    let mut walks = Vec::new();
    for dialect in [Dialect::Postgres, Dialect::Sqlite] {
        let catalog = Catalog::builder(dialect)
            .migration("m", DDL)
            .build()
            .unwrap();
        let lexemes = crate::lex::lex(dialect, sql).unwrap_or_default();
        let source = Source::new(dialect, sql, lexemes, 9).unwrap();
        let mut rewriter = Rewriter {
            catalog: &catalog,
            dialect,
            source: &source,
            only: &[],
            within: &[],
            fragments: Fragments::new(dialect, catalog.key_type(), "tenant_id", "$1".into()),
            edits: Vec::new(),
            scopes: Scopes::default(),
            ranges: Ranges::default(),
            names_system_columns: false,
            binds_tenant: false,
            writes: false,
            conflicts: Vec::new(),
            walked_conflicts: Vec::new(),
            in_place: Vec::new(),
            relations: std::cell::RefCell::default(),
            here: std::cell::Cell::new(Span::empty()),
        };
        walks.push(step(&mut rewriter));
    }
    walks
}

/// The tree of a text is refused for what was met.
#[track_caller]
fn refuses(sql: &str, statement: &Statement, met: &str) {
    for walk in with(sql, |rewriter| rewriter.statement(&mut statement.clone())) {
        let refused = walk.expect_err(sql);
        assert_eq!(refused.met(), met, "{sql}: {refused}");
    }
}

#[track_caller]
fn theirs(theirs: &dyn Theirs, sql: &str, met: &str) {
    refuses(sql, &read(theirs, sql), met);
}

#[test]
fn expressions() {
    let (mysql, bigquery) = (MySqlDialect {}, BigQueryDialect {});
    theirs(
        &bigquery,
        "SELECT EXTRACT(WEEK(MONDAY) FROM id) FROM leads",
        "a week that starts on a day",
    );
    theirs(
        &GenericDialect {},
        "SELECT {d '2020-01-01'}",
        "a literal in the syntax of another engine",
    );
    for sql in ["SELECT r'x'", "SELECT \"\"\"x\"\"\""] {
        theirs(&bigquery, sql, "a literal of another engine");
    }
    theirs(&mysql, "SELECT \"x\"", "a literal of another engine");
    for (dialect, sql) in [
        (&mysql as &dyn Theirs, "SELECT id RLIKE 'x' FROM leads"),
        (&mysql, "SELECT MATCH (name) AGAINST ('x') FROM leads"),
        (&mysql, "SELECT CONVERT(id, char) FROM leads"),
        (&mysql, "SELECT 1 MEMBER OF (name) FROM leads"),
        (&bigquery, "SELECT STRUCT(1)"),
        (&DuckDbDialect {}, "SELECT {'a': 1}"),
        (&DuckDbDialect {}, "SELECT MAP {1: 2}"),
        (&SnowflakeDialect {}, "SELECT name:a FROM leads"),
    ] {
        theirs(dialect, sql, "an expression of another engine");
    }
}

#[test]
fn calls() {
    theirs(
        &GenericDialect {},
        "SELECT {fn lower('x')}",
        "a call in the syntax of another engine",
    );
    theirs(
        &ClickHouseDialect {},
        "SELECT quantile(1)(id) FROM leads",
        "a call in the syntax of another engine",
    );
    theirs(
        &SnowflakeDialect {},
        "SELECT count(* EXCLUDE (id)) FROM leads",
        "an option of `*`",
    );
    for sql in [
        "SELECT max(name ORDER BY id LIMIT 1) FROM leads",
        "SELECT max(name HAVING MAX id) FROM leads",
    ] {
        theirs(
            &BigQueryDialect {},
            sql,
            "a clause of another engine's call",
        );
    }
    theirs(
        &MySqlDialect {},
        "SELECT max(name SEPARATOR ',') FROM leads",
        "a clause of another engine's call",
    );
    for walk in with("SELECT 1", |rewriter| {
        rewriter.function_name(&ObjectName(Vec::new()))
    }) {
        assert_eq!(walk.unwrap_err().met(), "a call without a name");
    }
}

#[test]
fn relations() {
    for (dialect, sql) in [
        (
            &MySqlDialect {} as &dyn Theirs,
            "SELECT 1 FROM leads USE INDEX (i)",
        ),
        (&MsSqlDialect {}, "SELECT 1 FROM leads WITH (NOLOCK)"),
        (&MySqlDialect {}, "SELECT 1 FROM leads PARTITION (p)"),
        (&MySqlDialect {}, "UPDATE leads PARTITION (p) SET id = 1"),
        (&MySqlDialect {}, "UPDATE leads USE INDEX (i) SET id = 1"),
    ] {
        theirs(dialect, sql, "a table hint of another engine");
    }
    theirs(
        &BigQueryDialect {},
        "SELECT 1 FROM UNNEST(a) WITH OFFSET",
        "WITH OFFSET",
    );
    theirs(
        &RedshiftSqlDialect {},
        "SELECT 1 FROM leads AS a AT b",
        "AT in an alias",
    );
}

#[test]
fn clauses_of_a_query() {
    let click = ClickHouseDialect {};
    for (dialect, sql) in [
        (&click as &dyn Theirs, "SELECT 1 FROM leads SETTINGS a = 1"),
        (&click, "SELECT 1 FROM leads FORMAT JSON"),
        (&MsSqlDialect {}, "SELECT 1 FROM leads FOR XML AUTO"),
        (&BigQueryDialect {}, "SELECT 1 FROM leads |> LIMIT 1"),
        (&click, "SELECT 1 FROM leads PREWHERE true"),
        (&MsSqlDialect {}, "SELECT TOP 1 id FROM leads"),
    ] {
        theirs(dialect, sql, "a clause of another engine");
    }
    theirs(&click, "SELECT 1 FROM leads LIMIT 1 BY id", "LIMIT BY");
    theirs(&click, "SELECT 1 FROM leads ORDER BY ALL", "ORDER BY ALL");
    theirs(
        &click,
        "SELECT 1 FROM leads ORDER BY id WITH FILL",
        "WITH FILL",
    );
    theirs(
        &click,
        "SELECT 1 FROM leads ORDER BY id INTERPOLATE (name)",
        "INTERPOLATE",
    );
    theirs(
        &MySqlDialect {},
        "SELECT 1 FROM leads GROUP BY id WITH ROLLUP",
        "a modifier of GROUP BY",
    );
    for sql in [
        "SELECT * EXCEPT (id) FROM leads",
        "SELECT leads.* EXCEPT (id) FROM leads",
    ] {
        theirs(&BigQueryDialect {}, sql, "an option of `*`");
    }
    theirs(
        &GenericDialect {},
        "DELETE FROM leads ORDER BY id",
        "a clause of another engine in DELETE",
    );
    theirs(
        &MySqlDialect {},
        "DELETE FROM leads LIMIT 1",
        "a clause of another engine in DELETE",
    );
    for sql in [
        "UPDATE leads SET id = 1 ORDER BY id",
        "UPDATE leads SET id = 1 LIMIT 1",
    ] {
        theirs(
            &MySqlDialect {},
            sql,
            "a clause of another engine in UPDATE",
        );
    }
}

#[test]
fn trees_by_hand() {
    // A number of rows that is computed.
    let sql = "SELECT 1 FETCH FIRST 1 ROWS ONLY";
    let mut statement = plain(sql);
    let mut computed = plain("SELECT pg_sleep(1)");
    let SetExpr::Select(select) = &mut *query(&mut computed).body else {
        panic!("a select");
    };
    let sqlparser::ast::SelectItem::UnnamedExpr(call) = select.projection.remove(0) else {
        panic!("an expression");
    };
    if let Some(Fetch { quantity, .. }) = &mut query(&mut statement).fetch {
        *quantity = Some(call);
    }
    refuses(sql, &statement, "function `pg_sleep`");

    // Something else than a write where a write stands.
    let mut statement = plain("SELECT 1");
    *query(&mut statement).body = SetExpr::Insert(plain("VACUUM"));
    refuses("SELECT 1", &statement, "statement `SELECT`");

    // FROM behind a common table expression.
    let sql = "WITH a AS (SELECT 1) SELECT 1";
    let mut statement = plain(sql);
    for cte in query(&mut statement)
        .with
        .iter_mut()
        .flat_map(|with| &mut with.cte_tables)
    {
        cte.from = Some("leads".into());
    }
    refuses(sql, &statement, "FROM in a common table expression");

    // A condition that the text does not have, and one that the tree does not have.
    let mut statement = plain("DELETE FROM leads");
    if let Statement::Delete(delete) = &mut statement {
        delete.selection = Some(Expr::Identifier("id".into()));
    }
    refuses(
        "DELETE FROM leads",
        &statement,
        "a WHERE at an unknown place",
    );
    let mut statement = plain("DELETE FROM leads WHERE true");
    if let Statement::Delete(delete) = &mut statement {
        delete.selection = None;
    }
    refuses(
        "DELETE FROM leads WHERE true",
        &statement,
        "a WHERE at an unknown place",
    );

    let array = DataType::Array(ArrayElemTypeDef::Qualified(Box::new(DataType::Text), None));
    for walk in with("SELECT 1", |rewriter| {
        rewriter.data_type(&array, Span::empty())
    }) {
        assert_eq!(walk.unwrap_err().met(), "an array type of another engine");
    }
}

#[test]
fn reserved_words_that_the_parser_takes_for_names() {
    for word in ["select", "Order", "where"] {
        let name = sqlparser::ast::Ident::new(word);
        let steps: [&dyn Fn(&mut Rewriter<'_>) -> Walk; 3] = [
            &|rewriter| rewriter.relation(&[&name]).map(|_| ()),
            &|rewriter| rewriter.target(&[&name]).map(|_| ()),
            &|rewriter| rewriter.cte_name(&name).map(|_| ()),
        ];
        for step in steps {
            for walk in with("SELECT 1", step) {
                assert_eq!(walk.unwrap_err().kind(), RefusedKind::Syntax, "{word}");
            }
        }
    }
}
