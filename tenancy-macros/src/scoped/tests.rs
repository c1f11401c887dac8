//! Expansions of models and the statements in them, compared with the files of `tests/expansions`. With
//! `UPDATE_EXPECT=1` the files are written anew: look at what changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proc_macro2::TokenStream;
use quote::quote;

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
    let mut errors = Errors::default();
    let arguments = Arguments::parse(arguments, &mut errors);
    let input = Input::parse(arguments, item, &mut errors).unwrap();
    let project = project();
    let model = validate::validate(input, Some(&project), &mut errors);
    let statements = statements::statements(&model, Some(&project), &mut errors);
    assert!(errors.is_empty());
    statements
}

fn check(name: &str, arguments: TokenStream, item: TokenStream) {
    let tokens = expanded(arguments.clone(), item.clone(), Ok(project()));
    let code = prettyplease::unparse(&syn::parse2(tokens).unwrap());
    // Where it was compiled, and which tables it was checked against, is not what this is about.
    let code = code.replace(&*here().to_string_lossy(), "…");
    same(&format!("{name}.rs.txt"), &without_fingerprints(&code));

    let statements = statements_of(arguments, item);
    let mut sql = String::new();
    for statement in statements.all.iter().chain(&statements.joins) {
        sql.push_str(&format!("-- {}\n{};\n", statement.name, statement.text));
        for answer in &statement.answers {
            let params = answer.checked.params();
            let access = answer.checked.access();
            sql.push_str(&format!(
                "-- on {}: {access:?}, {params} values\n{};\n",
                answer.dialect,
                answer.checked.sql()
            ));
        }
        sql.push('\n');
    }
    same(&format!("{name}.sql"), &sql);
}

/// Numbers of more than twenty digits.
fn without_fingerprints(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from
            .find(|letter: char| !letter.is_ascii_alphanumeric())
            .unwrap_or(from.len());
        let (number, behind) = from.split_at(end);
        out.push_str(before);
        out.push_str(if number.len() > 20 {
            "FINGERPRINT"
        } else {
            number
        });
        rest = behind;
    }
    out + rest
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
        let sent = statement.answers.iter();
        let mut sent = sent.filter(|answer| answer.dialect == tenancy_sql::Dialect::Postgres);
        let sent = sent.next().unwrap().checked.sql();
        let row = format!("| `{}` | `{sent}` |", statement.text);
        assert!(guide.contains(&row), "the guide lacks the row:\n{row}");
    }
}
