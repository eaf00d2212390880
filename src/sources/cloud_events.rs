//! CloudEvents 1.0 in structured JSON mode, whose `data` (or the document in `data_base64`) is the row.
//!
//! It never reads a payload without its envelope: what lacks `specversion` is refused.

use super::Refusal;
use super::json::{Kind, Reader, unescape};
use super::row::{KEY_BYTES_MAX, Row, instant_at, push_key_part};
use super::trie::{Node, Trie, text_of};
use crate::model::{Change, Fields, Operation, Order, Source, SourceId, Timestamp};

/// What is read of an event.
#[derive(Clone, Debug)]
pub(super) struct CloudEvents {
    source: SourceId,
    version: Node,
    required: [(Node, &'static str); 3],
    kind: Node,
    subject: Node,
    time: Node,
    encoded: Node,
    data: Row,
    key_parts: usize,
}

impl CloudEvents {
    /// What is read of events of `source`.
    pub fn compile(id: SourceId, source: &Source, trie: &mut Trie) -> Self {
        let data = trie.node(Trie::ROOT, "data");
        let mut root = |name: &str| trie.node(Trie::ROOT, name);
        Self {
            source: id,
            version: root("specversion"),
            required: [(root("id"), "id"), (root("source"), "source"), (root("type"), "type")],
            kind: root("type"),
            subject: root("subject"),
            time: root("time"),
            encoded: root("data_base64"),
            data: Row::compile(source, trie, data, &[]),
            key_parts: source.key.len(),
        }
    }

    /// The change of a document that `trie` has marked.
    pub fn changes(&self, trie: &mut Trie, text: &str, out: &mut Vec<Change>) -> Result<(), Refusal> {
        if !matches!(trie.written(self.version, text, Kind::Text), Some("1.0")) {
            return Err(Refusal::NotAnEvent { path: "specversion" });
        }
        for (node, path) in self.required {
            let named =
                |span: super::json::Span| matches!(span.kind, Kind::Text | Kind::Escaped) && span.end > span.start;
            if !trie.get(node).is_some_and(named) {
                return Err(Refusal::NotAnEvent { path });
            }
        }
        let deleted = trie.get(self.kind).is_some_and(|span| says_deleted(text_of(text, span)));
        let at = instant_at(trie, text, self.time)?;
        let has_data = trie.present(self.data.base()).is_some();
        if !has_data && let Some(span) = trie.present(self.encoded) {
            let written = text_of(text, span);
            let mut encoded = String::new();
            if !matches!(span.kind, Kind::Text | Kind::Escaped) || !unescape(written, &mut encoded) {
                return Err(Refusal::Base64);
            }
            let document = decode_base64(encoded.as_bytes()).ok_or(Refusal::Base64)?;
            let document = str::from_utf8(&document).map_err(|error| Refusal::Utf8 { offset: error.valid_up_to() })?;
            let mut reader = Reader::new(document);
            trie.start();
            trie.read(self.data.base(), &mut reader)?;
            reader.end()?;
            out.push(self.change(trie, document, deleted, at)?);
            return Ok(());
        }
        if !has_data && deleted && self.key_parts == 1 {
            // A delete often has no data; its subject is what it is about.
            let mut key = String::with_capacity(KEY_BYTES_MAX.min(text.len()));
            push_key_part(trie, text, self.subject, &mut key)?;
            out.push(self.delete(key, at));
            return Ok(());
        }
        out.push(self.change(trie, text, deleted, at)?);
        Ok(())
    }

    fn change(&self, trie: &Trie, text: &str, deleted: bool, at: Option<Timestamp>) -> Result<Change, Refusal> {
        if trie.get(self.data.base()).is_none_or(|span| span.kind != Kind::Object) {
            return Err(Refusal::RowMissing);
        }
        let key = self.data.key(trie, text)?;
        let at = self.data.time(trie, text)?.or(at);
        let mut change = self.delete(key, at);
        if let Some(order) = self.data.order(trie, text)? {
            change.order = order;
        }
        if !deleted {
            change.operation = self.data.operation();
            change.fields = self.data.fields(trie, text)?;
        }
        Ok(change)
    }

    fn delete(&self, key: String, at: Option<Timestamp>) -> Change {
        let order = at.map_or(Order::Arrival, |time| Order::Time(time.0));
        Change { source: self.source, key, operation: Operation::Delete, order, at, fields: Fields::default() }
    }
}

fn says_deleted(kind: &str) -> bool {
    ["deleted", "removed"].iter().any(|word| {
        let tail = kind.len().checked_sub(word.len()).and_then(|start| kind.get(start..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word))
    })
}

/// RFC 4648 base64 with padding; `None` for anything else.
fn decode_base64(encoded: &[u8]) -> Option<Vec<u8>> {
    let (groups, rest) = encoded.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut decoded = Vec::with_capacity(groups.len() * 3);
    for (index, group) in groups.iter().enumerate() {
        let padding =
            if index + 1 == groups.len() { group.iter().rev().take_while(|&&byte| byte == b'=').count() } else { 0 };
        if padding > 2 {
            return None;
        }
        let digits = group.iter().take(4 - padding);
        let bits = digits.map(|&byte| sextet(byte)).try_fold(0u32, |bits, digit| Some(bits << 6 | digit?))?;
        let [_, bytes @ ..] = (bits << (6 * padding)).to_be_bytes();
        decoded.extend(bytes.iter().take(3 - padding));
    }
    Some(decoded)
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::decode_base64;

    #[test]
    fn base64_by_the_vectors_of_rfc_4648() {
        for (encoded, expected) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(decode_base64(encoded.as_bytes()).as_deref(), Some(expected.as_bytes()), "{encoded}");
        }
        for encoded in ["Z", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Z=9v", "Zm9-"] {
            assert_eq!(decode_base64(encoded.as_bytes()), None, "{encoded}");
        }
    }
}
