//! What a read entry says: who read values of whom, for what, and whether it was allowed.
//!
//! Entries of this kind stand in the chains of reads (`DATA/reads/`), never in the ledger itself. One about a single
//! profile is sealed under the key of its oldest record, and so ends with it; one about many is sealed under a number
//! that no record has and names the oldest records of all of them, which are birth numbers and no values.

use super::tree::Digest;
use crate::model::{Birth, Epoch};

/// The number under which reads of several profiles are sealed; no record has it.
pub const READS_NUMBER: u64 = 1 << 62;
/// Bytes of packed roots in one entry at most.
pub const ROOT_BYTES_MAX: usize = 48_000;

/// What was done to read values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Operation {
    /// A profile was shown.
    Profile = 1,
    /// The values of a profile were explained.
    Explain = 2,
    /// The evidence between two records was shown.
    Why = 3,
    /// The table of members was written.
    Members = 4,
    /// The table of profiles was written.
    Profiles = 5,
    /// The table of permissions was written.
    Consents = 6,
    /// Questions to stewards, pairs of records or identifiers were shown.
    Review = 7,
    /// What stands in quarantine was shown.
    Quarantine = 8,
    /// Entries of the ledger were shown.
    Entries = 9,
    /// Entries were handed over with their keys.
    Disclosure = 10,
    /// Records were compared for people to see.
    Matching = 11,
    /// The person's own copy of everything was made.
    AccessReport = 12,
    /// The copy of what the person provided was made.
    PortabilityReport = 13,
}

impl Operation {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Profile,
        Self::Explain,
        Self::Why,
        Self::Members,
        Self::Profiles,
        Self::Consents,
        Self::Review,
        Self::Quarantine,
        Self::Entries,
        Self::Disclosure,
        Self::Matching,
        Self::AccessReport,
        Self::PortabilityReport,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Explain => "explain",
            Self::Why => "why",
            Self::Members => "export members",
            Self::Profiles => "export profiles",
            Self::Consents => "export consents",
            Self::Review => "review",
            Self::Quarantine => "quarantine",
            Self::Entries => "ledger show",
            Self::Disclosure => "ledger disclose",
            Self::Matching => "match",
            Self::AccessReport => "report access",
            Self::PortabilityReport => "report portability",
        }
    }
}

/// Values of persons were read, or were not, because it was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The oldest record of the profile, whose key seals the entry; [`READS_NUMBER`] when there were several.
    pub root: Birth,
    /// Who read.
    pub actor: String,
    /// The name of the purpose; `None`: the operator inspected its own processing.
    pub purpose: Option<String>,
    /// The reference of the request that it was for.
    pub request: Option<String>,
    /// Whether values were given out.
    pub allowed: bool,
    /// What was done.
    pub operation: Operation,
    /// How many records were read of one profile; of several, how many profiles there were.
    pub count: u64,
    /// The names of the attributes that were read, ascending.
    pub attributes: Vec<String>,
    /// The last epoch that was seen.
    pub epoch: Epoch,
    /// Which part this is, from 1: the roots of many profiles take several entries.
    pub part: u16,
    /// How many parts there are.
    pub parts: u16,
    /// SHA-256 of all roots, ascending, each as u64 little-endian; zeros when there is but one profile.
    pub digest: Digest,
    /// The roots that this part names, ascending; none when there is but one profile.
    pub roots: Vec<Birth>,
}

impl Read {
    /// Whether it is about several profiles.
    pub fn is_bulk(&self) -> bool {
        self.root.0 == READS_NUMBER
    }
}

/// Bytes that a root takes in an entry, after the one before it.
pub fn packed_bytes(before: Option<Birth>, root: Birth) -> usize {
    let gap = before.map_or(root.0, |before| root.0.saturating_sub(before.0));
    (64 - gap.max(1).leading_zeros() as usize).div_ceil(7)
}
