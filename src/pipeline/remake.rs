//! The state that a bundle makes of all records: a dataflow of its own is fed with everything, and what comes out is held
//! against what readers see.
//!
//! Records are made anew from their received entries, for a bundle may read an identifier differently. Nothing is
//! standardised again.
//!
//! INVARIANT: the difference leads from the rows of the index to the new state, and renews whatever means something else now.

use super::abreast::abreast;
use super::bindings::feed_bindings;
use super::decisions::Decisions;
use super::epoch::consent_facts;
use super::facts::{FactMaker, complete};
use super::known::ERASED;
use super::matching::compared;
use super::open::scorer;
use super::policies::Policies;
use super::recover::body_of;
use super::review::tell;
use super::touched::Touched;
use super::{Error, Onefold, meta};
use crate::crypto::IdentityKey;
use crate::dataflow::{Delta, Engine, Membership, ProfileChange, Rules};
use crate::ledger::{Content, Position, Reader, Received};
use crate::matching::Scorer;
use crate::model::{Birth, Context, Link, Named, Obstacle, Permission, PurposeId, Schema, Winner};
use crate::policy::Bundle;
use crate::standardize::Standardizer;
use crate::store::{Index, RecordBody, RecordRow};
use hashbrown::HashMap;
use std::mem::swap;
use std::sync::Arc;

const SECOND_US: i64 = 1_000_000;

/// Everything that follows from a bundle.
pub(super) struct Rulebook {
    pub bundle: Bundle,
    pub schema: Arc<Schema>,
    pub engine: Engine,
    pub scorer: Option<Arc<Scorer>>,
    pub policies: Policies,
    pub standardizer: Standardizer,
    pub facts: FactMaker,
}

impl Rulebook {
    /// That of a bundle, with a dataflow that knows nothing yet.
    pub fn new(bundle: Bundle, identity: &IdentityKey) -> Result<Self, Error> {
        let schema = Arc::new(bundle.schema.clone());
        let scorer = scorer(&schema, identity)?;
        let policies = Policies::new(&bundle);
        Ok(Self {
            engine: Engine::new(&Rules::new(&schema, scorer.clone(), Some(policies.decisions(&schema)))),
            standardizer: Standardizer::new(&schema),
            facts: FactMaker::new(&schema),
            policies,
            scorer,
            schema,
            bundle,
        })
    }
}

/// What another bundle makes of everything.
pub(super) struct Remade {
    /// Records that are something else under it.
    pub records: Vec<(Birth, Touched)>,
    /// What readers see.
    pub was: State,
    /// What they would see.
    pub is: State,
    /// The time that it was made for, where that goes on.
    pub tick: Option<i64>,
}

/// Who is with whom, and what holds of them; each list is sorted.
#[derive(Default)]
pub(super) struct State {
    pub members: Vec<Membership>,
    pub links: Vec<Link>,
    /// By oldest record.
    pub winners: Vec<(Birth, Box<[Winner]>)>,
    pub permissions: Vec<(Birth, Permission)>,
    pub refused: Vec<(Link, Obstacle)>,
    pub uncertain: Vec<Link>,
}

impl State {
    /// What the first epoch of a dataflow gave.
    fn of(delta: Delta) -> Self {
        Self {
            members: delta.members.into_iter().map(|(member, _)| member).collect(),
            links: delta.links.into_iter().map(|(link, _)| link).collect(),
            winners: delta.profiles.into_iter().map(|change| (change.root, change.after)).collect(),
            permissions: delta.permissions.into_iter().map(|(root, permission, _)| (root, permission)).collect(),
            refused: delta.refused.into_iter().map(|(link, obstacle, _)| (link, obstacle)).collect(),
            uncertain: delta.uncertain.into_iter().map(|(link, _)| link).collect(),
        }
    }

    /// What readers see.
    fn load(index: &Index) -> Result<Self, Error> {
        let mut state = Self::default();
        for row in index.profiles() {
            let (root, row) = row?;
            state.members.extend(row.members.iter().map(|record| Membership { root, record: *record }));
            state.links.extend(row.links.iter().map(|(link, _)| *link));
            if !row.winners.is_empty() {
                state.winners.push((root, row.winners.iter().map(|(winner, _)| *winner).collect()));
            }
            state.permissions.extend(row.permissions.iter().map(|(permission, _)| (root, *permission)));
        }
        for question in index.questions() {
            let question = question?;
            match question.obstacle {
                Obstacle::Uncertain => state.uncertain.push(question.link),
                obstacle => state.refused.push((question.link, obstacle)),
            }
        }
        for list in [&mut state.links, &mut state.uncertain] {
            list.sort_unstable();
        }
        state.members.sort_unstable();
        state.permissions.sort_unstable();
        state.refused.sort_unstable();
        Ok(state)
    }
}

/// Where the committed state stands.
#[derive(Clone, Copy)]
pub(super) struct Committed<'a> {
    pub index: &'a Index,
    pub entries: &'a Reader,
    pub identity: &'a IdentityKey,
    pub decisions: &'a Decisions,
    /// The time, microseconds.
    pub now_us: i64,
}

/// A live record and its received entry.
type Live = (Birth, RecordRow, Received, u32);

/// So many records are handed over at once, and so many such lots wait at most.
const LOT: usize = 1_024;
const LOTS_MAX: usize = 4;

impl Committed<'_> {
    /// Reads all live records in the order of births; `take` gives false to stop.
    fn read_live(&self, mut take: impl FnMut(Vec<Live>) -> bool) -> Result<(), Error> {
        let mut lot = Vec::with_capacity(LOT);
        for row in self.index.records() {
            let (birth, row) = row?;
            if !row.live || row.name == ERASED {
                continue;
            }
            let entry = self.entries.read(Position(row.position))?;
            let Content::Received(received) = entry.content else {
                return Err(Error::Unaccounted { what: "a record's entry is not one that was received" });
            };
            lot.push((birth, row, received, entry.header.time_s));
            if lot.len() == LOT && !take(std::mem::replace(&mut lot, Vec::with_capacity(LOT))) {
                return Ok(());
            }
        }
        take(lot);
        Ok(())
    }
}

impl Rulebook {
    /// What this rulebook, whose dataflow knows nothing yet, makes of the committed state.
    pub fn remake(&mut self, of: Committed<'_>) -> Result<Remade, Error> {
        let records = self.feed_anew(of)?;
        for (_, row) in of.decisions.iter() {
            let named = |birth: Birth| Ok(of.index.record(birth)?.map(|row| Named::new(row.name, birth)));
            tell(&mut self.engine, row.ruling, true, named)?;
        }
        feed_bindings(of.index, &mut self.engine)?;
        let old = of.index.meta(meta::TICK)?.and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes);
        let at = old.map_or(of.now_us, |old| old.max(of.now_us));
        self.engine.tick(at);
        let is = State::of(self.engine.commit());
        let was = State::load(of.index)?;
        Ok(Remade { records, was, is, tick: (old != Some(at)).then_some(at) })
    }

    /// Makes all live records anew, hands them to the dataflow, and gives those that are something else now. They are read
    /// on a thread of their own meanwhile.
    fn feed_anew(&mut self, of: Committed<'_>) -> Result<Vec<(Birth, Touched)>, Error> {
        let (sender, lots) = std::sync::mpsc::sync_channel::<Vec<Live>>(LOTS_MAX);
        std::thread::scope(|scope| {
            let reading = scope.spawn(move || of.read_live(|lot| sender.send(lot).is_ok()));
            let mut changed = Vec::new();
            let fed = lots.iter().flatten().try_for_each(|live| {
                changed.extend(self.feed(live, of.identity)?);
                Ok(())
            });
            // Ends the reading, should the feeding have failed.
            drop(lots);
            reading.join().unwrap_or(Err(Error::Unaccounted { what: "the reading of all records was cut off" }))?;
            fed.map(|()| changed)
        })
    }

    /// Makes one record anew, hands it to the dataflow, and gives it when it is something else now.
    fn feed(
        &mut self,
        (birth, row, received, received_s): Live,
        identity: &IdentityKey,
    ) -> Result<Option<(Birth, Touched)>, Error> {
        let Self { schema, facts, standardizer, .. } = self;
        let mut body = body_of(schema, facts, standardizer, identity, &received, received_s)?;
        complete(&mut body, row.sequence, received_s);
        let named = Named::new(row.name, birth);
        if let RecordBody::Person(facts) = &body {
            self.engine.record(named, &self.schema.sources, None, Some(facts));
            let what = self.scorer.as_deref().and_then(|scorer| compared(scorer.comparisons(), &received));
            self.engine.compare(named, false, what);
        } else if let Some(facts) = consent_facts(&body) {
            self.engine.consent(named, None, Some(facts));
        }
        if body == row.body {
            return Ok(None);
        }
        let (name, before) = (row.name, row.body.clone());
        let after = RecordRow { body, ..row };
        let (issues, compared) = (Vec::new(), None);
        Ok(Some((birth, Touched { name, before, after, new: false, had_issues: false, issues, compared })))
    }
}

impl Onefold {
    /// Puts another rulebook in the place of the one in use, which is given back.
    pub(super) fn exchange(&mut self, other: &mut Rulebook) {
        swap(&mut self.bundle, &mut other.bundle);
        swap(&mut self.schema, &mut other.schema);
        swap(&mut self.engine, &mut other.engine);
        swap(&mut self.scorer, &mut other.scorer);
        swap(&mut self.policies, &mut other.policies);
        swap(&mut self.standardizer, &mut other.standardizer);
        swap(&mut self.facts, &mut other.facts);
    }

    /// Where the committed state stands.
    pub(super) fn committed(&self) -> Committed<'_> {
        Committed {
            index: &self.index,
            entries: self.ledger.reader(),
            identity: &self.identity,
            decisions: &self.decisions,
            now_us: i64::from(self.options.clock.now_s()) * SECOND_US,
        }
    }

    /// What leads from what held under `before` to what holds now.
    pub(super) fn difference(&self, old: &State, new: &State, before: &Rulebook) -> Delta {
        let renamed = renamed(&before.schema, &self.schema);
        let mut permissions = Vec::new();
        let mut cited: HashMap<(PurposeId, u32, Context), bool> = HashMap::new();
        for pair in abreast(&old.permissions, &new.permissions, |row| *row) {
            let (root, permission) = match pair {
                (Some((root, permission)), Some(_)) => (*root, *permission),
                (gone, came) => {
                    permissions.extend(gone.map(|(root, permission)| (*root, *permission, false)));
                    permissions.extend(came.map(|(root, permission)| (*root, *permission, true)));
                    continue;
                }
            };
            // The same answer for another reason is recorded anew.
            let key = (permission.purpose, permission.categories, permission.context);
            let stays = *cited.entry(key).or_insert_with(|| {
                renamed >> permission.purpose.0 & 1 == 0
                    && before.policies.cite(&permission) == self.policies.cite(&permission)
            });
            if !stays {
                permissions.extend([(root, permission, false), (root, permission, true)]);
            }
        }
        let refused = changes(&old.refused, &new.refused);
        Delta {
            links: changes(&old.links, &new.links),
            refused: refused.into_iter().map(|((link, obstacle), came)| (link, obstacle, came)).collect(),
            uncertain: changes(&old.uncertain, &new.uncertain),
            members: changes(&old.members, &new.members),
            profiles: revalued(old, new, renamed),
            permissions,
        }
    }
}

/// The purposes whose place means something else now, as a set of bits.
fn renamed(old: &Schema, new: &Schema) -> u64 {
    let means = |schema: &Schema, place: usize| {
        schema.purposes.get(place).map(|of| (of.name.clone(), of.dpv.clone(), of.basis))
    };
    let count = old.purposes.len().max(new.purposes.len()).min(64);
    (0..count).filter(|place| means(old, *place) != means(new, *place)).fold(0, |set, place| set | 1 << place)
}

/// The winners that change, by profile; those that may be used for what means something else now are gained anew.
fn revalued(old: &State, new: &State, renamed: u64) -> Vec<ProfileChange> {
    let changed = abreast(&old.winners, &new.winners, |(root, _)| *root).filter_map(|(was, is)| {
        let (root, _) = was.or(is)?;
        let [before, after] = [was, is].map(|row| row.map_or(&[][..], |(_, winners)| winners));
        let stays = |winner: &&Winner| winner.uses & renamed == 0 || !after.contains(winner);
        if before == after && before.iter().all(|winner| stays(&winner)) {
            return None;
        }
        let before: Box<[Winner]> = before.iter().filter(stays).copied().collect();
        (*before != *after).then(|| ProfileChange { root: *root, before, after: after.into() })
    });
    changed.collect()
}

/// What only one of two sorted lists has; `true`: the new one.
fn changes<T: Ord + Copy>(old: &[T], new: &[T]) -> Vec<(T, bool)> {
    let changed = abreast(old, new, |row| *row).filter_map(|pair| match pair {
        (Some(gone), None) => Some((*gone, false)),
        (None, Some(came)) => Some((*came, true)),
        _ => None,
    });
    changed.collect()
}
