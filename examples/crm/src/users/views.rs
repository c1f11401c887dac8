//! What the page of users shows.

use askama::Template;

use super::model::{InviteForm, ROLES, User};
use crate::clock;
use crate::error::FieldErrors;
use crate::html::Shell;
use crate::leads::views::initials;
use crate::reports::model::grouped;

/// A user as a row.
#[derive(Debug)]
struct Row {
    id: String,
    name: String,
    initials: String,
    email: String,
    role: String,
    status: String,
    leads: String,
    day: String,
    timestamp: String,
    is_revoked: bool,
}

/// A role to choose.
#[derive(Debug)]
struct Role {
    word: &'static str,
    current: bool,
}

/// `GET /users`
#[derive(Debug, Template)]
#[template(path = "users/list.html")]
pub struct UsersPage {
    shell: Shell,
    section: &'static str,
    rows: Vec<Row>,
    count: String,
    form: InviteForm,
    roles: Vec<Role>,
    errors: FieldErrors,
    invite_link: String,
    /// Whoever looks may invite and revoke.
    manages: bool,
}

impl UsersPage {
    /// The same page with the link of an invitation that was just made.
    pub fn with_link(self, invite_link: String) -> Self {
        Self {
            invite_link,
            ..self
        }
    }

    /// The users, and the invitation that somebody is writing.
    pub fn new(shell: Shell, users: &[User], form: InviteForm, errors: FieldErrors) -> Self {
        let row = |user: &User| Row {
            id: user.id.to_string(),
            name: user.name.clone(),
            initials: initials(&user.name),
            email: user.email.clone(),
            role: user.role.clone(),
            status: user.status.clone(),
            leads: grouped(user.leads),
            day: clock::day(user.invited_at),
            timestamp: clock::rfc3339(user.invited_at),
            is_revoked: user.status == "revoked",
        };
        let active = users.iter().filter(|user| user.status == "active").count();
        let invited = users.iter().filter(|user| user.status == "invited").count();
        let manages = users
            .iter()
            .any(|user| user.id.to_string() == shell.user && user.role == "admin");
        Self {
            shell,
            manages,
            section: "users",
            rows: users.iter().map(row).collect(),
            count: format!("{active} active, {invited} invited"),
            roles: ROLES
                .map(|word| Role {
                    word,
                    current: word == form.role,
                })
                .into(),
            form,
            errors,
            invite_link: String::new(),
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
