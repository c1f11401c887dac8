//! Expressions of numbers and texts. None can fail for the value of a row: the engines may look at rows that a condition
//! leaves out.

use super::{maker::Maker, schema::Kind};

impl Maker {
    /// An expression of this kind, nested at most so deep.
    pub(super) fn value(&mut self, kind: Kind, depth: usize) -> String {
        if depth == 0 || !self.burn(1) || self.dice.chance(35) {
            return self.leaf(kind);
        }
        if self.dice.chance(30) {
            return self.any_kind(kind, depth - 1);
        }
        match kind {
            Kind::Int => self.int(depth - 1),
            Kind::Text => self.text(depth - 1),
            Kind::Real => self.real(depth - 1),
            Kind::Bool => self.condition(depth - 1),
        }
    }

    fn leaf(&mut self, kind: Kind) -> String {
        if kind == Kind::Bool {
            return self.condition(0);
        }
        match self.dice.chance(75).then(|| self.column(kind)).flatten() {
            Some(column) => column,
            None => self.literal(kind),
        }
    }

    /// Forms that there are of each kind.
    fn any_kind(&mut self, kind: Kind, depth: usize) -> String {
        let postgres = self.is_postgres();
        match self.dice.below(8) {
            0 => {
                let (condition, a, b) = (
                    self.condition(depth),
                    self.value(kind, depth),
                    self.value(kind, depth),
                );
                format!("CASE WHEN {condition} THEN {a} ELSE {b} END")
            }
            1 => {
                let of = self.kind();
                let (what, is, a, b) = (
                    self.value(of, depth),
                    self.literal(of),
                    self.value(kind, depth),
                    self.value(kind, depth),
                );
                format!("CASE {what} WHEN {is} THEN {a} ELSE {b} END")
            }
            2 => format!(
                "coalesce ( {} , {} )",
                self.value(kind, depth),
                self.value(kind, depth)
            ),
            3 => format!(
                "nullif ( {} , {} )",
                self.value(kind, depth),
                self.value(kind, depth)
            ),
            4 => {
                let name = match (postgres, self.dice.chance(50)) {
                    (true, true) => "greatest",
                    (true, false) => "least",
                    (false, true) => "max",
                    (false, false) => "min",
                };
                format!(
                    "{name} ( {} , {} )",
                    self.value(kind, depth),
                    self.value(kind, depth)
                )
            }
            5 if !postgres => {
                let condition = self.condition(depth);
                format!(
                    "iif ( {condition} , {} , {} )",
                    self.value(kind, depth),
                    self.value(kind, depth)
                )
            }
            _ if self.may_query() => self.scalar(kind, depth),
            _ => format!("( {} )", self.value(kind, depth)),
        }
    }

    /// A subquery of one value.
    fn scalar(&mut self, kind: Kind, depth: usize) -> String {
        self.burn(3);
        if kind == Kind::Bool {
            return format!("EXISTS ( {} )", self.some_query(depth));
        }
        if self.dice.chance(65) {
            let query = self.one_aggregate(kind, depth);
            return format!("( {query} )");
        }
        let (query, columns) = self.ordered_query(&[kind], depth, Some(1));
        debug_assert_eq!(columns.len(), 1, "{query}");
        format!("( {query} )")
    }

    fn int(&mut self, depth: usize) -> String {
        let postgres = self.is_postgres();
        match self.dice.below(18) {
            0 | 1 => format!(
                "( {} + {} )",
                self.value(Kind::Int, depth),
                self.value(Kind::Int, depth)
            ),
            2 => format!(
                "( {} - {} )",
                self.value(Kind::Int, depth),
                self.value(Kind::Int, depth)
            ),
            3 => format!(
                "( {} * {} )",
                self.value(Kind::Int, depth),
                self.dice.from(-2, 3)
            ),
            4 => format!("( - {} )", self.value(Kind::Int, depth)),
            5 => format!("abs ( {} )", self.value(Kind::Int, depth)),
            6 => format!("( {} % 7 )", self.value(Kind::Int, depth)),
            7 => format!("length ( {} )", self.value(Kind::Text, depth)),
            8 => format!("CAST ( {} AS BIGINT )", self.value(Kind::Int, depth)),
            9 if postgres => format!("( {} ) ::int8", self.value(Kind::Int, depth)),
            9 => format!("( {} << 1 )", self.value(Kind::Int, depth)),
            10 if postgres => format!(
                "position ( {} IN {} )",
                self.value(Kind::Text, depth),
                self.value(Kind::Text, depth)
            ),
            10 => format!(
                "instr ( {} , {} )",
                self.value(Kind::Text, depth),
                self.value(Kind::Text, depth)
            ),
            11 if postgres => format!(
                "( ARRAY [ {} , {} ] ) [ 1 ]",
                self.value(Kind::Int, depth),
                self.value(Kind::Int, depth)
            ),
            11 => format!("unicode ( {} )", self.value(Kind::Text, depth)),
            12 if postgres => format!(
                "extract ( day FROM date '2026-02-0{}' ) ::int",
                self.dice.from(1, 9)
            ),
            12 => format!("( {} | 4 )", self.value(Kind::Int, depth)),
            13 if postgres => format!(
                "jsonb_array_length ( jsonb_build_array ( {} , {} ) )",
                self.value(Kind::Int, depth),
                self.value(Kind::Real, depth)
            ),
            13 => format!(
                "json_array_length ( json_array ( {} , {} ) )",
                self.value(Kind::Int, depth),
                self.value(Kind::Real, depth)
            ),
            14 if postgres && self.may_query() => {
                let (query, _) = self.some_rows(&[Kind::Int], depth);
                format!("cardinality ( ARRAY ( {query} ) )")
            }
            15 if postgres => format!(
                "num_nulls ( {} , {} )",
                self.value(Kind::Int, depth),
                self.value(Kind::Real, depth)
            ),
            16 if postgres => format!(
                "( {} OPERATOR ( pg_catalog.+ ) {} )",
                self.value(Kind::Int, depth),
                self.literal(Kind::Int)
            ),
            _ => format!(
                "( {} ) / {}",
                self.value(Kind::Int, depth),
                self.dice.from(2, 5)
            ),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        let postgres = self.is_postgres();
        match self.dice.below(16) {
            0 | 1 => format!(
                "( {} || {} )",
                self.value(Kind::Text, depth),
                self.value(Kind::Text, depth)
            ),
            2 => format!("upper ( {} )", self.value(Kind::Text, depth)),
            3 => format!("lower ( {} )", self.value(Kind::Text, depth)),
            4 => format!(
                "substr ( {} , {} , 3 )",
                self.value(Kind::Text, depth),
                self.dice.from(1, 3)
            ),
            5 => format!("CAST ( {} AS TEXT )", self.value(Kind::Int, depth)),
            6 => format!(
                "replace ( {} , {} , {} )",
                self.value(Kind::Text, depth),
                "'o'",
                self.literal(Kind::Text)
            ),
            7 => format!("trim ( {} )", self.value(Kind::Text, depth)),
            8 if postgres => format!(
                "substring ( {} FROM 2 FOR {} )",
                self.value(Kind::Text, depth),
                self.dice.from(0, 3)
            ),
            8 => format!(
                "printf ( '%s-%d' , {} , {} )",
                self.value(Kind::Text, depth),
                self.value(Kind::Int, depth)
            ),
            9 if postgres => format!("trim ( BOTH 'a' FROM {} )", self.value(Kind::Text, depth)),
            9 => format!("hex ( {} )", self.value(Kind::Text, depth)),
            10 if postgres => format!(
                "overlay ( {} PLACING 'xx' FROM 1 )",
                self.value(Kind::Text, depth)
            ),
            10 => format!("typeof ( {} )", self.value(Kind::Int, depth)),
            11 if postgres => format!(
                "concat ( {} , {} )",
                self.value(Kind::Text, depth),
                self.value(Kind::Int, depth)
            ),
            11 => format!("quote ( {} )", self.value(Kind::Text, depth)),
            12 if postgres => format!(
                "format ( '%s/%s' , {} , {} )",
                self.value(Kind::Text, depth),
                self.value(Kind::Int, depth)
            ),
            12 => format!(
                "json_extract ( json_object ( 'a' , {} ) , '$.a' )",
                self.value(Kind::Text, depth)
            ),
            13 if postgres => format!(
                "( jsonb_build_object ( 'a' , {} ) ->> 'a' )",
                self.value(Kind::Int, depth)
            ),
            13 => format!("( json_array ( {} ) ->> 0 )", self.value(Kind::Text, depth)),
            14 if postgres => match self.whole_row() {
                Some(row) => row,
                None => self.leaf(Kind::Text),
            },
            _ => format!("lower ( {} )", self.value(Kind::Text, depth)),
        }
    }

    /// A whole row of a relation, as text.
    fn whole_row(&mut self) -> Option<String> {
        let aliases: Vec<String> = self
            .levels
            .last()?
            .iter()
            .filter(|relation| relation.table.is_some())
            .map(|relation| relation.alias.clone())
            .collect();
        let alias = self.dice.choose(&aliases)?.clone();
        let alias = self.spell(&alias);
        Some(match self.dice.below(3) {
            0 => format!("{alias} ::text"),
            1 => format!("to_jsonb ( {alias} ) ::text"),
            _ => format!("row_to_json ( {alias} ) ::text"),
        })
    }

    fn real(&mut self, depth: usize) -> String {
        let postgres = self.is_postgres();
        match self.dice.below(6) {
            0 => format!(
                "( {} + {} )",
                self.value(Kind::Real, depth),
                self.value(Kind::Real, depth)
            ),
            1 => format!("( {} * 0.5 )", self.value(Kind::Real, depth)),
            2 if postgres => format!("( {} ) ::float8", self.value(Kind::Int, depth)),
            2 => format!("CAST ( {} AS REAL )", self.value(Kind::Int, depth)),
            3 => format!("round ( {} )", self.value(Kind::Real, depth)),
            4 => format!("abs ( {} )", self.value(Kind::Real, depth)),
            _ => self.leaf(Kind::Real),
        }
    }
}
