//! Goes through the corpus: compares, audits, and audits the auditor.

use std::time::Instant;

use serde_json::Value;
use tenancy_sql::{Catalog, Checked, Dialect, Firewall};

use super::{
    Options, Report,
    audit::{Audit, Auditor},
    compare::{cost, differences},
    planner::{Mode, Planner},
    shapes::{self, Exception, Shape},
};

const SCHEMA: &str = include_str!("schema.sql");
const KEYS: &str = include_str!("keys.sql");
const ROWS: &str = include_str!("rows.sql");

/// The tenant that asks, of average size.
pub(super) const TENANT: &str = "'00000000-0000-7000-8000-000000000011'::uuid";

/// The database with the corpus's tables, and the firewall that knows them.
pub(super) struct World {
    pub(super) planner: Planner,
    pub(super) firewall: Firewall,
}

/// Makes the tables and fills them.
pub(super) async fn open(leads: u32) -> Result<World, String> {
    let start = Instant::now();
    let catalog = Catalog::builder(Dialect::Postgres)
        .migration("schema.sql", SCHEMA)
        .migration("keys.sql", KEYS)
        .global(["countries"])
        .build()
        .map_err(|error| error.to_string())?;
    let mut planner = Planner::open().await?;
    let rows = ROWS.replace(":leads", &leads.to_string());
    for script in [SCHEMA, &rows, KEYS] {
        planner.run(script).await?;
    }
    planner.run("VACUUM ANALYZE").await?;
    let seconds = start.elapsed().as_secs_f32();
    println!("plans: 200 tenants with {leads} leads in {seconds:.1} s");
    Ok(World {
        planner,
        firewall: Firewall::new(catalog),
    })
}

/// Goes through all shapes.
pub(super) async fn run(
    options: &Options,
    world: &mut World,
    report: &mut Report,
) -> Result<(), String> {
    let mut run = Run {
        options,
        planner: &mut world.planner,
        firewall: &world.firewall,
        report,
    };
    let exceptions = shapes::exceptions()?;
    let start = Instant::now();
    let shapes = shapes::shapes()?;
    for (done, shape) in (1..).zip(&shapes) {
        let exception = exceptions.iter().find(|other| other.shape == shape.name);
        run.shape(shape, exception)
            .await
            .map_err(|error| format!("{}: {error}", shape.name))?;
        if done % 50 == 0 {
            let seconds = start.elapsed().as_secs_f32();
            println!("plans: {done} of {} shapes in {seconds:.1} s", shapes.len());
        }
    }
    Ok(())
}

struct Run<'a> {
    options: &'a Options,
    planner: &'a mut Planner,
    firewall: &'a Firewall,
    report: &'a mut Report,
}

impl Run<'_> {
    async fn shape(&mut self, shape: &Shape, exception: Option<&Exception>) -> Result<(), String> {
        let checked = self
            .firewall
            .check(shape.free)
            .map_err(|refused| refused.to_string())?;
        let arguments = match shape.arguments {
            "" => TENANT.to_owned(),
            others => format!("{others}, {TENANT}"),
        };
        let tenant = format!("${}", checked.params() + 1);
        let by_hand = shape.by_hand.replace(":tenant", &tenant);
        let (mut found, mut places) = (Vec::new(), 0);
        self.report.statements += 1;
        for mode in [Mode::Custom, Mode::Generic] {
            let ours = self.planner.plan(checked.sql(), &arguments, mode).await?;
            let audit = self.audit(mode, &checked, &ours);
            for scan in &audit.unscoped {
                println!(
                    "plans: {} ({}): unscoped: {scan}",
                    shape.name,
                    mode.as_str()
                );
            }
            self.report.unscoped += audit.unscoped.len();
            places += audit.places;
            if self.options.compares {
                let by_hand = self.planner.plan(&by_hand, &arguments, mode).await?;
                let (ours_costs, by_hand_costs) = (cost(&ours), cost(&by_hand));
                found.extend(differences(&ours, &by_hand).iter().map(|what| {
                    let mode = mode.as_str();
                    format!("({mode}, cost {ours_costs} and {by_hand_costs}): {what}")
                }));
            }
        }
        if self.options.compares {
            self.compared(shape, &found, exception);
        }
        if places > 0 {
            self.self_check(shape, &checked, &arguments).await?;
        }
        Ok(())
    }

    fn compared(&mut self, shape: &Shape, found: &[String], exception: Option<&Exception>) {
        let name = shape.name;
        self.report.shapes += 1;
        match (found.is_empty(), exception) {
            (true, None) => {
                self.report.identical += 1;
                if self.options.is_verbose {
                    println!("plans: {name}: identical");
                }
            }
            (true, Some(_)) => {
                self.report.different += 1;
                println!("plans: {name}: identical: take it off the list of exceptions");
            }
            (false, Some(Exception { reason, .. })) => {
                self.report.excepted += 1;
                println!("plans: {name}: excepted: {reason}");
            }
            (false, None) => self.report.different += 1,
        }
        if !found.is_empty() && (exception.is_none() || self.options.is_verbose) {
            for line in found {
                println!("plans: {name} {line}");
            }
        }
    }

    /// In a generic plan the tenant is a parameter; where the server's notation is ambiguous, the custom plan has to do, in
    /// which it is a literal.
    fn audit(&self, mode: Mode, checked: &Checked, plan: &Value) -> Audit {
        let catalog = self.firewall.catalog();
        match mode {
            Mode::Custom => Auditor::of_literal(catalog, TENANT).audit(plan),
            Mode::Generic => {
                let auditor = Auditor::of_parameter(catalog, checked.params() + 1);
                if auditor.is_ambiguous(plan) {
                    Audit::default()
                } else {
                    auditor.audit(plan)
                }
            }
        }
    }

    /// The statement as the application wrote it, and ours with any one predicate taken out, must be flagged.
    async fn self_check(
        &mut self,
        shape: &Shape,
        checked: &Checked,
        arguments: &str,
    ) -> Result<(), String> {
        let catalog = self.firewall.catalog();
        let auditor = Auditor::of_literal(catalog, TENANT);
        let unrewritten = self
            .planner
            .plan(shape.free, shape.arguments, Mode::Custom)
            .await;
        match unrewritten {
            Ok(plan) => count(self.report, shape, "unrewritten", &auditor.audit(&plan)),
            // Its key is one only together with the tenant.
            Err(_) => self.report.unplannable += 1,
        }
        // Joined on the tenant's column, one predicate confines both.
        if shape.free.contains(catalog.tenant_column()) {
            return Ok(());
        }
        for text in without_a_predicate(checked, catalog.tenant_column()) {
            let plan = self.planner.plan(&text, arguments, Mode::Custom).await?;
            count(self.report, shape, &text, &auditor.audit(&plan));
        }
        Ok(())
    }
}

fn count(report: &mut Report, shape: &Shape, what: &str, audit: &Audit) {
    // A condition that never holds may leave nothing to read.
    if audit.places == 0 {
        return;
    }
    if audit.unscoped.is_empty() {
        report.missed += 1;
        println!("plans: {}: the auditor misses: {what}", shape.name);
    } else {
        report.flagged += 1;
    }
}

/// The rewritten text with each of its predicates in turn replaced by one that always holds.
fn without_a_predicate(checked: &Checked, column: &str) -> Vec<String> {
    let sql: &str = checked.sql();
    let tenant = format!("${}::uuid", checked.params() + 1);
    let predicate = format!(".{column} OPERATOR(pg_catalog.=) {tenant}");
    sql.match_indices(&predicate)
        .map(|(at, _)| {
            let before = sql.get(..at).unwrap_or_default();
            let start = before
                .rfind(|c: char| !c.is_alphanumeric() && c != '_')
                .map_or(0, |at| at + 1);
            let before = before.get(..start).unwrap_or_default();
            let behind = sql.get(at + predicate.len()..).unwrap_or_default();
            format!("{before}{tenant} IS NOT NULL{behind}")
        })
        .collect()
}
