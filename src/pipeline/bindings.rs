//! What holds for the records of a person after they come apart (design section 7, rule 7): who ended a consent did so for
//! all records that were theirs then, wherever these belong later.
//!
//! When the end of a consent is committed, an entry names the records of the profile, those that carry the identifier that
//! it was ended on included: whoever gets another address has not consented by that. While they stay together it changes
//! nothing; after a split it binds each part, until a later consent on an identifier of that part, or on the one that it was
//! ended on, lifts it.
//!
//! INVARIANT: what binds is in the ledger before the epoch is committed, and is never computed a second time.

use super::derive::Derived;
use super::epoch::OpenEpoch;
use super::touched::TouchedRecords;
use super::{Error, Onefold};
use crate::dataflow::{Delta, Engine};
use crate::ledger::Binding;
use crate::model::{Birth, Epoch, IdentifierHash, PurposeId};
use crate::store::{Batch, Index, RecordBody};
use hashbrown::{HashMap, HashSet};
use std::collections::{BTreeMap, BTreeSet};

/// Records that one entry names at most: they fit into it, however large a bundle lets profiles be.
const RECORDS_MAX: usize = 4_000;

/// Consents that an epoch ends, and who carries the identifiers that they were ended on, of the records that it touches.
#[derive(Default)]
pub(super) struct Ended {
    /// By consent, the identifier that stands for it, and what it was for.
    consents: HashMap<Birth, (IdentifierHash, Vec<PurposeId>)>,
    /// By identifier, the consents that were ended on it.
    on: HashMap<IdentifierHash, Vec<Birth>>,
    /// Touched records with those of the identifiers that they carry now.
    touched: HashMap<Birth, Vec<IdentifierHash>>,
}

impl Ended {
    /// Finds the consents.
    pub fn find(touched: &TouchedRecords, is_strong: impl Fn(crate::model::KindId) -> bool) -> Self {
        let mut ended = Self::default();
        for (birth, record) in touched.iter() {
            let RecordBody::Consent(facts) = &record.after.body else { continue };
            let strongest = facts.identifiers.iter().find(|(kind, _)| is_strong(*kind)).or(facts.identifiers.first());
            if let Some((_, on)) = strongest.filter(|_| facts.state.prohibits()) {
                ended.consents.insert(birth, (*on, facts.purposes.clone()));
                for (_, identifier) in &facts.identifiers {
                    ended.on.entry(*identifier).or_default().push(birth);
                }
            }
        }
        ended
    }

    /// Notes a touched record.
    pub fn note(&mut self, birth: Birth, after: &RecordBody) {
        if !self.on.is_empty() {
            self.touched.insert(birth, self.carried(after));
        }
    }

    /// Those of the identifiers that a record carries.
    fn carried(&self, record: &RecordBody) -> Vec<IdentifierHash> {
        let own = if let RecordBody::Person(facts) = record { &facts.identifiers[..] } else { &[] };
        own.iter().map(|(_, on)| *on).filter(|on| self.on.contains_key(on)).collect()
    }
}

impl Onefold {
    /// The entries that say whom the consents that ended bind.
    pub(super) fn bindings(
        &self,
        ended: &Ended,
        delta: &Delta,
        derived: &Derived,
        epoch: Epoch,
    ) -> Result<Vec<Binding>, Error> {
        let mut bound: BTreeMap<(Birth, Birth), Vec<Birth>> = BTreeMap::new();
        for (root, permission, _) in delta.permissions.iter().filter(|(.., came)| *came) {
            let Some(deciding) = permission.consent.filter(|consent| ended.consents.contains_key(consent)) else {
                continue;
            };
            let row = derived.profiles.binary_search_by_key(root, |(root, _)| *root).ok();
            let row = row.and_then(|place| derived.profiles.get(place)).and_then(|(_, row)| row.as_ref());
            let members = row.map_or(&[][..], |row| &row.members);
            let mut carried = BTreeSet::new();
            for record in members {
                carried.extend(self.carried(ended, *record)?);
            }
            // The last end decides; one that came with it binds as well.
            let others = carried.iter().flat_map(|on| &ended.on[on]);
            for consent in others.chain([&deciding]) {
                if ended.consents[consent].1.contains(&permission.purpose) {
                    bound.entry((*consent, *root)).or_insert_with(|| members.to_vec());
                }
            }
        }
        let entry = |((consent, root), records): ((Birth, Birth), Vec<Birth>)| {
            let on = ended.consents[&consent].0;
            let part = |records: &[Birth]| Binding { consent, root, on, records: records.to_vec(), epoch };
            records.chunks(RECORDS_MAX).map(part).collect::<Vec<_>>()
        };
        Ok(bound.into_iter().flat_map(entry).collect())
    }

    /// The identifiers of ended consents that a record carries after the epoch.
    fn carried(&self, ended: &Ended, record: Birth) -> Result<Vec<IdentifierHash>, Error> {
        if let Some(carried) = ended.touched.get(&record) {
            return Ok(carried.clone());
        }
        Ok(self.index.record(record)?.map_or(Vec::new(), |row| ended.carried(&row.body)))
    }

    /// Puts what binds into the batch of its epoch, and tells the dataflow, which takes it with the next one.
    pub(super) fn bind(&mut self, batch: &mut Batch, bindings: &[Binding]) -> Result<(), Error> {
        for binding in bindings {
            for record in &binding.records {
                if self.index.binding(*record, binding.consent)?.is_none() {
                    batch.put_binding(*record, binding.consent, binding.on);
                    tell(&mut self.engine, *record, binding.on, binding.consent, true);
                }
            }
        }
        Ok(())
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
