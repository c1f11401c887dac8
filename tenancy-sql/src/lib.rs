//! tenancy-sql
