//! The state as of an epoch, from the ledger alone: what was linked, which values won, what was permitted, as it was
//! recorded then and under the bundle in force then.
//!
//! The whole ledger up to the epoch's commit is gone through; no dataflow runs. What is erased since cannot be read: its
//! records are counted, as the slots of their links still say that they were there.
//!
//! INVARIANT: nothing of a later epoch is seen.

use super::facts::identifier_hash;
use super::live::Live;
use super::policies::Policies;
use super::read::Reader;
use super::resolve::Name;
use super::{Access, Archive, Error, RecordView};
use crate::ledger::{self, Content, Entry, Kind, Operation, PolicyBundle, PolicyPart, Received, Ruled};
use crate::model::{AttributeId, Birth, Epoch, Permission, ProfileId, PurposeId, Role, Schema, Sequence, Winner};
use crate::policy::Bundle;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A profile as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastProfile {
    /// The epoch.
    pub epoch: u64,
    /// When it was committed, seconds since 1970.
    pub at_s: u32,
    /// The bundle that was in force: name and version.
    pub bundle: String,
    /// The id that it had.
    pub id: Option<String>,
    /// The records that it was made of, oldest first.
    pub members: Vec<RecordView>,
    /// How many others it had that are erased since.
    pub erased: u64,
    /// Its values.
    pub values: Vec<PastValue>,
    /// What might be done with it.
    pub permissions: Vec<PastPermission>,
}

/// A value as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastValue {
    /// The attribute.
    pub attribute: String,
    /// In standard form.
    pub value: String,
    /// The record that it came from.
    pub record: RecordView,
    /// The entry that held the record.
    pub received: Sequence,
    /// The entry that made it the profile's.
    pub values: Sequence,
    /// What other records of the profile had.
    pub others: Vec<PastOther>,
}

/// A value that did not win.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastOther {
    /// In standard form.
    pub value: String,
    /// The record that had it.
    pub record: RecordView,
    /// The entry that held the record.
    pub received: Sequence,
}

/// What might be done for a purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastPermission {
    /// The purpose.
    pub purpose: String,
    /// Whether it was permitted.
    pub allowed: bool,
    /// Why.
    pub why: String,
    /// The entry that decided it; none where nothing but the default did.
    pub decision: Option<Sequence>,
    /// The policies that determined it.
    pub policies: Vec<String>,
}

/// What the ledger said up to the end of an epoch.
struct Past {
    epoch: Epoch,
    at_s: u32,
    live: Live,
    /// What each record last was.
    records: HashMap<Birth, (Received, Sequence)>,
    /// Pairs that links joined which cannot be read any more, with how many such links there were.
    sealed: BTreeMap<(Birth, Birth), i64>,
    erased: BTreeSet<Birth>,
    schema: Arc<Schema>,
    policies: Policies,
    bundle: String,
}

/// The walk's way to stop at the commit.
enum Stop {
    There,
    Failed(Error),
}

impl From<ledger::Error> for Stop {
    fn from(error: ledger::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Archive {
    /// The profile that a name led to at the end of an epoch.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the epoch is not there yet, or the name led to no profile then; when the ledger cannot be
    /// read, or the read not recorded.
    pub fn profile_as_of(&self, id: &str, epoch: u64, access: &Access) -> Result<PastProfile, Error> {
        let reader = self.read_as(access)?;
        let past = self.past(epoch)?;
        let births = past.named(&reader, reader.parse(id)?)?;
        let missing = || Error::NotFound { what: format!("it was in no profile at the end of epoch {epoch}") };
        let start = births.into_iter().find(|birth| past.is_member(*birth)).ok_or_else(missing)?;
        let profile = past.profile(&reader, start)?;
        let attributes: Vec<AttributeId> =
            profile.values.iter().filter_map(|value| reader.schema().attribute(&value.attribute)).collect();
        let purpose = reader.purpose_of(None);
        reader.note_one(Operation::Profile, start, profile.members.len(), &attributes, purpose, true)?;
        Ok(profile)
    }

    /// Goes through the ledger up to the commit of an epoch, or the last one before it.
    fn past(&self, epoch: u64) -> Result<Past, Error> {
        let reader = self.reader()?;
        let mut past = Past {
            epoch: Epoch(0),
            at_s: 0,
            live: Live::default(),
            records: HashMap::new(),
            sealed: BTreeMap::new(),
            erased: BTreeSet::new(),
            schema: Arc::clone(reader.schema),
            policies: self.policies.clone(),
            bundle: String::new(),
        };
        // What was committed counts: the entries of an epoch are taken in when its commit is seen.
        let mut waiting: Vec<Entry> = Vec::new();
        let mut parts: Vec<PolicyPart> = Vec::new();
        let walked = self.entries.scan(None, |entry| {
            if let Content::Policy(part) = &entry.content {
                if part.part == 1 {
                    parts.clear();
                }
                parts.push(part.clone());
            }
            if let Content::Commit(commit) = &entry.content {
                if commit.epoch.0 > epoch {
                    return Err(Stop::There);
                }
                (past.epoch, past.at_s) = (commit.epoch, entry.header.time_s);
                waiting.drain(..).for_each(|entry| past.take(entry));
                return if commit.epoch.0 == epoch { Err(Stop::There) } else { Ok(()) };
            }
            waiting.push(entry);
            Ok(())
        });
        match walked {
            Err(Stop::Failed(error)) => return Err(error),
            Ok(()) => {
                let last = past.epoch;
                return Err(Error::NotFound { what: format!("there is no epoch {epoch} yet: the last is {last}") });
            }
            Err(Stop::There) => {}
        }
        if let Some(recorded) = PolicyBundle::from_parts(&parts) {
            past.bundle = format!("{} {}", recorded.name, recorded.version);
            if Some(recorded.digest) != self.bundle_digest() {
                let bundle = Bundle::compile(recorded.files)?;
                past.policies = Policies::new(&bundle);
                past.schema = Arc::new(bundle.schema);
            }
        }
        Ok(past)
    }
}

impl Past {
    fn take(&mut self, entry: Entry) {
        self.live.take(&entry);
        match entry.content {
            Content::Received(received) => {
                self.records.insert(received.birth, (received, entry.placed.sequence));
            }
            Content::Erased { birth, other: Some(other), .. } => {
                let count = self.sealed.entry((birth, other)).or_default();
                match entry.header.kind {
                    Kind::Merge => *count += 1,
                    Kind::Unmerge => *count -= 1,
                    _ => {}
                }
            }
            Content::Erasure(erasure) => {
                for birth in erasure.births {
                    self.records.remove(&birth);
                    self.erased.insert(birth);
                }
            }
            _ => {}
        }
    }

    /// Whether a record was live and of a person.
    fn is_member(&self, birth: Birth) -> bool {
        let role = |source: usize| self.schema.sources.get(source).map(|source| source.role);
        self.records
            .get(&birth)
            .is_some_and(|(received, _)| received.live && role(usize::from(received.source.0)) == Some(Role::People))
    }

    /// The records that a name means, as it was then.
    fn named(&self, reader: &Reader<'_>, name: Name) -> Result<Vec<Birth>, Error> {
        Ok(match name {
            Name::Profile(id) => reader.index.birth(id.0)?.into_iter().collect(),
            Name::Record(source, key) => {
                let source = reader.schema.sources.get(usize::from(source.0)).map_or("", |source| source.name.as_str());
                let names = [key.clone(), key.replace('|', "\u{1f}")];
                let mut found = Vec::new();
                for key in names {
                    found.extend(reader.index.birth(reader.identity.name(source, &key))?);
                }
                found
            }
            Name::Identifier(kind, identifier) => {
                let Some(kind) = reader.schema.kinds.get(usize::from(kind.0)) else { return Ok(Vec::new()) };
                let carries = |received: &Received| {
                    let mut values = received.told();
                    values.any(|(attribute, _, text)| {
                        attribute == kind.attribute && identifier_hash(reader.identity, kind, text) == identifier
                    })
                };
                let mut found: Vec<Birth> = self
                    .records
                    .iter()
                    .filter(|(birth, (received, _))| self.is_member(**birth) && carries(received))
                    .map(|(birth, _)| *birth)
                    .collect();
                found.sort_unstable();
                found
            }
        })
    }

    /// The records that links joined with one, those that are erased since included.
    fn component(&self, start: Birth) -> BTreeSet<Birth> {
        let mut neighbours: HashMap<Birth, Vec<Birth>> = HashMap::new();
        let open = self.live.links.keys().map(|link| (link.a, link.b));
        let sealed = self.sealed.iter().filter(|(_, count)| **count > 0).map(|(pair, _)| *pair);
        let there = |birth: &Birth| !self.erased.contains(birth);
        for (a, b) in open.chain(sealed).filter(|(a, b)| there(a) && there(b)) {
            neighbours.entry(a).or_default().push(b);
            neighbours.entry(b).or_default().push(a);
        }
        let (mut seen, mut waiting) = (BTreeSet::from([start]), vec![start]);
        while let Some(at) = waiting.pop() {
            for next in neighbours.get(&at).into_iter().flatten() {
                if seen.insert(*next) {
                    waiting.push(*next);
                }
            }
        }
        seen
    }

    fn profile(&self, reader: &Reader<'_>, start: Birth) -> Result<PastProfile, Error> {
        let members = self.component(start);
        let root = members.first().copied().unwrap_or(start);
        let known: Vec<Birth> = members.iter().copied().filter(|birth| self.records.contains_key(birth)).collect();
        let mut values = Vec::new();
        for ((of, attribute, record), (_, uses, entry)) in &self.live.values {
            let plain = uses & Winner::PLAIN != 0;
            if *of != root || !plain || !members.contains(record) {
                continue;
            }
            values.extend(self.value(*attribute, *record, *entry, &known));
        }
        values.sort_by(|a, b| a.attribute.cmp(&b.attribute));
        let id = match reader.index.record(root)? {
            Some(row) if self.records.contains_key(&root) => Some(ProfileId(row.name).to_string()),
            _ => None,
        };
        Ok(PastProfile {
            epoch: self.epoch.0,
            at_s: self.at_s,
            bundle: self.bundle.clone(),
            id,
            erased: (members.len() - known.len()) as u64,
            members: known.iter().filter_map(|birth| self.view(*birth)).collect(),
            values,
            permissions: self.permissions(root),
        })
    }

    fn value(&self, attribute: AttributeId, record: Birth, entry: Sequence, members: &[Birth]) -> Option<PastValue> {
        let (value, received) = self.text(record, attribute)?;
        let others = members.iter().filter(|birth| **birth != record).filter_map(|birth| {
            let (value, received) = self.text(*birth, attribute)?;
            Some(PastOther { value, record: self.view(*birth)?, received })
        });
        let attribute = self.schema.attributes.get(usize::from(attribute.0))?.name.clone();
        let record = self.view(record)?;
        Some(PastValue { attribute, value, record, received, values: entry, others: others.collect() })
    }

    fn text(&self, birth: Birth, attribute: AttributeId) -> Option<(String, Sequence)> {
        let (received, sequence) = self.records.get(&birth)?;
        let mut values = received.told();
        let (_, _, text) = values.find(|(found, _, _)| *found == attribute)?;
        Some((text.to_owned(), *sequence))
    }

    fn view(&self, birth: Birth) -> Option<RecordView> {
        let (received, _) = self.records.get(&birth)?;
        let source = self.schema.sources.get(usize::from(received.source.0))?;
        let at_us = received.at.map(|at| at.0);
        Some(RecordView { source: source.name.clone(), key: received.key.clone(), at_us, trust: source.trust })
    }

    fn permissions(&self, root: Birth) -> Vec<PastPermission> {
        let view = |(place, purpose): (usize, &crate::model::Purpose)| {
            let id = PurposeId(u8::try_from(place).unwrap_or(u8::MAX));
            let found = self.live.answers.get(&(root, id));
            let permission = found.map(|(ruled, _)| permission(ruled));
            let now_us = i64::from(self.at_s) * 1_000_000;
            let (allowed, why) = self.policies.decide(purpose, permission.as_ref(), now_us);
            PastPermission {
                purpose: purpose.name.clone(),
                allowed,
                why,
                decision: found.map(|(_, entry)| *entry),
                policies: found.map_or_else(Vec::new, |(ruled, _)| ruled.policies.clone()),
            }
        };
        // What governs combining is decided where records are joined, and is no answer.
        let combining = self.schema.combining.map(|combining| usize::from(combining.0));
        let purposes = self.schema.purposes.iter().enumerate().filter(|(place, _)| Some(*place) != combining);
        purposes.map(view).collect()
    }
}

/// The permission that an answer gave.
fn permission(ruled: &Ruled) -> Permission {
    let &Ruled { purpose, categories, context, consent, until, .. } = ruled;
    Permission { purpose, categories, context, until, consent }
}
