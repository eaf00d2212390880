//! What is remembered of a commit, so that the next open reads only what came after it.
//!
//! ```text
//! canonical((version u8, ledger id, end u64, commit u64, leaf before the commit, head, size u64, peaks, run, epoch u64,
//!            signing key or zeros))
//! | crc32c u32;   run = (number u32, salt 16, key epoch u16, policy digest 32)
//! ```
//! It holds nothing secret. It is a convenience, not evidence: open checks it against the ledger.

use super::Position;
use super::chain::{Chain, Run};
use super::error::Error;
use super::tree::{Digest, Peaks};
use crate::crypto::{KeyEpoch, LedgerId, WriterSalt};
use crate::encoding::canonical::{self, Counted};
use crate::model::{Epoch, Sequence};
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;

/// The ledger right after a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub(super) chain: Chain,
    /// Where the next frame begins.
    pub(super) end: Position,
    /// Where the commit's frame begins.
    pub(super) commit: Position,
    /// The leaf before the commit.
    pub(super) before: Digest,
}

#[derive(Serialize, Deserialize)]
struct StateWire {
    version: u8,
    ledger: [u8; 16],
    end: u64,
    commit: u64,
    before: Digest,
    head: Digest,
    size: u64,
    peaks: Counted<Digest>,
    run: (u32, [u8; 16], u16, Digest),
    epoch: u64,
    signing: [u8; 32],
}

impl State {
    /// The committed epoch.
    pub fn epoch(&self) -> Epoch {
        self.chain.epoch
    }

    /// The commit entry.
    pub fn sequence(&self) -> Sequence {
        Sequence(self.chain.tree.size().saturating_sub(1))
    }

    /// How many entries there are, with the commit.
    pub fn size(&self) -> u64 {
        self.chain.tree.size()
    }

    /// The leaf of the commit.
    pub fn head(&self) -> Digest {
        self.chain.head
    }

    /// The root of the tree over all entries, with the commit.
    pub fn root(&self) -> Digest {
        self.chain.tree.root()
    }

    /// Where the next entry begins.
    pub fn end(&self) -> Position {
        self.end
    }

    /// The digest of the bundle in force.
    pub fn policy(&self) -> Digest {
        self.chain.run.as_ref().map_or([0; 32], |run| run.policy)
    }

    /// What to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let run = self.chain.run.as_ref().expect("a commit stands after an open entry");
        let wire = StateWire {
            version: VERSION,
            ledger: self.chain.ledger.0,
            end: self.end.0,
            commit: self.commit.0,
            before: self.before,
            head: self.chain.head,
            size: self.chain.tree.size(),
            peaks: Counted(self.chain.tree.peaks().to_vec()),
            run: (run.number, run.salt.0, run.key_epoch.0, run.policy),
            epoch: self.chain.epoch.0,
            signing: self.chain.signing.unwrap_or_default(),
        };
        let mut bytes = Vec::with_capacity(256);
        canonical::encode(&wire, &mut bytes).expect("there are at most 64 peaks");
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// What was stored.
    ///
    /// # Errors
    /// [`Error::StateDamaged`] when the bytes are not what [`to_bytes`](Self::to_bytes) gives.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes).ok_or(Error::StateDamaged)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let wire: StateWire = canonical::decode(body).ok()?;
        if wire.version != VERSION || wire.size == 0 {
            return None;
        }
        let ledger = LedgerId(wire.ledger);
        let (number, salt, key_epoch, policy) = wire.run;
        let run = Run::new(ledger, number, WriterSalt(salt), KeyEpoch(key_epoch), policy);
        let tree = Peaks::from_parts(wire.size, wire.peaks.0)?;
        let signing = (wire.signing != [0; 32]).then_some(wire.signing);
        Some(Self {
            chain: Chain::after_commit(ledger, wire.head, tree, Some(run), Epoch(wire.epoch), signing),
            end: Position(wire.end),
            commit: Position(wire.commit),
            before: wire.before,
        })
    }
}
