//! Limits counted in a real Redis by several nodes: together, atomically, in one round trip, and what an outage does.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use tenancy_cache::TenantRedisPool;
use tenancy_cache::redis::{self, AsyncTypedCommands};
use tenancy_core::{Actor, InMemoryRegistry, Tenant, TenantContext, TenantId, TenantSlug};
use tenancy_http::TenantLayer;
use tenancy_http::limit::{Allowance, LimitLayer, Limits, Outage, SharedCounts};
use tenancy_testkit::RedisServer;

use crate::fixture::{BASE, Seen, ask, request};

/// Much longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two tenants of ids that nobody else has; their slugs are `acme` and `globex`.
struct World {
    registry: InMemoryRegistry,
    ids: [TenantId; 2],
}

impl World {
    fn new() -> Self {
        let ids = [TenantId::new_v7(), TenantId::new_v7()];
        let registry = InMemoryRegistry::new();
        for (id, slug) in ids.into_iter().zip(["acme", "globex"]) {
            let slug = TenantSlug::parse(slug).unwrap();
            let tenant = Tenant::builder(id, slug).build().unwrap();
            registry.insert(tenant).unwrap();
        }
        Self { registry, ids }
    }

    /// A process of the service: nothing is shared with another one but Redis.
    fn node(&self, url: &str, allowance: Allowance, outage: Outage, patience: Duration) -> Router {
        let pool = TenantRedisPool::builder(url).build().unwrap();
        let counts = SharedCounts::new(&pool, patience);
        Router::new()
            .route("/", get(async || "served"))
            .layer(LimitLayer::shared(Limits::new(allowance), counts, outage))
            .layer(TenantLayer::new(self.registry.clone()).subdomain_of(BASE))
    }

    fn context(&self, of: usize) -> TenantContext {
        let slug = TenantSlug::parse("any").unwrap();
        let tenant = Tenant::builder(self.ids[of], slug).build().unwrap();
        TenantContext::for_request(tenant.into(), Actor::user("u")).unwrap()
    }
}

async fn of(app: &Router, slug: &str) -> Seen {
    ask(app, request(&format!("{slug}.{BASE}"))).await
}

#[tokio::test]
async fn nodes_count_together_and_each_tenant_alone() {
    let (server, world) = (RedisServer::shared().await.unwrap(), World::new());
    let allowance = Allowance::unlimited().rate(20, 3_600);
    let node = || world.node(server.url(), allowance.clone(), Outage::Closed, PATIENCE);
    let (one, two) = (node(), node());
    // A hundred at once over two nodes: exactly as many pass as may.
    let asked = (0..100).map(|n| of(if n % 2 == 0 { &one } else { &two }, "acme"));
    let answers = join_all(asked).await;
    let served = answers.iter().filter(|seen| seen.status == 200).count();
    let refused = answers.iter().filter(|seen| seen.status == 429).count();
    assert_eq!((served, refused), (20, 80));
    let wait = answers
        .iter()
        .find_map(|seen| seen.headers.get("retry-after"));
    let wait: u64 = wait.unwrap().to_str().unwrap().parse().unwrap();
    assert!(
        (1..=180).contains(&wait),
        "one of twenty comes back in 180 s, not in {wait}"
    );

    let other = of(&one, "globex").await;
    assert_eq!(other.status, 200);
    assert_eq!(other.headers["ratelimit-policy"], "\"rate\";q=20;w=3600");
    assert_eq!(other.headers["ratelimit"], "\"rate\";r=19;t=180");
}

#[tokio::test]
async fn what_one_policy_refuses_no_policy_counts() {
    let (server, world) = (RedisServer::shared().await.unwrap(), World::new());
    let allowance = Allowance::unlimited()
        .rate(10, 3_600)
        .quota("daily", 2, 86_400);
    let app = world.node(server.url(), allowance, Outage::Closed, PATIENCE);
    for expect in [200, 200, 429, 429, 429] {
        assert_eq!(of(&app, "acme").await.status, expect);
    }
    let refused = of(&app, "acme").await;
    let standing = refused.headers["ratelimit"].to_str().unwrap();
    assert!(standing.starts_with("\"rate\";r=7;t="), "{standing}");
    assert!(standing.contains("\"daily\";r=0;t="), "{standing}");
}

#[tokio::test]
async fn counts_are_the_tenants_own_keys_and_expire() {
    let (server, world) = (RedisServer::shared().await.unwrap(), World::new());
    let allowance = Allowance::unlimited().rate(5, 60).quota("daily", 9, 86_400);
    let app = world.node(server.url(), allowance, Outage::Closed, PATIENCE);
    of(&app, "acme").await;
    let pool = TenantRedisPool::builder(server.url()).build().unwrap();
    for key in ["limit:rate", "limit:daily"] {
        let mut acme = pool.for_tenant(&world.context(0)).get().await.unwrap();
        let left: i64 = redis::cmd("PTTL")
            .arg(key)
            .query_async(&mut acme)
            .await
            .unwrap();
        assert!(left > 0, "{key} lasts {left} ms");
        let mut globex = pool.for_tenant(&world.context(1)).get().await.unwrap();
        assert!(!globex.exists(key).await.unwrap());
    }
}

#[tokio::test]
async fn a_request_costs_one_command() {
    let (server, world) = (RedisServer::start().await.unwrap(), World::new());
    let allowance = Allowance::unlimited()
        .rate(1_000, 1)
        .quota("daily", 1_000, 86_400);
    let app = world.node(server.url(), allowance, Outage::Closed, PATIENCE);
    assert_eq!(of(&app, "acme").await.status, 200);
    let client = redis::Client::open(server.url()).unwrap();
    let mut admin = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .query_async(&mut admin)
        .await
        .unwrap();
    for _ in 0..50 {
        assert_eq!(of(&app, "acme").await.status, 200);
    }
    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query_async(&mut admin)
        .await
        .unwrap();
    assert!(stats.contains("cmdstat_evalsha:calls=50,"), "{stats}");
    // What the script does inside is listed too; nothing else was sent.
    let sent: Vec<_> = stats
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_")?.split(':').next())
        .filter(|name| {
            !["evalsha", "get", "set", "time", "config|resetstat", "info"].contains(name)
        })
        .collect();
    assert!(sent.is_empty(), "{sent:?}");
}

#[tokio::test]
async fn an_outage_is_open_or_closed_as_configured_and_ends() {
    let (server, world) = (RedisServer::start().await.unwrap(), World::new());
    let allowance = || Allowance::unlimited().rate(2, 3_600).at_once(1);
    let node = |outage| world.node(server.url(), allowance(), outage, Duration::from_secs(5));
    let (open, closed) = (node(Outage::Open), node(Outage::Closed));
    assert_eq!(of(&open, "acme").await.status, 200);

    server.stop().await.unwrap();
    for _ in 0..5 {
        let passed = of(&open, "acme").await;
        assert_eq!(passed.status, 200);
        assert!(!passed.headers.contains_key("ratelimit"), "nobody counted");
        let refused = of(&closed, "acme").await;
        assert_eq!(refused.status, 503);
        assert!(refused.headers.contains_key("retry-after"));
        assert!(!refused.body.contains("redis"));
    }

    server.restart().await.unwrap();
    // The next attempt is made a moment after the last one failed.
    let mut served = of(&closed, "globex").await;
    for _ in 0..600 {
        if served.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        served = of(&closed, "globex").await;
    }
    assert_eq!(served.status, 200);
    assert_eq!(served.headers["ratelimit"], "\"rate\";r=1;t=1800");
}

#[tokio::test]
async fn outages_are_seen_in_metrics() {
    let (server, world) = (RedisServer::start().await.unwrap(), World::new());
    let allowance = Allowance::unlimited().rate(1, 3_600);
    let node = |outage| {
        let allowance = allowance.clone();
        world.node(server.url(), allowance, outage, Duration::from_secs(5))
    };
    let (open, closed) = (node(Outage::Open), node(Outage::Closed));
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    // Metrics go to the recorder of the thread: the runtime of this test has one.
    let _here = metrics::set_default_local_recorder(&recorder);
    assert_eq!(of(&open, "acme").await.status, 200);
    assert_eq!(of(&open, "acme").await.status, 429);
    server.stop().await.unwrap();
    assert_eq!(of(&open, "acme").await.status, 200);
    assert_eq!(of(&closed, "acme").await.status, 503);
    assert_eq!(of(&closed, "acme").await.status, 503);
    let seen = handle.render();
    for line in [
        "tenancy_limit_refused_total{limit=\"rate\"} 1",
        "tenancy_limit_outages_total{choice=\"open\"} 1",
        "tenancy_limit_outages_total{choice=\"closed\"} 2",
    ] {
        assert!(seen.contains(line), "{line} is not in {seen}");
    }
    assert!(!seen.contains("acme") && !seen.contains(&world.ids[0].to_string()));
}

#[tokio::test]
async fn a_script_that_redis_has_lost_is_loaded_again() {
    let (server, world) = (RedisServer::start().await.unwrap(), World::new());
    let app = world.node(
        server.url(),
        Allowance::unlimited().rate(5, 3_600),
        Outage::Closed,
        PATIENCE,
    );
    assert_eq!(of(&app, "acme").await.status, 200);
    let client = redis::Client::open(server.url()).unwrap();
    let mut admin = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("SCRIPT")
        .arg("FLUSH")
        .query_async(&mut admin)
        .await
        .unwrap();
    let again = of(&app, "acme").await;
    assert_eq!(again.status, 200);
    assert_eq!(
        again.headers["ratelimit"]
            .to_str()
            .unwrap()
            .split(';')
            .nth(1),
        Some("r=3")
    );
}
