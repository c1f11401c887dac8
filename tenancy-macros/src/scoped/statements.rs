//! The statements of a model, and what the firewall answers to them over the tables of each dialect.
//!
//! Its own statements are of a few forms, over a table, columns and a key that `validate` has found. The firewall takes all of
//! those (the tests here ask it, over names of every kind) and reads each when it is first sent; asking it for each model took
//! most of the time of a compilation. A join has names that the user made up, so it is asked about those.

use std::sync::Arc;

use tenancy_sql::{Checked, Dialect};

use super::errors::Errors;
use super::validate::{Column, Model, complain};
use crate::project::{Project, Side};

/// One statement of a model.
pub(super) struct Statement {
    /// The constant it is in; of a relation, what it is called.
    pub(super) name: String,
    pub(super) text: String,
}

/// The texts of a model that never change.
pub(super) struct Statements {
    pub(super) list: String,
    pub(super) by_key: String,
    /// By the names of the constants.
    pub(super) all: Vec<Statement>,
    /// What is shown of the joins; their own text has the other model's columns, which are not known here.
    pub(super) joins: Vec<Statement>,
}

impl Statements {
    pub(super) fn named(&self, name: &str) -> Option<&Statement> {
        self.all.iter().find(|statement| statement.name == name)
    }

    /// The text of a constant; empty where there is no such statement.
    pub(super) fn text(&self, name: &str) -> &str {
        self.named(name).map_or("", |statement| &statement.text)
    }
}

/// Writes the statements of a model; the firewall reads its joins if there is a project.
pub(super) fn statements(
    model: &Model,
    project: Option<&Project>,
    errors: &mut Errors,
) -> Statements {
    let table = &model.table;
    let list = join(model.columns.iter(), |_, column| column.sql.clone(), ", ");
    let by_key = join(
        model.keys(),
        |at, column| format!("{} = ${}", column.sql, at + 1),
        " AND ",
    );
    let mut texts = vec![
        ("SELECT", format!("SELECT {list} FROM {table}")),
        ("FIND", format!("SELECT {list} FROM {table} WHERE {by_key}")),
        ("COUNT", format!("SELECT count(*) FROM {table}")),
        ("EXISTS", format!("SELECT 1 FROM {table} WHERE {by_key}")),
    ];
    if !model.read_only {
        let inserted = || model.columns.iter().filter(|column| column.is_insertable);
        let updated = || model.columns.iter().filter(|column| column.is_updatable);
        let insert = if inserted().next().is_none() {
            format!("INSERT INTO {table} DEFAULT VALUES")
        } else {
            let into = join(inserted(), |_, column| column.sql.clone(), ", ");
            let values = join(inserted(), |at, _| format!("${}", at + 1), ", ");
            format!("INSERT INTO {table} ({into}) VALUES ({values})")
        };
        if model.keys().all(|key| key.is_insertable) {
            let conflict = join(model.keys(), |_, column| column.sql.clone(), ", ");
            let set = join(
                inserted().filter(|column| !column.is_key),
                |_, column| format!("{0} = excluded.{0}", column.sql),
                ", ",
            );
            // Nothing but the key: it is written over itself, so that there is a row to return.
            let set = if set.is_empty() {
                join(
                    model.keys(),
                    |_, column| format!("{0} = excluded.{0}", column.sql),
                    ", ",
                )
            } else {
                set
            };
            texts.push((
                "UPSERT",
                format!("{insert} ON CONFLICT ({conflict}) DO UPDATE SET {set}"),
            ));
        }
        texts.push(("INSERT", insert));
        if updated().next().is_some() {
            let first = model.keys().count() + 1;
            let set = join(
                updated(),
                |at, column| format!("{} = ${}", column.sql, first + at),
                ", ",
            );
            texts.push(("UPDATE", format!("UPDATE {table} SET {set} WHERE {by_key}")));
        }
        texts.push(("DELETE", format!("DELETE FROM {table} WHERE {by_key}")));
    }
    let all = texts
        .into_iter()
        .map(|(name, text)| Statement {
            name: name.to_owned(),
            text,
        })
        .collect();
    let joins = model.relations.iter().map(|relation| {
        let own = join(
            model.columns.iter(),
            |_, column| format!("{table}.{}", column.sql),
            ", ",
        );
        let text = format!("SELECT {own}, {}.* FROM {}", relation.name, relation.from);
        if let Some(project) = project
            && let Err(refusals) = answers(project, &text)
        {
            complain(errors, model.span, refusals, project.sides.len());
        }
        Statement {
            name: relation.name.to_string(),
            text,
        }
    });
    Statements {
        joins: joins.collect(),
        list,
        by_key,
        all,
    }
}

/// What a text becomes on each database.
pub(super) type Answers = Vec<(Dialect, Arc<Checked>)>;

/// What is wrong with it, and where.
pub(super) type Refusals<'p> = Vec<(&'p Side, String)>;

/// What the firewall makes of a text over the tables of each dialect, or its messages.
pub(super) fn answers<'p>(project: &'p Project, text: &str) -> Result<Answers, Refusals<'p>> {
    let mut answers = Vec::new();
    let mut refusals = Vec::new();
    for side in &project.sides {
        match side.firewall.check(text) {
            Ok(checked) => answers.push((side.dialect, checked)),
            Err(refused) => refusals.push((side, refused.render(text).trim_end().to_owned())),
        }
    }
    if refusals.is_empty() {
        Ok(answers)
    } else {
        Err(refusals)
    }
}

fn join<'a>(
    columns: impl Iterator<Item = &'a Column>,
    write: impl Fn(usize, &Column) -> String,
    between: &str,
) -> String {
    let columns: Vec<_> = columns
        .enumerate()
        .map(|(at, column)| write(at, column))
        .collect();
    columns.join(between)
}
