//! The pages of tasks.

use askama::Template;

use super::model::TaskRow;
use crate::clock;
use crate::html::Shell;

/// A task as pages show it.
#[derive(Debug)]
struct Shown {
    address: String,
    what: &'static str,
    title: String,
    state: String,
    total: i64,
    done: i64,
    note: String,
    day: String,
    is_over: bool,
    has_file: bool,
}

impl Shown {
    fn of(task: &TaskRow) -> Self {
        Self {
            address: format!("/tasks/{}", task.id),
            what: if task.kind == "import" {
                "Import"
            } else {
                "Export"
            },
            title: task.title.clone(),
            state: task.state.clone(),
            total: task.total,
            done: task.done,
            note: task.note.clone(),
            day: clock::day(task.created_at),
            is_over: task.is_over(),
            has_file: task.kind == "export" && task.state == "done",
        }
    }
}

/// `GET /tasks`
#[derive(Debug, Template)]
#[template(path = "tasks/list.html")]
pub struct ListPage {
    shell: Shell,
    section: &'static str,
    tasks: Vec<Shown>,
}

impl ListPage {
    /// The newest tasks.
    pub fn new(shell: Shell, tasks: &[TaskRow]) -> Self {
        Self {
            shell,
            section: "tasks",
            tasks: tasks.iter().map(Shown::of).collect(),
        }
    }
}

/// `GET /tasks/{id}`
#[derive(Debug, Template)]
#[template(path = "tasks/one.html")]
pub struct TaskPage {
    shell: Shell,
    section: &'static str,
    task: Shown,
}

impl TaskPage {
    /// How far a task is.
    pub fn new(shell: Shell, task: &TaskRow) -> Self {
        Self {
            shell,
            section: "tasks",
            task: Shown::of(task),
        }
    }
}
