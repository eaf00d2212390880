//! What can be wrong with a ledger, told so precisely that the place can be looked at by hand.
//!
//! No message holds a key, a payload or anything else that is personal.

use super::Position;
use super::kind::Kind;
use super::tree::Digest;
use crate::crypto::{self, LedgerId};
use crate::encoding::hex;
use crate::model::Sequence;
use std::fmt;
use std::path::PathBuf;

/// Why the ledger did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The ledger is not as it was written.
    #[error("the ledger is damaged: {0}")]
    Damaged(Box<Fault>),
    /// The entry does not fit the format.
    #[error("{what} of a {kind} entry has size {size}, and at most {max} is possible")]
    TooLarge {
        /// Which kind of entry.
        kind: Kind,
        /// What of it.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The most there can be.
        max: usize,
    },
    /// A birth number that cannot be sealed under: 2^64−1, or the same one twice in a pair.
    #[error("a {kind} entry cannot be sealed for these birth numbers")]
    Births {
        /// Which kind of entry.
        kind: Kind,
    },
    /// Writing failed before; what is on disk is not known until the ledger is opened again.
    #[error("an earlier write to the ledger failed, so it takes no more until it is opened again")]
    Poisoned,
    /// There is a ledger where a new one was to be made.
    #[error("there is a ledger in `{}` already", path.display())]
    Exists {
        /// Its directory.
        path: PathBuf,
    },
    /// There is none.
    #[error("there is no ledger in `{}`", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// The keys belong to another ledger.
    #[error("the ledger is `{found}`, and the keys are those of `{expected}`")]
    OtherLedger {
        /// That of the keys.
        expected: LedgerId,
        /// That of the segments.
        found: LedgerId,
    },
    /// What was remembered of a commit does not agree with the ledger: it was rolled back, replaced or damaged.
    #[error("the ledger does not go on from entry {sequence}, which was remembered as a commit: {what}")]
    Resume {
        /// The remembered commit.
        sequence: Sequence,
        /// What differs.
        what: &'static str,
    },
    /// The bytes are not those of a remembered commit.
    #[error("the remembered commit is damaged")]
    StateDamaged,
    /// Entries that must be kept stand after some that must be cut.
    #[error("the {kind} entry {sequence} stands after entry {derived}, which was derived and not committed")]
    KeptAfterDerived {
        /// Kind of the first entry that would be lost.
        kind: Kind,
        /// Its sequence.
        sequence: Sequence,
        /// The first derived entry.
        derived: Sequence,
    },
    /// There is no entry at this place.
    #[error("there is no entry at {position}")]
    NotAnEntry {
        /// The place.
        position: Position,
    },
    /// The entry is whole but does not open under the keys at hand, or holds no payload.
    #[error("entry {sequence} does not open: {what}")]
    Unopened {
        /// The entry.
        sequence: Sequence,
        /// What is wrong.
        what: &'static str,
    },
    /// The key of a record that the entry is about was destroyed, so nothing can be sealed for it.
    #[error("a {kind} entry cannot be sealed, for it is about a record that was erased")]
    ErasedRecord {
        /// Which kind of entry.
        kind: Kind,
    },
    /// The bundle cannot be recorded.
    #[error("the bundle cannot be recorded: {what}")]
    Bundle {
        /// Why not.
        what: &'static str,
    },
    /// The epoch does not come after the last one.
    #[error("epoch {epoch} cannot be committed after epoch {last}")]
    EpochOrder {
        /// The one to commit.
        epoch: u64,
        /// The last one.
        last: u64,
    },
    /// The key that signed checkpoints before is not at hand to sign its successor.
    #[error("the ledger's signing key is another one than those in the key state, so it cannot be replaced by them")]
    SigningKey,
    /// What was disclosed of an entry does not fit together.
    #[error("the disclosed entry does not verify: {what}")]
    Undisclosed {
        /// What does not fit.
        what: &'static str,
    },
    /// There is no entry of this sequence.
    #[error("the ledger has no entry {sequence}")]
    NoEntry {
        /// The sequence.
        sequence: Sequence,
    },
    /// The ledger is another one, or has been changed: its root is not the expected one.
    #[error(
        "the root over the first {size} entries is `{}` where `{}` was expected",
        hex::encode(found),
        hex::encode(expected)
    )]
    OtherRoot {
        /// Over how many entries.
        size: u64,
        /// What it should be.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// The ledger ends before what a checkpoint was signed over: entries under it are lost or damaged.
    #[error("the ledger holds {size} whole entries, and a checkpoint was signed over {signed}{}", torn.as_ref().map(|torn| format!(": {torn}")).unwrap_or_default())]
    UnderCheckpoint {
        /// Whole entries that there are.
        size: u64,
        /// How many the checkpoint covers.
        signed: u64,
        /// Where the damage is.
        torn: Option<Box<Fault>>,
    },
    /// The checkpoint is not one of this ledger.
    #[error("the checkpoint `{}` is not one of this ledger: {what}", path.display())]
    Checkpoint {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A copy of a checkpoint is over other entries than the one in force.
    #[error("`{}` is over {size} entries, and the ledger's checkpoint is another one, over {current}", path.display())]
    NotCurrent {
        /// The copy.
        path: PathBuf,
        /// Over how many entries it is.
        size: u64,
        /// Over how many the one in force is.
        current: u64,
    },
    /// The checkpoint was changed by somebody else since it was last written here.
    #[error("the checkpoint `{}` was written by somebody else", path.display())]
    CheckpointMoved {
        /// Its file.
        path: PathBuf,
    },
    /// A proof, a note or a checkpoint is wrong.
    #[error(transparent)]
    Log(#[from] crate::tlog::Error),
    /// Something about the keys.
    #[error(transparent)]
    Keys(#[from] crypto::Error),
}

/// Where the ledger is damaged and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which segment file.
    pub segment: u32,
    /// Where in it the damaged header or frame begins, in bytes.
    pub offset: u64,
    /// The entry that was expected there.
    pub sequence: Sequence,
    /// What is wrong.
    pub damage: Damage,
    /// Where in the segment the next commit frame after the damage begins, when one was found that shows that what is
    /// damaged was durable once.
    pub later_commit: Option<u64>,
}

impl Fault {
    /// Whether this is what an entry looks like that is being written, or was when the program was stopped: nothing
    /// whole follows it.
    pub fn may_be_unfinished(&self) -> bool {
        self.damage.is_torn_write() && self.later_commit.is_none() && (self.segment, self.offset) != (0, 0)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, offset, sequence, damage, later_commit } = self;
        write!(f, "segment {segment:08}, byte {offset}, entry {sequence}: {damage}")?;
        match later_commit {
            Some(offset) => write!(f, "; a commit follows at byte {offset}"),
            None => Ok(()),
        }
    }
}

/// What is wrong at a place of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file ends inside a frame.
    #[error("the frame needs {needed} bytes and the file has {found} more")]
    Torn {
        /// Bytes of the frame, so far as known.
        needed: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The length before the entry is none that an entry can have.
    #[error("{found} is no length of an entry")]
    Length {
        /// The length.
        found: u32,
    },
    /// The checksum does not match.
    #[error("the checksum is {found:08x} where {expected:08x} was expected")]
    Checksum {
        /// That of the bytes.
        expected: u32,
        /// The stored one.
        found: u32,
    },
    /// The segment's header is cut or its checksum does not match.
    #[error("the segment's header is damaged")]
    SegmentHeader,
    /// The segment's header says something else than the ledger before it.
    #[error("the segment's header says {field} `{found}` where `{expected}` was expected")]
    Segment {
        /// Which field.
        field: &'static str,
        /// What the ledger says.
        expected: String,
        /// What it says.
        found: String,
    },
    /// A segment is missing: there are later ones.
    #[error("the segment is missing, and there are later ones")]
    SegmentMissing,
    /// The entry is shorter than its header.
    #[error("the entry is shorter than its header")]
    EntryShort,
    /// A header of a version that is not known.
    #[error("the entry's version is {found} where 1 was expected")]
    Version {
        /// The version.
        found: u8,
    },
    /// A kind that is not known.
    #[error("{found} is no kind of entry")]
    Kind {
        /// Its number.
        found: u8,
    },
    /// An entry is missing, or comes twice, or out of order.
    #[error("the entry's sequence is {found} where {expected} was expected")]
    Sequence {
        /// The next one.
        expected: Sequence,
        /// The stored one.
        found: Sequence,
    },
    /// The entry says another run than the one it stands in.
    #[error("the entry's run is {found} where {expected} was expected")]
    Run {
        /// The run in force.
        expected: u32,
        /// The stored one.
        found: u32,
    },
    /// The entry says another key epoch than its run.
    #[error("the entry's key epoch is {found} where {expected} was expected")]
    KeyEpoch {
        /// The one in force.
        expected: u16,
        /// The stored one.
        found: u16,
    },
    /// An entry stands before the first open.
    #[error("the entry stands before the first open entry")]
    NotOpened,
    /// The open entry is that of another ledger.
    #[error("the entry opens another ledger")]
    OtherLedger,
    /// The payload of a clear entry does not read.
    #[error("the {kind} entry's payload does not read")]
    Payload {
        /// Which kind.
        kind: Kind,
    },
    /// The ciphertext has a size that padding never gives.
    #[error("the ciphertext's size is none that padding gives")]
    Padding,
    /// What stands after the digest of a redacted body is not zeros.
    #[error("the entry is redacted, and more than zeros follows the digest of its body")]
    Redaction,
    /// Entries are redacted that no redaction entry lists.
    #[error("the entry is redacted, and no redaction entry lists it")]
    Unlisted,
    /// The entries from here to the next multiple of 256 are not those that the ledger's root was computed over.
    #[error("the entries of the block that begins here are not those that the root was computed over")]
    Block,
    /// A key entry does not follow from the key in force.
    #[error("the key entry is not valid: {what}")]
    KeyChange {
        /// What is wrong.
        what: &'static str,
    },
    /// A checkpoint was signed over another ledger than this one.
    #[error("the checkpoint says root `{found}` where the ledger has `{expected}`")]
    Checkpoint {
        /// The root of the ledger at the size that the checkpoint says.
        expected: String,
        /// What it says.
        found: String,
    },
    /// The parts of a bundle do not follow one another.
    #[error("the parts of a bundle do not follow one another")]
    PolicyPart,
    /// A commit says something else than the ledger before it.
    #[error("the commit says {field} `{found}` where `{expected}` was expected")]
    Commit {
        /// Which field.
        field: &'static str,
        /// What the ledger gives.
        expected: String,
        /// What it says.
        found: String,
    },
}

impl Damage {
    /// Whether a crash while writing can leave this behind at the end of the ledger.
    pub(super) fn is_torn_write(&self) -> bool {
        matches!(self, Self::Torn { .. } | Self::Length { .. } | Self::Checksum { .. } | Self::SegmentHeader)
    }

    pub(super) fn commit(field: &'static str, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self::Commit { field, expected: expected.to_string(), found: found.to_string() }
    }

    pub(super) fn segment(field: &'static str, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self::Segment { field, expected: expected.to_string(), found: found.to_string() }
    }
}

/// A digest for a message.
pub(super) fn shown(digest: &Digest) -> String {
    hex::encode(digest)
}
