//! Entries of the ledger in words.

use crate::cli::output;
use crate::encoding::hex;
use crate::ledger::{Content, Entry, Received};
use crate::model::{AttributeId, CellKind, FieldIndex, Schema, SourceId};
use crate::pipeline::Reader;
use serde_json::{Value, json};

/// An entry for people.
pub fn text(reader: &Reader<'_>, entry: &Entry) -> String {
    let header = &entry.header;
    let time = output::time(Some(i64::from(header.time_s) * 1_000_000));
    let schema = reader.schema();
    let says = match &entry.content {
        Content::Open(open) => format!("run {} begins, software {}", open.run, open.software),
        Content::Policy(part) => {
            format!("bundle {} {}, part {} of {}", part.name, part.version, part.part, part.parts)
        }
        Content::Received(received) => record(schema, received),
        Content::Rejected(rejected) => {
            let source = rejected.source.map_or("unknown source", |id| source(schema, id));
            format!("{source}, line {}: {} ({} bytes)", rejected.line, rejected.reason, rejected.size_bytes)
        }
        Content::Merge(merge) => {
            format!(
                "{} and {} share a {}",
                name(reader, merge.link.a),
                name(reader, merge.link.b),
                kind(schema, merge.link.kind.0)
            )
        }
        Content::Unmerge(unmerge) => format!(
            "{} and {} no longer share a {}; ends #{}",
            name(reader, unmerge.link.a),
            name(reader, unmerge.link.b),
            kind(schema, unmerge.link.kind.0),
            unmerge.ends
        ),
        Content::Values(values) => {
            let list =
                |ids: Vec<AttributeId>| ids.iter().map(|id| attribute(schema, *id)).collect::<Vec<_>>().join(", ");
            let gained = list(values.gained.iter().map(|(id, _)| *id).collect());
            let lost = list(values.lost.clone());
            let from = name(reader, values.record);
            format!("profile {} from {from}: gains {{{gained}}}, loses {{{lost}}}", values.profile)
        }
        Content::Decision(decision) => {
            let answer = |answer: &crate::ledger::Answer| {
                let purpose =
                    schema.purposes.get(usize::from(answer.purpose.0)).map_or("?", |purpose| purpose.name.as_str());
                format!("{purpose} {}", if answer.allowed { "allowed" } else { "denied" })
            };
            let answers: Vec<String> = decision.answers.iter().map(answer).collect();
            format!("profile {}: {}", decision.profile, answers.join(", "))
        }
        Content::Commit(commit) => {
            format!("epoch {}, {} entries before, root {}", commit.epoch, commit.size, hex::encode(&commit.root))
        }
        Content::Sealed { size_bytes } => format!("sealed, {size_bytes} bytes"),
    };
    format!("#{:<8} {time}  {:<9} {says}", header.sequence, header.kind.to_string())
}

/// An entry for scripts.
pub fn json(reader: &Reader<'_>, entry: &Entry) -> Value {
    let header = &entry.header;
    let mut value = json!({
        "sequence": header.sequence.0, "kind": header.kind.to_string(), "time_s": header.time_s, "run": header.run,
        "position": entry.placed.position.to_string(), "says": text(reader, entry),
    });
    if let Content::Received(received) = &entry.content {
        value["record"] = record_json(reader.schema(), received);
    }
    value
}

fn record(schema: &Schema, received: &Received) -> String {
    let fields = received.fields.iter().map(|(index, kind, text)| {
        let path = field(schema, received.source, index);
        if kind == CellKind::Text { format!("{path}={text:?}") } else { format!("{path}={}", output::shown(text)) }
    });
    let fields: Vec<String> = fields.collect();
    let what = if received.live { fields.join(" ") } else { "deleted".to_owned() };
    format!("{}:{} {what}", source(schema, received.source), output::shown(&received.key))
}

fn record_json(schema: &Schema, received: &Received) -> Value {
    let raw =
        received.fields.iter().map(|(index, _, text)| (field(schema, received.source, index).to_owned(), text.into()));
    let values = received.values.iter(&received.fields);
    let values = values.map(|(id, _, text)| (attribute(schema, id).to_owned(), text.into()));
    json!({
        "source": source(schema, received.source), "key": received.key, "live": received.live,
        "at_us": received.at.map(|at| at.0), "raw": raw.collect::<serde_json::Map<String, Value>>(),
        "values": values.collect::<serde_json::Map<String, Value>>(),
    })
}

fn name(reader: &Reader<'_>, birth: crate::model::Birth) -> String {
    reader.name_of(birth).map_or_else(|_| format!("record {birth}"), |record| super::name(&record))
}

fn source(schema: &Schema, id: SourceId) -> &str {
    schema.sources.get(usize::from(id.0)).map_or("?", |source| source.name.as_str())
}

fn field(schema: &Schema, source: SourceId, index: FieldIndex) -> &str {
    let source = schema.sources.get(usize::from(source.0));
    source.and_then(|source| source.fields.get(usize::from(index.0))).map_or("?", |field| field.path.as_str())
}

fn attribute(schema: &Schema, id: AttributeId) -> &str {
    schema.attributes.get(usize::from(id.0)).map_or("?", |attribute| attribute.name.as_str())
}

fn kind(schema: &Schema, id: u8) -> &str {
    schema.kinds.get(usize::from(id)).map_or("?", |kind| kind.name.as_str())
}
