//! The second half of a commit: what the dataflow found is recorded, made durable and shown to readers.
//!
//! INVARIANT: what a reader sees of an epoch is durable in the ledger first (contracts C3 and C8).

use super::derive::{Before, Derived, derive};
use super::epoch::{Committed, OpenEpoch};
use super::known::KnownRecords;
use super::notify::EpochChanges;
use super::policies::Policies;
use super::recorder::{Recorder, Replayed};
use super::requests::put_requests;
use super::review::{put_decisions, put_questions};
use super::{Error, Onefold, meta};
use crate::dataflow::Delta;
use crate::ledger::State;
use crate::model::{Birth, Epoch, NameHash, Permission, SourceId};
use crate::store::{Batch, Index, ProfileRow};

impl Onefold {
    /// Records what an epoch changed, and shows it; `batch` has the rows of its records, of which it `touched` so many.
    pub(super) fn conclude(
        &mut self,
        open: OpenEpoch,
        mut batch: Batch,
        delta: Delta,
        touched: u64,
        replayed: Option<Replayed<'_>>,
    ) -> Result<Committed, Error> {
        let epoch = self.epoch;
        let lookup =
            Lookup { index: &self.index, records: &self.records, empty: self.index_is_empty, policies: &self.policies };
        let (derived, state) = match replayed {
            None => {
                let derived = derive(&delta, epoch, &lookup, &mut Recorder::Writing(&mut self.ledger))?;
                open.bindings.iter().try_for_each(|binding| self.ledger.append(binding).map(|_| ()))?;
                (derived, Some(self.ledger.commit(epoch)?))
            }
            Some(Replayed::Altered) => (derive(&delta, epoch, &lookup, &mut Recorder::Unrecorded)?, None),
            Some(Replayed::As(written)) => {
                let derived = derive(&delta, epoch, &lookup, &mut Recorder::Replaying(written))?;
                if !written.is_empty() {
                    return Err(Error::Unaccounted { what: "the ledger records derived entries that do not follow" });
                }
                (derived, None)
            }
        };
        let changes = (!self.subscribers.is_empty()).then(|| EpochChanges::new(epoch, &delta, &self.records));
        put_decisions(&mut batch, &open);
        put_requests(&mut batch, &open);
        put_questions(&mut batch, &delta);
        drop(delta);
        let mut unequal = self.unequal(&derived.profiles);
        let Derived { profiles, roots, successors, merges, unmerges, new, retired } = derived;
        let changed = profiles.len() as u64;
        for (record, root) in roots.into_iter().chain(successors) {
            batch.put_root(record, root);
            self.records.set_root(record, root);
        }
        for birth in &open.erased {
            batch.remove_root(*birth);
            let source = self.records.get(*birth).map_or(SourceId(u16::MAX), |known| known.source);
            if !self.records.erase(*birth, source) {
                return Err(Error::Unaccounted { what: "an erasure names a record that never was" });
            }
        }
        for (root, row) in profiles {
            match row {
                Some(row) => batch.put_profile(root, &row),
                None => batch.remove_profile(root),
            }
        }
        self.put_erasures(&mut batch, &open)?;
        self.put_rest(&mut batch, &open, state.as_ref());
        self.index.apply(batch)?;
        self.index_is_empty = false;
        self.epoch = Epoch(epoch.0 + 1);
        for (subscriber, changes) in self.subscribers.iter_mut().zip(std::iter::repeat(&changes)) {
            changes.iter().for_each(&mut *subscriber);
        }
        tracing::debug!(epoch = epoch.0, touched, merges, unmerges, profiles = changed, "epoch applied");
        // Of an epoch that is gone through again, the ledger says what followed.
        if state.is_some() {
            unequal.extend(self.remarked(&open));
            self.spread_marks(unequal)?;
        }
        Ok(Committed { epoch, touched, merges, unmerges, profiles: changed, new, retired })
    }

    /// Puts what is not about single records or profiles into the batch of an epoch.
    fn put_rest(&self, batch: &mut Batch, open: &OpenEpoch, state: Option<&State>) {
        for (sequence, row) in &open.rejected {
            batch.put_rejected(*sequence, row);
        }
        for key in &open.refusals {
            batch.put_offset(key, &[]);
        }
        for (file, progress) in &open.offsets {
            batch.put_offset(file, progress);
        }
        batch.put_meta(meta::EPOCH, &self.epoch.0.to_le_bytes());
        if let Some(tick) = open.tick {
            batch.put_meta(meta::TICK, &tick.to_le_bytes());
        }
        if let Some(state) = state {
            batch.put_meta(meta::LEDGER, &state.to_bytes());
        }
        batch.put_meta(meta::RECORDS, &self.records.next_birth().0.to_le_bytes());
        batch.put_meta(meta::BUNDLE, &self.bundle.digest);
    }
}

/// The state before the epoch, as the index has it.
struct Lookup<'a> {
    index: &'a Index,
    records: &'a KnownRecords,
    empty: bool,
    policies: &'a Policies,
}

impl Before for Lookup<'_> {
    fn profile(&self, root: Birth) -> Result<Option<ProfileRow>, Error> {
        if self.empty { Ok(None) } else { Ok(self.index.profile(root)?) }
    }

    fn root(&self, record: Birth) -> Result<Option<Birth>, Error> {
        // A record that was never in a profile has no member row that would say so; none asks for one.
        Ok(self.records.root(record))
    }

    fn name(&self, record: Birth) -> Option<NameHash> {
        self.records.get(record).map(|known| known.name)
    }

    fn policies(&self, permission: &Permission) -> Vec<String> {
        self.policies.cite(permission)
    }
}
