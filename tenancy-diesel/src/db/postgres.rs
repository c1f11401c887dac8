//! PostgreSQL through libpq: the settings of a transaction in one message, and connections that keep to one place.

use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::{CacheSize, Connection as _, SimpleConnection as _};
use diesel::pg::{GetPgMetadataCache as _, PgMetadataCache};
use diesel::result::QueryResult;
use tenancy_core::session::{postgres_begin, postgres_can_turn};
use tenancy_core::{Placement, TenantId};
use tenancy_sql::Access;

use super::{TenantDb, establish, sealed, unreachable};
use crate::{PgServer, Result};

impl sealed::Sealed for PgConnection {}

impl TenantDb for PgConnection {
    type Server = PgServer;

    const FAILED_STATEMENT_FAILS_TRANSACTION: bool = true;

    const STATEMENT_NEEDS_TRANSACTION: bool = true;

    fn open(
        server: &PgServer,
        placement: &Placement,
        _tenant: TenantId,
        server_wall: bool,
        connect_timeout: Duration,
    ) -> Result<Self> {
        let login = server.login_for(placement, server_wall);
        establish(&login.conninfo(connect_timeout)).map_err(|error| unreachable(placement, error))
    }

    fn can_take_over(from: &Placement, to: &Placement) -> bool {
        postgres_can_turn(from, to)
    }

    fn take_over(
        &mut self,
        _server: &PgServer,
        _placement: &Placement,
        _tenant: TenantId,
    ) -> Result<()> {
        // Prepared statements and type ids are cached by text and name, which mean something else in another schema.
        self.set_prepared_statement_cache_size(CacheSize::Disabled);
        self.set_prepared_statement_cache_size(CacheSize::Unbounded);
        *self.get_metadata_cache() = PgMetadataCache::new();
        self.batch_execute("DEALLOCATE ALL")?;
        Ok(())
    }

    fn settle(&mut self) -> QueryResult<()> {
        // A failed statement has failed the transaction, which is noted when it happens.
        Ok(())
    }

    fn begin_sql(
        placement: &Placement,
        tenant: TenantId,
        access: Access,
        server_wall: bool,
    ) -> String {
        postgres_begin(placement, tenant, access == Access::Read, server_wall)
    }
}
