//! Rows out of PostgreSQL, which libpq holds by the time they are asked for.

use diesel::associations::HasTable;
use diesel::connection::{DefaultLoadingMode, LoadConnection};
use diesel::dsl::Update;
use diesel::expression::{MixedAggregates, QueryMetadata, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AsChangeset, IntoUpdateTarget, Query, QueryFragment, QueryId};
use diesel::query_dsl::{LoadQuery, UpdateAndFetchResults};
use diesel::result::QueryResult;
use diesel::{PgConnection, RunQueryDsl as _, Table};

use super::TenantConnection;

impl LoadConnection<DefaultLoadingMode> for TenantConnection<PgConnection> {
    type Cursor<'conn, 'query> = <PgConnection as LoadConnection>::Cursor<'conn, 'query>;
    type Row<'conn, 'query> = <PgConnection as LoadConnection>::Row<'conn, 'query>;

    fn load<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<Pg> + QueryId + 'query,
        Pg: QueryMetadata<T::SqlType>,
    {
        let (scoped, access) = self.scope(source)?;
        self.before(access)?;
        let rows = LoadConnection::<DefaultLoadingMode>::load(self.lease.conn(), scoped);
        self.after(access, rows)
    }
}

impl<'b, Changes, Output> UpdateAndFetchResults<Changes, Output> for TenantConnection<PgConnection>
where
    Changes: Copy + AsChangeset<Target = <Changes as HasTable>::Table> + IntoUpdateTarget,
    Update<Changes, Changes>: LoadQuery<'b, Self, Output>,
    <Changes::Table as Table>::AllColumns: ValidGrouping<()>,
    <<Changes::Table as Table>::AllColumns as ValidGrouping<()>>::IsAggregate:
        MixedAggregates<is_aggregate::No, Output = is_aggregate::No>,
{
    fn update_and_fetch(&mut self, changeset: Changes) -> QueryResult<Output> {
        diesel::update(changeset).set(changeset).get_result(self)
    }
}
