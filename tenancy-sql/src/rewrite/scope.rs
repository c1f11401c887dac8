//! Which common table expressions can be seen from where the walk is, and what a star over each stands for.

use super::output::Output;

/// The names of the common table expressions in sight, innermost level last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    levels: Vec<Vec<(String, Output)>>,
}

impl Scopes {
    pub(super) fn enter(&mut self) {
        self.levels.push(Vec::new());
    }

    pub(super) fn leave(&mut self) {
        self.levels.pop();
    }

    /// Adds an expression, or says more of one that is on this level.
    pub(super) fn add(&mut self, name: String, output: Output) {
        if let Some(level) = self.levels.last_mut() {
            level.retain(|(seen, _)| *seen != name);
            level.push((name, output));
        }
    }

    pub(super) fn sees(&self, name: &str) -> bool {
        self.output(name).is_some()
    }

    /// What a star over that expression stands for; `None` if there is no such expression in sight.
    pub(super) fn output(&self, name: &str) -> Option<&Output> {
        self.levels
            .iter()
            .rev()
            .flatten()
            .find(|(seen, _)| seen == name)
            .map(|(_, output)| output)
    }
}
