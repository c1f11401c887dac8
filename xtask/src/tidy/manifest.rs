//! As much of a `Cargo.toml` as the rules need: sections, keys and values as text. Not a TOML parser: it reads our own files.

/// The entries of one manifest.
#[derive(Debug)]
pub(super) struct Manifest(Vec<Entry>);

/// One `key = value` of a section.
#[derive(Debug)]
pub(super) struct Entry {
    section: String,
    pub(super) key: String,
    pub(super) value: String,
}

/// Which of the dependency sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Dev,
    Build,
}

impl Manifest {
    /// Reads the text; a value goes on until its brackets are closed.
    pub(super) fn parse(text: &str) -> Self {
        let mut entries = Vec::new();
        let mut section = String::new();
        let mut lines = text.lines().map(without_comment);
        while let Some(line) = lines.next() {
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                section = name.trim_matches(['[', ']']).to_owned();
            } else if let Some((key, value)) = line.split_once('=') {
                let mut value = value.trim().to_owned();
                while open_brackets(&value) > 0 {
                    let Some(more) = lines.next() else { break };
                    value.push(' ');
                    value.push_str(more);
                }
                entries.push(Entry {
                    section: section.clone(),
                    key: key.trim().to_owned(),
                    value,
                });
            }
        }
        Self(entries)
    }

    /// The value of a key.
    pub(super) fn value(&self, section: &str, key: &str) -> Option<&str> {
        self.section(section)
            .find(|entry| entry.key == key)
            .map(|entry| entry.value.as_str())
    }

    /// The entries of a section.
    pub(super) fn section(&self, section: &str) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| entry.section == section)
    }

    /// The name of the package.
    pub(super) fn name(&self) -> &str {
        self.value("package", "name")
            .unwrap_or_default()
            .trim_matches('"')
    }

    /// The folders of the workspace's members.
    pub(super) fn members(&self) -> Vec<String> {
        self.value("workspace", "members")
            .unwrap_or_default()
            .split('"')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    /// Kind, name and value of every dependency, whichever way it is written.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = (Kind, &str, &str)> {
        self.0.iter().filter_map(|entry| {
            let section = entry
                .section
                .rsplit_once("'.")
                .map_or(entry.section.as_str(), |(_, s)| s);
            let (section, subject) = section.split_once('.').unwrap_or((section, &entry.key));
            let kind = match section {
                "dependencies" => Kind::Normal,
                "dev-dependencies" => Kind::Dev,
                "build-dependencies" => Kind::Build,
                _ => return None,
            };
            let name = subject.split('.').next().unwrap_or(subject);
            Some((kind, name, entry.value.as_str()))
        })
    }
}

fn without_comment(line: &str) -> &str {
    let mut in_text = false;
    let end = line.char_indices().find(|(_, c)| {
        in_text ^= *c == '"';
        *c == '#' && !in_text
    });
    line.get(..end.map_or(line.len(), |(at, _)| at))
        .unwrap_or(line)
        .trim()
}

fn open_brackets(value: &str) -> i32 {
    value.chars().fold(0, |open, c| match c {
        '[' | '{' => open + 1,
        ']' | '}' => open - 1,
        _ => open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_we_write() {
        let manifest = Manifest::parse(
            r##"
            [workspace]
            members = [ # all
                "a",
                "examples/b", # with # hashes
            ]
            [package]
            name = "a#1"
            [dependencies]
            serde.workspace = true
            sqlx = { workspace = true, features = [
                "postgres",
            ] }
            [dev-dependencies.tokio]
            version = "1"
            [target.'cfg(unix)'.dependencies]
            libc = "0.2"
            "##,
        );
        assert_eq!(manifest.members(), ["a", "examples/b"]);
        assert_eq!(manifest.name(), "a#1");
        let found: Vec<_> = manifest.dependencies().collect();
        assert_eq!(found[0], (Kind::Normal, "serde", "true"));
        assert_eq!((found[1].0, found[1].1), (Kind::Normal, "sqlx"));
        assert!(found[1].2.contains("\"postgres\""));
        assert_eq!(found[2], (Kind::Dev, "tokio", "\"1\""));
        assert_eq!(found[3], (Kind::Normal, "libc", "\"0.2\""));
    }
}
