//! Expressions. The match is exhaustive and without `..`, so that a parser that learns a new form breaks the build instead
//! of letting it through.

use sqlparser::ast::{
    AccessExpr, Array, BinaryOperator, CaseWhen, CeilFloorKind, DateTimeField, Expr, Ident,
    Interval, Query, SetExpr, Subscript, TypedString, Value, ValueWithSpan,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::names::Reference;
use super::splice::Walk;
use crate::{Refused, RefusedKind};

impl Rewriter<'_> {
    pub(super) fn expr(&mut self, mut expr: &mut Expr) -> Walk {
        // Chains lean to the left; the walk must not be as deep as they are long.
        while let Some(left) = self.step(expr)? {
            expr = left;
        }
        Ok(())
    }

    /// Walks everything below an expression but its leftmost part, which is returned.
    fn step<'e>(&mut self, expr: &'e mut Expr) -> Result<Option<&'e mut Expr>, Refused> {
        let walk = match expr {
            Expr::Identifier(ident) => self.bare(ident),
            Expr::CompoundIdentifier(parts) => self.compound(parts),
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.expr(root)?;
                access_chain
                    .iter_mut()
                    .try_for_each(|access| self.access(access))
            }
            Expr::IsFalse(expr)
            | Expr::IsNotFalse(expr)
            | Expr::IsTrue(expr)
            | Expr::IsNotTrue(expr)
            | Expr::IsNull(expr)
            | Expr::IsNotNull(expr)
            | Expr::IsUnknown(expr)
            | Expr::IsNotUnknown(expr)
            | Expr::Nested(expr)
            | Expr::UnaryOp { op: _, expr }
            | Expr::IsNormalized {
                expr,
                form: _,
                negated: _,
            }
            | Expr::IsJson {
                expr,
                kind: _,
                unique_keys: _,
                negated: _,
            } => return Ok(Some(expr)),
            Expr::IsDistinctFrom(left, right)
            | Expr::IsNotDistinctFrom(left, right)
            | Expr::AtTimeZone {
                timestamp: left,
                time_zone: right,
            }
            | Expr::Position {
                expr: left,
                r#in: right,
            }
            | Expr::InUnnest {
                expr: left,
                array_expr: right,
                negated: _,
            } => {
                self.expr(right)?;
                return Ok(Some(left));
            }
            Expr::BinaryOp { left, op, right }
            | Expr::AnyOp {
                left,
                compare_op: op,
                right,
                is_some: _,
            }
            | Expr::AllOp {
                left,
                compare_op: op,
                right,
            } => {
                self.binary(op)?;
                self.expr(right)?;
                return Ok(Some(left));
            }
            Expr::InList {
                expr,
                list,
                negated: _,
            } => {
                self.exprs(list)?;
                return Ok(Some(expr));
            }
            Expr::InSubquery {
                expr,
                subquery,
                negated: _,
            } => {
                self.within(subquery)?;
                self.query(subquery)?;
                return Ok(Some(expr));
            }
            Expr::Between {
                expr,
                negated: _,
                low,
                high,
            } => {
                self.expr(low)?;
                self.expr(high)?;
                return Ok(Some(expr));
            }
            Expr::Like {
                negated: _,
                any: _,
                expr,
                pattern,
                escape_char,
            }
            | Expr::ILike {
                negated: _,
                any: _,
                expr,
                pattern,
                escape_char,
            } => {
                self.expr(pattern)?;
                self.option(escape_char.as_deref_mut())?;
                return Ok(Some(expr));
            }
            Expr::SimilarTo {
                negated: _,
                expr,
                pattern,
                escape_char,
            } => {
                self.expr(pattern)?;
                self.option(escape_char.as_deref_mut())?;
                return Ok(Some(expr));
            }
            Expr::Cast {
                kind: _,
                expr,
                data_type,
                format,
            } => {
                if format.is_some() {
                    return Err(self.unsupported(Span::empty(), "a cast with a format"));
                }
                self.cast(expr, data_type)?;
                return Ok(Some(expr));
            }
            Expr::Extract {
                field,
                syntax: _,
                expr,
            } => {
                self.field(field)?;
                self.expr(expr)
            }
            Expr::Ceil { expr, field } | Expr::Floor { expr, field } => {
                match field {
                    CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)
                    | CeilFloorKind::Scale(_) => {}
                    CeilFloorKind::DateTimeField(_) => {
                        return Err(self.unsupported(Span::empty(), "rounding to a field"));
                    }
                }
                self.expr(expr)
            }
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                special: _,
                shorthand: _,
            } => {
                self.expr(expr)?;
                self.option(substring_from.as_deref_mut())?;
                self.option(substring_for.as_deref_mut())
            }
            Expr::Trim {
                trim_where: _,
                trim_what,
                expr,
                trim_characters,
            } => {
                self.option(trim_what.as_deref_mut())?;
                self.expr(expr)?;
                trim_characters
                    .as_mut()
                    .map_or(Ok(()), |exprs| self.exprs(exprs))
            }
            Expr::Overlay {
                expr,
                overlay_what,
                overlay_from,
                overlay_for,
            } => {
                self.expr(expr)?;
                self.expr(overlay_what)?;
                self.expr(overlay_from)?;
                self.option(overlay_for.as_deref_mut())
            }
            Expr::Collate { expr, collation } => {
                if let [schema, _, ..] = self.parts(collation)?.as_slice()
                    && self.fold(schema) != "pg_catalog"
                {
                    return Err(self.qualifier(schema));
                }
                return Ok(Some(expr));
            }
            Expr::Value(ValueWithSpan { value, span }) => self.value(value, *span),
            Expr::TypedString(TypedString {
                data_type,
                value: ValueWithSpan { value, span },
                uses_odbc_syntax,
            }) => {
                if *uses_odbc_syntax {
                    return Err(
                        self.unsupported(*span, "a literal in the syntax of another engine")
                    );
                }
                self.data_type(data_type, *span)?;
                self.value(value, *span)
            }
            Expr::Function(function) => self.function(function),
            Expr::Case {
                case_token: _,
                end_token: _,
                operand,
                conditions,
                else_result,
            } => {
                self.option(operand.as_deref_mut())?;
                for CaseWhen { condition, result } in conditions {
                    self.expr(condition)?;
                    self.expr(result)?;
                }
                self.option(else_result.as_deref_mut())
            }
            Expr::Exists {
                subquery,
                negated: _,
            }
            | Expr::Subquery(subquery) => self.query(subquery),
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                sets.iter_mut().try_for_each(|set| self.exprs(set))
            }
            Expr::Tuple(exprs)
            | Expr::Array(Array {
                elem: exprs,
                named: _,
            }) => self.exprs(exprs),
            Expr::Interval(Interval {
                value,
                leading_field: _,
                leading_precision: _,
                last_field: _,
                fractional_seconds_precision: _,
            }) => self.expr(value),
            // `XMLATTRIBUTES(a AS b)`.
            Expr::Named { expr, name } => {
                self.label(name)?;
                return Ok(Some(expr));
            }
            Expr::Wildcard(_) => Ok(()),
            Expr::QualifiedWildcard(name, _) => self.qualified_wildcard(name),
            Expr::JsonAccess { value: _, path: _ }
            | Expr::RLike {
                negated: _,
                expr: _,
                pattern: _,
                regexp: _,
            }
            | Expr::Convert {
                is_try: _,
                expr: _,
                data_type: _,
                charset: _,
                target_before_value: _,
                styles: _,
            }
            | Expr::Prefixed {
                prefix: _,
                value: _,
            }
            | Expr::Struct {
                values: _,
                fields: _,
            }
            | Expr::Dictionary(_)
            | Expr::Map(_)
            | Expr::MatchAgainst {
                columns: _,
                match_value: _,
                opt_search_modifier: _,
            }
            | Expr::OuterJoin(_)
            | Expr::Prior(_)
            | Expr::Lambda(_)
            | Expr::MemberOf(_) => {
                Err(self.unsupported(Span::empty(), "an expression of another engine"))
            }
        };
        walk.map(|()| None)
    }

    /// The `(SELECT * FROM leads)` that stands for the table in `x IN leads`, which has the columns the tenant knows of.
    fn within(&mut self, subquery: &mut Query) -> Walk {
        match &mut *subquery.body {
            SetExpr::Select(select)
                if self
                    .source
                    .index(select.select_token.0.span)
                    .is_some_and(|at| self.within.contains(&at)) =>
            {
                self.expand(select)
            }
            _ => Ok(()),
        }
    }

    /// A word alone: a column, or one of the few reserved words that are values. Another reserved word there means that the
    /// parser did not read what the engine reads.
    fn bare(&self, ident: &Ident) -> Walk {
        const VALUES: &[&str] = &[
            "current_catalog",
            "current_date",
            "current_role",
            "current_time",
            "current_timestamp",
            "current_user",
            "default",
            "localtime",
            "localtimestamp",
            "session_user",
            "user",
        ];
        if ident.quote_style.is_none()
            && !VALUES
                .iter()
                .any(|word| ident.value.eq_ignore_ascii_case(word))
        {
            self.not_reserved(ident)?;
        }
        self.column(ident, Reference::Bare)
    }

    /// `leads.id`, or `public.leads.id` without its schema.
    fn compound(&mut self, parts: &mut Vec<Ident>) -> Walk {
        if let Some(first) = parts.first() {
            self.not_reserved(first)?;
        }
        match parts.len() {
            2 => {}
            3 => self.unqualify(parts)?,
            _ => return Err(self.qualifier(parts.first().unwrap_or(&Ident::new("")))),
        }
        match parts.as_slice() {
            [table, column] => self.column(column, Reference::Of(table)),
            _ => Ok(()),
        }
    }

    fn access(&mut self, access: &mut AccessExpr) -> Walk {
        match access {
            AccessExpr::Dot(Expr::Identifier(field)) => self.column(field, Reference::Field),
            AccessExpr::Dot(expr) => self.expr(expr),
            AccessExpr::Subscript(Subscript::Index { index }) => self.expr(index),
            AccessExpr::Subscript(Subscript::Slice {
                lower_bound,
                upper_bound,
                stride,
            }) => {
                self.option(lower_bound.as_mut())?;
                self.option(upper_bound.as_mut())?;
                self.option(stride.as_mut())
            }
        }
    }

    /// `OPERATOR(pg_catalog.+)`; another schema may define it as anything.
    fn binary(&self, op: &BinaryOperator) -> Walk {
        match op {
            BinaryOperator::PGCustomBinaryOperator(parts) => match parts.as_slice() {
                [_] => Ok(()),
                [schema, _] if schema == "pg_catalog" => Ok(()),
                _ => {
                    let words = &self.source.lexemes;
                    let place = (0..words.len()).find(|at| {
                        self.source.is_word(*at, "operator")
                            && self.source.is_mark(at + 1, '(')
                            && !self.source.is_word(at + 2, "pg_catalog")
                    });
                    let at = place.unwrap_or(0);
                    let end = place.map_or(words.len(), |at| self.source.step(at + 1));
                    Err(Refused::new(
                        RefusedKind::Qualifier,
                        format!("operator `{}`", parts.join(".")),
                        "an operator of another schema may be anything",
                        "use the operator without a schema, or of pg_catalog",
                    )
                    .at(
                        self.source.sql,
                        self.source.start(at),
                        self.source.end_before(end),
                    ))
                }
            },
            _ => Ok(()),
        }
    }

    fn field(&self, field: &DateTimeField) -> Walk {
        match field {
            DateTimeField::Week(Some(day)) => {
                Err(self.unsupported(day.span, "a week that starts on a day"))
            }
            _ => Ok(()),
        }
    }

    fn value(&self, value: &Value, span: Span) -> Walk {
        match value {
            Value::Number(_, _)
            | Value::SingleQuotedString(_)
            | Value::DollarQuotedString(_)
            | Value::EscapedStringLiteral(_)
            | Value::UnicodeStringLiteral(_)
            | Value::SingleQuotedByteStringLiteral(_)
            | Value::NationalStringLiteral(_)
            | Value::HexStringLiteral(_)
            | Value::Boolean(_)
            | Value::Null
            | Value::Placeholder(_) => Ok(()),
            Value::TripleSingleQuotedString(_)
            | Value::TripleDoubleQuotedString(_)
            | Value::DoubleQuotedByteStringLiteral(_)
            | Value::TripleSingleQuotedByteStringLiteral(_)
            | Value::TripleDoubleQuotedByteStringLiteral(_)
            | Value::SingleQuotedRawStringLiteral(_)
            | Value::DoubleQuotedRawStringLiteral(_)
            | Value::TripleSingleQuotedRawStringLiteral(_)
            | Value::TripleDoubleQuotedRawStringLiteral(_)
            | Value::QuoteDelimitedStringLiteral(_)
            | Value::NationalQuoteDelimitedStringLiteral(_)
            | Value::DoubleQuotedString(_) => {
                Err(self.unsupported(span, "a literal of another engine"))
            }
        }
    }
}
