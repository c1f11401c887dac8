//! Company names by industry, and the notes that people write about leads.

/// First and second words of company names.
type Words = (&'static [&'static str], &'static [&'static str]);

pub(super) const INDUSTRY: Words = (
    &[
        "Northgate", "Ironbridge", "Halden", "Westforge", "Kestrel", "Bramley", "Tidewater", "Granite", "Voss", "Redhill",
        "Oakline", "Sterling", "Hammerfest", "Pinnacle", "Calder", "Rivet", "Langton", "Morava", "Aldgate", "Fulcrum",
    ],
    &["Fabrication", "Machining", "Castings", "Tooling", "Conveyors", "Hydraulics", "Metals", "Joinery", "Motors", "Packaging"],
);

pub(super) const ENERGY: Words = (
    &[
        "Solstice", "Windmere", "Brightfield", "Nordlys", "Tidal", "Sunhaven", "Alta", "Greywater", "Boreal", "Meridian",
        "Copperhead", "Lumen", "Skagen", "Terra", "Highmoor", "Aurora", "Delta", "Evergreen", "Zephyr", "Solano",
    ],
    &["Energy", "Grid", "Utilities", "Solar", "Power", "Wind", "Storage", "Renewables", "Heat", "Networks"],
);

pub(super) const BANKS: Words = (
    &[
        "Fairway", "Cobalt", "Harbour", "Ledger", "Summit", "Juniper", "Beacon", "First Elm", "Cedar", "Monarch", "Tandem",
        "Oxford Row", "Lakeside", "Civic", "Anchor", "Maple", "Crown", "Signal", "Union", "Bluestone",
    ],
    &["Bank", "Insurance", "Credit Union", "Capital", "Payments", "Pensions", "Mortgages", "Assurance", "Leasing", "Trust"],
);

pub(super) const CLINICS: Words = (
    &[
        "St Clare", "Riverside", "Helix", "Vitalis", "Greenleaf", "Northshore", "Mercy", "Orchid", "Linden", "Salus", "Eastgate",
        "Avicenna", "Harmony", "Willow", "Asklepios", "Parkside", "Nova", "Sunrise", "Alder", "Crescent",
    ],
    &["Clinic", "Hospital", "Labs", "Diagnostics", "Pharma", "Imaging", "Health", "Oncology", "Dental", "Genomics"],
);

/// What people write down.
pub(super) const NOTES: [&str; 28] = [
    "Left a voicemail, will try again on Thursday.",
    "Short call. They compare three vendors and decide before the end of the quarter.",
    "Sent the price list and two case studies.",
    "Asked for references in the same industry.",
    "Met at the trade fair, very interested in the service contract.",
    "Budget is approved, the board still has to sign.",
    "Their contract with the current supplier ends in three months.",
    "Needs an answer about delivery times from our side.",
    "Demo went well. Eight people on the call, good questions.",
    "Procurement wants payment in 60 days.",
    "Prefers email over phone.",
    "Introduced us to the head of operations.",
    "Asked to come back after the holidays.",
    "Security questionnaire received, 40 questions.",
    "Pilot agreed for one site, starts next month.",
    "Wants a discount for a two-year commitment.",
    "New contact person, the old one left the company.",
    "They liked the pilot and want to add a second site.",
    "Legal has the contract.",
    "Competitor offered a lower price, we hold ours.",
    "Visited the plant. Space is tight, but it will fit.",
    "Waiting for last year's volumes to size the offer.",
    "Recommended by an existing customer.",
    "Came through the website form, asked for a call back.",
    "Could become a larger account next year.",
    "No reply to two emails, trying the phone.",
    "Offer sent, valid until the end of the month.",
    "Asked whether we deliver outside the country.",
];
