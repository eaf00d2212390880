//! Scoring: the sum of what each comparison says for or against *one person*, in millibits.
//!
//! INVARIANT: integers only, and nothing but the two records and the model decides: equal on every machine, in either
//! order, in every run. The hash key decides blocks, never a score.

use super::blocks;
use super::comparable::Comparable;
use super::compare::{NO_TERM, Outcome, Outcomes, is_by_term, outcomes};
use super::comparisons::Comparisons;
use super::kind::{Kind, LEVELS_MAX, MISSING, SLOTS};
use super::model::Model;
use super::rival::{RIVALS, Rival, are_organisations};
use super::terms::{Rarities, VOCABULARIES};
use super::waterfall::{Step, Waterfall};
use crate::model::Schema;

/// A model and a schema, compiled. Cheap to share between threads.
pub struct Scorer {
    comparisons: Comparisons,
    weights: Weights,
    automatic: i32,
    review: i32,
    key: [u8; 16],
}

/// What outcomes weigh.
pub(super) struct Weights {
    prior: i32,
    /// By rival.
    rival_priors: [i32; RIVALS],
    /// By slot and level, log2 of the share among pairs of one person; 0 where the model has nothing.
    agreement: [[i32; LEVELS_MAX]; SLOTS],
    /// By slot and level, log2 of the share among pairs of strangers.
    chance: [[i32; LEVELS_MAX]; SLOTS],
    /// By rival, slot and level, log2 of the share among pairs of the rival.
    rivals: [[[i32; LEVELS_MAX]; SLOTS]; RIVALS],
    /// Whether the model has the slot.
    known: [bool; SLOTS],
    pub(super) rarities: Rarities,
}

impl Scorer {
    /// Compiles. `key` keys the hashes of the blocks and nothing else.
    pub fn new(schema: &Schema, model: &Model, key: [u8; 16]) -> Self {
        let comparisons = Comparisons::new(schema);
        let weights = Weights::new(&comparisons, model);
        Self { comparisons, weights, automatic: model.file.automatic, review: model.file.review, key }
    }

    /// What makes records comparable.
    pub fn comparisons(&self) -> &Comparisons {
        &self.comparisons
    }

    /// Writes the blocking keys of a record: sorted, each once, at most sixteen.
    pub fn blocks(&self, record: &Comparable, out: &mut Vec<u64>) {
        blocks::keys(record, &self.key, out);
    }

    /// A block of more records than this makes no pairs.
    pub fn block_records_max(&self) -> u32 {
        blocks::RECORDS_MAX
    }

    /// The match weight in millibits: the base-2 logarithm of the odds that both are one person. Symmetric.
    pub fn score(&self, a: &Comparable, b: &Comparable) -> i32 {
        self.weights.score(&outcomes(a, b, &self.weights.rarities))
    }

    /// Links of this weight or more merge by themselves, in millibits.
    pub fn automatic(&self) -> i32 {
        self.automatic
    }

    /// Links of this weight or more are worth a look, in millibits.
    pub fn review(&self) -> i32 {
        self.review
    }

    /// How the weight of a pair comes about. The sum of its parts is [`score`](Self::score).
    pub fn explain(&self, a: &Comparable, b: &Comparable) -> Waterfall {
        let found = outcomes(a, b, &self.weights.rarities);
        let (sum, against) = self.weights.judge(&found);
        let mut steps = Vec::new();
        for (slot, outcome) in found.iter().enumerate() {
            let Some((weight, adjustment)) = self.weights.parts(slot, *outcome, against) else { continue };
            let level = Kind::of_slot(slot).levels().get(usize::from(outcome.level));
            steps.push(Step {
                comparison: self.comparisons.name(slot).to_owned(),
                level: level.map_or("", |level| level.name),
                weight,
                adjustment,
            });
        }
        Waterfall::new(against.map_or("strangers", Rival::name), self.weights.prior(against), steps, sum)
    }
}

impl Weights {
    pub(super) fn new(comparisons: &Comparisons, model: &Model) -> Self {
        let mut this = Self {
            prior: model.file.prior,
            rival_priors: [0; RIVALS],
            rivals: [[[0; LEVELS_MAX]; SLOTS]; RIVALS],
            agreement: [[0; LEVELS_MAX]; SLOTS],
            chance: [[0; LEVELS_MAX]; SLOTS],
            known: [false; SLOTS],
            rarities: rarities(model),
        };
        for (prior, rival) in this.rival_priors.iter_mut().zip(&model.file.rivals) {
            *prior = rival.prior;
        }
        for slot in 0..SLOTS {
            let name = comparisons.name(slot);
            let of_kind = |c: &&super::model::Comparison| c.name == name && c.kind == Kind::of_slot(slot).name();
            let Some(learnt) = model.file.comparisons.iter().find(of_kind) else { continue };
            this.known[slot] = true;
            for (level, weights) in learnt.levels.iter().take(LEVELS_MAX).enumerate() {
                this.agreement[slot][level] = weights.agreement;
                this.chance[slot][level] = weights.chance;
                for (rival, share) in this.rivals.iter_mut().zip(&weights.rivals) {
                    rival[slot][level] = *share;
                }
            }
        }
        this
    }

    fn prior(&self, against: Option<Rival>) -> i32 {
        against.map_or(self.prior, |rival| self.rival_priors[rival as usize])
    }

    /// The weight of an outcome by its level, and what the rarity of the term and the rival take from it or add; `None`
    /// where it does not count.
    fn parts(&self, slot: usize, outcome: Outcome, against: Option<Rival>) -> Option<(i32, i32)> {
        let kind = Kind::of_slot(slot);
        let told = against.is_none_or(|rival| rival.is_told_by(kind));
        if outcome.level == MISSING || !self.known[slot] || !told {
            return None;
        }
        let level = usize::from(outcome.level);
        let (agreement, chance) = (*self.agreement[slot].get(level)?, *self.chance[slot].get(level)?);
        let weight = agreement - chance;
        let adjusted = match outcome.rarity {
            NO_TERM => weight,
            rarity if is_by_term(kind, outcome.level) => agreement.saturating_add(rarity),
            rarity => weight.min(rarity),
        };
        let adjusted = match against {
            Some(rival) => adjusted.min(agreement - self.rivals[rival as usize][slot][level]),
            None => adjusted,
        };
        Some((weight, adjusted.saturating_sub(weight)))
    }

    /// The least of what stands for one person, and against whom it is: strangers or a rival.
    fn judge(&self, found: &Outcomes) -> (i32, Option<Rival>) {
        let organisations = are_organisations(found);
        let mut sum = self.prior;
        let mut rivals = self.rival_priors;
        for (slot, outcome) in found.iter().enumerate() {
            if outcome.level == MISSING {
                continue;
            }
            let Some((weight, adjustment)) = self.parts(slot, *outcome, None) else { continue };
            sum = sum.saturating_add(weight).saturating_add(adjustment);
            for rival in Rival::ALL.into_iter().filter(|rival| rival.stands(organisations)) {
                if let Some((weight, adjustment)) = self.parts(slot, *outcome, Some(rival)) {
                    let sum = &mut rivals[rival as usize];
                    *sum = sum.saturating_add(weight).saturating_add(adjustment);
                }
            }
        }
        let mut least = (sum, None);
        for rival in Rival::ALL.into_iter().filter(|rival| rival.stands(organisations)) {
            if rivals[rival as usize] < least.0 {
                least = (rivals[rival as usize], Some(rival));
            }
        }
        least
    }

    /// The match weight.
    fn score(&self, found: &Outcomes) -> i32 {
        self.judge(found).0
    }
}

fn rarities(model: &Model) -> Rarities {
    let mut rarities = Rarities::default();
    for (vocabulary, name) in VOCABULARIES {
        let Some(terms) = model.file.terms.iter().find(|terms| terms.vocabulary == name) else { continue };
        rarities.set_rare(vocabulary, terms.rare);
        for (term, rarity) in &terms.common {
            rarities.insert(vocabulary, term.as_bytes(), *rarity);
        }
    }
    rarities
}
