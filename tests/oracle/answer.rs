//! What a statement answered, and when two answers are the same.

use super::corpus::Sort;

/// Rows as text, each value with a mark of its type, and how many rows were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) affected: u64,
}

/// What counts when two answers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Rows,
    AnyRows,
    AnyValues,
}

impl Order {
    /// An answer that is to be compared as it comes is only in an order if the query says so.
    pub(in crate::oracle) fn of(sort: Option<Sort>, is_ordered: bool) -> Self {
        match sort {
            Some(Sort::Values) => Self::AnyValues,
            Some(Sort::None) | None if is_ordered => Self::Rows,
            _ => Self::AnyRows,
        }
    }
}

impl Answer {
    /// Whether two answers are the same.
    pub(crate) fn is_same(&self, other: &Self, order: Order) -> bool {
        if self.rows.len() != other.rows.len() {
            return false;
        }
        if self.rows == other.rows {
            return true;
        }
        match order {
            Order::Rows => false,
            Order::AnyRows => self.sorted() == other.sorted(),
            Order::AnyValues => self.values() == other.values(),
        }
    }

    /// The rows in an order of their own.
    pub(crate) fn sorted(&self) -> Vec<&Vec<String>> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_unstable();
        rows
    }

    fn values(&self) -> Vec<&String> {
        let mut values: Vec<_> = self.rows.iter().flatten().collect();
        values.sort_unstable();
        values
    }

    /// A few rows, for a person.
    pub(crate) fn excerpt(&self) -> String {
        let rows: Vec<String> = self
            .rows
            .iter()
            .take(4)
            .map(|row| format!("({})", row.join(", ")))
            .collect();
        format!("{} rows: {}", self.rows.len(), rows.join(" "))
    }
}

/// A number with a fraction, to as many digits as do not depend on the order of a sum.
pub(crate) fn real(value: f64) -> String {
    // The two zeros are equal.
    format!("r{:.11e}", value + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: &[&[&str]]) -> Answer {
        Answer {
            rows: rows
                .iter()
                .map(|row| row.iter().map(|value| (*value).to_owned()).collect())
                .collect(),
            affected: 0,
        }
    }

    #[test]
    fn the_same() {
        let (a, b) = (
            answer(&[&["1", "2"], &["3", "4"]]),
            answer(&[&["3", "4"], &["1", "2"]]),
        );
        assert!(!a.is_same(&b, Order::Rows));
        assert!(a.is_same(&b, Order::AnyRows));
        let c = answer(&[&["4", "3"], &["2", "1"]]);
        assert!(!a.is_same(&c, Order::AnyRows));
        assert!(a.is_same(&c, Order::AnyValues));
        assert!(!a.is_same(&answer(&[&["1", "2"]]), Order::AnyValues));
        assert_eq!(real(0.1 + 0.2), real(0.3));
        assert_eq!(real(-0.0), real(0.0));
        assert_ne!(real(1.0), real(1.000_000_1));
    }
}
