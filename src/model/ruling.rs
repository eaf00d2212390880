//! What stewards decide about records and identifiers. No personal data.

use super::{AttributeId, Birth, IdentifierHash, KindId, PurposeId};

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
    /// A record is kept and not used (GDPR Art. 18), and with it the profile that it is in.
    Restricted {
        /// The record.
        record: Birth,
    },
    /// The person of a record objects to a purpose, or to all that can be objected to (GDPR Art. 21).
    Objected {
        /// The record.
        record: Birth,
        /// To what; `None`: to all.
        purpose: Option<PurposeId>,
    },
    /// A record must not be erased (GDPR Art. 17(3)).
    Held {
        /// The record.
        record: Birth,
    },
    /// What a record says of an attribute is wrong, and another value, or none, stands in its place (GDPR Art. 16).
    Rectified {
        /// The record.
        record: Birth,
        /// The attribute.
        attribute: AttributeId,
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

    /// Whether it says who is who, and not what may be done with a record.
    pub fn is_about_identity(self) -> bool {
        matches!(self, Self::Same(..) | Self::Different(..) | Self::Allowed { .. })
    }

    /// The records that it is sealed under the keys of: it ends with any of them.
    pub fn records(self) -> (Birth, Option<Birth>) {
        match self {
            Self::Same(a, b) | Self::Different(a, b) => (a, Some(b)),
            Self::Allowed { carrier, .. } => (carrier, None),
            Self::Restricted { record }
            | Self::Objected { record, .. }
            | Self::Held { record }
            | Self::Rectified { record, .. } => (record, None),
        }
    }

    /// Whether it ends when this record is erased.
    pub fn is_about(self, record: Birth) -> bool {
        let (one, other) = self.records();
        one == record || other == Some(record)
    }
}
