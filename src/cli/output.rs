//! How answers look: tables and wrapped lines for people, JSON for scripts.
//!
//! INVARIANT: what a source wrote reaches the terminal only through [`shown`], so that no value can move the cursor,
//! change colours or turn the direction of writing.

pub use crate::report::entry::{count, counted};
use anyhow::Context;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

/// Of a longer text so many characters are shown to people; `--json` has all of it.
const SHOWN_CHARS_MAX: usize = 300;
/// Terminals narrower than this get times without the time of day.
const WIDE: u16 = 100;

/// A table without rules that fits the terminal.
pub struct Grid {
    table: Table,
    /// Columns that are never wrapped.
    whole: Vec<usize>,
}

impl Grid {
    /// A table with these names over its columns; those that end in `!` are never wrapped.
    pub fn new(header: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(header.iter().map(|name| name.trim_end_matches('!').to_uppercase()));
        let whole = header.iter().enumerate().filter(|(_, name)| name.ends_with('!')).map(|(place, _)| place);
        Self { table, whole: whole.collect() }
    }

    /// Adds a row; what a source wrote may stand in it as it is.
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.table.add_row(cells.map(shown));
    }

    /// Prints it, moved to the right by so many places.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn print(mut self, indent: u16) -> anyhow::Result<()> {
        for column in self.table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for place in self.whole {
            if let Some(column) = self.table.column_mut(place) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        if let Some(width) = self.table.width() {
            // The last column's padding may hang over the edge: it is cut off.
            self.table.set_width(width.saturating_sub(indent).saturating_add(2).max(40));
        }
        for text in self.table.trim_fmt().lines() {
            line(format!("{:indent$}{text}", "", indent = usize::from(indent)).trim_end())?;
        }
        Ok(())
    }
}

/// Width of the terminal; `None` where standard output is none.
pub fn width() -> Option<u16> {
    Table::new().width()
}

/// Prints a line, or anything that prints, to standard output.
///
/// # Errors
/// When standard output cannot be written, for instance because its reader is gone.
pub fn line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// Prints a text as it is; it has its line ends.
///
/// # Errors
/// When standard output cannot be written.
pub fn text(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

/// Prints words, broken into lines where standard output is a terminal; every line but the first begins with `indent`
/// blanks.
///
/// # Errors
/// When standard output cannot be written.
pub fn wrapped(text: &str, indent: usize) -> anyhow::Result<()> {
    line(wrap(text, indent, width().map(usize::from)))
}

/// As [`wrapped`], at no more than so many characters a line wherever it goes.
///
/// # Errors
/// When standard output cannot be written.
pub fn wrapped_at(text: &str, indent: usize, chars: usize) -> anyhow::Result<()> {
    line(wrap(text, indent, Some(width().map_or(chars, |width| usize::from(width).min(chars)))))
}

/// Breaks a text between words, so that no line is longer than `width` unless a word is.
fn wrap(text: &str, indent: usize, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let words = text.trim_start_matches(' ');
    let mut used = text.len() - words.len();
    let mut out = " ".repeat(used);
    for (place, word) in words.split(' ').enumerate() {
        let size = word.chars().count();
        if used > indent && used + 1 + size > width {
            let _infallible = write!(out, "\n{:indent$}", "");
            used = indent;
        } else if place > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += size;
    }
    out
}

/// Writes a file whole: beside its place first and moved there then, so that a half of it never stands there.
///
/// # Errors
/// When it cannot be written.
pub fn file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let write = || {
        std::fs::write(&partial, bytes)?;
        std::fs::rename(&partial, path)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

/// Prints a value as JSON.
///
/// # Errors
/// When standard output cannot be written.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(std::io::stdout().lock().write_all(&bytes)?)
}

/// A text as it may be printed: characters that a terminal acts on are escaped, a long text is cut.
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (place, c) in text.chars().enumerate() {
        if place == SHOWN_CHARS_MAX {
            let _infallible = write!(out, "… ({} characters)", text.chars().count());
            break;
        }
        if acts_on_terminal(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// A text of our own, in which a name that was given may stand: as it may be printed, on the lines that it has.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && acts_on_terminal(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

fn acts_on_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
        || matches!(c, '\u{E0000}'..='\u{E007F}')
}

/// An instant for people, in UTC; a dash when there is none.
pub fn time(us: Option<i64>) -> String {
    written(us, "%Y-%m-%d %H:%M:%S")
}

/// The day of an instant, in UTC.
pub fn day(us: i64) -> String {
    written(Some(us), "%Y-%m-%d")
}

/// An instant in a table: without the time of day where the terminal is narrow.
pub fn time_in_table(us: Option<i64>) -> String {
    if width().is_some_and(|width| width < WIDE) { written(us, "%Y-%m-%d") } else { time(us) }
}

/// An instant in a sentence.
pub fn as_of(us: Option<i64>) -> String {
    if us.is_some() { format!("as of {} UTC", time(us)) } else { "without a time".to_owned() }
}

fn written(us: Option<i64>, format: &str) -> String {
    let stamp = us.and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    stamp.map_or_else(|| "-".to_owned(), |stamp| stamp.strftime(format).to_string())
}

/// A number of bytes for people.
pub fn bytes(size: u64) -> String {
    indicatif::HumanBytes(size).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        let check = |text: &str, expected: &str| assert_eq!(wrap(text, 2, Some(10)), expected);
        check("", "");
        check("one two", "one two");
        check("one two three", "one two\n  three");
        check("  one  two three", "  one  two\n  three");
        check("a-word-that-is-longer than", "a-word-that-is-longer\n  than");
        assert_eq!(wrap("one two three", 2, None), "one two three");
    }

    #[test]
    fn nothing_that_a_terminal_acts_on_is_printed() {
        assert_eq!(shown("Zoë\u{1b}[31m\u{202e}\n"), "Zoë\\u{1b}[31m\\u{202e}\\u{a}");
        assert!(shown(&"é".repeat(500)).ends_with("é… (500 characters)"));
    }

    #[test]
    fn counts_have_their_plural() {
        assert_eq!(counted(1, "entry", "entries"), "1 entry");
        assert_eq!(counted(0, "entry", "entries"), "0 entries");
        assert_eq!(counted(1_234_567, "entry", "entries"), "1,234,567 entries");
    }

    #[test]
    fn an_instant_that_is_none_is_a_dash() {
        assert_eq!(time(Some(0)), "1970-01-01 00:00:00");
        assert_eq!(time(None), "-");
        assert_eq!(time(Some(i64::MAX)), "-");
    }
}
