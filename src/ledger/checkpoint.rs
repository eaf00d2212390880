//! The signed head of the ledger, `ledger/checkpoint`: a C2SP tlog-checkpoint in a C2SP signed-note.
//!
//! It is written after everything under it is durable, and only over the checkpoint that this writer wrote or found
//! before (compare-and-swap), so that two writers or a restored copy are noticed. Damage under it is never cut.
//!
//! The origin is `onefold/LEDGER-ID`, which is also the name of the keys that sign it.

use super::error::Error;
use super::segment::failed;
use super::tree::Digest;
use crate::crypto::LedgerId;
use crate::encoding::storage::{Storage, replace};
use crate::tlog::{Checkpoint, SignedNote, SigningKey, VerifierKey};
use std::io;
use std::path::{Path, PathBuf};

/// More than any checkpoint has that is written here or cosigned by many witnesses.
const BYTES_MAX: u64 = 1 << 20;

/// What a ledger's checkpoints begin with.
#[must_use]
pub fn origin(ledger: LedgerId) -> String {
    format!("onefold/{ledger}")
}

/// The file of the checkpoint.
pub(super) fn file(dir: &Path) -> PathBuf {
    dir.join("checkpoint")
}

/// The checkpoint that stands in the directory of a ledger, not yet verified; `None` when there is none.
///
/// # Errors
/// [`Error::File`] when it cannot be read, or is larger than any checkpoint.
pub fn read(dir: &Path) -> Result<Option<Vec<u8>>, Error> {
    use std::io::Read;
    let path = file(dir);
    let opened = match std::fs::File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed("open", &path))?,
    };
    let mut bytes = Vec::new();
    opened.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed("read", &path))?;
    if bytes.len() as u64 > BYTES_MAX {
        let what = "it is larger than a checkpoint can be".to_owned();
        return Err(Error::Checkpoint { path, what });
    }
    Ok(Some(bytes))
}

/// Reads a checkpoint that one of these keys must have signed.
///
/// # Errors
/// [`Error::Checkpoint`] when it is none, is one of another ledger, or no key has signed it.
pub fn open(path: &Path, bytes: &[u8], ledger: LedgerId, keys: &[VerifierKey]) -> Result<Checkpoint, Error> {
    let wrong = |what: String| Error::Checkpoint { path: path.to_owned(), what };
    let note = SignedNote::parse(bytes).map_err(|error| wrong(error.to_string()))?;
    note.verify(keys).map_err(|error| wrong(error.to_string()))?;
    let checkpoint = Checkpoint::parse(note.text().as_bytes()).map_err(|error| wrong(error.to_string()))?;
    if checkpoint.origin() != origin(ledger) {
        return Err(wrong("its origin is another ledger".to_owned()));
    }
    Ok(checkpoint)
}

/// A checkpoint over `size` entries with this root, signed by all keys.
pub(super) fn sign(ledger: LedgerId, size: u64, root: Digest, keys: &[SigningKey]) -> Result<SignedNote, Error> {
    let text = Checkpoint::new(&origin(ledger), size, root, Vec::new())?.to_text();
    let signatures = keys.iter().map(|key| key.sign(&text)).collect::<Result<_, _>>()?;
    Ok(SignedNote::new(&text, signatures)?)
}

/// Replaces the checkpoint `before` by `after`, durably.
pub(super) fn swap(storage: &dyn Storage, dir: &Path, before: Option<&[u8]>, after: &[u8]) -> Result<(), Error> {
    let path = file(dir);
    if read(dir)?.as_deref() != before {
        return Err(Error::CheckpointMoved { path });
    }
    replace(storage, &path, after, 0o600).map_err(failed("write", &path))
}
