//! Which common table expressions can be seen from where the walk is.

/// The names of the common table expressions in sight, innermost level last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    levels: Vec<Vec<String>>,
}

impl Scopes {
    pub(super) fn enter(&mut self) {
        self.levels.push(Vec::new());
    }

    pub(super) fn leave(&mut self) {
        self.levels.pop();
    }

    pub(super) fn add(&mut self, name: String) {
        if let Some(level) = self.levels.last_mut() {
            level.push(name);
        }
    }

    pub(super) fn sees(&self, name: &str) -> bool {
        self.levels.iter().flatten().any(|seen| seen == name)
    }
}
