//! A lead, and the check that turns what somebody typed into one.

use serde::Deserialize;
use uuid::Uuid;

use super::status::Status;
use crate::error::FieldErrors;
use crate::tables::{ActivityRow, LeadRow, UserRow};

/// A lead as it is stored, with its owner's name.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Lead {
    /// Its id.
    pub id: Uuid,
    /// Whom to talk to.
    pub name: String,
    /// Where to write.
    pub email: String,
    /// Whom they work for; may be empty.
    pub company: String,
    /// How far it has come.
    #[sqlx(try_from = "String")]
    pub status: Status,
    /// What it may be worth, in whole euros.
    pub value: i64,
    /// The user who looks after it.
    pub owner_id: Option<Uuid>,
    /// That user's name.
    pub owner_name: Option<String>,
    /// When it was added.
    pub created_at: i64,
    /// When it last changed.
    pub updated_at: i64,
    /// The month in which it was won or lost.
    pub closed_month: Option<String>,
}

impl From<(LeadRow, Option<UserRow>)> for Lead {
    fn from((lead, owner): (LeadRow, Option<UserRow>)) -> Self {
        Self {
            id: lead.id,
            name: lead.name,
            email: lead.email,
            company: lead.company,
            status: lead.status,
            value: lead.value,
            owner_id: lead.owner_id,
            owner_name: owner.map(|owner| owner.name),
            created_at: lead.created_at,
            updated_at: lead.updated_at,
            closed_month: lead.closed_month,
        }
    }
}

/// How many leads have a status, and what they are worth together.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StatusTotal {
    /// The status.
    #[sqlx(try_from = "String")]
    pub status: Status,
    /// How many.
    pub leads: i64,
    /// What they are worth, in whole euros.
    pub value: i64,
}

/// Something that happened to a lead.
#[derive(Clone, Debug)]
pub struct Activity {
    /// The lead.
    pub lead_id: Uuid,
    /// The lead's name.
    pub lead_name: String,
    /// `added`, `status` or `note`.
    pub kind: String,
    /// What happened, in words.
    pub body: String,
    /// When.
    pub at: i64,
}

impl From<(ActivityRow, LeadRow)> for Activity {
    fn from((activity, lead): (ActivityRow, LeadRow)) -> Self {
        Self {
            lead_id: lead.id,
            lead_name: lead.name,
            kind: activity.kind,
            body: activity.body,
            at: activity.at,
        }
    }
}

/// A checked lead: what [`super::store`] takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Whom to talk to.
    pub name: String,
    /// Where to write.
    pub email: String,
    /// Whom they work for.
    pub company: String,
    /// How far it has come.
    pub status: Status,
    /// What it may be worth, in whole euros.
    pub value: i64,
    /// The user who looks after it.
    pub owner_id: Option<Uuid>,
}

impl Draft {
    /// The words that free-text search looks through.
    pub fn search(&self) -> String {
        format!("{} {} {}", self.name, self.company, self.email).to_lowercase()
    }
}

/// What somebody typed, as they typed it: shown again beside the messages if it does not pass.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LeadForm {
    /// Whom to talk to.
    pub name: String,
    /// Where to write.
    pub email: String,
    /// Whom they work for.
    pub company: String,
    /// How far it has come; empty means new.
    pub status: String,
    /// What it may be worth; empty means nothing.
    pub value: String,
    /// The id of the user who looks after it; empty means nobody.
    pub owner_id: String,
}

impl LeadForm {
    /// The form of a lead that is there already.
    pub fn of(lead: &Lead) -> Self {
        Self {
            name: lead.name.clone(),
            email: lead.email.clone(),
            company: lead.company.clone(),
            status: lead.status.as_str().to_owned(),
            value: lead.value.to_string(),
            owner_id: lead.owner_id.map(|id| id.to_string()).unwrap_or_default(),
        }
    }

    /// Checks every field, and says what is wrong with all of them at once.
    pub fn check(&self) -> Result<Draft, FieldErrors> {
        let mut errors = FieldErrors::new();
        let name = line(&self.name);
        if name.is_empty() {
            errors.insert("name", "Enter a name.".to_owned());
        } else if name.chars().count() > 120 {
            errors.insert("name", "Use at most 120 characters.".to_owned());
        }
        let email = check_email(&self.email)
            .map_err(|message| errors.insert("email", message))
            .ok();
        let company = line(&self.company);
        if company.chars().count() > 120 {
            errors.insert("company", "Use at most 120 characters.".to_owned());
        }
        let status = match self.status.trim() {
            "" => Some(Status::New),
            text => text
                .parse()
                .map_err(|_| errors.insert("status", "Choose a status of the list.".to_owned()))
                .ok(),
        };
        let value = check_value(&self.value)
            .map_err(|message| errors.insert("value", message))
            .ok();
        let owner_id = match self.owner_id.trim() {
            "" => Some(None),
            text => Uuid::try_parse(text)
                .map(Some)
                .map_err(|_| errors.insert("owner_id", "Choose one of your users.".to_owned()))
                .ok(),
        };
        match (email, status, value, owner_id) {
            (Some(email), Some(status), Some(value), Some(owner_id)) if errors.is_empty() => {
                Ok(Draft {
                    name,
                    email,
                    company,
                    status,
                    value,
                    owner_id,
                })
            }
            _ => Err(errors),
        }
    }
}

/// An address that could be written to: one `@`, a domain with a dot, no spaces, at most 254 bytes.
pub fn check_email(text: &str) -> Result<String, String> {
    let email = text.trim();
    if email.is_empty() {
        return Err("Enter an email address.".to_owned());
    }
    let plausible = email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.contains('@')
                && domain.split('.').count() > 1
                && !domain.split('.').any(str::is_empty)
        });
    if plausible {
        Ok(email.to_owned())
    } else {
        Err("Enter an address like name@example.com.".to_owned())
    }
}

fn check_value(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(0);
    }
    match text.parse::<i64>() {
        Ok(value @ 0..=1_000_000_000) => Ok(value),
        _ => Err("Enter whole euros, from 0 to 1000000000.".to_owned()),
    }
}

/// One line of text: control characters become spaces, runs of spaces become one, none at the ends.
pub fn line(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_form_becomes_a_draft() {
        let form = LeadForm {
            name: "  Ada \n Lovelace ".into(),
            email: "ada@engines.example".into(),
            value: "1200".into(),
            ..LeadForm::default()
        };
        let draft = form.check().unwrap();
        assert_eq!(draft.name, "Ada Lovelace");
        assert_eq!(
            (draft.status, draft.value, draft.owner_id),
            (Status::New, 1200, None)
        );
        assert_eq!(draft.search(), "ada lovelace  ada@engines.example");
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let form = LeadForm {
            name: "\u{0}".into(),
            email: "ada".into(),
            company: "x".repeat(121),
            status: "maybe".into(),
            value: "-1".into(),
            owner_id: "me".into(),
        };
        let errors: Vec<_> = form.check().unwrap_err().into_keys().collect();
        assert_eq!(
            errors,
            ["company", "email", "name", "owner_id", "status", "value"]
        );
    }

    #[test]
    fn addresses_need_a_name_and_a_domain() {
        for bad in [
            "",
            "a",
            "a@",
            "@b.example",
            "a@b",
            "a@b..example",
            "a@@b.example",
            "a b@c.example",
            "a@b.example\r\nX: y",
        ] {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            check_email(" o'hara+crm@mail.b.example ").unwrap(),
            "o'hara+crm@mail.b.example"
        );
    }
}
