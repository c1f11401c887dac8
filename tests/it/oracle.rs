//! The isolation oracle: our own statements on both engines, a share of the public ones where they are, and that it notices.

use tenancy_tests::oracle::{self, Database, Options, Report, Wall};

/// How many of the public queries run here; `cargo xtask oracle` runs them all.
const SHARE: usize = 1_500;

async fn run(options: Options) -> Report {
    let report = oracle::run(&Options {
        is_quiet: true,
        ..options
    })
    .await
    .unwrap();
    println!("{report}");
    report
}

/// Our own files against this engine and wall.
async fn own(database: Database, wall: Wall) -> Report {
    run(Options {
        database,
        wall,
        ..Options::new(oracle::own_corpus())
    })
    .await
}

fn check_own(report: &Report) {
    assert!(report.is_good(), "{report}");
    assert!(report.statements() >= 170, "{report}");
    assert!(report.refused() <= 3, "{report}");
    assert!(report.sensitivity() >= 85, "{report}");
}

#[tokio::test]
async fn our_statements_on_sqlite() {
    check_own(&own(Database::Sqlite, Wall::Firewall).await);
}

#[tokio::test]
async fn our_statements_on_postgres() {
    check_own(&own(Database::Postgres, Wall::Firewall).await);
}

#[tokio::test]
async fn reads_past_the_firewall_are_noticed() {
    for database in [Database::Sqlite, Database::Postgres] {
        let report = own(database, Wall::OpenForReads).await;
        assert!(report.wrong() >= 80, "{database:?}: {report}");
    }
}

#[tokio::test]
async fn writes_past_the_firewall_are_noticed() {
    for database in [Database::Sqlite, Database::Postgres] {
        let report = own(database, Wall::OpenForWrites).await;
        // A file ends where its sides have become different: one in each of the files that update or delete.
        assert_eq!(report.wrong(), 3, "{database:?}: {report}");
    }
}

#[tokio::test]
async fn a_share_of_the_public_statements() {
    let Some(corpus) = oracle::public_corpus() else {
        println!(
            "SKIPPED: there are no public sqllogictest files in ../shared/oracle; only our own were run"
        );
        return;
    };
    let report = run(Options {
        limit: Some(SHARE),
        writes: Some(100),
        ..Options::new(corpus)
    })
    .await;
    assert!(report.is_good(), "{report}");
    assert!(report.statements() >= 1_000, "{report}");
    assert!(report.refused() * 1_000 <= report.statements(), "{report}");
    assert!(report.sensitivity() >= 50, "{report}");
}
