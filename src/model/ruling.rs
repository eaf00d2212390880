//! What stewards decide about records and identifiers. No personal data.

use super::{Birth, IdentifierHash, KindId};

/// What a steward can decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ruling {
    /// Two records are one person; the older first.
    Same(Birth, Birth),
    /// Two records are different persons; the older first.
    Different(Birth, Birth),
    /// An identifier links whoever carries it, whatever guards say.
    Allowed {
        /// Its kind.
        kind: KindId,
        /// The identifier.
        identifier: IdentifierHash,
        /// A record that carried it when it was decided.
        carrier: Birth,
    },
}

impl Ruling {
    /// Two records are one person.
    pub fn same(one: Birth, other: Birth) -> Self {
        Self::Same(one.min(other), one.max(other))
    }

    /// Two records are different persons.
    pub fn different(one: Birth, other: Birth) -> Self {
        Self::Different(one.min(other), one.max(other))
    }

    /// The records that it is sealed under the keys of: it ends with any of them.
    pub fn records(self) -> (Birth, Option<Birth>) {
        match self {
            Self::Same(a, b) | Self::Different(a, b) => (a, Some(b)),
            Self::Allowed { carrier, .. } => (carrier, None),
        }
    }

    /// Whether it ends when this record is erased.
    pub fn is_about(self, record: Birth) -> bool {
        let (one, other) = self.records();
        one == record || other == Some(record)
    }
}
