//! What a wall is told about the tables of a file.

/// Which tables a wall stands in front of.
///
/// Everything that is not named is closed: tenants neither read nor write it.
///
/// # Example
/// ```
/// use tenancy_sqlite_wall::Rules;
///
/// let rules = Rules::new("tenant_id").tenant_table("leads").open_table("countries");
/// assert!(format!("{rules:?}").contains("countries"));
/// ```
#[derive(Clone, Debug)]
pub struct Rules {
    pub(crate) tenant_column: String,
    pub(crate) tenant_tables: Vec<String>,
    pub(crate) open_tables: Vec<String>,
    pub(crate) trusted_triggers: Vec<String>,
}

impl Rules {
    /// No tables yet; in those to come, this column says whose a row is.
    #[must_use]
    pub fn new(tenant_column: impl Into<String>) -> Self {
        Self {
            tenant_column: tenant_column.into(),
            tenant_tables: Vec::new(),
            open_tables: Vec::new(),
            trusted_triggers: Vec::new(),
        }
    }

    /// Adds a table whose rows belong to tenants.
    #[must_use]
    pub fn tenant_table(mut self, name: impl Into<String>) -> Self {
        self.tenant_tables.push(name.into());
        self
    }

    /// Adds a table, or a view over such tables, that all tenants may read and none may write.
    #[must_use]
    pub fn open_table(mut self, name: impl Into<String>) -> Self {
        self.open_tables.push(name.into());
        self
    }

    /// Trusts a trigger of the file: it may read all rows of tenant tables. What it writes is checked like any other write.
    ///
    /// Without this, a statement that fires a trigger of the file is refused.
    #[must_use]
    pub fn trust_trigger(mut self, name: impl Into<String>) -> Self {
        self.trusted_triggers.push(name.into());
        self
    }
}
