//! The plain face of the dataflow: facts in, one epoch at a time, and what changed by it out.
//!
//! It runs the graph on the calling thread. It keeps no record's facts: whoever calls says what a record was and what
//! it is.
//! INVARIANT: a [`Delta`] is complete for its epoch and sorted by content, so that equal epochs give equal deltas.

use super::graph::{Inputs, Outputs, Rules, Session, build};
use super::links::{Carried, Given};
use super::profiles::{Row, Winners};
use crate::model::{Birth, ConsentFacts, Epoch, Facts, IdentifierHash, KindId, Link, Named, Permission, Source};
use differential_dataflow::Data;
use differential_dataflow::consolidation::consolidate;
use timely::WorkerConfig;
use timely::communication::Allocator;
use timely::communication::allocator::Thread;
use timely::worker::Worker;

/// Resolves facts into profiles, incrementally.
pub struct Engine {
    worker: Worker,
    inputs: Inputs,
    outputs: Outputs,
    epoch: u64,
}

/// A record's membership in a profile, which is named by its oldest record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership {
    /// The profile: birth of its oldest record.
    pub root: Birth,
    /// The record.
    pub record: Birth,
}

/// What became of the winners of one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileChange {
    /// The profile: birth of its oldest record.
    pub root: Birth,
    /// Before the epoch; empty when it did not exist or had no value.
    pub before: Winners,
    /// After the epoch.
    pub after: Winners,
}

/// What an epoch changed. Each list is sorted; `true` means that the row came, `false` that it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Links of the forests: merges and un-merges.
    pub links: Vec<(Link, bool)>,
    /// Who belongs to which profile.
    pub members: Vec<(Membership, bool)>,
    /// Winners by profile.
    pub profiles: Vec<ProfileChange>,
    /// Permissions by profile.
    pub permissions: Vec<(Birth, Permission, bool)>,
}

impl Engine {
    /// An engine without records, at epoch 1.
    pub fn new(rules: &Rules) -> Self {
        let mut worker = Worker::new(WorkerConfig::default(), Allocator::Thread(Thread::default()), None);
        let mut inputs = Inputs::default();
        let outputs = Outputs::default();
        worker.dataflow::<u64, _, _>(|scope| build(scope, rules, &mut inputs, &outputs));
        let mut engine = Self { worker, inputs, outputs, epoch: 1 };
        engine.advance(1);
        engine
    }

    /// The epoch that changes now belong to.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }

    /// A record of a person changed from `old` to `new`; `None`: it was or is not there. Call it once per record and
    /// epoch, with the net change.
    pub fn record(&mut self, named: Named, sources: &[Source], old: Option<&Facts>, new: Option<&Facts>) {
        self.carry(old.map(|f| &f.identifiers[..]), new.map(|f| &f.identifiers[..]), |kind, identifier| {
            Carried::ByRecord(kind, identifier, named)
        });
        if old.is_some() != new.is_some() {
            self.inputs.names.0.update(named, if new.is_some() { 1 } else { -1 });
        }
        for (facts, diff) in [(old, -1), (new, 1)] {
            let row = facts.and_then(|f| sources.get(usize::from(f.source.0)).map(|source| Row::new(f, named, source)));
            if let Some(row) = row {
                self.inputs.rows.0.update((named.birth, row), diff);
            }
        }
    }

    /// A consent changed from `old` to `new`. Call it once per consent and epoch, with the net change.
    pub fn consent(&mut self, named: Named, old: Option<&ConsentFacts>, new: Option<&ConsentFacts>) {
        for (facts, diff) in [(old, -1), (new, 1)] {
            let Some(facts) = facts else { continue };
            let given = Given::new(facts, named);
            for (kind, identifier) in &facts.identifiers {
                self.inputs.carried.0.update(Carried::ByConsent(*kind, *identifier, given), diff);
            }
        }
    }

    /// Sends the difference of two sorted lists of identifiers.
    fn carry(
        &mut self,
        old: Option<&[(KindId, IdentifierHash)]>,
        new: Option<&[(KindId, IdentifierHash)]>,
        row: impl Fn(KindId, IdentifierHash) -> Carried,
    ) {
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        for (side, other, diff) in [(old, new, -1), (new, old, 1)] {
            for pair in side.iter().filter(|pair| other.binary_search(pair).is_err()) {
                self.inputs.carried.0.update(row(pair.0, pair.1), diff);
            }
        }
    }

    /// Closes the epoch: runs the graph until it is complete, and says what changed.
    pub fn commit(&mut self) -> Delta {
        let next = self.epoch + 1;
        self.advance(next);
        let mut delta = Delta {
            links: drain(&self.outputs.accepted).into_iter().map(|(link, diff)| (link, diff > 0)).collect(),
            members: drain(&self.outputs.members)
                .into_iter()
                .map(|((record, root), diff)| (Membership { root, record }, diff > 0))
                .collect(),
            profiles: pair_winners(drain(&self.outputs.winners)),
            permissions: drain(&self.outputs.permissions)
                .into_iter()
                .map(|((root, permission), diff)| (root, permission, diff > 0))
                .collect(),
        };
        delta.members.sort_unstable();
        delta
    }

    /// Moves all inputs to an epoch and runs until everything before it is complete.
    fn advance(&mut self, epoch: u64) {
        self.epoch = epoch;
        step(&mut self.inputs.carried, epoch);
        step(&mut self.inputs.names, epoch);
        step(&mut self.inputs.rows, epoch);
        while self.outputs.probe.less_than(&epoch) {
            self.worker.step();
        }
    }
}

fn step<D: Data>(session: &mut Session<D>, epoch: u64) {
    session.0.advance_to(epoch);
    session.0.flush();
}

/// Takes what was collected, as net changes in ascending order.
fn drain<D: Data>(collected: &super::graph::Collected<D>) -> Vec<(D, isize)> {
    let mut rows = collected.take();
    consolidate(&mut rows);
    rows
}

/// Brings the old and the new winners of a profile together; the input is sorted by profile.
fn pair_winners(rows: Vec<((Birth, Winners), isize)>) -> Vec<ProfileChange> {
    let mut changes: Vec<ProfileChange> = Vec::with_capacity(rows.len());
    for ((root, winners), diff) in rows {
        if changes.last().is_none_or(|last| last.root != root) {
            changes.push(ProfileChange { root, before: Box::default(), after: Box::default() });
        }
        if let Some(change) = changes.last_mut() {
            *(if diff > 0 { &mut change.after } else { &mut change.before }) = winners;
        }
    }
    changes
}
