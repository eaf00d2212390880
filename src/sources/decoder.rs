//! One message in, the changes that it says out.
//!
//! A decoder never does I/O, never keeps anything of a message but the spelling of its keys, and never takes half a
//! message: what is refused leaves the changes as they were.

use super::cloud_events::CloudEvents;
use super::debezium::Debezium;
use super::json::Reader;
use super::key::{KeyDocument, MessageKey};
use super::maxwell::Maxwell;
use super::row::Row;
use super::segment::Segment;
use super::trie::Trie;
use super::{MESSAGE_BYTES_MAX, Refusal};
use crate::model::{Change, Fields, Format, Operation, Order, Schema, Source, SourceId};
use std::sync::Arc;

/// Decodes single messages of one source.
///
/// Messages are JSON whatever the source's format: a source that is read from CSV or Parquet files takes its rows as
/// objects, with the columns as members, when they come one by one.
#[derive(Clone, Debug)]
pub struct Decoder {
    source: SourceId,
    trie: Trie,
    form: Form,
    key_document: KeyDocument,
}

/// What is read of a message, by format.
#[derive(Clone, Debug)]
enum Form {
    Debezium(Box<Debezium>),
    Segment(Box<Segment>),
    CloudEvents(Box<CloudEvents>),
    Maxwell(Box<Maxwell>),
    Rows(Row),
}

impl Decoder {
    /// A decoder of `source`.
    ///
    /// # Panics
    /// When `source` is not one of `schema`.
    pub fn new(schema: &Arc<Schema>, source: SourceId) -> Self {
        let spec = source_of(schema, source);
        let mut trie = Trie::new();
        let form = match spec.format {
            Format::Debezium => Form::Debezium(Box::new(Debezium::compile(source, spec, &mut trie))),
            Format::Segment => Form::Segment(Box::new(Segment::compile(source, spec, schema, &mut trie))),
            Format::CloudEvents => Form::CloudEvents(Box::new(CloudEvents::compile(source, spec, &mut trie))),
            Format::Maxwell => Form::Maxwell(Box::new(Maxwell::compile(source, spec, &mut trie))),
            Format::Ndjson | Format::Csv | Format::Parquet => {
                Form::Rows(Row::compile(spec, &mut trie, Trie::ROOT, &[]))
            }
        };
        Self { source, trie, form, key_document: KeyDocument::compile(spec) }
    }

    /// The source whose messages it decodes.
    pub fn source(&self) -> SourceId {
        self.source
    }

    /// Decodes one message (a line without its newline) and appends its changes to `out`.
    ///
    /// # Errors
    /// The reason for which the message is refused; `out` is then as it was.
    pub fn decode(&mut self, message: &[u8], out: &mut Vec<Change>) -> Result<(), Refusal> {
        let text = text_of(message)?;
        self.decode_text(text, None, out)
    }

    /// Decodes a message that has a key beside its value, as in Kafka. No value, an empty one or `null` is a tombstone:
    /// the record that the key names is gone. Of the key nothing else is read.
    ///
    /// # Errors
    /// The reason for which the message is refused; `out` is then as it was.
    pub fn decode_keyed(&mut self, key: &[u8], value: Option<&[u8]>, out: &mut Vec<Change>) -> Result<(), Refusal> {
        let key = text_of(key)?;
        let value = text_of(value.unwrap_or_default())?;
        self.decode_text(value, Some(key), out)
    }

    fn decode_text(&mut self, text: &str, key: Option<&str>, out: &mut Vec<Change>) -> Result<(), Refusal> {
        if matches!(text.trim_ascii(), "" | "null") {
            return self.tombstone(key, out);
        }
        let mut reader = object_reader(text)?;
        self.read(&mut reader)?;
        reader.end()?;
        self.changes(text, key, out)
    }

    /// Marks the object at `reader`.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        self.trie.start();
        self.trie.read(Trie::ROOT, reader)
    }

    /// The changes of the document that was read last, out of `text`.
    pub(super) fn changes(&mut self, text: &str, key: Option<&str>, out: &mut Vec<Change>) -> Result<(), Refusal> {
        let taken = out.len();
        let done = match &self.form {
            Form::Debezium(form) => {
                let mut key = MessageKey { document: &mut self.key_document, text: key };
                form.changes(&self.trie, text, &mut key, out)
            }
            Form::Segment(form) => form.changes(&self.trie, text, out),
            Form::CloudEvents(form) => form.changes(&mut self.trie, text, out),
            Form::Maxwell(form) => form.changes(&self.trie, text, out),
            Form::Rows(row) => row_change(self.source, row, &self.trie, text).map(|change| out.push(change)),
        };
        if done.is_err() {
            out.truncate(taken);
        }
        done
    }

    /// The record that `key` names is gone.
    pub(super) fn tombstone(&mut self, key: Option<&str>, out: &mut Vec<Change>) -> Result<(), Refusal> {
        let key = MessageKey { document: &mut self.key_document, text: key }.read(Refusal::Tombstone)?;
        let (operation, order) = (Operation::Delete, Order::Arrival);
        out.push(Change { source: self.source, key, operation, order, at: None, fields: Fields::default() });
        Ok(())
    }
}

/// A row that is a change by itself.
pub(super) fn row_change(source: SourceId, row: &Row, trie: &Trie, text: &str) -> Result<Change, Refusal> {
    let at = row.time(trie, text)?;
    let by_time = at.map_or(Order::Arrival, |at| Order::Time(at.0));
    Ok(Change {
        source,
        key: row.key(trie, text)?,
        operation: row.operation(),
        order: row.order(trie, text)?.unwrap_or(by_time),
        at,
        fields: row.fields(trie, text)?,
    })
}

/// The source of this id.
pub(super) fn source_of(schema: &Schema, source: SourceId) -> &Source {
    schema.sources.get(usize::from(source.0)).expect("a source id is an index into the schema that it came from")
}

/// A reader that stands before the object that `text` is.
pub(super) fn object_reader(text: &str) -> Result<Reader<'_>, Refusal> {
    let mut reader = Reader::new(text);
    if reader.peek() == b'{' {
        return Ok(reader);
    }
    reader.value()?;
    reader.end()?;
    Err(Refusal::NotAnObject)
}

/// The message as text, without a byte order mark.
pub(super) fn text_of(message: &[u8]) -> Result<&str, Refusal> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(Refusal::TooLong { max_bytes: MESSAGE_BYTES_MAX as u64 });
    }
    let text = str::from_utf8(message).map_err(|error| Refusal::Utf8 { offset: error.valid_up_to() })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
