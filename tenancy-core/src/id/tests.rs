//! What `TenantId` accepts and refuses, and the properties its documentation lists.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn check(input: &str, expect: Option<IdRepr<'_>>) {
    let parsed = TenantId::parse(input);
    assert_eq!(
        parsed.as_ref().ok().map(TenantId::repr),
        expect,
        "{input:?}"
    );
    if let Err(error) = parsed {
        assert_eq!(error.kind(), ErrorKind::InvalidId, "{input:?}");
    }
}

#[test]
fn integers_have_one_spelling() {
    check("1", Some(IdRepr::Integer(1)));
    check("42", Some(IdRepr::Integer(42)));
    check("9223372036854775807", Some(IdRepr::Integer(i64::MAX)));
    for second in [
        "0",
        "007",
        "-1",
        "+1",
        "9223372036854775808",
        "1_000",
        "1-2",
        "1e3",
        "1e-3",
        "0x2a",
        "0b11",
        "0o17",
        "42 ",
        " 42",
        "４２",
    ] {
        check(second, None);
    }
}

#[test]
fn uuids_have_one_spelling() {
    let text = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    check(text, Some(IdRepr::Uuid(Uuid::try_parse(text).unwrap())));
    for second in [
        "67E55044-10B1-426F-9247-BB680E5FE0C8",
        "67e5504410b1426f9247bb680e5fe0c8",
        "67e55044-10b1426f-9247bb68-0e5fe0c8",
        "67e5-5044-10b1-426f-9247-bb68-0e5fe0c8",
        "{67e55044-10b1-426f-9247-bb680e5fe0c8}",
        "urn:uuid:67e55044-10b1-426f-9247-bb680e5fe0c8",
        "00000000-0000-0000-0000-000000000000",
        "00000000000000000000000000000001",
    ] {
        check(second, None);
    }
}

#[test]
fn texts_are_harmless() {
    let longest = "a".repeat(36);
    for text in [
        "a",
        "acme",
        "acme-eu",
        "acme_eu",
        "1st-bank",
        "7b",
        "a0",
        "null",
        "com10",
        longest.as_str(),
    ] {
        check(text, Some(IdRepr::Text(text)));
    }
    let too_long = "a".repeat(37);
    for text in [
        "",
        "Acme",
        "acmé",
        "аcme",
        "a.b",
        "a/b",
        "..",
        "a:b",
        "a b",
        "-a",
        "_a",
        "a'--",
        "a\0",
        "a\n",
        "con",
        "nul",
        "com1",
        "lpt9",
        "*",
        too_long.as_str(),
    ] {
        check(text, None);
    }
}

#[test]
fn is_small_and_refuses_nil_and_nought() {
    assert!(size_of::<TenantId>() <= 40);
    assert!(TenantId::from_uuid(Uuid::nil()).is_err());
    assert!(TenantId::from_integer(0).is_err());
    assert!(TenantId::from_integer(-7).is_err());
    assert_ne!(TenantId::new_v7(), TenantId::new_v7());
}

#[test]
fn serialises_as_its_text_and_deserialises_through_parse() {
    let id = TenantId::parse("42").unwrap();
    assert_eq!(serde_json::to_string(&id).unwrap(), "\"42\"");
    assert_eq!(serde_json::from_str::<TenantId>("\"42\"").unwrap(), id);
    for wrong in ["42", "null", "\"\"", "\"042\"", "\"A\"", "{}"] {
        assert!(serde_json::from_str::<TenantId>(wrong).is_err(), "{wrong}");
    }
}

/// Ids of every kind, short ones more often so that collisions would show.
fn ids() -> impl Strategy<Value = TenantId> {
    prop_oneof![
        any::<u128>().prop_filter_map("nil", |n| TenantId::from_uuid(Uuid::from_u128(n)).ok()),
        (1..=i64::MAX).prop_filter_map("positive", |n| TenantId::from_integer(n).ok()),
        (1..200_i64).prop_filter_map("positive", |n| TenantId::from_integer(n).ok()),
        "[a-z0-9][a-z0-9_-]{0,35}".prop_filter_map("refused", |text| TenantId::parse(&text).ok()),
        "[a-c0-1][a-c0-1_-]{0,2}".prop_filter_map("refused", |text| TenantId::parse(&text).ok()),
    ]
}

proptest! {
    #[test]
    fn display_and_parse_are_inverse(id in ids()) {
        prop_assert_eq!(TenantId::parse(&id.to_string()).unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        prop_assert_eq!(serde_json::from_str::<TenantId>(&json).unwrap(), id);
    }

    #[test]
    fn parse_accepts_only_what_it_prints(text in "\\PC{0,40}|[a-fA-F0-9_xe-]{1,36}") {
        if let Ok(id) = TenantId::parse(&text) {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn text_is_safe_everywhere(id in ids()) {
        let text = id.to_string();
        prop_assert!((1..=36).contains(&text.len()));
        prop_assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-'));
        prop_assert!(!text.starts_with(['-', '_']));
        prop_assert_eq!(text.to_lowercase(), text);
    }

    #[test]
    fn schema_names_are_safe_and_fit(id in ids()) {
        let name = id.schema_name();
        prop_assert!(name.len() <= 63);
        prop_assert_eq!(&name.to_lowercase(), &name);
        prop_assert!(name.starts_with("tenant_"));
        prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-'));
    }

    #[test]
    fn names_tell_ids_apart(many in proptest::collection::vec(ids(), 1..200)) {
        let (mut by_text, mut by_schema) = (HashMap::new(), HashMap::new());
        for id in many {
            prop_assert_eq!(*by_text.entry(id.to_string()).or_insert(id), id);
            prop_assert_eq!(*by_schema.entry(id.schema_name()).or_insert(id), id);
        }
    }

    #[test]
    fn a_text_never_reads_as_a_number_or_uuid(text in "[0-9][0-9a-f_exob-]{0,35}") {
        if let Ok(id) = TenantId::parse(&text) && let IdRepr::Text(text) = id.repr() {
            prop_assert!(text.replace('_', "").parse::<f64>().is_err());
            prop_assert!(Uuid::try_parse(text).is_err());
        }
    }
}
