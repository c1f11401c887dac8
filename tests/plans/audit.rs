//! The auditor, which reads plans and no SQL: every scan of a tenant table carries the comparison of its tenant column with
//! the tenant's parameter, exactly. A one-time filter above it, a join, a literal or a list of tenants is no substitute. What
//! is inserted has the parameter in that column, and an upsert compares the row that it meets.
//!
//! An author who compares the tenant column too makes the planner keep one of the comparisons and demand, once and above the
//! scan, that both values are equal: below such a filter the other value stands for the tenant.
//!
//! It does not see into functions, nor the values of an INSERT of several rows or of groups, which its plan does not show.

use serde_json::Value;
use tenancy_sql::{Catalog, Column, TableClass};

use super::expression;

/// Audits plans of one schema.
pub(super) struct Auditor<'a> {
    catalog: &'a Catalog,
    /// The tenant as plans show it: `$2`, or `'...'::uuid`.
    tenant: String,
}

/// What an audit found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Audit {
    /// Places where a plan reads a tenant table or shows what it writes.
    pub(super) places: usize,
    /// Those that are not confined, and why.
    pub(super) unscoped: Vec<String>,
}

impl<'a> Auditor<'a> {
    /// For generic plans in which the tenant is the parameter of this number.
    pub(super) fn of_parameter(catalog: &'a Catalog, number: usize) -> Self {
        Self {
            catalog,
            tenant: format!("${number}"),
        }
    }

    /// For custom plans in which the tenant is this literal, which occurs nowhere else.
    pub(super) fn of_literal(catalog: &'a Catalog, literal: &str) -> Self {
        Self {
            catalog,
            tenant: literal.to_owned(),
        }
    }

    pub(super) fn audit(&self, plan: &Value) -> Audit {
        let mut audit = Audit::default();
        self.node(plan, &[&self.tenant], &mut audit);
        audit
    }

    /// Whether the plan computes values that it shows like our parameter, as servers before version 17 do.
    pub(super) fn is_ambiguous(&self, plan: &Value) -> bool {
        let returned = text(plan, "Subplan Name")
            .and_then(|name| name.split_once("(returns "))
            .map_or("", |(_, returned)| returned.trim_end_matches(')'));
        returned.split(',').any(|value| value == self.tenant)
            || children(plan).any(|child| self.is_ambiguous(child))
    }

    fn node(&self, node: &Value, tenants: &[&str], audit: &mut Audit) {
        if let Some(relation) = text(node, "Relation Name") {
            let class = self.catalog.table(relation).map(tenancy_sql::Table::class);
            match class {
                Some(TableClass::Tenant) => self.relation(node, relation, tenants, audit),
                Some(TableClass::Global) => {}
                _ => audit
                    .unscoped
                    .push(format!("{relation} belongs to no tenant's schema")),
            }
        }
        let mut below = tenants.to_vec();
        if let Some(condition) = text(node, "One-Time Filter") {
            below.extend(
                expression::conjuncts(condition)
                    .into_iter()
                    .filter_map(|part| self.equal_to_tenant(part)),
            );
        }
        for child in children(node) {
            // What belongs to the node itself may run before its filter.
            let is_below = text(child, "Parent Relationship") == Some("Outer");
            self.node(child, if is_below { &below } else { tenants }, audit);
        }
    }

    /// The other side of `value = $n`, if it is a parameter or a literal.
    fn equal_to_tenant<'v>(&self, condition: &'v str) -> Option<&'v str> {
        let (left, right) = condition.split_once(" = ")?;
        let other = match (left == self.tenant, right == self.tenant) {
            (true, false) => right,
            (false, true) => left,
            _ => return None,
        };
        other.starts_with(['$', '\'']).then_some(other)
    }

    fn relation(&self, node: &Value, relation: &str, tenants: &[&str], audit: &mut Audit) {
        let alias = text(node, "Alias").unwrap_or(relation);
        let kind = text(node, "Node Type").unwrap_or_default();
        let conditions: &[&str] = if kind == "ModifyTable" {
            // What it changes is scanned by the nodes below.
            self.inserted(node, relation, audit);
            if text(node, "Conflict Resolution") != Some("UPDATE") {
                return;
            }
            &["Conflict Filter"]
        } else {
            &["Index Cond", "Recheck Cond", "Filter"]
        };
        let met = || conditions.iter().filter_map(|key| text(node, key));
        let is_tenant = |part: &str| self.is_tenant(alias, part, tenants);
        audit.places += 1;
        if !met().any(|condition| expression::implies(condition, &is_tenant)) {
            let met: Vec<&str> = met().collect();
            audit
                .unscoped
                .push(format!("{kind} of {relation} as {alias} has only {met:?}"));
        }
    }

    /// The tenant column of what is inserted, where the plan shows it.
    fn inserted(&self, node: &Value, relation: &str, audit: &mut Audit) {
        let column = self.catalog.table(relation).and_then(|table| {
            let is_tenant = |column: &Column| column.name() == self.catalog.tenant_column();
            table.columns().iter().position(is_tenant)
        });
        let value = children(node)
            .find(|child| text(child, "Parent Relationship") == Some("Outer"))
            .and_then(|source| source.get("Output")?.get(column?)?.as_str());
        match value {
            _ if text(node, "Operation") != Some("Insert") => {}
            Some(value) if value == self.tenant => audit.places += 1,
            // Rows of VALUES or of a query that the planner keeps apart.
            Some(value) if value.starts_with("\"*") => {}
            other => {
                audit.places += 1;
                audit
                    .unscoped
                    .push(format!("INSERT INTO {relation} writes {other:?}"));
            }
        }
    }

    /// Whether this is `alias.tenant_id = $n`.
    fn is_tenant(&self, alias: &str, condition: &str, tenants: &[&str]) -> bool {
        let Some((left, right)) = condition.split_once(" = ") else {
            return false;
        };
        let is_column = |side: &str| {
            side.rsplit_once('.').is_some_and(|(table, column)| {
                expression::folded(table) == alias
                    && expression::folded(column) == self.catalog.tenant_column()
            })
        };
        (is_column(left) && tenants.contains(&right))
            || (tenants.contains(&left) && is_column(right))
    }
}

fn text<'v>(node: &'v Value, key: &str) -> Option<&'v str> {
    node.get(key).and_then(Value::as_str)
}

fn children(node: &Value) -> impl Iterator<Item = &Value> {
    node.get("Plans")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenancy_sql::Dialect;

    use super::*;

    fn catalog() -> Catalog {
        Catalog::builder(Dialect::Postgres)
            .migration(
                "1.sql",
                "CREATE TABLE leads (id int, tenant_id uuid NOT NULL, PRIMARY KEY (tenant_id, id)); \
                 CREATE TABLE countries (code text)",
            )
            .global(["countries"])
            .build()
            .unwrap()
    }

    fn check(plan: &Value, places: usize, unscoped: usize) {
        let catalog = catalog();
        let audit = Auditor::of_parameter(&catalog, 2).audit(plan);
        assert_eq!(
            (audit.places, audit.unscoped.len()),
            (places, unscoped),
            "{plan}"
        );
    }

    #[test]
    fn scans() {
        let scan = |key: &str, condition: &str| json!({"Node Type": "Seq Scan", "Relation Name": "leads", "Alias": "l", key: condition});
        check(&scan("Filter", "(l.tenant_id = $2)"), 1, 0);
        check(
            &scan("Index Cond", "((l.tenant_id = $2) AND (l.id = $1))"),
            1,
            0,
        );
        check(&scan("Recheck Cond", "($2 = l.tenant_id)"), 1, 0);
        for condition in [
            "(l.tenant_id = $1)",
            "(l.tenant_id = $20)",
            "(leads.tenant_id = $2)",
            "(l.id = $2)",
            "(l.tenant_id <> $2)",
            "(l.tenant_id OPERATOR(evil.=) $2)",
            "((l.tenant_id = $2) OR true)",
            "(l.tenant_id = ANY (ARRAY[$2]))",
            "(l.tenant_id = '00000000-0000-7000-8000-000000000011'::uuid)",
        ] {
            check(&scan("Filter", condition), 1, 1);
        }
        check(&scan("One-Time Filter", "(l.tenant_id = $2)"), 1, 1);
        check(&scan("Join Filter", "(l.tenant_id = $2)"), 1, 1);
        check(
            &json!({"Node Type": "Append", "Plans": [scan("Filter", "true")]}),
            1,
            1,
        );
        check(
            &json!({"Node Type": "Seq Scan", "Relation Name": "countries"}),
            0,
            0,
        );
        check(
            &json!({"Node Type": "Seq Scan", "Relation Name": "pg_authid"}),
            0,
            1,
        );
    }

    #[test]
    fn another_value_that_is_the_tenant() {
        let gated = |filter: &str, relationship: &str, condition: &str| {
            json!({"Node Type": "Result", "One-Time Filter": filter, "Plans": [{"Node Type": "Seq Scan",
            "Parent Relationship": relationship, "Relation Name": "leads", "Alias": "l", "Filter": condition}]})
        };
        let scan = "(l.tenant_id = $1)";
        check(&gated("($1 = $2)", "Outer", scan), 1, 0);
        check(&gated("(($2 = $1) AND $3)", "Outer", scan), 1, 0);
        check(&gated("($1 = $2)", "InitPlan", scan), 1, 1);
        check(&gated("($1 = $2)", "Outer", "(l.id = $1)"), 1, 1);
        check(&gated("($1 = $3)", "Outer", scan), 1, 1);
        check(&gated("(($1 = $2) OR $3)", "Outer", scan), 1, 1);
        check(&gated("(l.tenant_id = $2)", "Outer", "true"), 1, 1);
    }

    #[test]
    fn writes() {
        let insert = |value: &str| {
            json!({"Node Type": "ModifyTable", "Operation": "Insert", "Relation Name": "leads", "Alias": "leads",
            "Plans": [{"Node Type": "Result", "Parent Relationship": "Outer", "Output": ["$1", value]}]})
        };
        check(&insert("$2"), 1, 0);
        check(&insert("$1"), 1, 1);
        check(&insert("NULL::uuid"), 1, 1);
        check(&insert("\"*VALUES*\".column2"), 0, 0);
        let mut upsert = insert("$2");
        upsert["Conflict Resolution"] = "UPDATE".into();
        check(&upsert, 2, 1);
        upsert["Conflict Filter"] = "(leads.tenant_id = $2)".into();
        check(&upsert, 2, 0);
    }

    #[test]
    fn values_that_look_like_the_parameter() {
        let catalog = catalog();
        let auditor = Auditor::of_parameter(&catalog, 2);
        let check = |name: &str, expected| {
            let plan = json!({"Node Type": "Result", "Plans": [{"Node Type": "Limit", "Subplan Name": name}]});
            assert_eq!(auditor.is_ambiguous(&plan), expected, "{name}");
        };
        check("InitPlan 1 (returns $0)", false);
        check("InitPlan 1 (returns $1,$2)", true);
        check("InitPlan 1 (returns $20)", false);
        check("SubPlan 2", false);
    }
}
