//! Erasure: the keys of a person's records are destroyed, and with them everything that was ever written about them.
//!
//! The order, each step durable before the next: the erasure entry, what follows from it and the commit; the index
//! without the rows; the key state without the keys; a checkpoint. A stop before the commit leaves the erasure open, and
//! the next opening commits it; a stop after it leaves keys that the next opening destroys. Ciphertexts are deleted later, by
//! the date that the entry states (`redact`).
//!
//! INVARIANT: once [`Onefold::erase`] returns, no key that this directory holds opens an entry about the records.

use super::carried::{Carried, identifiers_in, identifiers_of, sends_consents};
use super::epoch::OpenEpoch;
use super::facts::identifier_hash;
use super::quarantine::REJECTED_NUMBERS;
use super::rectify::standard;
use super::refused::Needles;
use super::touched::Touched;
use super::{Error, Onefold, meta};
use crate::ledger::{Content, Erasure, Position, Received};
use crate::model::{AttributeId, Birth, Epoch, FieldRole, IdentifierHash, NameHash, Order, Ruling, Sequence, SourceId};
use crate::store::{Batch, RecordBody, RecordRow};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Records that one erasure entry names at most, and tombstones: both together fit into an entry.
const BIRTHS_MAX: usize = 1_000;
const TOMBSTONES_MAX: usize = 3_000;
/// So many carriers of an identifier are looked at to see whether somebody else has it, too.
const CARRIERS_MAX: usize = 10_000;

/// What is to be erased, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureRequest {
    /// A reference of the request, such as a case number: 1 to 64 letters, digits and `._/-`. It must name no person.
    pub request: String,
    /// The ground, such as `GDPR Art. 17(1)(a)`: at most 120 characters without `@`.
    pub ground: String,
    /// Days from now by which the ciphertexts are to be deleted.
    pub due_days: u16,
}

/// Of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All records of the profile of this root, deleted ones included, and consents given on what only they carry.
    Person(Birth),
    /// This record alone.
    Record(Birth),
}

/// What was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The erasure entries.
    pub entries: Vec<Sequence>,
    /// The epoch since which nobody sees the records.
    pub epoch: Epoch,
    /// Records whose keys were destroyed, consents included.
    pub records: u64,
    /// Of these, how many are consents.
    pub consents: u64,
    /// Refused messages about them whose keys were destroyed, too.
    pub rejected: u64,
    /// Names and identifiers by which they will be refused.
    pub tombstones: u64,
    /// The generation of the key state in which the keys are no more. Copies of earlier ones still open the records.
    pub generation: u64,
    /// By when the ciphertexts will be deleted, seconds since 1970.
    pub due_s: u32,
    /// The decisions by which records of the person are kept (GDPR Art. 17(3)), one for each.
    pub kept: Vec<Sequence>,
}

/// An erasure as the index keeps it, to know which ciphertexts are still to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasureState {
    /// The erasure entry.
    pub entry: Sequence,
    /// By when, seconds since 1970.
    pub due_s: u32,
    /// Whether it was done.
    pub redacted: bool,
}

/// What an erasure covers.
#[derive(Debug, Default)]
pub(super) struct Covered {
    pub records: BTreeSet<Birth>,
    pub consents: u64,
    pub rejected: BTreeSet<Birth>,
    pub tombstones: BTreeSet<u128>,
    /// Records that must not be erased, with the decisions that say so.
    pub held: BTreeMap<Birth, Sequence>,
}

impl ErasureRequest {
    /// Whether reference and ground can stand in the clear, for good.
    ///
    /// # Errors
    /// [`Error::BadName`] with what is wrong.
    pub fn check(&self) -> Result<(), Error> {
        let reference = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
        if self.request.is_empty() || self.request.len() > 64 || !self.request.chars().all(reference) {
            let what = "the reference of the request must be 1 to 64 letters, digits and `._/-`: it stays in the \
                        ledger in clear, so it must be a case number and no name or address";
            return Err(Error::BadName { what: what.to_owned() });
        }
        let printable = |c: char| !c.is_control() && c != '@';
        if self.ground.is_empty() || self.ground.chars().count() > 120 || !self.ground.chars().all(printable) {
            let what = "the ground must be 1 to 120 characters without `@`, such as `GDPR Art. 17(1)(a)`";
            return Err(Error::BadName { what: what.to_owned() });
        }
        Ok(())
    }
}

impl Onefold {
    /// Erases a person or a record. Everything taken before is committed first.
    ///
    /// # Errors
    /// [`Error::BadName`] when the request's reference or ground cannot be recorded, [`Error::NotFound`] when there is
    /// nothing to erase; else when ledger, index or keys cannot be written, after which nothing more is taken.
    pub fn erase(&mut self, scope: Scope, request: &ErasureRequest) -> Result<Erased, Error> {
        self.running()?;
        request.check()?;
        self.commit()?;
        let covered = self.covered(scope)?;
        let erased = self.carry_out(&covered, request);
        self.stop_on_error(erased)
    }

    fn carry_out(&mut self, covered: &Covered, request: &ErasureRequest) -> Result<Erased, Error> {
        self.stamp();
        let due_s = self.options.clock.now_s().saturating_add(u32::from(request.due_days) * 86_400);
        let generation = self.keys.generation().0 + 1;
        let epoch = self.epoch;
        let births: Vec<Birth> = covered.records.iter().chain(&covered.rejected).copied().collect();
        let tombstones: Vec<u128> = covered.tombstones.iter().copied().collect();
        let parts = births.len().div_ceil(BIRTHS_MAX).max(tombstones.len().div_ceil(TOMBSTONES_MAX));
        let parts =
            u16::try_from(parts).map_err(|_| Error::BadName { what: "there are too many records".to_owned() })?;
        self.keep_requests(&births)?;
        let mut entries = Vec::new();
        for part in 1..=parts {
            let index = usize::from(part - 1);
            let slice = |len: usize, max: usize| (index * max).min(len)..((index + 1) * max).min(len);
            let erasure = Erasure {
                request: request.request.clone(),
                ground: request.ground.clone(),
                epoch,
                generation,
                due_s,
                part,
                parts,
                births: births[slice(births.len(), BIRTHS_MAX)].to_vec(),
                tombstones: tombstones[slice(tombstones.len(), TOMBSTONES_MAX)].to_vec(),
            };
            let placed = self.ledger.append(&erasure)?;
            entries.push(placed.sequence);
            self.settle_erasure(placed.sequence, placed.position.0, erasure)?;
        }
        self.tick_if_due()?;
        self.ledger.sync()?;
        self.close_epoch(None)?;
        self.index.sync()?;
        let generation = self.keys.erase(&births, &*self.options.random)?;
        self.ledger.checkpoint()?;
        tracing::info!(records = covered.records.len(), generation = generation.0, "records erased");
        Ok(Erased {
            entries,
            epoch,
            records: covered.records.len() as u64,
            consents: covered.consents,
            rejected: covered.rejected.len() as u64,
            tombstones: tombstones.len() as u64,
            generation: generation.0,
            due_s,
            kept: covered.held.values().copied().collect(),
        })
    }

    /// Puts an erasure that stands in the ledger into the open epoch.
    pub(super) fn settle_erasure(&mut self, sequence: Sequence, position: u64, erasure: Erasure) -> Result<(), Error> {
        for birth in erasure.births.iter().filter(|birth| birth.0 < REJECTED_NUMBERS) {
            let Some(known) = self.records.get(*birth).copied() else {
                return Err(Error::Unaccounted { what: "an erasure names a record that never was" });
            };
            if self.records.is_erased(*birth) {
                continue;
            }
            self.end_decisions_about(*birth)?;
            let before = self.index.record(*birth)?.map_or(RecordBody::Gone, |row| row.body);
            let after = erased_row(known.source, sequence, position);
            let touched = Touched {
                name: known.name,
                before,
                after,
                new: false,
                had_issues: known.issues,
                issues: Vec::new(),
                compared: None,
            };
            self.open.touched.erase(*birth, touched);
            self.open.erased.push(*birth);
        }
        self.tombstones.extend(erasure.tombstones.iter().copied());
        self.open.erasures.push((sequence, erasure));
        Ok(())
    }

    /// What belongs to a person or a record.
    pub(super) fn covered(&mut self, scope: Scope) -> Result<Covered, Error> {
        let mut covered = Covered::default();
        match scope {
            Scope::Record(birth) => drop(covered.records.insert(birth)),
            Scope::Person(root) => {
                let row = self.index.profile(root)?;
                covered.records.extend(row.into_iter().flat_map(|row| row.members));
                covered.records.extend(self.records.departed().filter(|birth| self.living_root(*birth) == Some(root)));
            }
        }
        covered.records.retain(|birth| self.records.get(*birth).is_some() && !self.records.is_erased(*birth));
        if covered.records.is_empty() {
            return Err(Error::NotFound { what: "there is no record of it that could be erased".to_owned() });
        }
        for birth in covered.records.clone() {
            if let Some((entry, _)) = self.decisions.find(Ruling::Held { record: birth }) {
                covered.records.remove(&birth);
                covered.held.insert(birth, entry);
            }
        }
        if covered.records.is_empty() {
            return Err(Error::Held { entries: covered.held.into_values().collect() });
        }
        let consents = self.deleted_consents();
        let wanted = |birth: &Birth| covered.records.contains(birth) || consents.contains(birth);
        let received = self.received_ever(|received| wanted(&received.birth))?;
        let past: Vec<(Birth, Vec<IdentifierHash>)> = received
            .iter()
            .map(|received| (received.birth, identifiers_in(&self.schema, &self.identity, received)))
            .collect();
        let bodies = past.iter().filter(|(birth, _)| covered.records.contains(birth));
        let known = bodies.flat_map(|(_, identifiers)| identifiers.iter().copied()).collect();
        let carried = Carried::alone(&self.index, known, &covered.records)?;
        if matches!(scope, Scope::Person(_)) {
            let mut found = BTreeSet::new();
            for (birth, identifiers) in past.iter().filter(|(birth, _)| consents.contains(birth)) {
                if carried.has(&self.index, identifiers)? {
                    found.insert(*birth);
                }
            }
            for row in self.index.records() {
                let (birth, row) = row?;
                if matches!(row.body, RecordBody::Consent(_)) {
                    let identifiers: Vec<IdentifierHash> = identifiers_of(&row.body).collect();
                    if carried.has(&self.index, &identifiers)? {
                        found.insert(birth);
                    }
                }
            }
            covered.consents = found.len() as u64;
            covered.records.extend(found);
        }
        self.find_rejected(&mut covered, &received)?;
        self.bury(&mut covered, &carried.own);
        Ok(covered)
    }

    /// Where the profile of a record stands now, following those that ended.
    pub(super) fn living_root(&self, birth: Birth) -> Option<Birth> {
        let mut at = birth;
        for _ in 0..10_000 {
            let root = self.records.root(at)?;
            if root == at {
                return Some(root);
            }
            at = root;
        }
        None
    }

    /// Consents that their source deleted and nobody erased.
    fn deleted_consents(&self) -> HashSet<Birth> {
        let is_consent =
            |birth: &Birth| self.records.get(*birth).is_some_and(|known| sends_consents(&self.schema, known.source));
        self.records.departed().filter(is_consent).collect()
    }

    /// Every version of some records: what they carried before stands in their entries alone.
    fn received_ever(&self, wanted: impl Fn(&Received) -> bool) -> Result<Vec<Received>, Error> {
        let mut past = Vec::new();
        self.ledger.reader().scan(None, |entry| -> Result<(), Error> {
            if let Content::Received(received) = entry.content
                && received.live
                && wanted(&received)
            {
                past.push(received);
            }
            Ok(())
        })?;
        Ok(past)
    }

    /// Whether a record that is not covered carries an identifier that is written like this.
    fn is_of_another(&self, attribute: AttributeId, raw: &str, covered: &Covered) -> Result<bool, Error> {
        let Ok(values) = standard(&self.schema, attribute, raw) else { return Ok(false) };
        let text = values.into_iter().find(|(of, _)| *of == attribute).map(|(_, text)| text).unwrap_or_default();
        for kind in self.schema.kinds.iter().filter(|kind| kind.attribute == attribute) {
            let carriers = self.index.carriers(identifier_hash(&self.identity, kind, &text), CARRIERS_MAX)?;
            if carriers.iter().any(|birth| !covered.records.contains(birth)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds the refused messages that name one of the records, or hold a value by which they are or were known.
    fn find_rejected(&self, covered: &mut Covered, received: &[Received]) -> Result<(), Error> {
        let mut rejections = self.index.rejected().peekable();
        if rejections.peek().is_none() {
            return Ok(());
        }
        let identifying: Vec<AttributeId> = self.schema.kinds.iter().map(|kind| kind.attribute).collect();
        let mut needles = Needles::default();
        for received in received.iter().filter(|received| covered.records.contains(&received.birth)) {
            needles.key(received.source, &received.key);
            for (attribute, field, value) in received.told() {
                if identifying.contains(&attribute) {
                    needles.value(value);
                    received.fields.get(field).into_iter().for_each(|(_, raw)| needles.value(raw));
                }
            }
            // Of what was rectified the source's own words as well.
            let rectified: Vec<AttributeId> =
                self.decisions.rectified(received.birth).into_iter().map(|(attribute, _)| attribute).collect();
            let source = self.schema.sources.get(usize::from(received.source.0));
            for (index, _, raw) in received.fields.iter() {
                let role = source.and_then(|source| source.fields.get(usize::from(index.0))).map(|field| &field.role);
                if let Some(FieldRole::Attribute(of)) = role
                    && rectified.contains(of)
                    && identifying.contains(of)
                    && !self.is_of_another(*of, raw, covered)?
                {
                    needles.value(raw);
                }
            }
        }
        for row in rejections {
            let (_, row) = row?;
            let Content::Rejected(rejected) = self.ledger.read(Position(row.position))?.content else { continue };
            if needles.are_in(&rejected) {
                covered.rejected.insert(rejected.number);
            }
        }
        Ok(())
    }

    /// The tombstones of the covered records: their names, and the identifiers that nobody else carries.
    fn bury(&self, covered: &mut Covered, own: &BTreeSet<IdentifierHash>) {
        let keys = self.keys.tombstones();
        let names = covered.records.iter().filter_map(|birth| self.records.get(*birth).map(|known| known.name));
        covered.tombstones.extend(names.map(|name| keys.name(name).number()));
        covered.tombstones.extend(own.iter().map(|identifier| keys.identifier(*identifier).number()));
    }

    /// Whether a change is about an erased record or person, by name or by identifier.
    pub(super) fn is_buried(&self, name: Option<NameHash>, body: Option<&RecordBody>) -> bool {
        if self.tombstones.is_empty() {
            return false;
        }
        let keys = self.keys.tombstones();
        name.is_some_and(|name| self.tombstones.contains(&keys.name(name).number()))
            || body.into_iter().flat_map(identifiers_of).any(|hash| {
                // A bundle may call weak what another did not when it was erased.
                let buried = |weak| self.tombstones.contains(&keys.identifier(hash.marked(weak)).number());
                buried(false) || buried(true)
            })
    }

    /// The erasures, with whether their ciphertexts are deleted.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn erasures(&self) -> Result<Vec<ErasureState>, Error> {
        let bytes = self.index.meta(meta::ERASURES)?.unwrap_or_default();
        let (rows, _) = bytes.as_chunks::<13>();
        let row = |row: &[u8; 13]| {
            let (mut entry, mut due) = ([0; 8], [0; 4]);
            entry.copy_from_slice(&row[..8]);
            due.copy_from_slice(&row[8..12]);
            let (entry, due_s) = (Sequence(u64::from_le_bytes(entry)), u32::from_le_bytes(due));
            ErasureState { entry, due_s, redacted: row[12] == 1 }
        };
        Ok(rows.iter().map(row).collect())
    }

    /// Puts what the epoch says of erasures into its batch.
    pub(super) fn put_erasures(&self, batch: &mut Batch, open: &OpenEpoch) -> Result<(), Error> {
        if open.refused > 0 {
            let refused = self.refused()? + open.refused;
            batch.put_meta(meta::REFUSED, &refused.to_le_bytes());
        }
        if open.erasures.is_empty() && open.redacted.is_empty() {
            return Ok(());
        }
        let mut states = self.erasures()?;
        for (entry, erasure) in &open.erasures {
            states.push(ErasureState { entry: *entry, due_s: erasure.due_s, redacted: false });
            erasure.tombstones.iter().for_each(|tombstone| batch.put_tombstone(*tombstone));
            for number in erasure.births.iter().filter(|birth| birth.0 >= REJECTED_NUMBERS) {
                batch.remove_rejected(Sequence(number.0 & !REJECTED_NUMBERS));
            }
            batch.put_meta(meta::GENERATION, &erasure.generation.to_le_bytes());
        }
        for state in &mut states {
            state.redacted |= open.redacted.contains(&state.entry);
        }
        let row = |state: &ErasureState| {
            let (entry, due_s) = (state.entry.0.to_le_bytes(), state.due_s.to_le_bytes());
            entry.into_iter().chain(due_s).chain([u8::from(state.redacted)])
        };
        batch.put_meta(meta::ERASURES, &states.iter().flat_map(row).collect::<Vec<u8>>());
        Ok(())
    }

    /// How many changes were refused because they were about erased records; since the index was made.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn refused(&self) -> Result<u64, Error> {
        let bytes = self.index.meta(meta::REFUSED)?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes))
    }
}

/// What stands in the index for an erased record.
pub(super) fn erased_row(source: SourceId, sequence: Sequence, position: u64) -> RecordRow {
    let name = NameHash(0);
    RecordRow {
        name,
        source,
        live: false,
        order: Order::Arrival,
        content: 0,
        position,
        sequence,
        body: RecordBody::Gone,
    }
}
