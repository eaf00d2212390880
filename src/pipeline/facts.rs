//! From a standardised record to what is written and what the dataflow runs on.

use super::about::{Asked, Found};
use crate::crypto::IdentityKey;
use crate::matching::formal_name;
use crate::model::{
    AttributeId, CellKind, ConsentFacts, ConsentState, Facts, FieldIndex, Fields, IdentifierHash, IdentifierKind,
    KindId, NameMark, Schema, Sequence, SourceId, Timestamp, ValueHash,
};
use crate::standardize::Consent;
use crate::store::RecordBody;

type Identifiers = Vec<(KindId, IdentifierHash)>;
type Values = Vec<(AttributeId, ValueHash)>;

/// Makes facts of standardised values with the keys of this data directory.
#[derive(Debug)]
pub(super) struct FactMaker {
    /// By attribute: its name and the kinds of identifier that are made from it.
    attributes: Vec<(String, Vec<(KindId, IdentifierKind)>)>,
    /// The attribute by which guards tell people apart.
    given: Option<AttributeId>,
    /// The attributes that decisions ask for.
    asked: Asked,
}

/// The keyed hash of a standardised value of a kind of identifier.
pub(super) fn identifier_hash(keys: &IdentityKey, kind: &IdentifierKind, value: &str) -> IdentifierHash {
    keys.identifier(&kind.name, value).marked(kind.is_weak(value))
}

impl FactMaker {
    pub fn new(schema: &Schema) -> Self {
        let kinds_of = |attribute: usize| {
            let made_from = schema.kinds.iter().filter(|kind| usize::from(kind.attribute.0) == attribute);
            made_from.filter_map(|kind| Some((schema.kind(&kind.name)?, kind.clone()))).collect()
        };
        let attributes = schema.attributes.iter().enumerate();
        Self {
            attributes: attributes.map(|(place, attribute)| (attribute.name.clone(), kinds_of(place))).collect(),
            given: schema.attribute("given_name"),
            asked: Asked::new(schema),
        }
    }

    /// The facts of a record of a person.
    pub fn person<'v>(
        &self,
        keys: &IdentityKey,
        source: SourceId,
        at: Option<Timestamp>,
        received_s: u32,
        values: impl Iterator<Item = (AttributeId, FieldIndex, &'v str)>,
    ) -> Facts {
        let at = at.map_or(i64::MIN, |at| at.0);
        let mut found = Found::default();
        let (mut given, mut rectified) = (NameMark::NONE, Vec::new());
        let values = values.inspect(|(attribute, field, text)| {
            if *field == FieldIndex::RECTIFIED {
                rectified.push(*attribute);
            }
            if text.is_empty() {
                return;
            }
            self.asked.take(&mut found, *attribute, text);
            if Some(*attribute) == self.given && given == NameMark::NONE {
                given = name_mark(keys, text);
            }
        });
        let (identifiers, values) = self.hash(keys, values);
        Facts { source, at, since: at, about: found.about(received_s), given, identifiers, values, rectified }
    }

    /// The facts of a consent.
    pub fn consent<'v>(
        &self,
        keys: &IdentityKey,
        consent: &Consent,
        values: impl Iterator<Item = (AttributeId, FieldIndex, &'v str)>,
    ) -> ConsentFacts {
        ConsentFacts {
            identifiers: self.hash(keys, values).0,
            purposes: consent.purposes.clone(),
            state: consent.state,
            explicit: consent.explicit,
            parental: consent.parental,
            at: consent.at.0,
            received: 0,
            order: 0,
            until: consent.until.map_or(i64::MAX, |until| until.0),
        }
    }

    /// The facts of a consent for purposes that the bundle in force does not have: it says nothing, and is still known to
    /// be about whom it was given on.
    pub fn void_consent<'v>(
        &self,
        keys: &IdentityKey,
        at: Option<Timestamp>,
        values: impl Iterator<Item = (AttributeId, FieldIndex, &'v str)>,
    ) -> ConsentFacts {
        ConsentFacts {
            identifiers: self.hash(keys, values).0,
            purposes: Vec::new(),
            state: ConsentState::Unknown,
            explicit: false,
            parental: false,
            at: at.map_or(0, |at| at.0),
            received: 0,
            order: 0,
            until: i64::MAX,
        }
    }

    /// Identifiers and values of a record as keyed hashes.
    fn hash<'v>(
        &self,
        keys: &IdentityKey,
        values: impl Iterator<Item = (AttributeId, FieldIndex, &'v str)>,
    ) -> (Identifiers, Values) {
        let (mut identifiers, mut hashes): (Vec<_>, Vec<(AttributeId, ValueHash)>) = (Vec::new(), Vec::new());
        for (attribute, _, text) in values {
            let Some((name, kinds)) = self.attributes.get(usize::from(attribute.0)) else { continue };
            if text.is_empty() {
                // What a source says is never empty: a steward took the value away.
                hashes.push((attribute, ValueHash::NONE));
                continue;
            }
            identifiers.extend(kinds.iter().map(|(kind, made)| (*kind, identifier_hash(keys, made, text))));
            // Values come in the order of attributes; the first of an attribute is the value of the record.
            if hashes.last().is_none_or(|(last, _)| *last != attribute) {
                hashes.push((attribute, keys.value(name, text)));
            }
        }
        identifiers.sort_unstable();
        identifiers.dedup();
        (identifiers, hashes)
    }
}

/// Adds to what is known of a record what its entry tells: when it was received, and its place among all that was.
pub(super) fn complete(body: &mut RecordBody, sequence: Sequence, time_s: u32) {
    let received = i64::from(time_s) * 1_000_000;
    match body {
        RecordBody::Person(facts) if facts.at == i64::MIN => facts.since = received,
        RecordBody::Consent(facts) => (facts.received, facts.order) = (received, sequence.0),
        _ => {}
    }
}

/// What guards keep of a standardised given name.
fn name_mark(keys: &IdentityKey, given: &str) -> NameMark {
    let Some(sound) = given_sound(given) else { return NameMark::NONE };
    let initial = sound.chars().next().map_or(String::new(), String::from);
    let hash = |part: &str| keys.content(&[b"given name", part.as_bytes()]);
    NameMark::new(hash(&initial), (sound.len() > 1).then(|| hash(&sound)))
}

/// A given name as it sounds, nicknames as the name that they stand for: its initial and the consonants after it, alike
/// ones as one, four letters at most. A name that has none after its initial ends in a dash.
fn given_sound(given: &str) -> Option<String> {
    let formal = formal_name(given).to_ascii_uppercase();
    let first = formal.split(|c: char| !c.is_ascii_alphabetic()).find(|part| !part.is_empty())?;
    let mut sound = String::new();
    for letter in first.chars() {
        let alike = match letter {
            'C' | 'Q' => 'K',
            'Z' => 'S',
            other => other,
        };
        let silent = matches!(alike, 'A' | 'E' | 'I' | 'O' | 'U' | 'Y' | 'H' | 'W');
        if sound.is_empty() || (!silent && !sound.ends_with(alike)) {
            sound.push(alike);
        }
    }
    if sound.len() == 1 && first.len() > 1 {
        sound.push('-');
    }
    sound.truncate(4);
    Some(sound)
}

/// Keyed hash of what a change says of a record.
pub(super) fn content_hash(keys: &IdentityKey, at: Option<Timestamp>, fields: &Fields) -> u64 {
    let (cells, text) = fields.parts();
    let mut shape = Vec::with_capacity(16 + cells.len() * 7);
    shape.extend(at.map_or(i64::MIN, |at| at.0).to_le_bytes());
    for cell in cells {
        shape.extend(cell.field.0.to_le_bytes());
        shape.push(cell.kind as u8);
        shape.extend(cell.size_bytes.to_le_bytes());
    }
    keys.content(&[&shape, text.as_bytes()])
}

/// A patch laid over stored fields: `Null` removes, `Unavailable` keeps, all else replaces. Without `keep`, a stored
/// field that the patch does not name is dropped.
pub(super) fn merge_fields(stored: &Fields, patch: &Fields, keep: bool) -> Fields {
    let mut merged: Vec<(FieldIndex, CellKind, &str)> = Vec::with_capacity(stored.count() + patch.count());
    for (field, kind, text) in patch.iter() {
        match kind {
            CellKind::Null => {}
            CellKind::Unavailable => merged.extend(stored.get(field).map(|(kind, text)| (field, kind, text))),
            _ => merged.push((field, kind, text)),
        }
    }
    if keep {
        merged.extend(stored.iter().filter(|(field, _, _)| patch.get(*field).is_none()));
        merged.sort_unstable_by_key(|(field, _, _)| *field);
    }
    let mut fields = Fields::default();
    for (field, kind, text) in merged {
        fields.push(field, kind, text);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(cells: &[(u16, CellKind, &str)]) -> Fields {
        let mut fields = Fields::default();
        for (field, kind, text) in cells {
            fields.push(FieldIndex(*field), *kind, text);
        }
        fields
    }

    #[test]
    fn a_patch_replaces_removes_and_keeps() {
        let stored = fields(&[(0, CellKind::Text, "a"), (1, CellKind::Text, "b"), (3, CellKind::Text, "d")]);
        let patch = fields(&[(1, CellKind::Null, ""), (2, CellKind::Number, "7"), (3, CellKind::Unavailable, "")]);
        let kept = fields(&[(0, CellKind::Text, "a"), (2, CellKind::Number, "7"), (3, CellKind::Text, "d")]);
        assert_eq!(merge_fields(&stored, &patch, true), kept);
        let replaced = fields(&[(2, CellKind::Number, "7"), (3, CellKind::Text, "d")]);
        assert_eq!(merge_fields(&stored, &patch, false), replaced);
    }
}
