//! What entries are, and their headers: the clear part that stands before the payload.
//!
//! ```text
//! all kinds     version u8 | kind u8 | key epoch u16 | run u32 | time u32 | sequence u64           20 bytes
//! sealed kinds  … | slot 16 | key commitment 32                                                    68 bytes
//! ```
//! Numbers are little-endian. Nothing here is personal data: the slot is a birth number under a mask. The version of a
//! redacted entry has its highest bit set, and what follows its header is the digest of its body and zeros.

use super::error::Damage;
use crate::crypto::{COMMITMENT_BYTES, KeyEpoch, TAG_BYTES};
use crate::model::{Birth, Sequence};
use std::fmt;

/// The version that every header begins with.
pub(super) const VERSION: u8 = 1;
/// What the version of a redacted entry has more.
pub(super) const REDACTED: u8 = 0x80;
/// Bytes of the header of a clear entry.
pub(super) const CLEAR_HEADER_BYTES: usize = 20;
/// Bytes of the header of a sealed entry.
pub(super) const SEALED_HEADER_BYTES: usize = CLEAR_HEADER_BYTES + 16 + COMMITMENT_BYTES;
/// The most bytes that an entry may have.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// What an entry says. The numbers stand in the ledger; 14 is kept for report entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A writer opened the ledger.
    Open = 1,
    /// A bundle, or a part of one, came in force.
    Policy = 2,
    /// A record of a person or firm came or went.
    Received = 3,
    /// Bytes that were no change.
    Rejected = 4,
    /// Two records were found to be one person.
    Merge = 5,
    /// They no longer are.
    Unmerge = 6,
    /// The values that a profile has from a record.
    Values = 7,
    /// A consent came or went.
    Consent = 8,
    /// What may be done with a profile.
    Decision = 9,
    /// All entries of an epoch are before this one.
    Commit = 10,
    /// A steward decided about records or an identifier, or withdrew a decision.
    Review = 11,
    /// Somebody read values of persons. It stands in the chains of reads, not in the ledger itself.
    Read = 13,
    /// Time went on.
    Tick = 12,
    /// Records were erased: their keys were destroyed.
    Erasure = 15,
    /// A key that signs checkpoints came in force.
    Key = 16,
    /// The ciphertexts of erased records were deleted.
    Redaction = 17,
    /// A person asked for a right, or what became of that.
    Request = 18,
    /// The values that a profile has from a record, and the purposes that each is for.
    Uses = 19,
    /// What may be done with a profile, under which circumstances, by which policies.
    Permissions = 20,
    /// Records were of the person who ended a consent.
    Binding = 21,
}

impl Kind {
    /// One more than the highest number that a kind has.
    pub(super) const NUMBERS: usize = 1 + Self::Binding as usize;

    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 20] = [
        Self::Open,
        Self::Policy,
        Self::Received,
        Self::Rejected,
        Self::Merge,
        Self::Unmerge,
        Self::Values,
        Self::Consent,
        Self::Decision,
        Self::Commit,
        Self::Review,
        Self::Tick,
        Self::Read,
        Self::Erasure,
        Self::Key,
        Self::Redaction,
        Self::Request,
        Self::Uses,
        Self::Permissions,
        Self::Binding,
    ];

    /// The kind of this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Open,
            2 => Self::Policy,
            3 => Self::Received,
            4 => Self::Rejected,
            5 => Self::Merge,
            6 => Self::Unmerge,
            7 => Self::Values,
            8 => Self::Consent,
            9 => Self::Decision,
            10 => Self::Commit,
            11 => Self::Review,
            12 => Self::Tick,
            13 => Self::Read,
            15 => Self::Erasure,
            16 => Self::Key,
            17 => Self::Redaction,
            18 => Self::Request,
            19 => Self::Uses,
            20 => Self::Permissions,
            21 => Self::Binding,
            _ => return None,
        })
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether the payload stands in clear: it holds nothing about a person.
    pub fn is_clear(self) -> bool {
        matches!(
            self,
            Self::Open | Self::Policy | Self::Commit | Self::Tick | Self::Erasure | Self::Key | Self::Redaction
        )
    }

    /// Whether entries of this kind follow from others, so that they can be computed again.
    pub fn is_derived(self) -> bool {
        matches!(
            self,
            Self::Merge
                | Self::Unmerge
                | Self::Values
                | Self::Decision
                | Self::Uses
                | Self::Permissions
                | Self::Binding
        )
    }

    /// The word for it, as in `ledger show`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Policy => "policy",
            Self::Received => "received",
            Self::Rejected => "rejected",
            Self::Merge => "merge",
            Self::Unmerge => "unmerge",
            Self::Values => "values",
            Self::Consent => "consent",
            Self::Decision => "decision",
            Self::Commit => "commit",
            Self::Review => "review",
            Self::Read => "read",
            Self::Erasure => "erasure",
            Self::Key => "key",
            Self::Redaction => "redaction",
            Self::Request => "request",
            Self::Tick => "tick",
            Self::Uses => "uses",
            Self::Permissions => "permissions",
            Self::Binding => "binding",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whose keys an entry is sealed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Nobody's: the payload stands in clear.
    Clear,
    /// One record's.
    Record(Birth),
    /// Two records': without either key it does not open.
    Pair(Birth, Birth),
}

/// The clear part of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it says.
    pub kind: Kind,
    /// Which generation of keys it is sealed under.
    pub key_epoch: KeyEpoch,
    /// The run it was written in.
    pub run: u32,
    /// When, in seconds since 1970.
    pub time_s: u32,
    /// Its place in the ledger.
    pub sequence: Sequence,
    /// Whether the ciphertext was deleted.
    pub redacted: bool,
    /// Slot and key commitment; none in clear kinds.
    pub(super) sealing: Option<Sealing>,
}

/// What the header of a sealed entry has more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sealing {
    pub(super) slot: [u8; 16],
    pub(super) commitment: [u8; COMMITMENT_BYTES],
}

impl Header {
    /// Appends the bytes of a clear header, or the clear part of a sealed one.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.clear_bytes());
    }

    /// How many bytes it has.
    pub(super) fn size_bytes(&self) -> usize {
        if self.sealing.is_some() { SEALED_HEADER_BYTES } else { CLEAR_HEADER_BYTES }
    }

    /// The clear part, as it was when the entry was written.
    fn clear_bytes(&self) -> [u8; CLEAR_HEADER_BYTES] {
        let mut bytes = [0u8; CLEAR_HEADER_BYTES];
        bytes[0] = VERSION;
        bytes[1] = self.kind as u8;
        bytes[2..4].copy_from_slice(&self.key_epoch.0.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.run.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.time_s.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.sequence.0.to_le_bytes());
        bytes
    }

    /// The bytes of a sealed header as it was written; of a clear one, with zeros after it.
    pub(super) fn sealed_bytes(&self) -> [u8; SEALED_HEADER_BYTES] {
        let mut bytes = [0u8; SEALED_HEADER_BYTES];
        bytes[..CLEAR_HEADER_BYTES].copy_from_slice(&self.clear_bytes());
        if let Some(sealing) = &self.sealing {
            bytes[CLEAR_HEADER_BYTES..CLEAR_HEADER_BYTES + 16].copy_from_slice(&sealing.slot);
            bytes[CLEAR_HEADER_BYTES + 16..].copy_from_slice(&sealing.commitment);
        }
        bytes
    }

    /// The header of a stored entry and what follows it: the payload, or ciphertext and tag.
    pub(super) fn read(stored: &[u8]) -> Result<(Self, &[u8]), Damage> {
        let (head, rest) = stored.split_first_chunk::<CLEAR_HEADER_BYTES>().ok_or(Damage::EntryShort)?;
        let [version, kind, e0, e1, r0, r1, r2, r3, t0, t1, t2, t3, sequence @ ..] = *head;
        let kind = Kind::from_number(kind).ok_or(Damage::Kind { found: kind })?;
        let redacted = version == VERSION | REDACTED && !kind.is_clear();
        if version != VERSION && !redacted {
            return Err(Damage::Version { found: version });
        }
        let (sealing, rest) = if kind.is_clear() {
            (None, rest)
        } else {
            let (slot, rest) = rest.split_first_chunk().ok_or(Damage::EntryShort)?;
            let (commitment, rest) = rest.split_first_chunk().ok_or(Damage::EntryShort)?;
            if rest.len() < TAG_BYTES {
                return Err(Damage::EntryShort);
            }
            (Some(Sealing { slot: *slot, commitment: *commitment }), rest)
        };
        let header = Self {
            kind,
            key_epoch: KeyEpoch(u16::from_le_bytes([e0, e1])),
            run: u32::from_le_bytes([r0, r1, r2, r3]),
            time_s: u32::from_le_bytes([t0, t1, t2, t3]),
            sequence: Sequence(u64::from_le_bytes(sequence)),
            redacted,
            sealing,
        };
        Ok((header, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_number() {
        for number in 0..=u8::MAX {
            let expected = Kind::ALL.into_iter().find(|kind| *kind as u8 == number);
            assert_eq!(Kind::from_number(number), expected, "{number}");
        }
    }
}
