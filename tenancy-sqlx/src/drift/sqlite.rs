//! The tables of one schema, read from SQLite's.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, sqlite::SqliteRow};
use tenancy_sql::{Catalog, Drift, LiveTables};

use crate::Result;
use crate::walls::quote::ident;

/// What differs between the migrations and the tables in `schema`: `main`, or the name under which a file is attached.
///
/// # Errors
/// [`Error::Driver`](crate::Error::Driver) if the database can't be asked.
///
/// # Example: a look at a file
/// ```no_run
/// # async fn start(conn: &mut sqlx::SqliteConnection, catalog: &tenancy_sql::Catalog) -> Result<(), Box<dyn std::error::Error>> {
/// for difference in tenancy_sqlx::drift::sqlite(conn, catalog, "main").await? {
///     eprintln!("{difference}");
/// }
/// # Ok(())
/// # }
/// ```
pub async fn sqlite(
    conn: &mut SqliteConnection,
    catalog: &Catalog,
    schema: &str,
) -> Result<Vec<Drift>> {
    let mut live = LiveTables::new();
    let master = format!("{}.sqlite_master", ident(schema));
    let sql =
        format!("SELECT type, name, tbl_name FROM {master} WHERE type IN ('table', 'trigger')");
    // The schema's name, quoted, is all that is put into it.
    let objects = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(&mut *conn)
        .await?;
    for object in objects {
        let name: String = object.try_get("name")?;
        let table: String = object.try_get("tbl_name")?;
        if object.try_get::<String, _>("type")? == "trigger" {
            live.table(&folded(&table)).trigger(&folded(&name));
        } else if !name.starts_with("sqlite_") {
            columns(conn, schema, &name, &mut live).await?;
            keys(conn, schema, &name, &mut live).await?;
            references(conn, schema, &name, &mut live).await?;
        }
    }
    Ok(catalog.drift(&live))
}

/// As the catalogue folds names.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Asks one of the engine's own functions about a table or index.
async fn ask(
    conn: &mut SqliteConnection,
    sql: &'static str,
    name: &str,
    schema: &str,
) -> Result<Vec<SqliteRow>> {
    let query = sqlx::query(sql)
        .bind(name.to_owned())
        .bind(schema.to_owned());
    Ok(query.fetch_all(conn).await?)
}

async fn columns(
    conn: &mut SqliteConnection,
    schema: &str,
    name: &str,
    live: &mut LiveTables,
) -> Result<()> {
    let table = live.table(&folded(name));
    let mut key = BTreeMap::new();
    let sql =
        "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?, ?) ORDER BY cid";
    for row in ask(conn, sql, name, schema).await? {
        let column = folded(row.try_get("name")?);
        let hidden: i64 = row.try_get("hidden")?;
        let declared: String = row.try_get("type")?;
        // What the engine adds to the type of a generated column is not part of it.
        let declared = declared
            .to_ascii_lowercase()
            .replace("generated always", "");
        let nullable = row.try_get::<i64, _>("notnull")? == 0;
        table.column(&column, declared.trim(), nullable, hidden > 1);
        let place: i64 = row.try_get("pk")?;
        if place > 0 {
            key.insert(place, column);
        }
    }
    table.primary_key(&key.into_values().collect::<Vec<_>>());
    Ok(())
}

async fn keys(
    conn: &mut SqliteConnection,
    schema: &str,
    name: &str,
    live: &mut LiveTables,
) -> Result<()> {
    let sql =
        "SELECT name, partial FROM pragma_index_list(?, ?) WHERE \"unique\" = 1 AND origin <> 'pk'";
    for index in ask(conn, sql, name, schema).await? {
        let sql = "SELECT name FROM pragma_index_info(?, ?) ORDER BY seqno";
        let mut columns = Vec::new();
        for row in ask(conn, sql, index.try_get("name")?, schema).await? {
            let column: Option<String> = row.try_get("name")?;
            columns.push(column.as_deref().map(folded));
        }
        let partial = index.try_get::<i64, _>("partial")? != 0;
        live.table(&folded(name)).unique(&columns, partial);
    }
    Ok(())
}

async fn references(
    conn: &mut SqliteConnection,
    schema: &str,
    name: &str,
    live: &mut LiveTables,
) -> Result<()> {
    let sql = "SELECT id, \"table\" AS target, \"from\" AS origin, \"to\" AS referenced \
               FROM pragma_foreign_key_list(?, ?) ORDER BY id, seq";
    let mut found: BTreeMap<i64, (String, Vec<String>, Vec<String>)> = BTreeMap::new();
    for row in ask(conn, sql, name, schema).await? {
        let target = folded(row.try_get("target")?);
        let (_, columns, referenced) = found
            .entry(row.try_get("id")?)
            .or_insert_with(|| (target, Vec::new(), Vec::new()));
        columns.push(folded(row.try_get("origin")?));
        let to: Option<String> = row.try_get("referenced")?;
        referenced.extend(to.as_deref().map(folded));
    }
    for (target, columns, referenced) in found.into_values() {
        live.table(&folded(name))
            .reference(&columns, &target, &referenced);
    }
    Ok(())
}
