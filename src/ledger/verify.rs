//! The verifier: everything that can be known of a ledger without keys and without the index.
//!
//! It walks every byte of every segment and accepts only what a writer gives: headers, checksums, sequence, runs, the
//! chain of leaves, and at each commit size, first entry, head and root; that every entry whose ciphertext was deleted
//! is listed by a redaction entry; and that each signing key was introduced by the one before. What it cannot see by
//! itself is a ledger that was cut back to an earlier commit, or rewritten whole by somebody who holds all of it: for
//! that one needs a checkpoint that was kept elsewhere, and the root at its size is compared on the way.
//!
//! With keys it says as well, of every sealed entry that has not been erased, that it opens: its key is the one that its
//! header commits to, its tag is right, and its payload is padded as a writer pads. What the payload says is not decoded.
//!
//! It does not change anything, and it is not to be run beside a writer: an entry being written looks torn.

use super::error::Error;
use super::kind::Kind;
use super::sealer::{Sealer, Unsealed};
use super::state::State;
use super::tree::Digest;
use super::walk::{Passed, Walk};
use crate::crypto::{Keyring, LedgerId, SlotKey, WriterSalt};
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
    /// What the keys have opened; `None` when it was verified without keys.
    pub opened: Option<Unlocked>,
}

impl Report {
    /// The key that a checkpoint over the first `size` entries must be signed by.
    #[must_use]
    pub fn key_at(&self, size: u64) -> Option<[u8; 32]> {
        self.keys.iter().rev().find(|(since, _)| since.0 < size).map(|(_, key)| *key)
    }
}

/// The sealed entries of a ledger, when it was verified with keys. Together they are all sealed entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unlocked {
    /// How many opened.
    pub opened: u64,
    /// How many cannot be opened any more, because a record of theirs was erased, and still have their ciphertext.
    pub erased: u64,
    /// How many have no ciphertext any more.
    pub redacted: u64,
}

/// Opens the entries that a walk passes.
struct Opener {
    sealer: Sealer,
    /// What hides the births of the writer whose entries are passed.
    slots: Option<(WriterSalt, SlotKey)>,
    scratch: Vec<u8>,
    counts: Unlocked,
}

impl Opener {
    fn new(keys: &Keyring) -> Self {
        Self { sealer: Sealer::new(keys), slots: None, scratch: Vec::new(), counts: Unlocked::default() }
    }

    fn open(&mut self, passed: &Passed<'_>) -> Result<(), Error> {
        let salt = passed.run.salt;
        if self.slots.as_ref().is_none_or(|(known, _)| *known != salt) {
            self.slots = None;
        }
        let (_, slots) = self.slots.get_or_insert_with(|| (salt, self.sealer.slot_key(salt)));
        match self.sealer.unseal(passed.run, slots, passed.header, passed.body, &mut self.scratch)? {
            Unsealed::Clear => {}
            Unsealed::Erased { .. } if passed.header.redacted => self.counts.redacted += 1,
            Unsealed::Erased { .. } => self.counts.erased += 1,
            Unsealed::Payload { .. } => self.counts.opened += 1,
        }
        Ok(())
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
pub fn verify(dir: &Path, expected: &[Expected], progress: impl FnMut(u64)) -> Result<Report, Error> {
    verify_all(dir, None, expected, progress)
}

/// Verifies as [`verify`] does, and that every sealed entry opens under these keys, but for those that were erased.
///
/// # Errors
/// Those of [`verify`]; [`Error::OtherLedger`] when the keys are those of another ledger, [`Error::Unopened`] with the
/// first entry that does not open.
pub fn verify_opened(
    dir: &Path,
    keys: &Keyring,
    expected: &[Expected],
    progress: impl FnMut(u64),
) -> Result<Report, Error> {
    verify_all(dir, Some(keys), expected, progress)
}

fn verify_all(
    dir: &Path,
    keys: Option<&Keyring>,
    expected: &[Expected],
    mut progress: impl FnMut(u64),
) -> Result<Report, Error> {
    let mut walk = Walk::from_start(dir)?;
    let found = walk.chain.ledger;
    if let Some(expected) = keys.map(Keyring::ledger_id).filter(|expected| *expected != found) {
        return Err(Error::OtherLedger { expected, found });
    }
    let mut opener = keys.map(Opener::new);
    for checkpoint in expected {
        walk.expect(checkpoint.size, checkpoint.root)?;
    }
    let segments = walk.last_segment() + 1;
    let mut size_bytes = 0u64;
    let mut told = 0u64;
    let mut counts = [0u64; Kind::NUMBERS];
    walk.run(|passed| {
        size_bytes += passed.frame_bytes;
        counts[usize::from(passed.header.kind as u8)] += 1;
        if let Some(opener) = &mut opener {
            opener.open(&passed)?;
        }
        if size_bytes - told >= 1 << 20 {
            told = size_bytes;
            progress(size_bytes);
        }
        Ok(())
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
        kinds: Kind::ALL.into_iter().map(|kind| (kind, counts[usize::from(kind as u8)])).collect(),
        head: walk.chain.head,
        root: walk.chain.tree.root(),
        policy: walk.chain.run.as_ref().map_or([0; 32], |run| run.policy),
        epoch: walk.chain.epoch,
        uncommitted: entries - walk.commit.as_ref().map_or(0, State::size),
        commit: walk.commit,
        redacted: walk.redacted.count(),
        erasures: walk.erasures.len() as u64,
        keys: walk.keys,
        opened: opener.map(|opener| opener.counts),
    })
}
