//! Calls: the name against the list, then everything inside.

use sqlparser::ast::{
    Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, JsonReturningClause, ObjectName,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::splice::Walk;
use crate::catalog::Permission;
use crate::{Dialect, RefusedKind, functions};

impl Rewriter<'_> {
    pub(super) fn function_name(&mut self, name: &ObjectName) -> Walk {
        let ident = match self.parts(name)?.as_slice() {
            [name] => *name,
            [schema, name]
                if self.dialect == Dialect::Postgres && self.fold(schema) == "pg_catalog" =>
            {
                *name
            }
            [schema, ..] => return Err(self.qualifier(schema)),
            [] => return Err(self.unsupported(Span::empty(), "a call without a name")),
        };
        let folded = self.fold(ident);
        match functions::permission(self.catalog, &folded) {
            Some(Permission::Pure) => Ok(()),
            Some(Permission::Call) => {
                self.writes = true;
                Ok(())
            }
            None => Err(self.refuse(
                ident.span,
                RefusedKind::Function,
                format!("function `{folded}`"),
                "it is not on the list of functions that only look at their arguments",
                "compute it in the program, or add it to `functions` in tenancy.toml if it reads and writes nothing of other tenants",
            )),
        }
    }

    pub(super) fn function(&mut self, function: &mut Function) -> Walk {
        let Function {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment: _,
            over,
        } = function;
        if *uses_odbc_syntax || !matches!(parameters, FunctionArguments::None) {
            return Err(self.unsupported(Span::empty(), "a call in the syntax of another engine"));
        }
        self.function_name(name)?;
        match args {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(query) => self.query(query)?,
            FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: _,
                args,
                clauses,
            }) => {
                args.iter_mut().try_for_each(|arg| self.function_arg(arg))?;
                clauses
                    .iter_mut()
                    .try_for_each(|clause| self.argument_clause(clause))?;
            }
        }
        self.order_by_exprs(within_group)?;
        self.option(filter.as_deref_mut())?;
        match over {
            Some(window) => self.window(window),
            None => Ok(()),
        }
    }

    pub(super) fn function_arg(&mut self, arg: &mut FunctionArg) -> Walk {
        let arg = match arg {
            FunctionArg::Named {
                name: _,
                arg,
                operator: _,
            }
            | FunctionArg::Unnamed(arg) => arg,
            FunctionArg::ExprNamed {
                name,
                arg,
                operator: _,
            } => {
                self.expr(name)?;
                arg
            }
        };
        match arg {
            FunctionArgExpr::Expr(expr) => self.expr(expr),
            FunctionArgExpr::QualifiedWildcard(name) => self.qualified_wildcard(name),
            FunctionArgExpr::Wildcard => Ok(()),
            FunctionArgExpr::WildcardWithOptions(options) => {
                Err(self.unsupported(options.wildcard_token.0.span, "an option of `*`"))
            }
        }
    }

    fn argument_clause(&mut self, clause: &mut FunctionArgumentClause) -> Walk {
        match clause {
            FunctionArgumentClause::OrderBy(exprs) => self.order_by_exprs(exprs),
            FunctionArgumentClause::IgnoreOrRespectNulls(_)
            | FunctionArgumentClause::JsonNullClause(_) => Ok(()),
            FunctionArgumentClause::JsonReturningClause(JsonReturningClause { data_type }) => {
                self.data_type(data_type, Span::empty())
            }
            FunctionArgumentClause::Where(_)
            | FunctionArgumentClause::Limit(_)
            | FunctionArgumentClause::OnOverflow(_)
            | FunctionArgumentClause::Having(_)
            | FunctionArgumentClause::Separator(_) => {
                Err(self.unsupported(Span::empty(), "a clause of another engine's call"))
            }
        }
    }
}
