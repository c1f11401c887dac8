//! What the pages of signing in show.

use askama::Template;

use crate::html::Shell;

/// `GET /sign-in`
#[derive(Debug, Template)]
#[template(path = "sign_in/sign_in.html")]
pub(super) struct SignInPage {
    shell: Shell,
    email: String,
    was_refused: bool,
}

impl SignInPage {
    pub(super) fn new(shell: Shell, email: String, was_refused: bool) -> Self {
        Self {
            shell,
            email,
            was_refused,
        }
    }
}

/// `GET /invitations/{secret}`
#[derive(Debug, Template)]
#[template(path = "sign_in/accept.html")]
pub(super) struct AcceptPage {
    shell: Shell,
    name: String,
    secret: String,
    complaint: &'static str,
}

impl AcceptPage {
    pub(super) fn new(shell: Shell, name: String, secret: String, complaint: &'static str) -> Self {
        Self {
            shell,
            name,
            secret,
            complaint,
        }
    }
}
