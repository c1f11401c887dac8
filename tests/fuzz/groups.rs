//! Aggregates, groups of every kind, windows.

use super::{
    maker::{Column, Maker},
    schema::Kind,
};

impl Maker {
    /// An aggregate of this kind over what is innermost.
    fn aggregate(&mut self, kind: Kind, depth: usize) -> String {
        let call = self.with_innermost(|maker| maker.aggregate_call(kind, depth.min(1)));
        if self.dice.chance(20) {
            let condition = self.with_innermost(|maker| maker.condition(1));
            // A cast that the call ends in goes behind the filter.
            let (call, cast) = call
                .split_once(" ::")
                .map_or((&*call, ""), |(call, cast)| (call, cast));
            let cast = if cast.is_empty() {
                String::new()
            } else {
                format!("::{cast}")
            };
            return format!("{call} FILTER ( WHERE {condition} ) {cast}");
        }
        call
    }

    fn aggregate_call(&mut self, kind: Kind, depth: usize) -> String {
        let postgres = self.is_postgres();
        // A value that holds a cast of its own could not be told from the cast of the call.
        let mut plain = |of: Kind| match self.column(of) {
            Some(column) => column,
            None => match of {
                Kind::Text => "'a'".to_owned(),
                Kind::Real => "2.5".to_owned(),
                _ => "1".to_owned(),
            },
        };
        match kind {
            Kind::Int => {
                let column = plain(Kind::Int);
                let text = plain(Kind::Text);
                match self.dice.below(8) {
                    0 | 1 => "count ( * )".to_owned(),
                    2 => format!("count ( {text} )"),
                    3 => format!("count ( DISTINCT {column} )"),
                    4 => format!("max ( {column} )"),
                    5 => format!("min ( {column} )"),
                    6 if !postgres && depth > 0 => format!("sum ( {} )", self.value(Kind::Int, 1)),
                    _ => format!("sum ( {column} )"),
                }
            }
            Kind::Text => {
                let (column, text) = (plain(Kind::Int), plain(Kind::Text));
                match (self.dice.below(7), postgres) {
                    (0, _) => format!("min ( {text} )"),
                    (1, true) => format!("string_agg ( {text} , ',' ORDER BY {text} DESC )"),
                    (2, true) => format!("array_agg ( {column} ORDER BY {column} ) ::text"),
                    (3, true) => format!("jsonb_agg ( {column} ORDER BY {column} ) ::text"),
                    (4, true) => format!("bool_or ( {column} > 2 ) ::text"),
                    (5, true) => format!("string_agg ( DISTINCT {text} , '|' )"),
                    (1 | 2, false) => format!("group_concat ( {text} , ',' ORDER BY {text} )"),
                    (3, false) => format!("json_group_array ( {column} ORDER BY {column} )"),
                    _ => format!("max ( {text} )"),
                }
            }
            Kind::Real => {
                let (column, real) = (plain(Kind::Int), plain(Kind::Real));
                match (self.dice.below(5), postgres) {
                    (0, true) => format!("avg ( {column} ) ::float8"),
                    (0, false) => format!("avg ( {column} )"),
                    (1, true) => {
                        format!("percentile_cont ( 0.5 ) WITHIN GROUP ( ORDER BY {column} )")
                    }
                    (1, false) => format!("total ( {real} )"),
                    (2, _) => format!("max ( {real} )"),
                    (3, _) => format!("sum ( {real} )"),
                    _ => format!("min ( {real} )"),
                }
            }
            Kind::Bool => format!("count ( * ) > {}", self.dice.from(0, 3)),
        }
    }

    /// A query of one row and one column.
    pub(super) fn one_aggregate(&mut self, kind: Kind, depth: usize) -> String {
        let from = self.from(depth.saturating_sub(1));
        let condition = self.condition(depth.min(2));
        let aggregate = self.aggregate(kind, depth);
        self.levels.pop();
        format!("SELECT {aggregate} FROM {from} WHERE {condition}")
    }

    /// Groups by columns; the rest of the list are aggregates.
    pub(super) fn grouped(
        &mut self,
        columns: &[Column],
        from: &str,
        condition: &str,
        depth: usize,
    ) -> String {
        let mut keys: Vec<String> = Vec::new();
        let mut items = Vec::new();
        for column in columns {
            let key = self.with_innermost(|maker| maker.column(column.kind));
            let item = match key.filter(|_| self.dice.chance(60)) {
                Some(key) => {
                    keys.push(key.clone());
                    key
                }
                None => self.aggregate(column.kind, depth),
            };
            items.push(format!("{item} AS {}", column.name));
        }
        let by = match keys.as_slice() {
            [] => String::new(),
            keys => format!("GROUP BY {}", self.sets(keys, from, condition)),
        };
        let having = match self.dice.below(6) {
            0 => format!("HAVING {} >= 1", self.aggregate(Kind::Int, 0)),
            1 if self.may_query() => {
                let query = self.with_nothing(|maker| maker.one_aggregate(Kind::Int, 1));
                format!("HAVING count ( * ) <= ( {query} )")
            }
            _ => String::new(),
        };
        format!(
            "SELECT {} FROM {from} {condition} {by} {having}",
            items.join(" , ")
        )
    }

    fn sets(&mut self, keys: &[String], from: &str, condition: &str) -> String {
        let plain = keys.join(" , ");
        let first = keys.first().map_or("", |key| key);
        // What is known to be equal before it is grouped is taken for equal in the answer, where a set has made it null: by an
        // equation, by one column behind two names of a subquery, by a constant.
        let equates = ["=", " IN ", " ANY ", "USING", "NATURAL"]
            .iter()
            .any(|word| from.contains(word) || condition.contains(word));
        let is_mistaken =
            self.sorted && (equates || from.contains('(') || !self.commons.is_empty());
        if !self.is_postgres() || is_mistaken {
            return plain;
        }
        match self.dice.below(12) {
            0 => format!("ROLLUP ( {plain} )"),
            1 => format!("CUBE ( {plain} )"),
            2 => format!("GROUPING SETS ( ( {plain} ) , ( {first} ) , ( ) )"),
            3 => format!("{first} , ROLLUP ( {plain} )"),
            _ => plain,
        }
    }

    /// Groups by the key of a table, so that its other columns can be selected as they are.
    pub(super) fn grouped_by_key(
        &mut self,
        columns: &[Column],
        from: &str,
        condition: &str,
    ) -> String {
        let keyed: Vec<_> = self
            .levels
            .last()
            .into_iter()
            .flatten()
            .filter_map(|relation| {
                relation
                    .keyed
                    .filter(|table| table.key > 0)
                    .map(|table| (relation.clone(), table))
            })
            .collect();
        let named = |relation: &super::maker::Relation, name: &str| {
            relation.columns.iter().any(|column| column.name == name)
        };
        let Some((relation, table)) =
            self.dice
                .choose(&keyed)
                .cloned()
                .filter(|(relation, table)| {
                    table.columns.iter().all(|(name, _)| named(relation, name))
                })
        else {
            return self.grouped(columns, from, condition, 1);
        };
        let alias = self.spell(&relation.alias);
        let key: Vec<String> = table
            .columns
            .iter()
            .take(table.key)
            .map(|(name, _)| format!("{alias} . {}", self.spell(name)))
            .collect();
        let mut items = Vec::new();
        for column in columns {
            let of_kind: Vec<&str> = table
                .columns
                .iter()
                .filter(|(_, kind)| *kind == column.kind)
                .map(|(name, _)| *name)
                .collect();
            let item = match self
                .dice
                .choose(&of_kind)
                .copied()
                .filter(|_| self.dice.chance(70))
            {
                Some(name) => format!("{alias} . {}", self.spell(name)),
                None => self.aggregate(column.kind, 0),
            };
            items.push(format!("{item} AS {}", column.name));
        }
        let having = self
            .dice
            .pick(&["", "", "HAVING count ( * ) > 0", "HAVING max ( 1 ) = 1"]);
        format!(
            "SELECT {} FROM {from} {condition} GROUP BY {} {having}",
            items.join(" , "),
            key.join(" , ")
        )
    }

    /// A list in which some look over the rows around them.
    pub(super) fn windowed(
        &mut self,
        columns: &[Column],
        from: &str,
        condition: &str,
        depth: usize,
    ) -> String {
        let postgres = self.is_postgres();
        let key = self
            .with_innermost(|maker| maker.column(Kind::Int))
            .unwrap_or_else(|| "NULL".to_owned());
        let part = self.with_innermost(|maker| maker.column(Kind::Text));
        let partition = match part.filter(|_| self.dice.chance(60)) {
            Some(part) => format!("PARTITION BY {part}"),
            None => String::new(),
        };
        let frame = match self.dice.below(10) {
            0 => "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
            1 if key != "NULL" => "GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
            2 if key != "NULL" => "RANGE BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE GROUP",
            3 => "RANGE UNBOUNDED PRECEDING EXCLUDE TIES",
            _ => "",
        };
        let spec = format!("{partition} ORDER BY {key} {frame}");
        let is_named = self.dice.chance(25);
        let over = if is_named {
            "w".to_owned()
        } else {
            format!("( {spec} )")
        };
        let mut items = Vec::new();
        for column in columns {
            let item = match (column.kind, self.dice.below(5)) {
                (Kind::Int, 0) => format!("rank ( ) OVER {over}"),
                (Kind::Int, 1) => format!("dense_rank ( ) OVER {over}"),
                (Kind::Int, 2) => format!("count ( * ) OVER {over}"),
                (Kind::Int, 3) => format!("sum ( {key} ) OVER ( {partition} )"),
                (Kind::Text, 0) => {
                    let text = self
                        .with_innermost(|maker| maker.column(Kind::Text))
                        .unwrap_or_else(|| "'a'".to_owned());
                    format!("max ( {text} ) OVER {over}")
                }
                (Kind::Real, 0) if postgres => format!("avg ( {key} ) OVER {over} ::float8"),
                (Kind::Real, 1) => format!("percent_rank ( ) OVER ( {partition} ORDER BY {key} )"),
                (kind, _) => self.value(kind, depth.min(1)),
            };
            // What was made of NULL is no number.
            let item = if key == "NULL" {
                item.replace("sum ( NULL )", "sum ( 1 )")
                    .replace("avg ( NULL )", "avg ( 1 )")
            } else {
                item
            };
            items.push(format!("{item} AS {}", column.name));
        }
        let window = if is_named {
            format!("WINDOW w AS ( {spec} )")
        } else {
            String::new()
        };
        format!(
            "SELECT {} FROM {from} {condition} {window}",
            items.join(" , ")
        )
    }
}
