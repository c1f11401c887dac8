//! Exporting leads into a file of comma-separated values.

use tenancy::object_store::object_store::ObjectStoreExt as _;
use uuid::Uuid;

use super::store;
use crate::clock;
use crate::db::Db;
use crate::error::AppError;
use crate::leads;
use crate::leads::list::{Filter, ListQuery};
use crate::leads::model::Lead;
use crate::tools::Tools;

/// Rows that are read at once.
const BATCH: i64 = 200;

/// Exports all leads. Run again, it begins again: the file is written at the end, in one piece.
pub async fn run(tools: &Tools, db: &Db, task: Uuid) -> Result<(), AppError> {
    let mut task = store::one(db, task).await?;
    if task.is_over() {
        return Ok(());
    }
    let mut filter = Filter::of(&ListQuery::default(), BATCH);
    filter.per_page = BATCH;
    let totals = leads::store::totals(db, &filter).await?;
    task.state = "running".to_owned();
    task.total = totals.iter().map(|total| total.leads).sum();
    task.done = 0;
    let mut text = "name,email,company,status,value,owner,added\n".to_owned();
    loop {
        let page = leads::store::page(db, &filter).await?;
        for lead in &page {
            line(&mut text, lead);
        }
        task.done += i64::try_from(page.len()).unwrap_or_default();
        store::save(db, &task).await?;
        if page.is_empty() {
            break;
        }
        filter.page += 1;
    }
    tools
        .files
        .put(&task.path(), text.into_bytes().into())
        .await?;
    let note = format!("{} leads are in the file.", task.done);
    store::finish(db, task, "done", note).await
}

fn line(text: &mut String, lead: &Lead) {
    let value = lead.value.to_string();
    let added = clock::rfc3339(lead.created_at);
    let cells = [
        &lead.name,
        &lead.email,
        &lead.company,
        lead.status.as_str(),
        &value,
        lead.owner_name.as_deref().unwrap_or_default(),
        &added,
    ];
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    text.push_str(&cells.join(","));
    text.push('\n');
}

/// A cell in quotes. What a spreadsheet would take for a formula gets an apostrophe before it.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let apostrophe = if is_formula { "'" } else { "" };
    format!("\"{apostrophe}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_cells() {
        assert_eq!(quoted("Ada"), r#""Ada""#);
        assert_eq!(quoted(r#"a "b", c"#), r#""a ""b"", c""#);
        assert_eq!(quoted("=1+1"), r#""'=1+1""#);
    }
}
