//! Replacing text at byte offsets, and nothing else.

use crate::Refused;

/// One replacement of `start..end` of the original.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: String,
    /// It stands in front of the name of a written table, in place of its schema.
    pub(super) target: bool,
}

/// One replacement in characters of the original, for mapping positions back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) start: usize,
    pub(crate) removed: usize,
    pub(crate) inserted: usize,
    /// The name of a written table comes next.
    pub(crate) target: bool,
}

/// Applies all replacements. `None` if two of them overlap.
pub(super) fn splice(sql: &str, mut edits: Vec<Edit>) -> Option<(String, Vec<Splice>)> {
    // Insertions at a place come before what replaces the text from that place on; otherwise in the order they were made.
    edits.sort_by_key(|edit| (edit.start, edit.end > edit.start));
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut text = String::with_capacity(sql.len() + added);
    let mut splices = Vec::with_capacity(edits.len());
    let (mut at, mut characters) = (0, 0);
    for edit in edits {
        let kept = sql.get(at..edit.start)?;
        let removed = sql.get(edit.start..edit.end)?.chars().count();
        characters += kept.chars().count();
        splices.push(Splice {
            start: characters,
            removed,
            inserted: edit.text.chars().count(),
            target: edit.target,
        });
        characters += removed;
        text.push_str(kept);
        text.push_str(&edit.text);
        at = edit.end;
    }
    text.push_str(sql.get(at..)?);
    Some((text, splices))
}

/// The result of a step of the walk.
pub(super) type Walk = Result<(), Refused>;
