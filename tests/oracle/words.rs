//! A statement as words, for telling what it is and for changing DDL. Nothing here decides what a tenant may see.

use std::ops::Range;

/// A statement cut into words, marks and quoted things, comments left out.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    pub(crate) sql: &'a str,
    spans: Vec<Range<usize>>,
}

impl<'a> Words<'a> {
    pub(crate) fn of(sql: &'a str) -> Self {
        let mut spans = Vec::new();
        let mut rest = sql.char_indices().peekable();
        while let Some((start, first)) = rest.next() {
            let tail = sql.get(start..).unwrap_or_default();
            let mut end = start + first.len_utf8();
            if first.is_whitespace() {
                continue;
            }
            let comment_end = [("--", "\n"), ("/*", "*/")]
                .into_iter()
                .find(|(mark, _)| tail.starts_with(mark))
                .map(|(_, mark)| {
                    tail.find(mark)
                        .map_or(sql.len(), |at| start + at + mark.len())
                });
            if let Some(comment_end) = comment_end {
                end = comment_end;
            } else if matches!(first, '\'' | '"' | '`') {
                end = quoted_end(sql, start, first);
            } else if first.is_alphanumeric() || first == '_' {
                while let Some((_, next)) = rest.next_if(|(_, next)| is_part(*next)) {
                    end += next.len_utf8();
                }
            }
            while rest.next_if(|(at, _)| *at < end).is_some() {}
            if comment_end.is_none() {
                spans.push(start..end);
            }
        }
        Self { sql, spans }
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The text of one, empty past the end.
    pub(crate) fn text(&self, at: usize) -> &'a str {
        self.spans
            .get(at)
            .and_then(|span| self.sql.get(span.clone()))
            .unwrap_or_default()
    }

    /// Whether there stands this keyword or mark.
    pub(crate) fn is(&self, at: usize, word: &str) -> bool {
        self.text(at).eq_ignore_ascii_case(word)
    }

    /// Whether these follow each other from `at` on.
    pub(crate) fn are(&self, at: usize, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(offset, word)| self.is(at + offset, word))
    }

    /// Where the first of these stands at or after `from`, before `to`.
    pub(crate) fn find(&self, range: Range<usize>, words: &[&str]) -> Option<usize> {
        range
            .into_iter()
            .find(|at| words.iter().any(|word| self.is(*at, word)))
    }

    /// The index of the parenthesis that closes the one at `open`.
    pub(crate) fn close_of(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        (open..self.len()).find(|at| {
            match self.text(*at) {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })
    }

    /// The original text from one word to before another.
    pub(crate) fn slice(&self, words: Range<usize>) -> &'a str {
        match self.spans.get(words) {
            Some([first, .., last]) => self.sql.get(first.start..last.end),
            Some([only]) => self.sql.get(only.clone()),
            _ => None,
        }
        .unwrap_or_default()
    }

    /// The range cut at commas that are in no parentheses of their own.
    pub(crate) fn split(&self, words: Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut start, mut depth) = (words.start, 0_usize);
        for at in words.clone() {
            match self.text(at) {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," if depth == 0 => {
                    parts.push(start..at);
                    start = at + 1;
                }
                _ => {}
            }
        }
        parts.push(start..words.end);
        parts
    }

    /// Whether the statement writes rows: INSERT, REPLACE, UPDATE, DELETE or MERGE, behind a WITH too.
    pub(crate) fn writes(&self) -> bool {
        let verbs = ["insert", "update", "delete", "merge"];
        match self.text(0).to_ascii_lowercase().as_str() {
            "insert" | "replace" | "update" | "delete" | "merge" => true,
            "with" => (1..self.len()).any(|at| {
                verbs.iter().any(|verb| self.is(at, verb))
                    && (self.is(at - 1, ")") || self.is(at - 1, "("))
            }),
            _ => false,
        }
    }

    /// Whether it only adds the rows it spells out, so that no conflict clause can reach an existing row.
    pub(crate) fn only_adds(&self) -> bool {
        self.are(0, &["insert", "into"])
            && self
                .find(0..self.len(), &["select", "conflict", "with"])
                .is_none()
    }

    /// Whether the whole answer has an order.
    pub(crate) fn is_ordered(&self) -> bool {
        let mut depth = 0_usize;
        (0..self.len()).any(|at| {
            match self.text(at) {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && self.are(at, &["order", "by"])
        })
    }
}

fn is_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

fn quoted_end(sql: &str, start: usize, quote: char) -> usize {
    let mut rest = sql
        .get(start + 1..)
        .unwrap_or_default()
        .char_indices()
        .peekable();
    while let Some((at, character)) = rest.next() {
        if character == quote && rest.next_if(|(_, next)| *next == quote).is_none() {
            return start + 1 + at + 1;
        }
    }
    sql.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_and_tells() {
        let words = Words::of(
            "SELECT 'a''b' /* x */, \"c d\".e -- y\n FROM t1 WHERE (a) IN (1) ORDER  BY 1",
        );
        let texts: Vec<_> = (0..words.len()).map(|at| words.text(at)).collect();
        assert_eq!(
            texts.join(" "),
            "SELECT 'a''b' , \"c d\" . e FROM t1 WHERE ( a ) IN ( 1 ) ORDER BY 1"
        );
        assert!(words.is_ordered() && !words.writes());
        let window = Words::of("SELECT row_number() OVER (ORDER BY a) FROM t");
        assert!(!window.is_ordered());
        for writes in [
            "REPLACE INTO t VALUES (1)",
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
            "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
        ] {
            assert!(Words::of(writes).writes(), "{writes}");
        }
        assert!(!Words::of("WITH a AS (SELECT replace('a', 'b', 'c')) SELECT * FROM a").writes());
        assert!(Words::of("INSERT INTO t VALUES (1)").only_adds());
        assert!(!Words::of("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING").only_adds());
        assert!(!Words::of("INSERT OR REPLACE INTO t VALUES (1)").only_adds());
    }
}
