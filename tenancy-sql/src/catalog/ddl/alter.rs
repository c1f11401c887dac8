//! `ALTER TABLE` and the few other `ALTER`s that rename what the catalogue records.

use super::super::{CatalogError, Table};
use super::Draft;
use super::create::{column, constraint, type_name};
use super::reader::Reader;

/// Actions on a table that change nothing the catalogue records.
const IRRELEVANT: &[&str] = &[
    "cluster", "disable", "enable", "force", "no", "owner", "replica", "reset", "set", "validate",
];

impl Draft {
    pub(super) fn alter(&mut self, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
        if reader.take("index") {
            return self.alter_index(reader);
        }
        let materialized = reader.take("materialized");
        if reader.take("view") || materialized {
            reader.take("view");
            reader.take_all(&["if", "exists"]);
            let name = reader.relation()?;
            if reader.take_all(&["rename", "to"]) {
                let new = reader.name()?;
                self.views.remove(&name);
                self.views.insert(new);
            }
            return Ok(());
        }
        if reader.take_all(&["foreign", "table"]) || !reader.take("table") {
            return Ok(());
        }
        let if_exists = reader.take_all(&["if", "exists"]);
        reader.take("only");
        let name = reader.relation()?;
        reader.take("*");
        if self.views.contains(&name) {
            return Ok(());
        }
        let Some(mut table) = self.tables.remove(&*name) else {
            return if if_exists {
                Ok(())
            } else {
                Err(reader.missing(format!("table `{name}`")))
            };
        };
        for mut action in reader.parts() {
            self.action(&mut table, &mut action)?;
        }
        if self.tables.contains_key(&table.name) {
            return Err(reader.duplicate(format!("table `{}`", table.name)));
        }
        self.tables.insert(table.name.clone(), table);
        Ok(())
    }

    fn alter_index(&mut self, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
        reader.take_all(&["if", "exists"]);
        let name = reader.relation()?;
        if reader.take_all(&["rename", "to"]) {
            let new = reader.name()?;
            for table in self.tables.values_mut() {
                let indexes = table.indexes.iter_mut().map(|index| &mut index.name);
                let uniques = table.uniques.iter_mut().map(|unique| &mut unique.name);
                for slot in indexes.chain(uniques).chain([&mut table.primary_key_name]) {
                    if slot.as_ref() == Some(&name) {
                        *slot = Some(new.clone());
                    }
                }
            }
        }
        Ok(())
    }

    fn action(&mut self, table: &mut Table, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
        if reader.take("add") {
            if constraint(table, reader)? {
                return Ok(());
            }
            reader.take("column");
            let if_not_exists = reader.take_all(&["if", "not", "exists"]);
            let mut ahead = Reader::new(reader.dialect, reader.file(), reader.sql(), reader.rest());
            if if_not_exists && table.column(&ahead.name()?).is_some() {
                return Ok(());
            }
            column(table, reader)
        } else if reader.take("drop") {
            drop(table, reader)
        } else if reader.take("rename") {
            self.rename(table, reader)
        } else if reader.take("alter") {
            alter_column(table, reader)
        } else if reader.take_all(&["attach", "partition"]) {
            let child = reader.relation()?;
            self.parents.insert(table.name.clone());
            match self.tables.get_mut(&*child) {
                Some(child) => child.partition_of = Some(table.name.clone()),
                None => return Err(reader.missing(format!("table `{child}`"))),
            }
            Ok(())
        } else if reader.take_all(&["detach", "partition"]) {
            let child = reader.relation()?;
            match self.tables.get_mut(&*child) {
                Some(child) => child.partition_of = None,
                None => return Err(reader.missing(format!("table `{child}`"))),
            }
            Ok(())
        } else if reader.take("inherit") {
            let parent = reader.relation()?;
            table.partition_of = Some(parent.clone());
            self.parents.insert(parent);
            Ok(())
        } else if reader.take_all(&["set", "schema"]) {
            let schema = reader.name()?;
            let bare = table.name.rsplit('.').next().unwrap_or_default().to_owned();
            table.name = if matches!(&*schema, "public" | "main") {
                bare.into()
            } else {
                format!("{schema}.{bare}").into()
            };
            Ok(())
        } else if IRRELEVANT.iter().any(|word| reader.peek(word)) {
            Ok(())
        } else {
            Err(reader.not_understood(
                "a change of a table that is not understood: split it or write it another way",
            ))
        }
    }

    fn rename(&mut self, table: &mut Table, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
        if reader.take("to") {
            let new = reader.name()?;
            let old = std::mem::replace(&mut table.name, new.clone());
            if self.parents.remove(&old) {
                self.parents.insert(new.clone());
            }
            for other in self.tables.values_mut() {
                for key in &mut other.foreign_keys {
                    if key.references == old {
                        key.references = new.clone();
                    }
                }
                if other.partition_of.as_ref() == Some(&old) {
                    other.partition_of = Some(new.clone());
                }
            }
            return Ok(());
        }
        if reader.take("constraint") {
            let old = reader.name()?;
            reader.expect("to")?;
            let new = reader.name()?;
            let uniques = table.uniques.iter_mut().map(|unique| &mut unique.name);
            let keys = table.foreign_keys.iter_mut().map(|key| &mut key.name);
            for slot in uniques.chain(keys).chain([&mut table.primary_key_name]) {
                if slot.as_ref() == Some(&old) {
                    *slot = Some(new.clone());
                }
            }
            return Ok(());
        }
        reader.take("column");
        let old = reader.name()?;
        reader.expect("to")?;
        let new = reader.name()?;
        if table.column(&new).is_some() {
            return Err(reader.duplicate(format!("column `{new}` of `{}`", table.name)));
        }
        if table.column(&old).is_none() {
            return Err(reader.missing(format!("column `{old}` of `{}`", table.name)));
        }
        let rename = |name: &mut Box<str>| {
            if *name == old {
                *name = new.clone();
            }
        };
        table
            .columns
            .iter_mut()
            .for_each(|column| rename(&mut column.name));
        table.primary_key.iter_mut().for_each(rename);
        // An expression or a predicate keeps the old spelling; that only makes ON CONFLICT refuse more.
        table
            .uniques
            .iter_mut()
            .flat_map(|unique| &mut unique.columns)
            .for_each(rename);
        table
            .indexes
            .iter_mut()
            .flat_map(|index| &mut index.columns)
            .for_each(rename);
        table
            .foreign_keys
            .iter_mut()
            .flat_map(|key| &mut key.columns)
            .for_each(rename);
        Ok(())
    }
}

fn drop(table: &mut Table, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
    if reader.take("constraint") {
        // A CHECK or EXCLUDE constraint is not recorded, so a name that is not known here may well exist.
        reader.take_all(&["if", "exists"]);
        let name = reader.name()?;
        table
            .uniques
            .retain(|unique| unique.name.as_ref() != Some(&name));
        table
            .foreign_keys
            .retain(|key| key.name.as_ref() != Some(&name));
        if table.primary_key_name.as_ref() == Some(&name) {
            table.primary_key.clear();
            table.primary_key_name = None;
        }
        return Ok(());
    }
    reader.take("column");
    let if_exists = reader.take_all(&["if", "exists"]);
    let name = reader.name()?;
    if table.column(&name).is_none() {
        return if if_exists {
            Ok(())
        } else {
            Err(reader.missing(format!("column `{name}` of `{}`", table.name)))
        };
    }
    table.columns.retain(|column| column.name != name);
    table
        .uniques
        .retain(|unique| !unique.columns.contains(&name));
    table.indexes.retain(|index| !index.columns.contains(&name));
    table
        .foreign_keys
        .retain(|key| !key.columns.contains(&name));
    if table.primary_key.contains(&name) {
        table.primary_key.clear();
    }
    Ok(())
}

fn alter_column(table: &mut Table, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
    if reader.take("constraint") {
        return Ok(());
    }
    reader.take("column");
    let name = reader.name()?;
    let Some(column) = table.columns.iter_mut().find(|column| column.name == name) else {
        return Err(reader.missing(format!("column `{name}` of `{}`", table.name)));
    };
    if reader.take_all(&["set", "not", "null"]) {
        column.nullable = false;
    } else if reader.take_all(&["drop", "not", "null"]) {
        column.nullable = true;
    } else if reader.take_all(&["set", "default"]) || reader.take_all(&["add", "generated"]) {
        column.has_default = true;
    } else if reader.take_all(&["drop", "default"]) || reader.take_all(&["drop", "identity"]) {
        column.has_default = false;
    } else if reader.take_all(&["drop", "expression"]) {
        column.generated = false;
    } else if reader.take_all(&["set", "data", "type"]) || reader.take("type") {
        column.type_name = type_name(reader).into();
    } else if !reader.peek("set") && !reader.peek("reset") && !reader.peek("restart") {
        return Err(reader.not_understood("a change of a column that is not understood"));
    }
    Ok(())
}
