//! The project that a macro runs in: its `tenancy.toml`, its migrations, and the catalogue and firewall made of them. Read
//! once per compilation, and again when a file is another one (an editor's server lives long).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use proc_macro2::TokenStream;
use quote::quote;
use tenancy_sql::{Catalog, Config, Dialect, Firewall};

/// What the macros know of a project.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) toml: PathBuf,
    pub(crate) sides: Vec<Side>,
    /// Whether an expansion has said what was read.
    is_tracked: AtomicBool,
    read: Vec<(PathBuf, Option<SystemTime>)>,
}

/// A project's tables in one dialect.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) dialect: Dialect,
    /// Name and path of each migration, those that undo one included.
    pub(crate) migrations: Vec<(String, PathBuf)>,
    pub(crate) firewall: Firewall,
}

impl Side {
    pub(crate) fn catalog(&self) -> &Catalog {
        self.firewall.catalog()
    }
}

/// The project of the crate that is being compiled.
///
/// # Errors
/// A message for the user: what is missing or wrong, and where.
pub(crate) fn project() -> Result<Arc<Project>, String> {
    static PROJECTS: Mutex<Option<HashMap<PathBuf, Arc<Project>>>> = Mutex::new(None);
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = root.ok_or("CARGO_MANIFEST_DIR is not set: compile with cargo")?;
    let mut projects = PROJECTS.lock().unwrap_or_else(PoisonError::into_inner);
    let projects = projects.get_or_insert_default();
    if let Some(known) = projects.get(&root).filter(|known| known.is_fresh()) {
        return Ok(Arc::clone(known));
    }
    let project = Arc::new(Project::read(&root)?);
    projects.insert(root, Arc::clone(&project));
    Ok(project)
}

impl Project {
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let toml = root
            .ancestors()
            .map(|folder| folder.join("tenancy.toml"))
            .find(|file| file.is_file())
            .ok_or_else(|| {
                "no `tenancy.toml` beside `Cargo.toml` or in a folder above: write one with `[tenancy]`, `dialect` and \
                 `migrations`"
                    .to_owned()
            })?;
        let text = text_of(&toml)?;
        let config = Config::parse(&text).map_err(|error| format!("tenancy.toml: {error}"))?;
        let base = toml.parent().unwrap_or(root);
        let mut read = vec![(toml.clone(), modified(&toml))];
        let mut sides = Vec::new();
        for dialect in config.dialects() {
            let folder = config.migrations(*dialect).ok_or_else(|| {
                format!("tenancy.toml: `migrations` names no folder for `{dialect}`")
            })?;
            let folder = base.join(folder);
            let migrations = migrations_in(&folder)?;
            read.push((folder.clone(), modified(&folder)));
            let mut texts = Vec::new();
            for (name, path) in &migrations {
                texts.push((name.as_str(), text_of(path)?));
                read.push((path.clone(), modified(path)));
            }
            let builder = Catalog::builder(*dialect).config(&config);
            let catalog = builder.migrations(texts).build();
            let catalog = catalog.map_err(|error| error.to_string())?;
            sides.push(Side {
                dialect: *dialect,
                migrations,
                // Each text is checked once.
                firewall: Firewall::new(catalog).with_cache_capacity(0),
            });
        }
        Ok(Self {
            toml,
            sides,
            is_tracked: AtomicBool::new(false),
            read,
        })
    }

    fn is_fresh(&self) -> bool {
        self.read.iter().all(|(path, at)| modified(path) == *at)
    }

    /// Tokens that make cargo compile again when a file is changed that was read here. A compilation needs them once, and
    /// each costs it time: those who ask again get none.
    pub(crate) fn tracked(&self) -> TokenStream {
        if self.is_tracked.swap(true, Ordering::Relaxed) {
            return TokenStream::new();
        }
        let migrations = self.sides.iter().flat_map(|side| &side.migrations);
        let paths = std::iter::once(&self.toml).chain(migrations.map(|(_, path)| path));
        let paths = paths.map(|path| path.to_string_lossy().into_owned());
        quote!(#(const _: &str = ::core::include_str!(#paths);)*)
    }
}

/// The SQL files of a folder. Which of them are applied, and in which order, is the catalogue's business.
fn migrations_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let unreadable = |error| format!("can't read the migrations in {}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|name| name.ends_with(".sql")) {
            found.push((name.to_owned(), path));
        }
    }
    // The order on the disk is nobody's: the expansion is the same on every machine.
    found.sort();
    Ok(found)
}

fn text_of(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("can't read {}: {error}", path.display()))
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|data| data.modified())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEADS: &str = "CREATE TABLE leads (tenant_id BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tenant_id, id));";
    const TOML: &str = "[tenancy]\ndialect = 'sqlite'\n";

    /// A folder with these files, and below it the crate that is compiled.
    struct Folder(PathBuf);

    impl Folder {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let folder =
                std::env::temp_dir().join(format!("tenancy-macros-{name}-{}", std::process::id()));
            std::fs::create_dir_all(folder.join("crates/app")).unwrap();
            for (name, text) in files {
                let path = folder.join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Self(folder)
        }

        fn read(&self) -> Result<Project, String> {
            Project::read(&self.0.join("crates/app"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // A folder that stays behind in the temporary folder fails no test.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn refused(name: &str, files: &[(&str, &str)], expect: &str) {
        let message = Folder::with(name, files).read().unwrap_err();
        assert!(message.contains(expect), "{message}");
    }

    #[test]
    fn found_above_the_crate_and_read_in_the_order_of_versions() {
        let folder = Folder::with(
            "above",
            &[
                ("tenancy.toml", TOML),
                (
                    "migrations/10_later.up.sql",
                    "ALTER TABLE leads ADD COLUMN name TEXT;",
                ),
                (
                    "migrations/10_later.down.sql",
                    "ALTER TABLE leads DROP COLUMN name;",
                ),
                ("migrations/9_leads.sql", LEADS),
                ("migrations/notes.md", "not SQL"),
            ],
        );
        let project = folder.read().unwrap();
        let tracked = project.tracked().to_string();
        assert_eq!(tracked.matches("include_str").count(), 4, "{tracked}");
        assert!(project.tracked().is_empty(), "said once");
        let leads = project.sides[0].catalog().table("leads").unwrap();
        assert!(leads.column("name").is_some());
        assert!(project.is_fresh());

        std::fs::remove_file(folder.0.join("migrations/10_later.up.sql")).unwrap();
        assert!(!project.is_fresh());
        assert!(
            folder.read().unwrap().sides[0]
                .catalog()
                .table("leads")
                .unwrap()
                .column("name")
                .is_none()
        );
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        refused("none", &[], "no `tenancy.toml` beside `Cargo.toml`");
        refused(
            "key",
            &[("tenancy.toml", "[tenancy]\nglobals = []")],
            "unknown field `globals`",
        );
        refused(
            "folder",
            &[("tenancy.toml", TOML)],
            "can't read the migrations in",
        );
        let table = "CREATE TABLE countries (code TEXT PRIMARY KEY);";
        refused(
            "unclassified",
            &[
                ("tenancy.toml", TOML),
                ("migrations/1_countries.sql", table),
            ],
            "declare the table in tenancy.toml, as `global` if every tenant may read it or as `central` if none may",
        );
        refused(
            "version",
            &[("tenancy.toml", TOML), ("migrations/leads.sql", LEADS)],
            "leads.sql",
        );
    }
}
