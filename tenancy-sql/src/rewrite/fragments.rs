//! The pieces of SQL this crate adds, each as text for the splice and as syntax tree for the verification. The two are
//! written down apart on purpose.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, GroupByExpr, Ident, ObjectName, ObjectNamePart,
    Query, Select, SelectFlavor, SelectItem, SetExpr, TableFactor, TableSampleKind, TableWithJoins,
    Value, ValueWithSpan, WildcardAdditionalOptions,
};
use sqlparser::tokenizer::Span;

use crate::names;
use crate::{Dialect, KeyType};

/// How the tenant is written in one statement.
pub(super) struct Fragments {
    dialect: Dialect,
    key_type: KeyType,
    column: Ident,
    placeholder: String,
}

impl Fragments {
    pub(super) fn new(
        dialect: Dialect,
        key_type: KeyType,
        tenant_column: &str,
        placeholder: String,
    ) -> Self {
        Self {
            dialect,
            key_type,
            column: names::written(tenant_column),
            placeholder,
        }
    }

    /// The tenant: `$3::uuid`.
    pub(super) fn value_text(&self) -> String {
        format!("{}{}", self.placeholder, self.key_type.cast(self.dialect))
    }

    pub(super) fn value(&self) -> Expr {
        let placeholder = Expr::Value(ValueWithSpan {
            value: Value::Placeholder(self.placeholder.clone()),
            span: Span::empty(),
        });
        let data_type = match (self.dialect, self.key_type) {
            (Dialect::Sqlite, _) => return placeholder,
            (Dialect::Postgres, KeyType::Uuid) => DataType::Uuid,
            (Dialect::Postgres, KeyType::Integer) => DataType::BigInt(None),
            (Dialect::Postgres, KeyType::Text) => DataType::Text,
            (Dialect::Postgres, KeyType::Blob) => DataType::Bytea,
        };
        Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: Box::new(placeholder),
            data_type,
            format: None,
        }
    }

    /// The tenant column, bare.
    pub(super) fn column_text(&self) -> String {
        names::text(&self.column)
    }

    pub(super) fn column(&self) -> Ident {
        self.column.clone()
    }

    /// `leads.tenant_id OPERATOR(pg_catalog.=) $3::uuid`. Always qualified: a bare column could bind to an outer query.
    pub(super) fn predicate_text(&self, relation: &Ident) -> String {
        let equals = match self.dialect {
            Dialect::Postgres => "OPERATOR(pg_catalog.=)",
            Dialect::Sqlite => "=",
        };
        format!(
            "{}.{} {equals} {}",
            names::text(relation),
            self.column_text(),
            self.value_text()
        )
    }

    pub(super) fn predicate(&self, relation: &Ident) -> Expr {
        let op = match self.dialect {
            Dialect::Postgres => {
                BinaryOperator::PGCustomBinaryOperator(vec!["pg_catalog".into(), "=".into()])
            }
            Dialect::Sqlite => BinaryOperator::Eq,
        };
        Expr::BinaryOp {
            left: Box::new(Expr::CompoundIdentifier(vec![
                relation.clone(),
                self.column(),
            ])),
            op,
            right: Box::new(self.value()),
        }
    }

    /// `(SELECT * FROM leads WHERE ...)`, with what belongs to the base table in between.
    pub(super) fn derived_text(&self, table: &Ident, modifier: &str) -> String {
        let name = names::text(table);
        let blank = if modifier.is_empty() { "" } else { " " };
        format!(
            "(SELECT * FROM {name}{blank}{modifier} WHERE {})",
            self.predicate_text(table)
        )
    }

    pub(super) fn derived(&self, table: &Ident, sample: Option<TableSampleKind>) -> Query {
        let relation = TableFactor::Table {
            name: ObjectName(vec![ObjectNamePart::Identifier(table.clone())]),
            alias: None,
            args: None,
            with_hints: Vec::new(),
            version: None,
            with_ordinality: false,
            partitions: Vec::new(),
            json_path: None,
            sample,
            index_hints: Vec::new(),
        };
        let select = Select {
            select_token: AttachedToken::empty(),
            optimizer_hints: Vec::new(),
            distinct: None,
            select_modifiers: None,
            top: None,
            top_before_distinct: false,
            projection: vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())],
            exclude: None,
            into: None,
            from: vec![TableWithJoins {
                relation,
                joins: Vec::new(),
            }],
            lateral_views: Vec::new(),
            prewhere: None,
            selection: Some(self.predicate(table)),
            connect_by: Vec::new(),
            group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
            cluster_by: Vec::new(),
            distribute_by: Vec::new(),
            sort_by: Vec::new(),
            having: None,
            named_window: Vec::new(),
            qualify: None,
            window_before_qualify: false,
            value_table_mode: None,
            flavor: SelectFlavor::Standard,
        };
        Query {
            with: None,
            body: Box::new(SetExpr::Select(Box::new(select))),
            order_by: None,
            limit_clause: None,
            fetch: None,
            locks: Vec::new(),
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators: Vec::new(),
        }
    }
}

/// `left AND right`.
pub(super) fn plain_and(left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(left),
        op: BinaryOperator::And,
        right: Box::new(right),
    }
}

/// `(original) AND predicate`, or the predicate alone.
pub(super) fn and(original: Option<Expr>, predicate: Expr) -> Expr {
    match original {
        None => predicate,
        Some(original) => plain_and(Expr::Nested(Box::new(original)), predicate),
    }
}
