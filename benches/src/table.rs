//! The last thing on the screen: one line per figure.

use std::fmt::Write;

use crate::runner::Row;

/// The table as text, columns aligned.
pub(crate) fn render(rows: &[Row]) -> String {
    let head = ["figure", "ours", "other side", "ratio", "target", ""].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(head)
        .chain(rows.iter().map(|row| {
            [
                row.name.to_owned(),
                row.ours.clone(),
                row.other.clone(),
                row.ratio.clone(),
                row.target.clone(),
                if row.is_held { "held" } else { "missed" }.to_owned(),
            ]
        }))
        .collect();
    let mut text = String::from("\n");
    for line in &lines {
        for (column, cell) in line.iter().enumerate() {
            let width = lines
                .iter()
                .filter_map(|line| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default();
            // Names and targets are text, the rest are numbers.
            let _ = match column {
                0 => write!(text, "{cell:<width$}"),
                4 | 5 => write!(text, "  {cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let row = |name, ours: &str, is_held| Row {
            name,
            ours: ours.to_owned(),
            other: "1.00 ns".to_owned(),
            ratio: "1.20x".to_owned(),
            target: "time <= 1.5x".to_owned(),
            is_held,
            is_timed: true,
        };
        let text = render(&[
            row("a", "1.20 ns", true),
            row("longer name", "12 ns", false),
        ]);
        let expect = "
figure          ours  other side  ratio  target
a            1.20 ns     1.00 ns  1.20x  time <= 1.5x  held
longer name    12 ns     1.00 ns  1.20x  time <= 1.5x  missed
";
        assert_eq!(text, expect);
    }
}
