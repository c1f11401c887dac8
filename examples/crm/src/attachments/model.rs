//! An attachment, where its bytes are, and what it may be called.

use tenancy::object_store::object_store::path::Path;
use tenancy::tenant_scoped;
use uuid::Uuid;

use crate::clock;
use crate::leads::model::line;
use crate::tables::LeadRow;

/// A file of a lead.
#[tenant_scoped(table = "attachments")]
#[derive(Clone, Debug)]
pub struct AttachmentRow {
    /// Its id.
    pub id: Uuid,
    /// The lead.
    #[tenant(belongs_to = LeadRow)]
    pub lead_id: Uuid,
    /// What it is called.
    pub name: String,
    /// How many bytes it has.
    pub size: i64,
    /// When it was added.
    pub added_at: i64,
}

impl AttachmentRow {
    /// Where its bytes are: made of ids, never of what somebody typed.
    pub fn path(&self) -> Path {
        folder_of(self.lead_id).join(self.id.to_string())
    }
}

/// Where all files of a lead are.
pub fn folder_of(lead: Uuid) -> Path {
    Path::from_iter(["attachments".to_owned(), lead.to_string()])
}

/// A name to show and to save under: its last segment, one line, at most 120 characters.
pub fn file_name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = line(last).chars().take(120).collect();
    match kept.as_str() {
        "" | "." | ".." => "file".to_owned(),
        _ => kept,
    }
}

/// An attachment as a page shows it.
#[derive(Debug)]
pub struct Shown {
    /// Its address.
    pub address: String,
    /// What it is called.
    pub name: String,
    /// How large it is, in words.
    pub size: String,
    /// When it was added.
    pub day: String,
}

impl Shown {
    /// As a page shows it.
    pub fn of(row: &AttachmentRow) -> Self {
        Self {
            address: format!("/attachments/{}", row.id),
            name: row.name.clone(),
            size: match row.size {
                bytes @ ..1_024 => format!("{bytes} bytes"),
                bytes @ ..1_048_576 => format!("{} kB", bytes / 1_024),
                bytes => format!("{} MB", bytes / 1_048_576),
            },
            day: clock::day(row.added_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_segment() {
        let check = |sent: &str, expect: &str| assert_eq!(file_name(sent), expect);
        check("offer.pdf", "offer.pdf");
        check("C:\\Users\\ada\\offer.pdf", "offer.pdf");
        check("../../etc/passwd", "passwd");
        check("..", "file");
        check("a/", "file");
        check(" two \r\n lines ", "two lines");
        assert_eq!(file_name(&"ü".repeat(500)).chars().count(), 120);
    }
}
