//! Which leads a list shows: status, free text, order, page. Parsed from the address, written back into it.

use serde::Deserialize;

use super::status::Status;

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "each order has its statement in the store"
)]
pub enum Sort {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
    /// By name.
    Name,
    /// By company.
    Company,
    /// Most valuable first.
    Value,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 5] = [
        Self::Newest,
        Self::Oldest,
        Self::Name,
        Self::Company,
        Self::Value,
    ];

    /// The word in the address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Name => "name",
            Self::Company => "company",
            Self::Value => "value",
        }
    }

    /// The words on the page.
    pub fn label(self) -> &'static str {
        match self {
            Self::Newest => "Newest first",
            Self::Oldest => "Oldest first",
            Self::Name => "Name",
            Self::Company => "Company",
            Self::Value => "Highest value",
        }
    }
}

/// The query part of a list's address. Unknown words fall back to "all", "newest", the first page: an old bookmark still
/// opens the list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// A status, or empty for all.
    pub status: String,
    /// Free text.
    pub q: String,
    /// An order.
    pub sort: String,
    /// A page, from 1.
    pub page: String,
    /// Rows on a page (JSON only).
    pub limit: String,
    /// What was just done, for the message on top of the page.
    pub done: String,
}

/// A checked list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Only this status.
    pub status: Option<Status>,
    /// Only leads whose name, company or email holds this text.
    pub text: String,
    /// In this order.
    pub sort: Sort,
    /// The page, from 1.
    pub page: i64,
    /// Rows on a page.
    pub per_page: i64,
}

impl Filter {
    /// The list that an address asks for, with `per_page` rows unless it asks for fewer or (up to 200) more.
    pub fn of(query: &ListQuery, per_page: i64) -> Self {
        Self {
            status: query.status.parse().ok(),
            text: super::model::line(&query.q).chars().take(120).collect(),
            sort: Sort::ALL
                .into_iter()
                .find(|sort| sort.as_str() == query.sort)
                .unwrap_or_default(),
            page: query.page.parse().unwrap_or(1).clamp(1, 1_000_000),
            per_page: query.limit.parse().unwrap_or(per_page).clamp(1, 200),
        }
    }

    /// Rows before this page.
    pub fn offset(&self) -> i64 {
        (self.page - 1) * self.per_page
    }

    /// The status as the statements take it: empty means all.
    pub fn status_text(&self) -> &'static str {
        self.status.map_or("", Status::as_str)
    }

    /// The pattern as the statements take it: empty means all; `!` escapes what LIKE would read as a wildcard.
    pub fn pattern(&self) -> String {
        if self.text.is_empty() {
            return String::new();
        }
        let mut pattern = String::from("%");
        for c in self.text.to_lowercase().chars() {
            if matches!(c, '%' | '_' | '!') {
                pattern.push('!');
            }
            pattern.push(c);
        }
        pattern.push('%');
        pattern
    }

    /// The same list at another page, as an address.
    pub fn address(&self, base: &str, page: i64) -> String {
        let mut parts = Vec::new();
        if let Some(status) = self.status {
            parts.push(format!("status={status}"));
        }
        if !self.text.is_empty() {
            parts.push(format!("q={}", encoded(&self.text)));
        }
        if self.sort != Sort::default() {
            parts.push(format!("sort={}", self.sort.as_str()));
        }
        if page > 1 {
            parts.push(format!("page={page}"));
        }
        if parts.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{}", parts.join("&"))
        }
    }

    /// The first page of the same list with another status.
    pub fn with_status(&self, status: Option<Status>) -> Self {
        Self {
            status,
            page: 1,
            ..self.clone()
        }
    }

    /// The first page of the same list in another order.
    pub fn with_sort(&self, sort: Sort) -> Self {
        Self {
            sort,
            page: 1,
            ..self.clone()
        }
    }
}

/// Percent-encodes everything but letters, digits, `-`, `_` and `.`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_makes_a_filter_and_the_filter_the_address() {
        let query = ListQuery {
            status: "won".into(),
            q: " a&b  ü ".into(),
            sort: "name".into(),
            page: "3".into(),
            ..ListQuery::default()
        };
        let filter = Filter::of(&query, 25);
        assert_eq!((filter.status, filter.offset()), (Some(Status::Won), 50));
        assert_eq!(
            filter.address("/leads", 4),
            "/leads?status=won&q=a%26b%20%C3%BC&sort=name&page=4"
        );
    }

    #[test]
    fn nonsense_is_the_plain_list() {
        let query = ListQuery {
            status: "x".into(),
            sort: "x".into(),
            page: "-7".into(),
            limit: "1e9".into(),
            ..ListQuery::default()
        };
        assert_eq!(Filter::of(&query, 25).address("/leads", 1), "/leads");
    }

    #[test]
    fn wildcards_are_only_letters() {
        let query = ListQuery {
            q: "50%_A!".into(),
            ..ListQuery::default()
        };
        assert_eq!(Filter::of(&query, 25).pattern(), "%50!%!_a!!%");
    }
}
