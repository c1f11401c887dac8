//! Importing leads from a file of comma-separated values.

use csv::{ReaderBuilder, StringRecord};
use tenancy::object_store::object_store::ObjectStoreExt as _;
use uuid::Uuid;

use super::model::TaskRow;
use super::store;
use crate::db::{Db, on_db};
use crate::error::AppError;
use crate::leads::model::{Draft, LeadForm};
use crate::leads::store::fresh;
use crate::reports::counts::LEADS;
use crate::tools::Tools;

/// The largest file to import, in bytes.
pub const LARGEST: usize = 1024 * 1024;

/// Rows that are written at once, with how far the task is.
const BATCH: usize = 50;

/// Imports the file of a task. Run again, it goes on where it stopped: rows and progress are written together.
pub async fn run(tools: &Tools, db: &Db, task: Uuid) -> Result<(), AppError> {
    let mut task = store::one(db, task).await?;
    if task.is_over() {
        return Ok(());
    }
    let file = tools.files.get(&task.path()).await?.bytes().await?;
    let rows = match read(&file) {
        Ok(rows) => rows,
        Err(why) => return store::finish(db, task, "failed", why).await,
    };
    task.state = "running".to_owned();
    task.total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let begin = usize::try_from(task.done).unwrap_or_default();
    for batch in rows.get(begin..).unwrap_or_default().chunks(BATCH) {
        task = write(db, task, batch).await?;
        if let Err(error) = tools.counts.invalidate_tag(LEADS).await {
            tracing::warn!(%error, "the dashboard's counts may be old for a minute");
        }
    }
    let note = match (task.done - task.rejected, task.rejected) {
        (added, 0) => format!("{added} leads were added."),
        (added, rejected) => {
            format!("{added} leads were added. {rejected} rows were not complete.")
        }
    };
    store::finish(db, task.clone(), "done", note).await?;
    tools.files.delete(&task.path()).await?;
    Ok(())
}

/// Adds the leads of some rows, and writes down that they are done: both or neither.
async fn write(
    db: &Db,
    mut task: TaskRow,
    batch: &[Result<Draft, ()>],
) -> Result<TaskRow, AppError> {
    task.done += i64::try_from(batch.len()).unwrap_or_default();
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        for row in batch {
            match row {
                Ok(draft) => {
                    let (lead, added) = fresh(draft, "Imported from a file");
                    lead.insert().execute(&mut tx).await?;
                    added.insert().execute(&mut tx).await?;
                }
                Err(()) => task.rejected += 1,
            }
        }
        task.update().execute(&mut tx).await?;
        tx.commit().await?;
    });
    Ok(task)
}

/// The rows of a file, each a lead or not; or why it is no such file.
fn read(file: &[u8]) -> Result<Vec<Result<Draft, ()>>, String> {
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(file);
    let no_table = |_| "This is not a table of comma-separated values in UTF-8.".to_owned();
    let headers = reader.headers().map_err(no_table)?.clone();
    let column = |name: &str| {
        headers.iter().position(|header| {
            header
                .trim_start_matches('\u{feff}')
                .eq_ignore_ascii_case(name)
        })
    };
    let (Some(name), Some(email)) = (column("name"), column("email")) else {
        return Err("The first line must name the columns, `name` and `email` among them.".into());
    };
    let (company, status, value) = (column("company"), column("status"), column("value"));
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(no_table)?;
        let form = LeadForm {
            name: text(&record, Some(name)),
            email: text(&record, Some(email)),
            company: text(&record, company),
            status: text(&record, status).to_lowercase(),
            value: text(&record, value),
            owner_id: String::new(),
        };
        rows.push(form.check().map_err(drop));
    }
    Ok(rows)
}

fn text(record: &StringRecord, column: Option<usize>) -> String {
    let found = column.and_then(|column| record.get(column));
    found.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_rows_are_checked() {
        let file = "\u{feff}Email,Name,Value\nada@a.example,Ada,12\n,Nobody,\n\"b@b.example\",\"Bo, Jr.\",\n";
        let rows = read(file.as_bytes()).unwrap();
        let names: Vec<_> = rows
            .iter()
            .map(|row| row.as_ref().map(|draft| (draft.name.as_str(), draft.value)))
            .collect();
        assert_eq!(names, [Ok(("Ada", 12)), Err(&()), Ok(("Bo, Jr.", 0))]);
    }

    #[test]
    fn what_is_no_such_file_says_why() {
        assert!(read(b"a,b\n1,2\n").unwrap_err().contains("`name`"));
        assert!(
            read(b"name,email\n\xff\xfe,x\n")
                .unwrap_err()
                .contains("UTF-8")
        );
        assert!(read(b"").is_err());
    }
}
