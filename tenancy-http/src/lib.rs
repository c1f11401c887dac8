//! tenancy-http
