//! Makes a statement: what is in sight while it is written, and how much more of it there may be. The productions are in
//! `values`, `conditions`, `relations`, `queries`, `groups` and `writes`.

use tenancy_sql::Dialect;

use super::{
    dice::Dice,
    schema::{Kind, TABLES, Table},
    text::{Statement, Writer},
};

/// A column that can be named.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// Something in FROM.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) alias: String,
    pub(super) columns: Vec<Column>,
    /// The table, if it is one and is not in an outer join.
    pub(super) table: Option<&'static Table>,
    /// The table whose key determines the other columns here, in an outer join too.
    pub(super) keyed: Option<&'static Table>,
}

/// A common table expression in sight.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) dice: Dice,
    pub(super) writer: Writer,
    /// What each level of queries has in FROM, the innermost last.
    pub(super) levels: Vec<Vec<Relation>>,
    pub(super) commons: Vec<Common>,
    /// A table that must not be read, because the engine shows it half written.
    pub(super) avoided: Option<&'static str>,
    /// Names that stand beside what is written, and so can't be given again, but are not in sight.
    pub(super) hidden: Vec<String>,
    /// Whether the rows are put in order here, which PostgreSQL before 18 gets wrong of some grouping sets; see `engine_faults`
    /// among the tests.
    pub(super) sorted: bool,
    /// Whether there is a RIGHT or FULL JOIN, behind which SQLite gets some IN wrong; see `engine_faults`, too.
    pub(super) fills: bool,
    /// Whether there may be subqueries here.
    pub(super) queries: bool,
    fuel: i32,
    names: usize,
}

impl Maker {
    fn new(dialect: Dialect, mut dice: Dice) -> Self {
        let writer = Writer::new(dialect, &mut dice);
        let fuel = 8 + i32::try_from(dice.below(60)).unwrap_or(0);
        Self {
            dice,
            writer,
            levels: Vec::new(),
            commons: Vec::new(),
            avoided: None,
            hidden: Vec::new(),
            sorted: false,
            fills: false,
            queries: true,
            fuel,
            names: 0,
        }
    }

    /// The statement of this number in the run of this seed.
    pub(super) fn make(dialect: Dialect, seed: u64, number: u64) -> Statement {
        let mut maker = Self::new(dialect, Dice::of(seed, number));
        let (text, is_ordered, writes) = if maker.dice.chance(30) {
            (maker.write(), false, true)
        } else {
            maker.read()
        };
        let Self {
            mut dice, writer, ..
        } = maker;
        writer.finish(&mut dice, &text, is_ordered, writes)
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.writer.dialect == Dialect::Postgres
    }

    /// Uses some of what is left; whether there was any.
    pub(super) fn burn(&mut self, cost: i32) -> bool {
        self.fuel -= cost;
        self.fuel > 0
    }

    /// Whether there may be a subquery here.
    pub(super) fn may_query(&self) -> bool {
        self.queries && self.fuel > 6
    }

    /// A name that nothing has.
    pub(super) fn new_name(&mut self, first: char) -> String {
        self.names += 1;
        let number = self.names;
        match self.dice.below(24) {
            0 => format!("\"{}\u{e000}{number}\"", first.to_ascii_uppercase()),
            1 => format!("\u{e9}{number}"),
            2 => format!("\"{first}\"\"{number}\""),
            3 => format!("{first}$_{number}"),
            // Cut by PostgreSQL behind the 63rd byte.
            4 => format!(
                "{first}{number}_{}",
                "x".repeat(58 - number.to_string().len())
            ),
            _ => format!("{first}{number}"),
        }
    }

    /// One of its spellings.
    pub(super) fn spell(&mut self, name: &str) -> String {
        self.writer.name(&mut self.dice, name)
    }

    pub(super) fn literal(&mut self, kind: Kind) -> String {
        self.writer.literal(&mut self.dice, kind)
    }

    /// A kind for a column.
    pub(super) fn kind(&mut self) -> Kind {
        match self.dice.below(10) {
            0..5 => Kind::Int,
            5..9 => Kind::Text,
            _ => Kind::Real,
        }
    }

    /// One of the tables.
    pub(super) fn table(&mut self) -> &'static Table {
        loop {
            let Some(table) = TABLES.get(self.dice.below(TABLES.len())) else {
                continue;
            };
            if self
                .avoided
                .is_none_or(|avoided| avoided != table.name && table.name != "open_deals")
            {
                return table;
            }
        }
    }

    /// A column of that kind that is in sight, qualified unless it need not be.
    pub(super) fn column(&mut self, kind: Kind) -> Option<String> {
        let innermost = self.levels.len().checked_sub(1)?;
        let level = if self.dice.chance(80) {
            innermost
        } else {
            self.dice.below(self.levels.len())
        };
        let found: Vec<(String, String)> = self
            .levels
            .get(level)?
            .iter()
            .flat_map(|relation| {
                relation
                    .columns
                    .iter()
                    .filter(|column| column.kind == kind)
                    .map(|column| (relation.alias.clone(), column.name.clone()))
            })
            .collect();
        let (alias, name) = self.dice.choose(&found)?.clone();
        let known = self
            .levels
            .iter()
            .flatten()
            .flat_map(|relation| &relation.columns)
            .filter(|column| column.name == name)
            .count();
        let column = self.spell(&name);
        Some(
            if known == 1 && level == innermost && self.dice.chance(40) {
                column
            } else {
                format!("{} . {column}", self.spell(&alias))
            },
        )
    }

    /// Runs a production that sees only what is innermost.
    pub(super) fn with_innermost<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        let innermost: Vec<_> = self.levels.pop().into_iter().collect();
        let outer = std::mem::replace(&mut self.levels, innermost);
        let made = make(self);
        let innermost = std::mem::replace(&mut self.levels, outer);
        self.levels.extend(innermost);
        made
    }

    /// Runs a production that sees nothing of what is in FROM.
    pub(super) fn with_nothing<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> T {
        let levels = std::mem::take(&mut self.levels);
        let made = make(self);
        self.levels = levels;
        made
    }
}
