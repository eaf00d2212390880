//! Entries of the ledger in words.

use super::record_name;
use crate::cli::output::{self, shown};
use crate::encoding::hex;
use crate::ledger::{Answer, Content, Decision, Entry, Erasure, Received, Values};
use crate::model::{AttributeId, Birth, CellKind, FieldIndex, Link, Schema, SourceId};
use crate::pipeline::Reader;
use serde_json::{Map, Value, json};

/// Where the second line of an entry that does not fit on one begins.
pub const INDENT: usize = 10;

/// An entry for people: its sequence, time and kind, and what it says.
pub fn text(reader: &Reader<'_>, entry: &Entry) -> String {
    let header = &entry.header;
    let time = output::time(Some(i64::from(header.time_s) * 1_000_000));
    format!("#{:<8} {time}  {:<8} {}", header.sequence, header.kind.name(), says(reader, entry))
}

/// An entry for scripts.
pub fn json(reader: &Reader<'_>, entry: &Entry) -> Value {
    let header = &entry.header;
    let mut value = json!({
        "sequence": header.sequence.0, "kind": header.kind.to_string(), "time_s": header.time_s, "run": header.run,
        "position": entry.placed.position.to_string(), "says": says(reader, entry),
    });
    if let Some((name, content)) = content_json(reader, entry) {
        value[name] = content;
    }
    value
}

fn says(reader: &Reader<'_>, entry: &Entry) -> String {
    let schema = reader.schema();
    match &entry.content {
        Content::Open(open) => format!("run {} begins, software {}", open.run, open.software),
        Content::Policy(part) => format!("bundle {} {}, part {} of {}", part.name, part.version, part.part, part.parts),
        Content::Received(received) => record(schema, received),
        Content::Rejected(rejected) => {
            let source = rejected.source.map_or("unknown source", |id| source(schema, id));
            let line = if rejected.line == 0 { String::new() } else { format!(", line {}", rejected.line) };
            format!("{source}{line}: {} ({} bytes)", shown(&rejected.reason), rejected.size_bytes)
        }
        Content::Merge(merge) => {
            format!(
                "{} and {} are joined by {}",
                name(reader, merge.link.a),
                name(reader, merge.link.b),
                kind(schema, &merge.link)
            )
        }
        Content::Unmerge(unmerge) => format!(
            "{} and {} are no longer joined by {}; ends #{}",
            name(reader, unmerge.link.a),
            name(reader, unmerge.link.b),
            kind(schema, &unmerge.link),
            unmerge.ends
        ),
        Content::Values(values) => chosen(reader, values),
        Content::Decision(decision) => decided(schema, decision),
        Content::Commit(commit) => {
            let entries = output::counted(commit.size, "entry", "entries");
            format!("epoch {} ends, {entries} before, root {}", commit.epoch, hex::encode(&commit.root))
        }
        Content::Erasure(erasure) => erased(erasure),
        Content::Key(change) => {
            let before = change.previous.as_ref().map_or_else(
                || "the first one".to_owned(),
                |before| format!("in place of {}; both have signed it", hex::encode(before)),
            );
            format!("checkpoints are signed by key {} from here on, {before}", hex::encode(&change.public))
        }
        Content::Redaction(redaction) => {
            let count = redaction.entries.iter().map(|(_, count)| u64::from(*count)).sum();
            let erasures: Vec<String> = redaction.erasures.iter().map(|entry| format!("#{entry}")).collect();
            let which = if erasures.is_empty() { String::new() } else { format!(", for {}", erasures.join(", ")) };
            format!("the ciphertexts of {} are deleted{which}", output::counted(count, "entry", "entries"))
        }
        Content::Erased { other, redacted, .. } => {
            let whose = if other.is_some() { "two records, one of them or both erased" } else { "an erased record" };
            let ciphertext = if *redacted { "deleted, too" } else { "to be deleted" };
            format!("about {whose}: its key is destroyed, its ciphertext {ciphertext}")
        }
        Content::Sealed { size_bytes } => format!("sealed, {size_bytes} bytes"),
    }
}

/// What an erasure destroyed, on what ground, and until when the ciphertexts may still be there.
fn erased(erasure: &Erasure) -> String {
    let part = if erasure.parts > 1 { format!(", part {} of {}", erasure.part, erasure.parts) } else { String::new() };
    format!(
        "request {} ({}){part}: the keys of {} are destroyed in generation {} of the key state; {} refused from here on; \
         ciphertexts to be deleted by {} UTC",
        shown(&erasure.request),
        shown(&erasure.ground),
        output::counted(erasure.births.len() as u64, "record", "records"),
        erasure.generation,
        output::counted(erasure.tombstones.len() as u64, "name or identifier is", "names and identifiers are"),
        output::day(i64::from(erasure.due_s) * 1_000_000)
    )
}

/// Which values of a record became, or are no longer, the profile's.
fn chosen(reader: &Reader<'_>, values: &Values) -> String {
    let schema = reader.schema();
    let list =
        |ids: &mut dyn Iterator<Item = AttributeId>| ids.map(|id| attribute(schema, id)).collect::<Vec<_>>().join(", ");
    let gained = list(&mut values.gained.iter().map(|(id, _)| *id));
    let lost = list(&mut values.lost.iter().copied());
    let parts = [("takes", gained), ("gives up", lost)];
    let parts = parts.iter().filter(|(_, list)| !list.is_empty()).map(|(verb, list)| format!("{verb} {list}"));
    let parts: Vec<String> = parts.collect();
    format!("profile {}, from {}: {}", values.profile, name(reader, values.record), parts.join("; "))
}

fn decided(schema: &Schema, decision: &Decision) -> String {
    let answer =
        |answer: &Answer| format!("{} {}", purpose(schema, answer), if answer.allowed { "allowed" } else { "denied" });
    let answers: Vec<String> = decision.answers.iter().map(answer).collect();
    format!("profile {}: {}", decision.profile, answers.join(", "))
}

fn record(schema: &Schema, received: &Received) -> String {
    let fields = received.fields.iter().map(|(index, kind, text)| {
        let path = field(schema, received.source, index);
        if kind == CellKind::Text { format!("{path}={:?}", shown(text)) } else { format!("{path}={}", shown(text)) }
    });
    let fields: Vec<String> = fields.collect();
    let what = if received.live { fields.join(" ") } else { "deleted".to_owned() };
    format!("{}:{} {what}", source(schema, received.source), shown(&received.key))
}

/// What an entry says, with everything apart that a script may want.
fn content_json(reader: &Reader<'_>, entry: &Entry) -> Option<(&'static str, Value)> {
    let schema = reader.schema();
    let link = |link: &Link, epoch: u64| json!({ "a": name(reader, link.a), "b": name(reader, link.b), "identifier": kind(schema, link), "epoch": epoch });
    let attributes = |ids: Vec<AttributeId>| ids.into_iter().map(|id| attribute(schema, id)).collect::<Vec<_>>();
    Some(match &entry.content {
        Content::Open(open) => {
            ("open", json!({ "run": open.run, "software": open.software, "ledger": open.ledger.to_string() }))
        }
        Content::Policy(part) => (
            "policy",
            json!({
                "name": part.name, "version": part.version, "digest": hex::encode(&part.digest),
                "part": part.part, "parts": part.parts,
            }),
        ),
        Content::Received(received) => ("record", record_json(schema, received)),
        Content::Rejected(rejected) => (
            "rejected",
            json!({
                "source": rejected.source.map(|id| source(schema, id)), "line": rejected.line, "reason": rejected.reason,
                "size_bytes": rejected.size_bytes, "sha256": hex::encode(&rejected.sha256),
            }),
        ),
        Content::Merge(merge) => ("merge", link(&merge.link, merge.epoch.0)),
        Content::Unmerge(unmerge) => {
            let mut value = link(&unmerge.link, unmerge.epoch.0);
            value["ends"] = unmerge.ends.0.into();
            ("unmerge", value)
        }
        Content::Values(values) => (
            "values",
            json!({
                "profile": values.profile.to_string(), "record": name(reader, values.record), "epoch": values.epoch.0,
                "gained": attributes(values.gained.iter().map(|(id, _)| *id).collect()),
                "lost": attributes(values.lost.clone()),
            }),
        ),
        Content::Decision(decision) => {
            let answers = decision.answers.iter().map(|answer| {
                json!({
                    "purpose": purpose(schema, answer), "allowed": answer.allowed,
                    "consent": answer.consent.map(|birth| name(reader, birth)),
                    "until_us": Some(answer.until).filter(|until| *until != i64::MAX),
                })
            });
            let answers: Vec<Value> = answers.collect();
            (
                "decision",
                json!({ "profile": decision.profile.to_string(), "epoch": decision.epoch.0, "answers": answers }),
            )
        }
        Content::Commit(commit) => (
            "commit",
            json!({
                "epoch": commit.epoch.0, "size": commit.size, "root": hex::encode(&commit.root),
                "head": hex::encode(&commit.head), "first": commit.first.0,
            }),
        ),
        Content::Erasure(erasure) => (
            "erasure",
            json!({
                "request": erasure.request, "ground": erasure.ground, "epoch": erasure.epoch.0,
                "generation": erasure.generation, "due_s": erasure.due_s, "part": erasure.part, "parts": erasure.parts,
                "records": erasure.births.len(), "tombstones": erasure.tombstones.len(),
            }),
        ),
        Content::Key(change) => (
            "key",
            json!({
                "public": hex::encode(&change.public), "previous": change.previous.map(|key| hex::encode(&key)),
            }),
        ),
        Content::Redaction(redaction) => {
            let entries: Vec<[u64; 2]> =
                redaction.entries.iter().map(|(first, count)| [first.0, u64::from(*count)]).collect();
            let erasures: Vec<u64> = redaction.erasures.iter().map(|entry| entry.0).collect();
            ("redaction", json!({ "erasures": erasures, "entries": entries }))
        }
        Content::Erased { redacted, .. } => ("erased", json!({ "redacted": redacted })),
        Content::Sealed { .. } => return None,
    })
}

fn record_json(schema: &Schema, received: &Received) -> Value {
    let raw =
        received.fields.iter().map(|(index, _, text)| (field(schema, received.source, index).to_owned(), text.into()));
    let values = received.values.iter(&received.fields);
    let values = values.map(|(id, _, text)| (attribute(schema, id).to_owned(), text.into()));
    json!({
        "source": source(schema, received.source), "key": received.key, "live": received.live,
        "at_us": received.at.map(|at| at.0), "raw": raw.collect::<Map<String, Value>>(),
        "values": values.collect::<Map<String, Value>>(),
    })
}

fn name(reader: &Reader<'_>, birth: Birth) -> String {
    reader.name_of(birth).map_or_else(|_| format!("record {birth}"), |record| shown(&record_name(&record)))
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

fn kind<'s>(schema: &'s Schema, link: &Link) -> &'s str {
    schema.kinds.get(usize::from(link.kind.0)).map_or("?", |kind| kind.name.as_str())
}

fn purpose<'s>(schema: &'s Schema, answer: &Answer) -> &'s str {
    schema.purposes.get(usize::from(answer.purpose.0)).map_or("?", |purpose| purpose.name.as_str())
}
