//! Debezium's JSON: the envelope bare or inside `{schema, payload}`, and the flattened form of its
//! `ExtractNewRecordState` transform.
//!
//! It never takes content from `before`: only the key that stands there, to name the row of a delete or the former
//! name of a row whose key changed.
//!
//! INVARIANT: an event that is no change of one row (truncate, logical message, schema change, transaction, heartbeat,
//! key document) is refused by a reason of its own, and never read as a flattened row.

use super::Refusal;
use super::json::Kind;
use super::key::MessageKey;
use super::row::{Row, unit_at};
use super::time::Unit;
use super::trie::{Node, Trie, text_of};
use crate::model::{Change, Fields, Operation, Order, Source, SourceId, Timestamp};

/// What is read of a Debezium message.
#[derive(Clone, Debug)]
pub(super) struct Debezium {
    source: SourceId,
    bare: Document,
    wrapped: Document,
    payload: Node,
    schema_name: Node,
}

/// The two places of a document: at the root, or below `payload`.
#[derive(Clone, Debug)]
struct Document {
    base: Node,
    op: Node,
    before: Row,
    after: Row,
    flat: Row,
    log: Log,
    times: Vec<(Node, Unit)>,
    source: Node,
    ddl: Node,
    database_name: Node,
    status: Node,
    transaction_members: [Node; 2],
    deleted: Node,
    flat_op: Node,
    flat_log: Log,
    flat_times: Vec<(Node, Unit)>,
}

/// Where the position in the database's log is written.
#[derive(Clone, Debug)]
struct Log {
    numbers: Vec<Node>,
    file: Node,
    position: Node,
}

/// When a change happened and what orders it.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: Option<Timestamp>,
    order: Order,
}

impl Debezium {
    /// What is read of messages of `source`.
    pub fn compile(id: SourceId, source: &Source, trie: &mut Trie) -> Self {
        let payload = trie.node(Trie::ROOT, "payload");
        let schema_name = trie.node(Trie::ROOT, "schema.name");
        Self {
            source: id,
            bare: Document::compile(source, trie, Trie::ROOT),
            wrapped: Document::compile(source, trie, payload),
            payload,
            schema_name,
        }
    }

    /// The changes of a document that `trie` has marked. `key` is the message's own key, where it has one.
    pub fn changes(
        &self,
        trie: &Trie,
        text: &str,
        key: &mut MessageKey<'_>,
        out: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let document = match trie.get(self.payload).map(|span| span.kind) {
            // A flattened row may have a column of that name; then it has its key as well.
            Some(Kind::Object) if trie.get(self.bare.op).is_none() && !self.bare.flat.has_key(trie) => &self.wrapped,
            Some(Kind::Null) if !self.bare.flat.has_fields(trie) => {
                out.push(delete(self.source, key.read(Refusal::Tombstone)?, Place { at: None, order: Order::Arrival }));
                return Ok(());
            }
            _ => &self.bare,
        };
        let envelope = document.after.base();
        let rows = [envelope, document.before.base(), document.source];
        match trie.get(document.op) {
            Some(_) if rows.iter().any(|&node| trie.get(node).is_some()) => {
                document.envelope(self.source, trie, text, key, out)
            }
            _ => document.flattened(self.source, trie, text, self.schema_name, out),
        }
    }
}

impl Document {
    fn compile(source: &Source, trie: &mut Trie, base: Node) -> Self {
        let mut nodes = |paths: &[&str]| paths.iter().map(|path| trie.node(base, path)).collect::<Vec<_>>();
        let log = Log {
            numbers: nodes(&["source.lsn", "source.scn"]),
            file: nodes(&["source.file"])[0],
            position: nodes(&["source.pos"])[0],
        };
        let flat_log = Log {
            numbers: nodes(&["__lsn", "__source_lsn", "__scn", "__source_scn"]),
            file: nodes(&["__file"])[0],
            position: nodes(&["__pos"])[0],
        };
        let units = [Unit::Micros, Unit::Nanos, Unit::Millis].into_iter().cycle();
        let times = nodes(&["source.ts_us", "source.ts_ns", "source.ts_ms", "ts_us", "ts_ns", "ts_ms"]);
        let flat_times =
            nodes(&["__source_ts_us", "__source_ts_ns", "__source_ts_ms", "__ts_us", "__ts_ns", "__ts_ms"]);
        let transaction_members = [trie.node(base, "event_count"), trie.node(base, "data_collections")];
        let (before, after) = (trie.node(base, "before"), trie.node(base, "after"));
        Self {
            base,
            op: trie.node(base, "op"),
            before: Row::compile_key(source, trie, before),
            after: Row::compile(source, trie, after, &[]),
            flat: Row::compile(source, trie, base, &[]),
            log,
            times: times.into_iter().zip(units.clone()).collect(),
            source: trie.node(base, "source"),
            ddl: trie.node(base, "ddl"),
            database_name: trie.node(base, "databaseName"),
            status: trie.node(base, "status"),
            transaction_members,
            deleted: trie.node(base, "__deleted"),
            flat_op: trie.node(base, "__op"),
            flat_log,
            flat_times: flat_times.into_iter().zip(units).collect(),
        }
    }

    /// An envelope: `op`, `before`, `after`, `source`.
    fn envelope(
        &self,
        source: SourceId,
        trie: &Trie,
        text: &str,
        message_key: &mut MessageKey<'_>,
        out: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let row = match operation(trie, text, self.op)? {
            Effect::Write => &self.after,
            Effect::Delete => {
                let place = place(trie, text, &self.log, &self.times)?;
                let key = if self.before.has_key(trie) {
                    self.before.key(trie, text)?
                } else {
                    message_key.read(Refusal::DeleteWithoutKey)?
                };
                out.push(delete(source, key, place));
                return Ok(());
            }
        };
        if trie.get(row.base()).is_none_or(|span| span.kind != Kind::Object) {
            return Err(Refusal::RowMissing);
        }
        let place = place(trie, text, &self.log, &self.times)?;
        let change = upsert(source, row, trie, text, place)?;
        if self.before.has_key(trie) {
            let former = self.before.key(trie, text)?;
            if former != change.key {
                out.push(delete(source, former, place));
            }
        }
        out.push(change);
        Ok(())
    }

    /// A row without envelope, perhaps with what the transform adds to it.
    fn flattened(
        &self,
        source: SourceId,
        trie: &Trie,
        text: &str,
        schema_name: Node,
        out: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let marked = trie.get(self.deleted).is_some() || trie.get(self.flat_op).is_some();
        if !marked {
            self.refuse_other_documents(trie, text, schema_name)?;
        }
        let deleted = trie.get(self.deleted).is_some_and(|span| text_of(text, span) == "true")
            || matches!(
                trie.present(self.flat_op).map(|_| operation(trie, text, self.flat_op)).transpose()?,
                Some(Effect::Delete)
            );
        let place = place(trie, text, &self.flat_log, &self.flat_times)?;
        out.push(if deleted {
            delete(source, self.flat.key(trie, text)?, place)
        } else {
            upsert(source, &self.flat, trie, text, place)?
        });
        Ok(())
    }

    /// What a connector sends besides rows.
    fn refuse_other_documents(&self, trie: &Trie, text: &str, schema_name: Node) -> Result<(), Refusal> {
        let has = |node: Node| trie.get(node).is_some();
        if has(self.ddl) {
            return Err(Refusal::SchemaChange);
        }
        if matches!(trie.written(self.status, text, Kind::Text), Some("BEGIN" | "END"))
            && self.transaction_members.iter().any(|&node| has(node))
        {
            return Err(Refusal::Transaction);
        }
        let named_key = trie.written(schema_name, text, Kind::Text).is_some_and(|name| name.ends_with("Key"));
        let has_fields = self.flat.has_fields(trie);
        if named_key || (!has_fields && (self.flat.has_key(trie) || has(self.database_name))) {
            return Err(Refusal::KeyDocument);
        }
        if !has_fields && self.times.iter().any(|&(node, _)| has(node)) {
            return Err(Refusal::Heartbeat);
        }
        if !has_fields {
            return Err(Refusal::NotAnEvent { path: if self.base == Trie::ROOT { "op" } else { "payload.op" } });
        }
        Ok(())
    }
}

/// What an operation does to the row.
enum Effect {
    Write,
    Delete,
}

fn operation(trie: &Trie, text: &str, node: Node) -> Result<Effect, Refusal> {
    match trie.written(node, text, Kind::Text) {
        Some("c" | "u" | "r") => Ok(Effect::Write),
        Some("d") => Ok(Effect::Delete),
        Some("t") => Err(Refusal::Truncate),
        Some("m") => Err(Refusal::LogicalMessage),
        _ => Err(Refusal::Operation { path: trie.path(node) }),
    }
}

fn place(trie: &Trie, text: &str, log: &Log, times: &[(Node, Unit)]) -> Result<Place, Refusal> {
    let mut at = None;
    for &(node, unit) in times {
        // A connector that knows no time writes 0.
        if let Some(time) = unit_at(trie, text, node, unit)?.filter(|time| time.0 != 0) {
            at = Some(time);
            break;
        }
    }
    let by_time = at.map_or(Order::Arrival, |time| Order::Time(time.0));
    Ok(Place { at, order: log.order(trie, text)?.unwrap_or(by_time) })
}

impl Log {
    /// PostgreSQL's LSN or Oracle's SCN as it is, MySQL's file number and position as one number; `None` where the
    /// database writes neither.
    fn order(&self, trie: &Trie, text: &str) -> Result<Option<Order>, Refusal> {
        for &node in &self.numbers {
            if let Some(number) = number_at(trie, text, node)? {
                return Ok(Some(Order::Log(number)));
            }
        }
        let (Some(file), Some(position)) =
            (trie.written(self.file, text, Kind::Text), number_at(trie, text, self.position)?)
        else {
            return Ok(None);
        };
        file_position(file, position).map_err(|()| Refusal::Order { path: trie.path(self.file) })
    }
}

/// The order of a MySQL binary log position, such as `mysql-bin.000003` and 570; `None` when the file has no number,
/// an error when either is too big: files have 24 bits, positions 40.
pub(super) fn file_position(file: &str, position: u64) -> Result<Option<Order>, ()> {
    let Some((_, digits)) = file.rsplit_once('.') else { return Ok(None) };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let number: u64 = digits.parse().map_err(|_| ())?;
    if number >= 1 << 24 || position >= 1 << 40 {
        return Err(());
    }
    Ok(Some(Order::Log(number << 40 | position)))
}

fn number_at(trie: &Trie, text: &str, node: Node) -> Result<Option<u64>, Refusal> {
    let Some(span) = trie.present(node) else { return Ok(None) };
    match span.kind {
        Kind::Number | Kind::Text => text_of(text, span).parse().ok(),
        _ => None,
    }
    .map(Some)
    .ok_or_else(|| Refusal::Order { path: trie.path(node) })
}

fn upsert(source: SourceId, row: &Row, trie: &Trie, text: &str, place: Place) -> Result<Change, Refusal> {
    Ok(Change {
        source,
        key: row.key(trie, text)?,
        operation: row.operation(),
        order: row.order(trie, text)?.unwrap_or(place.order),
        at: row.time(trie, text)?.or(place.at),
        fields: row.fields(trie, text)?,
    })
}

fn delete(source: SourceId, key: String, place: Place) -> Change {
    Change { source, key, operation: Operation::Delete, order: place.order, at: place.at, fields: Fields::default() }
}
