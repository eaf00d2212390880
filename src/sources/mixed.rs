//! A stream of several sources: lines of `{"source":"crm","event":{…}}`, with `"key"` beside them where the message
//! had one of its own (a tombstone is `"event":null` with a key).
//!
//! It reads a line once when `source` stands before `event`, as writers are asked to do; else the event is read twice.

use super::decoder::{object_reader, text_of};
use super::json::{Kind, Reader, Span, unescape};
use super::trie;
use super::{Decoder, Refusal};
use crate::model::{Change, Schema, SourceId};
use std::sync::Arc;

/// Decodes lines of a mixed stream.
#[derive(Clone, Debug)]
pub struct MixedDecoder {
    /// By source id; made when a source first comes.
    decoders: Vec<Option<Decoder>>,
    schema: Arc<Schema>,
    last: Option<SourceId>,
}

/// The members of a line.
#[derive(Default)]
struct Line {
    source: Option<SourceId>,
    key: Option<Span>,
    event: Option<Span>,
    /// Whether `event` was read by the decoder of `source` on the way.
    read: bool,
}

impl MixedDecoder {
    /// A decoder of all sources of a bundle.
    pub fn new(schema: &Arc<Schema>) -> Self {
        Self { decoders: vec![None; schema.sources.len()], schema: Arc::clone(schema), last: None }
    }

    /// The source that the last line named, also when the line was refused later on.
    pub fn source(&self) -> Option<SourceId> {
        self.last
    }

    /// Decodes one line and appends its changes to `out`.
    ///
    /// # Errors
    /// The reason for which the line is refused; `out` is then as it was.
    pub fn decode(&mut self, message: &[u8], out: &mut Vec<Change>) -> Result<(), Refusal> {
        self.last = None;
        let text = text_of(message)?;
        let mut reader = object_reader(text)?;
        let mut line = Line::default();
        let mut more = reader.enter_object()?;
        while more {
            let key = reader.key()?;
            self.member(key, &mut reader, &mut line)?;
            more = reader.next_member()?;
        }
        reader.end()?;
        let source = line.source.ok_or(Refusal::NotAnEvent { path: "source" })?;
        let event = line.event.ok_or(Refusal::NotAnEvent { path: "event" })?;
        let key = line.key.map(|span| whole(text, span));
        let decoder = self.decoder(source);
        if line.read {
            return decoder.changes(text, key, out);
        }
        match event.kind {
            Kind::Null => decoder.tombstone(key, out),
            Kind::Object => {
                let event = trie::text_of(text, event);
                decoder.read(&mut Reader::new(event))?;
                decoder.changes(event, key, out)
            }
            _ => Err(Refusal::NotAnObject),
        }
    }

    fn member(&mut self, key: Span, reader: &mut Reader<'_>, line: &mut Line) -> Result<(), Refusal> {
        let duplicate = |path: &str| Err(Refusal::Duplicate { path: path.to_owned() });
        match trie::text_of(reader.text(), key) {
            "source" if line.source.is_some() => duplicate("source"),
            "event" if line.event.is_some() => duplicate("event"),
            "key" if line.key.is_some() => duplicate("key"),
            "source" => {
                let name = reader.value()?;
                let source = self.named(reader.text(), name)?;
                (line.source, self.last) = (Some(source), Some(source));
                Ok(())
            }
            "event" => {
                line.event = Some(match line.source {
                    Some(source) if reader.peek() == b'{' => {
                        let start = reader.at() as u32;
                        self.decoder(source).read(reader)?;
                        line.read = true;
                        Span { kind: Kind::Object, start, end: reader.at() as u32 }
                    }
                    _ => reader.value()?,
                });
                Ok(())
            }
            "key" => {
                line.key = Some(reader.value()?).filter(|span| span.kind != Kind::Null);
                Ok(())
            }
            _ => reader.value().map(|_| ()),
        }
    }

    fn named(&self, text: &str, span: Span) -> Result<SourceId, Refusal> {
        let written = trie::text_of(text, span);
        let mut name = String::new();
        match span.kind {
            Kind::Text => name.push_str(written),
            Kind::Escaped if unescape(written, &mut name) => {}
            _ => return Err(Refusal::NotAnEvent { path: "source" }),
        }
        self.schema.source(&name).ok_or_else(|| Refusal::UnknownSource { name: printable(&name) })
    }

    fn decoder(&mut self, source: SourceId) -> &mut Decoder {
        self.decoders[usize::from(source.0)].get_or_insert_with(|| Decoder::new(&self.schema, source))
    }
}

/// A value as a document of its own: a text with its quotes.
fn whole(text: &str, span: Span) -> &str {
    match span.kind {
        Kind::Text | Kind::Escaped => {
            text.get((span.start as usize).saturating_sub(1)..span.end as usize + 1).unwrap_or_default()
        }
        _ => trie::text_of(text, span),
    }
}

/// A name for a message on one line: cut, and without control characters.
fn printable(name: &str) -> String {
    name.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
