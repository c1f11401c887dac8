//! Turns dice into users, leads and what happened to them. Pure: the same profile and day give the same plan.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::people::{FIRST, LAST, address, plain};
use super::tenants::Profile;
use super::words::NOTES;
use crate::clock;
use crate::leads::model::Draft;
use crate::leads::status::Status;

/// Days that the plan goes back.
const DAYS: i64 = 545;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Somebody who was invited.
#[derive(Clone, Debug)]
pub(super) struct PlannedUser {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: &'static str,
    pub(super) status: &'static str,
    pub(super) invited_at: i64,
}

/// A lead, when it came, when it last changed, and what happened in between.
#[derive(Clone, Debug)]
pub(super) struct PlannedLead {
    pub(super) id: Uuid,
    pub(super) draft: Draft,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) closed_month: Option<String>,
    pub(super) history: Vec<PlannedActivity>,
}

/// Something that happened to a lead.
#[derive(Clone, Debug)]
pub(super) struct PlannedActivity {
    pub(super) id: Uuid,
    pub(super) kind: &'static str,
    pub(super) body: String,
    pub(super) at: i64,
}

/// Twelve users: an admin, sales people, viewers; two invitations are still open and one was taken back.
pub(super) fn users(profile: &Profile, now: i64) -> Vec<PlannedUser> {
    let mut dice = StdRng::seed_from_u64(profile.seed);
    let mut users: Vec<PlannedUser> = Vec::with_capacity(12);
    while users.len() < 12 {
        let name = name(&mut dice);
        let email = if users.is_empty() {
            profile.admin()
        } else {
            address(&name, profile.domain)
        };
        if users.iter().any(|user| user.email == email) {
            continue;
        }
        let number = users.len();
        let invited_at = match number {
            9 | 10 => {
                now - DAY * i64::try_from(number - 7).unwrap_or(2) - dice.random_range(0..6 * HOUR)
            }
            _ => now - DAY * dice.random_range(60..DAYS + 20),
        };
        users.push(PlannedUser {
            id: id_at(&mut dice, invited_at),
            name,
            email,
            role: match number {
                0 => "admin",
                8 | 10 => "viewer",
                _ => "sales",
            },
            status: match number {
                9 | 10 => "invited",
                11 => "revoked",
                _ => "active",
            },
            invited_at,
        });
    }
    users
}

/// The leads of a tenant, oldest first, given to `owners`.
pub(super) fn leads(profile: &Profile, owners: &[Uuid], now: i64) -> Vec<PlannedLead> {
    let mut dice = StdRng::seed_from_u64(profile.seed ^ 0x1ead);
    let mut moments: Vec<i64> = (0..profile.leads)
        .map(|_| moment(&mut dice, profile, now))
        .collect();
    moments.sort_unstable();
    moments
        .into_iter()
        .map(|at| lead(&mut dice, profile, owners, at, now))
        .collect()
}

fn lead(
    dice: &mut StdRng,
    profile: &Profile,
    owners: &[Uuid],
    created_at: i64,
    now: i64,
) -> PlannedLead {
    let name = name(dice);
    let company = format!(
        "{} {}",
        pick(dice, profile.companies.0),
        pick(dice, profile.companies.1)
    );
    let domain = format!("{}.example", plain(&company));
    let status = status(dice, profile, (now - created_at) / DAY);
    let owner_id = if status == Status::New && dice.random_range(0..3) > 0 {
        None
    } else {
        some(dice, owners)
    };
    let (low, high) = profile.worth;
    let spread = dice.random_range(0.0..1.0_f64).powi(3);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a few thousand, spread by a curve"
    )]
    let value = (low + ((high - low) as f64 * spread) as i64) * 100;
    let email = address(&name, &domain);
    let history = history(dice, status, created_at, now);
    let updated_at = history.last().map_or(created_at, |last| last.at);
    let closed = history
        .iter()
        .rev()
        .find(|activity| activity.kind == "status")
        .map_or(created_at, |last| last.at);
    PlannedLead {
        id: id_at(dice, created_at),
        draft: Draft {
            name,
            email,
            company,
            status,
            value,
            owner_id,
        },
        created_at,
        updated_at,
        closed_month: status.is_closed().then(|| clock::month(closed)),
        history,
    }
}

/// The way to where the lead is now, with notes on it. Later than the lead's arrival, never later than now.
fn history(dice: &mut StdRng, status: Status, created_at: i64, now: i64) -> Vec<PlannedActivity> {
    let mut way = vec![("added", "Added to the pipeline".to_owned())];
    let mut before = Status::New;
    for step in Status::ALL
        .into_iter()
        .skip(1)
        .filter(|step| !step.is_closed())
        .chain([status])
    {
        let reached = if status == Status::Lost {
            dice.random_range(0..3) > 0
        } else {
            position(step) <= position(status)
        };
        if step == before || !(reached || step == status) {
            continue;
        }
        if dice.random_range(0..2) == 0 {
            way.push(("note", pick(dice, &NOTES).to_owned()));
        }
        way.push(("status", format!("{} → {}", before.label(), step.label())));
        before = step;
        if step == status {
            break;
        }
    }
    let gap = ((now - created_at) / i64::try_from(way.len()).unwrap_or(1)).clamp(1, 16 * DAY);
    let mut at = created_at;
    let mut history = Vec::with_capacity(way.len());
    for (kind, body) in way {
        history.push(PlannedActivity {
            id: id_at(dice, at),
            kind,
            body,
            at,
        });
        at = (at + dice.random_range(gap / 3..=gap)).min(now);
    }
    history
}

/// A moment of the last eighteen months: later ones are likelier the more the tenant grows, weekends and nights are rare.
fn moment(dice: &mut StdRng, profile: &Profile, now: i64) -> i64 {
    loop {
        let share = dice.random_range(0.0..1.0_f64);
        let season = 1.0 + 0.2 * (share * 9.4 + profile.growth).sin();
        if dice.random_range(0.0..1.0) * (1.0 + profile.growth) * 1.2
            > (1.0 + profile.growth * share) * season
        {
            continue;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a number of days below 600"
        )]
        let days = ((1.0 - share) * DAYS as f64) as i64;
        let at = clock::days_before(now, days) + dice.random_range(7 * HOUR..18 * HOUR);
        let weekday = (at / DAY + 4) % 7; // the first of January 1970 was a Thursday; 0 is Sunday
        if at < now && (!matches!(weekday, 0 | 6) || dice.random_range(0..12) == 0) {
            return at;
        }
    }
}

/// Where a lead of that age is likely to be.
fn status(dice: &mut StdRng, profile: &Profile, days: i64) -> Status {
    use Status::{Contacted, Lost, New, Open, Proposal, Qualified, Won};
    let closed_by_now = match days {
        0..=13 => 3,
        14..=44 => 18,
        45..=119 => 46,
        120..=269 => 72,
        _ => 91,
    };
    if dice.random_range(0..100) < closed_by_now {
        return if dice.random_range(0..100) < profile.win_rate {
            Won
        } else {
            Lost
        };
    }
    let open: &[Status] = match days {
        0..=9 => &[New, New, New, New, Open, Contacted],
        10..=29 => &[New, New, Open, Open, Contacted, Qualified],
        30..=89 => &[
            Open, Open, Contacted, Contacted, Qualified, Qualified, Proposal,
        ],
        _ => &[Contacted, Qualified, Qualified, Proposal, Proposal],
    };
    open.get(dice.random_range(0..open.len()))
        .copied()
        .unwrap_or(Open)
}

fn position(status: Status) -> usize {
    Status::ALL
        .into_iter()
        .position(|other| other == status)
        .unwrap_or_default()
}

fn name(dice: &mut StdRng) -> String {
    format!("{} {}", pick(dice, &FIRST), pick(dice, &LAST))
}

fn pick<'a>(dice: &mut StdRng, words: &[&'a str]) -> &'a str {
    words
        .get(dice.random_range(0..words.len()))
        .copied()
        .unwrap_or_default()
}

fn some(dice: &mut StdRng, owners: &[Uuid]) -> Option<Uuid> {
    if owners.is_empty() {
        None
    } else {
        owners.get(dice.random_range(0..owners.len())).copied()
    }
}

/// A version 7 id of that moment, from the dice.
fn id_at(dice: &mut StdRng, at: i64) -> Uuid {
    let milliseconds = u64::try_from(at).unwrap_or_default() * 1000 + dice.random_range(0..1000);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &dice.random()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::super::tenants::ALL;
    use super::*;

    const NOW: i64 = 1_793_698_200;

    #[test]
    fn the_plan_is_the_same_every_time_and_different_for_each_tenant() {
        let ids = |profile| {
            leads(profile, &[], NOW)
                .into_iter()
                .map(|lead| lead.id)
                .collect::<Vec<_>>()
        };
        for profile in &ALL {
            assert_eq!(ids(profile), ids(profile));
        }
        assert_ne!(ids(&ALL[0]), ids(&ALL[1]));
    }

    #[test]
    fn nothing_happens_in_the_future_or_before_it_began() {
        for profile in &ALL {
            let planned = leads(profile, &[], NOW);
            assert_eq!(planned.len(), profile.leads);
            for lead in planned {
                assert!(
                    lead.created_at >= NOW - (DAYS + 1) * DAY && lead.updated_at <= NOW,
                    "{lead:?}"
                );
                assert!(lead.history.is_sorted_by_key(|activity| activity.at));
                assert_eq!(lead.closed_month.is_some(), lead.draft.status.is_closed());
            }
        }
    }

    #[test]
    fn a_won_lead_ends_with_winning() {
        let planned = leads(&ALL[0], &[], NOW);
        let won = planned
            .iter()
            .find(|lead| lead.draft.status == Status::Won)
            .unwrap();
        assert!(won.history.last().unwrap().body.ends_with("→ Won"));
    }
}
