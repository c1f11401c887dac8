//! What is wrong with a model, by the tables of the project. What is right becomes a [`Model`].

use proc_macro2::Span;
use quote::format_ident;
use syn::spanned::Spanned as _;
use syn::{Ident, Path, Type, Visibility};
use tenancy_sql::{Table, TableClass};

use super::errors::{Errors, instead};
use super::parse::{BindWith, Field, Input, is_option};
use crate::project::{Project, Side};

/// Functions that are generated, and can be left out.
pub(super) const FUNCTIONS: [&str; 11] = [
    "all",
    "count",
    "delete",
    "delete_where",
    "exists",
    "filter",
    "find",
    "insert",
    "insert_many",
    "update",
    "upsert",
];

/// A struct and the table it is a model of.
pub(super) struct Model {
    pub(super) krate: Path,
    pub(super) ident: Ident,
    pub(super) vis: Visibility,
    pub(super) span: Span,
    /// The table, as statements write it.
    pub(super) table: String,
    pub(super) columns: Vec<Column>,
    /// Fields that are no columns.
    pub(super) skipped: Vec<Ident>,
    pub(super) read_only: bool,
    pub(super) except: Vec<String>,
    pub(super) relations: Vec<Relation>,
}

/// A field and its column.
pub(super) struct Column {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) name: String,
    /// The name, as statements write it.
    pub(super) sql: String,
    pub(super) is_key: bool,
    pub(super) is_nullable: bool,
    pub(super) is_insertable: bool,
    pub(super) is_updatable: bool,
    pub(super) json: bool,
    pub(super) try_from: Option<Type>,
    pub(super) bind_with: Option<BindWith>,
}

/// What a model belongs to.
pub(super) struct Relation {
    pub(super) name: Ident,
    pub(super) model: Path,
    pub(super) field: Ident,
    pub(super) optional: bool,
    /// The other's table, as statements write it.
    pub(super) table: String,
    /// How the other's row is found: `id = $1`.
    pub(super) by_key: String,
    /// `leads JOIN users AS owner ON owner.id = leads.owner_id`.
    pub(super) from: String,
}

impl Model {
    pub(super) fn keys(&self) -> impl Iterator<Item = &Column> + Clone {
        self.columns.iter().filter(|column| column.is_key)
    }

    pub(super) fn has(&self, function: &str) -> bool {
        !self.except.iter().any(|except| except == function)
    }
}

/// Checks a model over the tables of every dialect.
pub(super) fn validate(input: Input, project: Option<&Project>, errors: &mut Errors) -> Model {
    let Input {
        arguments,
        item,
        fields,
        diesel: _,
    } = input;
    for function in &arguments.except {
        if !FUNCTIONS.iter().any(|known| function == known) {
            let known = instead(&function.to_string(), FUNCTIONS.into_iter());
            errors.push(
                function.span(),
                format!("no function `{function}` is generated: {known}"),
            );
        }
    }
    let place = arguments
        .table
        .as_ref()
        .map_or_else(Span::call_site, syn::LitStr::span);
    let name = arguments.table.as_ref().map(syn::LitStr::value);
    let sides: Vec<(&Side, &Table)> = project
        .zip(name.as_deref())
        .map(|(project, name)| tables(project, name, place, errors))
        .unwrap_or_default();

    let mut check = Check { sides, errors };
    check.key_arguments(&arguments.key, &fields);
    let keys = check.keys(&arguments.key, &fields, item.ident.span());
    check.fields(&fields, &keys);
    if !arguments.read_only {
        check.nothing_is_missed(&fields, item.ident.span());
    }
    let relations = check.relations(&fields, &keys);
    let first = check.sides.first().map(|(_, table)| *table);
    let columns = fields
        .iter()
        .filter(|field| !field.skip)
        .map(|field| column(field, first, &keys))
        .collect();
    Model {
        krate: arguments.krate,
        table: first.map_or_else(|| name.unwrap_or_default(), Table::sql_name),
        columns,
        skipped: fields
            .iter()
            .filter(|field| field.skip)
            .map(|field| field.ident.clone())
            .collect(),
        read_only: arguments.read_only,
        except: arguments.except.iter().map(Ident::to_string).collect(),
        relations,
        span: place,
        ident: item.ident,
        vis: item.vis,
    }
}

fn column(field: &Field, table: Option<&Table>, keys: &[String]) -> Column {
    let known = table.and_then(|table| table.column(&field.column));
    let generated = known.is_some_and(tenancy_sql::Column::generated);
    let is_key = keys.contains(&field.column);
    let read_only = field.read_only || generated;
    Column {
        ident: field.ident.clone(),
        ty: field.ty.clone(),
        name: field.column.clone(),
        sql: known.map_or_else(|| field.column.clone(), tenancy_sql::Column::sql_name),
        is_key,
        is_nullable: !is_key
            && (field.nullable || known.is_some_and(tenancy_sql::Column::nullable)),
        is_insertable: !read_only && field.default.is_none(),
        is_updatable: !read_only && !is_key,
        json: field.json,
        try_from: field.try_from.clone(),
        bind_with: field.bind_with.clone(),
    }
}

/// The table in each dialect.
fn tables<'p>(
    project: &'p Project,
    name: &str,
    place: Span,
    errors: &mut Errors,
) -> Vec<(&'p Side, &'p Table)> {
    let mut found = Vec::new();
    let mut complaints = Vec::new();
    for side in &project.sides {
        let Some(table) = side.catalog().table(name) else {
            let known = side.catalog().tables();
            let known = known.filter(|table| table.class() == TableClass::Tenant);
            let known = instead(name, known.map(Table::name));
            complaints.push((
                side,
                format!("no migration makes a table `{name}`: {known}"),
            ));
            continue;
        };
        match table.class() {
            TableClass::Tenant => found.push((side, table)),
            TableClass::Global => complaints.push((
                side,
                format!(
                    "`{name}` is declared `global` in tenancy.toml: its rows are nobody's; read it with `query_as!`"
                ),
            )),
            TableClass::Central => complaints.push((
                side,
                format!(
                    "`{name}` is declared `central` in tenancy.toml: no tenant ever sees it; use a connection of the centre"
                ),
            )),
        }
    }
    complain(errors, place, complaints, project.sides.len());
    found
}

/// One message where all dialects agree; else one for each, with its name.
pub(super) fn complain(
    errors: &mut Errors,
    place: Span,
    complaints: Vec<(&Side, String)>,
    dialects: usize,
) {
    let agree = complaints.len() == dialects
        && complaints
            .windows(2)
            .all(|pair| matches!(pair, [(_, a), (_, b)] if a == b));
    for (at, (side, message)) in complaints.into_iter().enumerate() {
        if !agree {
            errors.push(place, format!("{message} (on {})", side.dialect));
        } else if at == 0 {
            errors.push(place, message);
        }
    }
}

/// The checks that look at the table.
struct Check<'p, 'e> {
    sides: Vec<(&'p Side, &'p Table)>,
    errors: &'e mut Errors,
}

impl Check<'_, '_> {
    fn on_each(&mut self, place: Span, mut check: impl FnMut(&Side, &Table) -> Option<String>) {
        let complaints = self
            .sides
            .iter()
            .filter_map(|(side, table)| Some((*side, check(side, table)?)))
            .collect();
        complain(self.errors, place, complaints, self.sides.len());
    }

    /// `key = …` names columns of the model, which are unique for a tenant.
    fn key_arguments(&mut self, key: &[syn::LitStr], fields: &[Field]) {
        for name in key {
            let known = fields.iter().filter(|field| !field.skip);
            let mut known = known.map(|field| &*field.column);
            if !known.clone().any(|column| column == name.value()) {
                self.errors.push(
                    name.span(),
                    format!(
                        "missing key: no field is column `{}`; {}",
                        name.value(),
                        instead(&name.value(), &mut known)
                    ),
                );
            }
        }
        let Some(first) = key.first() else { return };
        let names: Vec<_> = key.iter().map(syn::LitStr::value).collect();
        self.unique(&names, first.span());
    }

    /// These columns are unique for a tenant.
    fn unique(&mut self, names: &[String], place: Span) {
        self.on_each(place, |side, table| {
            let tenant = side.catalog().tenant_column();
            let is_key = |columns: &[Box<str>]| {
                columns.len() == names.len() + 1
                    && columns.iter().all(|column| {
                        **column == *tenant || names.iter().any(|name| **name == **column)
                    })
            };
            let backed = is_key(table.primary_key())
                || table
                    .uniques()
                    .iter()
                    .any(|unique| unique.predicate().is_none() && is_key(unique.columns()));
            (!backed).then(|| {
                format!(
                    "`{}` is no key of `{}`: one tenant may have several such rows; a key is unique together with `{tenant}`",
                    names.join("`, `"),
                    table.name(),
                )
            })
        });
    }

    /// The columns of the key: those that were said, or the primary key without the tenant.
    fn keys(&mut self, said: &[syn::LitStr], fields: &[Field], place: Span) -> Vec<String> {
        if !said.is_empty() {
            return said.iter().map(syn::LitStr::value).collect();
        }
        let marked: Vec<_> = fields
            .iter()
            .filter(|field| field.key)
            .map(|field| field.column.clone())
            .collect();
        if let Some(first) = fields.iter().find(|field| field.key) {
            self.unique(&marked, first.span);
            return marked;
        }
        let mut keys: Vec<String> = Vec::new();
        self.on_each(place, |side, table| {
            let tenant = side.catalog().tenant_column();
            keys = table
                .primary_key()
                .iter()
                .filter(|column| ***column != *tenant)
                .map(ToString::to_string)
                .collect();
            if keys.is_empty() {
                return Some(format!(
                    "missing key: `{}` has no primary key of `{tenant}` and a column; make one, or say `key = \"…\"` if it \
                     has a unique key",
                    table.name(),
                ));
            }
            let missing: Vec<_> = keys
                .iter()
                .filter(|key| !fields.iter().any(|field| !field.skip && field.column == **key))
                .map(|key| format!("`{key}`"))
                .collect();
            (!missing.is_empty()).then(|| {
                format!(
                    "missing key: a row of `{}` is found by {}, for which there is no field",
                    table.name(),
                    missing.join(" and "),
                )
            })
        });
        keys
    }

    fn fields(&mut self, fields: &[Field], keys: &[String]) {
        let columns = || fields.iter().filter(|field| !field.skip);
        if columns().next().is_none() && !self.sides.is_empty() {
            self.errors.push(
                Span::call_site(),
                "a model has at least one column: its key",
            );
        }
        for (at, field) in columns().enumerate() {
            if columns().take(at).any(|other| other.column == field.column) {
                self.errors.push(
                    field.column_span,
                    format!("column `{}` has a field already", field.column),
                );
            }
            if keys.contains(&field.column) && is_option(&field.ty) {
                self.errors.push(
                    field.ty.span(),
                    format!(
                        "`{}` is the key, which is never NULL: write it without `Option`",
                        field.column
                    ),
                );
            }
            self.field(field, keys.contains(&field.column));
        }
    }

    fn field(&mut self, field: &Field, is_key: bool) {
        let name = &field.column;
        self.on_each(field.column_span, |side, table| {
            let catalog = side.catalog();
            if name == catalog.tenant_column() {
                return Some(format!(
                    "`{name}` is the tenant column, which only the framework writes: remove the field"
                ));
            }
            if table.column(name).is_some() {
                return None;
            }
            let known = table.columns().iter().map(tenancy_sql::Column::name);
            let known = known.filter(|known| *known != catalog.tenant_column());
            Some(format!(
                "`{}` has no column `{name}`: {}",
                table.name(),
                instead(name, known)
            ))
        });
        if !is_key && !field.nullable {
            self.on_each(field.ty.span(), |_, table| {
                table.column(name)?.nullable().then(|| {
                    format!("column `{name}` may be NULL: make it an `Option`, or say `#[tenant(nullable)]` if the type has a value for that")
                })
            });
        }
        if let Some(place) = field.default {
            self.on_each(place, |_, table| {
                let column = table.column(name)?;
                (!column.has_default() && !column.nullable() && !column.generated()).then(|| {
                    format!(
                        "column `{name}` has no default in the database, and is not filled in by it"
                    )
                })
            });
        }
    }

    /// An insert gives a value to each column that needs one.
    fn nothing_is_missed(&mut self, fields: &[Field], place: Span) {
        self.on_each(place, |side, table| {
            let missed: Vec<_> = table
                .columns()
                .iter()
                .filter(|column| {
                    column.name() != side.catalog().tenant_column()
                        && !column.nullable()
                        && !column.has_default()
                        && !column.generated()
                })
                .filter(|column| {
                    !fields.iter().any(|field| {
                        !field.skip && field.column == column.name() && !field.read_only
                    })
                })
                .map(|column| format!("`{}`", column.name()))
                .collect();
            (!missed.is_empty()).then(|| {
                format!(
                    "a new row of `{}` needs {}: add the field, or say `read_only` if this model is only read",
                    table.name(),
                    missed.join(", "),
                )
            })
        });
    }

    fn relations(&mut self, fields: &[Field], keys: &[String]) -> Vec<Relation> {
        let mut found: Vec<Relation> = Vec::new();
        for field in fields {
            let Some(belongs_to) = &field.belongs_to else {
                continue;
            };
            let place = belongs_to.model.span();
            if field.skip {
                self.errors.push(
                    place,
                    "a field that is skipped is no column, and points to nothing",
                );
                continue;
            }
            let name = belongs_to.name.clone().or_else(|| {
                let text = field.column.strip_suffix("_id")?;
                (!text.is_empty()).then(|| format_ident!("{text}", span = field.span))
            });
            let Some(name) = name else {
                self.errors.push(
                    place,
                    "what is it called? Say `belongs_to(…, name = \"…\")`, or call the column `…_id`",
                );
                continue;
            };
            let mut parent = None;
            self.on_each(place, |side, table| {
                let tenant = side.catalog().tenant_column();
                let keys = table.foreign_keys().iter();
                let mut keys = keys.filter_map(|key| points_to(side, key, tenant, &field.column));
                let Some(target) = keys.next() else {
                    return Some(format!(
                        "no foreign key of `{}` is (`{tenant}`, `{}`): add it to the migrations, or write the join",
                        table.name(),
                        field.column,
                    ));
                };
                parent = Some((table.sql_name(), target));
                None
            });
            let Some((here, (there, key))) = parent else {
                continue;
            };
            let nullable = field.nullable && !keys.contains(&field.column);
            let join = if nullable { "LEFT JOIN" } else { "JOIN" };
            found.push(Relation {
                from: format!(
                    "{here} {join} {there} AS {name} ON {name}.{key} = {here}.{}",
                    self.sql_of(&field.column)
                ),
                by_key: format!("{key} = $1"),
                name,
                model: belongs_to.model.clone(),
                field: field.ident.clone(),
                optional: nullable,
                table: there,
            });
        }
        found
    }

    fn sql_of(&self, column: &str) -> String {
        self.sides
            .first()
            .and_then(|(_, table)| table.column(column))
            .map_or_else(|| column.to_owned(), tenancy_sql::Column::sql_name)
    }
}

/// The table and column that a foreign key of the tenant and one more column points to, as statements write them.
fn points_to(
    side: &Side,
    key: &tenancy_sql::ForeignKey,
    tenant: &str,
    column: &str,
) -> Option<(String, String)> {
    let other = |columns: &[Box<str>]| match columns {
        [a, b] if **a == *tenant => Some((b.clone(), 1)),
        [a, b] if **b == *tenant => Some((a.clone(), 0)),
        _ => None,
    };
    let (from, at) = other(key.columns())?;
    if *from != *column {
        return None;
    }
    let table = side.catalog().table(key.references())?;
    let referenced = match key.referenced_columns() {
        [] => table.primary_key(),
        columns => columns,
    };
    let name = referenced.get(at)?;
    Some((table.sql_name(), table.column(name)?.sql_name()))
}
