//! Whether two plans are the same: the same nodes, indexes, conditions and order, costs and rows within one per cent.
//! What they call a table, and the order in which they list conditions joined by AND, is nobody's matter.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::expression;

/// What holds conditions.
const CONDITIONS: [&str; 8] = [
    "Index Cond",
    "Recheck Cond",
    "Filter",
    "Join Filter",
    "Hash Cond",
    "Merge Cond",
    "One-Time Filter",
    "Conflict Filter",
];

/// The differences of two plans, each with the place in the plan; none if they are the same.
pub(super) fn differences(ours: &Value, by_hand: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("plan", &normal(ours), &normal(by_hand), &mut found);
    found
}

/// What the planner expects a plan to cost.
pub(super) fn cost(plan: &Value) -> f64 {
    let cost = plan.get("Total Cost").and_then(Value::as_f64);
    cost.unwrap_or(f64::NAN)
}

fn compare(place: &str, ours: &Value, by_hand: &Value, found: &mut Vec<String>) {
    match (ours, by_hand) {
        (Value::Object(a), Value::Object(b)) => {
            let place = match a.get("Node Type").and_then(Value::as_str) {
                Some(node) => format!("{place} > {node}"),
                None => place.to_owned(),
            };
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            for key in keys {
                let at = if key == "Plans" {
                    place.clone()
                } else {
                    format!("{place}: {key}")
                };
                let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                compare(&at, &of(a), &of(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (a, b) in a.iter().zip(b) {
                compare(place, a, b, found);
            }
        }
        (Value::Number(a), Value::Number(b)) if is_close(a.as_f64(), b.as_f64()) => {}
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{place}: ours {a}, by hand {b}")),
    }
}

fn is_close(a: Option<f64>, b: Option<f64>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return false;
    };
    // Costs have two decimals.
    (a - b).abs() <= (0.01 * a.abs().max(b.abs())).max(0.011)
}

/// A plan without the names of its author.
fn normal(plan: &Value) -> Value {
    let mut names = Names::default();
    names.collect(plan);
    // Where there is one table only, an author's columns are not qualified.
    if names.of.len() == 1 {
        names.of.values_mut().for_each(String::clear);
    }
    names.apply(plan)
}

/// What each alias of a plan stands for: the table's name and how many of it came before.
#[derive(Default)]
struct Names {
    of: HashMap<String, String>,
    count: HashMap<String, u32>,
}

impl Names {
    fn collect(&mut self, node: &Value) {
        let text = |key| node.get(key).and_then(Value::as_str);
        // An UPDATE names its table, and then reads it.
        if let Some(alias) = text("Alias").filter(|alias| !self.of.contains_key(*alias)) {
            let noun = ["Relation Name", "CTE Name", "Function Name", "Node Type"]
                .into_iter()
                .find_map(text)
                .unwrap_or_default();
            let count = self.count.entry(noun.to_owned()).or_default();
            *count += 1;
            self.of.insert(alias.to_owned(), format!("{noun}#{count}"));
        }
        for child in node
            .get("Plans")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.collect(child);
        }
    }

    fn apply(&self, value: &Value) -> Value {
        match value {
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), self.field(key, value)))
                .collect(),
            Value::Array(items) => items.iter().map(|item| self.apply(item)).collect(),
            Value::String(text) => expression::renamed(text, &self.of).into(),
            other => other.clone(),
        }
    }

    fn field(&self, key: &str, value: &Value) -> Value {
        match value {
            Value::String(alias) if key == "Alias" => {
                self.of.get(alias).cloned().unwrap_or_default().into()
            }
            Value::String(text) if CONDITIONS.contains(&key) => {
                let text = expression::renamed(text, &self.of);
                let mut parts = expression::conjuncts(&text);
                parts.sort_unstable();
                parts.into()
            }
            other => self.apply(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_and_order_do_not_matter() {
        let ours = json!({"Node Type": "Index Scan", "Relation Name": "leads", "Alias": "leads_1", "Total Cost": 8.45,
            "Filter": "((leads_1.a = $1) AND (leads_1.b = 2))", "Output": ["leads_1.a"]});
        let by_hand = json!({"Node Type": "Index Scan", "Relation Name": "leads", "Alias": "l", "Total Cost": 8.44,
            "Filter": "((l.b = 2) AND (l.a = $1))", "Output": ["l.a"]});
        assert_eq!(differences(&ours, &by_hand), [""; 0]);
    }

    #[test]
    fn everything_else_does() {
        let plan = json!({"Node Type": "Limit", "Total Cost": 100.0, "Plans": [
            {"Node Type": "Seq Scan", "Relation Name": "leads", "Alias": "l", "Filter": "(l.a = $1)"}]});
        for (pointer, other) in [
            ("/Node Type", json!("Sort")),
            ("/Total Cost", json!(102.0)),
            ("/Plans/0/Filter", json!("(l.a = $2)")),
            ("/Plans/0/Relation Name", json!("notes")),
            ("/Plans", json!([])),
        ] {
            let mut changed = plan.clone();
            *changed.pointer_mut(pointer).unwrap() = other;
            assert!(!differences(&changed, &plan).is_empty(), "{pointer}");
        }
    }
}
