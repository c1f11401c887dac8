//! Migration files as sqlx lays them out in a folder: which are applied, and in which order. Opening the folder is the
//! caller's business, reading the text is `ddl`'s.

use super::{CatalogError, CatalogErrorKind};

/// The ending of what takes a migration back, which the catalogue never applies.
pub(super) const DOWN: &str = ".down.sql";

/// The files that are applied, by version: names of `<version>_<description>.sql` or `….up.sql`. What does not end in
/// `.sql` is no migration, and neither is what takes one back.
pub(super) fn applied(files: Vec<(String, String)>) -> Result<Vec<(String, String)>, CatalogError> {
    let mut applied = Vec::new();
    for (path, sql) in files {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(&path);
        if !name.ends_with(".sql") || name.ends_with(DOWN) {
            continue;
        }
        applied.push((version(name)?, path, sql));
    }
    applied.sort_by_key(|(version, ..)| *version);
    for pair in applied.windows(2) {
        if let [(first, one, _), (second, other, _)] = pair
            && first == second
        {
            return Err(CatalogError::new(
                CatalogErrorKind::FileName,
                format!("version {first} is also that of `{one}`: renumber one of the two"),
            )
            .in_file(other));
        }
    }
    Ok(applied
        .into_iter()
        .map(|(_, path, sql)| (path, sql))
        .collect())
}

/// The number before the first underscore. sqlx passes over a file without an underscore in silence; here it is said.
fn version(name: &str) -> Result<i64, CatalogError> {
    name.split_once('_')
        .and_then(|(version, _)| version.parse().ok())
        .ok_or_else(|| {
            CatalogError::new(
                CatalogErrorKind::FileName,
                "this is not the name of a migration: write `<version>_<description>.sql` with a whole number \
                 before the first underscore, or keep the file elsewhere",
            )
            .in_file(name)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(names: &[&str]) -> Result<Vec<String>, String> {
        applied(
            names
                .iter()
                .map(|name| ((*name).to_owned(), String::new()))
                .collect(),
        )
        .map(|files| files.into_iter().map(|(name, _)| name).collect())
        .map_err(|error| {
            assert_eq!(error.kind(), CatalogErrorKind::FileName, "{error}");
            error.to_string()
        })
    }

    #[test]
    fn by_number_and_not_by_text() {
        let sorted = order(&[
            "10_c.sql",
            "9_b.up.sql",
            "0001_a.sql",
            "20261120153000_d.sql",
        ]);
        assert_eq!(
            sorted.unwrap(),
            [
                "0001_a.sql",
                "9_b.up.sql",
                "10_c.sql",
                "20261120153000_d.sql"
            ]
        );
    }

    #[test]
    fn what_is_not_applied() {
        let names = [
            "2_b.down.sql",
            "README.md",
            "1_a.up.sql",
            "1_a.down.sql",
            ".gitkeep",
        ];
        assert_eq!(order(&names).unwrap(), ["1_a.up.sql"]);
    }

    #[test]
    fn the_folder_does_not_matter() {
        let names = ["m/2_b/1_a.sql", r"m\0_c.sql"];
        assert_eq!(order(&names).unwrap(), [r"m\0_c.sql", "m/2_b/1_a.sql"]);
    }

    #[test]
    fn two_of_one_version() {
        for names in [
            ["1_a.sql", "0001_b.sql"],
            ["1_a.up.sql", "1_a.sql"],
            ["a/1_a.sql", "b/1_a.sql"],
        ] {
            let error = order(&names).unwrap_err();
            assert!(error.contains("version 1 is also that of"), "{error}");
        }
    }

    #[test]
    fn names_without_a_version() {
        for name in [
            "seed.sql",
            "_a.sql",
            "v1_a.sql",
            "1.5_a.sql",
            "1-a_b.sql",
            "99999999999999999999_a.sql",
        ] {
            let error = order(&[name]).unwrap_err();
            assert!(
                error.starts_with(name) && error.contains("<version>"),
                "{error}"
            );
        }
    }
}
