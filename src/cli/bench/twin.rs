//! The twin: the answer of the engine computed from scratch in plain Rust, as the baseline it is measured against.
//!
//! It records nothing, encrypts nothing and keeps nothing: hash maps, union-find, one pass over each profile. It shares
//! no code with the dataflow, so that their agreement says something.
//!
//! Rules. An identifier that more live records carry than its kind allows, or that is blocked, links nobody; all
//! carriers of any other are one profile. For each attribute the record wins that is greatest by the criteria of the
//! attribute's survivorship in their order; what still ties goes to the smaller hash of the record's name.

use crate::model::{AttributeId, Criterion, KindId, Schema, Source, SourceId};
use hashbrown::HashMap;
use std::cmp::Ordering;

/// A live record of a person, standardised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwinRecord {
    /// Where it lives.
    pub source: SourceId,
    /// Event time in microseconds; `i64::MIN` when the source says none.
    pub at: i64,
    /// The keyed hash of the record's name.
    pub name: u128,
    /// Kind and canonical value; the same one twice counts once.
    pub identifiers: Vec<(KindId, String)>,
    /// At most one value for each attribute, in any order.
    pub values: Vec<(AttributeId, String)>,
}

/// Profiles and their values. Records are named by their index in what was resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TwinResult {
    /// For each record the oldest record of its profile, which is the one of the lowest index.
    pub profiles: Vec<u32>,
    /// (oldest record of the profile, attribute, winning record), ascending.
    pub winners: Vec<(u32, AttributeId, u32)>,
}

impl TwinResult {
    /// How many profiles there are.
    pub fn count(&self) -> usize {
        self.profiles.iter().zip(0u32..).filter(|(oldest, index)| *oldest == index).count()
    }
}

/// Resolves records, which stand in the order of their birth.
///
/// # Panics
/// When there are more than `u32::MAX` records or identifiers, or a record's source or kind is not in the schema.
pub fn resolve(records: &[TwinRecord], schema: &Schema) -> TwinResult {
    let profiles = components(records, schema);
    let winners = winners(records, schema, &profiles);
    TwinResult { profiles, winners }
}

/// An identifier value.
struct Carried {
    kind: KindId,
    /// How many records carry it.
    count: u32,
    /// The first of them.
    first: u32,
    /// The last that was seen.
    last: u32,
}

/// For each record the lowest index among the records that it is joined with.
fn components(records: &[TwinRecord], schema: &Schema) -> Vec<u32> {
    let mut places: HashMap<(KindId, &str), u32> = HashMap::with_capacity(records.len());
    let mut carried: Vec<Carried> = Vec::with_capacity(records.len());
    let mut carriers: Vec<(u32, u32)> = Vec::with_capacity(records.len() * 2);
    for (index, record) in (0u32..).zip(records) {
        for (kind, value) in &record.identifiers {
            let place = *places.entry((*kind, value.as_str())).or_insert_with(|| {
                carried.push(Carried { kind: *kind, count: 0, first: index, last: index });
                position(carried.len() - 1)
            });
            let entry = &mut carried[place as usize];
            if entry.count == 0 || entry.last != index {
                entry.count += 1;
                entry.last = index;
                carriers.push((index, place));
            }
        }
    }
    for (kind, id) in schema.kinds.iter().zip(0u8..) {
        for blocked in &kind.blocked {
            if let Some(place) = places.get(&(KindId(id), blocked.as_str())) {
                carried[*place as usize].count = u32::MAX;
            }
        }
    }
    let limits: Vec<u32> = schema.kinds.iter().map(|kind| kind.records_max).collect();
    let mut roots: Vec<u32> = (0..position(records.len())).collect();
    for (index, place) in carriers {
        let entry = &carried[place as usize];
        if entry.count <= limits[usize::from(entry.kind.0)] && entry.count != u32::MAX {
            union(&mut roots, entry.first, index);
        }
    }
    (0..position(records.len())).map(|index| find(&mut roots, index)).collect()
}

/// The root of a record, halving its path.
fn find(roots: &mut [u32], mut index: u32) -> u32 {
    while roots[index as usize] != index {
        let parent = roots[index as usize];
        roots[index as usize] = roots[parent as usize];
        index = roots[index as usize];
    }
    index
}

/// INVARIANT: the root of a component is its lowest index.
fn union(roots: &mut [u32], a: u32, b: u32) {
    let (a, b) = (find(roots, a), find(roots, b));
    roots[a.max(b) as usize] = a.min(b);
}

fn position(index: usize) -> u32 {
    u32::try_from(index).expect("the twin takes at most u32::MAX records and identifiers")
}

/// A candidate: the record, the index of the value in it, and the record's decayed trust.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    index: u32,
    record: &'a TwinRecord,
    value: &'a str,
    trust: i64,
}

/// The winning records of all profiles.
fn winners(records: &[TwinRecord], schema: &Schema, profiles: &[u32]) -> Vec<(u32, AttributeId, u32)> {
    let counts_values = schema.survivorship.iter().any(|rule| rule.criteria.contains(&Criterion::Frequency));
    let mut best: Vec<Option<Candidate>> = vec![None; schema.attributes.len()];
    let mut frequencies: HashMap<(AttributeId, &str), u32> = HashMap::new();
    let mut winners = Vec::with_capacity(records.len());
    let order = grouped(profiles);
    for group in order.chunk_by(|a, b| profiles[*a as usize] == profiles[*b as usize]) {
        frequencies.clear();
        if counts_values && group.len() > 1 {
            for (attribute, value) in group.iter().flat_map(|index| &records[*index as usize].values) {
                *frequencies.entry((*attribute, value.as_str())).or_default() += 1;
            }
        }
        let latest = group.iter().map(|index| records[*index as usize].at).max().unwrap_or(i64::MIN);
        for index in group {
            let record = &records[*index as usize];
            let trust = trust(&schema.sources[usize::from(record.source.0)], record.at, latest);
            for (attribute, value) in &record.values {
                let candidate = Candidate { index: *index, record, value, trust };
                let slot = &mut best[usize::from(attribute.0)];
                let criteria = &schema.survivorship[usize::from(attribute.0)].criteria;
                let frequency = |value| frequencies.get(&(*attribute, value)).copied();
                if slot.is_none_or(|other| beats(criteria, &candidate, &other, frequency)) {
                    *slot = Some(candidate);
                }
            }
        }
        let profile = profiles[group[0] as usize];
        for (slot, attribute) in best.iter_mut().zip(0u16..) {
            winners.extend(slot.take().map(|candidate| (profile, AttributeId(attribute), candidate.index)));
        }
    }
    winners
}

/// The records, those of a profile together, profiles and records ascending: a counting sort.
fn grouped(profiles: &[u32]) -> Vec<u32> {
    let mut starts = vec![0u32; profiles.len() + 1];
    for profile in profiles {
        starts[*profile as usize + 1] += 1;
    }
    for index in 1..starts.len() {
        starts[index] += starts[index - 1];
    }
    let mut order = vec![0u32; profiles.len()];
    for (index, profile) in (0u32..).zip(profiles) {
        let place = &mut starts[*profile as usize];
        order[*place as usize] = index;
        *place += 1;
    }
    order
}

/// Whether the first candidate beats the second.
fn beats<'a>(
    criteria: &[Criterion],
    a: &Candidate<'a>,
    b: &Candidate<'a>,
    frequency: impl Fn(&'a str) -> Option<u32>,
) -> bool {
    let by = |criterion: &Criterion| match criterion {
        Criterion::Recency => a.record.at.cmp(&b.record.at),
        Criterion::Trust => a.trust.cmp(&b.trust),
        Criterion::Completeness => a.record.values.len().cmp(&b.record.values.len()),
        Criterion::Frequency => frequency(a.value).cmp(&frequency(b.value)),
    };
    let decided = criteria.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
    decided.then_with(|| b.record.name.cmp(&a.record.name)).is_gt()
}

/// Trust on a logarithmic scale, in units of 2^-20 of a halving, as of the latest event of the profile: `log2(trust)` less
/// the age in half-lives, where the source's trust decays. No trust weighs nothing, and so does what decays and is not
/// dated.
fn trust(source: &Source, at: i64, latest: i64) -> i64 {
    const HALVING: i128 = 1 << 20;
    const DAY_US: i128 = 86_400_000_000;
    if source.trust == 0 {
        return i64::MIN;
    }
    let level = log2(u64::from(source.trust));
    match source.trust_half_life_days {
        Some(days) if days > 0 => {
            if at == i64::MIN {
                return i64::MIN;
            }
            let age = (i128::from(latest) - i128::from(at)) * HALVING / (i128::from(days) * DAY_US);
            level.saturating_sub(i64::try_from(age).unwrap_or(i64::MAX))
        }
        _ => level,
    }
}

/// The logarithm of a number above 0 in units of 2^-20, rounded down: bits of the fraction by squaring.
fn log2(number: u64) -> i64 {
    let whole = number.ilog2();
    let mut mantissa = (u128::from(number) << 62) >> whole;
    let mut result = i64::from(whole);
    for _ in 0..20 {
        mantissa = (mantissa * mantissa) >> 62;
        let bit = mantissa >> 63;
        mantissa >>= bit;
        result = result << 1 | i64::from(bit == 1);
    }
    result
}

#[cfg(test)]
mod tests;
