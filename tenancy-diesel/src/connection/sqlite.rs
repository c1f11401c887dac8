//! Rows out of SQLite, which come while the statement runs.

use std::fmt;

use diesel::SqliteConnection;
use diesel::associations::{HasTable, Identifiable};
use diesel::connection::{DefaultLoadingMode, LoadConnection};
use diesel::dsl::{Find, Update};
use diesel::expression::{MixedAggregates, QueryMetadata, ValidGrouping, is_aggregate};
use diesel::query_builder::{AsChangeset, IntoUpdateTarget, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::{ExecuteDsl, FindDsl};
use diesel::query_dsl::{LoadQuery, UpdateAndFetchResults};
use diesel::result::QueryResult;
use diesel::sqlite::Sqlite;
use diesel::{RunQueryDsl as _, Table};
use tenancy_sql::Access;

use super::TenantConnection;

type Cursor<'conn, 'query> = <SqliteConnection as LoadConnection>::Cursor<'conn, 'query>;
type Row<'conn, 'query> = <SqliteConnection as LoadConnection>::Row<'conn, 'query>;

/// The rows of a query on SQLite; what [`diesel::connection::LoadConnection::load`] gives.
pub struct SqliteRows<'conn, 'query>(Rows<'conn, 'query>);

enum Rows<'conn, 'query> {
    /// Of a statement that only reads, as they come.
    Coming {
        rows: Cursor<'conn, 'query>,
        /// A failure here may have ended the transaction.
        doubtful: &'conn mut bool,
    },
    /// Of a statement that wrote: it has run to its end. SQLite commits a statement at its end, and one that is left before
    /// it may be undone by a deferred constraint without a word.
    Come(std::vec::IntoIter<Row<'conn, 'query>>),
}

impl fmt::Debug for SqliteRows<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRows").finish_non_exhaustive()
    }
}

impl<'conn, 'query> Iterator for SqliteRows<'conn, 'query> {
    type Item = QueryResult<Row<'conn, 'query>>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Rows::Coming { rows, doubtful } => {
                let row = rows.next();
                if let Some(Err(_)) = row {
                    **doubtful = true;
                }
                row
            }
            Rows::Come(rows) => rows.next().map(Ok),
        }
    }
}

impl LoadConnection<DefaultLoadingMode> for TenantConnection<SqliteConnection> {
    type Cursor<'conn, 'query> = SqliteRows<'conn, 'query>;
    type Row<'conn, 'query> = Row<'conn, 'query>;

    fn load<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<Sqlite> + QueryId + 'query,
        Sqlite: QueryMetadata<T::SqlType>,
    {
        let (scoped, access) = self.scope(source)?;
        self.before(access)?;
        let doubtful = &mut self.state.doubtful;
        let rows = LoadConnection::load(self.lease.conn(), scoped).inspect_err(|_| {
            *doubtful = true;
        })?;
        if access == Access::Read {
            return Ok(SqliteRows(Rows::Coming { rows, doubtful }));
        }
        let rows: QueryResult<Vec<_>> = rows.collect();
        let rows = rows.inspect_err(|_| *doubtful = true)?;
        Ok(SqliteRows(Rows::Come(rows.into_iter())))
    }
}

impl<'b, Changes, Output> UpdateAndFetchResults<Changes, Output>
    for TenantConnection<SqliteConnection>
where
    Changes: Copy + Identifiable,
    Changes: AsChangeset<Target = <Changes as HasTable>::Table> + IntoUpdateTarget,
    Changes::Table: FindDsl<Changes::Id>,
    Update<Changes, Changes>: ExecuteDsl<Self>,
    Find<Changes::Table, Changes::Id>: LoadQuery<'b, Self, Output>,
    <Changes::Table as Table>::AllColumns: ValidGrouping<()>,
    <<Changes::Table as Table>::AllColumns as ValidGrouping<()>>::IsAggregate:
        MixedAggregates<is_aggregate::No, Output = is_aggregate::No>,
{
    fn update_and_fetch(&mut self, changeset: Changes) -> QueryResult<Output> {
        diesel::update(changeset).set(changeset).execute(self)?;
        Changes::table().find(changeset.id()).get_result(self)
    }
}
