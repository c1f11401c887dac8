//! The attacks of `attacks.txt`, run: on real engines, with row level security off, so that nothing but the firewall stands
//! between two tenants. A statement must do what it would do if its tenant were alone.

mod engine;
mod table;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

use engine::{Engine, Postgres, Sqlite, postgres};
use table::{Case, Fate, Table};
use tenancy_sql::{Dialect, Firewall, WeaknessKind};

/// How many rows the two parts of the catalogue of attacks have.
const ROWS: usize = 74;

#[test]
fn every_row_has_a_test() {
    let table = Table::read();
    assert_eq!(table.rows, (1..=ROWS).collect::<Vec<_>>());
    let covered: BTreeSet<usize> = table
        .cases
        .iter()
        .map(|case| case.row)
        .chain(table.elsewhere.iter().map(|(row, ..)| *row))
        .collect();
    assert_eq!(covered.len(), ROWS);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (row, file, test) in &table.elsewhere {
        let text = std::fs::read_to_string(root.join(file))
            .unwrap_or_else(|error| panic!("row {row}: {file}: {error}"));
        assert!(
            text.contains(&format!("fn {test}(")),
            "row {row}: no test {test} in {file}"
        );
    }
}

#[tokio::test]
async fn every_attack_on_postgres() {
    attack(Dialect::Postgres, &mut Postgres::open().await).await;
}

#[tokio::test]
async fn every_attack_on_sqlite() {
    attack(Dialect::Sqlite, &mut Sqlite::open().await).await;
}

async fn attack(dialect: Dialect, engine: &mut impl Engine) {
    let (table, firewall) = (Table::read(), world::firewall(dialect));
    let mut wrong = Vec::new();
    let mut run = 0;
    for case in table
        .cases
        .iter()
        .filter(|case| case.dialects.contains(&dialect))
    {
        run += 1;
        if let Err(why) = one(&firewall, engine, case).await {
            wrong.push(format!("{}: {}\n    {why}", case.row, case.sql));
        }
    }
    assert!(
        wrong.is_empty(),
        "{dialect}: {} of {run}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(run > 180, "{run}");
}

async fn one(firewall: &Firewall, engine: &mut impl Engine, case: &Case) -> Result<(), String> {
    let checked = match (firewall.check(&case.sql), case.fate) {
        (Err(_), Fate::Refused) => return Ok(()),
        (Err(refused), _) => return Err(refused.to_string()),
        (Ok(checked), Fate::Refused) => return Err(format!("accepted: {}", checked.sql())),
        (Ok(checked), _) => checked,
    };
    let before = engine.look(true, "SELECT 1", false).await;
    let shared = engine
        .look(true, checked.sql(), checked.binds_tenant())
        .await;
    let alone = engine
        .look(false, checked.sql(), checked.binds_tenant())
        .await;
    if shared.answer.is_err() || shared.answer != alone.answer {
        return Err(format!(
            "{:?}\n    alone: {:?}",
            shared.answer, alone.answer
        ));
    }
    if shared.own != alone.own {
        return Err(format!("{:?}\n    alone: {:?}", shared.own, alone.own));
    }
    if shared.others != before.others {
        return Err(format!("the neighbours have {:?}", shared.others));
    }
    if case.fate == Fate::Confined {
        let past = engine.look(true, &case.sql, false).await;
        let harmless = past.others == before.others
            && past.answer == engine.look(false, &case.sql, false).await.answer;
        if harmless {
            return Err(format!("no attack at all: {:?}", past.answer));
        }
    }
    Ok(())
}

/// A schema in front of `pg_catalog` may have an `=` of its own.
#[tokio::test]
async fn a44_an_operator_of_another_schema_does_not_take_the_predicates_place() {
    let mut engine = Postgres::open().await;
    postgres(
        &mut engine.shared,
        "CREATE SCHEMA evil;
         CREATE FUNCTION evil.yes(bigint, bigint) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
         CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.yes);
         SET search_path = evil, public, pg_catalog",
    )
    .await
    .unwrap();
    let naive = engine
        .look(
            true,
            "SELECT count(*) FROM leads WHERE tenant_id = $1::bigint",
            true,
        )
        .await;
    assert_eq!(naive.answer.unwrap().0, [["8"]]);
    let checked = world::firewall(Dialect::Postgres)
        .check("SELECT count(*) FROM leads")
        .unwrap();
    let ours = engine.look(true, checked.sql(), true).await;
    assert_eq!(ours.answer.unwrap().0, [["3"]]);
}

/// The engine may compute a condition of the statement before the tenant's, and fail on a neighbour's row. With the second
/// wall, whose conditions come first, it does not.
#[tokio::test]
async fn a46_an_error_of_a_neighbours_row_stays_behind_the_second_wall() {
    let mut engine = Postgres::open().await;
    postgres(
        &mut engine.shared,
        "CREATE ROLE attacker; GRANT SELECT ON leads TO attacker;
         ALTER TABLE leads ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON leads USING (tenant_id = (SELECT current_setting('app.tenant_id')::bigint));
         SET app.tenant_id = '1'; SET ROLE attacker",
    )
    .await
    .unwrap();
    let firewall = world::firewall(Dialect::Postgres);
    for sql in [
        "SELECT count(*) FROM leads WHERE 1 / (amount - 42) = 0",
        "SELECT count(*) FROM leads WHERE substr(name, 1, 3) = 'own' OR name::int = 5",
    ] {
        let checked = firewall.check(sql).unwrap();
        let seen = postgres(
            &mut engine.shared,
            &format!("PREPARE e AS {}; EXECUTE e(1); DEALLOCATE e", checked.sql()),
        )
        .await;
        assert!(seen.is_ok(), "{sql}: {seen:?}");
    }
    postgres(
        &mut engine.shared,
        "RESET ROLE; DROP OWNED BY attacker; DROP ROLE attacker",
    )
    .await
    .unwrap();
}

/// The firewall looks at statements, not at keys: those with the tenant hold by themselves, and of the others the catalogue says
/// what they let through.
#[tokio::test]
async fn b71_b72_keys_with_the_tenant_hold_and_those_without_are_told() {
    let mut engines = (Postgres::open().await, Sqlite::open().await);
    for dialect in [Dialect::Postgres, Dialect::Sqlite] {
        let firewall = world::firewall(dialect);
        let mut look = async |neighbours, sql: &str| {
            let checked = firewall.check(sql).unwrap();
            match dialect {
                Dialect::Postgres => engines.0.look(neighbours, checked.sql(), true).await,
                Dialect::Sqlite => engines.1.look(neighbours, checked.sql(), true).await,
            }
        };
        // A lead that another tenant has and one that nobody has are the same.
        let theirs = "INSERT INTO contacts (id, lead_id) VALUES (50, 5)";
        let (shared, alone) = (look(true, theirs).await, look(false, theirs).await);
        assert!(shared.answer.is_err(), "{dialect}");
        assert_eq!(shared.answer, alone.answer, "{dialect}");
        // A token that another tenant has is not.
        let theirs = "INSERT INTO kids (id, token_id) VALUES (50, 2)";
        let (shared, alone) = (look(true, theirs).await, look(false, theirs).await);
        assert!(shared.answer.is_ok() && alone.answer.is_err(), "{dialect}");

        let told: BTreeSet<(WeaknessKind, String)> = firewall
            .catalog()
            .weaknesses()
            .iter()
            .map(|weakness| (weakness.kind(), weakness.table().to_owned()))
            .collect();
        assert!(told.contains(&(WeaknessKind::ReferenceOfAllTenants, "kids".into())));
        assert!(told.contains(&(WeaknessKind::KeyOfAllTenants, "tokens".into())));
        assert_eq!(told.len(), 2, "{dialect}: {told:?}");
    }
}

#[test]
fn b73_triggers_are_told() {
    for (dialect, trigger) in [
        (
            Dialect::Postgres,
            "CREATE TRIGGER copies AFTER INSERT ON leads FOR EACH ROW EXECUTE FUNCTION copy();",
        ),
        (
            Dialect::Postgres,
            "CREATE RULE copies AS ON INSERT TO leads DO ALSO INSERT INTO other VALUES (1);",
        ),
        (
            Dialect::Sqlite,
            "CREATE TRIGGER copies AFTER INSERT ON leads BEGIN INSERT INTO other VALUES (1); END;",
        ),
    ] {
        let catalog = tenancy_sql::Catalog::builder(dialect)
            .migration("1", "CREATE TABLE leads (tenant_id BIGINT NOT NULL);")
            .migration("2", trigger)
            .build()
            .unwrap();
        let told = catalog.weaknesses();
        assert_eq!(told.len(), 1, "{dialect}: {told:?}");
        assert_eq!(told[0].kind(), WeaknessKind::Trigger);
        assert!(
            told[0]
                .to_string()
                .contains("`copies` runs when `leads` is written")
        );
    }
}

/// What the server never takes for a name, a parser must not either.
#[tokio::test]
async fn words_that_the_server_reserves_are_no_names() {
    let mut engine = Postgres::open().await;
    let sql = "SELECT word FROM pg_get_keywords() WHERE catcode = 'R'";
    let words = postgres(&mut engine.shared, sql).await.unwrap().0;
    assert!(words.len() > 70, "{}", words.len());
    let firewall = world::firewall(Dialect::Postgres);
    for word in words.iter().flatten() {
        for sql in [
            format!("SELECT 1 FROM leads AS {word}"),
            format!("SELECT 1 FROM leads {word} WHERE true"),
            format!("WITH {word} AS (SELECT 1) SELECT 1 FROM leads"),
            format!("UPDATE leads AS {word} SET name = 'x'"),
        ] {
            assert!(firewall.check(&sql).is_err(), "{sql}");
        }
    }
}
