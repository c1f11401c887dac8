//! What operators see of each tenant: metrics with a bounded number of labels, and latencies of every tenant in memory.
//!
//! | file | noun |
//! |---|---|
//! | `labels` | [`Labels`]: how much a label may say, and who gets one |
//! | `latency` | [`Latencies`]: quantiles per tenant, kept in this process |
//! | `layer` | [`MetricsLayer`], which goes below [`TenantLayer`](crate::TenantLayer) |
//!
//! Spans are not here: [`TenantLayer`](crate::TenantLayer) records `tenant.id` by itself.

mod labels;
mod latency;
mod layer;

pub use labels::Labels;
pub use latency::{Latencies, Quantiles};
pub use layer::{MetricsFuture, MetricsLayer, MetricsService};
