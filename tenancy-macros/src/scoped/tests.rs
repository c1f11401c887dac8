//! Expansions of models and the statements in them, compared with the files of `tests/expansions`. With
//! `UPDATE_EXPECT=1` the files are written anew: look at what changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proc_macro2::TokenStream;
use quote::quote;
use tenancy_sql::Checked;

use super::{Arguments, Errors, Input, expanded, statements, validate};
use crate::project::Project;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn project() -> Arc<Project> {
    Arc::new(Project::read(&here().join("project")).unwrap())
}

fn same(file: &str, text: &str) {
    let path = here().join("expansions").join(file);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        want == text,
        "{file} has changed; it is now:\n{text}\n(write it with UPDATE_EXPECT=1)"
    );
}

/// The statements of a model that is right.
fn statements_of(arguments: TokenStream, item: TokenStream) -> statements::Statements {
    statements_over(&project(), arguments, item)
}

fn statements_over(
    project: &Project,
    arguments: TokenStream,
    item: TokenStream,
) -> statements::Statements {
    let mut errors = Errors::default();
    let arguments = Arguments::parse(arguments, &mut errors);
    let input = Input::parse(arguments, item, &mut errors).unwrap();
    let model = validate::validate(input, Some(project), &mut errors);
    let statements = statements::statements(&model, Some(project), &mut errors);
    let is_right = errors.is_empty();
    assert!(is_right, "{}", errors.into_tokens());
    statements
}

fn answers(project: &Project, text: &str) -> Vec<(tenancy_sql::Dialect, Arc<Checked>)> {
    statements::answers(project, text)
        .unwrap_or_else(|refusals| panic!("{text} was refused: {refusals:?}"))
}

fn check(name: &str, arguments: TokenStream, item: TokenStream) {
    let tokens = expanded(arguments.clone(), item.clone(), Ok(project()));
    let code = prettyplease::unparse(&syn::parse2(tokens).unwrap());
    // Where it was compiled, and which tables it was checked against, is not what this is about.
    let code = code.replace(&*here().to_string_lossy(), "…");
    same(&format!("{name}.rs.txt"), &code);

    let statements = statements_of(arguments, item);
    let mut sql = String::new();
    for statement in statements.all.iter().chain(&statements.joins) {
        sql.push_str(&format!("-- {}\n{};\n", statement.name, statement.text));
        let project = project();
        for (dialect, checked) in answers(&project, &statement.text) {
            let (params, access) = (checked.params(), checked.access());
            sql.push_str(&format!(
                "-- on {dialect}: {access:?}, {params} values\n{};\n",
                checked.sql()
            ));
        }
        sql.push('\n');
    }
    same(&format!("{name}.sql"), &sql);
}

#[test]
fn a_small_model() {
    check(
        "small",
        quote!(table = "users"),
        quote! {
            /// Somebody.
            #[derive(Debug)]
            pub struct User {
                pub id: i64,
                pub name: String,
                pub email: String,
            }
        },
    );
}

#[test]
fn a_model_of_ten_fields() {
    check(
        "ten_fields",
        quote!(table = "deals"),
        quote! {
            struct Deal {
                #[tenant(default)]
                id: i64,
                title: String,
                order: i64,
                #[sqlx(try_from = "String")]
                #[tenant(bind_with(Status::as_str, &'static str))]
                status: Status,
                #[tenant(belongs_to = User)]
                owner_id: i64,
                amount: Option<i64>,
                #[sqlx(json)]
                details: Details,
                #[tenant(read_only)]
                created_at: i64,
                search: Option<String>,
                #[tenant(skip)]
                note: String,
            }
        },
    );
}

#[test]
fn a_model_that_is_read() {
    check(
        "read_only",
        quote!(
            table = "leads",
            crate = crate::api,
            read_only,
            except(count)
        ),
        quote! {
            pub(crate) struct Owner {
                id: i64,
                #[tenant(column = "name")]
                r#type: String,
            }
        },
    );
}

#[test]
fn a_model_of_another_key() {
    check(
        "other_key",
        quote!(table = "users", key = "email"),
        quote! {
            struct User {
                id: i64,
                name: String,
                email: String,
            }
        },
    );
}

#[test]
fn the_guide_shows_what_is_sent() {
    let guide = here().join("../../docs/models.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let statements = statements_of(
        quote!(table = "leads"),
        quote! {
            struct Lead {
                id: i64,
                name: String,
                status: String,
                owner_id: Option<i64>,
            }
        },
    );
    assert_eq!(statements.all.len(), 8);
    for statement in &statements.all {
        let project = project();
        let answers = answers(&project, &statement.text);
        let mut sent = answers
            .iter()
            .filter(|(dialect, _)| *dialect == tenancy_sql::Dialect::Postgres);
        let sent = sent.next().unwrap().1.sql();
        let row = format!("| `{}` | `{sent}` |", statement.text);
        assert!(guide.contains(&row), "the guide lacks the row:\n{row}");
    }
}

/// Whatever a table and its columns are called: the macro does not ask the firewall about these statements, so it must know
/// that they pass.
#[test]
fn the_forms_of_statements_pass_over_names_of_every_kind() {
    let names = [
        "plain",
        "order",
        "Select",
        "two words",
        "qu\"ote",
        "größe",
        "$1",
        "a--b",
        "x".repeat(63).leak(),
    ];
    let mut asked = 0;
    for (dialect, tenant) in [
        ("postgres", "uuid"),
        ("postgres", "bigint"),
        ("postgres", "text"),
        ("sqlite", "BLOB"),
        ("sqlite", "INTEGER"),
        ("sqlite", "TEXT"),
    ] {
        // SQLite's names are known in small letters.
        let folded = |name: &str| match dialect {
            "sqlite" => name.to_lowercase(),
            _ => name.to_owned(),
        };
        let mut ddl = String::new();
        for name in names {
            let quoted = format!("\"{}\"", name.replace('"', "\"\""));
            ddl.push_str(&format!(
                "CREATE TABLE {quoted} (tenant_id {tenant} NOT NULL, id bigint NOT NULL DEFAULT 7, {quoted} bigint NOT NULL DEFAULT 1, \
                 other text UNIQUE, \"The Other\" text NOT NULL, counted bigint GENERATED ALWAYS AS (1) STORED, \
                 PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, {quoted}), UNIQUE (\"The Other\", id, tenant_id));\n"
            ));
        }
        let folder = std::env::temp_dir().join(format!(
            "tenancy-macros-names-{dialect}-{tenant}-{}",
            std::process::id()
        ));
        std::fs::create_dir_all(folder.join("migrations")).unwrap();
        let toml = format!("[tenancy]\ndialect = '{dialect}'\n");
        std::fs::write(folder.join("tenancy.toml"), toml).unwrap();
        std::fs::write(folder.join("migrations/1_tables.sql"), ddl).unwrap();
        let project = Project::read(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        let project = project.unwrap();
        for name in names.map(folded) {
            for (arguments, item) in shapes(&name, &folded("The Other")) {
                for statement in &statements_over(&project, arguments, item).all {
                    asked += answers(&project, &statement.text).len();
                }
            }
        }
    }
    assert!(asked > 1500, "{asked}");
}

/// Models over a table and a column of one name: the whole table by its primary key, by two other keys, and only parts of it.
fn shapes(name: &str, other: &str) -> Vec<(TokenStream, TokenStream)> {
    let whole = quote! {
        struct Model {
            id: i64,
            #[tenant(column = #name)]
            named: i64,
            other: Option<String>,
            #[tenant(column = #other)]
            the_other: String,
            counted: Option<i64>,
        }
    };
    vec![
        (quote!(table = #name), whole.clone()),
        (quote!(table = #name, key = #name), whole.clone()),
        (quote!(table = #name, key = [#other, "id"]), whole),
        (
            quote!(table = #name, read_only),
            quote!(
                struct Model {
                    id: i64,
                }
            ),
        ),
        (
            quote!(table = #name),
            quote! {
                struct Model {
                    #[tenant(default)]
                    id: i64,
                    #[tenant(column = #name, read_only)]
                    named: i64,
                    #[tenant(column = #other)]
                    the_other: String,
                }
            },
        ),
    ]
}
