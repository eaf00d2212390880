//! The way of a change (design section 3): taken, standardised, written to the ledger, collected into the open epoch;
//! and the commit that runs the dataflow over it, records what it derives and lets readers see it.
//!
//! INVARIANT: what a reader sees of an epoch is durable in the ledger first (contracts C3 and C8).

use super::bindings::Ended;
use super::facts::{complete, content_hash, merge_fields};
use super::known::{ERASED, Known};
use super::recorder::Replayed;
use super::touched::{Touched, TouchedRecords};
use super::{Error, Onefold};
use crate::dataflow::Engine;
use crate::ledger::{self, Binding, Content, Erasure, Position, Received};
use crate::matching::{Comparable, Scorer};
use crate::model::{
    AttributeId, Birth, CellKind, Change, ConsentFacts, Epoch, Facts, FieldIndex, Fields, IdentifierHash, KindId,
    NameHash, Named, Operation, Order, Role, Ruling, Sequence, Source, SourceId,
};
use crate::standardize::{ConsentProblem, Standardized};
use crate::store::{Batch, DecisionRow, Index, RecordBody, RecordRow, RejectedRow, RequestRow};
use hashbrown::HashSet;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It changes a record and stands in the ledger.
    Taken,
    /// The record is as the change says already.
    Unchanged,
    /// A later change of the same record was taken before, or it is a consent that was given before it was withdrawn.
    Late,
    /// It could not be used; the reason and the content stand in quarantine.
    Quarantined,
    /// It is about an erased record or person: it was counted, and nothing of it is kept.
    Erased,
}

/// What a commit did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The epoch.
    pub epoch: Epoch,
    /// Records and consents that were touched.
    pub touched: u64,
    /// Links that were accepted.
    pub merges: u64,
    /// Links that came apart.
    pub unmerges: u64,
    /// Profiles that were made, changed or ended.
    pub profiles: u64,
    /// Ids of profiles that were given out and stood for none before.
    pub new: u64,
    /// Ids of profiles that stand for none any more; they resolve to the profiles that go on.
    pub retired: u64,
}

/// What has been taken since the last commit.
#[derive(Debug, Default)]
pub(super) struct OpenEpoch {
    pub touched: TouchedRecords,
    pub rejected: Vec<(Sequence, RejectedRow)>,
    pub offsets: Vec<([u8; 32], Vec<u8>)>,
    /// What stands in the index for messages that were refused.
    pub refusals: HashSet<[u8; 32]>,
    /// Requests of persons that it changes, by their references.
    pub requests: BTreeMap<String, RequestRow>,
    /// Erasures that stand in the ledger.
    pub erasures: Vec<(Sequence, Erasure)>,
    /// Records that they cover and that were not erased before.
    pub erased: Vec<Birth>,
    /// Erasures whose ciphertexts a redaction entry says to be deleted.
    pub redacted: Vec<Sequence>,
    /// Changes that were refused because they are about erased records.
    pub refused: u64,
    /// Decisions that came, and entries of those that went, in their order.
    pub decisions: Vec<(Sequence, Option<DecisionRow>)>,
    /// Whom the ends of consents bind, as the ledger says of an epoch that is gone through again.
    pub bindings: Vec<Binding>,
    /// Whether consents are among what was touched.
    pub consents: bool,
    /// The time that it brings.
    pub tick: Option<i64>,
    /// What they are about, and whether a decision about it held before the epoch.
    pub rulings: BTreeMap<Ruling, bool>,
}

impl OpenEpoch {
    /// Whether nothing was taken.
    pub fn is_empty(&self) -> bool {
        self.touched.count() == 0
            && self.rejected.is_empty()
            && self.offsets.is_empty()
            && self.erasures.is_empty()
            && self.redacted.is_empty()
            && self.refused == 0
            && self.decisions.is_empty()
            && self.requests.is_empty()
            && self.tick.is_none()
    }

    /// Whether it holds records or decisions, which what is permitted rests on.
    pub fn brings_facts(&self) -> bool {
        self.touched.count() > 0 || !self.erasures.is_empty() || !self.decisions.is_empty()
    }
}

/// A record's new content, ready to be taken.
pub(super) struct Arrival {
    pub birth: Birth,
    pub name: NameHash,
    pub content: u64,
    pub body: RecordBody,
    pub issues: Vec<(FieldIndex, u8)>,
    pub compared: Option<Comparable>,
}

/// Where and when an entry was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub sequence: Sequence,
    pub position: u64,
    pub time_s: u32,
}

impl Onefold {
    /// Takes one change. It is durable after the next [`acknowledge`](Self::acknowledge) or [`commit`](Self::commit),
    /// and visible after the next commit.
    ///
    /// # Errors
    /// When the ledger or the index cannot be used. A change that cannot be understood is no error: it goes to
    /// quarantine.
    pub fn push(&mut self, change: &Change) -> Result<Outcome, Error> {
        self.running()?;
        if self.open.is_empty() {
            self.stamp();
        }
        let outcome = self.take(change, false);
        self.stop_on_error(outcome)
    }

    /// Takes a change although it says what is known, because the program reads it differently now.
    pub(super) fn take_anew(&mut self, change: &Change) -> Result<Outcome, Error> {
        let outcome = self.take(change, true);
        self.stop_on_error(outcome)
    }

    fn take(&mut self, change: &Change, anew: bool) -> Result<Outcome, Error> {
        let schema = Arc::clone(&self.schema);
        let Some(source) = schema.sources.get(usize::from(change.source.0)) else {
            return Err(Error::BadName { what: "the change names a source that the bundle does not have".to_owned() });
        };
        let name = self.identity.name(&source.name, &change.key);
        if self.is_buried(Some(name), None) {
            return Ok(self.refuse_erased());
        }
        let known = self.records.find(name).map(|(birth, known)| (birth, *known));
        let live = change.operation != Operation::Delete;
        if let Some(outcome) = outdated(known.map(|(_, known)| known), change.order, live) {
            return Ok(outcome);
        }
        let fields = self.whole_fields(change, known.map(|(_, known)| known))?;
        let content = if live { content_hash(&self.identity, change.at, &fields) } else { 0 };
        if let Some((_, known)) = known {
            let as_known = known.live == live && known.content == content;
            if as_known && !anew && (change.order == Order::Arrival || change.order == known.order) {
                return Ok(Outcome::Unchanged);
            }
        }
        let birth = known.map_or_else(|| self.records.next_birth(), |(birth, _)| birth);
        let body = match self.body(change, source.role, live, &fields, known.map(|_| birth))? {
            Ok(body) => body,
            Err(problem) => return self.refuse_change(change, problem.code(), &problem.to_string()),
        };
        if self.is_buried(None, Some(&body)) {
            return Ok(self.refuse_erased());
        }
        if !anew && change.order == Order::Arrival && self.is_overtaken(known.map(|(birth, _)| birth), &body)? {
            return Ok(Outcome::Late);
        }
        let values = self.standardized.values().map(|(attribute, _, text)| (attribute, text));
        let compared = comparable(self.scorer.as_deref(), &body, change.source, &fields, values);
        let consent = source.role == Role::Consents;
        let payload = received(consent, birth, change, fields.into_owned(), &self.standardized);
        if anew && let Some((_, known)) = known {
            let stored = self.received(known.position)?;
            // What a consent is for is read again with each bundle; written again, it would lose its place among the others.
            if stored.values == payload.values && (consent || stored.issues == payload.issues) {
                return Ok(Outcome::Unchanged);
            }
        }
        match self.ledger.append(&payload) {
            Ok(placed) => {
                let arrival = Arrival { birth, name, content, body, issues: payload.issues, compared };
                let time_s = self.ledger.time_s();
                let stamp = Stamp { sequence: placed.sequence, position: placed.position.0, time_s };
                self.settle(arrival, change.source, change.order, live, stamp)?;
                Ok(Outcome::Taken)
            }
            Err(error @ ledger::Error::TooLarge { .. }) => self.refuse_change(change, TOO_LARGE, &error.to_string()),
            Err(error) => Err(error.into()),
        }
    }

    /// Counts a change about an erased record, and keeps nothing of it.
    fn refuse_erased(&mut self) -> Outcome {
        self.open.refused += 1;
        Outcome::Erased
    }

    /// Whether a consent says that it was given before it was withdrawn or objected to, as is known by now: a message that
    /// was under way for longer, or came twice. Its source has no order of its own that would say so.
    fn is_overtaken(&self, known: Option<Birth>, body: &RecordBody) -> Result<bool, Error> {
        let (Some(birth), RecordBody::Consent(given)) = (known, body) else { return Ok(false) };
        let before = match self.open.touched.get(birth) {
            Some(touched) => Some(touched.after.body.clone()),
            None => self.index.record(birth)?.map(|row| row.body),
        };
        let Some(RecordBody::Consent(ended)) = before else { return Ok(false) };
        Ok(given.state.is_valid()
            && ended.state.prohibits()
            && given.at <= ended.at.min(ended.received)
            && given.purposes.iter().any(|purpose| ended.purposes.contains(purpose)))
    }

    /// Standardises a record, sets right what was rectified of it, and makes its facts. `known`: its birth, where it has
    /// been seen before.
    fn body(
        &mut self,
        change: &Change,
        role: Role,
        live: bool,
        fields: &Fields,
        known: Option<Birth>,
    ) -> Result<Result<RecordBody, ConsentProblem>, Error> {
        self.standardized.clear();
        if !live {
            return Ok(Ok(RecordBody::Gone));
        }
        if role == Role::Consents {
            let consent = self.standardizer.consent(change.source, fields, change.at, &mut self.standardized);
            let facts = |consent| self.facts.consent(&self.identity, &consent, self.standardized.values());
            return Ok(consent.map(|consent| RecordBody::Consent(facts(consent))));
        }
        self.standardizer.record(change.source, fields, &mut self.standardized);
        if let Some(record) = known.filter(|_| role == Role::People) {
            self.apply_rectifications(record)?;
        }
        Ok(Ok(match role {
            Role::People => RecordBody::Person(self.facts.person(
                &self.identity,
                change.source,
                change.at,
                self.ledger.time_s(),
                self.standardized.values(),
            )),
            Role::Reference(_) | Role::Consents => RecordBody::Reference,
        }))
    }

    /// The received entry at a place, which may not have reached the disk yet.
    pub(super) fn received(&self, position: u64) -> Result<Received, Error> {
        match self.ledger.read(Position(position))?.content {
            Content::Received(received) => Ok(received),
            _ => Err(Error::Unaccounted { what: "a record's entry is not one that was received" }),
        }
    }

    /// The whole record that a change leaves.
    fn whole_fields<'a>(&self, change: &'a Change, known: Option<Known>) -> Result<Cow<'a, Fields>, Error> {
        let patch = change.operation == Operation::Patch;
        let partial = |kind| matches!(kind, CellKind::Null | CellKind::Unavailable);
        if !patch && !change.fields.iter().any(|(_, kind, _)| partial(kind)) {
            return Ok(Cow::Borrowed(&change.fields));
        }
        let stored = match known {
            Some(known) if known.live => self.received(known.position)?.fields,
            _ => Fields::default(),
        };
        Ok(Cow::Owned(merge_fields(&stored, &change.fields, patch)))
    }

    /// Puts a record that stands in the ledger into the open epoch.
    pub(super) fn settle(
        &mut self,
        arrival: Arrival,
        source: SourceId,
        order: Order,
        live: bool,
        stamp: Stamp,
    ) -> Result<(), Error> {
        let Arrival { birth, name, content, mut body, issues, compared } = arrival;
        let Stamp { sequence, position, time_s } = stamp;
        complete(&mut body, sequence, time_s);
        let is_consent =
            self.schema.sources.get(usize::from(source.0)).is_some_and(|source| source.role == Role::Consents);
        self.open.consents |= is_consent;
        let new = birth == self.records.next_birth();
        let had_issues = self.records.get(birth).is_some_and(|known| known.issues);
        let known = Known { name, source, live, issues: !issues.is_empty(), order, content, position };
        if !self.records.put(birth, known) {
            return Err(Error::Unaccounted { what: "the birth numbers of records are not dense" });
        }
        let after = RecordRow { name, source, live, order, content, position, sequence, body };
        if let Some(touched) = self.open.touched.get_mut(birth) {
            touched.after = after;
            touched.issues = issues;
            touched.compared = compared;
            return Ok(());
        }
        let before = match new {
            true => RecordBody::Gone,
            false => self.index.record(birth)?.map_or(RecordBody::Gone, |row| row.body),
        };
        self.open.touched.insert(birth, Touched { name, before, after, new, had_issues, issues, compared });
        Ok(())
    }

    /// Makes everything that was taken so far durable. Readers see it after the next commit.
    pub fn acknowledge(&mut self) -> Result<(), Error> {
        self.running()?;
        let synced = self.ledger.sync().map_err(Error::from);
        self.stop_on_error(synced)
    }

    /// Closes the epoch: resolves what was taken into profiles, records what follows from it, makes it durable and
    /// visible. `None` when nothing was taken.
    pub fn commit(&mut self) -> Result<Option<Committed>, Error> {
        self.running()?;
        if self.open.is_empty() && !self.is_due() {
            return Ok(None);
        }
        self.stamp();
        let committed = self.tick_if_due().and_then(|()| self.close_epoch(None));
        self.stop_on_error(committed).map(Some)
    }

    /// Closes the epoch; `replayed` says how the entries of one that the ledger has already are found.
    pub(super) fn close_epoch(&mut self, replayed: Option<Replayed<'_>>) -> Result<Committed, Error> {
        let mut open = std::mem::take(&mut self.open);
        let touched = open.touched.count();
        let mut batch = self.index.batch();
        let schema = &self.schema;
        let strong = |kind: KindId| {
            let kind = schema.kinds.get(usize::from(kind.0));
            kind.is_some_and(|kind| kind.priority >= schema.strong_priority_min)
        };
        let mut ended = match open.consents {
            true => Ended::find(&open.touched, strong),
            false => Ended::default(),
        };
        // Each record is let go as soon as dataflow and index have what they need of it: an epoch may be a whole load.
        for (birth, mut touched) in std::mem::take(&mut open.touched).into_sorted() {
            let named = Named::new(touched.name, birth);
            ended.note(named, touched.new, &touched.after.body);
            feed(&mut self.engine, &self.schema.sources, named, &touched);
            let was = person_facts(&touched.before).is_some();
            self.engine.compare(named, was, touched.compared.take());
            put_record(&mut batch, &self.index, birth, &touched)?;
        }
        self.feed_decisions(&open)?;
        open.tick.into_iter().for_each(|tick| self.engine.tick(tick));
        self.unbind_erased(&mut batch, &open)?;
        let mut delta = self.engine.commit();
        if replayed.is_none() {
            open.bindings = self.bindings(&ended, &delta)?;
        }
        if self.bind(&mut batch, &open.bindings)? {
            delta = self.engine.amend(delta);
        }
        self.conclude(open, batch, delta, touched, replayed)
    }

    /// Whether the engine may go on.
    pub(super) fn running(&self) -> Result<(), Error> {
        if self.stopped { Err(Error::Stopped) } else { Ok(()) }
    }

    /// After a failure, memory and disk may disagree: nothing more is taken.
    pub(super) fn stop_on_error<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.stopped |= result.is_err();
        result
    }
}

/// The entry of a change.
pub(super) fn received(
    consent: bool,
    birth: Birth,
    change: &Change,
    fields: Fields,
    standardized: &Standardized,
) -> Received {
    let mut values = crate::ledger::Standardized::default();
    for (attribute, field, text) in standardized.values() {
        values.push(attribute, field, text, &fields);
    }
    Received {
        consent,
        birth,
        source: change.source,
        live: change.operation != Operation::Delete,
        order: change.order,
        at: change.at,
        key: change.key.clone(),
        fields,
        values,
        issues: standardized.issues().iter().map(|issue| (issue.field, issue.reason.code())).collect(),
    }
}

/// What is compared of a record of a person; nothing where records are not scored.
pub(super) fn comparable<'v>(
    scorer: Option<&Scorer>,
    body: &RecordBody,
    source: SourceId,
    fields: &Fields,
    values: impl Iterator<Item = (AttributeId, &'v str)>,
) -> Option<Comparable> {
    scorer.filter(|_| person_facts(body).is_some())?.comparisons().comparable(source, fields, values)
}

/// What is clear of a change before its content is looked at.
fn outdated(known: Option<Known>, order: Order, live: bool) -> Option<Outcome> {
    match known {
        Some(known) if order.is_older_than(known.order) => Some(Outcome::Late),
        // A tombstone that follows the delete, or a delete that came before.
        Some(known) if !live && !known.live && (order == Order::Arrival || order == known.order) => {
            Some(Outcome::Unchanged)
        }
        None if !live && order == Order::Arrival => Some(Outcome::Unchanged),
        _ => None,
    }
}

/// The number of the reason of a change that does not fit into an entry.
const TOO_LARGE: u8 = 255;

/// Puts the rows of a touched record into the batch of its epoch.
pub(super) fn put_record(batch: &mut Batch, index: &Index, birth: Birth, touched: &Touched) -> Result<(), Error> {
    batch.put_record(birth, &touched.after);
    if touched.after.name == ERASED {
        if touched.name != ERASED {
            batch.remove_name(touched.name);
        }
        for field in index.issues_of(birth)? {
            batch.remove_issue(birth, field);
        }
    } else if touched.new {
        batch.put_name(touched.after.name, birth);
    } else if touched.had_issues {
        for field in index.issues_of(birth)? {
            batch.remove_issue(birth, field);
        }
    }
    let (old, new) = (identifiers(&touched.before), identifiers(&touched.after.body));
    for (_, identifier) in old.iter().filter(|pair| new.binary_search(pair).is_err()) {
        batch.remove_identifier(*identifier, birth);
    }
    for (kind, identifier) in new.iter().filter(|pair| old.binary_search(pair).is_err()) {
        batch.put_identifier(*identifier, birth, *kind);
    }
    for (field, reason) in &touched.issues {
        batch.put_issue(birth, *field, *reason);
    }
    Ok(())
}

/// Hands the net change of a record to the dataflow.
pub(super) fn feed(engine: &mut Engine, sources: &[Source], named: Named, touched: &Touched) {
    match (&touched.before, &touched.after.body) {
        (RecordBody::Person(old), RecordBody::Person(new)) if old == new => {}
        (RecordBody::Consent(old), RecordBody::Consent(new)) if old == new => {}
        (before, after) => {
            let (old, new) = (person_facts(before), person_facts(after));
            if old.is_some() || new.is_some() {
                engine.record(named, sources, old, new);
            }
            let (old, new) = (consent_facts(before), consent_facts(after));
            if old.is_some() || new.is_some() {
                engine.consent(named, old, new);
            }
        }
    }
}

fn person_facts(body: &RecordBody) -> Option<&Facts> {
    if let RecordBody::Person(facts) = body { Some(facts) } else { None }
}

/// What a consent says.
pub(super) fn consent_facts(body: &RecordBody) -> Option<&ConsentFacts> {
    if let RecordBody::Consent(facts) = body { Some(facts) } else { None }
}

/// The identifiers by which a live record of a person is found.
fn identifiers(body: &RecordBody) -> &[(KindId, IdentifierHash)] {
    if let RecordBody::Person(facts) = body { &facts.identifiers } else { &[] }
}
