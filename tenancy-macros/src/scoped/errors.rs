//! Mistakes, collected so that all of them are told at once, each where it was made.

use proc_macro2::{Span, TokenStream};

/// All mistakes of one model.
#[derive(Default)]
pub(super) struct Errors(Option<syn::Error>);

impl Errors {
    pub(super) fn push(&mut self, span: Span, message: impl std::fmt::Display) {
        self.add(syn::Error::new(span, message));
    }

    /// Notes the error of a result, and hands out its value.
    pub(super) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(error);
                None
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn into_tokens(self) -> TokenStream {
        self.0
            .map_or_else(TokenStream::new, |error| error.to_compile_error())
    }

    fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }
}

/// `: did you mean …?`, if one of the names there are is nearly this one; else all of them, if they are few.
pub(super) fn instead<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.collect();
    let lower = name.to_lowercase();
    let nearest = known
        .iter()
        .map(|candidate| (distance(&lower, candidate), candidate))
        .min();
    match nearest {
        Some((edits, candidate)) if edits <= 1 + name.chars().count() / 4 => {
            format!("did you mean `{candidate}`?")
        }
        Some(_) if known.len() <= 12 => format!("there are `{}`", known.join("`, `")),
        Some(_) => format!("there are {} others", known.len()),
        None => "there are none".to_owned(),
    }
}

/// How many letters have to be added, left out or changed to get from one to the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in (1..).zip(a.chars()) {
        let mut diagonal = i - 1;
        let mut left = i;
        for (y, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(x != y))
                .min(left + 1)
                .min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let known = ["leads", "users"];
        assert_eq!(instead("laeds", known.into_iter()), "did you mean `leads`?");
        assert_eq!(instead("Leads", known.into_iter()), "did you mean `leads`?");
        assert_eq!(
            instead("invoices", known.into_iter()),
            "there are `leads`, `users`"
        );
        assert_eq!(instead("x", [].into_iter()), "there are none");
    }
}
