//! Types in casts and column definitions: those of the two engines, and custom ones without a foreign qualifier.

use sqlparser::ast::{ArrayElemTypeDef, DataType, ObjectName};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::splice::Walk;
use crate::RefusedKind;

impl Rewriter<'_> {
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
            | DataType::Regclass
            | DataType::Text
            | DataType::Bytea
            | DataType::Bit(_)
            | DataType::BitVarying(_)
            | DataType::VarBit(_)
            | DataType::GeometricType(_)
            | DataType::TsVector
            | DataType::TsQuery => Ok(()),
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
        match self.parts(name)?.as_slice() {
            [_] => Ok(()),
            [schema, _] if matches!(self.fold(schema).as_str(), "pg_catalog" | "public") => Ok(()),
            [schema, ..] => Err(self.qualifier(schema)),
            [] => Err(self.unsupported(Span::empty(), "a type without a name")),
        }
    }
}
