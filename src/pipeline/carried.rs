//! By what a person is known, now and before, and which consents are theirs for it: one rule for what an erasure destroys
//! and for what a copy tells.
//!
//! INVARIANT: a consent that was also given on what somebody else alone carries is not theirs.

use super::facts::identifier_hash;
use super::known::ERASED;
use super::{Archive, Error};
use crate::crypto::IdentityKey;
use crate::ledger::{Content, Entry, Placed, Received};
use crate::model::{Birth, IdentifierHash, Role, Schema, SourceId};
use crate::store::{Index, RecordBody};
use std::collections::{BTreeMap, BTreeSet};

/// So many carriers of an identifier are looked at to see whether somebody else has it, too.
const CARRIERS_MAX: usize = 10_000;

/// Identifiers of a person.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// All that count as the person's.
    pub known: BTreeSet<IdentifierHash>,
    /// Of these, those on which a consent is the person's.
    pub own: BTreeSet<IdentifierHash>,
}

impl Carried {
    /// What the person of these records carries or ever carried; their own is what nobody else carries.
    pub fn alone(index: &Index, known: BTreeSet<IdentifierHash>, records: &BTreeSet<Birth>) -> Result<Self, Error> {
        let mut own = BTreeSet::new();
        for identifier in &known {
            if index.carriers(*identifier, CARRIERS_MAX)?.iter().all(|birth| records.contains(birth)) {
                own.insert(*identifier);
            }
        }
        Ok(Self { known, own })
    }

    /// What the person carries, be it shared, and of what they ever carried that which nobody has now; all is their own.
    fn shared(index: &Index, ever: BTreeSet<IdentifierHash>, now: &BTreeSet<IdentifierHash>) -> Result<Self, Error> {
        let mut known = BTreeSet::new();
        for identifier in ever {
            if now.contains(&identifier) || index.carriers(identifier, 1)?.is_empty() {
                known.insert(identifier);
            }
        }
        Ok(Self { own: known.clone(), known })
    }

    /// Whether a consent on these identifiers is the person's: it was given on one of their own, and on none that another
    /// has and the person never had.
    pub fn has(&self, index: &Index, consent: &[IdentifierHash]) -> Result<bool, Error> {
        if !consent.iter().any(|on| self.own.contains(on)) {
            return Ok(false);
        }
        for on in consent.iter().filter(|on| !self.known.contains(on)) {
            if !index.carriers(*on, 1)?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The identifiers that a record carries, or that a consent was given on.
pub(super) fn identifiers_of(body: &RecordBody) -> impl Iterator<Item = IdentifierHash> {
    let identifiers = match body {
        RecordBody::Person(facts) => facts.identifiers.as_slice(),
        RecordBody::Consent(facts) => facts.identifiers.as_slice(),
        RecordBody::Reference | RecordBody::Gone => &[],
    };
    identifiers.iter().map(|(_, identifier)| *identifier)
}

/// The identifiers that stand in a version of a record or consent.
pub(super) fn identifiers_in(schema: &Schema, identity: &IdentityKey, received: &Received) -> Vec<IdentifierHash> {
    let mut identifiers = Vec::new();
    for (attribute, _, text) in received.told() {
        let kinds = schema.kinds.iter().filter(|kind| kind.attribute == attribute);
        identifiers.extend(kinds.map(|kind| identifier_hash(identity, kind, text)));
    }
    identifiers
}

/// Whether a source sends consents.
pub(super) fn sends_consents(schema: &Schema, source: SourceId) -> bool {
    schema.sources.get(usize::from(source.0)).is_some_and(|source| source.role == Role::Consents)
}

/// Records, each with its last version where its source deleted it and it is held all the same.
pub(super) type Versions = BTreeMap<Birth, Option<Placed>>;

/// What is held of a person.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    /// Records of the profile, and those that were of it until their sources deleted them.
    pub records: Versions,
    /// Their consents.
    pub consents: Versions,
}

impl Archive {
    /// What is held of the person of this root.
    pub(super) fn holdings(&self, root: Birth, members: &[Birth]) -> Result<Holdings, Error> {
        let reader = self.reader()?;
        let mut held =
            Holdings { records: members.iter().map(|birth| (*birth, None)).collect(), ..Holdings::default() };
        let (mut now, mut ended) = (BTreeSet::new(), BTreeSet::new());
        for row in self.index.records() {
            let (birth, row) = row?;
            if members.binary_search(&birth).is_ok() {
                now.extend(identifiers_of(&row.body));
            } else if row.live || row.name == ERASED {
                continue;
            } else if sends_consents(reader.schema(), row.source) {
                ended.insert(birth);
            } else if reader.leads_to(birth)? == Some(root) {
                held.records.insert(birth, None);
            }
        }
        let (mut ever, mut last) = (now.clone(), BTreeMap::new());
        self.entries.scan(None, |entry: Entry| -> Result<(), Error> {
            let Content::Received(received) = &entry.content else { return Ok(()) };
            let theirs = held.records.contains_key(&received.birth);
            if received.live && (theirs || ended.contains(&received.birth)) {
                let identifiers = identifiers_in(reader.schema, reader.identity, received);
                if theirs {
                    ever.extend(identifiers.iter().copied());
                }
                last.insert(received.birth, (entry.placed, identifiers));
            }
            Ok(())
        })?;
        for (birth, version) in held.records.iter_mut().filter(|(birth, _)| members.binary_search(birth).is_err()) {
            *version = last.get(birth).map(|(placed, _)| *placed);
        }
        let carried = Carried::shared(&self.index, ever, &now)?;
        for birth in ended {
            if let Some((placed, identifiers)) = last.get(&birth)
                && carried.has(&self.index, identifiers)?
            {
                held.consents.insert(birth, Some(*placed));
            }
        }
        for row in self.index.records() {
            let (birth, row) = row?;
            if matches!(row.body, RecordBody::Consent(_)) {
                let identifiers: Vec<IdentifierHash> = identifiers_of(&row.body).collect();
                if carried.has(&self.index, &identifiers)? {
                    held.consents.insert(birth, None);
                }
            }
        }
        Ok(held)
    }
}
