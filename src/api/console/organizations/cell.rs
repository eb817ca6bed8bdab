//! A text as a cell of a table that a spreadsheet may open, and back.

/// What a cell begins with that a spreadsheet takes for a formula.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];
/// What some spreadsheet begins a new cell behind.
const SEPARATORS: [char; 6] = [',', ';', '\t', '\r', '\n', '"'];
/// What makes a text of a cell.
const MARK: char = '\'';

/// Whether a mark stands before `c` at the beginning of a cell. A mark of the text's own has one, so
/// that [`unmarked`] can tell the two apart.
fn needs_mark(c: char) -> bool {
    c == MARK || FORMULA.contains(&c)
}

/// `text` as no spreadsheet takes it for a formula, nor a part of it: one with another separator
/// would begin a cell behind it.
pub(super) fn marked(text: &str) -> String {
    let mut cell = String::with_capacity(text.len() + 1);
    let mut is_start = true;
    for c in text.chars() {
        if is_start && needs_mark(c) {
            cell.push(MARK);
        }
        cell.push(c);
        is_start = SEPARATORS.contains(&c);
    }
    cell
}

/// The text of which [`marked`] has made `cell`. What somebody else wrote stays, unless it has marks
/// where we would have put them.
pub(super) fn unmarked(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    let mut is_start = true;
    let mut rest = cell.chars().peekable();
    while let Some(c) = rest.next() {
        let is_ours = is_start && c == MARK && rest.peek().is_some_and(|next| needs_mark(*next));
        let c = match rest.next_if(|_| is_ours) {
            Some(next) => next,
            None => c,
        };
        text.push(c);
        is_start = SEPARATORS.contains(&c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_begins_as_a_formula_becomes_text() {
        for text in ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "'x"] {
            assert_eq!(marked(text), format!("'{text}"));
        }
        assert_eq!(marked("Ada;=1+1"), "Ada;'=1+1");
        assert_eq!(marked("a\t@b\n+c"), "a\t'@b\n'+c");
        for text in ["", "a=1", "ada@example.com", "o'brien@example.com"] {
            assert_eq!(marked(text), text);
        }
    }

    #[test]
    fn a_text_comes_back_as_it_was() {
        for text in [
            "+1@b.co",
            "=1+1@b.co",
            "-1@b.co",
            "'a@b.co",
            "'+a@b.co",
            "''a@b.co",
            "a'@b.co",
            "'",
            "''",
            "",
            "Ada;=1+1",
            "a\t@b\n+c",
            "\t\t'=",
            ",',=",
        ] {
            assert_eq!(unmarked(&marked(text)), text, "{text:?}");
        }
        for foreign in ["'x", "x'=1", "ada@example.com"] {
            assert_eq!(unmarked(foreign), foreign);
        }
    }
}
