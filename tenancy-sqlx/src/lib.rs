//! sqlx pools and transactions that see one tenant.
