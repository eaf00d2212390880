//! Profiles (design stage 5): for each attribute of a cluster, the record whose value wins.
//!
//! Rule:   winner(root, attribute, r) :- member(r, root), value(r, attribute, _), r is the greatest by the attribute's
//!         survivorship criteria; what still ties goes to the smaller rank.
//! Memory: per record its packed values, per profile its members and winners.
//! Retraction: the profiles that lose a member or a row are computed anew from their members' rows.

use super::stage::{Stage, Updates};
use crate::model::{AttributeId, Birth, Criterion, Facts, Named, Source, SurvivorshipRule, ValueHash, Winner};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// What comes in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// The values of a live record.
    Row(Birth, Row),
    /// A record and the oldest record of its cluster.
    Member(Birth, Birth),
}

/// The values of a record, packed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Row {
    at: i64,
    rank: u64,
    trust: i64,
    values: Box<[(AttributeId, ValueHash)]>,
}

impl Row {
    /// The row of a record; `source` is where it lives.
    pub fn new(facts: &Facts, named: Named, source: &Source) -> Self {
        let trust = trust_score(source, facts.at);
        Self { at: facts.at, rank: named.rank, trust, values: facts.values.as_slice().into() }
    }
}

/// The winners of a profile, by attribute.
pub type Winners = Box<[Winner]>;

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
    rows: HashMap<Birth, Row>,
    roots: HashMap<Birth, Birth>,
    profiles: HashMap<Birth, Profile>,
}

/// Trust that has decayed with age, as an integer on a logarithmic scale.
///
/// With half-life h, trust·2^(−(now−at)/h) is compared. Of two such figures the greater is the one with the greater
/// log2(trust) + at/h whatever `now` is, so no clock is needed. Unit: 2^-20 of a halving.
pub fn trust_score(source: &Source, at: i64) -> i64 {
    const HALVING: i64 = 1 << 20;
    const DAY_US: i64 = 86_400_000_000;
    let level = log2_scaled(u64::from(source.trust));
    match source.trust_half_life_days {
        Some(days) if at != i64::MIN && days > 0 => {
            let half_life_us = i128::from(days) * i128::from(DAY_US);
            let age = i128::from(at) * i128::from(HALVING) / half_life_us;
            level.saturating_add(i64::try_from(age).unwrap_or(i64::MAX))
        }
        // A source that does not decay is as good as the moment itself would be: compared by level alone.
        _ => level,
    }
}

/// log2(n + 1) in units of 2^-20, by repeated squaring in integers.
fn log2_scaled(n: u64) -> i64 {
    const BITS: u32 = 20;
    let mut value = u128::from(n) + 1;
    let whole = value.ilog2();
    let mut result = i64::from(whole) << BITS;
    value = (value << 62) >> whole;
    for bit in (0..BITS).rev() {
        value = (value * value) >> 62;
        if value >= 1 << 63 {
            value >>= 1;
            result |= 1 << bit;
        }
    }
    result
}

impl Profiles {
    /// `rules`: by attribute.
    pub fn new(rules: Vec<SurvivorshipRule>) -> Self {
        Self { rules, rows: HashMap::new(), roots: HashMap::new(), profiles: HashMap::new() }
    }

    fn touch(&mut self, root: Birth, touched: &mut Vec<Birth>) -> &mut Profile {
        let profile = self.profiles.entry(root).or_default();
        if !profile.touched {
            profile.touched = true;
            touched.push(root);
        }
        profile
    }

    fn winners(&self, members: &[Birth]) -> Winners {
        let rows: SmallVec<[(Birth, &Row); 8]> =
            members.iter().filter_map(|birth| self.rows.get(birth).map(|row| (*birth, row))).collect();
        let mut best: Vec<Option<(Birth, &Row, ValueHash)>> = vec![None; self.rules.len()];
        for &(birth, row) in &rows {
            for &(attribute, value) in &row.values {
                let place = usize::from(attribute.0);
                let (Some(slot), Some(rule)) = (best.get_mut(place), self.rules.get(place)) else { continue };
                let better = slot.is_none_or(|(_, other, other_value)| {
                    let frequency = |value| frequency(&rows, attribute, value);
                    beats(rule, (row, value), (other, other_value), frequency)
                });
                if better {
                    *slot = Some((birth, row, value));
                }
            }
        }
        let winner = |(place, slot): (usize, &Option<(Birth, &Row, ValueHash)>)| {
            let (record, _, value) = (*slot)?;
            let attribute = AttributeId(u16::try_from(place).expect("attributes are counted in 16 bits"));
            Some(Winner { attribute, record, value })
        };
        best.iter().enumerate().filter_map(winner).collect()
    }
}

/// How many records of the profile carry this value.
fn frequency(rows: &[(Birth, &Row)], attribute: AttributeId, value: ValueHash) -> usize {
    rows.iter().filter(|(_, row)| row.values.contains(&(attribute, value))).count()
}

/// Whether the first candidate beats the second.
fn beats(
    rule: &SurvivorshipRule,
    (a, a_value): (&Row, ValueHash),
    (b, b_value): (&Row, ValueHash),
    frequency: impl Fn(ValueHash) -> usize,
) -> bool {
    for criterion in &rule.criteria {
        let order = match criterion {
            Criterion::Recency => a.at.cmp(&b.at),
            Criterion::Trust => a.trust.cmp(&b.trust),
            Criterion::Completeness => a.values.len().cmp(&b.values.len()),
            Criterion::Frequency if a_value == b_value => std::cmp::Ordering::Equal,
            Criterion::Frequency => frequency(a_value).cmp(&frequency(b_value)),
        };
        if order.is_ne() {
            return order.is_gt();
        }
    }
    a.rank < b.rank
}

impl Stage for Profiles {
    type In = Part;
    type Out = (Birth, Winners);

    /// One worker: rows and members meet by record, and a profile's records come from everywhere.
    fn route(_: &Part) -> u64 {
        0
    }

    fn apply(&mut self, updates: &mut Updates<Part>, output: &mut Updates<(Birth, Winners)>) {
        let mut touched = Vec::new();
        let mut rows = Vec::new();
        for (part, diff) in updates.iter().filter(|(_, diff)| *diff < 0).chain(updates.iter().filter(|(_, d)| *d > 0)) {
            match part {
                Part::Row(birth, _) if *diff < 0 => {
                    self.rows.remove(birth);
                    rows.push(*birth);
                }
                Part::Row(birth, row) => {
                    self.rows.insert(*birth, row.clone());
                    rows.push(*birth);
                }
                Part::Member(birth, root) if *diff < 0 => {
                    self.roots.remove(birth);
                    self.touch(*root, &mut touched).members.retain(|member| member != birth);
                }
                Part::Member(birth, root) => {
                    self.roots.insert(*birth, *root);
                    self.touch(*root, &mut touched).members.push(*birth);
                }
            }
        }
        updates.clear();
        for birth in rows {
            if let Some(root) = self.roots.get(&birth).copied() {
                self.touch(root, &mut touched);
            }
        }
        for root in touched {
            self.settle(root, output);
        }
    }
}

impl Profiles {
    /// Computes the winners of one profile and sends on what changed.
    fn settle(&mut self, root: Birth, output: &mut Updates<(Birth, Winners)>) {
        let Some(profile) = self.profiles.get(&root) else { return };
        let winners = self.winners(&profile.members);
        let Some(profile) = self.profiles.get_mut(&root) else { return };
        profile.touched = false;
        if profile.winners != winners {
            let old = std::mem::replace(&mut profile.winners, winners.clone());
            if !old.is_empty() {
                output.push(((root, old), -1));
            }
            if !winners.is_empty() {
                output.push(((root, winners), 1));
            }
        }
        if profile.members.is_empty() {
            self.profiles.remove(&root);
        }
    }
}
