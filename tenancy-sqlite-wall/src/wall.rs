//! Building a wall on a connection, and the handle of one.

use std::ffi::CString;
use std::fmt;
use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::ddl::{self, Names};
use crate::policy::Policy;
use crate::state::{Key, State};
use crate::{Error, Rules, ffi};

/// The wall of one connection.
///
/// It stands until the connection is closed, and there is no way to take it down. While no tenant is
/// [entered](Self::enter) there are no rows, and none can be written.
///
/// # What the caller has to see to
/// The tenant is that of the connection, not of a statement. Change it only when nothing runs or waits on the connection: sqlx
/// runs statements on a thread of its own, and one whose future was dropped may still be running there. Locking the handle
/// (`lock_handle`) waits for it.
pub struct Wall {
    state: Arc<State>,
    schema: String,
}

impl fmt::Debug for Wall {
    /// Without its secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wall")
            .field("breached", &self.is_breached())
            .finish_non_exhaustive()
    }
}

impl Wall {
    /// Attaches the file of shared tables to an empty connection, and builds the wall in front of it.
    ///
    /// The connection's main database has to be empty and in memory: everything of the file is then reached through names
    /// that the wall gives. A tenant table that the file lacks is closed, as anything else that `rules` do not name, until a
    /// connection is made after it was created.
    ///
    /// # Errors
    /// [`Error::Driver`] if the file can't be attached, [`Error::NotEmpty`] and [`Error::NotATenantTable`] if a wall can't stand
    /// here. Close the connection then.
    pub async fn build(
        conn: &mut SqliteConnection,
        file: &str,
        rules: &Rules,
    ) -> Result<Self, Error> {
        ensure_empty(conn).await?;
        let names = Names::new();
        let schema = names.schema.as_str();
        let attach = format!("ATTACH DATABASE $1 AS {schema}");
        sqlx::query(AssertSqlSafe(attach)) // a name of ours
            .persistent(false)
            .bind(file)
            .execute(&mut *conn)
            .await?;
        // Without `recursive_triggers` no trigger sees the rows that REPLACE removes. Temporary views stay in memory.
        run(
            conn,
            format!(
                "PRAGMA {schema}.synchronous = NORMAL; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF; \
                 PRAGMA temp_store = MEMORY"
            ),
        )
        .await?;
        let policy = front(conn, &names, rules).await?;
        let state = Arc::new(State::new(policy));
        let function = CString::new(names.function.as_str()).map_err(|_nul| Error::Refused(0))?;
        let mut handle = conn.lock_handle().await?;
        ffi::install(&mut handle, &function, &state).map_err(Error::Refused)?;
        drop(handle);
        Ok(Self {
            state,
            schema: names.schema,
        })
    }

    /// From now on the connection is this tenant's.
    pub fn enter(&self, tenant: Key) {
        self.state.set_key(Some(tenant));
    }

    /// From now on the connection is nobody's.
    pub fn leave(&self) {
        self.state.set_key(None);
    }

    /// The schema that the target of a write has to be written with: `INSERT INTO schema.leads …`. What is read needs none.
    ///
    /// It is a secret of this connection: a statement that somebody else wrote must not be able to name it.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Whether a statement did what none may. The connection takes no more statements then, but a rollback: close it.
    ///
    /// SQLite's own error text of such a statement can name the [`schema`](Self::schema), which is of no use any more then.
    #[must_use]
    pub fn is_breached(&self) -> bool {
        self.state.is_breached()
    }
}

/// Refuses a connection on which a name of a statement could lead past the wall.
async fn ensure_empty(conn: &mut SqliteConnection) -> Result<(), Error> {
    let others: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM pragma_database_list WHERE name NOT IN ('main', 'temp') OR file <> '') \
              + (SELECT count(*) FROM main.sqlite_schema) + (SELECT count(*) FROM temp.sqlite_schema)",
    )
    .persistent(false)
    .fetch_one(conn)
    .await?;
    if others == 0 {
        Ok(())
    } else {
        Err(Error::NotEmpty)
    }
}

/// Makes the views and triggers, and the policy that goes with them.
async fn front(conn: &mut SqliteConnection, names: &Names, rules: &Rules) -> Result<Policy, Error> {
    let there: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT name, type, EXISTS ( \
             SELECT 1 FROM pragma_table_info(t.name, t.schema) AS c WHERE c.name = $2 COLLATE NOCASE) \
         FROM pragma_table_list AS t WHERE schema = $1",
    )
    .persistent(false)
    .bind(&names.schema)
    .bind(&rules.tenant_column)
    .fetch_all(&mut *conn)
    .await?;
    let mut policy = Policy {
        schema: names.schema.clone(),
        function: names.function.clone(),
        open_tables: rules.open_tables.clone(),
        trusted_triggers: rules.trusted_triggers.clone(),
        ..Policy::default()
    };
    let foreign_keys = foreign_keys(conn, &names.schema).await?;
    let mut sql = Vec::new();
    for table in &rules.tenant_tables {
        let Some((_, kind, has_tenant)) = there
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(table))
        else {
            continue;
        };
        if kind != "table" || !has_tenant {
            return Err(Error::NotATenantTable(table.clone()));
        }
        let strict = foreign_keys
            .iter()
            .any(|key| key.child.eq_ignore_ascii_case(table) && key.may_cross(rules));
        sql.extend(ddl::tenant_table(
            names,
            table,
            &rules.tenant_column,
            strict,
        ));
        policy.tenant_tables.push(table.clone());
        policy.views.push(table.clone());
        policy.inner.push(names.view(table));
        policy.inner.extend(names.triggers(table));
    }
    let is_closed = |policy: &Policy, table: &str| {
        !policy
            .tenant_tables
            .iter()
            .chain(&policy.open_tables)
            .any(|name| name.eq_ignore_ascii_case(table))
    };
    let mut closed = Vec::new();
    for key in &foreign_keys {
        let ends = [
            (&key.child, &key.child_columns),
            (&key.parent, &key.parent_columns),
        ];
        for (table, columns) in ends {
            if is_closed(&policy, table) {
                policy
                    .keys
                    .extend(columns.iter().map(|column| (table.clone(), column.clone())));
                closed.push(table.to_ascii_lowercase());
            }
        }
    }
    closed.sort();
    closed.dedup();
    sql.extend(closed.iter().map(|table| ddl::closed_table(table)));
    if !sql.is_empty() {
        run(conn, sql.join(";\n")).await?;
    }
    Ok(policy)
}

/// A foreign key, as SQLite understood it.
#[derive(Debug)]
struct ForeignKey {
    child: String,
    child_columns: Vec<String>,
    parent: String,
    parent_columns: Vec<String>,
    has_action: bool,
}

impl ForeignKey {
    /// Whether what happens to a row of one tenant could change a row of another.
    fn may_cross(&self, rules: &Rules) -> bool {
        self.has_action
            && !self
                .child_columns
                .iter()
                .any(|column| column.eq_ignore_ascii_case(&rules.tenant_column))
    }
}

async fn foreign_keys(conn: &mut SqliteConnection, schema: &str) -> Result<Vec<ForeignKey>, Error> {
    let rows: Vec<KeyRow> = sqlx::query_as(
        "SELECT t.name, f.seq, f.\"table\", f.\"from\", f.\"to\", \
                f.on_update NOT IN ('NO ACTION', 'RESTRICT') OR f.on_delete NOT IN ('NO ACTION', 'RESTRICT') \
         FROM pragma_table_list AS t, pragma_foreign_key_list(t.name, t.schema) AS f \
         WHERE t.schema = $1 AND t.type = 'table' ORDER BY t.name, f.id, f.seq",
    )
    .persistent(false)
    .bind(schema)
    .fetch_all(&mut *conn)
    .await?;
    let mut keys: Vec<ForeignKey> = Vec::new();
    for (child, seq, parent, from, to, has_action) in rows {
        if seq == 0 {
            // Without names, it is the parent's primary key.
            let parent_columns = match &to {
                Some(_) => Vec::new(),
                None => primary_key(conn, schema, &parent).await?,
            };
            keys.push(ForeignKey {
                child,
                child_columns: Vec::new(),
                parent,
                parent_columns,
                has_action,
            });
        }
        if let Some(key) = keys.last_mut() {
            key.child_columns.push(from);
            key.parent_columns.extend(to);
        }
    }
    Ok(keys)
}

/// Child, number of the column in the key, parent, column of the child, column of the parent, whether it acts.
type KeyRow = (String, i64, String, String, Option<String>, bool);

async fn primary_key(
    conn: &mut SqliteConnection,
    schema: &str,
    table: &str,
) -> Result<Vec<String>, Error> {
    Ok(
        sqlx::query_scalar("SELECT name FROM pragma_table_info($1, $2) WHERE pk > 0")
            .persistent(false)
            .bind(table)
            .bind(schema)
            .fetch_all(conn)
            .await?,
    )
}

async fn run(conn: &mut SqliteConnection, sql: String) -> Result<(), Error> {
    // Text of ours: names are secrets we made or quoted.
    conn.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}
