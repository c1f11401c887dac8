//! Declared types in one spelling, for telling whether two are the same.

use crate::Dialect;

/// The type as the engine's own catalogue spells it, as far as its names are known here.
pub(super) fn canonical(dialect: Dialect, declared: &str) -> String {
    let lower = declared.to_ascii_lowercase();
    let spaced = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    let tight = spaced
        .replace(" (", "(")
        .replace("( ", "(")
        .replace(" )", ")")
        .replace(" ,", ",")
        .replace(", ", ",")
        .replace(" [", "[")
        .replace("[ ", "[")
        .replace(" ]", "]");
    if dialect == Dialect::Sqlite {
        return tight;
    }
    let tight = tight.replace('"', "");
    let plain = ["public.", "pg_catalog."]
        .iter()
        .find_map(|schema| tight.strip_prefix(schema))
        .unwrap_or(&tight);
    // All arrays of one element type are the same.
    let (element, array) = match plain.split_once('[') {
        Some((element, _)) => (element, "[]"),
        None => match plain.strip_suffix(" array") {
            Some(element) => (element, "[]"),
            None => (plain, ""),
        },
    };
    if let Some(time) = time(element) {
        return format!("{time}{array}");
    }
    let (base, rest) = match element.split_once('(') {
        Some((base, rest)) => (base, format!("({rest}")),
        None => (element, String::new()),
    };
    let (base, rest) = match (base.trim_end(), rest.as_str()) {
        ("int" | "int4" | "serial" | "serial4", "") => ("integer", ""),
        ("int8" | "bigserial" | "serial8", "") => ("bigint", ""),
        ("int2" | "smallserial" | "serial2", "") => ("smallint", ""),
        ("bool", "") => ("boolean", ""),
        ("float8" | "float", "") => ("double precision", ""),
        ("float4", "") => ("real", ""),
        ("varchar", rest) => ("character varying", rest),
        ("varbit", rest) => ("bit varying", rest),
        ("char" | "character" | "bpchar", "") => ("character", "(1)"),
        ("char", rest) => ("character", rest),
        ("decimal" | "dec", rest) => ("numeric", rest),
        (base, rest) => (base, rest),
    };
    format!("{base}{rest}{array}")
}

/// `timestamp(3) with time zone` and its like.
fn time(element: &str) -> Option<String> {
    let word = element.split(['(', ' ']).next().unwrap_or_default();
    let (kind, zoned) = match word {
        "timestamp" => ("timestamp", element.contains("with time zone")),
        "timestamptz" => ("timestamp", true),
        "time" => ("time", element.contains("with time zone")),
        "timetz" => ("time", true),
        _ => return None,
    };
    let precision = match element.split_once('(') {
        Some((_, rest)) => format!("({})", rest.split(')').next().unwrap_or_default()),
        None => String::new(),
    };
    let zone = if zoned { "with" } else { "without" };
    Some(format!("{kind}{precision} {zone} time zone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        for (declared, canon) in [
            ("INT", "integer"),
            ("bigserial", "bigint"),
            ("varchar ( 20 )", "character varying(20)"),
            ("varchar", "character varying"),
            ("char", "character(1)"),
            ("numeric(12, 2)", "numeric(12,2)"),
            ("decimal", "numeric"),
            ("timestamptz", "timestamp with time zone"),
            ("timestamptz(3)", "timestamp(3) with time zone"),
            (
                "timestamp (3) with time zone",
                "timestamp(3) with time zone",
            ),
            ("timestamp", "timestamp without time zone"),
            ("time with time zone", "time with time zone"),
            ("text [ ]", "text[]"),
            ("int[3][]", "integer[]"),
            ("timestamptz[]", "timestamp with time zone[]"),
            ("integer array", "integer[]"),
            ("public.mood", "mood"),
            ("\"mood\"", "mood"),
            ("double  precision", "double precision"),
        ] {
            assert_eq!(canonical(Dialect::Postgres, declared), canon, "{declared}");
        }
        assert_eq!(canonical(Dialect::Sqlite, "VARCHAR ( 20 )"), "varchar(20)");
        assert_eq!(canonical(Dialect::Sqlite, ""), "");
    }
}
