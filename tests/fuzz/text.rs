//! How a statement is written down: spellings of names, forms of literals, what stands between two tokens, and where the
//! values go. A blank inside a quoted thing is another character until the very end, so that tokens are what is between blanks.

use tenancy_sql::Dialect;

use super::{dice::Dice, schema::Kind};
use crate::oracle::engine::Bind;

/// Stands for a blank inside a token.
const BLANK: char = '\u{e000}';
/// Stands for the end of a line inside a token.
const NEWLINE: char = '\u{e001}';
/// Stands for the schema of the tables, which is another one on each side.
pub(super) const SCHEMA: &str = "\u{e002}";
/// Is around the number of a value.
const VALUE: char = '\u{e003}';

/// A made statement.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(super) tokens: Vec<String>,
    /// What stands in front of each token, and behind the last.
    pub(super) gaps: Vec<String>,
    pub(super) binds: Vec<Bind>,
    /// Whether the order of all rows is given.
    pub(super) is_ordered: bool,
    pub(super) writes: bool,
}

impl Statement {
    /// The text, with this schema's name where one is written.
    pub(super) fn text(&self, schema: &str) -> String {
        let mut text = String::new();
        for (gap, token) in self.gaps.iter().zip(&self.tokens) {
            text.push_str(gap);
            if token == SCHEMA {
                text.push_str(schema);
            } else {
                text.extend(token.chars().map(|character| match character {
                    BLANK => ' ',
                    NEWLINE => '\n',
                    other => other,
                }));
            }
        }
        text.push_str(self.gaps.last().map_or("", |gap| gap));
        text
    }
}

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    None,
    /// `$1`
    Dollar,
    /// `?1`
    Numbered,
    /// `?`
    Bare,
}

/// Writes the parts of one statement.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) dialect: Dialect,
    style: Style,
    values: Vec<(Kind, Bind)>,
}

impl Writer {
    pub(super) fn new(dialect: Dialect, dice: &mut Dice) -> Self {
        let style = match (dice.below(10), dialect) {
            (0..5, _) => Style::None,
            (5, Dialect::Sqlite) => Style::Numbered,
            (6..8, Dialect::Sqlite) => Style::Bare,
            _ => Style::Dollar,
        };
        Self {
            dialect,
            style,
            values: Vec::new(),
        }
    }

    fn is_postgres(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    /// A name in one of its spellings.
    pub(super) fn name(&self, dice: &mut Dice, name: &str) -> String {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit());
        if !plain {
            let inner = name.trim_matches('"');
            return match self.dialect {
                Dialect::Sqlite if name.starts_with('"') && dice.chance(30) => {
                    let upper: String = name.to_ascii_uppercase();
                    let plain = inner.replace("\"\"", "\"");
                    match dice.below(3) {
                        0 => upper,
                        1 => format!("[{plain}]"),
                        _ => format!("`{plain}`"),
                    }
                }
                _ => name.to_owned(),
            };
        }
        match dice.below(20) {
            0 => name.to_ascii_uppercase(),
            1 => {
                let mut mixed = name.to_owned();
                if let Some(first) = mixed.get_mut(0..1) {
                    first.make_ascii_uppercase();
                }
                mixed
            }
            2 | 3 => format!("\"{name}\""),
            4 if !self.is_postgres() => format!("[{name}]"),
            5 if !self.is_postgres() => format!("`{}`", name.to_ascii_uppercase()),
            6 if !self.is_postgres() => format!("\"{}\"", name.to_ascii_uppercase()),
            _ => name.to_owned(),
        }
    }

    /// A value of this kind: a literal in one of its forms, or a placeholder.
    pub(super) fn literal(&mut self, dice: &mut Dice, kind: Kind) -> String {
        if self.style != Style::None && kind != Kind::Bool && dice.chance(35) {
            return self.placeholder(dice, kind);
        }
        let postgres = self.is_postgres();
        match kind {
            Kind::Int => {
                let value = number(dice);
                match dice.below(24) {
                    0 => format!("- - {value}"),
                    1 => format!("+ {value}"),
                    2 => format!("( - {value} )"),
                    3 if postgres => format!("'{value}' ::int"),
                    4 if postgres => format!("int '{value}'"),
                    3 => format!("0x{value:X}"),
                    5 if postgres => "NULL ::int".to_owned(),
                    5 => "NULL".to_owned(),
                    6 => format!("CAST ( '{value}' AS INTEGER )"),
                    7 => format!("00{value}"),
                    _ => value.to_string(),
                }
            }
            Kind::Text => self.text(dice),
            Kind::Real => {
                let value = dice.pick(&["4.5", "3.25", ".5", "2.", "1e1", "12.5E-1", "0.0"]);
                if postgres {
                    format!("{value} ::float8")
                } else {
                    value.to_owned()
                }
            }
            Kind::Bool if postgres => dice
                .pick(&["TRUE", "false", "'t' ::bool", "NULL ::bool"])
                .to_owned(),
            Kind::Bool => dice.pick(&["TRUE", "false", "1", "0"]).to_owned(),
        }
    }

    fn text(&self, dice: &mut Dice) -> String {
        let postgres = self.is_postgres();
        let forms: &[&str] = &[
            "'open'",
            "'won'",
            "'new'",
            "'big'",
            "'Bern'",
            "'Ada'",
            "'CH'",
            "''",
            "'a''b'",
            "'%o%'",
            "'\\'",
            "'\\''\u{e000}OR\u{e000}1=1\u{e000}--'",
            "'foo\u{e001}\u{e000}1)\u{e000}--'",
            "'a''''b'",
            "'/*'",
            "'*/'",
            "';'",
            "'\u{fc}\u{1f600}'",
            "'$1'",
            "'?'",
            "'\"'",
            "'deals'",
        ];
        let own: &[&str] = if postgres {
            &[
                "E'\\''",
                "E'o\\x70en'",
                "E'\\\\'",
                "U&'\\0061d\\0061'",
                "$$won$$",
                "$x$\u{e000}'\u{e000}$x$",
                "$a$$b$$a$",
                "text\u{e000}'open'",
                "'open' ::text",
                "N'big'",
                "e'it''s'",
                "B'101' ::text",
            ]
        } else {
            &[
                "CAST ( X'6F70656E' AS TEXT )",
                "CAST ( x'' AS TEXT )",
                "'x' || ''",
            ]
        };
        match dice.below(10) {
            0 => dice.pick(own).to_owned(),
            1 if postgres => "NULL ::text".to_owned(),
            1 => "CAST ( NULL AS TEXT )".to_owned(),
            2..7 => dice.pick(forms.get(..7).unwrap_or(forms)).to_owned(),
            _ => dice.pick(forms).to_owned(),
        }
    }

    fn placeholder(&mut self, dice: &mut Dice, kind: Kind) -> String {
        let known: Vec<usize> = (0..self.values.len())
            .filter(|at| self.values.get(*at).is_some_and(|(of, _)| *of == kind))
            .collect();
        let at = match dice.choose(&known) {
            Some(at) if dice.chance(40) => *at,
            _ => {
                let bind = match kind {
                    Kind::Text => Bind::Text(
                        dice.pick(&["open", "won", "Bern", "it's", "\u{e4}", ""])
                            .to_owned(),
                    ),
                    Kind::Real => Bind::Real(4.5),
                    _ => Bind::Int(number(dice)),
                };
                self.values.push((kind, bind));
                self.values.len() - 1
            }
        };
        let cast = match kind {
            _ if !self.is_postgres() => "",
            Kind::Text => " ::text",
            Kind::Real => " ::float8",
            _ => " ::int",
        };
        format!("{VALUE}{at}{VALUE}{cast}")
    }

    /// Cuts what was written into tokens, puts something between them and the values in their order.
    pub(super) fn finish(
        self,
        dice: &mut Dice,
        text: &str,
        is_ordered: bool,
        writes: bool,
    ) -> Statement {
        let mut used: Vec<usize> = Vec::new();
        let mut tokens: Vec<String> = Vec::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            let Some(at) = token
                .strip_prefix(VALUE)
                .and_then(|rest| rest.strip_suffix(VALUE))
                .and_then(|at| at.parse::<usize>().ok())
            else {
                tokens.push(token.to_owned());
                continue;
            };
            let place = match used.iter().position(|seen| *seen == at) {
                Some(place) if self.style != Style::Bare => place,
                _ => {
                    used.push(at);
                    used.len() - 1
                }
            };
            tokens.push(match self.style {
                Style::Bare => "?".to_owned(),
                Style::Numbered => format!("?{}", place + 1),
                Style::None | Style::Dollar => format!("${}", place + 1),
            });
        }
        let binds = used
            .into_iter()
            .filter_map(|at| self.values.get(at).map(|(_, bind)| bind.clone()))
            .collect();
        let plain = dice.chance(60);
        let mut gaps: Vec<String> = tokens
            .iter()
            .map(|_| if plain { " " } else { self.gap(dice) }.to_owned())
            .collect();
        gaps.push(
            match dice.below(12) {
                0 => ";",
                1 => " ; ",
                2 => " -- end",
                3 => ";\n-- it's\n",
                _ => "",
            }
            .to_owned(),
        );
        Statement {
            tokens,
            gaps,
            binds,
            is_ordered,
            writes,
        }
    }

    /// What stands between two tokens. Always something, so that no two become one.
    fn gap(&self, dice: &mut Dice) -> &'static str {
        match dice.below(30) {
            0 => "\n",
            1 => "\t",
            2 => "  ",
            3 => "\r\n",
            4 => "/**/",
            5 => " /* it's */ ",
            6 => " -- ' \"\n",
            7 => " /* ; -- */",
            8 if self.is_postgres() => " /* /* a */ ' b */ ",
            8 => " /* /* a */ ",
            9 => "/* $1 ? */",
            10 if self.is_postgres() => " --\r",
            11 => "\x0c",
            _ => " ",
        }
    }
}

/// Numbers that are in the tables, mostly.
fn number(dice: &mut Dice) -> i64 {
    match dice.below(8) {
        0 => 0,
        1 => dice.pick(&[9, 12, 29, 36, 40, 41, 75, 100, 250]),
        _ => dice.from(1, 6),
    }
}
