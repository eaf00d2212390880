//! Entries of the ledger in words and as JSON, under the names of a bundle.
//!
//! Where the bundle has no such name, or none is at hand, things are called by their numbers. What a record holds is put
//! through the caller's [`Words::shown`] before it stands in a sentence; JSON has it as it is.
//!
//! INVARIANT: nothing is said that the entry does not say; what it does not say, such as the name of a record, comes from
//! the caller.

use crate::encoding::hex;
use crate::ledger::{Answer, Content, Decision, Erasure, Permissions, Received, Review, Ruled, Uses, Values};
use crate::model::{
    AttributeId, Birth, Category, CellKind, FieldIndex, KindId, Link, PurposeId, Ruling, Schema, SourceId, Winner,
};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// What an entry is told with.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// The names of sources, fields, attributes, kinds and purposes.
    pub schema: &'a Schema,
    /// How a record is called.
    pub record: &'a dyn Fn(Birth) -> String,
    /// What is done to a text that a source wrote before it is printed.
    pub shown: fn(&str) -> String,
}

/// What an entry says, in a sentence.
pub fn says(words: &Words<'_>, content: &Content) -> String {
    let (schema, shown) = (words.schema, words.shown);
    match content {
        Content::Open(open) => format!("run {} begins, software {}", open.run, open.software),
        Content::Policy(part) => format!("bundle {} {}, part {} of {}", part.name, part.version, part.part, part.parts),
        Content::Received(received) => record(words, received),
        Content::Rejected(rejected) => {
            let source = rejected.source.map_or(Cow::Borrowed("unknown source"), |id| source(schema, id));
            let line = if rejected.line == 0 { String::new() } else { format!(", line {}", rejected.line) };
            format!("{source}{line}: {} ({} bytes)", shown(&rejected.reason), rejected.size_bytes)
        }
        Content::Merge(merge) => {
            format!(
                "{} and {} are joined by {}",
                name(words, merge.link.a),
                name(words, merge.link.b),
                evidence(schema, &merge.link)
            )
        }
        Content::Unmerge(unmerge) => format!(
            "{} and {} are no longer joined by {}; ends #{}",
            name(words, unmerge.link.a),
            name(words, unmerge.link.b),
            evidence(schema, &unmerge.link),
            unmerge.ends
        ),
        Content::Values(values) => chosen(words, values),
        Content::Decision(decision) => decided(schema, decision),
        Content::Uses(uses) => used(words, uses),
        Content::Permissions(permissions) => permitted(schema, permissions),
        Content::Tick(tick) => {
            let by = if tick.by_hand { ", set on by hand" } else { "" };
            format!("it is {}{by}: what ends up to then has ended", instant(tick.at))
        }
        Content::Binding(binding) => format!(
            "what {} ended also binds {}, which {} in the profile then",
            name(words, binding.consent),
            binding.records.iter().map(|birth| name(words, *birth)).collect::<Vec<_>>().join(", "),
            if binding.records.len() == 1 { "was" } else { "were" }
        ),
        Content::Commit(commit) => {
            let entries = counted(commit.size, "entry", "entries");
            format!("epoch {} ends, {entries} before, root {}", commit.epoch, hex::encode(&commit.root))
        }
        Content::Review(review) => reviewed(words, review),
        Content::Erasure(erasure) => erased(words, erasure),
        Content::Key(change) => {
            let before = change.previous.as_ref().map_or_else(
                || "the first one".to_owned(),
                |before| format!("in place of {}; both have signed it", hex::encode(before)),
            );
            format!("checkpoints are signed by key {} from here on, {before}", hex::encode(&change.public))
        }
        Content::Read(read) => format!(
            "{} read {}{}",
            shown(&read.actor),
            read.operation.name(),
            if read.allowed { "" } else { ", which was denied" }
        ),
        Content::Request(request) => {
            let (reference, step) = (shown(&request.reference), request.step.name());
            format!("request {reference} for {}: {step}", request.right.name())
        }
        Content::Redaction(redaction) => {
            let count = redaction.entries.iter().map(|(_, count)| u64::from(*count)).sum();
            let erasures: Vec<String> = redaction.erasures.iter().map(|entry| format!("#{entry}")).collect();
            let which = if erasures.is_empty() { String::new() } else { format!(", for {}", erasures.join(", ")) };
            format!("the ciphertexts of {} are deleted{which}", counted(count, "entry", "entries"))
        }
        Content::Erased { other, redacted, .. } => {
            let whose = if other.is_some() { "two records, one of them or both erased" } else { "an erased record" };
            let ciphertext = if *redacted { "deleted, too" } else { "to be deleted" };
            format!("about {whose}: its key is destroyed, its ciphertext {ciphertext}")
        }
        Content::Sealed { size_bytes } => format!("sealed, {size_bytes} bytes"),
    }
}

/// A day, UTC.
fn day(time_s: u32) -> String {
    let time = jiff::Timestamp::from_second(time_s.into());
    time.map_or_else(|_| time_s.to_string(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// What an erasure destroyed, on what ground, and until when the ciphertexts may still be there.
fn erased(words: &Words<'_>, erasure: &Erasure) -> String {
    let part = if erasure.parts > 1 { format!(", part {} of {}", erasure.part, erasure.parts) } else { String::new() };
    format!(
        "request {} ({}){part}: the keys of {} are destroyed in generation {} of the key state; {} refused from here on; \
         ciphertexts to be deleted by {} UTC",
        (words.shown)(&erasure.request),
        (words.shown)(&erasure.ground),
        counted(erasure.births.len() as u64, "record", "records"),
        erasure.generation,
        counted(erasure.tombstones.len() as u64, "name or identifier is", "names and identifiers are"),
        day(erasure.due_s)
    )
}

/// What a steward decided, who and why.
fn reviewed(words: &Words<'_>, review: &Review) -> String {
    let what = match review.ruling {
        Ruling::Same(a, b) => format!("{} and {} are one person", name(words, a), name(words, b)),
        Ruling::Different(a, b) => format!("{} and {} are different persons", name(words, a), name(words, b)),
        Ruling::Allowed { kind, carrier, .. } => {
            let kind = identifier(words.schema, kind);
            format!("the {kind} of {} links all who carry it", name(words, carrier))
        }
        Ruling::Restricted { record } => format!("{} is kept and not used", name(words, record)),
        Ruling::Objected { record, purpose } => {
            let purpose = purpose.map_or(Cow::Borrowed("every purpose"), |id| purpose_name(words.schema, id));
            format!("the person of {} objects to {purpose}", name(words, record))
        }
        Ruling::Held { record } => format!("{} must not be erased", name(words, record)),
        Ruling::Rectified { record, attribute: of } => {
            let of = attribute(words.schema, of);
            match review.value.as_str() {
                "" if review.ends.is_none() => format!("{} has no {of}, whatever its source says", name(words, record)),
                "" => format!("the {of} of {} was rectified", name(words, record)),
                value => {
                    format!("the {of} of {} is {}, whatever its source says", name(words, record), (words.shown)(value))
                }
            }
        }
    };
    let (by, reason) = ((words.shown)(&review.by), (words.shown)(&review.reason));
    match review.ends {
        None => format!("{by} decided that {what}: {reason}"),
        Some(ends) => format!("{by} withdrew #{ends}, by which {what}: {reason}"),
    }
}

/// What an entry says of a decision, with everything apart that a script may want.
fn reviewed_json(words: &Words<'_>, review: &Review) -> Value {
    let mut value = json!({ "ends": review.ends.map(|ends| ends.0), "by": review.by, "reason": review.reason });
    match review.ruling {
        Ruling::Same(a, b) | Ruling::Different(a, b) => {
            let same = matches!(review.ruling, Ruling::Same(..));
            value["ruling"] = if same { "same" } else { "different" }.into();
            (value["a"], value["b"]) = (name(words, a).into(), name(words, b).into());
        }
        Ruling::Allowed { kind, carrier, .. } => {
            value["ruling"] = "allowed".into();
            value["identifier"] = identifier(words.schema, kind).into();
            value["carrier"] = name(words, carrier).into();
        }
        Ruling::Restricted { record } => {
            (value["ruling"], value["record"]) = ("restricted".into(), name(words, record).into());
        }
        Ruling::Objected { record, purpose } => {
            (value["ruling"], value["record"]) = ("objected".into(), name(words, record).into());
            value["purpose"] = purpose.map(|id| purpose_name(words.schema, id)).into();
        }
        Ruling::Held { record } => {
            (value["ruling"], value["record"]) = ("held".into(), name(words, record).into());
        }
        Ruling::Rectified { record, attribute: of } => {
            (value["ruling"], value["record"]) = ("rectified".into(), name(words, record).into());
            (value["attribute"], value["value"]) = (attribute(words.schema, of).into(), review.value.as_str().into());
        }
    }
    value
}

/// Which values of a record became, or are no longer, the profile's.
fn chosen(words: &Words<'_>, values: &Values) -> String {
    let schema = words.schema;
    let list =
        |ids: &mut dyn Iterator<Item = AttributeId>| ids.map(|id| attribute(schema, id)).collect::<Vec<_>>().join(", ");
    let gained = list(&mut values.gained.iter().map(|(id, _)| *id));
    let lost = list(&mut values.lost.iter().copied());
    let parts = [("takes", gained), ("gives up", lost)];
    let parts = parts.iter().filter(|(_, list)| !list.is_empty()).map(|(verb, list)| format!("{verb} {list}"));
    let parts: Vec<String> = parts.collect();
    format!("profile {}, from {}: {}", values.profile, name(words, values.record), parts.join("; "))
}

fn decided(schema: &Schema, decision: &Decision) -> String {
    let answer =
        |answer: &Answer| format!("{} {}", purpose(schema, answer), if answer.allowed { "allowed" } else { "denied" });
    let answers: Vec<String> = decision.answers.iter().map(answer).collect();
    format!("profile {}: {}", decision.profile, answers.join(", "))
}

/// The same of values that are for purposes.
fn used(words: &Words<'_>, uses: &Uses) -> String {
    let gained = uses.gained.iter().map(|(id, _, of)| {
        let mut what = purposes(words.schema, *of);
        if *of & Winner::PLAIN != 0 {
            what.insert(0, Cow::Borrowed("the profile"));
        }
        format!("{} for {}", attribute(words.schema, *id), what.join(", "))
    });
    let gained: Vec<String> = gained.collect();
    let lost: Vec<_> = uses.lost.iter().map(|id| attribute(words.schema, *id)).collect();
    let parts = [("gives up", lost.join(", ")), ("takes", gained.join("; "))];
    let parts = parts.iter().filter(|(_, list)| !list.is_empty()).map(|(verb, list)| format!("{verb} {list}"));
    let parts: Vec<String> = parts.collect();
    format!("profile {}, from {}: {}", uses.profile, name(words, uses.record), parts.join("; "))
}

/// The purposes of a mask.
fn purposes(schema: &Schema, uses: u64) -> Vec<Cow<'_, str>> {
    let named = (0..63u8).filter(|place| uses >> place & 1 == 1).map(|place| purpose_name(schema, PurposeId(place)));
    named.collect()
}

fn permitted(schema: &Schema, permissions: &Permissions) -> String {
    let answer = |ruled: &Ruled| {
        let by = if ruled.policies.is_empty() { String::new() } else { format!(" by {}", ruled.policies.join(", ")) };
        format!(
            "{} {}{by}",
            purpose_name(schema, ruled.purpose),
            if ruled.categories != 0 { "allowed" } else { "denied" }
        )
    };
    let answers: Vec<String> = permissions.answers.iter().map(answer).collect();
    format!("profile {}: {}", permissions.profile, answers.join(", "))
}

/// An answer with the circumstances that it rests on.
fn ruled_json(words: &Words<'_>, ruled: &Ruled) -> Value {
    let of = ruled.context.circumstances();
    let categories = Category::ALL.iter().filter(|category| ruled.categories >> **category as u32 & 1 == 1);
    json!({
        "purpose": purpose_name(words.schema, ruled.purpose), "allowed": ruled.categories != 0,
        "categories": categories.map(|category| crate::policy::category_name(*category)).collect::<Vec<_>>(),
        "policies": ruled.policies,
        "consent": ruled.consent.map(|birth| name(words, birth)),
        "until_us": Some(ruled.until).filter(|until| *until != i64::MAX),
        "circumstances": {
            "consent": format!("{:?}", of.consent), "age": format!("{:?}", of.age), "regime": format!("{:?}", of.regime),
            "explicit": of.explicit, "parental": of.parental, "withdrawn": of.withdrawn, "objected": of.objected,
            "restricted": of.restricted, "gpc": of.gpc, "retained": of.retained,
        },
    })
}

fn instant(at_us: i64) -> String {
    jiff::Timestamp::from_microsecond(at_us).map_or_else(|_| at_us.to_string(), |time| time.to_string())
}

fn record(words: &Words<'_>, received: &Received) -> String {
    let (schema, shown) = (words.schema, words.shown);
    let fields = received.fields.iter().map(|(index, kind, text)| {
        let path = field(schema, received.source, index);
        if kind == CellKind::Text { format!("{path}={:?}", shown(text)) } else { format!("{path}={}", shown(text)) }
    });
    let fields: Vec<String> = fields.collect();
    let what = if received.live { fields.join(" ") } else { "deleted".to_owned() };
    format!("{}:{} {what}", source(schema, received.source), shown(&received.key))
}

/// What an entry says, with everything apart that a script may want, under a word for what it is; `None` for a sealed one.
pub fn json(words: &Words<'_>, content: &Content) -> Option<(&'static str, Value)> {
    let schema = words.schema;
    let link = |link: &Link, epoch: u64| json!({ "a": name(words, link.a), "b": name(words, link.b), "identifier": evidence_word(schema, link), "epoch": epoch });
    let attributes = |ids: Vec<AttributeId>| ids.into_iter().map(|id| attribute(schema, id)).collect::<Vec<_>>();
    Some(match content {
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
                "profile": values.profile.to_string(), "record": name(words, values.record), "epoch": values.epoch.0,
                "gained": attributes(values.gained.iter().map(|(id, _)| *id).collect()),
                "lost": attributes(values.lost.clone()),
            }),
        ),
        Content::Decision(decision) => {
            let answers = decision.answers.iter().map(|answer| {
                json!({
                    "purpose": purpose(schema, answer), "allowed": answer.allowed,
                    "consent": answer.consent.map(|birth| name(words, birth)),
                    "until_us": Some(answer.until).filter(|until| *until != i64::MAX),
                })
            });
            let answers: Vec<Value> = answers.collect();
            (
                "decision",
                json!({ "profile": decision.profile.to_string(), "epoch": decision.epoch.0, "answers": answers }),
            )
        }
        Content::Uses(uses) => {
            let gained = uses.gained.iter().map(|(id, _, uses)| {
                json!({ "attribute": attribute(schema, *id), "purposes": purposes(schema, *uses), "plain": uses & Winner::PLAIN != 0 })
            });
            let gained: Vec<Value> = gained.collect();
            (
                "uses",
                json!({
                    "profile": uses.profile.to_string(), "record": name(words, uses.record), "epoch": uses.epoch.0,
                    "gained": gained, "lost": attributes(uses.lost.clone()),
                }),
            )
        }
        Content::Permissions(permissions) => {
            let answers: Vec<Value> = permissions.answers.iter().map(|ruled| ruled_json(words, ruled)).collect();
            (
                "permissions",
                json!({ "profile": permissions.profile.to_string(), "epoch": permissions.epoch.0, "answers": answers }),
            )
        }
        Content::Tick(tick) => ("tick", json!({ "at_us": tick.at, "by_hand": tick.by_hand })),
        Content::Binding(binding) => (
            "binding",
            json!({
                "consent": name(words, binding.consent), "epoch": binding.epoch.0,
                "records": binding.records.iter().map(|birth| name(words, *birth)).collect::<Vec<_>>(),
            }),
        ),
        Content::Commit(commit) => (
            "commit",
            json!({
                "epoch": commit.epoch.0, "size": commit.size, "root": hex::encode(&commit.root),
                "head": hex::encode(&commit.head), "first": commit.first.0,
            }),
        ),
        Content::Review(review) => ("review", reviewed_json(words, review)),
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
        Content::Read(read) => (
            "read",
            json!({
                "actor": read.actor, "operation": read.operation.name(), "allowed": read.allowed,
                "purpose": read.purpose, "request": read.request, "count": read.count,
            }),
        ),
        Content::Request(request) => (
            "request",
            json!({
                "reference": request.reference, "right": request.right.name(), "law": request.law.name(),
                "step": request.step.name(),
                "by": request.by, "reason": request.reason,
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
    let raw = received
        .fields
        .iter()
        .map(|(index, _, text)| (field(schema, received.source, index).into_owned(), text.into()));
    let values = received.told().map(|(id, _, text)| (attribute(schema, id).into_owned(), text.into()));
    json!({
        "source": source(schema, received.source), "key": received.key, "live": received.live,
        "at_us": received.at.map(|at| at.0), "raw": raw.collect::<Map<String, Value>>(),
        "values": values.collect::<Map<String, Value>>(),
    })
}

fn name(words: &Words<'_>, birth: Birth) -> String {
    (words.record)(birth)
}

fn source(schema: &Schema, id: SourceId) -> Cow<'_, str> {
    called(schema.sources.get(usize::from(id.0)).map(|source| source.name.as_str()), "source", id.0)
}

fn field(schema: &Schema, source: SourceId, index: FieldIndex) -> Cow<'_, str> {
    let source = schema.sources.get(usize::from(source.0));
    let field = source.and_then(|source| source.fields.get(usize::from(index.0)));
    called(field.map(|field| field.path.as_str()), "field", index.0)
}

fn attribute(schema: &Schema, id: AttributeId) -> Cow<'_, str> {
    called(schema.attributes.get(usize::from(id.0)).map(|attribute| attribute.name.as_str()), "attribute", id.0)
}

/// What a link rests on.
fn evidence<'s>(schema: &'s Schema, link: &Link) -> Cow<'s, str> {
    match link.kind {
        KindId::STEWARD => Cow::Borrowed("a steward's decision"),
        KindId::SCORED => Cow::Borrowed("their score"),
        kind => identifier(schema, kind),
    }
}

/// The same in a word for scripts.
fn evidence_word<'s>(schema: &'s Schema, link: &Link) -> Cow<'s, str> {
    match link.kind {
        KindId::STEWARD => Cow::Borrowed("steward"),
        KindId::SCORED => Cow::Borrowed("score"),
        kind => identifier(schema, kind),
    }
}

fn identifier(schema: &Schema, kind: KindId) -> Cow<'_, str> {
    called(schema.kinds.get(usize::from(kind.0)).map(|kind| kind.name.as_str()), "identifier", kind.0.into())
}

fn purpose<'s>(schema: &'s Schema, answer: &Answer) -> Cow<'s, str> {
    purpose_name(schema, answer.purpose)
}

fn purpose_name(schema: &Schema, id: PurposeId) -> Cow<'_, str> {
    let purpose = schema.purposes.get(usize::from(id.0)).map(|purpose| purpose.name.as_str());
    called(purpose, "purpose", id.0.into())
}

/// A name, or what it would be the name of with its number.
fn called<'s>(name: Option<&'s str>, sort: &str, number: u16) -> Cow<'s, str> {
    name.map_or_else(|| Cow::Owned(format!("{sort} {number}")), Cow::Borrowed)
}

/// A count with thousands apart.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with what is counted: `1 entry`, `2,000 entries`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}
