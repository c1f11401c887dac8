//! The rewriter: parse, walk, splice, verify. One file per kind of statement or clause; what is added to a statement is in
//! `fragments`, where it goes is found in `source`.

mod conflicts;
mod expr;
mod fragments;
mod from;
mod function;
mod group;
mod in_place;
mod kinds;
mod limits;
mod names;
mod number;
mod output;
mod parse;
mod placeholders;
mod query;
mod ranges;
mod scope;
mod select;
mod shim;
mod source;
mod splice;
mod types;
mod verify;
mod write;

use sqlparser::ast::Statement;
use sqlparser::tokenizer::Span;

pub(crate) use number::numbered;
pub(crate) use splice::Splice;

use crate::lex::Lexeme;
use crate::{Access, Catalog, Checked, Dialect, Refused, RefusedKind};
use conflicts::Clause;
use fragments::Fragments;
use placeholders::Placeholders;
use ranges::Ranges;
use scope::Scopes;
use source::Source;
use splice::{Edit, Walk};

/// The state of one walk over one statement. The tree is changed to what the spliced text must parse to.
struct Rewriter<'a> {
    catalog: &'a Catalog,
    dialect: Dialect,
    source: &'a Source<'a>,
    only: &'a [usize],
    within: &'a [usize],
    fragments: Fragments,
    edits: Vec<Edit>,
    scopes: Scopes,
    ranges: Ranges<'a>,
    names_system_columns: bool,
    binds_tenant: bool,
    writes: bool,
    /// The conflict clauses that the parser did not see, until they are walked, and afterwards. Only what was walked is
    /// expected of the rewritten text.
    conflicts: Vec<Clause>,
    walked_conflicts: Vec<Clause>,
    /// Names of tables that stay as they are because WHERE confines them, by index of the token.
    in_place: Vec<usize>,
    /// The folded names of the relations that were met, but for those that the statement itself introduces.
    relations: std::cell::RefCell<Vec<String>>,
    /// Where the walk is, for refusals of what has no place of its own.
    here: std::cell::Cell<Span>,
}

/// Rewrites one statement.
pub(crate) fn rewrite(catalog: &Catalog, sql: &str) -> Result<Checked, Refused> {
    rewrite_and_list(catalog, sql).map(|(checked, _)| checked)
}

/// The relations of a statement that is not refused, sorted and each once: for those who compare them with another parser's.
pub fn relations(catalog: &Catalog, sql: &str) -> Result<Vec<String>, Refused> {
    let (_, mut relations) = rewrite_and_list(catalog, sql)?;
    relations.sort_unstable();
    relations.dedup();
    Ok(relations)
}

fn rewrite_and_list(catalog: &Catalog, sql: &str) -> Result<(Checked, Vec<String>), Refused> {
    limits::check_bytes(sql, &limits::ORIGINAL)?;
    let lexemes = parse::tokens(catalog.dialect(), sql, &limits::ORIGINAL)?;
    if !limits::is_steep(sql, &lexemes) {
        return on_this_stack(catalog, sql, lexemes);
    }
    let own_stack = || {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(limits::STACK);
            thread
                .spawn_scoped(scope, || on_this_stack(catalog, sql, lexemes))
                .ok()?
                .join()
                .ok()
        })
    };
    own_stack().unwrap_or_else(|| {
        Err(Refused::new(
            RefusedKind::TooLarge,
            "a steep statement",
            "there is no memory to read it",
            "take it apart with WITH",
        ))
    })
}

fn on_this_stack(
    catalog: &Catalog,
    sql: &str,
    lexemes: Vec<Lexeme>,
) -> Result<(Checked, Vec<String>), Refused> {
    let dialect = catalog.dialect();
    let parse::Parsed {
        source,
        mut statement,
        conflicts,
        shimmed,
    } = parse::parse(dialect, sql, lexemes, &limits::ORIGINAL)?;
    let placeholders = Placeholders::of(&source)?;
    let mut rewriter = Rewriter {
        catalog,
        dialect,
        source: &source,
        only: &shimmed.only,
        within: &shimmed.within,
        fragments: Fragments::new(
            dialect,
            catalog.key_type(),
            catalog.tenant_column(),
            placeholders.tenant,
        ),
        edits: shimmed.edits,
        scopes: Scopes::default(),
        ranges: Ranges::default(),
        names_system_columns: names::names_system_columns(&source),
        binds_tenant: false,
        writes: false,
        conflicts,
        walked_conflicts: Vec::new(),
        in_place: Vec::new(),
        relations: std::cell::RefCell::default(),
        here: std::cell::Cell::new(Span::empty()),
    };
    rewriter.operators()?;
    rewriter.statement(&mut statement)?;
    let Rewriter {
        edits,
        binds_tenant,
        writes,
        relations,
        walked_conflicts,
        ..
    } = rewriter;
    let relations = relations.into_inner();
    let access = if writes { Access::Write } else { Access::Read };
    if edits.is_empty() {
        let checked = Checked::new(
            sql.into(),
            placeholders.params,
            binds_tenant,
            access,
            Vec::new(),
        );
        return Ok((checked, relations));
    }
    let (text, splices) = splice::splice(sql, edits).ok_or_else(|| verify::unverified(sql))?;
    verify::verify(dialect, sql, &text, &statement, &walked_conflicts)?;
    let checked = Checked::new(
        text.into(),
        placeholders.params,
        binds_tenant,
        access,
        splices,
    );
    Ok((checked, relations))
}

impl Rewriter<'_> {
    fn statement(&mut self, statement: &mut Statement) -> Walk {
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            // Closed world: whatever else the parser knows, now or later.
            _ => Err(kinds::refused(self.source)),
        }
    }

    /// A refusal at a place of the parser's.
    fn refuse(
        &self,
        span: Span,
        kind: RefusedKind,
        met: impl Into<std::borrow::Cow<'static, str>>,
        why: impl Into<std::borrow::Cow<'static, str>>,
        instead: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Refused {
        let span = if span == Span::empty() {
            self.here.get()
        } else {
            span
        };
        let byte = |column: u64| usize::try_from(column).unwrap_or(1).saturating_sub(1);
        Refused::new(kind, met, why, instead).at(
            self.source.sql,
            byte(span.start.column),
            byte(span.end.column),
        )
    }

    /// The refusal of a clause that neither engine has, or that is not looked into yet.
    fn unsupported(&self, span: Span, what: &str) -> Refused {
        self.refuse(
            span,
            RefusedKind::Statement,
            what.to_owned(),
            "the firewall does not know what it reads or writes",
            "leave it out or write it in a plainer way",
        )
    }

    /// Every operator must be on the list, whatever the parser makes of it.
    fn operators(&self) -> Walk {
        for lexeme in self
            .source
            .lexemes
            .iter()
            .filter(|lexeme| lexeme.kind == crate::lex::Kind::Operator)
        {
            let text = lexeme.text(self.source.sql);
            if !crate::functions::allows_operator(self.catalog, text) {
                return Err(Refused::new(
                    RefusedKind::Operator,
                    format!("operator `{text}`"),
                    "it is not on the list of known operators",
                    "add it to `operators` in tenancy.toml if its function only looks at its operands",
                )
                .at(self.source.sql, lexeme.start, lexeme.end));
            }
        }
        Ok(())
    }

    fn replace(&mut self, start: usize, end: usize, text: impl Into<String>) {
        self.edits.push(Edit {
            start,
            end,
            text: text.into(),
            target: false,
        });
    }

    fn insert_at(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at, at, text);
    }
}

#[cfg(test)]
mod tests;
