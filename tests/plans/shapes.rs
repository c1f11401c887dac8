//! The corpus: `shapes/*.sql` and `exceptions.txt`.
//!
//! A shape opens with `-- name (arguments)`; then comes the statement as an application writes it, and the same with the
//! tenant's predicate written by hand, where `:tenant` is the placeholder behind the others. Lines without arguments in
//! parentheses are comments. An exception is a line `name: reason`.

const FILES: [&str; 5] = [
    include_str!("shapes/reads.sql"),
    include_str!("shapes/joins.sql"),
    include_str!("shapes/subqueries.sql"),
    include_str!("shapes/aggregates.sql"),
    include_str!("shapes/writes.sql"),
];
const EXCEPTIONS: &str = include_str!("exceptions.txt");

/// One query, twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// SQL literals for the placeholders of the first text, separated by commas.
    pub(super) arguments: &'static str,
    /// Without a tenant.
    pub(super) free: &'static str,
    /// With the tenant as a careful author writes it.
    pub(super) by_hand: &'static str,
}

/// A shape that may differ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exception {
    pub(super) shape: &'static str,
    pub(super) reason: &'static str,
}

/// All shapes, in the order of the files.
pub(super) fn shapes() -> Result<Vec<Shape>, String> {
    let mut shapes: Vec<Shape> = Vec::new();
    for block in FILES.iter().flat_map(|file| file.split("\n\n")) {
        let shape = match *block.lines().collect::<Vec<_>>() {
            [title, free, by_hand] => shape(title, free, by_hand),
            // The comment at the head of a file.
            [comment] if comment.starts_with("-- ") => continue,
            _ => None,
        };
        let shape = shape.ok_or_else(|| format!("not a shape:\n{block}"))?;
        if shapes.iter().any(|other| other.name == shape.name) {
            return Err(format!("two shapes are named {}", shape.name));
        }
        shapes.push(shape);
    }
    Ok(shapes)
}

fn shape(title: &'static str, free: &'static str, by_hand: &'static str) -> Option<Shape> {
    let (name, arguments) = title.strip_prefix("-- ")?.split_once(" (")?;
    Some(Shape {
        name,
        arguments: arguments.strip_suffix(')')?,
        free: free.strip_suffix(';')?,
        by_hand: by_hand.strip_suffix(';')?,
    })
}

/// The shapes that may differ, and why.
pub(super) fn exceptions() -> Result<Vec<Exception>, String> {
    EXCEPTIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (shape, reason) = line
                .split_once(": ")
                .ok_or_else(|| format!("an exception without a reason: {line}"))?;
            Ok(Exception { shape, reason })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_enough_and_every_tenant_is_named_by_hand() {
        let shapes = shapes().unwrap();
        assert!(shapes.len() >= 60, "{}", shapes.len());
        for shape in &shapes {
            assert!(shape.by_hand.contains(":tenant"), "{}", shape.name);
            assert!(!shape.free.contains(":tenant"), "{}", shape.name);
        }
        for Exception { shape, .. } in exceptions().unwrap() {
            assert!(shapes.iter().any(|other| other.name == shape), "{shape}");
        }
    }
}
