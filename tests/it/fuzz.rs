//! A small share of the grammar fuzzer's statements on both engines; `cargo xtask fuzz` runs as many as one has time for.

use tenancy_tests::{
    fuzz::{self, Options, Report},
    oracle::Database,
};

/// How many statements on each engine.
const SHARE: u64 = 2_000;

async fn run(database: Database) -> Report {
    let options = Options {
        statements: SHARE,
        seed: 20_261_120,
        first: 0,
        is_quiet: true,
    };
    let report = fuzz::run(database, &options).await.unwrap();
    println!("{report}");
    report
}

fn check(report: &Report) {
    assert!(report.is_good(), "{report}");
    // What is rejected, refused or undetermined proves nothing.
    assert!(report.rejected() * 20 <= report.statements(), "{report}");
    assert!(report.refused() * 20 <= report.statements(), "{report}");
    assert!(
        report.undetermined() * 100 <= report.statements(),
        "{report}"
    );
    assert!(report.sensitivity() >= 40, "{report}");
}

#[tokio::test]
async fn made_statements_on_sqlite() {
    check(&run(Database::Sqlite).await);
}

#[tokio::test]
async fn made_statements_on_postgres() {
    check(&run(Database::Postgres).await);
}

#[test]
fn a_statement_can_be_had_again() {
    for dialect in [tenancy_sql::Dialect::Postgres, tenancy_sql::Dialect::Sqlite] {
        let text = fuzz::text(dialect, 5, 77);
        assert_eq!(text, fuzz::text(dialect, 5, 77));
        assert_ne!(text, fuzz::text(dialect, 5, 78));
        assert_ne!(text, fuzz::text(dialect, 6, 77));
    }
}
