//! What holds for the records of a person after they come apart (design section 7, rule 7): who ended a consent did so for
//! all records that were theirs then, wherever these belong later.
//!
//! When the end of a consent is committed, an entry names the records of the profiles that it reaches, those that carry the
//! identifier that it was ended on included: whoever gets another address has not consented by that. While they stay
//! together it changes nothing; after a split it binds each part, until a later consent on an identifier of that part, or on
//! the one that it was ended on, lifts it. An end that parts them itself, because it is one for combining them, too, binds
//! those as well who were together before.
//!
//! INVARIANT: what binds is in the ledger before the epoch is committed, is never computed a second time, and holds from
//! that epoch on, whether it is told to a running dataflow or to one that is restored.

use super::epoch::OpenEpoch;
use super::sandbox::guard_of;
use super::touched::TouchedRecords;
use super::{Error, Onefold};
use crate::dataflow::guards::{Carrier, Carriers, Standing};
use crate::dataflow::{Delta, Engine};
use crate::ledger::Binding;
use crate::model::{Birth, IdentifierHash, KindId, NameMark, Named, Permission, PurposeId, Ruling};
use crate::store::{Batch, Index, RecordBody};
use hashbrown::{HashMap, HashSet};
use std::collections::{BTreeMap, BTreeSet};

/// Records that one entry names at most: they fit into it, however large a bundle lets profiles be.
const RECORDS_MAX: usize = 4_000;
/// Carriers that are looked at of an identifier that a steward allowed.
const ALLOWED_MAX: usize = 100_000;

/// The end of a consent.
struct End {
    /// What it was given on, strong identifiers first.
    identifiers: Vec<(KindId, IdentifierHash)>,
    /// What it was for.
    purposes: Vec<PurposeId>,
}

/// Consents that an epoch ends, and which of the records that it touches carry the identifiers that they were ended on.
#[derive(Default)]
pub(super) struct Ended {
    consents: BTreeMap<Birth, End>,
    /// All that they were given on.
    on: HashSet<IdentifierHash>,
    /// The touched records that were there before.
    touched: HashSet<Birth>,
    /// Those of them that carry one of the identifiers now.
    carriers: HashMap<IdentifierHash, Vec<Carrier>>,
}

impl Ended {
    /// Finds the consents.
    pub fn find(touched: &TouchedRecords, is_strong: impl Fn(KindId) -> bool) -> Self {
        let mut ended = Self::default();
        for (birth, record) in touched.iter() {
            let RecordBody::Consent(facts) = &record.after.body else { continue };
            if facts.state.prohibits() {
                let mut identifiers = facts.identifiers.clone();
                identifiers.sort_by_key(|(kind, _)| !is_strong(*kind));
                ended.on.extend(identifiers.iter().map(|(_, on)| *on));
                ended.consents.insert(birth, End { identifiers, purposes: facts.purposes.clone() });
            }
        }
        ended
    }

    /// Notes a touched record.
    pub fn note(&mut self, named: Named, new: bool, after: &RecordBody) {
        if self.on.is_empty() {
            return;
        }
        if !new {
            self.touched.insert(named.birth);
        }
        if let RecordBody::Person(facts) = after {
            for (_, on) in facts.identifiers.iter().filter(|(_, on)| self.on.contains(on)) {
                self.carriers.entry(*on).or_default().push(Carrier { named, given: facts.given });
            }
        }
    }
}

impl Onefold {
    /// The entries that say whom the consents that ended bind.
    pub(super) fn bindings(&self, ended: &Ended, delta: &Delta) -> Result<Vec<Binding>, Error> {
        if ended.consents.is_empty() {
            return Ok(Vec::new());
        }
        let mut reached: Vec<(Birth, IdentifierHash, Vec<Birth>)> = Vec::new();
        for (consent, End { identifiers, .. }) in &ended.consents {
            for (kind, on) in identifiers {
                reached.push((*consent, *on, self.reached(*kind, *on, ended)?));
            }
        }
        let carriers: HashSet<Birth> = reached.iter().flat_map(|(.., records)| records).copied().collect();
        let moved = delta.members.iter().filter(|(member, came)| *came && carriers.contains(&member.record));
        let moved: HashMap<Birth, Birth> = moved.map(|(member, _)| (member.record, member.root)).collect();
        let mut bindings = Vec::new();
        for reached in reached.chunk_by(|(one, ..), (other, ..)| one == other) {
            let consent = reached[0].0;
            let purposes = &ended.consents[&consent].purposes;
            let parts = self.schema.combining.is_some_and(|combining| purposes.contains(&combining));
            // By profile, as it is and as it was: the first identifier by which it is reached, and whom it binds.
            let mut bound: BTreeMap<Birth, (IdentifierHash, BTreeSet<Birth>)> = BTreeMap::new();
            let (mut seen, mut seen_before) = (BTreeSet::new(), BTreeSet::new());
            for (on, record) in reached.iter().flat_map(|(_, on, records)| records.iter().map(|record| (*on, *record)))
            {
                let was = self.records.root(record);
                if let Some(root) = moved.get(&record).copied().or(was)
                    && seen.insert(root)
                    && self.is_prohibited(root, purposes, delta)?
                {
                    let members = self.members_after(root, delta)?;
                    bound.entry(root).or_insert_with(|| (on, BTreeSet::new())).1.extend(members);
                }
                if let Some(root) = was.filter(|_| parts && !self.index_is_empty)
                    && seen_before.insert(root)
                    && let Some(row) = self.index.profile(root)?
                {
                    bound.entry(root).or_insert_with(|| (on, BTreeSet::new())).1.extend(row.members);
                }
            }
            for (root, (on, records)) in bound {
                let records: Vec<Birth> = records.into_iter().collect();
                let epoch = self.epoch;
                let part = |records: &[Birth]| Binding { consent, root, on, records: records.to_vec(), epoch };
                bindings.extend(records.chunks(RECORDS_MAX).map(part));
            }
        }
        Ok(bindings)
    }

    /// The records that consents on an identifier reach after the epoch.
    fn reached(&self, kind: KindId, on: IdentifierHash, ended: &Ended) -> Result<Vec<Birth>, Error> {
        let guard = guard_of(&self.schema, kind);
        let allowed = Ruling::Allowed { kind, identifier: on, carrier: Birth(0) };
        let allowed = self.decisions.find(allowed).is_some();
        let mut carriers = Carriers::default();
        ended.carriers.get(&on).into_iter().flatten().for_each(|carrier| carriers.insert(*carrier));
        if !self.index_is_empty {
            let most = usize::try_from(guard.records_max).unwrap_or(ALLOWED_MAX);
            let most = if allowed { ALLOWED_MAX } else { most.saturating_add(1) };
            for birth in self.index.carriers(on, most.saturating_add(ended.touched.len()))? {
                if ended.touched.contains(&birth) {
                    continue;
                }
                let Some(row) = self.index.record(birth)? else { continue };
                let given = if let RecordBody::Person(facts) = &row.body { facts.given } else { NameMark::NONE };
                carriers.insert(Carrier { named: Named::new(row.name, birth), given });
            }
        }
        let reaches = Standing::new(&carriers, guard, on.is_weak(), allowed).reaches();
        Ok(carriers.iter().filter(|_| reaches).map(|carrier| carrier.named.birth).collect())
    }

    /// Whether the end of a consent prohibits one of these purposes to a profile after the epoch.
    fn is_prohibited(&self, root: Birth, purposes: &[PurposeId], delta: &Delta) -> Result<bool, Error> {
        let is = |permission: &Permission| {
            let circumstances = permission.context.circumstances();
            purposes.contains(&permission.purpose) && (circumstances.withdrawn || circumstances.objected)
        };
        let first = delta.permissions.partition_point(|(of, ..)| *of < root);
        let changes = delta.permissions[first..].iter().take_while(|(of, ..)| *of == root);
        let mut gone = Vec::new();
        for (_, permission, came) in changes {
            match came {
                true if is(permission) => return Ok(true),
                true => {}
                false => gone.push(permission),
            }
        }
        let row = if self.index_is_empty { None } else { self.index.profile(root)? };
        let mut rows = row.iter().flat_map(|row| &row.permissions);
        Ok(rows.any(|(permission, _)| is(permission) && !gone.contains(&permission)))
    }

    /// The records of a profile after the epoch.
    fn members_after(&self, root: Birth, delta: &Delta) -> Result<Vec<Birth>, Error> {
        let row = if self.index_is_empty { None } else { self.index.profile(root)? };
        let mut members: BTreeSet<Birth> = row.into_iter().flat_map(|row| row.members).collect();
        let first = delta.members.partition_point(|(member, _)| member.root < root);
        let changes = delta.members[first..].iter().take_while(|(member, _)| member.root == root);
        for (member, came) in changes {
            match came {
                true => members.insert(member.record),
                false => members.remove(&member.record),
            };
        }
        Ok(members.into_iter().collect())
    }

    /// Puts what binds into the batch of its epoch, and tells the dataflow; `true` when there was anything to tell.
    pub(super) fn bind(&mut self, batch: &mut Batch, bindings: &[Binding]) -> Result<bool, Error> {
        let mut told: HashMap<(Birth, Birth), IdentifierHash> = HashMap::new();
        for Binding { consent, on, records, .. } in bindings {
            for record in records {
                if self.records.is_erased(*record) || self.records.is_erased(*consent) {
                    continue;
                }
                let was = match told.get(&(*record, *consent)) {
                    Some(on) => Some(*on),
                    None => self.index.binding(*record, *consent)?,
                };
                if was == Some(*on) {
                    continue;
                }
                was.into_iter().for_each(|was| tell(&mut self.engine, *record, was, *consent, false));
                tell(&mut self.engine, *record, *on, *consent, true);
                batch.put_binding(*record, *consent, *on);
                told.insert((*record, *consent), *on);
            }
        }
        Ok(!told.is_empty())
    }

    /// Takes out what binds erased records, or by an erased consent.
    pub(super) fn unbind_erased(&mut self, batch: &mut Batch, open: &OpenEpoch) -> Result<(), Error> {
        if open.erased.is_empty() {
            return Ok(());
        }
        let erased: HashSet<Birth> = open.erased.iter().copied().collect();
        for row in self.index.bindings() {
            let ((record, consent), on) = row?;
            if erased.contains(&record) || erased.contains(&consent) {
                batch.remove_binding(record, consent);
                tell(&mut self.engine, record, on, consent, false);
            }
        }
        Ok(())
    }
}

/// Tells a dataflow of all that binds.
pub(super) fn feed_bindings(index: &Index, engine: &mut Engine) -> Result<(), Error> {
    for row in index.bindings() {
        let ((record, consent), on) = row?;
        tell(engine, record, on, consent, true);
    }
    Ok(())
}

/// Tells the dataflow. Whether an identifier is weak is for the bundle in force to say, which may be another than when it
/// was written.
fn tell(engine: &mut Engine, record: Birth, on: IdentifierHash, consent: Birth, came: bool) {
    engine.bind(record, on.marked(false), consent, came);
    engine.bind(record, on.marked(true), consent, came);
}
