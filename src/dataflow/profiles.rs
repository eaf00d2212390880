//! Profiles (design stage 5): for each attribute of a cluster, the record whose value wins.
//!
//! Rule:   winner(root, attribute, r) :- member(r, root), value(r, attribute, _), r is the greatest by the attribute's
//!         survivorship criteria; what still ties goes to the smaller rank.
//! Memory: per record its packed values and root, per profile its members and winners.
//! Retraction: the profiles that lose a member or a row are computed anew from their members' rows.

use super::births::ByBirth;
use super::clusters::Membership;
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

/// A value in ten bytes; the hash is in the order of bytes of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Value {
    attribute: AttributeId,
    hash: [u8; 8],
}

impl Row {
    /// The row of a record; `source` is where it lives.
    pub fn new(facts: &Facts, named: Named, source: &Source) -> Self {
        let value = |(attribute, value): &(AttributeId, ValueHash)| Value {
            attribute: *attribute,
            hash: value.0.to_ne_bytes(),
        };
        let values = facts.values.iter().map(value).collect();
        Self { record: named.birth, rank: named.rank, at: facts.at, trust: Trust::new(source), values }
    }
}

/// The winners of a profile, by attribute.
pub type Winners = Box<[Winner]>;

/// What is known of a record.
#[derive(Debug, Default)]
struct Record {
    row: Option<Row>,
    root: Option<Birth>,
    /// The profile that is named by this record.
    profile: Option<Box<Profile>>,
}

#[derive(Debug, Default)]
struct Profile {
    touched: bool,
    members: SmallVec<[Birth; 4]>,
    winners: Winners,
}

/// The state of the stage.
#[derive(Debug)]
pub struct Profiles {
    rules: Vec<SurvivorshipRule>,
    records: ByBirth<Record>,
    /// By attribute, the place of the best row so far and its value; kept for its memory.
    best: Vec<Option<(u32, Value)>>,
    winners: Vec<Winner>,
}

/// The rows of one profile, as they are compared.
struct Candidates<'a> {
    rows: SmallVec<[(&'a Row, i64); 8]>,
    /// How many rows have a value, where there are too many rows to count each time.
    counts: HashMap<Value, usize>,
}

/// Up to this many rows, counting again is faster than remembering.
const COUNTED_MAX: usize = 16;

impl<'a> Candidates<'a> {
    fn new(rows: impl Iterator<Item = &'a Row>) -> Self {
        let mut rows: SmallVec<[(&Row, i64); 8]> = rows.map(|row| (row, 0)).collect();
        let latest = rows.iter().map(|(row, _)| row.at).max().unwrap_or(i64::MIN);
        rows.iter_mut().for_each(|(row, weight)| *weight = row.trust.weight(row.at, latest));
        let mut counts = HashMap::new();
        if rows.len() > COUNTED_MAX {
            for value in rows.iter().flat_map(|(row, _)| &row.values) {
                *counts.entry(*value).or_default() += 1;
            }
        }
        Self { rows, counts }
    }

    /// How many records of the profile carry this value.
    fn frequency(&self, value: Value) -> usize {
        match self.counts.get(&value) {
            Some(count) => *count,
            None => self.rows.iter().filter(|(row, _)| row.values.contains(&value)).count(),
        }
    }

    /// How the value at one place compares with another, and the criterion that decides; none: all tie, and ranks do.
    fn compare(
        &self,
        rule: &SurvivorshipRule,
        (a, a_value): (usize, Value),
        (b, b_value): (usize, Value),
    ) -> (Option<Criterion>, Ordering) {
        let ((a, a_weight), (b, b_weight)) = (self.rows[a], self.rows[b]);
        let by = |criterion: &Criterion| match criterion {
            Criterion::Recency => a.at.cmp(&b.at),
            Criterion::Trust => a_weight.cmp(&b_weight),
            Criterion::Completeness => a.values.len().cmp(&b.values.len()),
            Criterion::Frequency if a_value == b_value => Ordering::Equal,
            Criterion::Frequency => self.frequency(a_value).cmp(&self.frequency(b_value)),
        };
        let decided = rule.criteria.iter().map(|criterion| (Some(*criterion), by(criterion)));
        decided.into_iter().find(|(_, order)| order.is_ne()).unwrap_or((None, b.rank.cmp(&a.rank)))
    }
}

/// The criterion on which a record lost an attribute to the winner; `None`: all tied and the ranks decided, or one of the
/// two has no such value. `rows` are those of the whole profile.
pub fn lost_by(rows: &[Row], rule: &SurvivorshipRule, winner: &Winner, loser: Birth) -> Option<Criterion> {
    let candidates = Candidates::new(rows.iter());
    let find = |record: Birth| {
        let place = rows.iter().position(|row| row.record == record)?;
        let value = rows.get(place)?.values.iter().find(|value| value.attribute == winner.attribute)?;
        Some((place, *value))
    };
    candidates.compare(rule, find(winner.record)?, find(loser)?).0
}

impl Profiles {
    /// `rules`: by attribute.
    pub fn new(rules: Vec<SurvivorshipRule>) -> Self {
        Self { best: vec![None; rules.len()], rules, records: ByBirth::default(), winners: Vec::new() }
    }

    fn record(&mut self, birth: Birth) -> &mut Record {
        self.records.entry(birth, Record::default)
    }

    fn profile(&mut self, root: Birth, touched: &mut Vec<Birth>) -> &mut Profile {
        let profile = self.record(root).profile.get_or_insert_default();
        if !profile.touched {
            profile.touched = true;
            touched.push(root);
        }
        profile
    }

    /// Leaves in `self.winners` the winners of these members.
    fn elect(&mut self, members: &[Birth]) {
        let records = &self.records;
        let candidates = Candidates::new(members.iter().filter_map(|birth| records.get(*birth)?.row.as_ref()));
        self.best.fill(None);
        for (place, (row, _)) in candidates.rows.iter().enumerate() {
            for &value in &row.values {
                let attribute = usize::from(value.attribute.0);
                let (Some(slot), Some(rule)) = (self.best.get_mut(attribute), self.rules.get(attribute)) else {
                    continue;
                };
                let beats = |best, other| candidates.compare(rule, (place, value), (best, other)).1.is_gt();
                if slot.is_none_or(|(best, other)| beats(best as usize, other)) {
                    *slot = Some((u32::try_from(place).expect("fewer than 2^32 records fit in memory"), value));
                }
            }
        }
        self.winners.clear();
        self.winners.extend(self.best.iter().flatten().map(|(place, value)| Winner {
            attribute: value.attribute,
            record: candidates.rows[*place as usize].0.record,
            value: ValueHash(u64::from_ne_bytes(value.hash)),
        }));
    }

    /// Computes the winners of one profile and sends on what changed.
    fn settle(&mut self, root: Birth, output: &mut Output<(Birth, Winners)>) {
        // Taken out while its members' rows are read.
        let Some(mut profile) = self.records.get_mut(root).and_then(|record| record.profile.take()) else { return };
        profile.touched = false;
        self.elect(&profile.members);
        if *profile.winners != *self.winners {
            let old = std::mem::replace(&mut profile.winners, self.winners.as_slice().into());
            if !old.is_empty() {
                output.remove((root, old));
            }
            if !profile.winners.is_empty() {
                output.add((root, profile.winners.clone()));
            }
        }
        let record = self.record(root);
        record.profile = Some(profile).filter(|profile| !profile.members.is_empty());
        self.drop_empty(root);
    }

    /// Frees the place of a record of which nothing is known any more.
    fn drop_empty(&mut self, birth: Birth) {
        let empty = |record: &Record| record.row.is_none() && record.root.is_none() && record.profile.is_none();
        if self.records.get(birth).is_some_and(empty) {
            self.records.remove(birth);
        }
    }
}

impl Stage for Profiles {
    type Left = Row;
    type Right = Membership;
    type Main = (Birth, Winners);
    type Side = ();

    /// One worker: rows and members meet by record, and a profile's records come from everywhere.
    fn route_left(_: &Row) -> u64 {
        0
    }

    fn route_right(_: &Membership) -> u64 {
        0
    }

    fn apply(
        &mut self,
        left: Updates<Row>,
        right: Updates<Membership>,
        main: &mut Output<(Birth, Winners)>,
        _: &mut Output<()>,
    ) {
        let mut touched = Vec::new();
        let mut changed = Vec::with_capacity(left.len());
        for row in left.removals() {
            self.record(row.record).row = None;
            changed.push(row.record);
        }
        for Membership { root, record } in right.removals() {
            self.record(*record).root = None;
            self.profile(*root, &mut touched).members.retain(|member| member != record);
            changed.push(*record);
        }
        for row in left.into_additions() {
            changed.push(row.record);
            let record = row.record;
            self.record(record).row = Some(row);
        }
        for Membership { root, record } in right.into_additions() {
            self.record(record).root = Some(root);
            self.profile(root, &mut touched).members.push(record);
        }
        for birth in changed {
            match self.records.get(birth).and_then(|record| record.root) {
                Some(root) => drop(self.profile(root, &mut touched)),
                None => self.drop_empty(birth),
            }
        }
        for root in touched {
            self.settle(root, main);
        }
    }
}
