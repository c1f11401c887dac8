//! The plan corpus on small tables, where every row is in the server's statistics and its choices are the same each time;
//! `cargo xtask plans` has a hundred thousand leads.

use tenancy_tests::plans::{self, Options};

#[tokio::test]
async fn plans_are_those_written_by_hand_and_every_scan_is_confined() {
    let options = Options {
        leads: 4_000,
        ..Options::default()
    };
    let report = plans::run(&options).await.unwrap();
    println!("{report}");
    assert!(report.is_good(), "{report:?}");
    assert!(report.shapes >= 60 && report.excepted <= 3, "{report:?}");
    assert!(report.statements > report.shapes + 20, "{report:?}");
    assert!(report.flagged > 2 * report.shapes, "{report:?}");
}
