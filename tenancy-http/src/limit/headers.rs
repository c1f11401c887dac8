//! `RateLimit-Policy` and `RateLimit`, as draft-ietf-httpapi-ratelimit-headers-10 has them: a list of policies, each a quoted
//! name with parameters; `q` requests in `w` seconds, `r` of them remaining, all of them back in `t` seconds.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::allowance::Allowance;
use super::count::Verdict;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Adds both fields, if there is anything to say.
pub(super) fn add(headers: &mut HeaderMap, allowance: &Allowance, verdict: &Verdict) {
    let (mut policies, mut limits) = (String::new(), String::new());
    for ((name, policy), standing) in allowance.policies().zip(&verdict.standings) {
        let comma = if policies.is_empty() { "" } else { ", " };
        let (requests, seconds) = (policy.requests, policy.seconds);
        // Writing to a `String` does not fail. Names need no escaping by their type.
        let _ = write!(policies, "{comma}\"{name}\";q={requests};w={seconds}");
        let reset = standing.reset.as_secs() + u64::from(standing.reset.subsec_nanos() > 0);
        let remaining = standing.remaining;
        let _ = write!(limits, "{comma}\"{name}\";r={remaining};t={reset}");
    }
    if policies.is_empty() {
        return;
    }
    for (name, value) in [(POLICY, policies), (LIMIT, limits)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::count::Standing;
    use super::*;

    #[test]
    fn fields_are_lists_of_named_policies() {
        let check = |allowance: &Allowance, standings: &[(u32, u64)], expect: Option<[&str; 2]>| {
            let standing = |(remaining, millis): &(u32, u64)| Standing {
                remaining: *remaining,
                reset: Duration::from_millis(*millis),
            };
            let verdict = Verdict {
                standings: standings.iter().map(standing).collect(),
                refused: None,
            };
            let mut headers = HeaderMap::new();
            add(&mut headers, allowance, &verdict);
            let seen = [POLICY, LIMIT].map(|name| headers.get(name).map(|v| v.to_str().unwrap()));
            assert_eq!(seen, [expect.map(|e| e[0]), expect.map(|e| e[1])]);
        };
        let rate = Allowance::unlimited().rate(100, 60);
        check(&Allowance::unlimited().at_once(3), &[], None);
        check(
            &rate,
            &[(99, 600)],
            Some(["\"rate\";q=100;w=60", "\"rate\";r=99;t=1"]),
        );
        check(
            &rate.quota("daily", 10, 86_400),
            &[(0, 60_000), (7, 1_001)],
            Some([
                "\"rate\";q=100;w=60, \"daily\";q=10;w=86400",
                "\"rate\";r=0;t=60, \"daily\";r=7;t=2",
            ]),
        );
    }
}
