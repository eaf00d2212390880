//! What of a record the dataflow needs: integers only, no personal data.

use super::{AttributeId, Birth, IdentifierHash, KindId, NameHash, PurposeId, SourceId, ValueHash};
use serde::{Deserialize, Serialize};

/// The facts of a live record of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where it lives.
    pub source: SourceId,
    /// Event time in microseconds; `i64::MIN` when the source says none.
    pub at: i64,
    /// Sorted, without duplicates.
    pub identifiers: Vec<(KindId, IdentifierHash)>,
    /// Sorted by attribute, one value each.
    pub values: Vec<(AttributeId, ValueHash)>,
}

/// The facts of a live consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentFacts {
    /// The identifiers it was given on; sorted, without duplicates.
    pub identifiers: Vec<(KindId, IdentifierHash)>,
    /// What for.
    pub purpose: PurposeId,
    /// Whether its state permits.
    pub given: bool,
    /// When it was given or withdrawn, microseconds.
    pub at: i64,
    /// When it ends, microseconds; `i64::MAX` when it does not.
    pub until: i64,
}

/// Evidence that two records are one person: both carry the same ordinary identifier. `a` is the carrier that all
/// others of the identifier are linked to, the one of the smallest rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    /// The chosen carrier.
    pub a: Birth,
    /// Another carrier.
    pub b: Birth,
    /// The kind of identifier they share.
    pub kind: KindId,
    /// The identifier they share.
    pub identifier: IdentifierHash,
}

/// The record whose value an attribute of a profile has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Winner {
    /// Of which attribute.
    pub attribute: AttributeId,
    /// The winning record.
    pub record: Birth,
    /// Its value.
    pub value: ValueHash,
}

/// What the consents of a profile say for one purpose: the latest on any of its identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Permission {
    /// For what.
    pub purpose: PurposeId,
    /// Whether the deciding consent permits, until [`until`](Self::until).
    pub given: bool,
    /// End of the permission in microseconds, exclusive; `i64::MAX` when it has none.
    pub until: i64,
    /// The deciding consent.
    pub consent: Birth,
}

/// How a record takes part in ties and in the question which is the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Named {
    /// The upper half of the record's [`NameHash`]: the smaller wins a tie.
    pub rank: u64,
    /// The smaller is the older.
    pub birth: Birth,
}

impl Named {
    /// The record of this name and birth.
    pub fn new(name: NameHash, birth: Birth) -> Self {
        Self { rank: u64::try_from(name.0 >> 64).unwrap_or(u64::MAX), birth }
    }
}
