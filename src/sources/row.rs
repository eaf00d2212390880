//! What every format has in common once its document is marked: the key, the mapped fields, the event time and the
//! place in order of one record.
//!
//! INVARIANT: fields go out in ascending order of index, and a time or order that is there but can't be read refuses
//! the change: nothing silently becomes undated.

use super::Refusal;
use super::json::{Kind, unescape};
use super::time::{self, Unit};
use super::trie::{Node, Trie, text_of};
use crate::model::{CellKind, FieldIndex, Fields, Format, Operation, Order, Source, Timestamp};

/// What joins the parts of a key.
pub(super) const KEY_SEPARATOR: char = '\u{1f}';
/// Longest key, in bytes.
pub(super) const KEY_BYTES_MAX: usize = 1_024;
/// What Debezium writes in place of a value that did not change and that the database did not send.
const UNAVAILABLE: &str = "__debezium_unavailable_value";
/// The same in a column of bytes, and in a column of texts.
const UNAVAILABLE_BYTES: &str = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==";
const UNAVAILABLE_ARRAY: &str = "[\"__debezium_unavailable_value\"]";

/// The nodes of a row below one node of the tree.
#[derive(Clone, Debug)]
pub(super) struct Row {
    base: Node,
    key: Vec<Node>,
    /// By field index.
    fields: Vec<Node>,
    /// For each field, the nodes between the row and it whose null removes it in a patch.
    ancestors: Vec<Vec<Node>>,
    time: Option<Node>,
    order: Option<Node>,
    style: Style,
}

/// How a source writes what is not there.
#[derive(Clone, Copy, Debug)]
struct Style {
    accumulate: bool,
    placeholder: bool,
    empty_is_null: bool,
}

impl Row {
    /// The row of `source` below `base`. `containers` are the paths whose null says nothing of what is below them.
    pub fn compile(source: &Source, trie: &mut Trie, base: Node, containers: &[&str]) -> Self {
        let key = source.key.iter().map(|path| trie.node(base, path)).collect();
        let fields: Vec<Node> = source.fields.iter().map(|field| trie.node(base, &field.path)).collect();
        let containers: Vec<Node> = containers.iter().map(|path| trie.node(base, path)).collect();
        let ancestors = fields.iter().map(|&field| ancestors(trie, base, field, &containers)).collect();
        let style = Style {
            accumulate: source.accumulate,
            placeholder: source.format == Format::Debezium,
            empty_is_null: source.format == Format::Csv,
        };
        let time = source.time.as_ref().map(|path| trie.node(base, path));
        let order = source.order.as_ref().map(|path| trie.node(base, path));
        Self { base, key, fields, ancestors, time, order, style }
    }

    /// The key of `source` below `base` and nothing else.
    pub fn compile_key(source: &Source, trie: &mut Trie, base: Node) -> Self {
        let bare = Source { fields: Vec::new(), time: None, order: None, ..source.clone() };
        Self::compile(&bare, trie, base, &[])
    }

    /// The row of `source` whose paths are names of columns, dots and all.
    pub fn compile_columns(source: &Source, trie: &mut Trie) -> Self {
        let mut row = Self::compile_key(source, trie, Trie::ROOT);
        let mut column = |path: &String| trie.child(Trie::ROOT, path);
        row.key = source.key.iter().map(&mut column).collect();
        row.fields = source.fields.iter().map(|field| column(&field.path)).collect();
        row.ancestors = vec![Vec::new(); row.fields.len()];
        row.time = source.time.as_ref().map(&mut column);
        row.order = source.order.as_ref().map(&mut column);
        row
    }

    /// The node that the row stands below.
    pub fn base(&self) -> Node {
        self.base
    }

    /// The node of a field.
    pub fn field(&self, index: FieldIndex) -> Option<Node> {
        self.fields.get(usize::from(index.0)).copied()
    }

    /// What an upsert of this source is called.
    pub fn operation(&self) -> Operation {
        if self.style.accumulate { Operation::Patch } else { Operation::Upsert }
    }

    /// Whether the document has a mapped field that is not part of the key.
    pub fn has_fields(&self, trie: &Trie) -> bool {
        self.fields.iter().any(|field| !self.key.contains(field) && trie.get(*field).is_some())
    }

    /// Whether every part of the key is there.
    pub fn has_key(&self, trie: &Trie) -> bool {
        self.key.iter().all(|part| trie.present(*part).is_some())
    }

    /// The key: all parts joined.
    pub fn key(&self, trie: &Trie, text: &str) -> Result<String, Refusal> {
        let mut key = String::with_capacity(
            self.key.iter().filter_map(|&part| trie.get(part)).map(size).sum::<usize>() + self.key.len(),
        );
        for (index, &part) in self.key.iter().enumerate() {
            if index > 0 {
                key.push(KEY_SEPARATOR);
            }
            push_key_part(trie, text, part, &mut key)?;
        }
        Ok(key)
    }

    /// The key with those parts that `other` has taken from there.
    pub fn key_with(&self, other: &Self, trie: &Trie, text: &str) -> Result<String, Refusal> {
        let mut key = String::new();
        for (index, (&own, &others)) in self.key.iter().zip(&other.key).enumerate() {
            if index > 0 {
                key.push(KEY_SEPARATOR);
            }
            let part = if trie.present(others).is_some() { others } else { own };
            push_key_part(trie, text, part, &mut key)?;
        }
        Ok(key)
    }

    /// The key that one of `nodes` says by itself, where the key has one part.
    pub fn scalar_key(&self, trie: &Trie, text: &str, nodes: [Node; 2]) -> Result<String, Refusal> {
        let scalar = |kind| matches!(kind, Kind::Text | Kind::Escaped | Kind::Number | Kind::Boolean);
        let said = nodes.into_iter().find(|&node| trie.get(node).is_some_and(|span| scalar(span.kind)));
        match (said, self.key.as_slice()) {
            (Some(node), [_]) => {
                let mut key = String::new();
                push_key_part(trie, text, node, &mut key)?;
                Ok(key)
            }
            _ => self.key(trie, text),
        }
    }

    /// The key: the first part that is there.
    pub fn first_key(&self, trie: &Trie, text: &str) -> Result<String, Refusal> {
        let first = self.key.iter().copied().find(|&part| trie.present(part).is_some());
        let part = first.or(self.key.first().copied()).ok_or(Refusal::DeleteWithoutKey)?;
        let mut key = String::new();
        push_key_part(trie, text, part, &mut key)?;
        Ok(key)
    }

    /// The mapped fields.
    pub fn fields(&self, trie: &Trie, text: &str) -> Result<Fields, Refusal> {
        let marked = || self.fields.iter().filter_map(|&node| trie.get(node));
        let mut fields = Fields::with_capacity(marked().count(), marked().map(size).sum());
        let mut scratch = String::new();
        for (index, &node) in self.fields.iter().enumerate() {
            let field = FieldIndex(u16::try_from(index).expect("a source has at most 65,536 fields"));
            let Some(span) = trie.get(node) else {
                if self.style.accumulate && self.removed_from_above(trie, index) {
                    fields.push(field, CellKind::Null, "");
                }
                continue;
            };
            let written = text_of(text, span);
            match span.kind {
                Kind::Text if written.is_empty() && self.style.empty_is_null => self.push_null(field, &mut fields),
                Kind::Null => self.push_null(field, &mut fields),
                Kind::Text if self.style.placeholder && is_unavailable(written) => {
                    fields.push(field, CellKind::Unavailable, "");
                }
                Kind::Array if self.style.placeholder && written == UNAVAILABLE_ARRAY => {
                    fields.push(field, CellKind::Unavailable, "");
                }
                Kind::Text => fields.push(field, CellKind::Text, written),
                Kind::Escaped => {
                    scratch.clear();
                    if !unescape(written, &mut scratch) {
                        return Err(Refusal::Surrogate { path: trie.path(node) });
                    }
                    fields.push(field, CellKind::Text, &scratch);
                }
                Kind::Number => fields.push(field, CellKind::Number, written),
                Kind::Boolean => fields.push(field, CellKind::Boolean, written),
                Kind::Object | Kind::Array => fields.push(field, CellKind::Json, written),
            }
        }
        Ok(fields)
    }

    fn push_null(&self, field: FieldIndex, fields: &mut Fields) {
        if self.style.accumulate {
            fields.push(field, CellKind::Null, "");
        }
    }

    fn removed_from_above(&self, trie: &Trie, index: usize) -> bool {
        self.ancestors[index].iter().any(|&node| trie.get(node).is_some_and(|span| span.kind == Kind::Null))
    }

    /// The event time that the bundle maps; `None` when it maps none or the row has none.
    pub fn time(&self, trie: &Trie, text: &str) -> Result<Option<Timestamp>, Refusal> {
        self.time.map_or(Ok(None), |node| self.instant(trie, text, node))
    }

    fn instant(&self, trie: &Trie, text: &str, node: Node) -> Result<Option<Timestamp>, Refusal> {
        let Some(span) = trie.present(node) else { return Ok(None) };
        let written = text_of(text, span);
        if self.style.empty_is_null && written.is_empty() {
            return Ok(None);
        }
        instant_at(trie, text, node)
    }

    /// The place in order that the bundle maps: a whole number as it is, else a time; `None` when it maps none.
    pub fn order(&self, trie: &Trie, text: &str) -> Result<Option<Order>, Refusal> {
        let Some(node) = self.order else { return Ok(None) };
        let Some(span) = trie.present(node) else { return Ok(None) };
        let written = text_of(text, span);
        if self.style.empty_is_null && written.is_empty() {
            return Ok(None);
        }
        if let (Kind::Number | Kind::Text, Ok(position)) = (span.kind, written.parse()) {
            return Ok(Some(Order::Log(position)));
        }
        match span.kind {
            Kind::Text => time::parse(written).map(|at| Some(Order::Time(at.0))),
            _ => None,
        }
        .ok_or_else(|| Refusal::Order { path: trie.path(node) })
    }
}

/// A time at a node, in any form that [`time::parse`] reads; `None` when it is missing or null.
pub(super) fn instant_at(trie: &Trie, text: &str, node: Node) -> Result<Option<Timestamp>, Refusal> {
    let Some(span) = trie.present(node) else { return Ok(None) };
    match span.kind {
        Kind::Text | Kind::Number => time::parse(text_of(text, span)),
        _ => None,
    }
    .map(Some)
    .ok_or_else(|| Refusal::Time { path: trie.path(node) })
}

/// A time at a node that is a whole number of `unit`, written as a number or as a text.
pub(super) fn unit_at(trie: &Trie, text: &str, node: Node, unit: Unit) -> Result<Option<Timestamp>, Refusal> {
    let Some(span) = trie.present(node) else { return Ok(None) };
    match span.kind {
        Kind::Text | Kind::Number => time::of_unit(text_of(text, span), unit),
        _ => None,
    }
    .map(Some)
    .ok_or_else(|| Refusal::Time { path: trie.path(node) })
}

/// Appends one part of a key as it is written, a text unescaped.
pub(super) fn push_key_part(trie: &Trie, text: &str, part: Node, key: &mut String) -> Result<(), Refusal> {
    let Some(span) = trie.present(part) else { return Err(Refusal::KeyMissing { path: trie.path(part) }) };
    let written = text_of(text, span);
    let start = key.len();
    match span.kind {
        Kind::Text | Kind::Number | Kind::Boolean => key.push_str(written),
        Kind::Escaped if unescape(written, key) => {}
        Kind::Escaped => return Err(Refusal::Surrogate { path: trie.path(part) }),
        Kind::Null | Kind::Object | Kind::Array => return Err(Refusal::KeyNotScalar { path: trie.path(part) }),
    }
    let added = key.get(start..).unwrap_or_default();
    if added.is_empty() {
        Err(Refusal::KeyNotScalar { path: trie.path(part) })
    } else if added.contains(KEY_SEPARATOR) {
        Err(Refusal::KeySeparator { path: trie.path(part) })
    } else if key.len() > KEY_BYTES_MAX {
        Err(Refusal::KeyTooLong { path: trie.path(part) })
    } else {
        Ok(())
    }
}

fn size(span: super::json::Span) -> usize {
    (span.end - span.start) as usize
}

fn is_unavailable(text: &str) -> bool {
    text == UNAVAILABLE || text == UNAVAILABLE_BYTES
}

/// The nodes between `base` and `node`, both excluded, and without `containers`.
fn ancestors(trie: &Trie, base: Node, node: Node, containers: &[Node]) -> Vec<Node> {
    let above = |&node: &Node| Some(trie.parent(node)).filter(|&parent| parent != base && parent != Trie::ROOT);
    let chain = std::iter::successors(above(&node), above);
    chain.filter(|node| !containers.contains(node)).collect()
}
