//! The four tenants of the demonstration: one list, and the only place that names them.

use tenancy::Isolation;

use super::words::{BANKS, CLINICS, ENERGY, INDUSTRY};

/// A tenant to provision and to fill.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The label of its host.
    pub slug: &'static str,
    /// The name on its pages.
    pub name: &'static str,
    /// The colour of its pages.
    pub accent: &'static str,
    /// How far apart from the others it lives.
    pub isolation: Isolation,
    /// Where its users have their mail.
    pub domain: &'static str,
    /// How many leads it gets.
    pub leads: usize,
    /// Customers per hundred closed leads.
    pub(super) win_rate: u32,
    /// How much faster leads come in now than eighteen months ago.
    pub(super) growth: f64,
    /// What a lead may be worth, in hundreds of euros.
    pub(super) worth: (i64, i64),
    /// First and second words of its leads' companies.
    pub(super) companies: (&'static [&'static str], &'static [&'static str]),
    /// Where the dice start.
    pub(super) seed: u64,
}

impl Profile {
    /// Where the tenant's first user has their mail, who is its administrator.
    #[must_use]
    pub fn admin(&self) -> String {
        format!("admin@{}", self.domain)
    }

    /// The same tenant with another number of leads.
    #[must_use]
    pub fn with_leads(self, leads: usize) -> Self {
        Self { leads, ..self }
    }
}

/// Two that share tables, one with a schema of its own, one with a database of its own.
pub const ALL: [Profile; 4] = [
    Profile {
        slug: "acme",
        name: "Acme Tools",
        accent: "indigo",
        isolation: Isolation::Shared,
        domain: "acme.example",
        leads: 320,
        win_rate: 47,
        growth: 2.0,
        worth: (12, 480),
        companies: INDUSTRY,
        seed: 0xac3e,
    },
    Profile {
        slug: "globex",
        name: "Globex Energy",
        accent: "green",
        isolation: Isolation::Shared,
        domain: "globex.example",
        leads: 264,
        win_rate: 38,
        growth: 0.6,
        worth: (90, 2600),
        companies: ENERGY,
        seed: 0x910b,
    },
    Profile {
        slug: "initech",
        name: "Initech Software",
        accent: "amber",
        isolation: Isolation::Schema,
        domain: "initech.example",
        leads: 388,
        win_rate: 42,
        growth: 4.0,
        worth: (30, 900),
        companies: BANKS,
        seed: 0x1417,
    },
    Profile {
        slug: "umbrella",
        name: "Umbrella Diagnostics",
        accent: "rose",
        isolation: Isolation::Database,
        domain: "umbrella.example",
        leads: 291,
        win_rate: 55,
        growth: 1.2,
        worth: (45, 1500),
        companies: CLINICS,
        seed: 0x0b3a,
    },
];
