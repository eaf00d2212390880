//! Opening a data directory: the index gives back the state it stands at, and what the ledger has beyond that is
//! replayed through the same code as when it first came.
//!
//! INVARIANT: after opening, index and memory stand where the ledger stands; what was acknowledged but not yet
//! committed is committed.

use super::bindings::feed_bindings;
use super::day::Day;
use super::decisions::Decisions;
use super::epoch::{Arrival, Stamp, consent_facts};
use super::erase::erased_row;
use super::facts::{FactMaker, content_hash};
use super::known::{ERASED, Known};
use super::live::Live;
use super::matching::compared;
use super::recorder::Written;
use super::touched::Touched;
use super::{Error, Onefold, meta};
use crate::crypto::IdentityKey;
use crate::ledger::{Content, Entry, Kind, Received};
use crate::matching::Comparable;
use crate::model::{Birth, Epoch, Named, Role, Schema, Sequence, SourceId};
use crate::standardize::{ConsentProblem, Standardized, Standardizer};
use crate::store::RecordBody;

impl Onefold {
    /// Loads all records that the index has into memory and the dataflow.
    pub(super) fn load_index(&mut self) -> Result<(), Error> {
        let expected = self.index.meta(meta::RECORDS)?.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
        // What the index says is believed only so far as it costs little if it is wrong.
        self.records.reserve(usize::try_from(expected.unwrap_or(0).min(100_000_000)).unwrap_or(0));
        let mut count = 0u64;
        for row in self.index.records() {
            let (birth, row) = row?;
            if row.name == ERASED {
                if !self.records.erase(birth, row.source) {
                    return Err(Error::Unaccounted { what: "the index does not hold every record" });
                }
                count += 1;
                continue;
            }
            let known = Known {
                name: row.name,
                source: row.source,
                live: row.live,
                issues: false,
                order: row.order,
                content: row.content,
                position: row.position,
            };
            if !self.records.put(birth, known) {
                return Err(Error::Unaccounted { what: "the index does not hold every record" });
            }
            let named = Named::new(row.name, birth);
            match &row.body {
                RecordBody::Person(facts) => {
                    self.engine.record(named, &self.schema.sources, None, Some(facts));
                    if self.scorer.is_some() {
                        // The index holds no values: what is compared is read where it stands.
                        let compared = self.compared(&row.body, &self.received(row.position)?);
                        self.engine.compare(named, false, compared);
                    }
                }
                RecordBody::Consent(_) => {
                    if let Some(facts) = consent_facts(&row.body) {
                        self.engine.consent(named, None, Some(facts));
                    }
                }
                RecordBody::Reference | RecordBody::Gone => {}
            }
            count += 1;
        }
        self.decisions = Decisions::load(&self.index)?;
        self.feed_all_decisions()?;
        feed_bindings(&self.index, &mut self.engine)?;
        if let Some(tick) = self.index.meta(meta::TICK)?.and_then(|bytes| bytes.try_into().ok()) {
            self.engine.tick(i64::from_le_bytes(tick));
        }
        self.index_is_empty = count == 0;
        if count > 0 {
            // The state that comes out is the one that the index has.
            for membership in self.engine.restore() {
                self.records.set_root(membership.record, membership.root);
            }
            // What its source deleted is in none, and stays of the person whose it was last.
            for birth in self.records.departed().collect::<Vec<_>>() {
                if let Some(root) = self.index.root(birth)? {
                    self.records.set_root(birth, root);
                }
            }
        }
        let with_issues: Vec<Birth> =
            self.index.issues().map(|row| row.map(|((birth, _), _)| birth)).collect::<Result<_, _>>()?;
        with_issues.into_iter().for_each(|birth| self.records.mark_issues(birth));
        if let Some(bytes) = self.index.meta(meta::EPOCH)? {
            let number = bytes.try_into().map(u64::from_le_bytes);
            let number = number.map_err(|_| Error::Unaccounted { what: "the index does not say its epoch" })?;
            self.epoch = Epoch(number + 1);
        }
        tracing::info!(records = count, epoch = self.epoch.0, "index loaded");
        Ok(())
    }

    /// Replays one entry of the ledger that the index does not have.
    pub(super) fn replay(&mut self, entry: Entry, written: &mut Written) -> Result<(), Error> {
        let (sequence, position) = (entry.placed.sequence, entry.placed.position.0);
        match entry.content {
            Content::Received(received) => {
                let (source, order, live) = (received.source, received.order, received.live);
                let arrival = self.arrival(received, entry.header.time_s)?;
                let placed = Stamp { sequence, position, time_s: entry.header.time_s };
                self.settle(arrival, source, order, live, placed)?;
            }
            Content::Rejected(rejected) => self.note_refusal(&rejected, sequence, position),
            Content::Merge(merge) => {
                written.merges.insert(merge.link, sequence);
            }
            Content::Unmerge(unmerge) => {
                written.unmerges.insert(unmerge.link, (unmerge, sequence));
            }
            Content::Values(values) => {
                written.uses.insert((values.root, values.record), (values.into(), sequence));
            }
            Content::Uses(uses) => {
                written.uses.insert((uses.root, uses.record), (uses, sequence));
            }
            Content::Permissions(permissions) => {
                written.permissions.insert(permissions.root, (permissions, sequence));
            }
            Content::Tick(tick) => self.settle_tick(tick),
            Content::Binding(binding) => self.open.bindings.push(binding),
            Content::Decision(_) => {
                return Err(Error::Unaccounted { what: "a decision is recorded in the way of an earlier version" });
            }
            Content::Open(_) | Content::Policy(_) | Content::Commit(_) | Content::Key(_) | Content::Read(_) => {}
            Content::Request(request) => self.settle_request(&request, Day::of(entry.header.time_s))?,
            Content::Review(review) => self.settle_review(&review, sequence, position)?,
            Content::Erasure(erasure) => self.settle_erasure(sequence, position, erasure)?,
            Content::Redaction(redaction) => self.open.redacted.extend(redaction.erasures),
            Content::Erased { birth, .. } => {
                if matches!(entry.header.kind, Kind::Received | Kind::Consent) {
                    self.replay_erased(birth, sequence, position)?;
                }
            }
            Content::Sealed { .. } => {
                return Err(Error::Unaccounted { what: "an entry of the ledger cannot be read" });
            }
        }
        Ok(())
    }

    /// Gives an erased record its place, when it is seen for the first time.
    fn replay_erased(&mut self, birth: Birth, sequence: Sequence, position: u64) -> Result<(), Error> {
        if birth != self.records.next_birth() {
            return Ok(());
        }
        let source = SourceId(u16::MAX);
        if !self.records.erase(birth, source) {
            return Err(Error::Unaccounted { what: "the birth numbers of records are not dense" });
        }
        let after = erased_row(source, sequence, position);
        let before = RecordBody::Gone;
        let (issues, compared) = (Vec::new(), None);
        let touched = Touched { name: ERASED, before, after, new: true, had_issues: false, issues, compared };
        self.open.touched.insert(birth, touched);
        Ok(())
    }

    /// Gives the rows of all profiles the entries that justify them, after epochs whose entries are not those that
    /// were derived because records were erased since, or because another bundle came into force.
    pub(super) fn justify(&self, live: &Live) -> Result<(), Error> {
        const MISSING: Error = Error::Unaccounted { what: "the ledger does not justify what its records give" };
        let mut batch = self.index.batch();
        for row in self.index.profiles() {
            let (root, mut row) = row?;
            for (link, entry) in &mut row.links {
                *entry = *live.links.get(link).ok_or(MISSING)?;
            }
            for (winner, entry) in &mut row.winners {
                let found = live
                    .values
                    .get(&(root, winner.attribute, winner.record))
                    .filter(|(value, uses, _)| (*value, *uses) == (winner.value, winner.uses));
                *entry = found.ok_or(MISSING)?.2;
            }
            for (permission, entry) in &mut row.permissions {
                *entry = live.answers.get(&(root, permission.purpose)).ok_or(MISSING)?.1;
            }
            row.links.sort_unstable();
            row.permissions.sort_unstable();
            batch.put_profile(root, &row);
        }
        Ok(self.index.apply(batch)?)
    }

    /// What a received entry makes of its record.
    pub(super) fn body_of(&mut self, received: &Received, received_s: u32) -> Result<RecordBody, Error> {
        let Self { schema, facts, standardizer, identity, .. } = self;
        body_of(schema, facts, standardizer, identity, received, received_s)
    }

    /// What is compared of a record, from its received entry.
    pub(super) fn compared(&self, body: &RecordBody, received: &Received) -> Option<Comparable> {
        let scorer = self.scorer.as_deref().filter(|_| matches!(body, RecordBody::Person(_)))?;
        compared(scorer.comparisons(), received)
    }

    /// What a received entry says, ready to be taken.
    fn arrival(&mut self, received: Received, received_s: u32) -> Result<Arrival, Error> {
        let body = self.body_of(&received, received_s)?;
        let schema = std::sync::Arc::clone(&self.schema);
        let Some(source) = schema.sources.get(usize::from(received.source.0)) else {
            return Err(Error::Unaccounted { what: "an entry names a source that the bundle does not have" });
        };
        let name = self.identity.name(&source.name, &received.key);
        let Received { birth, at, live, ref fields, .. } = received;
        let content = if live { content_hash(&self.identity, at, fields) } else { 0 };
        let compared = self.compared(&body, &received);
        Ok(Arrival { birth, name, content, body, issues: received.issues.clone(), compared })
    }
}

/// What a received entry makes of its record. Nothing is standardised again: the entry holds the values.
pub(super) fn body_of(
    schema: &Schema,
    facts: &FactMaker,
    standardizer: &mut Standardizer,
    identity: &IdentityKey,
    received: &Received,
    received_s: u32,
) -> Result<RecordBody, Error> {
    let Some(source) = schema.sources.get(usize::from(received.source.0)) else {
        return Err(Error::Unaccounted { what: "an entry names a source that the bundle does not have" });
    };
    let Received { at, live, ref fields, .. } = *received;
    let values = received.values.iter(fields);
    Ok(match source.role {
        _ if !live => RecordBody::Gone,
        Role::People => RecordBody::Person(facts.person(identity, received.source, at, received_s, values)),
        Role::Reference(_) => RecordBody::Reference,
        Role::Consents => {
            // The parts of a consent are read again: they decide nothing that the entry's values would show.
            let mut scratch = Standardized::default();
            match standardizer.consent(received.source, fields, at, &mut scratch) {
                Ok(consent) => RecordBody::Consent(facts.consent(identity, &consent, values)),
                // It was taken under another bundle.
                Err(ConsentProblem::PurposeUnknown | ConsentProblem::PurposeSeveral) => {
                    RecordBody::Consent(facts.void_consent(identity, at, values))
                }
                Err(_) => return Err(Error::Unaccounted { what: "a consent cannot be read again" }),
            }
        }
    })
}
