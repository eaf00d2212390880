//! Profiles (design stage 5): for each attribute of a cluster, the record whose value wins, as such and for each purpose
//! among those that may be used for it.
//!
//! Rule:   winner(root, attribute, r) :- member(r, root), value(r, attribute, _), r is the greatest by the attribute's
//!         survivorship criteria; what still ties goes to the smaller rank.
//!         winner(root, attribute, p, r) :- the same among the values that may be used for p, as if there were no others.
//!         Where a steward rectified an attribute in a record of the profile, only what stewards set takes part: what is
//!         known to be wrong is not used for anything.
//! Memory: per record its packed values and root, per profile its members. Winners are not kept: what they were before
//! a change is computed from what the rows were, which costs little time and saves a fifth of the memory.
//! Retraction: the profiles that lose a member or a row are computed anew from their members' rows.

use super::births::ByBirth;
use super::claims::Membership;
use super::permissions::Uses;
use super::stage::{Output, Stage, Updates};
use super::trust::Trust;
use crate::model::{AttributeId, Birth, Criterion, Facts, Named, Source, SurvivorshipRule, ValueHash, Winner};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::cmp::Ordering;

/// The values of a live record, packed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Row {
    record: Birth,
    rank: u64,
    at: i64,
    trust: Trust,
    values: Box<[Value]>,
}

/// What comes in of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fact {
    /// Its values.
    Row(Row),
    /// By purpose, the categories of them that may be used.
    Uses(Birth, Uses),
}

/// A value in ten bytes; the hash is in the order of bytes of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Value {
    /// With [`RECTIFIED`] when a steward set the value.
    attribute: u16,
    hash: [u8; 8],
}

/// No attribute has this bit: a bundle has a thousand at most.
const RECTIFIED: u16 = 1 << 15;

impl Row {
    /// The row of a record; `source` is where it lives.
    pub fn new(facts: &Facts, named: Named, source: &Source) -> Self {
        let value = |(attribute, value): &(AttributeId, ValueHash)| {
            let rectified = if facts.rectified.contains(attribute) { RECTIFIED } else { 0 };
            Value { attribute: attribute.0 | rectified, hash: value.0.to_ne_bytes() }
        };
        let values = facts.values.iter().map(value).collect();
        Self { record: named.birth, rank: named.rank, at: facts.at, trust: Trust::new(source), values }
    }
}

impl Value {
    fn hash(self) -> u64 {
        u64::from_ne_bytes(self.hash)
    }

    fn attribute(self) -> AttributeId {
        AttributeId(self.attribute & !RECTIFIED)
    }

    fn is_rectified(self) -> bool {
        self.attribute & RECTIFIED != 0
    }

    /// The same as if its source had set it.
    fn plain(self) -> Self {
        Self { attribute: self.attribute().0, ..self }
    }
}

/// The winners of a profile, by attribute.
pub type Winners = Box<[Winner]>;

/// What is known of a record.
#[derive(Debug, Default)]
struct Record {
    row: Option<Row>,
    /// By purpose, which of its values may be used.
    uses: Option<Uses>,
    root: Option<Birth>,
    /// The profile that is named by this record.
    profile: Option<Box<Profile>>,
}

#[derive(Debug, Default)]
struct Profile {
    touched: bool,
    members: SmallVec<[Birth; 4]>,
}

/// The state of the stage.
#[derive(Debug)]
pub struct Profiles {
    rules: Vec<SurvivorshipRule>,
    /// By attribute, its category as a set.
    categories: Vec<u32>,
    records: ByBirth<Record>,
    /// By attribute, the place of the best row so far and its value; kept for its memory.
    best: Vec<Option<(u32, Value)>>,
    winners: Vec<Winner>,
    /// The profiles that change at the time at hand, and their winners before it.
    touched: Vec<(Birth, Winners)>,
}

/// The values that take part, of one record: those of these categories.
#[derive(Clone, Copy)]
struct Part<'a> {
    row: &'a Row,
    categories: u32,
}

/// All values of a record.
const ALL: u32 = u32::MAX;

/// Which values take part.
#[derive(Clone, Copy)]
struct Use<'a> {
    /// By attribute, its category as a set.
    categories: &'a [u32],
    /// Attributes of which only what stewards set takes part.
    rectified: &'a [AttributeId],
}

impl<'a> Use<'a> {
    /// Every value.
    const PLAIN: Self = Self { categories: &[], rectified: &[] };

    fn takes(&self, part: Part<'_>, value: Value) -> bool {
        let attribute = value.attribute();
        let category = || self.categories.get(usize::from(attribute.0)).copied().unwrap_or(0);
        let right = self.rectified.is_empty() || value.is_rectified() || !self.rectified.contains(&attribute);
        right && (part.categories == ALL || part.categories & category() != 0)
    }

    fn values(&self, part: Part<'a>) -> impl Iterator<Item = Value> {
        part.row.values.iter().copied().filter(move |value| self.takes(part, *value))
    }
}

/// The values of one profile that take part, as they are compared.
struct Candidates<'a> {
    of: Use<'a>,
    parts: SmallVec<[(Part<'a>, i64); 8]>,
    /// How many records have a value, where there are too many to count each time.
    counts: HashMap<Value, usize>,
}

/// Up to this many rows, counting again is faster than remembering.
const COUNTED_MAX: usize = 16;

impl<'a> Candidates<'a> {
    fn new(of: Use<'a>, parts: impl Iterator<Item = Part<'a>>) -> Self {
        let mut parts: SmallVec<[(Part<'_>, i64); 8]> = parts.map(|part| (part, 0)).collect();
        let latest = parts.iter().map(|(part, _)| part.row.at).max().unwrap_or(i64::MIN);
        parts.iter_mut().for_each(|(part, weight)| *weight = part.row.trust.weight(part.row.at, latest));
        let mut counts = HashMap::new();
        if parts.len() > COUNTED_MAX {
            for value in parts.iter().flat_map(|(part, _)| of.values(*part)) {
                *counts.entry(value.plain()).or_default() += 1;
            }
        }
        Self { of, parts, counts }
    }

    /// How many values that take part a record has.
    fn count(&self, part: Part<'a>) -> usize {
        self.of.values(part).filter(|value| value.hash() != ValueHash::NONE.0).count()
    }

    /// How many records of the profile carry this value.
    fn frequency(&self, value: Value) -> usize {
        let same = |other: Value| other.attribute() == value.attribute() && other.hash() == value.hash();
        match self.counts.get(&value.plain()) {
            Some(count) => *count,
            None => self.parts.iter().filter(|(part, _)| self.of.values(*part).any(same)).count(),
        }
    }

    /// How the value at one place compares with another, and what decides.
    fn compare(&self, rule: &SurvivorshipRule, (a, a_value): (usize, Value), (b, b_value): (usize, Value)) -> Decided {
        if a_value.is_rectified() != b_value.is_rectified() {
            return (LostBy::Rectified, a_value.is_rectified().cmp(&b_value.is_rectified()));
        }
        let ((a, a_weight), (b, b_weight)) = (self.parts[a], self.parts[b]);
        let by = |criterion: &Criterion| match criterion {
            Criterion::Recency => a.row.at.cmp(&b.row.at),
            Criterion::Trust => a_weight.cmp(&b_weight),
            Criterion::Completeness => self.count(a).cmp(&self.count(b)),
            Criterion::Frequency if a_value.hash() == b_value.hash() => Ordering::Equal,
            Criterion::Frequency => self.frequency(a_value).cmp(&self.frequency(b_value)),
        };
        let decided = rule.criteria.iter().map(|criterion| (LostBy::Criterion(*criterion), by(criterion)));
        decided.into_iter().find(|(_, order)| order.is_ne()).unwrap_or((LostBy::Tie, b.row.rank.cmp(&a.row.rank)))
    }
}

/// Why a value is not the profile's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostBy {
    /// A steward rectified the attribute.
    Rectified,
    /// The criterion that decided.
    Criterion(Criterion),
    /// All criteria tied, and the ranks decided.
    Tie,
}

type Decided = (LostBy, Ordering);

/// Why a record lost an attribute to the winner; a tie, too, when one of the two has no such value. `rows` are those of
/// the whole profile.
pub fn lost_by(rows: &[Row], rule: &SurvivorshipRule, winner: &Winner, loser: Birth) -> LostBy {
    let candidates = Candidates::new(Use::PLAIN, rows.iter().map(|row| Part { row, categories: ALL }));
    let find = |record: Birth| {
        let place = rows.iter().position(|row| row.record == record)?;
        let value = rows.get(place)?.values.iter().find(|value| value.attribute() == winner.attribute)?;
        Some((place, *value))
    };
    let both = find(winner.record).zip(find(loser));
    both.map_or(LostBy::Tie, |(winner, loser)| candidates.compare(rule, winner, loser).0)
}

impl Candidates<'_> {
    /// Adds the winner of each attribute, for this use; `best` is memory that is used again.
    fn elect(
        &self,
        rules: &[SurvivorshipRule],
        best: &mut [Option<(u32, Value)>],
        uses: u64,
        winners: &mut Vec<Winner>,
    ) {
        best.fill(None);
        for (place, (part, _)) in self.parts.iter().enumerate() {
            for value in self.of.values(*part) {
                let attribute = usize::from(value.attribute().0);
                let (Some(slot), Some(rule)) = (best.get_mut(attribute), rules.get(attribute)) else { continue };
                let beats = |best, other| self.compare(rule, (place, value), (best, other)).1.is_gt();
                if slot.is_none_or(|(best, other)| beats(best as usize, other)) {
                    *slot = Some((u32::try_from(place).expect("fewer than 2^32 records fit in memory"), value));
                }
            }
        }
        let there = best.iter().flatten().filter(|(_, value)| value.hash() != ValueHash::NONE.0);
        winners.extend(there.map(|(place, value)| Winner {
            attribute: value.attribute(),
            record: self.parts[*place as usize].0.row.record,
            value: ValueHash(value.hash()),
            uses,
        }));
    }
}

impl Profiles {
    /// `rules` and `categories`: by attribute.
    pub fn new(rules: Vec<SurvivorshipRule>, categories: Vec<u8>) -> Self {
        Self {
            best: vec![None; rules.len()],
            rules,
            categories: categories.into_iter().map(|category| 1u32.checked_shl(category.into()).unwrap_or(0)).collect(),
            records: ByBirth::default(),
            winners: Vec::new(),
            touched: Vec::new(),
        }
    }

    fn record(&mut self, birth: Birth) -> &mut Record {
        self.records.entry(birth, Record::default)
    }

    /// A profile that is about to change, or one of whose rows is.
    fn touch(&mut self, root: Birth) -> &mut Profile {
        let profile = self.record(root).profile.get_or_insert_default();
        if !profile.touched {
            profile.touched = true;
            let members = std::mem::take(&mut profile.members);
            self.elect(&members);
            self.touched.push((root, self.winners.as_slice().into()));
            self.record(root).profile.get_or_insert_default().members = members;
        }
        self.record(root).profile.get_or_insert_default()
    }

    /// A record whose row is about to change.
    fn touch_record(&mut self, birth: Birth) -> &mut Record {
        if let Some(root) = self.records.get(birth).and_then(|record| record.root) {
            self.touch(root);
        }
        self.record(birth)
    }

    /// Leaves in `self.winners` the winners of these members.
    fn elect(&mut self, members: &[Birth]) {
        self.winners.clear();
        if members.is_empty() {
            return;
        }
        let Self { rules, categories, records, best, winners, .. } = self;
        let known = || members.iter().filter_map(|birth| records.get(*birth));
        let rows =
            || known().filter_map(|record| Some((record.row.as_ref()?, record.uses.as_deref().unwrap_or_default())));
        let plain = Candidates::new(Use::PLAIN, rows().map(|(row, _)| Part { row, categories: ALL }));
        let values = || plain.parts.iter().flat_map(|(part, _)| &part.row.values);
        let mut rectified: Vec<AttributeId> = values().filter(|v| v.is_rectified()).map(|v| v.attribute()).collect();
        rectified.sort_unstable();
        rectified.dedup();
        let of = Use { categories, rectified: &rectified };
        // What is permitted for one purpose is mostly permitted for others, too, and mostly everything there is.
        let is_whole = |(row, categories): (&Row, u32)| {
            let part = Part { row, categories };
            !row.values.is_empty() && row.values.iter().all(|value| of.takes(part, *value))
        };
        let mut plain_uses = Winner::PLAIN;
        let mut groups: SmallVec<[(SmallVec<[u32; 8]>, u64); 4]> = SmallVec::new();
        let purposes = rows().map(|(_, uses)| uses.len()).max().unwrap_or(0);
        for purpose in 0..purposes {
            let permitted = || rows().map(|(row, uses)| (row, uses.get(purpose).copied().unwrap_or(0)));
            let categories: SmallVec<[u32; 8]> = permitted().map(|(_, categories)| categories).collect();
            if categories.iter().all(|categories| *categories == 0) {
                continue;
            }
            match groups.iter_mut().find(|(other, _)| *other == categories) {
                Some((_, purposes)) => *purposes |= 1 << purpose,
                None if permitted().all(is_whole) => plain_uses |= 1 << purpose,
                None => groups.push((categories, 1 << purpose)),
            }
        }
        plain.elect(rules, best, plain_uses, winners);
        if groups.is_empty() {
            return;
        }
        for (categories, purposes) in groups {
            let parts = rows().zip(categories).map(|((row, _), categories)| Part { row, categories });
            let parts = parts.filter(|part| of.values(*part).next().is_some());
            Candidates::new(of, parts).elect(rules, best, purposes, winners);
        }
        winners.sort_unstable();
        winners.dedup_by(|other, first| {
            let same = (other.attribute, other.record, other.value) == (first.attribute, first.record, first.value);
            first.uses |= if same { other.uses } else { 0 };
            same
        });
    }

    /// Computes the winners of one profile anew and sends on what changed.
    fn settle(&mut self, root: Birth, before: Winners, output: &mut Output<(Birth, Winners)>) {
        let Some(mut profile) = self.records.get_mut(root).and_then(|record| record.profile.take()) else { return };
        profile.touched = false;
        self.elect(&profile.members);
        if *before != *self.winners {
            if !before.is_empty() {
                output.remove((root, before));
            }
            if !self.winners.is_empty() {
                output.add((root, self.winners.as_slice().into()));
            }
        }
        self.record(root).profile = Some(profile).filter(|profile| !profile.members.is_empty());
        self.drop_empty(root);
    }

    /// Frees the place of a record of which nothing is known any more.
    fn drop_empty(&mut self, birth: Birth) {
        let empty = |record: &Record| {
            record.row.is_none() && record.uses.is_none() && record.root.is_none() && record.profile.is_none()
        };
        if self.records.get(birth).is_some_and(empty) {
            self.records.remove(birth);
        }
    }
}

impl Stage for Profiles {
    type Left = Fact;
    type Right = Membership;
    type Main = (Birth, Winners);
    type Side = ();

    fn apply(
        &mut self,
        left: Updates<Fact>,
        right: Updates<Membership>,
        main: &mut Output<(Birth, Winners)>,
        _: &mut Output<()>,
    ) {
        let mut emptied = Vec::new();
        for fact in left.removals() {
            let record = match fact {
                Fact::Row(row) => row.record,
                Fact::Uses(record, _) => *record,
            };
            let known = self.touch_record(record);
            match fact {
                Fact::Row(_) => known.row = None,
                Fact::Uses(..) => known.uses = None,
            }
            emptied.push(record);
        }
        for Membership { root, record } in right.removals() {
            self.touch(*root).members.retain(|member| member != record);
            self.record(*record).root = None;
            emptied.push(*record);
        }
        for fact in left.into_additions() {
            match fact {
                Fact::Row(row) => {
                    let record = row.record;
                    self.touch_record(record).row = Some(row);
                }
                Fact::Uses(record, uses) => self.touch_record(record).uses = Some(uses),
            }
        }
        for Membership { root, record } in right.into_additions() {
            self.touch(root).members.push(record);
            self.record(record).root = Some(root);
        }
        for (root, before) in std::mem::take(&mut self.touched) {
            self.settle(root, before, main);
        }
        emptied.into_iter().for_each(|birth| self.drop_empty(birth));
    }
}
