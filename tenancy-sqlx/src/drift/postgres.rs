//! The tables of one schema, read from PostgreSQL's catalogue.

use sqlx::{PgConnection, Row as _};
use tenancy_sql::{Catalog, Drift, LiveTables};

use crate::Result;
use crate::walls::quote::ident;

/// What differs between the migrations and the tables in `schema`: `public` for the shared tables, a tenant's own otherwise.
///
/// # Errors
/// [`Error::Driver`](crate::Error::Driver) if the database can't be asked.
///
/// # Example: refusing to start on another schema than the one compiled in
/// ```no_run
/// # async fn start(conn: &mut sqlx::PgConnection, catalog: &tenancy_sql::Catalog) -> Result<(), Box<dyn std::error::Error>> {
/// let drift = tenancy_sqlx::drift::postgres(conn, catalog, "public").await?;
/// for difference in &drift {
///     eprintln!("{difference}");
/// }
/// if !drift.is_empty() {
///     return Err("the tables are not those of the migrations; see above".into());
/// }
/// # Ok(())
/// # }
/// ```
pub async fn postgres(
    conn: &mut PgConnection,
    catalog: &Catalog,
    schema: &str,
) -> Result<Vec<Drift>> {
    let mut live = LiveTables::new();
    let schema = ident(schema);
    columns(&mut *conn, &schema, &mut live).await?;
    keys(&mut *conn, &schema, &mut live).await?;
    references(&mut *conn, &schema, &mut live).await?;
    triggers(conn, &schema, &mut live).await?;
    Ok(catalog.drift(&live))
}

async fn columns(conn: &mut PgConnection, schema: &str, live: &mut LiveTables) -> Result<()> {
    let rows = sqlx::query(
        "SELECT c.relname::text AS name, a.attname::text AS column, format_type(a.atttypid, a.atttypmod) AS type, \
                NOT a.attnotnull AS nullable, a.attgenerated::text <> '' AS generated \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition \
           AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) \
         ORDER BY c.relname, a.attnum",
    )
    .bind(schema)
    .fetch_all(conn)
    .await?;
    for row in rows {
        live.table(row.try_get("name")?).column(
            row.try_get("column")?,
            // A type in the tenant's own schema is written without it in the migrations.
            unqualified(row.try_get("type")?, schema),
            row.try_get("nullable")?,
            row.try_get("generated")?,
        );
    }
    Ok(())
}

fn unqualified<'t>(type_name: &'t str, schema: &str) -> &'t str {
    let bare = schema.trim_matches('"');
    [schema, bare]
        .iter()
        .find_map(|schema| type_name.strip_prefix(schema)?.strip_prefix('.'))
        .unwrap_or(type_name)
}

async fn keys(conn: &mut PgConnection, schema: &str, live: &mut LiveTables) -> Result<()> {
    let rows = sqlx::query(
        "SELECT c.relname::text AS name, i.indisprimary AS primary, i.indpred IS NOT NULL AS partial, \
                ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place) \
                      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number AND k.number > 0 \
                      WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
         WHERE i.indisunique AND i.indisvalid AND c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p') \
           AND NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid)",
    )
    .bind(schema)
    .fetch_all(conn)
    .await?;
    for row in rows {
        let columns: Vec<Option<String>> = row.try_get("columns")?;
        let table = live.table(row.try_get("name")?);
        if row.try_get("primary")? {
            let columns: Vec<String> = columns.into_iter().flatten().collect();
            table.primary_key(&columns);
        } else {
            table.unique(&columns, row.try_get("partial")?);
        }
    }
    Ok(())
}

async fn references(conn: &mut PgConnection, schema: &str, live: &mut LiveTables) -> Result<()> {
    let rows = sqlx::query(
        "SELECT c.relname::text AS name, \
                CASE WHEN t.relnamespace = c.relnamespace THEN t.relname::text ELSE t.oid::regclass::text END AS target, \
                ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY n(number, place) \
                      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = n.number ORDER BY n.place) AS columns, \
                ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY n(number, place) \
                      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = n.number ORDER BY n.place) AS referenced \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid \
         WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relnamespace = to_regnamespace($1) AND NOT c.relispartition",
    )
    .bind(schema)
    .fetch_all(conn)
    .await?;
    for row in rows {
        let columns: Vec<String> = row.try_get("columns")?;
        let referenced: Vec<String> = row.try_get("referenced")?;
        live.table(row.try_get("name")?)
            .reference(&columns, row.try_get("target")?, &referenced);
    }
    Ok(())
}

async fn triggers(conn: &mut PgConnection, schema: &str, live: &mut LiveTables) -> Result<()> {
    let rows = sqlx::query(
        "SELECT c.relname::text AS name, t.tgname::text AS trigger FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
         WHERE NOT t.tgisinternal AND c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition \
         UNION ALL \
         SELECT c.relname::text, w.rulename::text FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class \
         WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p')",
    )
    .bind(schema)
    .fetch_all(conn)
    .await?;
    for row in rows {
        live.table(row.try_get("name")?)
            .trigger(row.try_get("trigger")?);
    }
    Ok(())
}
