//! Training without labels: expectation-maximisation of the Fellegi-Sunter model on blocked pairs, with the chances of
//! strangers from random pairs.
//!
//! 1. Terms are counted: how rare is each name, street, town.
//! 2. Pairs are drawn: of those that share a block, and at random.
//! 3. In turns, each pair's probability is computed from the weights, and the weights from the probabilities. What is
//!    expected of each level beforehand counts as some pairs more, so that few data do not mislead.
//!
//! Floats serve here only; the model gets millibits. Records are sorted first, all sums run in sorted order, and nothing
//! is random: equal records give equal bytes.

use super::Error;
use super::comparable::Comparable;
use super::compare::{NO_TERM, is_by_term, outcomes, terms};
use super::comparisons::Comparisons;
use super::kind::{Kind, LEVELS_MAX, MISSING, SLOTS};
use super::model::{self, Comparison, LevelWeights, Model, RivalOdds, Terms};
use super::pairs::{self, Pair};
use super::rival::{RIVALS, Rival, is_organisation};
use super::terms::{RECORDS_MIN, Rarities, VOCABULARIES};
use crate::model::Schema;
use std::collections::{BTreeMap, HashMap};

/// Pairs that the expectations of a comparison count for.
const EXPECTED_PAIRS: f64 = 40.0;
/// Pairs that the chances of a comparison count for.
const CHANCE_PAIRS: f64 = 200.0;
/// Pairs that the chances of a comparison count for where a rival is concerned.
const RIVAL_PAIRS: f64 = 100.0;
/// Turns of expectation and maximisation.
const TURNS: usize = 30;
/// Links of this weight merge, in millibits: odds of 32 to 1 for each link, and a group needs several.
const AUTOMATIC: i32 = 5_000;
/// Links of this weight go to review, in millibits: odds of 1 to 1.
const REVIEW: i32 = 0;

/// Learns a model from records. Their order plays no part.
///
/// # Errors
/// When there is nothing to learn from.
pub fn train(schema: &Schema, records: &[Comparable]) -> Result<Model, Error> {
    let comparisons = Comparisons::new(schema);
    match records.len() {
        0 => return Err(Error::NoRecords),
        1 => return Err(Error::OneRecord),
        _ => {}
    }
    let mut sorted: Vec<&Comparable> = records.iter().filter(|record| !record.is_empty()).collect();
    sorted.sort_unstable();
    match (sorted.first(), sorted.last()) {
        (Some(first), Some(last)) if first == last => return Err(Error::AllEqual { records: records.len() }),
        (Some(_), Some(_)) => {}
        _ => return Err(Error::NothingComparable),
    }
    let (terms, rarities) = count_terms(&sorted);
    let slots: Vec<usize> = (0..SLOTS).filter(|slot| !comparisons.name(*slot).is_empty()).collect();
    let blocked = pairs::blocked(&sorted);
    let seen = |pairs: &[Pair]| Sample::new(pairs, &sorted, &slots, &rarities);
    let count = u32::try_from(sorted.len()).unwrap_or(u32::MAX);
    let mut learner = Learner::new(&slots, sorted.len() as f64);
    learner.learn(&seen(&blocked.pairs), blocked.each, &seen(&pairs::random(count)));
    Ok(Model::sealed(learner.file(&comparisons, &slots, records.len() as u64, terms)))
}

/// Counts terms; gives what the model says of them, and the same compiled.
fn count_terms(records: &[&Comparable]) -> (Vec<Terms>, Rarities) {
    let mut counts: Vec<HashMap<&[u8], u32>> = vec![HashMap::new(); VOCABULARIES.len() + 1];
    for record in records {
        terms(&record.view(), |vocabulary, term| {
            if !term.is_empty() {
                *counts[vocabulary as usize].entry(term).or_default() += 1;
            }
        });
    }
    let mut rarities = Rarities::default();
    let mut out = Vec::new();
    for (vocabulary, name) in VOCABULARIES {
        let counts: BTreeMap<&[u8], u32> = std::mem::take(&mut counts[vocabulary as usize]).into_iter().collect();
        let total: u64 = counts.values().map(|count| u64::from(*count)).sum();
        if total == 0 {
            continue;
        }
        let (mut rare_carriers, mut rare_others) = (0u64, 0u64);
        let mut common = BTreeMap::new();
        for (term, count) in &counts {
            if *count >= RECORDS_MIN {
                let rarity = millibits(total as f64 / f64::from(*count));
                rarities.insert(vocabulary, term, rarity);
                common.insert(String::from_utf8_lossy(term).into_owned(), rarity);
            } else {
                rare_carriers += u64::from(*count);
                rare_others += u64::from(*count) * u64::from(count - 1);
            }
        }
        // Records of one person carry the same term, so half of the others are taken to be no strangers.
        let strangers = (rare_others as f64 / rare_carriers.max(1) as f64 / 2.0).max(0.5);
        let rare = millibits(total as f64 / strangers);
        rarities.set_rare(vocabulary, rare);
        out.push(Terms { vocabulary: name.to_owned(), rare, common });
    }
    (out, rarities)
}

/// log2 in thousandths, at least 0.
fn millibits(ratio: f64) -> i32 {
    signed_millibits(ratio).max(0)
}

fn signed_millibits(ratio: f64) -> i32 {
    (ratio.log2() * 1_000.0).round().clamp(-60_000.0, 60_000.0) as i32
}

/// Outcomes of pairs: each different row of (level, rarity) by slot, and how many pairs came to it, in order.
struct Sample(Vec<(Box<[Seen]>, f64)>);

/// A level and the rarity of the term.
type Seen = (u8, i32);

impl Sample {
    fn new(pairs: &[Pair], records: &[&Comparable], slots: &[usize], rarities: &Rarities) -> Self {
        let mut counts: BTreeMap<Box<[Seen]>, u32> = BTreeMap::new();
        let mut row: Vec<Seen> = Vec::with_capacity(slots.len());
        for (a, b) in pairs {
            let (Some(a), Some(b)) = (records.get(*a as usize), records.get(*b as usize)) else { continue };
            let found = outcomes(a, b, rarities);
            row.clear();
            row.extend(slots.iter().map(|slot| (found[*slot].level, found[*slot].rarity)));
            match counts.get_mut(row.as_slice()) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(row.clone().into_boxed_slice(), 1);
                }
            }
        }
        Self(counts.into_iter().map(|(row, count)| (row, f64::from(count))).collect())
    }
}

/// The model while it is learnt: shares by place of the slot and level.
struct Learner {
    kinds: Vec<Kind>,
    agreement: Vec<[f64; LEVELS_MAX]>,
    chance: Vec<[f64; LEVELS_MAX]>,
    rivals: [Vec<[f64; LEVELS_MAX]>; RIVALS],
    /// Pairs of one person among all pairs.
    matches: f64,
    /// Pairs of each rival among all pairs.
    rival_pairs: [f64; RIVALS],
    all_pairs: f64,
}

/// How likely a pair is one person, and how likely each rival.
struct Likely {
    match_: f64,
    rivals: [f64; RIVALS],
}

impl Learner {
    fn new(slots: &[usize], records: f64) -> Self {
        let kinds: Vec<Kind> = slots.iter().map(|slot| Kind::of_slot(*slot)).collect();
        let agreement = kinds.iter().map(|kind| expected(*kind)).collect();
        let chance: Vec<[f64; LEVELS_MAX]> = kinds.iter().map(|kind| by_chance(*kind)).collect();
        let rivals = std::array::from_fn(|_| chance.clone());
        let matches = records / 4.0;
        let all_pairs = records * (records - 1.0) / 2.0;
        Self { kinds, agreement, chance, rivals, matches, rival_pairs: [matches; RIVALS], all_pairs }
    }

    fn learn(&mut self, blocked: &Sample, each: f64, random: &Sample) {
        let width = self.kinds.len();
        if width == 0 {
            return;
        }
        self.count_strangers(random, |_| 0.0);
        self.rivals = std::array::from_fn(|_| self.chance.clone());
        for _ in 0..TURNS {
            self.turn(blocked, each);
            let explained = |row: &[Seen]| {
                let likely = self.likely(row);
                likely.match_ + likely.rivals.iter().sum::<f64>()
            };
            let probabilities: Vec<f64> = random.0.iter().map(|(row, _)| explained(row)).collect();
            self.count_strangers(random, |index| probabilities[index]);
        }
    }

    /// One turn over the blocked pairs.
    fn turn(&mut self, blocked: &Sample, each: f64) {
        let width = self.kinds.len();
        let none = || vec![[0.0; LEVELS_MAX]; width];
        let (mut counts, mut rival_counts): (_, [_; RIVALS]) = (none(), std::array::from_fn(|_| none()));
        let (mut matches, mut rival_pairs) = (0.0, [0.0; RIVALS]);
        for (row, count) in &blocked.0 {
            let likely = self.likely(row);
            matches += likely.match_ * count;
            add(&mut counts, row, likely.match_ * count);
            for rival in Rival::ALL {
                let expected = likely.rivals[rival as usize] * count;
                rival_pairs[rival as usize] += expected;
                add(&mut rival_counts[rival as usize], row, expected);
            }
        }
        for (place, kind) in self.kinds.iter().enumerate() {
            self.agreement[place] = shares(&counts[place], &expected(*kind), EXPECTED_PAIRS);
            for rival in Rival::ALL {
                let counts = &rival_counts[rival as usize][place];
                let learnt = shares(counts, &self.chance[place], RIVAL_PAIRS);
                self.rivals[rival as usize][place] = if rival.learns(*kind) { learnt } else { self.chance[place] };
            }
        }
        // At least one pair, and never more than half of all.
        let half = self.all_pairs * 0.5;
        self.matches = (matches * each).max(1.0).min(half);
        self.rival_pairs = rival_pairs.map(|pairs| (pairs * each).max(1.0).min(half));
    }

    /// The chances, from random pairs less what of them is explained otherwise.
    fn count_strangers(&mut self, random: &Sample, explained: impl Fn(usize) -> f64) {
        let mut counts = vec![[0.0; LEVELS_MAX]; self.kinds.len()];
        for (index, (row, count)) in random.0.iter().enumerate() {
            add(&mut counts, row, (1.0 - explained(index)) * count);
        }
        for (place, kind) in self.kinds.iter().enumerate() {
            self.chance[place] = shares(&counts[place], &by_chance(*kind), CHANCE_PAIRS);
        }
    }

    /// How likely a pair is what.
    fn likely(&self, row: &[Seen]) -> Likely {
        let strangers = (self.all_pairs - self.matches).max(1.0);
        let mut bits = (self.matches / strangers).log2();
        let mut against = self.rival_pairs.map(|pairs| (self.matches / pairs).log2());
        for (place, (level, rarity)) in row.iter().enumerate() {
            if *level == MISSING {
                continue;
            }
            let weight = self.weight(place, *level, *rarity);
            bits += weight;
            for rival in Rival::ALL.into_iter().filter(|rival| rival.is_told_by(self.kinds[place])) {
                let level = usize::from(*level);
                let told = (self.agreement[place][level] / self.rivals[rival as usize][place][level]).log2();
                against[rival as usize] += told.min(weight);
            }
        }
        let place_of = |kind| self.kinds.iter().position(|other| *other == kind);
        let organisations = is_organisation(|kind| place_of(kind).map_or(MISSING, |place| row[place].0));
        let mut rivals = [0.0; RIVALS];
        for rival in Rival::ALL.into_iter().filter(|rival| rival.stands(organisations)) {
            rivals[rival as usize] = (-against[rival as usize]).clamp(-300.0, 300.0).exp2();
        }
        let match_ = 1.0 / (1.0 + (-bits).clamp(-300.0, 300.0).exp2() + rivals.iter().sum::<f64>());
        Likely { match_, rivals: rivals.map(|odds| odds * match_) }
    }

    fn weight(&self, place: usize, level: u8, rarity: i32) -> f64 {
        let kind = self.kinds[place];
        let (agreement, chance) = (self.agreement[place][usize::from(level)], self.chance[place][usize::from(level)]);
        if is_free(kind, usize::from(level)) {
            return 0.0;
        }
        let rarity_bits = f64::from(rarity) / 1_000.0;
        if rarity == NO_TERM {
            (agreement / chance).log2()
        } else if is_by_term(kind, level) {
            agreement.log2() + rarity_bits
        } else {
            (agreement / chance).log2().min(rarity_bits)
        }
    }

    fn file(&self, comparisons: &Comparisons, slots: &[usize], records: u64, terms: Vec<Terms>) -> model::File {
        let comparison = |(place, slot): (usize, &usize)| {
            let kind = self.kinds[place];
            let levels = kind.levels().iter().enumerate().map(|(level, named)| {
                let agreement = signed_millibits(self.agreement[place][level]);
                let or_free = |share: f64| if is_free(kind, level) { agreement } else { signed_millibits(share) };
                let rivals = self.rivals.iter().map(|rival| or_free(rival[place][level])).collect();
                LevelWeights {
                    name: named.name.to_owned(),
                    agreement,
                    chance: or_free(self.chance[place][level]),
                    rivals,
                }
            });
            let levels = levels.collect();
            Comparison { name: comparisons.name(*slot).to_owned(), kind: kind.name().to_owned(), levels }
        };
        model::File {
            format: model::FORMAT.to_owned(),
            records,
            prior: signed_millibits(self.matches / (self.all_pairs - self.matches).max(1.0)),
            rivals: Rival::ALL
                .iter()
                .zip(self.rival_pairs)
                .map(|(rival, pairs)| RivalOdds {
                    name: rival.name().to_owned(),
                    prior: signed_millibits(self.matches / pairs),
                })
                .collect(),
            automatic: AUTOMATIC,
            review: REVIEW,
            comparisons: slots.iter().enumerate().map(comparison).collect(),
            terms,
            checksum: String::new(),
        }
    }
}

/// Whether a level says nothing.
fn is_free(kind: Kind, level: usize) -> bool {
    kind.differs_freely() && level + 1 == kind.levels().len()
}

fn add(counts: &mut [[f64; LEVELS_MAX]], row: &[Seen], weight: f64) {
    for (count, (level, _)) in counts.iter_mut().zip(row) {
        if let Some(place) = count.get_mut(usize::from(*level)) {
            *place += weight;
        }
    }
}

/// Shares of counts and of so many pairs more that are as expected.
fn shares(counts: &[f64; LEVELS_MAX], prior: &[f64; LEVELS_MAX], prior_pairs: f64) -> [f64; LEVELS_MAX] {
    let total: f64 = counts.iter().sum::<f64>() + prior_pairs;
    let mut out = [0.0; LEVELS_MAX];
    for (place, (count, share)) in out.iter_mut().zip(counts.iter().zip(prior)) {
        *place = ((count + share * prior_pairs) / total).max(1e-12);
    }
    out
}

fn expected(kind: Kind) -> [f64; LEVELS_MAX] {
    by_level(kind, |level| f64::from(level.expected))
}

fn by_chance(kind: Kind) -> [f64; LEVELS_MAX] {
    by_level(kind, |level| f64::from(level.chance))
}

fn by_level(kind: Kind, share: impl Fn(&super::kind::Level) -> f64) -> [f64; LEVELS_MAX] {
    let total: f64 = kind.levels().iter().map(&share).sum();
    let mut out = [0.0; LEVELS_MAX];
    for (place, level) in out.iter_mut().zip(kind.levels()) {
        *place = share(level) / total;
    }
    out
}
