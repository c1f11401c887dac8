//! tenancy-testkit
