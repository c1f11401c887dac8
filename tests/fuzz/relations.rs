//! FROM: tables in their spellings, joins of every kind, derived tables, LATERAL, functions that make rows.

use super::{
    maker::{Column, Maker, Relation},
    schema::{Kind, Role, Table},
    text::SCHEMA,
};

impl Maker {
    /// A FROM clause, without the word; what is in it is the new innermost level.
    pub(super) fn from(&mut self, depth: usize) -> String {
        self.levels.push(Vec::new());
        let mut text = self.item(depth);
        let joins = match self.dice.below(10) {
            0..5 => 0,
            5..9 => 1,
            _ => 2,
        };
        for _ in 0..joins {
            if !self.burn(2) {
                break;
            }
            text = self.join(&text, depth);
        }
        text
    }

    fn join(&mut self, left: &str, depth: usize) -> String {
        let postgres = self.is_postgres();
        let choice = self.dice.below(14);
        if choice == 0 {
            return format!("{left} , {}", self.item(depth));
        }
        if choice == 1 {
            return format!("{left} CROSS JOIN {}", self.item(depth));
        }
        if choice == 2 {
            return self.merging_join(left);
        }
        if choice == 3 && depth > 0 {
            return self.lateral(left, depth - 1);
        }
        let before = self.levels.last().map_or(0, Vec::len);
        let mut right = self.item(depth);
        if choice == 4 && postgres {
            right = self.nested(&right, before);
        }
        let on = self.on(before);
        let (kind, on) = match choice {
            // Of these two, SQLite 3.51 finds no partners in the one and forgets the condition of the other; see
            // `engine_faults` among the tests.
            5..7 if !postgres && computes_of_values(&right) => ("JOIN", on),
            5..7 => (self.dice.pick(&["LEFT JOIN", "LEFT OUTER JOIN"]), on),
            7 | 8 => {
                self.fills = true;
                let kinds: &[&str] = match choice {
                    7 => &["RIGHT JOIN", "RIGHT OUTER JOIN"],
                    _ => &["FULL JOIN", "FULL OUTER JOIN"],
                };
                (self.dice.pick(kinds), on)
            }
            _ if !postgres && self.may_be_a_filled_union(left) => ("LEFT JOIN", on),
            _ if self.dice.chance(30) => (
                self.dice.pick(&["JOIN", "INNER JOIN"]),
                format!("{on} AND {}", self.condition(depth.min(1))),
            ),
            _ => (self.dice.pick(&["JOIN", "INNER JOIN"]), on),
        };
        if (5..9).contains(&choice) || kind.starts_with("LEFT") {
            for relation in self.levels.last_mut().into_iter().flatten() {
                relation.table = None;
            }
        }
        format!("{left} {kind} {right} ON {on}")
    }

    /// Whether there can be a UNION ALL in it with a RIGHT or FULL JOIN in one of its parts.
    fn may_be_a_filled_union(&self, left: &str) -> bool {
        self.fills && (left.contains("UNION ALL") || !self.commons.is_empty())
    }

    /// A join in parentheses, which sees nothing of what is before it.
    fn nested(&mut self, first: &str, before: usize) -> String {
        let mut level = self.levels.pop().unwrap_or_default();
        let own = level.split_off(before.min(level.len()));
        self.hidden
            .extend(level.iter().map(|relation| relation.alias.clone()));
        self.levels.push(own);
        let second = self.item(0);
        let on = self.on(1);
        let kind = self.dice.pick(&["JOIN", "LEFT JOIN", "FULL JOIN", "JOIN"]);
        let inner = self.levels.pop().unwrap_or_default();
        self.hidden.clear();
        level.extend(inner.into_iter().map(|relation| Relation {
            table: None,
            ..relation
        }));
        self.levels.push(level);
        format!("( {first} {kind} {second} ON {on} )")
    }

    /// An equation of something to the left with something to the right.
    fn on(&mut self, before: usize) -> String {
        let side = |relations: &[Relation]| -> Vec<String> {
            relations
                .iter()
                .flat_map(|relation| {
                    let ints = relation
                        .columns
                        .iter()
                        .filter(|column| column.kind == Kind::Int);
                    ints.map(|column| format!("{} . {}", relation.alias, column.name))
                })
                .collect()
        };
        let level = self.levels.last().map_or(&[] as &[Relation], |level| level);
        let (left, right) = (
            side(level.get(..before).unwrap_or_default()),
            side(level.get(before..).unwrap_or_default()),
        );
        match (self.dice.choose(&left), self.dice.choose(&right)) {
            (Some(a), Some(b)) => format!("{a} = {b}"),
            // Another condition can't be had with every kind of join.
            _ => "1 = 1".to_owned(),
        }
    }

    /// NATURAL and USING, of two tables with a name in common.
    fn merging_join(&mut self, left: &str) -> String {
        let named = |relation: &Relation, name: &str| {
            relation.columns.iter().any(|column| column.name == name)
        };
        let single =
            matches!(self.levels.last().map(Vec::as_slice), Some([only]) if only.table.is_some());
        let both = ["id", "name", "company_id", "amount"];
        let common: Vec<&str> = both
            .into_iter()
            .filter(|name| {
                self.levels
                    .last()
                    .and_then(|level| level.first())
                    .is_some_and(|it| named(it, name))
            })
            .collect();
        let Some(name) = self.dice.choose(&common).copied().filter(|_| single) else {
            return format!("{left} CROSS JOIN {}", self.item(0));
        };
        let with: Vec<&'static Table> = super::schema::TABLES
            .iter()
            .filter(|table| {
                self.avoided != Some(table.name)
                    && table.columns.iter().any(|(column, _)| *column == name)
            })
            .collect();
        let Some(table) = self
            .dice
            .choose(&with)
            .copied()
            .filter(|_| self.avoided.is_none())
        else {
            return format!("{left} CROSS JOIN {}", self.item(0));
        };
        let right = self.plain_table(table, 100);
        let kind = self.dice.pick(&["JOIN", "LEFT JOIN", "INNER JOIN"]);
        for relation in self.levels.last_mut().into_iter().flatten() {
            relation.table = None;
        }
        if self.dice.chance(30) {
            return format!("{left} NATURAL {kind} {right}");
        }
        let alias = match self.is_postgres() && self.dice.chance(20) {
            true => format!("AS {}", self.new_name('j')),
            false => String::new(),
        };
        format!(
            "{left} {kind} {right} USING ( {} ) {alias}",
            self.spell(name)
        )
    }

    /// A subquery that sees what is to its left.
    fn lateral(&mut self, left: &str, depth: usize) -> String {
        if !self.is_postgres() || !self.may_query() {
            return format!("{left} , {}", self.item(0));
        }
        self.burn(4);
        let kind = self.kind();
        let (query, columns) = self.ordered_query(&[kind, Kind::Int], depth, Some(2));
        let alias = self.add(columns, None);
        match self.dice.below(3) {
            0 => format!("{left} , LATERAL ( {query} ) AS {alias}"),
            1 => format!("{left} LEFT JOIN LATERAL ( {query} ) AS {alias} ON TRUE"),
            _ => format!("{left} CROSS JOIN LATERAL ( {query} ) {alias}"),
        }
    }

    /// Puts a relation into the innermost level, and says what it is called.
    fn add(&mut self, columns: Vec<Column>, table: Option<&'static Table>) -> String {
        let alias = self.new_name('t');
        if let Some(level) = self.levels.last_mut() {
            level.push(Relation {
                alias: alias.clone(),
                columns,
                table,
                keyed: table,
            });
        }
        alias
    }

    /// One thing in FROM.
    fn item(&mut self, depth: usize) -> String {
        let postgres = self.is_postgres();
        match self.dice.below(20) {
            0..4 if depth > 0 && self.may_query() => self.derived(depth - 1),
            4 | 5 if !self.commons.is_empty() => {
                let common = self.dice.choose(&self.commons).cloned();
                let Some(common) = common else {
                    return self.any_table(50);
                };
                let alias = self.add(common.columns, None);
                format!("{} AS {alias}", self.spell(&common.name))
            }
            6 if postgres => {
                let (low, high) = (self.dice.from(0, 3), self.dice.from(3, 6));
                let column = self.new_name('c');
                let alias = self.add(
                    vec![Column {
                        name: column.clone(),
                        kind: Kind::Int,
                    }],
                    None,
                );
                match self.dice.below(3) {
                    0 => format!("unnest ( ARRAY [ {low} , {high} , 2 ] ) AS {alias} ( {column} )"),
                    1 => format!(
                        "ROWS FROM ( generate_series ( {low} , {high} ) ) AS {alias} ( {column} )"
                    ),
                    _ => format!("generate_series ( {low} , {high} ) AS {alias} ( {column} )"),
                }
            }
            6 => {
                let columns = vec![Column {
                    name: "value".to_owned(),
                    kind: Kind::Int,
                }];
                let alias = self.add(columns, None);
                format!("json_each ( '[1,2,5]' ) AS {alias}")
            }
            7 => {
                let rows = format!(
                    "( {} , 'open' ) , ( {} , 'b''c' )",
                    self.dice.from(1, 4),
                    self.dice.from(1, 6)
                );
                if !postgres {
                    let columns = vec![
                        Column {
                            name: "column1".to_owned(),
                            kind: Kind::Int,
                        },
                        Column {
                            name: "column2".to_owned(),
                            kind: Kind::Text,
                        },
                    ];
                    let alias = self.add(columns, None);
                    return format!("( VALUES {rows} ) AS {alias}");
                }
                let (a, b) = (self.new_name('c'), self.new_name('c'));
                let columns = vec![
                    Column {
                        name: a.clone(),
                        kind: Kind::Int,
                    },
                    Column {
                        name: b.clone(),
                        kind: Kind::Text,
                    },
                ];
                let alias = self.add(columns, None);
                format!("( VALUES {rows} ) AS {alias} ( {a} , {b} )")
            }
            _ => self.any_table(60),
        }
    }

    fn derived(&mut self, depth: usize) -> String {
        self.burn(3);
        // It does not see what stands beside it.
        let level = self.levels.pop();
        let kinds: Vec<Kind> = (0..=self.dice.below(3)).map(|_| self.kind()).collect();
        let (query, mut columns) = self.some_rows(&kinds, depth);
        self.levels.extend(level);
        let mut list = String::new();
        if self.is_postgres() && self.dice.chance(20) {
            for column in &mut columns {
                column.name = self.new_name('d');
            }
            let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
            list = format!("( {} )", names.join(" , "));
        }
        let alias = self.add(columns, None);
        let word = self.dice.pick(&["AS", ""]);
        format!("( {query} ) {word} {alias} {list}")
    }

    fn any_table(&mut self, aliased: usize) -> String {
        let table = self.table();
        self.plain_table(table, aliased)
    }

    /// A table, with an alias in so many cases of a hundred. One that stands there twice always gets one.
    pub(super) fn plain_table(&mut self, table: &'static Table, mut aliased: usize) -> String {
        let postgres = self.is_postgres();
        let mut text = self.spell(table.name);
        let in_sight = self
            .levels
            .iter()
            .flatten()
            .any(|relation| relation.alias == table.name)
            || self.hidden.iter().any(|name| name == table.name);
        let is_tenants = table.role == Role::Tenant;
        if is_tenants && self.dice.chance(8) {
            text = format!("{SCHEMA} . {text}");
        }
        if postgres && is_tenants && self.dice.chance(4) {
            text = format!("ONLY {text}");
        } else if postgres
            && text == table.name
            && !in_sight
            && aliased < 100
            && self.dice.chance(2)
        {
            // With an alias behind it the firewall does not read it.
            aliased = 0;
            text = format!("{text} *");
        }
        let mut columns: Vec<Column> = table
            .columns
            .iter()
            .map(|(name, kind)| Column {
                name: (*name).to_owned(),
                kind: *kind,
            })
            .collect();
        let known = is_tenants.then_some(table);
        if !in_sight && !self.dice.chance(aliased) {
            if let Some(level) = self.levels.last_mut() {
                level.push(Relation {
                    alias: table.name.to_owned(),
                    columns,
                    table: known,
                    keyed: known,
                });
            }
            return text;
        }
        if postgres && aliased < 100 && self.dice.chance(8) {
            for column in &mut columns {
                column.name = self.new_name('k');
            }
            let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
            let alias = self.add(columns, None);
            return format!("{text} AS {alias} ( {} )", names.join(" , "));
        }
        let alias = self.add(columns, known);
        let word = self.dice.pick(&["AS", ""]);
        format!("{text} {word} {alias}")
    }
}

/// Whether it is a query over VALUES, and not those alone.
fn computes_of_values(item: &str) -> bool {
    let is_select = item.split_whitespace().take(2).eq(["(", "SELECT"]);
    is_select && item.contains("( VALUES")
}
