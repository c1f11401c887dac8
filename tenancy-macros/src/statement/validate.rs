//! The firewall, over the tables of each dialect that the statement is meant for.

use std::path::PathBuf;
use std::sync::Arc;

use proc_macro2::Span;
use syn::LitStr;
use tenancy_sql::Refused;

use super::parse::Input;
use crate::project::Project;

/// A statement that passed.
pub(crate) struct Checked {
    pub(crate) input: Input,
    pub(crate) project: Arc<Project>,
    /// The text itself, wherever it was written.
    pub(crate) text: String,
    /// Its file, if it has one.
    pub(crate) file: Option<PathBuf>,
    /// By the fingerprint of the catalogue it was checked against.
    pub(crate) answers: Vec<(u128, Arc<tenancy_sql::Checked>)>,
}

pub(crate) fn validate(input: Input, project: Arc<Project>) -> syn::Result<Checked> {
    let (text, file) = if input.shape.is_file() {
        let (text, path) = read(&input)?;
        (text, Some(path))
    } else {
        (input.source.clone(), None)
    };
    let mut answers = Vec::new();
    let mut refusals: Vec<(Refused, Vec<&str>)> = Vec::new();
    let sides = project
        .sides
        .iter()
        .filter(|side| input.dialect.is_none_or(|dialect| dialect == side.dialect));
    for side in sides {
        match side.firewall.check(&text) {
            Ok(checked) => answers.push((side.catalog().fingerprint(), checked)),
            Err(refused) => match refusals.iter_mut().find(|(known, _)| *known == refused) {
                Some((_, dialects)) => dialects.push(side.dialect.as_str()),
                None => refusals.push((refused, vec![side.dialect.as_str()])),
            },
        }
    }
    let errors = refusals
        .iter()
        .map(|(refused, dialects)| refusal(&input, &text, refused, dialects, &project))
        .reduce(|mut errors, error| {
            errors.combine(error);
            errors
        });
    if let Some(errors) = errors {
        return Err(errors);
    }
    if answers.is_empty() {
        return Err(syn::Error::new(
            input.span,
            "tenancy.toml does not have this dialect: add it to `dialect` there",
        ));
    }
    Ok(Checked {
        input,
        project,
        text,
        file,
        answers,
    })
}

fn read(input: &Input) -> syn::Result<(String, PathBuf)> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let path = root.unwrap_or_default().join(&input.source);
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|error| {
        syn::Error::new(input.span, format!("can't read {}: {error}", input.source))
    })?;
    Ok((text, path))
}

fn refusal(
    input: &Input,
    text: &str,
    refused: &Refused,
    dialects: &[&str],
    project: &Project,
) -> syn::Error {
    let mut message = refused.render(text).trim_end().to_owned();
    if dialects.len() < project.sides.len() {
        message = format!(
            "{message}\n(on {}; if the statement is not meant for it, write `dialect = …` before it)",
            dialects.join(", "),
        );
    }
    let place = place(&input.literal, text, refused).filter(|_| !input.shape.is_file());
    syn::Error::new(place.unwrap_or(input.span), message)
}

/// The place inside the literal, where the compiler can point at one: the literal must be written without escapes, so that
/// its bytes are those of the text. Stable compilers point at the whole literal; the message shows the place in any case.
fn place(literal: &LitStr, text: &str, refused: &Refused) -> Option<Span> {
    let token = literal.token();
    let written = token.to_string();
    let start = written.find(text)?;
    let range = refused.range();
    token.subspan(start + range.start..start + range.end)
}
