//! Scored matches (design stage 3): pairs of records that share a block and whose weight is high enough.
//!
//! Rule:   pair(a, b) :- block(a, k), block(b, k), count(k) <= limit. weight = the score of what is compared of both.
//!         link(a, b, weight) :- pair(a, b), weight >= automatic.   review(a, b, weight) :- pair, below that, >= review.
//! Memory: per live record what is compared, its blocks and its links; per block its records.
//! Retraction: takes the record out of its blocks and its links back. A block that grows beyond its limit makes no
//! pairs, until it shrinks again: one change costs at most the pairs of the blocks that it touches.

use super::births::ByBirth;
use super::stage::{Output, Stage, Updates};
use crate::matching::{Comparable, Scorer};
use crate::model::{Birth, Link, Named};
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is compared of a live record. A row that goes says nothing of it: the stage knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Compared {
    /// The record.
    pub named: Named,
    /// What is compared.
    pub what: Option<Comparable>,
}

#[derive(Debug)]
struct Record {
    named: Named,
    what: Comparable,
    /// In ascending order.
    blocks: SmallVec<[u64; 8]>,
    /// Records that it makes links with, and their weights.
    links: SmallVec<[(Birth, i32); 2]>,
}

type Block = SmallVec<[Birth; 2]>;

/// The state of the stage.
pub struct Matches {
    scorer: Arc<Scorer>,
    records: ByBirth<Record>,
    blocks: HashMap<u64, Block>,
    /// Kept for its memory.
    keys: Vec<u64>,
}

/// What changes at one time.
#[derive(Default)]
struct Turn {
    /// How many records a block had before, where it changes.
    sizes: BTreeMap<u64, usize>,
    /// The weights of pairs before, where they may change; the lesser birth first.
    before: BTreeMap<(Birth, Birth), i32>,
    /// The weights that they have now.
    after: BTreeMap<(Birth, Birth), i32>,
    /// Ranks of records that went, for the links that go with them.
    gone: HashMap<Birth, Named>,
}

fn pair(one: Birth, other: Birth) -> (Birth, Birth) {
    (one.min(other), one.max(other))
}

impl Matches {
    /// A stage without records.
    pub fn new(scorer: Arc<Scorer>) -> Self {
        Self { scorer, records: ByBirth::default(), blocks: HashMap::new(), keys: Vec::new() }
    }

    /// Takes a record out of its blocks, and its links out of the lists of others.
    fn take_out(&mut self, birth: Birth, turn: &mut Turn) {
        let Some(record) = self.records.remove(birth) else { return };
        for key in &record.blocks {
            let Some(block) = self.blocks.get_mut(key) else { continue };
            turn.sizes.entry(*key).or_insert(block.len());
            block.retain(|other| *other != birth);
            if block.is_empty() {
                self.blocks.remove(key);
            }
        }
        for (other, weight) in record.links {
            turn.before.insert(pair(birth, other), weight);
            if let Some(other) = self.records.get_mut(other) {
                other.links.retain(|(end, _)| *end != birth);
            }
        }
        turn.gone.insert(birth, record.named);
    }

    /// Puts a record into its blocks.
    fn put_in(&mut self, named: Named, what: Comparable, turn: &mut Turn) {
        self.keys.clear();
        self.scorer.blocks(&what, &mut self.keys);
        for key in &self.keys {
            let block = self.blocks.entry(*key).or_default();
            turn.sizes.entry(*key).or_insert(block.len());
            block.push(named.birth);
        }
        let blocks = SmallVec::from_slice(&self.keys);
        self.records.entry(named.birth, || Record { named, what, blocks, links: SmallVec::new() });
    }

    fn is_bounded(&self, size: usize) -> bool {
        u32::try_from(size).is_ok_and(|size| size <= self.scorer.block_records_max())
    }

    /// Scores a new record with all that share a bounded block with it. Of two new ones the later scores.
    fn compare(&self, birth: Birth, added: &HashSet<Birth>, seen: &mut HashSet<Birth>, turn: &mut Turn) {
        let Some(record) = self.records.get(birth) else { return };
        seen.clear();
        for key in &record.blocks {
            let Some(block) = self.blocks.get(key).filter(|block| self.is_bounded(block.len())) else { continue };
            for &other in block.iter().filter(|other| **other < birth || !added.contains(*other)) {
                if other != birth && seen.insert(other) {
                    self.weigh(birth, other, turn);
                }
            }
        }
    }

    /// Scores a pair that shares a bounded block.
    fn weigh(&self, one: Birth, other: Birth, turn: &mut Turn) {
        if let (Some(a), Some(b)) = (self.records.get(one), self.records.get(other)) {
            let weight = self.scorer.score(&a.what, &b.what);
            if weight >= self.scorer.review() {
                turn.after.insert(pair(one, other), weight);
            }
        }
    }

    /// Goes over the blocks that crossed their limit: pairs of records that themselves stay come or go.
    fn cross(&self, turn: &mut Turn) {
        let sizes = std::mem::take(&mut turn.sizes);
        for (key, before) in &sizes {
            let block = self.blocks.get(key).map_or(&[][..], |block| block);
            match (self.is_bounded(*before), self.is_bounded(block.len())) {
                (true, false) => self.lose(block, turn),
                (false, true) => {
                    for (place, one) in block.iter().enumerate() {
                        block[..place].iter().for_each(|other| self.regain(*one, *other, turn));
                    }
                }
                _ => {}
            }
        }
        turn.sizes = sizes;
    }

    /// Links within a block that grew too large go, where no other block holds both records.
    fn lose(&self, block: &[Birth], turn: &mut Turn) {
        for record in block.iter().filter_map(|birth| self.records.get(*birth)) {
            for (other, weight) in &record.links {
                let ends = pair(record.named.birth, *other);
                turn.before.insert(ends, *weight);
                if self.share(record, *other) {
                    turn.after.insert(ends, *weight);
                }
            }
        }
    }

    /// A pair of a block that is bounded again.
    fn regain(&self, one: Birth, other: Birth, turn: &mut Turn) {
        let known = self.records.get(one).and_then(|record| record.links.iter().find(|(end, _)| *end == other));
        match known {
            Some((_, weight)) => {
                turn.before.insert(pair(one, other), *weight);
                turn.after.insert(pair(one, other), *weight);
            }
            None => self.weigh(one, other, turn),
        }
    }

    /// Whether a record shares a bounded block with another.
    fn share(&self, record: &Record, other: Birth) -> bool {
        let Some(other) = self.records.get(other) else { return false };
        let bounded = |key: &u64| self.blocks.get(key).is_some_and(|block| self.is_bounded(block.len()));
        record.blocks.iter().any(|key| other.blocks.binary_search(key).is_ok() && bounded(key))
    }

    /// Gives out what differs, and notes it with the records.
    fn emit(&mut self, turn: &Turn, links: &mut Output<Link>, reviews: &mut Output<Link>) {
        let automatic = self.scorer.automatic();
        for (ends, weight) in &turn.before {
            if turn.after.get(ends) == Some(weight)
                && !turn.gone.contains_key(&ends.0)
                && !turn.gone.contains_key(&ends.1)
            {
                continue;
            }
            for (one, other) in [*ends, (ends.1, ends.0)] {
                if let Some(record) = self.records.get_mut(one) {
                    record.links.retain(|(end, _)| *end != other);
                }
            }
            if turn.after.get(ends) != Some(weight)
                && let Some(link) = self.link(*ends, *weight, turn)
            {
                if *weight >= automatic { links.remove(link) } else { reviews.remove(link) }
            }
        }
        for (ends, weight) in &turn.after {
            for (one, other) in [*ends, (ends.1, ends.0)] {
                if let Some(record) = self.records.get_mut(one)
                    && record.links.iter().all(|(end, _)| *end != other)
                {
                    record.links.push((other, *weight));
                }
            }
            if turn.before.get(ends) != Some(weight)
                && let Some(link) = self.link(*ends, *weight, turn)
            {
                if *weight >= automatic { links.add(link) } else { reviews.add(link) }
            }
        }
    }

    fn link(&self, ends: (Birth, Birth), weight: i32, turn: &Turn) -> Option<Link> {
        let named =
            |birth| self.records.get(birth).map(|record| record.named).or_else(|| turn.gone.get(&birth).copied());
        Some(Link::scored(named(ends.0)?, named(ends.1)?, weight))
    }
}

impl Stage for Matches {
    type Left = Compared;
    type Right = ();
    type Main = Link;
    type Side = Link;

    fn apply(&mut self, left: Updates<Compared>, _: Updates<()>, main: &mut Output<Link>, side: &mut Output<Link>) {
        let mut turn = Turn::default();
        for compared in left.removals() {
            self.take_out(compared.named.birth, &mut turn);
        }
        let mut added = Vec::with_capacity(left.len());
        for Compared { named, what } in left.into_additions() {
            let Some(what) = what else { continue };
            added.push(named.birth);
            self.put_in(named, what, &mut turn);
        }
        let set: HashSet<Birth> = added.iter().copied().collect();
        let mut seen = HashSet::new();
        for birth in added {
            self.compare(birth, &set, &mut seen, &mut turn);
        }
        self.cross(&mut turn);
        self.emit(&turn, main, side);
    }
}
