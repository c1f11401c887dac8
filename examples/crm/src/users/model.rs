//! A user, and the check of an invitation.

use serde::Deserialize;
use uuid::Uuid;

use crate::error::FieldErrors;
use crate::leads::model::{check_email, line};

/// What users may do; the words of the column `role`.
pub const ROLES: [&str; 3] = ["admin", "sales", "viewer"];

/// A user as stored, with the number of leads they own.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct User {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// Where the invitation went.
    pub email: String,
    /// One of [`ROLES`].
    pub role: String,
    /// `active`, `invited` or `revoked`.
    pub status: String,
    /// When they were invited.
    pub invited_at: i64,
    /// How many leads they own.
    pub leads: i64,
}

/// A user who may own leads.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Owner {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub name: String,
}

/// A checked invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Whom it is for.
    pub name: String,
    /// Where it goes, in lower case: one address is one user.
    pub email: String,
    /// One of [`ROLES`].
    pub role: &'static str,
}

/// An invitation as somebody typed it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct InviteForm {
    /// Whom it is for; empty takes the name from the address.
    pub name: String,
    /// Where it goes.
    pub email: String,
    /// One of [`ROLES`].
    pub role: String,
}

impl InviteForm {
    /// Checks every field, and says what is wrong with all of them at once.
    pub fn check(&self) -> Result<Invitation, FieldErrors> {
        let mut errors = FieldErrors::new();
        let email = check_email(&self.email)
            .map_err(|message| errors.insert("email", message))
            .unwrap_or_default();
        let role = ROLES
            .into_iter()
            .find(|role| *role == self.role)
            .unwrap_or_else(|| {
                errors.insert("role", "Choose a role of the list.".to_owned());
                ""
            });
        let mut name = line(&self.name);
        if name.chars().count() > 120 {
            errors.insert("name", "Use at most 120 characters.".to_owned());
        }
        if name.is_empty() {
            name = name_of(&email);
        }
        if errors.is_empty() {
            Ok(Invitation {
                name,
                email: email.to_lowercase(),
                role,
            })
        } else {
            Err(errors)
        }
    }
}

/// `grace.hopper@navy.example` is Grace Hopper until she says otherwise.
fn name_of(email: &str) -> String {
    let local = email.split('@').next().unwrap_or_default();
    let words = local
        .split(['.', '_', '-', '+'])
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_uppercase().chain(letters).collect::<String>())
                .unwrap_or_default()
        });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_needs_an_address_and_a_role() {
        let form = InviteForm {
            email: "Grace.Hopper@navy.example".into(),
            role: "sales".into(),
            ..InviteForm::default()
        };
        let invitation = form.check().unwrap();
        assert_eq!(
            (invitation.name.as_str(), invitation.email.as_str()),
            ("Grace Hopper", "grace.hopper@navy.example")
        );
        let errors: Vec<_> = InviteForm::default()
            .check()
            .unwrap_err()
            .into_keys()
            .collect();
        assert_eq!(errors, ["email", "role"]);
    }
}
