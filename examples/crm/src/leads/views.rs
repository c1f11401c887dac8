//! What the pages of leads show. Everything is decided here; the templates only lay it out.

use askama::Template;

use super::list::{Filter, Sort};
use super::model::{Activity, Lead, LeadForm, StatusTotal};
use super::status::Status;
use crate::attachments::model::{AttachmentRow, Shown};
use crate::clock;
use crate::error::FieldErrors;
use crate::html::Shell;
use crate::reports::model::{euros, grouped};
use crate::users::model::Owner;

/// A lead as a row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) address: String,
    pub(crate) name: String,
    pub(crate) company: String,
    pub(crate) email: String,
    pub(crate) status: Status,
    pub(crate) value: String,
    pub(crate) owner: String,
    pub(crate) initials: String,
    pub(crate) day: String,
    pub(crate) timestamp: String,
}

impl Row {
    pub(crate) fn of(lead: &Lead) -> Self {
        let owner = lead.owner_name.clone().unwrap_or_default();
        Self {
            address: format!("/leads/{}", lead.id),
            name: lead.name.clone(),
            company: lead.company.clone(),
            email: lead.email.clone(),
            status: lead.status,
            value: euros(lead.value),
            initials: initials(&owner),
            owner,
            day: clock::day(lead.created_at),
            timestamp: clock::rfc3339(lead.created_at),
        }
    }
}

/// Something that happened, as a line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) address: String,
    pub(crate) lead: String,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) day: String,
    pub(crate) timestamp: String,
}

impl Line {
    pub(crate) fn of(activity: &Activity) -> Self {
        Self {
            address: format!("/leads/{}", activity.lead_id),
            lead: activity.lead_name.clone(),
            kind: activity.kind.clone(),
            body: activity.body.clone(),
            day: clock::day(activity.at),
            timestamp: clock::rfc3339(activity.at),
        }
    }
}

/// The first letters of the first and the last word of a name.
pub(crate) fn initials(name: &str) -> String {
    let mut words = name
        .split_whitespace()
        .filter_map(|word| word.chars().next());
    let first = words.next();
    first
        .into_iter()
        .chain(words.next_back())
        .flat_map(char::to_uppercase)
        .collect()
}

/// A status over the list: a link with the number of its leads.
#[derive(Debug)]
struct Tab {
    label: &'static str,
    word: &'static str,
    address: String,
    count: String,
    current: bool,
}

/// An order of the list.
#[derive(Debug)]
struct Order {
    word: &'static str,
    label: &'static str,
    current: bool,
}

/// A column heading that orders the list.
#[derive(Debug)]
struct Heading {
    label: &'static str,
    address: String,
    aria: &'static str,
    kind: &'static str,
}

/// `GET /leads`
#[derive(Debug, Template)]
#[template(path = "leads/list.html")]
pub struct ListPage {
    shell: Shell,
    section: &'static str,
    tabs: Vec<Tab>,
    orders: Vec<Order>,
    headings: Vec<Heading>,
    status: &'static str,
    text: String,
    rows: Vec<Row>,
    shown: String,
    is_filtered: bool,
    previous: Option<String>,
    next: Option<String>,
}

impl ListPage {
    /// One page of the list.
    pub fn new(shell: Shell, filter: &Filter, totals: &[StatusTotal], leads: &[Lead]) -> Self {
        let count = |status| {
            totals
                .iter()
                .filter(|total| total.status == status)
                .map(|total| total.leads)
                .sum::<i64>()
        };
        let all: i64 = totals.iter().map(|total| total.leads).sum();
        let tab = |status: Option<Status>| Tab {
            label: status.map_or("All", Status::label),
            word: status.map_or("all", Status::as_str),
            address: filter.with_status(status).address("/leads", 1),
            count: grouped(status.map_or(all, count)),
            current: filter.status == status,
        };
        let heading = |label, kind, sort: Option<Sort>, aria| Heading {
            label,
            kind,
            address: sort
                .map(|sort| filter.with_sort(sort).address("/leads", 1))
                .unwrap_or_default(),
            aria: if sort.is_some_and(|sort| filter.sort == sort) {
                aria
            } else {
                "none"
            },
        };
        let added = if filter.sort == Sort::Newest {
            Sort::Oldest
        } else {
            Sort::Newest
        };
        let mut headings = vec![
            heading("Name", "", Some(Sort::Name), "ascending"),
            heading("Company", "wide", Some(Sort::Company), "ascending"),
            heading("Status", "", None, ""),
            heading("Value", "number", Some(Sort::Value), "descending"),
            heading("Owner", "", None, ""),
            heading("Added", "number", Some(added), ""),
        ];
        if let Some(heading) = headings.last_mut() {
            heading.aria = match filter.sort {
                Sort::Newest => "descending",
                Sort::Oldest => "ascending",
                _ => "none",
            };
        }
        let found = filter.status.map_or(all, count);
        let rows: Vec<Row> = leads.iter().map(Row::of).collect();
        let last = filter.offset() + i64::try_from(rows.len()).unwrap_or_default();
        let shown = match (rows.is_empty(), found) {
            (true, _) => "No leads".to_owned(),
            (false, 1) => "1 lead".to_owned(),
            (false, _) => format!(
                "{}–{} of {} leads",
                grouped(filter.offset() + 1),
                grouped(last),
                grouped(found)
            ),
        };
        Self {
            shell,
            section: "leads",
            tabs: std::iter::once(None)
                .chain(Status::ALL.map(Some))
                .map(tab)
                .collect(),
            orders: Sort::ALL
                .map(|sort| Order {
                    word: sort.as_str(),
                    label: sort.label(),
                    current: sort == filter.sort,
                })
                .into(),
            headings,
            status: filter.status_text(),
            text: filter.text.clone(),
            rows,
            shown,
            is_filtered: filter.status.is_some() || !filter.text.is_empty(),
            previous: (filter.page > 1).then(|| filter.address("/leads", filter.page - 1)),
            next: (last < found).then(|| filter.address("/leads", filter.page + 1)),
        }
    }
}

/// An entry of a select.
#[derive(Debug)]
struct Choice {
    value: String,
    label: String,
    current: bool,
}

/// `GET /leads/new` and `GET /leads/{id}/edit`
#[derive(Debug, Template)]
#[template(path = "leads/form.html")]
pub struct FormPage {
    shell: Shell,
    section: &'static str,
    title: String,
    action: String,
    back: String,
    submit: &'static str,
    form: LeadForm,
    errors: FieldErrors,
    statuses: Vec<Choice>,
    owners: Vec<Choice>,
}

impl FormPage {
    /// The form of a new lead, or of `lead`, with what was typed and what is wrong with it.
    pub fn new(
        shell: Shell,
        lead: Option<&Lead>,
        form: LeadForm,
        owners: &[Owner],
        errors: FieldErrors,
    ) -> Self {
        let statuses = Status::ALL.map(|status| Choice {
            value: status.as_str().to_owned(),
            label: status.label().to_owned(),
            current: status.as_str() == form.status,
        });
        let mut choices = vec![Choice {
            value: String::new(),
            label: "Nobody yet".into(),
            current: form.owner_id.is_empty(),
        }];
        choices.extend(owners.iter().map(|owner| {
            let value = owner.id.to_string();
            Choice {
                current: value == form.owner_id,
                label: owner.name.clone(),
                value,
            }
        }));
        if let Some((id, name)) = lead.and_then(|lead| lead.owner_id.zip(lead.owner_name.as_ref()))
            && owners.iter().all(|owner| owner.id != id)
        {
            let value = id.to_string();
            choices.push(Choice {
                current: value == form.owner_id,
                label: format!("{name} (revoked)"),
                value,
            });
        }
        let address = lead.map(|lead| format!("/leads/{}", lead.id));
        Self {
            shell,
            section: "leads",
            title: lead.map_or_else(
                || "New lead".to_owned(),
                |lead| format!("Edit {}", lead.name),
            ),
            submit: if lead.is_some() {
                "Save changes"
            } else {
                "Add lead"
            },
            action: address.clone().unwrap_or_else(|| "/leads".to_owned()),
            back: address.unwrap_or_else(|| "/leads".to_owned()),
            form,
            errors,
            statuses: statuses.into(),
            owners: choices,
        }
    }

    /// The message of a field; empty if there is nothing wrong with it.
    fn error(&self, field: &str) -> &str {
        self.errors
            .get(field)
            .map(String::as_str)
            .unwrap_or_default()
    }
}

/// One step on the way of a lead.
#[derive(Debug)]
struct Stage {
    label: &'static str,
    kind: &'static str,
}

/// `GET /leads/{id}`
#[derive(Debug, Template)]
#[template(path = "leads/detail.html")]
pub struct DetailPage {
    shell: Shell,
    section: &'static str,
    lead: Row,
    updated: String,
    stages: Vec<Stage>,
    history: Vec<Line>,
    files: Vec<Shown>,
    note: String,
    errors: FieldErrors,
}

impl DetailPage {
    /// The same page with the files of the lead.
    pub fn with_files(mut self, files: &[AttachmentRow]) -> Self {
        self.files = files.iter().map(Shown::of).collect();
        self
    }

    /// A lead with its history, and the note that somebody is writing.
    pub fn new(
        shell: Shell,
        lead: &Lead,
        history: &[Activity],
        note: String,
        errors: FieldErrors,
    ) -> Self {
        let end = if lead.status == Status::Lost {
            Status::Lost
        } else {
            Status::Won
        };
        let way = Status::ALL
            .into_iter()
            .filter(|status| !status.is_closed())
            .chain(std::iter::once(end));
        let reached = Status::ALL
            .into_iter()
            .position(|status| status == lead.status);
        let stages = way.map(|status| Stage {
            label: status.label(),
            kind: if status == lead.status {
                "current"
            } else if Status::ALL.into_iter().position(|other| other == status) < reached {
                "past"
            } else {
                "ahead"
            },
        });
        Self {
            shell,
            section: "leads",
            stages: stages.collect(),
            lead: Row::of(lead),
            updated: clock::day(lead.updated_at),
            history: history.iter().map(Line::of).collect(),
            files: Vec::new(),
            note,
            errors,
        }
    }

    /// The message of a field; empty if there is nothing wrong with it.
    fn error(&self, field: &str) -> &str {
        self.errors
            .get(field)
            .map(String::as_str)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_first_and_last() {
        assert_eq!(initials("Ada King Lovelace"), "AL");
        assert_eq!(initials("ada"), "A");
        assert_eq!(initials(""), "");
    }
}
