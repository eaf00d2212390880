//! CSV after RFC 4180: the header says which column is which field, each row is an upsert.
//!
//! It never guesses a delimiter or a column: a file that lacks a mapped column is refused whole, a row of another width
//! than the header alone. An empty field is one without a value.

use super::Refusal;
use super::decoder::{row_change, source_of};
use super::feed::Error;
use super::json::{Kind, Span};
use super::row::Row;
use super::trie::{Node, Trie};
use crate::model::{Change, Schema, SourceId};

/// How many names of columns an error tells.
const NAMES_MAX: usize = 50;

/// The columns of one file and where they go.
pub(super) struct Table {
    source: SourceId,
    trie: Trie,
    row: Row,
    /// For each column, whether it is mapped.
    columns: Vec<Option<Node>>,
    /// The values of the mapped fields of the present row, without their quotes.
    text: String,
}

impl Table {
    /// The table of `source` with the columns of `header`, which is a row of the file called `label`.
    pub fn new(schema: &Schema, source: SourceId, header: &[u8], label: &str) -> Result<Self, Error> {
        let spec = source_of(schema, source);
        let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
        let broken = || Error::Header { label: label.to_owned() };
        let mut names = Vec::new();
        let text = str::from_utf8(header).map_err(|_| broken())?;
        split(text, |_, field| {
            names.push(field.unquoted().trim_ascii().to_owned());
            true
        })
        .map_err(|_| broken())?;
        let mapped =
            || spec.key.iter().chain(spec.fields.iter().map(|field| &field.path)).chain(&spec.time).chain(&spec.order);
        let missing = names_of(mapped().filter(|path| !names.contains(path)));
        if !missing.is_empty() {
            return Err(Error::MissingColumns { label: label.to_owned(), missing, found: names_of(names.iter()) });
        }
        if let Some(twice) = mapped().find(|path| names.iter().filter(|name| name == path).count() > 1) {
            return Err(Error::DuplicateColumn { label: label.to_owned(), column: twice.clone() });
        }
        let mut trie = Trie::new();
        let row = Row::compile_columns(spec, &mut trie);
        let columns = names.iter().map(|name| mapped().any(|path| path == name).then(|| trie.child(Trie::ROOT, name)));
        let columns = columns.collect();
        Ok(Self { source, trie, row, columns, text: String::new() })
    }

    /// The change of one row.
    pub fn decode(&mut self, row: &[u8], out: &mut Vec<Change>) -> Result<(), Refusal> {
        let text = str::from_utf8(row).map_err(|error| Refusal::Utf8 { offset: error.valid_up_to() })?;
        let Self { trie, columns, text: values, .. } = self;
        let expected = columns.len();
        trie.start();
        values.clear();
        let found = split(text, |index, field| {
            if let Some(Some(node)) = columns.get(index) {
                let start = values.len() as u32;
                field.push_to(values);
                trie.mark(*node, Span { kind: Kind::Text, start, end: values.len() as u32 });
            }
            index < expected
        })?;
        if found != expected {
            return Err(Refusal::Ragged { expected, found });
        }
        out.push(row_change(self.source, &self.row, &self.trie, &self.text)?);
        Ok(())
    }
}

/// One field as it stands in the row.
struct Field<'a> {
    /// Between its quotes, where it has them.
    inner: &'a str,
    quoted: bool,
}

impl Field<'_> {
    fn push_to(&self, into: &mut String) {
        if !self.quoted {
            into.push_str(self.inner);
            return;
        }
        // Inside quotes a quote is written twice, and `split` has seen that it is.
        for (index, part) in self.inner.split("\"\"").enumerate() {
            if index > 0 {
                into.push('"');
            }
            into.push_str(part);
        }
    }

    fn unquoted(&self) -> String {
        let mut text = String::new();
        self.push_to(&mut text);
        text
    }
}

/// Hands on the fields of a row until `each` has enough, and says how many it handed on.
fn split<'a>(row: &'a str, mut each: impl FnMut(usize, Field<'a>) -> bool) -> Result<usize, Refusal> {
    let mut rest = row.strip_suffix('\r').unwrap_or(row);
    let mut count = 0;
    loop {
        let (field, tail) = match rest.strip_prefix('"') {
            Some(inner) => {
                let end = closing_quote(inner.as_bytes()).ok_or(Refusal::Quote)?;
                let (inner, tail) = inner.split_at(end);
                (Field { inner, quoted: true }, tail.get(1..).unwrap_or_default())
            }
            None => {
                let end = memchr::memchr(b',', rest.as_bytes()).unwrap_or(rest.len());
                let (inner, tail) = rest.split_at(end);
                (Field { inner, quoted: false }, tail)
            }
        };
        let more = each(count, field);
        count += 1;
        match tail.strip_prefix(',') {
            Some(next) if more => rest = next,
            Some(_) => return Ok(count),
            None if tail.is_empty() => return Ok(count),
            None => return Err(Refusal::Quote),
        }
    }
}

/// Where the quote stands that closes a field.
fn closing_quote(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..)?;
        let quote = memchr::memchr(b'"', rest)?;
        if rest.get(quote + 1) != Some(&b'"') {
            return Some(at + quote);
        }
        at += quote + 2;
    }
}

/// Names for an error, on one line and not without end.
pub(super) fn names_of<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let short = |name: &String| name.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    names.take(NAMES_MAX).map(short).collect()
}
