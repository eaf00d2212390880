//! The plain face of the dataflow: facts in, one epoch at a time, and what changed by it out.
//!
//! It runs the graph on the calling thread. It keeps no record's facts: whoever calls says what a record was and what
//! it is.
//! INVARIANT: a [`Delta`] is complete for its epoch and sorted by content, so that equal epochs give equal deltas.

use super::channel::Given;
use super::claims::{Claim, Membership, Verdict};
use super::forest::Unique;
use super::graph::{Inputs, Outputs, Rules, build};
use super::guards::Carrier;
use super::links::{Carried, Holder};
use super::matches::Compared;
use super::outlet::Collected;
use super::profiles::{Row, Winners};
use super::words::Word as Said;
use crate::matching::Comparable;
use crate::model::{
    Birth, ConsentFacts, Epoch, Facts, IdentifierHash, KindId, Link, NameMark, Named, Obstacle, Permission, PurposeId,
    Source, SourceId,
};
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
    /// By kind of identifier, whether a person has one value.
    unique: Vec<bool>,
    /// Whether records are compared.
    compares: bool,
    /// What stewards said in this epoch, to be netted: they may think better of it.
    words: Vec<(Word, isize)>,
    /// The time up to which what ends has ended; `None`: no tick has come.
    tick: Option<i64>,
    epoch: u64,
}

/// What a steward says or takes back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Same(Link),
    Different(Claim),
    Allow(Carried<Holder>),
    Said(Said),
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
    /// Of the links between two profiles that were refused, the strongest, with what hinders it.
    pub refused: Vec<(Link, Obstacle, bool)>,
    /// Pairs that were scored too low to be joined and too high to be passed over.
    pub uncertain: Vec<(Link, bool)>,
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
        outputs.due.iter().for_each(|due| due.set(i64::MAX));
        worker.dataflow::<u64, _, _>(|scope| build(scope, rules, &mut inputs, &outputs));
        let (unique, compares) = (rules.unique.clone(), rules.scorer.is_some());
        let mut engine = Self { worker, inputs, outputs, unique, compares, words: Vec::new(), tick: None, epoch: 1 };
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
        let before = old.map_or(&[][..], |facts| &facts.identifiers);
        let after = new.map_or(&[][..], |facts| &facts.identifiers);
        let given = |facts: Option<&Facts>| facts.map_or(NameMark::NONE, |facts| facts.given);
        let (was, is) = (given(old), given(new));
        if was == is {
            self.carry(named, was, before, after, false);
            self.carry(named, is, after, before, true);
        } else {
            self.carry(named, was, before, &[], false);
            self.carry(named, is, after, &[], true);
        }
        self.claim(named, sources, old, new, false);
        self.claim(named, sources, new, old, true);
        let person = |facts: &Facts| (facts.about, facts.since);
        if old.map(person) != new.map(person) {
            for (facts, came) in [(old, false), (new, true)] {
                let Some((about, since)) = facts.map(person) else { continue };
                self.inputs.words.update(Said::Person { record: named.birth, about, since }, came);
            }
        }
        let row = |facts: &Facts| sources.get(usize::from(facts.source.0)).map(|source| Row::new(facts, named, source));
        if !same_row(old, new) {
            old.and_then(row).into_iter().for_each(|row| self.inputs.rows.update(row, false));
            new.and_then(row).into_iter().for_each(|row| self.inputs.rows.update(row, true));
        }
    }

    /// What is compared of a record changed; `None`: nothing is or was. Call it once per record and epoch.
    pub fn compare(&mut self, named: Named, was: bool, what: Option<Comparable>) {
        if was && self.compares {
            self.inputs.compared.update(Compared { named, what: None }, false);
        }
        if what.is_some() && self.compares {
            self.inputs.compared.update(Compared { named, what }, true);
        }
    }

    /// A steward said that two records are one person, or no longer says so.
    pub fn same(&mut self, one: Named, other: Named, came: bool) {
        self.say(Word::Same(Link::steward(one, other)), came);
    }

    /// A steward said that two records are different persons, or no longer says so.
    pub fn different(&mut self, one: Birth, other: Birth, came: bool) {
        self.say(Word::Different(Claim::Different { a: one.min(other), b: one.max(other) }), came);
    }

    /// A steward allowed an identifier whatever guards say, or no longer does.
    pub fn allow(&mut self, kind: KindId, identifier: IdentifierHash, came: bool) {
        self.say(Word::Allow(Carried { identifier, kind, by: Holder::Allowed }), came);
    }

    /// Processing of a record was restricted, or no longer is.
    pub fn restrict(&mut self, record: Birth, came: bool) {
        self.say(Word::Said(Said::Restricted(record)), came);
    }

    /// A person objected to a purpose, or to all, or no longer does; noted of a record.
    pub fn object(&mut self, record: Birth, purpose: Option<PurposeId>, came: bool) {
        self.say(Word::Said(Said::Objected(record, purpose)), came);
    }

    /// A record was of the person who ended a consent on an identifier, or that no longer counts.
    pub fn bind(&mut self, record: Birth, on: IdentifierHash, consent: Birth, came: bool) {
        self.say(Word::Said(Said::Bound { record, on, consent }), came);
    }

    /// Time goes on to this instant, microseconds: what ends up to it has ended. Time never goes back.
    pub fn tick(&mut self, at: i64) {
        if self.tick.is_some_and(|tick| tick >= at) {
            return;
        }
        self.tick.into_iter().for_each(|tick| self.say(Word::Said(Said::Tick(tick)), false));
        self.say(Word::Said(Said::Tick(at)), true);
        self.tick = Some(at);
    }

    /// The time up to which what ends has ended.
    pub fn now(&self) -> Option<i64> {
        self.tick
    }

    /// When anything changes by itself next, microseconds; `i64::MAX`: never.
    pub fn due(&self) -> i64 {
        let [permissions, combining] = &self.outputs.due;
        permissions.get().min(combining.get())
    }

    fn say(&mut self, word: Word, came: bool) {
        self.words.push((word, if came { 1 } else { -1 }));
    }

    /// Whether records are compared with each other.
    pub fn compares(&self) -> bool {
        self.compares
    }

    /// A consent changed from `old` to `new`. Call it once per consent and epoch, with the net change.
    pub fn consent(&mut self, named: Named, old: Option<&ConsentFacts>, new: Option<&ConsentFacts>) {
        for (facts, came) in [(old, false), (new, true)] {
            let Some(facts) = facts else { continue };
            for purpose in &facts.purposes {
                let by = Given::new(facts, *purpose, named);
                for &(kind, identifier) in &facts.identifiers {
                    self.inputs.given.update(Carried { identifier, kind, by }, came);
                }
            }
        }
    }

    /// Sends those of one sorted list of identifiers that the other has not.
    fn carry(
        &mut self,
        named: Named,
        given: NameMark,
        these: &[(KindId, IdentifierHash)],
        others: &[(KindId, IdentifierHash)],
        came: bool,
    ) {
        let by = Holder::Record(Carrier { named, given });
        for &(kind, identifier) in these.iter().filter(|pair| others.binary_search(pair).is_err()) {
            self.inputs.carried.update(Carried { identifier, kind, by }, came);
        }
    }

    /// Sends what one version of a record claims and the other does not.
    fn claim(&mut self, named: Named, sources: &[Source], this: Option<&Facts>, other: Option<&Facts>, came: bool) {
        let Some(this) = this else { return };
        if other.is_none() {
            self.inputs.claims.update(Claim::Record(named), came);
        }
        let record = named.birth;
        let others = other.map_or(&[][..], |facts| &facts.identifiers);
        for &(kind, identifier) in this.identifiers.iter().filter(|pair| others.binary_search(pair).is_err()) {
            if self.unique.get(usize::from(kind.0)).is_some_and(|unique| *unique) {
                let claim = Claim::Holds { record, unique: Unique::Kind(kind), value: identifier.0 };
                self.inputs.claims.update(claim, came);
            }
        }
        let single = |source: SourceId| sources.get(usize::from(source.0)).is_some_and(|source| source.single);
        if single(this.source) && other.is_none_or(|other| other.source != this.source) {
            let claim = Claim::Holds { record, unique: Unique::Source(this.source), value: u128::from(record.0) };
            self.inputs.claims.update(claim, came);
        }
    }

    /// Closes the epoch: runs the graph until it is complete, and says what changed.
    pub fn commit(&mut self) -> Delta {
        let next = self.epoch + 1;
        self.advance(next);
        let (mut links, mut refused) = (Vec::new(), Vec::new());
        for (verdict, came) in changes(&self.outputs.verdicts) {
            match verdict {
                Verdict::Accepted(link) => links.push((link, came)),
                Verdict::Refused(link, obstacle) => refused.push((link, obstacle, came)),
                Verdict::Tied { .. } => {}
            }
        }
        Delta {
            links,
            refused,
            uncertain: changes(&self.outputs.uncertain),
            members: changes(&self.outputs.members),
            profiles: pair_winners(drain(&self.outputs.winners)),
            permissions: drain(&self.outputs.permissions)
                .into_iter()
                .map(|((root, permission), diff)| (root, permission, diff > 0))
                .collect(),
        }
    }

    /// Closes what was told since the last commit as a part of the same epoch: gives all that the two changed, in net.
    pub fn amend(&mut self, delta: Delta) -> Delta {
        let also = self.commit();
        if also == Delta::default() {
            return delta;
        }
        let rows = |delta: &Delta| -> Vec<((Birth, Winners), isize)> {
            let both = delta
                .profiles
                .iter()
                .flat_map(|change| [(change.root, &change.before, -1), (change.root, &change.after, 1)]);
            let some = both.filter(|(_, winners, _)| !winners.is_empty());
            some.map(|(root, winners, diff)| ((root, winners.clone()), diff)).collect()
        };
        let mut profiles = rows(&delta);
        profiles.extend(rows(&also));
        consolidate(&mut profiles);
        let split = |(link, obstacle, came): (Link, Obstacle, bool)| ((link, obstacle), came);
        let refused = net(delta.refused.into_iter().map(split), also.refused.into_iter().map(split));
        let split = |(root, permission, came): (Birth, Permission, bool)| ((root, permission), came);
        let permissions = net(delta.permissions.into_iter().map(split), also.permissions.into_iter().map(split));
        Delta {
            links: net(delta.links, also.links),
            refused: refused.into_iter().map(|((link, obstacle), came)| (link, obstacle, came)).collect(),
            uncertain: net(delta.uncertain, also.uncertain),
            members: net(delta.members, also.members),
            profiles: pair_winners(profiles),
            permissions: permissions.into_iter().map(|((root, permission), came)| (root, permission, came)).collect(),
        }
    }

    /// Closes an epoch that only brings back what was known: gives who belongs to which profile, in no particular order,
    /// and drops the rest of what came out. Meant for the first epoch of an engine.
    pub fn restore(&mut self) -> Vec<Membership> {
        let next = self.epoch + 1;
        self.advance(next);
        self.outputs.verdicts.take();
        self.outputs.uncertain.take();
        self.outputs.winners.take();
        self.outputs.permissions.take();
        let members = self.outputs.members.take().into_iter().flatten();
        members.map(|(membership, _, _)| membership).collect()
    }

    /// Moves all inputs to an epoch and runs until everything before it is complete.
    fn advance(&mut self, epoch: u64) {
        consolidate(&mut self.words);
        for (word, diff) in self.words.drain(..) {
            match word {
                Word::Same(link) => self.inputs.same.update(link, diff > 0),
                Word::Different(claim) => self.inputs.claims.update(claim, diff > 0),
                Word::Allow(carried) => self.inputs.carried.update(carried, diff > 0),
                Word::Said(said) => self.inputs.words.update(said, diff > 0),
            }
        }
        self.epoch = epoch;
        self.inputs.advance_to(epoch);
        while self.outputs.complete.get() < epoch {
            self.worker.step();
        }
    }
}

/// Whether all that profiles see of two versions of a record is the same.
fn same_row(old: Option<&Facts>, new: Option<&Facts>) -> bool {
    let seen = |facts: &Facts| (facts.source, facts.at);
    match (old, new) {
        (Some(old), Some(new)) => seen(old) == seen(new) && old.values == new.values && old.rectified == new.rectified,
        (old, new) => old.is_none() && new.is_none(),
    }
}

/// Takes what was collected, as net changes in ascending order.
fn drain<D: Data>(collected: &Collected<D>) -> Vec<(D, isize)> {
    let pieces = collected.take();
    let mut rows = Vec::with_capacity(pieces.iter().map(Vec::len).sum());
    rows.extend(pieces.into_iter().flatten().map(|(row, _, diff)| (row, diff)));
    consolidate(&mut rows);
    rows
}

/// The same, for a set: each row came or went.
fn changes<D: Data>(collected: &Collected<D>) -> Vec<(D, bool)> {
    drain(collected).into_iter().map(|(row, diff)| (row, diff > 0)).collect()
}

/// What came or went by two sets of changes, one after the other.
fn net<D: Data>(
    one: impl IntoIterator<Item = (D, bool)>,
    other: impl IntoIterator<Item = (D, bool)>,
) -> Vec<(D, bool)> {
    let diff = |(row, came): (D, bool)| (row, if came { 1isize } else { -1 });
    let mut rows: Vec<(D, isize)> = one.into_iter().map(diff).chain(other.into_iter().map(diff)).collect();
    consolidate(&mut rows);
    rows.into_iter().map(|(row, diff)| (row, diff > 0)).collect()
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
