//! What is sent to the queue, and which code does it. A job names rows and files; whose they are is in its envelope.

use serde::{Deserialize, Serialize};
use tenancy::jobs::Job;
use tenancy::jobs::apalis::error::BoxDynError;
use tenancy::jobs::worker::{Handlers, Run};
use tenancy::object_store::object_store::{ObjectStore as _, ObjectStoreExt as _};
use uuid::Uuid;

use super::{export, import};
use crate::attachments::model::folder_of;
use crate::db::Db;
use crate::tools::Tools;

/// Imports the leads of a file.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportLeads {
    /// The task that shows how far it is.
    pub task: Uuid,
}

impl Job for ImportLeads {
    const NAME: &'static str = "import_leads";
}

/// Exports all leads into a file.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExportLeads {
    /// The task that shows how far it is.
    pub task: Uuid,
}

impl Job for ExportLeads {
    const NAME: &'static str = "export_leads";
}

/// Removes the files of a lead that is gone.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgetFiles {
    /// The lead.
    pub lead: Uuid,
}

impl Job for ForgetFiles {
    const NAME: &'static str = "forget_files";
}

/// Which code does what.
pub fn handlers(tools: &Tools, db: &Db) -> Handlers {
    let (of_import, of_export, of_forget) = (
        (tools.clone(), db.clone()),
        (tools.clone(), db.clone()),
        tools.files.clone(),
    );
    Handlers::new()
        .on(move |job: ImportLeads, _: Run| {
            let (tools, db) = of_import.clone();
            async move { import::run(&tools, &db, job.task).await }
        })
        .on(move |job: ExportLeads, _: Run| {
            let (tools, db) = of_export.clone();
            async move { export::run(&tools, &db, job.task).await }
        })
        .on(move |job: ForgetFiles, _: Run| {
            let files = of_forget.clone();
            async move {
                let listed = files
                    .list_with_delimiter(Some(&folder_of(job.lead)))
                    .await?;
                for object in listed.objects {
                    files.delete(&object.location).await?;
                }
                Ok::<(), BoxDynError>(())
            }
        })
}
