//! INSERT, UPDATE and DELETE. None depends on the order in which rows are written, and keys are new ones or named in a
//! conflict clause.

use super::{
    maker::{Column, Common, Maker, Relation},
    schema::{Kind, Role, TABLES, Table},
    text::SCHEMA,
};

impl Maker {
    pub(super) fn write(&mut self) -> String {
        let table = self.target();
        let commons = self.commons.len();
        let with = match self.dice.chance(12) {
            true => {
                let kinds = [self.kind(), Kind::Int];
                let (query, columns) = self.some_rows(&kinds, 1);
                let name = self.new_name('w');
                self.commons.push(Common {
                    name: name.clone(),
                    columns,
                });
                format!("WITH {name} AS ( {query} )")
            }
            false => String::new(),
        };
        let text = match self.dice.below(10) {
            0..5 => self.insert(table),
            5..8 => self.update(table),
            _ => self.delete(table),
        };
        self.commons.truncate(commons);
        format!("{with} {text}")
    }

    /// What writes inside WITH, and the name it goes by; in sight afterwards.
    pub(super) fn writing_common(&mut self) -> (String, String) {
        let table = self.target();
        let choice = self.dice.below(3);
        let (text, alias) = match choice {
            0 => (self.plain_insert(table), table.name.to_owned()),
            1 => {
                let (text, alias) = self.update_body(table);
                (text, alias)
            }
            _ => self.delete_body(table),
        };
        let (name, column) = (self.new_name('w'), self.new_name('c'));
        let (returned, _) = table
            .columns
            .iter()
            .find(|(_, kind)| *kind == Kind::Int)
            .copied()
            .unwrap_or(("tenant_id", Kind::Int));
        self.commons.push(Common {
            name: name.clone(),
            columns: vec![Column {
                name: column.clone(),
                kind: Kind::Int,
            }],
        });
        (
            format!("{text} RETURNING {alias} . {returned} AS {column}"),
            name,
        )
    }

    fn target(&mut self) -> &'static Table {
        loop {
            let Some(table) = TABLES.get(self.dice.below(TABLES.len())) else {
                continue;
            };
            if table.role == Role::Tenant {
                return table;
            }
        }
    }

    /// The name of what is written, and what its columns go by.
    fn target_name(&mut self, table: &'static Table, may_alias: bool) -> (String, String) {
        let mut text = self.spell(table.name);
        if self.dice.chance(10) {
            text = format!("{SCHEMA} . {text}");
        }
        if may_alias && self.dice.chance(30) {
            let alias = self.new_name('t');
            return (format!("{text} AS {alias}"), alias);
        }
        (text, table.name.to_owned())
    }

    fn see(&mut self, table: &'static Table, alias: &str) {
        let columns = table.columns.iter().map(|(name, kind)| Column {
            name: (*name).to_owned(),
            kind: *kind,
        });
        self.levels.push(vec![Relation {
            alias: alias.to_owned(),
            columns: columns.collect(),
            table: Some(table),
            keyed: Some(table),
        }]);
    }

    /// What RETURNING sees: SQLite knows no alias there.
    fn see_returned(&mut self, table: &'static Table, alias: &str) {
        self.see(
            table,
            if self.is_postgres() {
                alias
            } else {
                table.name
            },
        );
    }

    /// RETURNING or not, with the target innermost.
    fn returning(&mut self, star: &str) -> String {
        if !self.dice.chance(40) {
            return String::new();
        }
        if self.dice.chance(25) {
            return format!("RETURNING {star}");
        }
        // SQLite shows a subquery what is half written.
        let may_query = self.is_postgres();
        let queries = std::mem::replace(&mut self.queries, may_query);
        let items: Vec<String> = (0..=self.dice.below(2))
            .map(|_| {
                let kind = self.kind();
                let value = self.value(kind, 2);
                format!("{value} AS {}", self.new_name('c'))
            })
            .collect();
        self.queries = queries;
        format!("RETURNING {}", items.join(" , "))
    }

    fn insert(&mut self, table: &'static Table) -> String {
        if table.key == 0 && self.dice.chance(25) {
            let (name, alias) = self.target_name(table, false);
            self.see(table, &alias);
            let returning = self.returning("*");
            self.levels.pop();
            return format!("INSERT INTO {name} DEFAULT VALUES {returning}");
        }
        let (name, alias) = self.target_name(table, self.is_postgres());
        let mut verb = "INSERT";
        let mut conflict = String::new();
        let reuses = self.dice.chance(45);
        let columns = self.insert_columns(table);
        let body = if self.dice.chance(35) && self.may_query() {
            self.insert_query(table, &columns, reuses)
        } else {
            self.insert_rows(table, &columns, reuses)
        };
        self.see(table, &alias);
        if reuses && table.key > 0 {
            if !self.is_postgres() && self.dice.chance(30) {
                verb = self
                    .dice
                    .pick(&["INSERT OR IGNORE", "INSERT OR REPLACE", "REPLACE"]);
            } else {
                conflict = self.conflict(table, &columns);
            }
        }
        let returning = self.returning("*");
        self.levels.pop();
        let mut list: Vec<String> = columns.iter().map(|(name, _)| self.spell(name)).collect();
        let is_whole = columns
            .iter()
            .map(|(name, _)| name)
            .eq(table.columns.iter().map(|(name, _)| name));
        if is_whole && self.dice.chance(40) {
            list.clear();
        }
        let list = match list.as_slice() {
            [] => String::new(),
            list => format!("( {} )", list.join(" , ")),
        };
        format!("{verb} INTO {name} {list} {body} {conflict} {returning}")
    }

    /// New rows and nothing else.
    fn plain_insert(&mut self, table: &'static Table) -> String {
        let columns = table.columns.to_vec();
        let body = self.insert_rows(table, &columns, false);
        format!("INSERT INTO {} {body}", table.name)
    }

    fn insert_columns(&mut self, table: &'static Table) -> Vec<(&'static str, Kind)> {
        let needed = |name: &str| matches!(name, "name" | "stage");
        let mut columns = Vec::new();
        for (at, column) in table.columns.iter().enumerate() {
            if at < table.key || needed(column.0) || self.dice.chance(80) {
                columns.push(*column);
            }
        }
        if columns.is_empty() {
            columns.extend(table.columns.first());
        }
        if self.dice.chance(20) {
            columns.reverse();
        }
        columns
    }

    /// The value of a column in the row of that number.
    fn insert_value(
        &mut self,
        table: &Table,
        name: &str,
        kind: Kind,
        row: usize,
        reuses: bool,
    ) -> String {
        let new = 300 + row;
        match (table.name, name) {
            ("tags", "deal_id") => self.dice.from(1, 5).to_string(),
            ("tags", "tag") if reuses && row == 0 => {
                self.dice.pick(&["'new'", "'big'", "'open'"]).to_owned()
            }
            ("tags", "tag") => format!("'n{new}'"),
            ("contacts", "email") if reuses && row == 0 => self
                .dice
                .pick(&["'ada@example.com'", "NULL", "'bob@example.com'"])
                .to_owned(),
            ("contacts", "email") => format!("'e{new}'"),
            ("deals", "contact_id") if reuses && row == 0 => {
                self.dice.pick(&["2", "4", "1"]).to_owned()
            }
            ("deals", "contact_id") => new.to_string(),
            ("deals", "stage") => self.dice.pick(&["'open'", "'won'"]).to_owned(),
            ("deals", "day") if reuses && row == 0 => self.dice.pick(&["2", "5"]).to_owned(),
            (_, "id" | "\"order\"") if reuses && row == 0 => self.dice.from(1, 6).to_string(),
            (_, "id" | "\"order\"") => new.to_string(),
            (_, "name") => "'N'".to_owned(),
            _ => self.value(kind, 2),
        }
    }

    fn insert_rows(
        &mut self,
        table: &'static Table,
        columns: &[(&'static str, Kind)],
        reuses: bool,
    ) -> String {
        let rows: Vec<String> = (0..=self.dice.below(3))
            .map(|row| {
                let values: Vec<String> = columns
                    .iter()
                    .map(|(name, kind)| self.insert_value(table, name, *kind, row, reuses))
                    .collect();
                format!("( {} )", values.join(" , "))
            })
            .collect();
        format!("VALUES {}", rows.join(" , "))
    }

    /// Rows of a query, numbered so that their keys are new.
    fn insert_query(
        &mut self,
        table: &'static Table,
        columns: &[(&'static str, Kind)],
        reuses: bool,
    ) -> String {
        self.burn(3);
        let kinds = [self.kind(), Kind::Int];
        let (query, made) = self.with_nothing(|maker| maker.some_rows(&kinds, 2));
        let order: Vec<&str> = made.iter().map(|column| &*column.name).collect();
        let number = format!("row_number ( ) OVER ( ORDER BY {} )", order.join(" , "));
        let first = if reuses { 1 } else { 400 };
        self.levels.push(vec![Relation {
            alias: "q".to_owned(),
            columns: made.clone(),
            table: None,
            keyed: None,
        }]);
        let items: Vec<String> = columns
            .iter()
            .map(|(name, kind)| match (table.name, *name) {
                ("tags", "deal_id") => "2".to_owned(),
                ("tags", "tag") => format!("'n' || {number}"),
                ("contacts", "email") => "NULL".to_owned(),
                ("deals", "contact_id") => format!("{number} + 500"),
                ("deals", "stage") => "'open'".to_owned(),
                (_, "id" | "\"order\"") => format!("{number} + {first}"),
                (_, "name") => "'N'".to_owned(),
                _ => self.value(*kind, 1),
            })
            .collect();
        let tail = match self.dice.below(4) {
            0 => "ORDER BY 1 , 2".to_owned(),
            _ if self.is_postgres() => String::new(),
            // So that a conflict clause behind it is not taken for a join's.
            _ => "WHERE TRUE".to_owned(),
        };
        let tail = if columns.len() < 2 && tail.starts_with("ORDER") {
            String::from("ORDER BY 1")
        } else {
            tail
        };
        self.levels.pop();
        format!("SELECT {} FROM ( {query} ) AS q {tail}", items.join(" , "))
    }

    fn conflict(&mut self, table: &'static Table, columns: &[(&'static str, Kind)]) -> String {
        if self.dice.chance(15) {
            return "ON CONFLICT DO NOTHING".to_owned();
        }
        let has = |name: &str| columns.iter().any(|(column, _)| *column == name);
        let uniques: Vec<&str> = table
            .uniques
            .iter()
            .copied()
            .filter(|unique| !unique.contains("email") || has("email"))
            .collect();
        let unique = self.dice.pick(&uniques);
        let clause = self.conflict_clause(table, unique);
        if self.is_postgres() || !self.dice.chance(30) {
            return clause;
        }
        // SQLite takes several, the last one without a key if it only ignores.
        match self.dice.pick(&uniques) {
            other if other == unique => format!("{clause} ON CONFLICT DO NOTHING"),
            other => format!("{clause} {}", self.conflict_clause(table, other)),
        }
    }

    fn conflict_clause(&mut self, table: &'static Table, unique: &str) -> String {
        if self.dice.chance(30) {
            return format!("ON CONFLICT {unique} DO NOTHING");
        }
        // The row that was to be written has the same columns.
        let excluded = Relation {
            alias: "excluded".to_owned(),
            columns: self
                .levels
                .last()
                .and_then(|level| level.first())
                .map(|target| target.columns.clone())
                .unwrap_or_default(),
            table: None,
            keyed: None,
        };
        if let Some(level) = self.levels.last_mut() {
            level.push(excluded);
        }
        let sets = self.assignments(table, true);
        // SQLite shows a subquery what is half written.
        let may_query = self.is_postgres();
        let queries = std::mem::replace(&mut self.queries, may_query);
        let condition = match self.dice.chance(40) {
            true => format!("WHERE {}", self.condition(2)),
            false => String::new(),
        };
        self.queries = queries;
        if let Some(level) = self.levels.last_mut() {
            level.truncate(1);
        }
        format!("ON CONFLICT {unique} DO UPDATE SET {sets} {condition}")
    }

    /// What SET says, with the target in sight; never a key.
    fn assignments(&mut self, table: &'static Table, may_exclude: bool) -> String {
        let avoided = self.avoided;
        if !self.is_postgres() {
            self.avoided = Some(table.name);
        }
        let free: Vec<(&str, Kind)> = table
            .columns
            .iter()
            .skip(table.key)
            .filter(|(name, _)| !matches!(*name, "email" | "stage" | "contact_id" | "day" | "name"))
            .copied()
            .collect();
        let mut sets = Vec::new();
        for (name, kind) in &free {
            if !sets.is_empty() && self.dice.chance(60) {
                continue;
            }
            let value = match self.dice.below(10) {
                0 if may_exclude => format!("excluded . {name}"),
                1 if *kind != Kind::Bool && self.may_query() => {
                    format!("( {} )", self.one_aggregate(*kind, 1))
                }
                2 if self.is_postgres() => "DEFAULT".to_owned(),
                _ => self.value(*kind, 2),
            };
            sets.push((self.spell(name), value));
        }
        self.avoided = avoided;
        match sets.as_slice() {
            [(a, b), (c, d)] if self.dice.chance(30) => format!("( {a} , {c} ) = ( {b} , {d} )"),
            sets => {
                let sets: Vec<String> = sets
                    .iter()
                    .map(|(name, value)| format!("{name} = {value}"))
                    .collect();
                sets.join(" , ")
            }
        }
    }

    fn update(&mut self, table: &'static Table) -> String {
        let (text, alias) = self.update_body(table);
        self.see_returned(table, &alias);
        let returning = self.returning("*");
        self.levels.pop();
        format!("{text} {returning}")
    }

    /// UPDATE up to where RETURNING goes, and the name of what it writes.
    fn update_body(&mut self, table: &'static Table) -> (String, String) {
        let (name, alias) = self.target_name(table, true);
        self.see(table, &alias);
        let mut from = String::new();
        if self.dice.chance(30) {
            // One row of the other side for each of this, or it were open which of them is taken.
            let (query, column) = self.one_each();
            let int = table
                .columns
                .iter()
                .find(|(_, kind)| *kind == Kind::Int)
                .map_or("tenant_id", |(name, _)| name);
            if let Some(level) = self.levels.last_mut() {
                level.push(Relation {
                    alias: "q".to_owned(),
                    columns: vec![Column {
                        name: column,
                        kind: Kind::Int,
                    }],
                    table: None,
                    keyed: None,
                });
            }
            from = format!("FROM ( {query} ) AS q WHERE q . k = {alias} . {int} AND");
        }
        let sets = self.assignments(table, false);
        let condition = self.condition(2);
        let clause = match from.as_str() {
            "" if self.dice.chance(85) => format!("WHERE {condition}"),
            "" => String::new(),
            from => format!("{from} ( {condition} )"),
        };
        self.levels.pop();
        (format!("UPDATE {name} SET {sets} {clause}"), alias)
    }

    /// Rows of a key `k` that is in each only once, and a column.
    fn one_each(&mut self) -> (String, String) {
        let column = self.new_name('c');
        let levels = std::mem::take(&mut self.levels);
        let from = self.from(0);
        let key = self.column(Kind::Int).unwrap_or_else(|| "1".to_owned());
        let condition = self.condition(1);
        self.levels = levels;
        let by = if key == "1" {
            String::new()
        } else {
            format!("GROUP BY {key}")
        };
        (
            format!(
                "SELECT {key} AS k , count ( * ) AS {column} FROM {from} WHERE {condition} {by}"
            ),
            column,
        )
    }

    fn delete(&mut self, table: &'static Table) -> String {
        let (text, alias) = self.delete_body(table);
        self.see_returned(table, &alias);
        // Which of several rows that match is returned would be open.
        let star = match text.contains(" USING ") {
            true => format!("{alias} . *"),
            false => "*".to_owned(),
        };
        let returning = self.returning(&star);
        self.levels.pop();
        format!("{text} {returning}")
    }

    fn delete_body(&mut self, table: &'static Table) -> (String, String) {
        let (name, alias) = self.target_name(table, true);
        self.see(table, &alias);
        let mut using = String::new();
        if self.is_postgres() && self.dice.chance(30) {
            let level = self.levels.pop().unwrap_or_default();
            self.hidden.push(alias.clone());
            let outer = self.from(1);
            self.hidden.clear();
            let mut inner = self.levels.pop().unwrap_or_default();
            inner.extend(level);
            self.levels.push(inner);
            using = format!("USING {outer}");
        }
        let condition = match self.dice.chance(90) {
            true => format!("WHERE {}", self.condition(3)),
            false => String::new(),
        };
        self.levels.pop();
        (format!("DELETE FROM {name} {using} {condition}"), alias)
    }
}
