//! Queries: WITH, set operations, SELECT in its plain forms, order and limits. An answer never depends on the order in which
//! the engine happens to read rows: what is cut off is ordered by all columns first.

use super::{
    maker::{Column, Common, Maker},
    schema::Kind,
    text::SCHEMA,
};

/// A query and the columns it answers.
pub(super) type Query = (String, Vec<Column>);

impl Maker {
    /// A statement that reads; whether its rows are in order, and whether it writes after all.
    pub(super) fn read(&mut self) -> (String, bool, bool) {
        let kinds: Vec<Kind> = (0..=self.dice.below(4)).map(|_| self.kind()).collect();
        if self.is_postgres() && self.dice.chance(5) {
            let (with, name) = self.writing_common();
            let (query, _) = self.some_rows(&[Kind::Int], 1);
            self.commons.clear();
            return (format!("WITH {name} AS ( {with} ) {query}"), false, true);
        }
        if self.dice.chance(4) {
            return (self.star(), false, false);
        }
        if self.dice.chance(35) {
            let limit = self.dice.chance(60).then_some(5);
            let (query, _) = self.ordered_query(&kinds, 3, limit);
            return (query, true, false);
        }
        let (query, _) = self.some_rows(&kinds, 3);
        let locks = self.is_postgres() && !query.contains('(') && self.dice.chance(40);
        let plain = [
            "DISTINCT",
            "JOIN",
            "GROUP",
            "UNION",
            "EXCEPT",
            "INTERSECT",
            "VALUES",
            "WITH",
        ];
        if locks && !plain.iter().any(|word| query.contains(word)) {
            let lock = self.dice.pick(&[
                "FOR UPDATE",
                "FOR SHARE",
                "FOR NO KEY UPDATE",
                "FOR KEY SHARE SKIP LOCKED",
            ]);
            return (format!("{query} {lock}"), false, false);
        }
        (query, false, false)
    }

    /// Every column of what is in FROM.
    fn star(&mut self) -> String {
        let from = self.from(1);
        let condition = self.condition(1);
        let relations: Vec<String> = self
            .levels
            .pop()
            .into_iter()
            .flatten()
            .map(|relation| relation.alias)
            .collect();
        let star = match self.dice.choose(&relations) {
            Some(alias) if self.dice.chance(50) => {
                let alias = alias.clone();
                let alias = self.spell(&alias);
                if self.is_postgres() && self.dice.chance(20) {
                    format!("( {alias} ) . *")
                } else {
                    format!("{alias} . *")
                }
            }
            _ => "*".to_owned(),
        };
        format!("SELECT {star} FROM {from} WHERE {condition}")
    }

    /// A query whose answer nobody looks at.
    pub(super) fn some_query(&mut self, depth: usize) -> String {
        let from = self.from(depth.saturating_sub(1));
        let condition = self.condition(depth.min(2));
        self.levels.pop();
        let list = self.dice.pick(&["1", "*", "NULL", "count ( * )"]);
        let tail = if list.starts_with("count") {
            "HAVING count ( * ) > 1"
        } else {
            ""
        };
        format!("SELECT {list} FROM {from} WHERE {condition} {tail}")
    }

    /// Rows in no order.
    pub(super) fn some_rows(&mut self, kinds: &[Kind], depth: usize) -> Query {
        self.burn(1);
        let commons = self.commons.len();
        let with = if depth > 0 && self.dice.chance(15) && self.may_query() {
            self.with(depth - 1)
        } else {
            String::new()
        };
        let (body, columns) = self.body(kinds, depth);
        self.commons.truncate(commons);
        (format!("{with} {body}"), columns)
    }

    fn body(&mut self, kinds: &[Kind], depth: usize) -> Query {
        if depth > 0 && self.may_query() && self.dice.chance(14) {
            let (mut text, columns) = self.arm(kinds, depth - 1);
            for _ in 0..=self.dice.below(2) {
                let operator =
                    self.dice
                        .pick(&["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "UNION ALL"]);
                let (right, _) = self.arm(kinds, depth - 1);
                text = format!("{text} {operator} {right}");
            }
            return (text, columns);
        }
        self.select(kinds, depth)
    }

    /// One side of a set operation.
    fn arm(&mut self, kinds: &[Kind], depth: usize) -> Query {
        if self.is_postgres() && self.dice.chance(20) {
            let (query, columns) = if self.dice.chance(50) {
                self.ordered_query(kinds, depth, Some(3))
            } else {
                self.some_rows(kinds, depth)
            };
            return (format!("( {query} )"), columns);
        }
        if kinds == [Kind::Text, Kind::Int] && self.is_postgres() && self.dice.chance(40) {
            let columns = [("body", Kind::Text), ("stars", Kind::Int)];
            let columns = columns.map(|(name, kind)| Column {
                name: name.to_owned(),
                kind,
            });
            // The tenant column is part of it, so it is behind a name list here.
            return (
                format!("SELECT body , stars FROM ( TABLE {SCHEMA} . notes ) AS t9"),
                columns.to_vec(),
            );
        }
        self.select(kinds, depth)
    }

    /// Rows in an order that leaves nothing open, perhaps cut off.
    pub(super) fn ordered_query(
        &mut self,
        kinds: &[Kind],
        depth: usize,
        limit: Option<i64>,
    ) -> Query {
        let sorted = std::mem::replace(&mut self.sorted, true);
        let (mut text, columns) = self.some_rows(kinds, depth);
        self.sorted = sorted;
        let order: Vec<String> = (1..=kinds.len())
            .map(|at| {
                let direction =
                    self.dice
                        .pick(&["", "", "DESC", "ASC", "DESC NULLS LAST", "NULLS FIRST"]);
                format!("{at} {direction}")
            })
            .collect();
        let by = order.join(" , ");
        let mut query = format!("{text} ORDER BY {by}");
        if let Some(most) = limit {
            let most = self.dice.from(1, most);
            // SQLite 3.51 skips no rows behind an EXISTS that it has made a join of; see `engine_faults` among the tests. The
            // sign keeps it from that.
            let may_skip = self.is_postgres() || self.commons.is_empty();
            let skip = if may_skip { self.dice.below(3) } else { 0 };
            if skip > 0 && !self.is_postgres() {
                text = text.replace("EXISTS (", "+ EXISTS (");
                query = format!("{text} ORDER BY {by}");
            }
            let choice = if limit == Some(1) {
                0
            } else {
                self.dice.below(7)
            };
            query = match (choice, self.is_postgres()) {
                (1, _) => format!("{query} LIMIT {most} OFFSET {skip}"),
                (2, true) => format!("{query} OFFSET {skip} ROWS FETCH FIRST {most} ROWS ONLY"),
                (3, true) => format!("{query} FETCH FIRST {most} ROWS WITH TIES"),
                (2 | 3, false) => format!("{query} LIMIT {skip} , {most}"),
                (4, _) => format!("{query} LIMIT ( SELECT count ( * ) FROM tags )"),
                _ => format!("{query} LIMIT {most}"),
            };
        }
        (query, columns)
    }

    /// WITH, whose expressions stay in sight until the caller takes them out again.
    fn with(&mut self, depth: usize) -> String {
        self.burn(4);
        if self.dice.chance(35) {
            return self.recursive();
        }
        let mut parts = Vec::new();
        for _ in 0..=self.dice.below(2) {
            let kinds: Vec<Kind> = (0..=self.dice.below(2)).map(|_| self.kind()).collect();
            let (query, mut columns) = if self.is_postgres() {
                self.some_rows(&kinds, depth)
            } else {
                self.with_nothing(|maker| maker.some_rows(&kinds, depth))
            };
            let name = self.new_name('w');
            let mut list = String::new();
            if self.dice.chance(40) {
                for column in &mut columns {
                    column.name = self.new_name('c');
                }
                let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
                list = format!("( {} )", names.join(" , "));
            }
            let hint = self
                .dice
                .pick(&["", "", "", "MATERIALIZED", "NOT MATERIALIZED"]);
            parts.push(format!("{name} {list} AS {hint} ( {query} )"));
            self.commons.push(Common { name, columns });
        }
        format!("WITH {}", parts.join(" , "))
    }

    fn recursive(&mut self) -> String {
        let (name, n, m) = (self.new_name('r'), self.new_name('c'), self.new_name('c'));
        let column = |name: &str| Column {
            name: name.to_owned(),
            kind: Kind::Int,
        };
        let text = match self.dice.below(3) {
            0 => format!(
                "{name} ( {n} , {m} ) AS ( SELECT id , manager_id FROM contacts WHERE manager_id IS NULL UNION \
                 SELECT x . id , x . manager_id FROM contacts x JOIN {name} ON x . manager_id = {name} . {n} )"
            ),
            1 => format!(
                "{name} ( {n} , {m} ) AS ( SELECT 1 , 1 UNION ALL SELECT {n} + 1 , ( SELECT max ( d . amount ) FROM deals d WHERE d . id <= {name} . {n} ) \
                 FROM {name} WHERE {n} < 4 )"
            ),
            _ => format!(
                "{name} ( {n} , {m} ) AS ( SELECT id , 0 FROM companies UNION ALL SELECT {n} + 10 , {m} + 1 FROM {name} WHERE {m} < 2 AND {n} IN ( SELECT company_id FROM deals ) )"
            ),
        };
        self.commons.push(Common {
            name,
            columns: vec![column(&n), column(&m)],
        });
        format!("WITH RECURSIVE {text}")
    }

    /// One SELECT.
    pub(super) fn select(&mut self, kinds: &[Kind], depth: usize) -> Query {
        let from = self.from(depth.saturating_sub(1));
        let condition = match self.dice.chance(45) {
            true => format!("WHERE {}", self.condition(depth.min(3))),
            false => String::new(),
        };
        let columns: Vec<Column> = kinds
            .iter()
            .map(|kind| Column {
                name: self.new_name('c'),
                kind: *kind,
            })
            .collect();
        let text = match self.dice.below(20) {
            0..4 => self.grouped(&columns, &from, &condition, depth),
            4..6 => self.grouped_by_key(&columns, &from, &condition),
            6..8 => self.windowed(&columns, &from, &condition, depth),
            8 | 9 => {
                let list = self.list(&columns, depth);
                format!("SELECT DISTINCT {list} FROM {from} {condition}")
            }
            10 if self.is_postgres() => self.distinct_on(&columns, &from, &condition, depth),
            _ => {
                let all = self.dice.pick(&["", "", "", "ALL"]);
                let list = self.list(&columns, depth);
                format!("SELECT {all} {list} FROM {from} {condition}")
            }
        };
        self.levels.pop();
        (text, columns)
    }

    fn list(&mut self, columns: &[Column], depth: usize) -> String {
        let items: Vec<String> = columns
            .iter()
            .map(|column| {
                let value = match self.column(column.kind) {
                    Some(name) if self.dice.chance(75) => name,
                    _ => self.value(column.kind, depth.min(3)),
                };
                format!("{value} AS {}", column.name)
            })
            .collect();
        items.join(" , ")
    }

    /// The first row of each group in an order of everything that is answered.
    fn distinct_on(
        &mut self,
        columns: &[Column],
        from: &str,
        condition: &str,
        depth: usize,
    ) -> String {
        let on = self.with_innermost(|maker| maker.column(Kind::Int));
        let Some(on) = on else {
            let list = self.list(columns, depth);
            return format!("SELECT DISTINCT {list} FROM {from} {condition}");
        };
        let list = self.list(columns, depth);
        let rest: Vec<String> = (1..=columns.len()).map(|at| at.to_string()).collect();
        format!(
            "SELECT * FROM ( SELECT DISTINCT ON ( {on} ) {list} FROM {from} {condition} ORDER BY {on} , {} ) AS u1",
            rest.join(" , ")
        )
    }
}
