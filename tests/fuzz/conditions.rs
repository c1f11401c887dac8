//! Conditions: comparisons, their negations and combinations, and subqueries in them.

use super::{maker::Maker, schema::Kind};

impl Maker {
    pub(super) fn condition(&mut self, depth: usize) -> String {
        let is_end = depth == 0 || !self.burn(1);
        let depth = depth.saturating_sub(1);
        if is_end || self.dice.chance(40) {
            return self.comparison(depth);
        }
        match self.dice.below(12) {
            0 => format!(
                "( {} AND {} )",
                self.condition(depth),
                self.condition(depth)
            ),
            2 | 3 => format!("( {} OR {} )", self.condition(depth), self.condition(depth)),
            4 => format!("NOT ( {} )", self.condition(depth)),
            5 => format!(
                "{} OR {} AND {}",
                self.comparison(depth),
                self.comparison(depth),
                self.comparison(depth)
            ),
            6 => format!("( {} ) IS NOT TRUE", self.condition(depth)),
            7 => self.literal(Kind::Bool),
            _ if self.may_query() => self.with_query(depth),
            _ => self.comparison(depth),
        }
    }

    /// A condition on values alone.
    fn comparison(&mut self, depth: usize) -> String {
        let depth = depth.min(2);
        let postgres = self.is_postgres();
        let kind = self.kind();
        let left = match self.column(kind) {
            Some(column) if self.dice.chance(70) => column,
            _ => self.value(kind, depth),
        };
        match self.dice.below(20) {
            0 => format!("coalesce ( {left} , {left} ) IS NOT NULL"),
            1 => format!("{left} IS NOT NULL"),
            2 => format!(
                "{left} BETWEEN {} AND {}",
                self.literal(kind),
                self.value(kind, depth)
            ),
            3 if postgres => format!(
                "{left} NOT BETWEEN SYMMETRIC {} AND {}",
                self.literal(kind),
                self.literal(kind)
            ),
            3 => format!("{left} IS {}", self.value(kind, depth)),
            4 | 5 => {
                let list: Vec<String> = (0..=self.dice.below(4))
                    .map(|_| self.literal(kind))
                    .collect();
                let not = if self.dice.chance(60) { "NOT" } else { "" };
                format!("{left} {not} IN ( {} )", list.join(" , "))
            }
            6 => format!("{left} IS DISTINCT FROM {}", self.value(kind, depth)),
            7 if kind == Kind::Text => {
                let pattern =
                    self.dice
                        .pick(&["'%o%'", "'_e%'", "'%'", "'B%' ESCAPE '!'", "'o%n'"]);
                let like = match postgres {
                    true => self.dice.pick(&["LIKE", "ILIKE", "NOT LIKE", "SIMILAR TO"]),
                    false => self.dice.pick(&["LIKE", "NOT LIKE", "LIKE"]),
                };
                format!("{left} {like} {pattern}")
            }
            8 if kind == Kind::Text && !postgres => format!("{left} GLOB 'o*'"),
            8 if kind == Kind::Text => format!("{left} ~ '^[a-o]'"),
            9 if kind == Kind::Text => {
                let collation = if postgres { "\"C\"" } else { "NOCASE" };
                format!("{left} COLLATE {collation} > {}", self.literal(kind))
            }
            10 => {
                let (a, b) = (self.value(Kind::Int, depth), self.value(Kind::Text, depth));
                let (c, d) = (self.literal(Kind::Int), self.literal(Kind::Text));
                format!("( {a} , {b} ) >= ( {c} , {d} )")
            }
            11 => self.about_the_tenant(),
            12 if postgres && kind == Kind::Int => {
                format!(
                    "{left} = ANY ( ARRAY [ {} , {} ] )",
                    self.literal(kind),
                    self.literal(kind)
                )
            }
            _ => {
                let operator = self
                    .dice
                    .pick(&["=", "<>", "!=", "<", "<=", ">", ">=", "=", "="]);
                format!("{left} {operator} {}", self.value(kind, depth))
            }
        }
    }

    /// What a caller says about the tenant column changes nothing.
    fn about_the_tenant(&mut self) -> String {
        let aliases: Vec<String> = self
            .levels
            .iter()
            .flatten()
            .filter(|relation| relation.table.is_some())
            .map(|relation| relation.alias.clone())
            .collect();
        let Some(alias) = self.dice.choose(&aliases).cloned() else {
            return "1 = 1".to_owned();
        };
        let alias = self.spell(&alias);
        let said = self.dice.pick(&[
            "= 1",
            "= 2",
            "<> 1",
            "IN ( 1 , 2 , 3 )",
            "IS NOT NULL",
            "> 0",
            "= 3 OR 1 = 1",
        ]);
        format!("( {alias} . tenant_id {said} )")
    }

    fn with_query(&mut self, depth: usize) -> String {
        self.burn(3);
        let postgres = self.is_postgres();
        let kind = self.kind();
        match self.dice.below(8) {
            0 | 1 => format!("EXISTS ( {} )", self.some_query(depth)),
            2 => format!("NOT EXISTS ( {} )", self.some_query(depth)),
            3 => {
                let left = self.value(kind, 1);
                let (query, _) = self.some_rows(&[kind], depth);
                format!("{left} NOT IN ( {query} )")
            }
            4 => {
                let (a, b) = (self.value(Kind::Int, 1), self.value(kind, 1));
                // Only what is looked up in an index is wrong there, and a sign prevents that.
                let sign = if self.fills && !postgres { "+" } else { "" };
                let (query, _) = self.some_rows(&[Kind::Int, kind], depth);
                format!("( {sign} {a} , {sign} {b} ) IN ( {query} )")
            }
            5 if postgres => {
                let left = self.value(kind, 1);
                let quantifier = self.dice.pick(&["= ANY", "< ALL", ">= SOME", "<> ALL"]);
                let (query, _) = self.some_rows(&[kind], depth);
                format!("{left} {quantifier} ( {query} )")
            }
            6 => {
                let left = self.value(kind, 1);
                let query = self.one_aggregate(kind, depth);
                format!("{left} >= ( {query} )")
            }
            _ => {
                let left = self.value(kind, 1);
                let (query, _) = self.some_rows(&[kind], depth);
                format!("{left} IN ( {query} )")
            }
        }
    }
}
