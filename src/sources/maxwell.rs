//! Maxwell's JSON: `type`, `data`, `old`, `ts`, `position`.
//!
//! It never takes content from `old`: only the former parts of a key that changed.

use super::Refusal;
use super::debezium::file_position;
use super::json::Kind;
use super::row::{Row, unit_at};
use super::time::Unit;
use super::trie::{Node, Trie};
use crate::model::{Change, Fields, Operation, Order, Source, SourceId, Timestamp};

/// What is read of a Maxwell message.
#[derive(Clone, Debug)]
pub(super) struct Maxwell {
    source: SourceId,
    kind: Node,
    data: Row,
    /// Only changed columns stand in `old`.
    old: Row,
    seconds: Node,
    position: Node,
}

impl Maxwell {
    /// What is read of messages of `source`.
    pub fn compile(id: SourceId, source: &Source, trie: &mut Trie) -> Self {
        let (data, old) = (trie.node(Trie::ROOT, "data"), trie.node(Trie::ROOT, "old"));
        Self {
            source: id,
            kind: trie.node(Trie::ROOT, "type"),
            data: Row::compile(source, trie, data, &[]),
            old: Row::compile_key(source, trie, old),
            seconds: trie.node(Trie::ROOT, "ts"),
            position: trie.node(Trie::ROOT, "position"),
        }
    }

    /// The changes of a document that `trie` has marked.
    pub fn changes(&self, trie: &Trie, text: &str, out: &mut Vec<Change>) -> Result<(), Refusal> {
        let deleted = match trie.written(self.kind, text, Kind::Text) {
            Some("insert" | "update" | "bootstrap-insert") => false,
            Some("delete") => true,
            Some("bootstrap-start" | "bootstrap-complete" | "heartbeat") => return Err(Refusal::Marker),
            Some(kind) if kind.starts_with("table-") || kind.starts_with("database-") => {
                return Err(Refusal::SchemaChange);
            }
            Some(_) => return Err(Refusal::Operation { path: "type".to_owned() }),
            None => return Err(Refusal::NotAnEvent { path: "type" }),
        };
        if trie.get(self.data.base()).is_none_or(|span| span.kind != Kind::Object) {
            return Err(Refusal::RowMissing);
        }
        let at = unit_at(trie, text, self.seconds, Unit::Seconds)?;
        let own = self.own_order(trie, text, at)?;
        let key = self.data.key(trie, text)?;
        let remove = |key| Change {
            source: self.source,
            key,
            operation: Operation::Delete,
            order: own,
            at,
            fields: Fields::default(),
        };
        if deleted {
            out.push(remove(key));
            return Ok(());
        }
        let order = self.data.order(trie, text)?.unwrap_or(own);
        let time = self.data.time(trie, text)?.or(at);
        let fields = self.data.fields(trie, text)?;
        let former = self.data.key_with(&self.old, trie, text)?;
        if former != key {
            out.push(remove(former));
        }
        out.push(Change { source: self.source, key, operation: self.data.operation(), order, at: time, fields });
        Ok(())
    }

    /// `position` is the file and offset of the binary log; without it, the seconds of `ts` order coarsely.
    fn own_order(&self, trie: &Trie, text: &str, at: Option<Timestamp>) -> Result<Order, Refusal> {
        let by_time = at.map_or(Order::Arrival, |time| Order::Time(time.0));
        let Some(position) = trie.written(self.position, text, Kind::Text) else { return Ok(by_time) };
        let refuse = || Refusal::Order { path: "position".to_owned() };
        let (file, offset) = position.rsplit_once(':').ok_or_else(refuse)?;
        let offset = offset.parse().map_err(|_| refuse())?;
        Ok(file_position(file, offset).map_err(|()| refuse())?.unwrap_or(by_time))
    }
}
