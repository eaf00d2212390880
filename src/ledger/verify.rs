//! The verifier: everything that can be known of a ledger without keys and without the index.
//!
//! It walks every byte of every segment and accepts only what a writer gives: headers, checksums, sequence, runs, the
//! chain of leaves, and at each commit size, first entry, head and root; that every entry whose ciphertext was deleted
//! is listed by a redaction entry; and that each signing key was introduced by the one before. What it cannot see by
//! itself is a ledger that was cut back to an earlier commit, or rewritten whole by somebody who holds all of it: for
//! that one needs a checkpoint that was kept elsewhere, and the root at its size is compared on the way.
//!
//! It does not change anything, and it is not to be run beside a writer: an entry being written looks torn.

use super::error::Error;
use super::kind::Kind;
use super::state::State;
use super::tree::Digest;
use super::walk::Walk;
use crate::crypto::LedgerId;
use crate::model::{Epoch, Sequence};
use std::path::Path;

/// What a whole ledger consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its id.
    pub ledger: LedgerId,
    /// How many segments there are.
    pub segments: u32,
    /// How many bytes they have.
    pub size_bytes: u64,
    /// How many entries there are.
    pub entries: u64,
    /// How many of each kind, in the order of [`Kind::ALL`].
    pub kinds: Vec<(Kind, u64)>,
    /// The leaf of the last entry.
    pub head: Digest,
    /// The root of the RFC 6962 tree over all entries.
    pub root: Digest,
    /// The digest of the bundle in force.
    pub policy: Digest,
    /// The last committed epoch; 0 when there is none.
    pub epoch: Epoch,
    /// The state at the last commit.
    pub commit: Option<State>,
    /// How many entries stand after the last commit.
    pub uncommitted: u64,
    /// How many entries have no ciphertext any more, each listed by a redaction entry.
    pub redacted: u64,
    /// How many erasure entries there are.
    pub erasures: u64,
    /// The keys that sign checkpoints, as the ledger itself says: Ed25519 public keys, each with the entry by which it
    /// came in force. The last one signs now.
    pub keys: Vec<(Sequence, [u8; 32])>,
}

impl Report {
    /// The key that a checkpoint over the first `size` entries must be signed by.
    #[must_use]
    pub fn key_at(&self, size: u64) -> Option<[u8; 32]> {
        self.keys.iter().rev().find(|(since, _)| since.0 < size).map(|(_, key)| *key)
    }
}

/// The root that a ledger must have over its first entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Over how many entries.
    pub size: u64,
    /// The root.
    pub root: Digest,
}

/// Verifies the ledger in `dir`, and that it has the roots of these checkpoints. `progress` is told how many bytes have
/// been verified, every megabyte or so.
///
/// # Errors
/// [`Error::Damaged`] with the first place that is not as a writer would have written it, [`Error::OtherRoot`] and
/// [`Error::UnderCheckpoint`] when it is not the ledger that a checkpoint was signed over, [`Error::Missing`] and
/// [`Error::File`].
pub fn verify(dir: &Path, expected: &[Expected], mut progress: impl FnMut(u64)) -> Result<Report, Error> {
    let mut walk = Walk::from_start(dir)?;
    for checkpoint in expected {
        walk.expect(checkpoint.size, checkpoint.root)?;
    }
    let segments = walk.last_segment() + 1;
    let mut size_bytes = 0u64;
    let mut told = 0u64;
    let mut counts = [0u64; Kind::ALL.len()];
    walk.run(|header, frame_bytes| {
        size_bytes += frame_bytes;
        if let Some(place) = Kind::ALL.iter().position(|kind| *kind == header.kind) {
            counts[place] += 1;
        }
        if size_bytes - told >= 1 << 20 {
            told = size_bytes;
            progress(size_bytes);
        }
    })?;
    walk.check_redactions()?;
    let size = walk.chain.tree.size();
    if let Some(signed) = expected.iter().map(|checkpoint| checkpoint.size).max().filter(|signed| *signed > size) {
        return Err(Error::UnderCheckpoint { size, signed, torn: None });
    }
    let size_bytes = size_bytes + u64::from(segments) * super::segment::HEADER_BYTES;
    progress(size_bytes);
    let entries = size;
    Ok(Report {
        ledger: walk.chain.ledger,
        segments,
        size_bytes,
        entries,
        kinds: Kind::ALL.into_iter().zip(counts).collect(),
        head: walk.chain.head,
        root: walk.chain.tree.root(),
        policy: walk.chain.run.as_ref().map_or([0; 32], |run| run.policy),
        epoch: walk.chain.epoch,
        uncommitted: entries - walk.commit.as_ref().map_or(0, State::size),
        commit: walk.commit,
        redacted: walk.redacted.count(),
        erasures: walk.erasures.len() as u64,
        keys: walk.keys,
    })
}
