//! Reads `exceptions.txt`: sections in brackets, below each the names that the rule of the generator gets wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// See the module.
#[derive(Debug)]
pub(super) struct Exceptions(BTreeMap<String, BTreeSet<String>>);

impl Exceptions {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut sections: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut section = None;
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with("# "))
        {
            let name = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            if let Some(name) =
                name.filter(|name| name.ends_with("with") || name.ends_with("without"))
            {
                section = Some(sections.entry(name.to_owned()).or_default());
                continue;
            }
            let Some(section) = &mut section else {
                return Err(format!("exceptions.txt: `{line}` is in no section"));
            };
            for word in line.split_whitespace() {
                if !section.insert(word.to_owned()) {
                    return Err(format!("exceptions.txt: `{word}` is there twice"));
                }
            }
        }
        Ok(Self(sections))
    }

    /// The names of the catalogue, less those that the list must not have, and with those that it must.
    pub(super) fn apply(
        &self,
        list: &str,
        found: BTreeSet<String>,
    ) -> Result<BTreeSet<String>, String> {
        let none = BTreeSet::new();
        let without = self.0.get(&format!("{list} without")).unwrap_or(&none);
        let with = self.0.get(&format!("{list} with")).unwrap_or(&none);
        let is_without = |name: &str| {
            without
                .iter()
                .any(|pattern| match pattern.strip_suffix('*') {
                    Some(prefix) if !prefix.is_empty() => name.starts_with(prefix),
                    _ => pattern == name,
                })
        };
        if let Some(both) = with.iter().find(|name| without.contains(*name)) {
            return Err(format!(
                "exceptions.txt: `{both}` is in both sections of {list}"
            ));
        }
        Ok(found
            .into_iter()
            .filter(|name| !is_without(name))
            .chain(with.iter().cloned())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applies_what_it_reads() {
        let exceptions =
            Exceptions::parse("# why\n\n[a without]\npg_* b\n[a with]\npg_x\nd e\n").unwrap();
        let found = ["b", "c", "pg_x", "pg_y"].map(str::to_owned).into();
        let names: Vec<_> = exceptions.apply("a", found).unwrap().into_iter().collect();
        assert_eq!(names, ["c", "d", "e", "pg_x"]);
        assert!(Exceptions::parse("a\n").is_err());
        assert!(Exceptions::parse("[a with]\nb b\n").is_err());
        let both = Exceptions::parse("[a with]\nb\n[a without]\nb\n").unwrap();
        assert!(both.apply("a", BTreeSet::new()).is_err());
    }
}
