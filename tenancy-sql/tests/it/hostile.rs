//! Hostile texts cost no more than a look at them: allocations are counted, not seconds. That the cache stays bounded under
//! ten thousand texts is tested beside it.

use allocation_counter::measure;
use tenancy_sql::{Dialect, Firewall, RefusedKind};

use crate::fixture::firewall;

/// Refused as too large, with so many allocations at most, and so many bytes for each byte of the text.
#[track_caller]
fn costs(text: &str, count: u64, bytes_for_each: u64) {
    for dialect in [Dialect::Postgres, Dialect::Sqlite] {
        costs_of(
            &firewall(dialect).with_cache_capacity(16),
            text,
            count,
            bytes_for_each,
        );
    }
    let numbered = firewall(Dialect::Sqlite).with_numbered_placeholders();
    costs_of(
        &numbered.with_cache_capacity(16),
        text,
        count,
        bytes_for_each,
    );
}

#[track_caller]
fn costs_of(firewall: &Firewall, text: &str, count: u64, bytes_for_each: u64) {
    let dialect = firewall.catalog().dialect();
    let mut kind = None;
    let counted = measure(|| {
        kind = firewall.check(text).err().map(|refused| refused.kind());
    });
    assert_eq!(
        kind,
        Some(RefusedKind::TooLarge),
        "{dialect}: {} bytes",
        text.len()
    );
    assert!(counted.count_total <= count, "{dialect}: {counted:?}");
    let most = bytes_for_each * text.len() as u64 + 4096;
    assert!(
        counted.bytes_total <= most,
        "{dialect}: {counted:?} for {} bytes",
        text.len()
    );
    // Nothing stays here but what was handed to the thread that reads a steep text, and is gone with it.
    assert!(
        counted.bytes_current <= 8192 + 64 * text.len() as i64,
        "{dialect}: {counted:?}"
    );
}

#[test]
fn a_megabyte_of_junk_is_not_looked_at() {
    costs(&"(".repeat(1 << 20), 20, 0);
    costs(&"x ".repeat(1 << 19), 20, 0);
    costs(&format!("SELECT '{}'", "x".repeat(1 << 20)), 20, 0);
}

#[test]
fn too_many_tokens_are_only_counted() {
    let list = vec!["1"; 120_000].join(",");
    costs(
        &format!("SELECT * FROM leads WHERE id IN ({list})"),
        60,
        120,
    );
}

#[test]
fn a_long_chain_is_only_counted() {
    let chain = vec!["id = 1"; 20_000].join(" OR ");
    costs(&format!("SELECT * FROM leads WHERE {chain}"), 60, 120);
    let unions = vec!["SELECT 1"; 20_000].join(" UNION ALL ");
    costs(&unions, 60, 120);
}

#[test]
fn deep_nesting_is_refused_before_it_is_parsed() {
    for depth in [60, 1_000, 50_000] {
        let text = format!("SELECT {}1{}", "(".repeat(depth), ")".repeat(depth));
        costs(&text, 200, 200);
        let text = format!(
            "SELECT * FROM {}leads{}",
            "(SELECT * FROM ".repeat(depth.min(10_000)),
            ")".repeat(depth.min(10_000))
        );
        costs(&text, 200, 200);
    }
}
