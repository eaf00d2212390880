//! Newtypes for every id. An id never stands for a value of a person: those that leave the engine
//! are keyed hashes, those that stay inside are dense numbers.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// The birth number of a record: given when its (source, key) is first seen, in order of arrival from 0, never reused.
    Birth(u64)
);
number!(
    /// A batch of changes that is applied atomically, and the dataflow's timestamp. The first is 1.
    Epoch(u64)
);
number!(
    /// The position of an entry in the ledger, from 0 without gaps.
    Sequence(u64)
);
number!(
    /// The index of a source in [`Schema::sources`](super::Schema).
    SourceId(u16)
);
number!(
    /// The index of an attribute in [`Schema::attributes`](super::Schema).
    AttributeId(u16)
);
number!(
    /// The index of a field in [`Source::fields`](super::Source).
    FieldIndex(u16)
);
impl FieldIndex {
    /// Stands where a value came from no field of the source: a steward set it.
    pub const RECTIFIED: Self = Self(u16::MAX);
}

number!(
    /// The index of a purpose in [`Schema::purposes`](super::Schema); at most 63 of them.
    PurposeId(u8)
);
number!(
    /// The index of a kind of identifier in [`Schema::kinds`](super::Schema).
    KindId(u8)
);
impl KindId {
    /// The kind of links that were scored.
    pub const SCORED: Self = Self(254);
    /// The kind of links that stewards decided.
    pub const STEWARD: Self = Self(255);
}

number!(
    /// A keyed 64-bit hash of a standardised value: equal values of one attribute have equal hashes.
    ValueHash(u64)
);
impl ValueHash {
    /// Says that there is no value, because a steward took it away.
    pub const NONE: Self = Self(0);
}

number!(
    /// A keyed 128-bit hash of (kind, canonical value) of an identifier. Its lowest bit says whether the bundle calls
    /// the value weak.
    IdentifierHash(u128)
);

impl IdentifierHash {
    /// The same with its mark set or cleared.
    pub fn marked(self, weak: bool) -> Self {
        Self(self.0 & !1 | u128::from(weak))
    }

    /// Whether the bundle says that the value may not link alone.
    pub fn is_weak(self) -> bool {
        self.0 & 1 == 1
    }
}

number!(
    /// A keyed 128-bit hash of a record's name, which is (source, key).
    NameHash(u128)
);

/// The id of a profile: the [`NameHash`] of its oldest record, written as 32 hexadecimal digits.
///
/// It survives merges, restarts and rebuilds. The id of a profile that was merged away resolves to its successor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProfileId(pub NameHash);

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0.0)
    }
}

impl std::str::FromStr for ProfileId {
    type Err = std::num::ParseIntError;

    /// Reads exactly what `Display` writes: 32 lowercase hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let canonical = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        // A text that is not canonical is made to fail as a number would, so that there is one error type.
        u128::from_str_radix(if canonical { text } else { "" }, 16).map(|n| Self(NameHash(n)))
    }
}
