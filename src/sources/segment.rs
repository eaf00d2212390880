//! Segment's calls: identify, track, alias, group, page and screen, with field paths from the call itself, and the
//! consents that a call carries in `context.consent.categoryPreferences`.
//!
//! It never makes a change of a consent without a record of its own: each goes to the consent source under a key of
//! (source, message, purpose), and where a call's preferences for one purpose differ, the purpose counts as withdrawn.

use super::Refusal;
use super::json::{Kind, unescape};
use super::row::{KEY_BYTES_MAX, KEY_SEPARATOR, Row, instant_at, push_key_part};
use super::trie::{Node, Trie, text_of};
use crate::model::{
    CellKind, Change, ConsentField, EmbeddedConsents, FieldIndex, FieldRole, Fields, Operation, Order, PurposeId,
    Schema, Source, SourceId, Timestamp,
};

/// Paths whose null says nothing of the traits below them.
const CONTAINERS: [&str; 4] = ["traits", "properties", "context", "context.traits"];
/// The times of a call, the most truthful first.
const TIMES: [&str; 4] = ["timestamp", "originalTimestamp", "sentAt", "receivedAt"];

/// What is read of a call.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    source: SourceId,
    kind: Node,
    times: Vec<Node>,
    row: Row,
    accumulate: bool,
    consents: Option<Consents>,
}

/// Where the consents of a call go.
#[derive(Clone, Debug)]
struct Consents {
    into: SourceId,
    source_name: String,
    message: Node,
    /// By purpose, in the order of ids.
    purposes: Vec<Preference>,
    fields: Vec<ConsentCell>,
}

#[derive(Clone, Debug)]
struct Preference {
    purpose: String,
    categories: Vec<Node>,
}

/// One field of the consent source and what fills it.
#[derive(Clone, Debug)]
struct ConsentCell {
    field: FieldIndex,
    filling: Filling,
}

#[derive(Clone, Debug)]
enum Filling {
    Purpose,
    Status,
    At,
    CollectedBy,
    /// The first field of the call that has the same attribute and a value.
    Attribute(Vec<Node>),
}

impl Segment {
    /// What is read of calls of `source`.
    pub fn compile(id: SourceId, source: &Source, schema: &Schema, trie: &mut Trie) -> Self {
        let row = Row::compile(source, trie, Trie::ROOT, &CONTAINERS);
        let consents = source
            .embedded_consents
            .as_ref()
            .and_then(|embedded| Consents::compile(embedded, source, schema, &row, trie));
        Self {
            source: id,
            kind: trie.node(Trie::ROOT, "type"),
            times: TIMES.iter().map(|path| trie.node(Trie::ROOT, path)).collect(),
            row,
            accumulate: source.accumulate,
            consents,
        }
    }

    /// The changes of a call that `trie` has marked.
    pub fn changes(&self, trie: &Trie, text: &str, out: &mut Vec<Change>) -> Result<(), Refusal> {
        match trie.written(self.kind, text, Kind::Text) {
            Some("identify" | "track" | "alias" | "group" | "page" | "screen") => {}
            Some(_) => return Err(Refusal::Operation { path: "type".to_owned() }),
            None => return Err(Refusal::NotAnEvent { path: "type" }),
        }
        let mut said = None;
        for &node in &self.times {
            if let Some(at) = instant_at(trie, text, node)? {
                said = Some((node, at));
                break;
            }
        }
        let at = self.row.time(trie, text)?.or(said.map(|(_, at)| at));
        let order = self.row.order(trie, text)?.unwrap_or(at.map_or(Order::Arrival, |at| Order::Time(at.0)));
        let key = if self.accumulate { self.row.first_key(trie, text)? } else { self.row.key(trie, text)? };
        let fields = self.row.fields(trie, text)?;
        out.push(Change { source: self.source, key, operation: self.row.operation(), order, at, fields });
        if let Some(consents) = &self.consents {
            consents.changes(trie, text, said, out)?;
        }
        Ok(())
    }
}

impl Consents {
    fn compile(
        embedded: &EmbeddedConsents,
        source: &Source,
        schema: &Schema,
        row: &Row,
        trie: &mut Trie,
    ) -> Option<Self> {
        let into = schema.sources.get(usize::from(embedded.into.0))?;
        let preferences = trie.node(Trie::ROOT, "context.consent.categoryPreferences");
        let mut ids: Vec<PurposeId> = embedded.categories.iter().map(|&(_, purpose)| purpose).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut preference = |purpose: PurposeId| {
            let categories = embedded.categories.iter().filter(|(_, to)| *to == purpose);
            Some(Preference {
                purpose: schema.purposes.get(usize::from(purpose.0))?.name.clone(),
                categories: categories.map(|(category, _)| trie.child(preferences, category)).collect(),
            })
        };
        Some(Self {
            into: embedded.into,
            source_name: source.name.clone(),
            purposes: ids.into_iter().filter_map(&mut preference).collect(),
            message: trie.node(Trie::ROOT, "messageId"),
            fields: consent_cells(source, into, row),
        })
    }

    fn changes(
        &self,
        trie: &Trie,
        text: &str,
        said: Option<(Node, Timestamp)>,
        out: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let at = said.map(|(_, at)| at);
        for Preference { purpose, categories } in &self.purposes {
            let mut given = None;
            for &category in categories {
                if let Some(says) = preference(trie, text, category)? {
                    given = Some(given.unwrap_or(true) && says);
                }
            }
            let Some(given) = given else { continue };
            out.push(Change {
                source: self.into,
                key: self.key(trie, text, purpose)?,
                operation: Operation::Upsert,
                order: at.map_or(Order::Arrival, |at| Order::Time(at.0)),
                at,
                fields: self.fields(trie, text, purpose, given, said.map(|(node, _)| node))?,
            });
        }
        Ok(())
    }

    fn key(&self, trie: &Trie, text: &str, purpose: &str) -> Result<String, Refusal> {
        let mut message = String::new();
        push_key_part(trie, text, self.message, &mut message)?;
        let key = format!("{}{KEY_SEPARATOR}{message}{KEY_SEPARATOR}{purpose}", self.source_name);
        if key.len() > KEY_BYTES_MAX { Err(Refusal::KeyTooLong { path: trie.path(self.message) }) } else { Ok(key) }
    }

    fn fields(&self, trie: &Trie, text: &str, purpose: &str, given: bool, at: Option<Node>) -> Result<Fields, Refusal> {
        let mut fields = Fields::default();
        for ConsentCell { field, filling } in &self.fields {
            match filling {
                Filling::Purpose => fields.push(*field, CellKind::Text, purpose),
                Filling::Status => fields.push(*field, CellKind::Text, if given { "given" } else { "withdrawn" }),
                Filling::CollectedBy => fields.push(*field, CellKind::Text, &self.source_name),
                Filling::At => push_scalar(trie, text, *field, at, &mut fields)?,
                Filling::Attribute(nodes) => {
                    let first = nodes.iter().copied().find(|&node| trie.present(node).is_some());
                    push_scalar(trie, text, *field, first, &mut fields)?;
                }
            }
        }
        Ok(fields)
    }
}

/// What a preference says; `None` when the call does not have it.
fn preference(trie: &Trie, text: &str, category: Node) -> Result<Option<bool>, Refusal> {
    match trie.present(category) {
        None => Ok(None),
        Some(span) if span.kind == Kind::Boolean => Ok(Some(text_of(text, span) == "true")),
        Some(_) => Err(Refusal::Preference { path: trie.path(category) }),
    }
}

fn push_scalar(
    trie: &Trie,
    text: &str,
    field: FieldIndex,
    node: Option<Node>,
    into: &mut Fields,
) -> Result<(), Refusal> {
    let Some((node, span)) = node.and_then(|node| Some((node, trie.present(node)?))) else { return Ok(()) };
    let written = text_of(text, span);
    match span.kind {
        Kind::Text => into.push(field, CellKind::Text, written),
        Kind::Number => into.push(field, CellKind::Number, written),
        Kind::Boolean => into.push(field, CellKind::Boolean, written),
        Kind::Escaped => {
            let mut unescaped = String::new();
            if !unescape(written, &mut unescaped) {
                return Err(Refusal::Surrogate { path: trie.path(node) });
            }
            into.push(field, CellKind::Text, &unescaped);
        }
        Kind::Object | Kind::Array => into.push(field, CellKind::Json, written),
        Kind::Null => {}
    }
    Ok(())
}

fn consent_cells(source: &Source, into: &Source, row: &Row) -> Vec<ConsentCell> {
    let same = |role: FieldRole| {
        let indexed = source.fields.iter().enumerate().filter(move |(_, field)| field.role == role);
        indexed.filter_map(|(index, _)| row.field(FieldIndex(u16::try_from(index).ok()?))).collect::<Vec<_>>()
    };
    let cell = |(index, role): (usize, FieldRole)| {
        let filling = match role {
            FieldRole::Consent(ConsentField::Purpose) => Filling::Purpose,
            FieldRole::Consent(ConsentField::Status) => Filling::Status,
            FieldRole::Consent(ConsentField::At) => Filling::At,
            FieldRole::Consent(ConsentField::CollectedBy) => Filling::CollectedBy,
            FieldRole::Consent(_) => return None,
            FieldRole::Attribute(_) => Filling::Attribute(same(role)),
        };
        Some(ConsentCell { field: FieldIndex(u16::try_from(index).ok()?), filling })
    };
    into.fields.iter().map(|field| field.role).enumerate().filter_map(cell).collect()
}
