//! Parquet files: each row is an upsert; dotted paths go into groups, and dates, times and decimals become text.
//!
//! It reads only the columns that are mapped. It never lets a damaged file end the process: the reader below panics on
//! some, which is caught and told as an error of the file.

use super::Refusal;
use super::csv::names_of;
use super::decoder::{row_change, source_of};
use super::feed::Error;
use super::json::{Kind, Span};
use super::row::Row;
use super::time::{date_text, instant_text};
use super::trie::{Node, Trie};
use crate::model::{Change, Schema, SourceId};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row as ParquetRow};
use parquet::schema::types::{Type, TypePtr};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The rows of one file.
pub(super) struct Rows {
    source: SourceId,
    label: String,
    trie: Trie,
    row: Row,
    rows: Option<RowIter<'static>>,
    /// The values of the present row.
    text: String,
}

impl Rows {
    /// The rows of `file` from the one behind the first `skipped`.
    pub fn open(schema: &Schema, source: SourceId, file: File, label: &str, skipped: u64) -> Result<Self, Error> {
        let spec = source_of(schema, source);
        let damaged = |reason: &str| Error::Parquet { label: label.to_owned(), reason: reason.to_owned() };
        let paths =
            || spec.key.iter().chain(spec.fields.iter().map(|field| &field.path)).chain(&spec.time).chain(&spec.order);
        let opened = catch_unwind(AssertUnwindSafe(|| open_groups(file, skipped)));
        let (reader, to_skip) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(_)) => return Err(damaged("it is not a Parquet file, or its footer is damaged")),
            Err(_) => return Err(damaged("its footer is damaged")),
        };
        let root = reader.metadata().file_metadata().schema();
        let missing = names_of(paths().filter(|path| !has_path(root, path)));
        if !missing.is_empty() {
            let found: Vec<String> = root.get_fields().iter().map(|field| field.name().to_owned()).collect();
            return Err(Error::MissingColumns { label: label.to_owned(), missing, found: names_of(found.iter()) });
        }
        let wanted = |field: &&TypePtr| paths().any(|path| path.split('.').next() == Some(field.name()));
        let fields: Vec<TypePtr> = root.get_fields().iter().filter(wanted).map(Arc::clone).collect();
        let projection = Type::group_type_builder(root.name()).with_fields(fields).build();
        let projection = projection.map_err(|_| damaged("its columns can't be read"))?;
        let mut trie = Trie::new();
        let row = Row::compile(spec, &mut trie, Trie::ROOT, &[]);
        let rows = RowIter::from_file_into(Box::new(reader)).project(Some(projection));
        let rows = rows.map_err(|_| damaged("its columns can't be read"))?;
        let mut rows = Self { source, label: label.to_owned(), trie, row, rows: Some(rows), text: String::new() };
        for _ in 0..to_skip {
            rows.next_row()?;
        }
        Ok(rows)
    }

    /// The change of the next row: `None` at the end, the refusal inside when the row can't be taken.
    pub fn next(&mut self, out: &mut Vec<Change>) -> Result<Option<Result<(), Refusal>>, Error> {
        let Some(row) = self.next_row()? else { return Ok(None) };
        self.trie.start();
        self.text.clear();
        let marked = mark_members(&mut self.trie, Trie::ROOT, &row, &mut self.text);
        let change = marked.and_then(|()| row_change(self.source, &self.row, &self.trie, &self.text));
        Ok(Some(change.map(|change| out.push(change))))
    }

    /// The values of the present row, one behind another.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn next_row(&mut self) -> Result<Option<ParquetRow>, Error> {
        let Some(rows) = &mut self.rows else { return Ok(None) };
        match catch_unwind(AssertUnwindSafe(|| rows.next())) {
            Ok(Some(Ok(row))) => Ok(Some(row)),
            Ok(None) => Ok(None),
            Ok(Some(Err(_))) | Err(_) => {
                self.rows = None;
                Err(Error::Parquet { label: self.label.clone(), reason: "its data is damaged".to_owned() })
            }
        }
    }
}

/// A reader without the row groups that lie whole among the first `skipped` rows, and how many rows are left to skip.
fn open_groups(file: File, skipped: u64) -> parquet::errors::Result<(SerializedFileReader<File>, u64)> {
    let whole = SerializedFileReader::new(file.try_clone()?)?;
    let (mut groups, mut left) = (0usize, skipped);
    for group in whole.metadata().row_groups() {
        match u64::try_from(group.num_rows()) {
            Ok(rows) if rows <= left => (groups, left) = (groups + 1, left - rows),
            _ => break,
        }
    }
    let options = ReadOptionsBuilder::new().with_predicate(Box::new(move |_, index| index >= groups)).build();
    Ok((SerializedFileReader::new_with_options(file, options)?, left))
}

fn has_path(root: &Type, path: &str) -> bool {
    let mut at = root;
    for name in path.split('.') {
        match at.is_group().then(|| at.get_fields().iter().find(|field| field.name() == name)).flatten() {
            Some(field) => at = field.as_ref(),
            None => return false,
        }
    }
    true
}

fn mark_members(trie: &mut Trie, parent: Node, row: &ParquetRow, text: &mut String) -> Result<(), Refusal> {
    for (name, field) in row.get_column_iter() {
        let Some(node) = trie.find(parent, name) else { continue };
        let start = text.len() as u32;
        let kind = push_field(field, text).ok_or_else(|| Refusal::Unprintable { path: trie.path(node) })?;
        if text.len() > super::MESSAGE_BYTES_MAX {
            return Err(Refusal::TooLong { max_bytes: super::MESSAGE_BYTES_MAX as u64 });
        }
        trie.mark(node, Span { kind, start, end: text.len() as u32 });
        if let Field::Group(members) = field {
            mark_members(trie, node, members, text)?;
        }
    }
    Ok(())
}

/// Appends a value as text and says how it is written; `None` when it has no text form.
fn push_field(field: &Field, text: &mut String) -> Option<Kind> {
    let (kind, written) = match field {
        Field::Null => return Some(Kind::Null),
        Field::Bool(value) => (Kind::Boolean, value.to_string()),
        Field::Str(value) => {
            text.push_str(value);
            return Some(Kind::Text);
        }
        Field::Bytes(value) => (Kind::Text, str::from_utf8(value.data()).ok()?.to_owned()),
        Field::Date(days) => (Kind::Text, date_text(i64::from(*days))?),
        Field::TimestampMillis(millis) => (Kind::Text, instant_text(millis.checked_mul(1_000)?)?),
        Field::TimestampMicros(micros) => (Kind::Text, instant_text(*micros)?),
        Field::TimeMillis(_) | Field::TimeMicros(_) => (Kind::Text, field.to_string()),
        Field::Float16(value) => (Kind::Number, finite(f64::from(*value))?),
        Field::Float(value) => (Kind::Number, value.is_finite().then(|| value.to_string())?),
        Field::Double(value) => (Kind::Number, finite(*value)?),
        Field::Group(_) => (Kind::Object, json_of(field)?.to_string()),
        Field::ListInternal(_) | Field::MapInternal(_) => (Kind::Array, json_of(field)?.to_string()),
        _ => (Kind::Number, field.to_string()),
    };
    text.push_str(&written);
    Some(kind)
}

fn finite(value: f64) -> Option<String> {
    value.is_finite().then(|| value.to_string())
}

/// A nested value as JSON; a map is an array of pairs.
fn json_of(field: &Field) -> Option<serde_json::Value> {
    Some(match field {
        Field::Group(row) => {
            let members = row.get_column_iter().map(|(name, value)| Some((name.clone(), json_of(value)?)));
            serde_json::Value::Object(members.collect::<Option<_>>()?)
        }
        Field::ListInternal(list) => {
            serde_json::Value::Array(list.elements().iter().map(json_of).collect::<Option<_>>()?)
        }
        Field::MapInternal(map) => {
            let pairs = map.entries().iter().map(|(key, value)| Some(vec![json_of(key)?, json_of(value)?].into()));
            serde_json::Value::Array(pairs.collect::<Option<_>>()?)
        }
        _ => {
            let mut text = String::new();
            match push_field(field, &mut text)? {
                Kind::Null => serde_json::Value::Null,
                Kind::Boolean | Kind::Number => serde_json::from_str(&text).ok()?,
                _ => serde_json::Value::String(text),
            }
        }
    })
}
