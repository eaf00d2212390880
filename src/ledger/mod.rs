//! The encrypted, hash-chained record of everything: what came in, what was found, what was allowed.
//!
//! ```text
//!   append ─▶ seal under the record's key ─▶ leaf = SHA-256(0 ‖ leaf before ‖ run ‖ entry) ─▶ segment files
//!   commit ─▶ an entry with size, root and head of all before it ─▶ fdatasync
//!   open   ─▶ check what came after the remembered commit, cut what a crash tore, begin a new run
//!   verify ─▶ everything again, without keys; with them, that every entry opens as well
//! ```
//! The format is written down to the byte in `FORMAT.md` beside this file. Nothing here decides what is recorded, reads
//! a clock, or has a record's content in clear on disk.
//!
//! INVARIANT: an entry once synced is never changed; what a crash leaves to be cut at open was never committed, and can
//! be computed again or was never acknowledged.

mod blocks;
mod chain;
mod checkpoint;
mod disclosure;
mod error;
mod head;
mod kind;
mod leaf;
mod padding;
mod payload;
mod policy;
mod ranges;
mod read_entry;
mod reader;
mod recovery;
mod redact;
mod request;
mod reread;
mod runs;
mod sealer;
mod segment;
mod state;
mod tree;
mod verify;
mod walk;
mod wire;
mod writer;

pub use blocks::{Leaf, Tree};
pub use checkpoint::{open as open_checkpoint, origin, read as read_checkpoint};
pub use disclosure::{Disclosed, Opened, open_disclosed, run_digest};
pub use error::{Damage, Error, Fault};
pub use head::{Head, Witnessed};
pub use kind::{ENTRY_BYTES_MAX, Header, Kind, Seal};
pub use payload::{
    Answer, Binding, Commit, Content, Decision, Erasure, KeyChange, Merge, Open, Payload, Permissions, PolicyBundle,
    PolicyPart, RAW_BYTES_MAX, REJECTED_NUMBERS, Received, Redaction, Rejected, Review, Ruled, Standardized, Tick,
    Unmerge, Uses, Values,
};
pub use read_entry::{Operation, READS_NUMBER, ROOT_BYTES_MAX, Read, packed_bytes};
pub use reader::{Entry, Reader};
pub use recovery::{Cut, Recovered, erasures, stands_at};
pub use redact::Redacted;
pub use request::{Law, Outcome, REQUESTS_NUMBER, Request, Right, Step};
#[doc(hidden)]
pub use reread::{reread_frame, reread_payload};
pub(crate) use sealer::fits;
pub use state::State;
pub use tree::Digest;
pub use verify::{Expected, Report, Unlocked, verify, verify_opened};
pub use writer::{Ledger, Options};

use crate::model::Sequence;
use std::fmt;

/// Where an entry's frame begins: `segment << 32 | byte in the segment`. Ascends with the sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    pub(self) fn new(segment: u32, offset: u32) -> Self {
        Self(u64::from(segment) << 32 | u64::from(offset))
    }

    /// The number of the segment.
    pub fn segment(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The byte in the segment's file.
    pub fn offset(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {:08} byte {}", self.segment(), self.offset())
    }
}

/// Where an entry was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its number in the ledger.
    pub sequence: Sequence,
    /// Its place on disk.
    pub position: Position,
}
