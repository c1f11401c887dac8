//! Every metric of this crate, by name, through the facade of the crate `metrics`. Without the feature `metrics` they are
//! nothing, and cost nothing.

#[cfg(feature = "metrics")]
mod on {
    use metrics::{counter, describe_counter};

    /// A request was refused by a limit of this kind.
    pub(crate) fn limited(kind: &'static str) {
        describe_counter!(
            "tenancy_limit_refused_total",
            "requests that were refused because their tenant is at a limit"
        );
        counter!("tenancy_limit_refused_total", "limit" => kind).increment(1);
    }

    /// A request met shared counts that are away.
    pub(crate) fn limit_outage(choice: &'static str) {
        describe_counter!(
            "tenancy_limit_outages_total",
            "requests that met shared counts that could not be reached, and what became of them"
        );
        counter!("tenancy_limit_outages_total", "choice" => choice).increment(1);
    }
}

#[cfg(not(feature = "metrics"))]
mod on {
    pub(crate) fn limited(_: &'static str) {}

    pub(crate) fn limit_outage(_: &'static str) {}
}

pub(crate) use on::{limit_outage, limited};
