//! What is handed out of one entry so that others can check it: the logical entry, which its leaf is the hash of; the
//! body, which the logical entry has the digest of; and the key of this one entry, to which the header commits.
//!
//! INVARIANT: a disclosed key opens its entry and no other.

use super::Position;
use super::blocks::{Leaf, Tree};
use super::chain::Run;
use super::error::Error;
use super::kind::{CLEAR_HEADER_BYTES, Header, Kind, REDACTED, SEALED_HEADER_BYTES};
use super::leaf::{Logical, body_digest};
use super::payload::Content;
use super::reader::Reader;
use super::sealer::{open_body, read_payload};
use super::segment::{self, Stop, failed};
use super::tree::Digest;
use crate::crypto::{EntryKey, KeyEpoch, LedgerId, WriterSalt};
use crate::encoding::sha256::digest;
use crate::model::Sequence;
use crate::tlog::leaf_hash;
use std::path::Path;

/// Bytes before the header in a logical entry: the leaf before and the run digest.
const HEADER_AT: usize = 64;

/// An entry with everything that proves what it says, but for its inclusion in the tree.
pub struct Disclosed {
    /// Its place.
    pub sequence: Sequence,
    /// Its kind.
    pub kind: Kind,
    /// When it was written, seconds since 1970.
    pub time_s: u32,
    /// The logical entry: `leaf = SHA-256(0x00 ‖ logical)`.
    pub logical: Vec<u8>,
    /// Its leaf.
    pub leaf: Digest,
    /// Payload of a clear entry, ciphertext and tag of a sealed one; `None` when it was deleted.
    pub body: Option<Vec<u8>>,
    /// The key of a sealed entry; `None` for a clear one, and when it was destroyed.
    pub key: Option<EntryKey>,
}

/// What a disclosed entry was found to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// Its header.
    pub header: Header,
    /// The leaf of the logical entry.
    pub leaf: Digest,
    /// The digest of the run that it was written in; see [`run_digest`].
    pub run: Digest,
    /// Whether its body was there.
    pub has_body: bool,
    /// What it says; `None` when there is no body or no key.
    pub content: Option<Content>,
}

impl Reader {
    /// Takes an entry out of the ledger for somebody else.
    ///
    /// # Errors
    /// [`Error::NoEntry`], [`Error::Damaged`], [`Error::Unopened`] without keys, [`Error::File`].
    pub fn disclose(&self, tree: &Tree, sequence: Sequence) -> Result<Disclosed, Error> {
        let Leaf { position, previous, run, leaf } = tree.leaf(sequence)?;
        let stored = read_stored(self.dir(), position)?;
        let (header, body) = Header::read(&stored).map_err(|_| Error::NotAnEntry { position })?;
        let digest = body_digest(&header, body).map_err(|_| Error::NotAnEntry { position })?;
        let logical = Logical::new(&previous, &run, &header, &digest);
        if logical.leaf() != leaf {
            return Err(Error::NotAnEntry { position });
        }
        let key = if header.redacted { None } else { self.entry_key(&header)? };
        Ok(Disclosed {
            sequence,
            kind: header.kind,
            time_s: header.time_s,
            logical: logical.bytes().to_vec(),
            leaf,
            body: (!header.redacted).then(|| body.to_vec()),
            key,
        })
    }
}

/// Checks what can be checked of a disclosed entry without its ledger: that the body is the one that the logical entry
/// binds, that the key is the one that its header commits to, and that it opens. Reads bytes of any origin.
///
/// # Errors
/// [`Error::Undisclosed`] with what does not fit.
pub fn open_disclosed(logical: &[u8], body: Option<&[u8]>, key: Option<&EntryKey>) -> Result<Opened, Error> {
    let wrong = |what| Error::Undisclosed { what };
    let (run, header) = read_logical(logical).ok_or_else(|| wrong("the logical entry is malformed"))?;
    let leaf = leaf_hash(logical);
    let Some(body) = body else { return Ok(Opened { header, leaf, run, has_body: false, content: None }) };
    if logical.last_chunk::<32>() != Some(&digest(body)) {
        return Err(wrong("the body is not the one that the entry was written with"));
    }
    let content = match (&header.sealing, key) {
        (None, _) => Some(read_payload(&header, body)?),
        (Some(_), None) => None,
        (Some(sealing), Some(key)) => {
            if key.commitment() != sealing.commitment {
                return Err(wrong("the key is not the one that the entry is committed to"));
            }
            Some(open_body(&header, &run, key, body, &mut Vec::new())?)
        }
    };
    Ok(Opened { header, leaf, run, has_body: true, content })
}

impl Tree {
    /// The entries that show under which rules a run wrote: its open entry and the parts of the bundle in force,
    /// ascending. With what they say, [`run_digest`] gives the digest that each of its entries is bound to.
    ///
    /// # Errors
    /// [`Error::NotAnEntry`] when there was no such run, [`Error::Damaged`], [`Error::File`].
    pub fn context(&self, run: u32) -> Result<Vec<Sequence>, Error> {
        let number = usize::try_from(run).unwrap_or(usize::MAX);
        let none = Error::NotAnEntry { position: Position::default() };
        let rows = self.runs().get(..=number).ok_or(none)?;
        let salt_before =
            |place: usize| place.checked_sub(1).and_then(|before| rows.get(before)).map(|(run, _)| run.salt);
        // An open entry draws a salt, a bundle keeps it.
        let opens = |(place, (run, _)): &(usize, &(Run, Position))| salt_before(*place) != Some(run.salt);
        let mut sequences = Vec::new();
        if let Some((_, (_, position))) = rows.iter().enumerate().rev().find(opens) {
            sequences.push(self.stored(*position)?.0.sequence);
        }
        if let Some((_, (_, position))) = rows.iter().enumerate().rev().find(|row| !opens(row)) {
            let (header, body) = self.stored(*position)?;
            if let Content::Policy(part) = read_payload(&header, &body)? {
                let first = header.sequence.0.saturating_sub(u64::from(part.part - 1));
                sequences.extend((first..=header.sequence.0).map(Sequence));
            }
        }
        sequences.sort_unstable();
        Ok(sequences)
    }

    /// Header and body of the entry at a place.
    fn stored(&self, position: Position) -> Result<(Header, Vec<u8>), Error> {
        let stored = read_stored(self.dir(), position)?;
        let (header, body) = Header::read(&stored).map_err(|_| Error::NotAnEntry { position })?;
        Ok((header, body.to_vec()))
    }
}

/// The bytes of an entry as it is stored.
fn read_stored(dir: &Path, position: Position) -> Result<Vec<u8>, Error> {
    let path = segment::path(dir, position.segment());
    let file = std::fs::File::open(&path).map_err(failed("open", &path))?;
    let mut stored = Vec::new();
    segment::read_at(&file, position, &mut stored).map_err(|stop| match stop {
        Stop::Io(source) => failed("read", &path)(source),
        Stop::Damage(_) => Error::NotAnEntry { position },
    })?;
    Ok(stored)
}

/// What binds an entry to the ledger, to the writer that wrote it and to the bundle in force then:
/// `SHA-256("onefold/run/v1" ‖ ledger ‖ salt ‖ run u32 ‖ key epoch u16 ‖ digest of the bundle)`.
#[must_use]
pub fn run_digest(ledger: LedgerId, salt: WriterSalt, run: u32, key_epoch: KeyEpoch, policy: Digest) -> Digest {
    Run::new(ledger, run, salt, key_epoch, policy).digest
}

/// The run digest and the header of a logical entry; `None` when the bytes are none.
fn read_logical(logical: &[u8]) -> Option<(Digest, Header)> {
    let run: Digest = logical.get(32..HEADER_AT)?.try_into().ok()?;
    let rest = logical.get(HEADER_AT..)?;
    let sealed = match rest.len().checked_sub(32)? {
        CLEAR_HEADER_BYTES => false,
        SEALED_HEADER_BYTES => true,
        _ => return None,
    };
    // The digest of the body stands where the body would; a tag is all that a header asks to follow it.
    let (header, _) = Header::read(rest).ok()?;
    let fits = header.sealing.is_some() == sealed && rest.first().is_some_and(|version| version & REDACTED == 0);
    fits.then_some((run, header))
}
