//! Any text through the firewall, both dialects: the property that `tenancy-sql/tests/it/property.rs` states.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tenancy_sql::{Dialect, Firewall};

#[path = "../../tenancy-sql/tests/it/fixture.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod fixture;
#[path = "../../tenancy-sql/tests/it/property.rs"]
mod property;

static FIREWALLS: LazyLock<[Firewall; 2]> = LazyLock::new(|| {
    [Dialect::Postgres, Dialect::Sqlite].map(|dialect| fixture::firewall(dialect).with_cache_capacity(0))
});

fuzz_target!(|text: &str| {
    for firewall in &*FIREWALLS {
        property::holds(firewall, text);
    }
});
