//! The model file: what training learnt, as integers that a person can read and nobody can edit unseen.
//!
//! ```text
//! { "format": "onefold-model/1", "records": …, "prior": …, "rivals": [ { "name", "prior" } … ], "automatic": …, "review": …,
//!   "comparisons": [ { "name", "kind", "levels": [ { "name", "agreement", "chance", "rivals": [ … ] } … ] } … ],
//!   "terms": [ { "vocabulary", "rare", "common": { term: rarity … } } … ],
//!   "checksum": SHA-256 (hex) of the same file with an empty checksum }
//! ```
//! All numbers but the counts are millibits: thousandths of a base-2 logarithm. `agreement` is log2 of the share of pairs
//! of one person that come to the level, `chance` that of pairs of strangers; the difference is the weight. `rivals` are the same against
//! other reasons to agree. `rarity` is
//! −log2 of a term's frequency; a term stands here only when at least ten records carry it.
//!
//! INVARIANT: a file that is read is, byte for byte, the one that would be written: an edited or foreign one is refused.

use super::Error;
use super::kind::Kind;
use super::rival::{RIVALS, Rival};
use super::terms::VOCABULARIES;
use crate::encoding::hex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What stands in `format`.
pub const FORMAT: &str = "onefold-model/1";
/// Bytes of a file above which it is not looked at.
const FILE_BYTES_MAX: usize = 64 << 20;
/// Millibits beyond which no number in a model goes.
const MILLIBITS_MAX: i32 = 100_000;

/// What training learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub(super) file: File,
    bytes: Vec<u8>,
}

/// The file as it stands on disk; its fields are the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) format: String,
    pub(super) records: u64,
    pub(super) prior: i32,
    pub(super) rivals: Vec<RivalOdds>,
    pub(super) automatic: i32,
    pub(super) review: i32,
    pub(super) comparisons: Vec<Comparison>,
    pub(super) terms: Vec<Terms>,
    pub(super) checksum: String,
}

/// The odds of one person to a rival, before anything is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RivalOdds {
    pub(super) name: String,
    pub(super) prior: i32,
}

/// What was learnt of one comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Comparison {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) levels: Vec<LevelWeights>,
}

/// What was learnt of one level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LevelWeights {
    pub(super) name: String,
    pub(super) agreement: i32,
    pub(super) chance: i32,
    /// By [`Rival`](super::rival::Rival).
    pub(super) rivals: Vec<i32>,
}

/// How rare the terms of a vocabulary are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    pub(super) vocabulary: String,
    pub(super) rare: i32,
    pub(super) common: BTreeMap<String, i32>,
}

impl Model {
    /// Reads a model file.
    ///
    /// # Errors
    /// When it is of another version, was edited, or is no model.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(Error::ModelTooLarge { bytes: bytes.len(), max: FILE_BYTES_MAX });
        }
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(|_| Error::NoModel)?;
        if head.format != FORMAT {
            return Err(Error::ModelVersion { found: head.format.chars().take(40).collect(), expected: FORMAT });
        }
        let file: File = serde_json::from_slice(bytes).map_err(|_| Error::ModelEdited)?;
        let claimed = file.checksum.clone();
        let model = Self::sealed(file);
        if model.bytes != bytes || model.file.checksum != claimed {
            return Err(Error::ModelEdited);
        }
        model.check()?;
        Ok(model)
    }

    /// The bytes of the file.
    pub fn write(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// SHA-256 of the file: what a bundle pins.
    pub fn digest(&self) -> [u8; 32] {
        crate::encoding::sha256::digest(&self.bytes)
    }

    /// How many records it was trained on.
    pub fn records(&self) -> u64 {
        self.file.records
    }

    /// Links of this weight or more merge by themselves, in millibits.
    pub fn automatic(&self) -> i32 {
        self.file.automatic
    }

    /// Links of this weight or more are worth a look, in millibits.
    pub fn review(&self) -> i32 {
        self.file.review
    }

    /// The same model with other thresholds, in millibits.
    pub fn with_thresholds(&self, automatic: i32, review: i32) -> Self {
        let bound = |value: i32| value.clamp(-MILLIBITS_MAX, MILLIBITS_MAX);
        let (automatic, review) = (bound(automatic), bound(review.min(automatic)));
        Self::sealed(File { automatic, review, ..self.file.clone() })
    }

    /// Closes a file with its checksum.
    pub(super) fn sealed(mut file: File) -> Self {
        file.checksum = String::new();
        let digest = crate::encoding::sha256::digest(&text(&file));
        file.checksum = hex::encode(&digest);
        let bytes = text(&file);
        Self { file, bytes }
    }

    /// What no training would write, though the checksum is right.
    fn check(&self) -> Result<(), Error> {
        let file = &self.file;
        let level_names = |comparison: &Comparison| {
            let kind = Kind::ALL.iter().find(|kind| kind.name() == comparison.kind)?;
            let names = kind.levels().iter().map(|level| level.name);
            names.eq(comparison.levels.iter().map(|level| level.name.as_str())).then_some(())
        };
        let bounded = |value: i32| (-MILLIBITS_MAX..=MILLIBITS_MAX).contains(&value);
        let levels = file.comparisons.iter().flat_map(|comparison| &comparison.levels);
        let numbers = levels.flat_map(|level| level.rivals.iter().copied().chain([level.agreement, level.chance]));
        let levels = file.comparisons.iter().flat_map(|comparison| &comparison.levels);
        let rivals =
            file.rivals.iter().map(|rival| rival.name.as_str()).eq(Rival::ALL.iter().map(|rival| rival.name()))
                && levels.clone().all(|level| level.rivals.len() == RIVALS);
        let terms = file.terms.iter().flat_map(|terms| terms.common.values().copied().chain([terms.rare]));
        let known = |terms: &Terms| VOCABULARIES.iter().any(|(_, name)| *name == terms.vocabulary);
        let priors = file.rivals.iter().map(|rival| rival.prior);
        let valid = rivals
            && file.comparisons.iter().all(|comparison| level_names(comparison).is_some())
            && numbers.chain(priors).chain([file.prior, file.automatic, file.review]).all(bounded)
            && terms.clone().all(|rarity| (0..=MILLIBITS_MAX).contains(&rarity))
            && file.terms.iter().all(known)
            && file.review <= file.automatic;
        if valid { Ok(()) } else { Err(Error::NoModel) }
    }
}

fn text(file: &File) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(file).expect("a model has only text keys and integers");
    bytes.push(b'\n');
    bytes
}
