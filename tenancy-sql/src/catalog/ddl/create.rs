//! `CREATE TABLE`, `CREATE INDEX`, `CREATE VIEW`, and the definitions of columns and constraints inside them.

use super::super::{CatalogError, Column, ForeignKey, Index, Table, TableClass, UniqueKey};
use super::Draft;
use super::reader::Reader;
use crate::Dialect;

impl Draft {
    pub(super) fn create(&mut self, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
        reader.take_all(&["or", "replace"]);
        let temporary = ["global", "local", "temp", "temporary"]
            .into_iter()
            .filter(|word| reader.take(word))
            .count()
            > 0;
        reader.take("unlogged");
        reader.take("constraint");
        let recursive = reader.take("recursive");
        if temporary && (reader.peek("table") || reader.peek("view")) {
            return Ok(());
        }
        if reader.take("table") {
            return self.create_table(reader);
        }
        if reader.take("unique") {
            reader.expect("index")?;
            return self.create_index(reader, true);
        }
        if reader.take("index") {
            return self.create_index(reader, false);
        }
        if recursive || reader.peek("view") || reader.take("materialized") {
            reader.expect("view")?;
            reader.take_all(&["if", "not", "exists"]);
            let name = reader.relation()?;
            self.views.insert(name);
            return Ok(());
        }
        if reader.take("foreign") || reader.take("virtual") {
            // Rows that live elsewhere: nothing is known about their columns, so they must be declared.
            if reader.take("table") {
                reader.take_all(&["if", "not", "exists"]);
                let name = reader.relation()?;
                let table = blank(&name, reader);
                return self.add(reader, table, false);
            }
            return Ok(());
        }
        for (kind, word) in [("trigger", "on"), ("rule", "to")] {
            if reader.take(kind) {
                reader.take_all(&["if", "not", "exists"]);
                let name = reader.relation()?;
                while !reader.is_done() && !reader.take(word) {
                    reader.skip();
                }
                // One on a view, or on a table that is not read here, is nobody's.
                if let Some(table) = reader
                    .relation()
                    .ok()
                    .and_then(|table| self.tables.get_mut(&*table))
                {
                    table.triggers.retain(|trigger| *trigger != name);
                    table.triggers.push(name);
                }
                return Ok(());
            }
        }
        if ["function", "procedure", "aggregate"]
            .into_iter()
            .any(|kind| reader.take(kind))
        {
            let name = reader.relation()?;
            let name = name.rsplit('.').next().unwrap_or_default();
            self.routines.insert(name.into());
        }
        Ok(())
    }

    fn create_table(&mut self, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
        let if_not_exists = reader.take_all(&["if", "not", "exists"]);
        let name = reader.relation()?;
        let mut table = blank(&name, reader);
        if reader.take("partition") {
            reader.expect("of")?;
            let parent = reader.relation()?;
            let Some(whole) = self.tables.get(&*parent) else {
                return Err(reader.missing(format!("table `{parent}`")));
            };
            table.columns.clone_from(&whole.columns);
            table.primary_key.clone_from(&whole.primary_key);
            table.partition_of = Some(parent.clone());
            self.parents.insert(parent);
            return self.add(reader, table, if_not_exists);
        }
        if !reader.peek("(") {
            return Err(reader.not_understood(
                "a table without a list of columns, whose columns can't be read here: write them in CREATE TABLE",
            ));
        }
        let group = reader.group()?;
        for mut part in group.parts() {
            self.element(&mut table, &mut part)?;
        }
        while !reader.is_done() {
            if reader.take("as") {
                return Err(reader.not_understood(
                    "CREATE TABLE ... AS: write the columns and fill it with INSERT",
                ));
            } else if reader.take_all(&["without", "rowid"]) {
                table.without_rowid = true;
                for column in &mut table.columns {
                    column.nullable &= !table.primary_key.contains(&column.name);
                }
            } else if reader.take("inherits") {
                for mut part in reader.group()?.parts() {
                    let parent = part.relation()?;
                    let Some(whole) = self.tables.get(&*parent) else {
                        return Err(part.missing(format!("table `{parent}`")));
                    };
                    let inherited = whole
                        .columns
                        .iter()
                        .filter(|column| table.column(&column.name).is_none());
                    let inherited: Vec<_> = inherited.cloned().collect();
                    table.columns.splice(0..0, inherited);
                    table.partition_of.get_or_insert_with(|| parent.clone());
                    self.parents.insert(parent);
                }
            } else {
                reader.skip();
            }
        }
        self.add(reader, table, if_not_exists)
    }

    fn add(
        &mut self,
        reader: &Reader<'_>,
        table: Table,
        if_not_exists: bool,
    ) -> Result<(), CatalogError> {
        if self.tables.contains_key(&table.name) {
            return if if_not_exists {
                Ok(())
            } else {
                Err(reader.duplicate(format!("table `{}`", table.name)))
            };
        }
        self.tables.insert(table.name.clone(), table);
        Ok(())
    }

    /// One element between the commas of a table's list.
    fn element(&self, table: &mut Table, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
        if reader.is_done() {
            return Err(
                reader.not_understood("an empty element in a list of columns: remove the comma")
            );
        }
        if reader.take("like") {
            let from = reader.relation()?;
            let Some(other) = self.tables.get(&*from) else {
                return Err(reader.missing(format!("table `{from}`")));
            };
            let all = reader
                .rest()
                .iter()
                .any(|lexeme| lexeme.is_word(reader.sql(), "all"));
            let wants = |what: &str| {
                all || reader
                    .rest()
                    .iter()
                    .any(|lexeme| lexeme.is_word(reader.sql(), what))
            };
            table
                .columns
                .extend(other.columns.iter().map(|column| Column {
                    has_default: column.has_default && (wants("defaults") || wants("identity")),
                    generated: column.generated && wants("generated"),
                    ..column.clone()
                }));
            if wants("indexes") {
                table.primary_key.clone_from(&other.primary_key);
                table
                    .uniques
                    .extend(other.uniques.iter().map(|unique| UniqueKey {
                        name: None,
                        ..unique.clone()
                    }));
            }
            return Ok(());
        }
        if constraint(table, reader)? {
            Ok(())
        } else {
            column(table, reader)
        }
    }

    fn create_index(&mut self, reader: &mut Reader<'_>, unique: bool) -> Result<(), CatalogError> {
        reader.take("concurrently");
        let if_not_exists = reader.take_all(&["if", "not", "exists"]);
        let name = if reader.peek("on") {
            None
        } else {
            Some(reader.relation()?)
        };
        reader.expect("on")?;
        reader.take("only");
        let target = reader.relation()?;
        if reader.take("using") {
            reader.name()?;
        }
        let parts = reader.key_columns()?;
        let mut predicate = None;
        while !reader.is_done() {
            if reader.take("where") {
                predicate = Some(reader.normalised().into());
                break;
            }
            reader.skip();
        }
        if self.views.contains(&target) {
            return Ok(());
        }
        let taken = name.as_ref().is_some_and(|name| {
            self.tables.values().any(|table| {
                table
                    .indexes
                    .iter()
                    .any(|index| index.name.as_ref() == Some(name))
                    || table
                        .uniques
                        .iter()
                        .any(|unique| unique.name.as_ref() == Some(name))
            })
        });
        if taken {
            let what = format!("index `{}`", name.unwrap_or_default());
            return if if_not_exists {
                Ok(())
            } else {
                Err(reader.duplicate(what))
            };
        }
        let Some(table) = self.tables.get_mut(&*target) else {
            return Err(reader.missing(format!("table `{target}`")));
        };
        let expressions = parts.iter().any(|part| part.expression);
        if let Some(part) = parts
            .iter()
            .find(|part| !part.expression && table.column(&part.text).is_none())
        {
            if table.columns.is_empty() {
                return Ok(());
            }
            return Err(reader.missing(format!("column `{}` of `{target}`", part.text)));
        }
        let columns = parts.into_iter().map(|part| part.text).collect();
        if unique {
            table.uniques.push(UniqueKey {
                name,
                columns,
                expressions,
                predicate,
                constraint: false,
            });
        } else {
            table.indexes.push(Index { name, columns });
        }
        Ok(())
    }
}

fn blank(name: &str, reader: &Reader<'_>) -> Table {
    Table {
        name: name.into(),
        class: TableClass::Tenant,
        columns: Vec::new(),
        primary_key: Vec::new(),
        primary_key_name: None,
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        without_rowid: false,
        partition_of: None,
        triggers: Vec::new(),
        origin: reader.file().into(),
    }
}

/// A table constraint, if one is next.
pub(super) fn constraint(table: &mut Table, reader: &mut Reader<'_>) -> Result<bool, CatalogError> {
    let name = if reader.take("constraint") {
        Some(reader.name()?)
    } else {
        None
    };
    if reader.take_all(&["primary", "key"]) {
        if reader.take_all(&["using", "index"]) {
            let index = reader.name()?;
            let Some(at) = table
                .uniques
                .iter()
                .position(|unique| unique.name.as_ref() == Some(&index))
            else {
                return Err(reader.missing(format!("unique index `{index}`")));
            };
            let unique = table.uniques.remove(at);
            set_primary_key(table, reader, Some(name.unwrap_or(index)), unique.columns)?;
        } else {
            let columns = plain_columns(table, reader)?;
            set_primary_key(table, reader, name, columns)?;
        }
    } else if reader.take("unique") {
        if reader.take_all(&["using", "index"]) {
            let index = reader.name()?;
            let Some(unique) = table
                .uniques
                .iter_mut()
                .find(|unique| unique.name.as_ref() == Some(&index))
            else {
                return Err(reader.missing(format!("unique index `{index}`")));
            };
            unique.constraint = true;
            unique.name = Some(name.unwrap_or(index));
        } else {
            reader.take("nulls");
            reader.take("not");
            reader.take("distinct");
            let columns = plain_columns(table, reader)?;
            add_unique(table, reader.dialect, name, columns);
        }
    } else if reader.take_all(&["foreign", "key"]) {
        let columns = plain_columns(table, reader)?;
        reader.expect("references")?;
        references(table, reader, name, columns)?;
    } else if reader.peek_all(&["check"]) || reader.peek_all(&["exclude"]) {
        // Neither makes a key that ON CONFLICT (columns) can infer.
        reader.skip();
        while !reader.is_done() && !reader.peek(",") {
            reader.skip();
        }
    } else if reader.take_all(&["not", "null"]) {
        let column = reader.name()?;
        if let Some(column) = table.columns.iter_mut().find(|it| it.name == column) {
            column.nullable = false;
        }
    } else if name.is_some() {
        return Err(reader.not_understood("a constraint of an unknown kind"));
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn set_primary_key(
    table: &mut Table,
    reader: &Reader<'_>,
    name: Option<Box<str>>,
    columns: Vec<Box<str>>,
) -> Result<(), CatalogError> {
    if !table.primary_key.is_empty() {
        return Err(reader.duplicate(format!("the primary key of `{}`", table.name)));
    }
    if reader.dialect == Dialect::Postgres {
        for column in &mut table.columns {
            column.nullable &= !columns.contains(&column.name);
        }
    }
    table.primary_key_name = name.or_else(|| {
        (reader.dialect == Dialect::Postgres).then(|| format!("{}_pkey", table.name).into())
    });
    table.primary_key = columns;
    Ok(())
}

fn add_unique(table: &mut Table, dialect: Dialect, name: Option<Box<str>>, columns: Vec<Box<str>>) {
    let name = name.or_else(|| {
        (dialect == Dialect::Postgres)
            .then(|| format!("{}_{}_key", table.name, columns.join("_")).into())
    });
    table.uniques.push(UniqueKey {
        name,
        columns,
        expressions: false,
        predicate: None,
        constraint: true,
    });
}

/// The columns of a key in parentheses; each must be there.
fn plain_columns(table: &Table, reader: &mut Reader<'_>) -> Result<Vec<Box<str>>, CatalogError> {
    let mut columns = Vec::new();
    for part in reader.key_columns()? {
        if part.expression {
            return Err(reader.not_understood(format!(
                "`{}` in a key, where only columns are understood",
                part.text
            )));
        }
        if table.column(&part.text).is_none() {
            return Err(reader.missing(format!("column `{}` of `{}`", part.text, table.name)));
        }
        columns.push(part.text);
    }
    Ok(columns)
}

fn references(
    table: &mut Table,
    reader: &mut Reader<'_>,
    name: Option<Box<str>>,
    columns: Vec<Box<str>>,
) -> Result<(), CatalogError> {
    let references = reader.relation()?;
    let referenced_columns = if reader.peek("(") {
        reader
            .key_columns()?
            .into_iter()
            .map(|part| part.text)
            .collect()
    } else {
        Vec::new()
    };
    table.foreign_keys.push(ForeignKey {
        name,
        columns,
        references,
        referenced_columns,
    });
    Ok(())
}

/// Words that end a column's type.
const AFTER_TYPE: &[&str] = &[
    "as",
    "autoincrement",
    "check",
    "collate",
    "compression",
    "constraint",
    "default",
    "deferrable",
    "generated",
    "initially",
    "not",
    "null",
    "on",
    "options",
    "primary",
    "references",
    "storage",
    "unique",
];

/// The definition of a column: name, type, constraints.
pub(super) fn column(table: &mut Table, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
    let name = reader.name()?;
    if table.column(&name).is_some() {
        return Err(reader.duplicate(format!("column `{name}` of `{}`", table.name)));
    }
    let type_name = type_name(reader);
    if type_name.is_empty() && reader.dialect == Dialect::Postgres {
        return Err(reader.not_understood(format!("column `{name}` has no type")));
    }
    let serial = reader.dialect == Dialect::Postgres && type_name.contains("serial");
    let at = table.columns.len();
    table.columns.push(Column {
        name: name.clone(),
        type_name: type_name.into(),
        nullable: !serial,
        has_default: serial,
        generated: false,
    });
    let mut constraint_name = None;
    let update = |table: &mut Table, change: &dyn Fn(&mut Column)| {
        if let Some(column) = table.columns.get_mut(at) {
            change(column);
        }
    };
    while !reader.is_done() {
        if reader.take("constraint") {
            constraint_name = Some(reader.name()?);
        } else if reader.take_all(&["primary", "key"]) {
            set_primary_key(table, reader, constraint_name.take(), vec![name.clone()])?;
            update(table, &|column| {
                // In SQLite an integer primary key is the row id, which fills itself.
                column.has_default |=
                    reader.dialect == Dialect::Sqlite && &*column.type_name == "integer";
            });
        } else if reader.take("unique") {
            add_unique(
                table,
                reader.dialect,
                constraint_name.take(),
                vec![name.clone()],
            );
        } else if reader.take_all(&["not", "null"]) {
            update(table, &|column| column.nullable = false);
        } else if reader.take("default") {
            update(table, &|column| column.has_default = true);
            reader.skip();
            while !reader.is_done() && !AFTER_TYPE.iter().any(|word| reader.peek(word)) {
                reader.skip();
            }
        } else if reader.take("generated") {
            while !reader.is_done() && !reader.peek("as") {
                reader.skip();
            }
            reader.expect("as")?;
            if reader.take("identity") {
                update(table, &|column| {
                    column.has_default = true;
                    column.nullable = false;
                });
            } else {
                update(table, &|column| column.generated = true);
            }
        } else if reader.take("as") {
            update(table, &|column| column.generated = true);
        } else if reader.take("references") {
            references(table, reader, constraint_name.take(), vec![name.clone()])?;
        } else {
            reader.skip();
        }
    }
    Ok(())
}

/// The tokens of a type, in lower case, with blanks only between words.
pub(super) fn type_name(reader: &mut Reader<'_>) -> String {
    let mut name = String::new();
    while let Some(lexeme) = reader.next() {
        if AFTER_TYPE.iter().any(|word| reader.peek(word))
            || reader.peek(",")
            || reader.peek("using")
        {
            break;
        }
        let text = lexeme.text(reader.sql()).to_ascii_lowercase();
        if !name.is_empty()
            && text.starts_with(|first: char| first.is_alphanumeric())
            && !name.ends_with(['(', '.'])
        {
            name.push(' ');
        }
        if lexeme.is_mark('(') {
            let group = reader.rest();
            reader.skip();
            let used = group.len() - reader.rest().len();
            for inner in group.get(..used).unwrap_or_default() {
                name.push_str(&inner.text(reader.sql()).to_ascii_lowercase());
            }
        } else {
            name.push_str(&text);
            reader.skip_one();
        }
    }
    name
}
