//! The plan corpus and the plan auditor: what PostgreSQL makes of rewritten statements.
//!
//! The corpus has the same query twice, as an application writes it and with the tenant's predicate written by hand. What the
//! firewall makes of the first must be planned like the second, with the values of the parameters and without: the same nodes,
//! indexes, conditions and costs.
//!
//! The auditor reads plans, not SQL: every scan of a tenant table must carry the tenant's comparison. It goes over the corpus,
//! the statements of the CRM and those of the tests, and is audited itself: the same statements unrewritten, and rewritten
//! with one predicate taken out, must all be flagged.
//!
//! `shapes` reads the corpus, `planner` asks the server, `compare` and `audit` look at plans, `expression` at the conditions
//! in them, `literals` finds statements in sources, `sources` says in which, `corpus` puts it together.

mod audit;
mod compare;
mod corpus;
mod expression;
mod literals;
mod planner;
mod report;
mod shapes;
mod sources;

pub use self::report::Report;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many leads the tables hold; there are two contacts to each and about as many notes.
    pub leads: u32,
    /// Whether plans are compared; on small tables the planner's choices are too close to call.
    pub compares: bool,
    /// Also says which shapes are the same.
    pub is_verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            leads: 100_000,
            compares: true,
            is_verbose: false,
        }
    }
}

/// Compares and audits, printing what is wrong as it is found.
///
/// # Errors
/// The database, or a statement of the corpus or the CRM that the firewall refuses or the server can't plan.
pub async fn run(options: &Options) -> Result<Report, String> {
    let mut report = Report::default();
    let mut world = corpus::open(options.leads).await?;
    corpus::run(options, &mut world, &mut report).await?;
    sources::crm(options, &mut report).await?;
    sources::tests(options, &mut world, &mut report).await?;
    println!(
        "plans: self-check: {} unconfined statements flagged, {} missed, {} can't be planned",
        report.flagged, report.missed, report.unplannable
    );
    Ok(report)
}
