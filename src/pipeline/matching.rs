//! What scoring has to say of the records of a data directory: what a model is trained on, and why two records match.

use super::Error;
use super::open::{model, scorer};
use super::read::Reader;
use super::view::RecordView;
use crate::dataflow::{Engine, Rules};
use crate::ledger::{Operation, Received};
use crate::matching::{Comparable, Comparisons, Model, Scorer};
use crate::model::{Birth, Named};
use crate::store::RecordBody;
use hashbrown::HashMap;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the weight of a pair comes about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatchView {
    /// One record.
    pub first: RecordView,
    /// The other.
    pub second: RecordView,
    /// What *one person* is weighed against, the likeliest other reason for them to be alike: `strangers`,
    /// `one household`, `same name`, `another branch` or `same house`.
    pub against: &'static str,
    /// The odds before anything is compared, in millibits: thousandths of a base-2 logarithm.
    pub prior: i32,
    /// What each comparison says.
    pub steps: Vec<MatchStep>,
    /// Prior and all steps: the weight, in millibits.
    pub weight: i32,
    /// The probability that both are one person, in parts per million.
    pub probability_ppm: u32,
    /// From this weight on records are joined, in millibits.
    pub automatic: i32,
    /// From this weight on they go to review, in millibits.
    pub review: i32,
    /// Whether they share a block, without which they are not compared.
    pub blocked: bool,
    /// Whether they are in one profile.
    pub together: bool,
}

/// A block that holds more records than are compared with each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockView {
    /// How many records.
    pub records: u64,
    /// The first of them, at most five.
    pub sample: Vec<RecordView>,
}

/// How records fall into blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocks {
    /// Blocks of two records or more.
    pub count: u64,
    /// The most records of a block that are compared with each other.
    pub records_max: u32,
    /// Blocks with more, the largest first.
    pub oversized: Vec<BlockView>,
}

/// What one comparison says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatchStep {
    /// The attribute, or what several have in common.
    pub comparison: String,
    /// How alike the values are.
    pub level: String,
    /// What that weighs, in millibits.
    pub weight: i32,
    /// What the rarity of the value adds, in millibits.
    pub adjustment: i32,
}

/// Records of an oversized block that are named.
const SAMPLE: usize = 5;

impl Reader<'_> {
    /// What is compared of each live record of a person, in the order of births. `progress` is told how many there are
    /// so far.
    ///
    /// # Errors
    /// When the index or the ledger cannot be read.
    pub fn comparables(&self, mut progress: impl FnMut(u64)) -> Result<Vec<(Birth, Comparable)>, Error> {
        let comparisons = Comparisons::new(self.schema);
        let mut all = Vec::new();
        for row in self.index.records() {
            let (birth, row) = row?;
            if !matches!(row.body, RecordBody::Person(_)) {
                continue;
            }
            let what = compared(&comparisons, &self.received(row.position)?);
            all.extend(what.map(|what| (birth, what)));
            if all.len() % 4_096 == 0 {
                progress(all.len() as u64);
            }
        }
        progress(all.len() as u64);
        Ok(all)
    }

    /// Source, key and profile of each live record of a person, in the order of births.
    ///
    /// # Errors
    /// When the index or the ledger cannot be read.
    pub fn members(&self, mut each: impl FnMut(&str, &str, Birth)) -> Result<(), Error> {
        for row in self.index.records() {
            let (birth, row) = row?;
            let (RecordBody::Person(_), Some(root)) = (&row.body, self.index.root(birth)?) else { continue };
            let source = self.schema.sources.get(usize::from(row.source.0)).map_or("", |source| source.name.as_str());
            each(source, &self.received(row.position)?.key, root);
        }
        Ok(())
    }

    /// Who would be with whom, were records joined from each of these weights on, in millibits: for each of them the
    /// root of every live record of a person, in the order of [`members`](Self::members). Stewards' decisions are left out.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no model; when the index or the ledger cannot be read.
    pub fn partitions(&self, weights: &[i32]) -> Result<Vec<Vec<Birth>>, Error> {
        let no_model = || Error::NotFound { what: "the bundle has no match model".to_owned() };
        let model = model(self.schema)?.ok_or_else(no_model)?;
        let comparisons = Comparisons::new(self.schema);
        let mut records = Vec::new();
        for row in self.index.records() {
            let (birth, row) = row?;
            let (RecordBody::Person(facts), Some(_)) = (row.body, self.index.root(birth)?) else { continue };
            let what = compared(&comparisons, &self.received(row.position)?);
            records.push((Named::new(row.name, birth), facts, what));
        }
        // One engine after another: each holds all records.
        let roots = |weight: &i32| {
            let scorer = Scorer::new(self.schema, &model.with_thresholds(*weight, *weight), [0; 16]);
            let mut engine = Engine::new(&Rules::new(self.schema, Some(Arc::new(scorer)), None));
            for (named, facts, what) in &records {
                engine.record(*named, &self.schema.sources, None, Some(facts));
                engine.compare(*named, false, what.clone());
            }
            let roots: HashMap<Birth, Birth> = engine.restore().into_iter().map(|m| (m.record, m.root)).collect();
            records.iter().map(|(named, ..)| roots.get(&named.birth).copied().unwrap_or(named.birth)).collect()
        };
        Ok(weights.iter().map(roots).collect())
    }

    /// How records fall into blocks, and which blocks are too large to be compared. `progress` is told how many records
    /// have been read.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no model; when the index or the ledger cannot be read.
    pub fn blocks(&self, progress: impl FnMut(u64)) -> Result<Blocks, Error> {
        let scorer = scorer(self.schema, self.identity)?
            .ok_or_else(|| Error::NotFound { what: "the bundle has no match model".to_owned() })?;
        let records = self.comparables(progress)?;
        let (mut keys, mut sizes) = (Vec::new(), HashMap::<u64, u64>::new());
        for (_, what) in &records {
            scorer.blocks(what, &mut keys);
            keys.iter().for_each(|key| *sizes.entry(*key).or_default() += 1);
        }
        let records_max = scorer.block_records_max();
        let count = sizes.values().filter(|size| **size > 1).count() as u64;
        sizes.retain(|_, size| *size > u64::from(records_max));
        let mut samples: BTreeMap<u64, Vec<Birth>> = BTreeMap::new();
        for (birth, what) in &records {
            scorer.blocks(what, &mut keys);
            for key in keys.iter().filter(|key| sizes.contains_key(*key)) {
                let sample = samples.entry(*key).or_default();
                if sample.len() < SAMPLE {
                    sample.push(*birth);
                }
            }
        }
        let mut oversized: Vec<(u64, Vec<Birth>)> =
            samples.into_iter().map(|(key, sample)| (sizes.get(&key).copied().unwrap_or(0), sample)).collect();
        oversized.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
        let shown = oversized.iter().flat_map(|(_, sample)| sample.iter().copied());
        self.note_several(Operation::Matching, self.roots_of(shown)?, &[])?;
        let view = |(records, sample): (u64, Vec<Birth>)| {
            let sample = sample.into_iter().map(|birth| self.name_of(birth)).collect::<Result<_, Error>>()?;
            Ok(BlockView { records, sample })
        };
        Ok(Blocks { count, records_max, oversized: oversized.into_iter().map(view).collect::<Result<_, Error>>()? })
    }

    /// How the weight of two records comes about, by the bundle's model or another; `None` when nothing of one of them
    /// can be compared.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no model; when the index or the ledger cannot be read.
    pub fn explain_match(&self, one: Birth, other: Birth, model: Option<&Model>) -> Result<Option<MatchView>, Error> {
        let scorer = match model {
            Some(model) => Arc::new(Scorer::new(self.schema, model, [0; 16])),
            None => scorer(self.schema, self.identity)?
                .ok_or_else(|| Error::NotFound { what: "the bundle has no match model".to_owned() })?,
        };
        self.note_several(Operation::Matching, self.roots_of([one, other].into_iter())?, &[])?;
        let (one, other) = (self.open(one)?, self.open(other)?);
        let comparisons = scorer.comparisons();
        let (Some(a), Some(b)) = (compared(comparisons, &one.received), compared(comparisons, &other.received)) else {
            return Ok(None);
        };
        let waterfall = scorer.explain(&a, &b);
        let (mut blocks, mut others) = (Vec::new(), Vec::new());
        scorer.blocks(&a, &mut blocks);
        scorer.blocks(&b, &mut others);
        let step = |step: &crate::matching::Step| MatchStep {
            comparison: step.comparison.clone(),
            level: step.level.to_owned(),
            weight: step.weight,
            adjustment: step.adjustment,
        };
        let (root, other_root) = (self.index.root(one.birth)?, self.index.root(other.birth)?);
        Ok(Some(MatchView {
            first: self.record_view(&one),
            second: self.record_view(&other),
            against: waterfall.against,
            prior: waterfall.prior,
            steps: waterfall.steps.iter().map(step).collect(),
            weight: waterfall.sum,
            probability_ppm: waterfall.probability_ppm,
            automatic: scorer.automatic(),
            review: scorer.review(),
            blocked: blocks.iter().any(|key| others.binary_search(key).is_ok()),
            together: root.is_some() && root == other_root,
        }))
    }
}

/// A match weight as people read it.
pub fn bits(millibits: i32) -> String {
    let sign = if millibits < 0 { "-" } else { "" };
    let tenths = (millibits.unsigned_abs() + 50) / 100;
    format!("{sign}{}.{} bits", tenths / 10, tenths % 10)
}

/// What is compared of a record, from its received entry.
pub(super) fn compared(comparisons: &Comparisons, received: &Received) -> Option<Comparable> {
    let values = received.values.iter(&received.fields).map(|(attribute, _, text)| (attribute, text));
    comparisons.comparable(received.source, &received.fields, values)
}
