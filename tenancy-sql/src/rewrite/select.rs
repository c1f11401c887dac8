//! One SELECT: its list, FROM, conditions, grouping and windows.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, NamedWindowDefinition, NamedWindowExpr, ObjectName,
    ObjectNamePart, Select, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind,
    WildcardAdditionalOptions, WindowFrame, WindowFrameBound, WindowSpec, WindowType,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::splice::Walk;
use crate::RefusedKind;

impl Rewriter<'_> {
    pub(super) fn select(&mut self, select: &mut Select) -> Walk {
        let (in_place, wide) = self.tables_in_place(select);
        self.in_place.extend(in_place.iter().map(|table| table.at));
        let ranges = self.ranges_of(&select.from, &self.in_place);
        self.ranges.enter(ranges);
        self.clauses(select)?;
        self.ranges.leave();
        self.widen_groups(select, &wide)?;
        self.confine_in_place(select, &in_place)
    }

    fn clauses(&mut self, select: &mut Select) -> Walk {
        let Select {
            select_token,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        let span = select_token.0.span;
        self.here.set(span);
        if into.is_some() {
            return Err(self.refuse(
                span,
                RefusedKind::Statement,
                "SELECT ... INTO",
                "it makes a table",
                "write INSERT INTO ... SELECT into a table of the migrations",
            ));
        }
        let foreign = !optimizer_hints.is_empty()
            || select_modifiers.is_some()
            || top.is_some()
            || *top_before_distinct
            || exclude.is_some()
            || !lateral_views.is_empty()
            || prewhere.is_some()
            || !connect_by.is_empty()
            || !cluster_by.is_empty()
            || !distribute_by.is_empty()
            || !sort_by.is_empty()
            || qualify.is_some()
            || value_table_mode.is_some()
            || *flavor != SelectFlavor::Standard;
        if foreign {
            return Err(self.unsupported(span, "a clause of another engine"));
        }
        match distinct {
            None | Some(Distinct::All | Distinct::Distinct) => {}
            Some(Distinct::On(exprs)) => self.exprs(exprs)?,
        }
        self.select_items(projection)?;
        for item in from {
            self.table_with_joins(item)?;
        }
        self.option(selection.as_mut())?;
        match group_by {
            GroupByExpr::All(_) => return Err(self.unsupported(span, "GROUP BY ALL")),
            GroupByExpr::Expressions(exprs, modifiers) => {
                if !modifiers.is_empty() {
                    return Err(self.unsupported(span, "a modifier of GROUP BY"));
                }
                self.exprs(exprs)?;
            }
        }
        self.option(having.as_mut())?;
        for NamedWindowDefinition(name, definition) in named_window {
            self.label(name)?;
            match definition {
                NamedWindowExpr::NamedWindow(_) => {}
                NamedWindowExpr::WindowSpec(spec) => self.window_spec(spec)?,
            }
        }
        Ok(())
    }

    /// A select list, or that of RETURNING.
    pub(super) fn select_items(&mut self, items: &mut [SelectItem]) -> Walk {
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    self.rows_keep_their_type(expr)?;
                    self.expr(expr)?;
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.label(alias)?;
                    self.rows_keep_their_type(expr)?;
                    self.expr(expr)?;
                }
                SelectItem::ExprWithAliases { expr: _, aliases } => {
                    let span = aliases.first().map_or(Span::empty(), |alias| alias.span);
                    return Err(self.unsupported(span, "several aliases of one expression"));
                }
                SelectItem::QualifiedWildcard(kind, options) => {
                    self.wildcard(options)?;
                    match kind {
                        SelectItemQualifiedWildcardKind::ObjectName(name) => {
                            self.qualified_wildcard(name)?;
                        }
                        SelectItemQualifiedWildcardKind::Expr(expr) => self.expr(expr)?,
                    }
                }
                SelectItem::Wildcard(options) => self.wildcard(options)?,
            }
        }
        Ok(())
    }

    fn wildcard(&self, options: &WildcardAdditionalOptions) -> Walk {
        let WildcardAdditionalOptions {
            wildcard_token,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        if opt_ilike.is_some()
            || opt_exclude.is_some()
            || opt_except.is_some()
            || opt_replace.is_some()
            || opt_rename.is_some()
            || opt_alias.is_some()
        {
            return Err(self.unsupported(wildcard_token.0.span, "an option of `*`"));
        }
        Ok(())
    }

    /// `leads.*`, or `public.leads.*` without its schema.
    pub(super) fn qualified_wildcard(&mut self, name: &mut ObjectName) -> Walk {
        let mut parts: Vec<Ident> = self.parts(name)?.into_iter().cloned().collect();
        match parts.len() {
            1 => Ok(()),
            2 => {
                self.unqualify(&mut parts)?;
                *name = ObjectName(parts.into_iter().map(ObjectNamePart::Identifier).collect());
                Ok(())
            }
            _ => Err(self.qualifier(parts.first().unwrap_or(&Ident::new("")))),
        }
    }

    pub(super) fn window(&mut self, window: &mut WindowType) -> Walk {
        match window {
            WindowType::WindowSpec(spec) => self.window_spec(spec),
            WindowType::NamedWindow(_) => Ok(()),
        }
    }

    fn window_spec(&mut self, spec: &mut WindowSpec) -> Walk {
        let WindowSpec {
            window_name: _,
            partition_by,
            order_by,
            window_frame,
        } = spec;
        self.exprs(partition_by)?;
        self.order_by_exprs(order_by)?;
        if let Some(WindowFrame {
            units: _,
            start_bound,
            end_bound,
        }) = window_frame
        {
            self.frame_bound(start_bound)?;
            if let Some(end_bound) = end_bound {
                self.frame_bound(end_bound)?;
            }
        }
        Ok(())
    }

    fn frame_bound(&mut self, bound: &mut WindowFrameBound) -> Walk {
        match bound {
            WindowFrameBound::CurrentRow
            | WindowFrameBound::Preceding(None)
            | WindowFrameBound::Following(None) => Ok(()),
            WindowFrameBound::Preceding(Some(expr)) | WindowFrameBound::Following(Some(expr)) => {
                self.expr(expr)
            }
        }
    }

    pub(super) fn option(&mut self, expr: Option<&mut Expr>) -> Walk {
        expr.map_or(Ok(()), |expr| self.expr(expr))
    }

    pub(super) fn exprs(&mut self, exprs: &mut [Expr]) -> Walk {
        exprs.iter_mut().try_for_each(|expr| self.expr(expr))
    }
}
