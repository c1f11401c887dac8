//! Types in casts and column definitions: those of the two engines, and custom ones without a foreign qualifier.

use sqlparser::ast::{ArrayElemTypeDef, DataType, Expr, Ident, ObjectName, Value};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::splice::Walk;
use crate::{Dialect, Refused, RefusedKind, TableClass};

/// Types of PostgreSQL that turn numbers into names of its catalogues and back, so that a cast lists the schemas and roles of
/// all tenants.
const CATALOGUES: &[&str] = &[
    "aclitem",
    "regclass",
    "regcollation",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
];

impl Rewriter<'_> {
    /// The type of a cast. `tableoid::regclass` and `'leads'::regclass` only name a table that the tenant knows.
    pub(super) fn cast(&self, of: &Expr, data_type: &DataType) -> Walk {
        let is_known = match of {
            Expr::Identifier(name) => self.is_tenants_own(None, name),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [.., table, name] => self.is_tenants_own(Some(table), name),
                _ => false,
            },
            Expr::Value(value) => matches!(&value.value, Value::SingleQuotedString(name)
                if self.catalog.table(name).is_some_and(|table| table.class() != TableClass::Central)),
            _ => false,
        };
        if is_known && *data_type == DataType::Regclass {
            return Ok(());
        }
        self.data_type(data_type, Span::empty())
    }

    /// Whether a name is the `tableoid` of a tenant's table, and not something else that is called so.
    fn is_tenants_own(&self, table: Option<&Ident>, name: &Ident) -> bool {
        let table = table.map(|table| self.fold(table));
        self.fold(name) == "tableoid"
            && self
                .ranges
                .is_of_tenants_table("tableoid", table.as_deref())
    }

    fn reads_catalogue(&self, name: &str) -> Refused {
        let lexeme = self.source.lexemes.iter().find(|lexeme| {
            lexeme
                .text(self.source.sql)
                .trim_matches('"')
                .eq_ignore_ascii_case(name)
        });
        let (start, end) = lexeme.map_or((0, self.source.sql.len()), |it| (it.start, it.end));
        Refused::new(
            RefusedKind::Type,
            format!("type `{name}`"),
            "it turns numbers into names of the system's catalogues, which other tenants are in, too",
            "write the name as text; `tableoid::regclass` may stay",
        )
        .at(self.source.sql, start, end)
    }

    pub(super) fn data_type(&self, data_type: &DataType, span: Span) -> Walk {
        match data_type {
            DataType::Custom(name, _) => self.type_name(name),
            DataType::Array(element) => match element {
                ArrayElemTypeDef::None => Ok(()),
                ArrayElemTypeDef::AngleBracket(element)
                | ArrayElemTypeDef::SquareBracket(element, _)
                | ArrayElemTypeDef::Parenthesis(element) => self.data_type(element, span),
                ArrayElemTypeDef::Qualified(_, _) => {
                    Err(self.unsupported(span, "an array type of another engine"))
                }
            },
            DataType::Character(_)
            | DataType::Char(_)
            | DataType::CharacterVarying(_)
            | DataType::CharVarying(_)
            | DataType::Varchar(_)
            | DataType::Nvarchar(_)
            | DataType::Uuid
            | DataType::Clob(_)
            | DataType::Binary(_)
            | DataType::Varbinary(_)
            | DataType::Blob(_)
            | DataType::Numeric(_)
            | DataType::Decimal(_)
            | DataType::Dec(_)
            | DataType::Float(_)
            | DataType::TinyInt(_)
            | DataType::Int2(_)
            | DataType::SmallInt(_)
            | DataType::MediumInt(_)
            | DataType::Int(_)
            | DataType::Int4(_)
            | DataType::Int8(_)
            | DataType::Integer(_)
            | DataType::BigInt(_)
            | DataType::Float4
            | DataType::Real
            | DataType::Float8
            | DataType::Double(_)
            | DataType::DoublePrecision
            | DataType::Bool
            | DataType::Boolean
            | DataType::Date
            | DataType::Time(_, _)
            | DataType::Datetime(_)
            | DataType::Timestamp(_, _)
            | DataType::Interval {
                fields: _,
                precision: _,
            }
            | DataType::JSON
            | DataType::JSONB
            | DataType::Text
            | DataType::Bytea
            | DataType::Bit(_)
            | DataType::BitVarying(_)
            | DataType::VarBit(_)
            | DataType::GeometricType(_)
            | DataType::TsVector
            | DataType::TsQuery => Ok(()),
            DataType::Regclass => Err(self.reads_catalogue("regclass")),
            // Closed world: types of other engines, and whatever a later parser knows.
            _ => Err(self.refuse(
                span,
                RefusedKind::Type,
                format!("type `{data_type}`"),
                "it is not a type of this engine",
                "use one of its types",
            )),
        }
    }

    fn type_name(&self, name: &ObjectName) -> Walk {
        let parts = self.parts(name)?;
        if let (Some(last), Dialect::Postgres) = (parts.last(), self.dialect) {
            let folded = self.fold(last);
            // An array of it has the same name behind a line.
            if CATALOGUES.contains(&folded.trim_start_matches('_')) {
                return Err(self.reads_catalogue(&folded));
            }
        }
        match parts.as_slice() {
            [schema, _] if matches!(self.fold(schema).as_str(), "pg_catalog" | "public") => Ok(()),
            [schema, _, ..] => Err(self.qualifier(schema)),
            _ => Ok(()),
        }
    }
}
