//! The key that a message has beside its value, as in Kafka: it names the record of a tombstone, and of a delete whose
//! event does not.
//!
//! It is never read unless the event itself leaves the record unnamed.

use super::Refusal;
use super::json::Reader;
use super::row::Row;
use super::trie::{Node, Trie};
use crate::model::Source;

/// The forms that a key document has, in a tree of their own.
#[derive(Clone, Debug)]
pub(super) struct KeyDocument {
    trie: Trie,
    payload: Node,
    bare: Row,
    wrapped: Row,
}

/// The key of the present message, where it has one.
pub(super) struct MessageKey<'a> {
    /// How to read it.
    pub document: &'a mut KeyDocument,
    /// As it was sent.
    pub text: Option<&'a str>,
}

impl KeyDocument {
    /// What is read of the keys of `source`.
    pub fn compile(source: &Source) -> Self {
        let mut trie = Trie::new();
        let payload = trie.node(Trie::ROOT, "payload");
        let bare = Row::compile_key(source, &mut trie, Trie::ROOT);
        let wrapped = Row::compile_key(source, &mut trie, payload);
        Self { trie, payload, bare, wrapped }
    }
}

impl MessageKey<'_> {
    /// The record's key: an object with its parts, bare or in `{schema, payload}`, or a scalar where it has one part.
    pub fn read(&mut self, missing: Refusal) -> Result<String, Refusal> {
        let text = self.text.filter(|text| !text.is_empty()).ok_or(missing)?;
        let KeyDocument { trie, payload, bare, wrapped } = &mut *self.document;
        let mut reader = Reader::new(text);
        trie.start();
        trie.read(Trie::ROOT, &mut reader)?;
        reader.end()?;
        if bare.has_key(trie) {
            bare.key(trie, text)
        } else if wrapped.has_key(trie) {
            wrapped.key(trie, text)
        } else {
            bare.scalar_key(trie, text, [Trie::ROOT, *payload])
        }
    }
}
