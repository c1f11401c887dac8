//! What holds for every text, whatever it is: asked by an ordinary test here and by the coverage-guided target in `fuzz/`.

use tenancy_sql::Firewall;

/// Panics if it does not hold: no panic of the firewall's; what is refused says where; what is accepted is the caller's own
/// text but for the splices, with each of its literals, and is the same when it is asked again.
pub(crate) fn holds(firewall: &Firewall, text: &str) {
    let checked = match firewall.check(text) {
        Ok(checked) => checked,
        Err(refused) => {
            assert!(refused.offset() <= text.len(), "{text:?}");
            assert!(!refused.render(text).is_empty(), "{text:?}");
            return;
        }
    };
    let again = firewall
        .check(text)
        .unwrap_or_else(|_| panic!("refused when asked again: {text:?}"));
    assert_eq!(again.sql(), checked.sql(), "{text:?}");
    let original: Vec<char> = text.chars().collect();
    let rewritten: Vec<char> = checked.sql().chars().collect();
    let (mut from, mut to) = (0, 0);
    for [start, removed, inserted, _] in checked.compiled_splices() {
        let kept = start - from;
        assert_eq!(original[from..start], rewritten[to..to + kept], "{text:?}");
        (from, to) = (start + removed, to + kept + inserted);
    }
    assert_eq!(original[from..], rewritten[to..], "{text:?}");
    // Nothing that makes a literal is added or lost.
    for mark in ['\'', '\\'] {
        let count = |chars: &[char]| chars.iter().filter(|character| **character == mark).count();
        assert_eq!(count(&original), count(&rewritten), "{text:?}");
    }
    if !checked.binds_tenant() {
        let tenant = format!("${}", checked.params() + 1);
        assert!(
            !checked.sql().contains(&tenant) || text.contains(&tenant),
            "{text:?}"
        );
    }
}
