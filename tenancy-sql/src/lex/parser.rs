//! A token of ours as a token of the parser, whose locations are byte offsets on line 1.

use sqlparser::ast::DollarQuotedString;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::{Kind, Lexeme, Text};
use crate::Dialect;

/// The parser's token, spanning `start..end` counted from column 1.
pub(crate) fn parser_token(dialect: Dialect, sql: &str, lexeme: &Lexeme) -> TokenWithSpan {
    let text = lexeme.text(sql);
    let inside = |front: usize, back: usize| {
        text.get(front..text.len().saturating_sub(back))
            .unwrap_or_default()
            .to_owned()
    };
    let token = match lexeme.kind {
        Kind::Word => Token::make_word(text, None),
        Kind::Quoted(quote) => Token::make_word(&inside(1, 1), Some(quote)),
        Kind::Number => Token::Number(text.to_owned(), false),
        Kind::Param => Token::Placeholder(text.to_owned()),
        Kind::Operator => operator(dialect, text),
        Kind::Mark(mark) => match mark {
            '(' => Token::LParen,
            ')' => Token::RParen,
            '[' => Token::LBracket,
            ']' => Token::RBracket,
            ',' => Token::Comma,
            ';' => Token::SemiColon,
            '.' => Token::Period,
            ':' => Token::Colon,
            other => Token::Char(other),
        },
        Kind::Text(Text::Plain) => Token::SingleQuotedString(inside(1, 1)),
        Kind::Text(Text::Escape) => Token::EscapedStringLiteral(inside(2, 1)),
        Kind::Text(Text::Bits) => Token::SingleQuotedByteStringLiteral(inside(2, 1)),
        Kind::Text(Text::Hex) => Token::HexStringLiteral(inside(2, 1)),
        Kind::Text(Text::National) => Token::NationalStringLiteral(inside(2, 1)),
        Kind::Text(Text::Unicode) => Token::UnicodeStringLiteral(inside(3, 1)),
        Kind::Text(Text::Dollar(tag)) => Token::DollarQuotedString(DollarQuotedString {
            value: inside(tag, tag),
            tag: (tag > 2).then(|| text.get(1..tag - 1).unwrap_or_default().to_owned()),
        }),
    };
    let place = |offset: usize| Location {
        line: 1,
        column: offset as u64 + 1,
    };
    TokenWithSpan {
        token,
        span: Span {
            start: place(lexeme.start),
            end: place(lexeme.end),
        },
    }
}

fn operator(dialect: Dialect, text: &str) -> Token {
    match text {
        "==" => Token::DoubleEq,
        "=" => Token::Eq,
        "<>" | "!=" => Token::Neq,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "+" => Token::Plus,
        "-" => Token::Minus,
        "*" => Token::Mul,
        "/" => Token::Div,
        "%" => Token::Mod,
        "||" => Token::StringConcat,
        "::" => Token::DoubleColon,
        ":=" => Token::Assignment,
        "=>" => Token::RArrow,
        "&" => Token::Ampersand,
        "|" => Token::Pipe,
        "~" => Token::Tilde,
        "->" => Token::Arrow,
        "->>" => Token::LongArrow,
        _ if dialect == Dialect::Sqlite => Token::CustomBinaryOperator(text.to_owned()),
        "<=>" => Token::Spaceship,
        "^" => Token::Caret,
        "#" => Token::Sharp,
        "##" => Token::DoubleSharp,
        "~*" => Token::TildeAsterisk,
        "!~" => Token::ExclamationMarkTilde,
        "!~*" => Token::ExclamationMarkTildeAsterisk,
        "~~" => Token::DoubleTilde,
        "~~*" => Token::DoubleTildeAsterisk,
        "!~~" => Token::ExclamationMarkDoubleTilde,
        "!~~*" => Token::ExclamationMarkDoubleTildeAsterisk,
        "<<" => Token::ShiftLeft,
        ">>" => Token::ShiftRight,
        "&&" => Token::Overlap,
        "!" => Token::ExclamationMark,
        "!!" => Token::DoubleExclamationMark,
        "@" => Token::AtSign,
        "^@" => Token::CaretAt,
        "|/" => Token::PGSquareRoot,
        "||/" => Token::PGCubeRoot,
        "#>" => Token::HashArrow,
        "#>>" => Token::HashLongArrow,
        "@-@" => Token::AtDashAt,
        "?-" => Token::QuestionMarkDash,
        "&<" => Token::AmpersandLeftAngleBracket,
        "&>" => Token::AmpersandRightAngleBracket,
        "&<|" => Token::AmpersandLeftAngleBracketVerticalBar,
        "|&>" => Token::VerticalBarAmpersandRightAngleBracket,
        "<->" => Token::TwoWayArrow,
        "<^" => Token::LeftAngleBracketCaret,
        ">^" => Token::RightAngleBracketCaret,
        "?#" => Token::QuestionMarkSharp,
        "?-|" => Token::QuestionMarkDashVerticalBar,
        "?||" => Token::QuestionMarkDoubleVerticalBar,
        "~=" => Token::TildeEqual,
        "<<|" => Token::ShiftLeftVerticalBar,
        "|>>" => Token::VerticalBarShiftRight,
        "@>" => Token::AtArrow,
        "<@" => Token::ArrowAt,
        "#-" => Token::HashMinus,
        "@?" => Token::AtQuestion,
        "@@" => Token::AtAt,
        "?" => Token::Question,
        "?&" => Token::QuestionAnd,
        "?|" => Token::QuestionPipe,
        other => Token::CustomBinaryOperator(other.to_owned()),
    }
}
