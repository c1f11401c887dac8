//! The statements of the CRM and of the tests, for the auditor.

use std::path::{Path, PathBuf};

use tenancy_sql::{Catalog, Checked, Config, Dialect, Firewall};

use super::{
    Options, Report,
    audit::{Audit, Auditor},
    corpus::{TENANT, World},
    literals,
    planner::{Mode, Planner},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every statement of the example application; each must be accepted, planned and confined.
pub(super) async fn crm(options: &Options, report: &mut Report) -> Result<(), String> {
    let crm = root().join("examples/crm");
    let config = Config::parse(&literals::read(&crm.join("tenancy.toml"))?)
        .map_err(|error| error.to_string())?;
    let mut builder = Catalog::builder(Dialect::Postgres).config(&config);
    let mut planner = Planner::open().await?;
    for file in literals::files_below(&crm.join("migrations/postgres"), "sql")? {
        let sql = literals::read(&file)?;
        planner.run(&sql).await?;
        builder = builder.migration(file.display().to_string(), sql);
    }
    let firewall = Firewall::new(builder.build().map_err(|error| error.to_string())?);
    let statements = literals::statements_below(&crm.join("src"))?;
    for sql in &statements {
        let checked = firewall.check(sql).map_err(|refused| refused.to_string())?;
        let audit = audit(&mut planner, &firewall, &checked).await?;
        count(&checked, &audit, report);
        if options.is_verbose {
            println!("plans: audited: {sql}");
        }
    }
    println!("plans: {} statements of the CRM audited", statements.len());
    Ok(())
}

/// What the tests of these crates send: tables and columns are those of the corpus, or the statement is left out.
const TESTS: [&str; 3] = ["tests/it", "tenancy-sqlx/tests", "tenancy-sql/tests"];

/// The statements of the tests that the firewall accepts and the server plans on the corpus's tables.
pub(super) async fn tests(
    options: &Options,
    world: &mut World,
    report: &mut Report,
) -> Result<(), String> {
    let (mut audited, mut all) = (0, 0);
    for folder in TESTS {
        let statements = literals::statements_below(&root().join(folder))?;
        all += statements.len();
        for sql in &statements {
            let Ok(checked) = world.firewall.check(sql) else {
                continue;
            };
            if let Ok(audit) = audit(&mut world.planner, &world.firewall, &checked).await {
                count(&checked, &audit, report);
                audited += 1;
                if options.is_verbose {
                    println!("plans: audited: {sql}");
                }
            }
        }
    }
    println!("plans: {audited} of {all} statements of the tests audited");
    Ok(())
}

/// Audits the plan for any arguments. Where it has a value of the name of our parameter, the plan for this tenant must be
/// confined at as many places.
async fn audit(
    planner: &mut Planner,
    firewall: &Firewall,
    checked: &Checked,
) -> Result<Audit, String> {
    let sql = checked.sql();
    let mut arguments = vec!["NULL"; checked.params()];
    if checked.binds_tenant() {
        arguments.push(TENANT);
    }
    let arguments = arguments.join(", ");
    let named = |error| format!("{sql}: {error}");
    let generic = planner.plan(sql, &arguments, Mode::Generic).await;
    let generic = generic.map_err(named)?;
    let auditor = Auditor::of_parameter(firewall.catalog(), checked.params() + 1);
    let audit = auditor.audit(&generic);
    if !auditor.is_ambiguous(&generic) {
        return Ok(audit);
    }
    let custom = planner.plan(sql, &arguments, Mode::Custom).await;
    let exact = Auditor::of_literal(firewall.catalog(), TENANT).audit(&custom.map_err(named)?);
    Ok(if exact.places == audit.places {
        exact
    } else {
        Audit {
            unscoped: vec!["the plan has a value of the name of our parameter".to_owned()],
            ..audit
        }
    })
}

fn count(checked: &Checked, audit: &Audit, report: &mut Report) {
    for scan in &audit.unscoped {
        println!("plans: {}: unscoped: {scan}", checked.sql());
    }
    report.statements += 1;
    report.unscoped += audit.unscoped.len();
}
