//! Values on their way to and from the registry's database.

use super::super::RowError;

/// A value of a registry table: these four kinds are all it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// A text, or NULL.
    pub(in super::super) fn optional(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.into()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

/// A row, read column by column from the left.
#[derive(Debug)]
pub(in super::super) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// The next column, which is a text.
    pub(in super::super) fn text(&mut self, column: &'static str) -> Result<String, RowError> {
        self.optional_text(column)?
            .ok_or_else(|| RowError::new(column, "it is NULL"))
    }

    /// The next column, which is a text or NULL.
    pub(in super::super) fn optional_text(
        &mut self,
        column: &'static str,
    ) -> Result<Option<String>, RowError> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(RowError::new(column, "it is not a text")),
        }
    }

    /// The next column, which is a whole number.
    pub(in super::super) fn int(&mut self, column: &'static str) -> Result<i64, RowError> {
        self.optional_int(column)?
            .ok_or_else(|| RowError::new(column, "it is NULL"))
    }

    /// The next column, which is a whole number or NULL.
    pub(in super::super) fn optional_int(
        &mut self,
        column: &'static str,
    ) -> Result<Option<i64>, RowError> {
        match self.0.next() {
            Some(Value::Int(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            _ => Err(RowError::new(column, "it is not a whole number")),
        }
    }
}
