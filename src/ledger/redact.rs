//! Deleting the ciphertexts of erased records, with everything else of the ledger left as it was.
//!
//! The order: the entries are looked for; a redaction entry that lists them is written and synced; then each segment
//! that holds some is written anew and renamed over the old one. A stop in between leaves entries listed and not yet
//! redacted, which doing it again mends.
//!
//! INVARIANT: frames keep their places and sizes, and leaves stay what they were, so that the chain, the tree, every
//! proof and every position that was ever given out stay valid.

use super::error::Error;
use super::kind::Header;
use super::leaf;
use super::payload::Redaction;
use super::ranges::Ranges;
use super::segment::{self, Frames, HEADER_BYTES, Stop, failed};
use super::walk::stopped;
use super::writer::Ledger;
use super::{Position, reader::Reader};
use crate::encoding::storage::{Storage, replace};
use crate::model::{Birth, Sequence};

/// Ranges that one redaction entry lists at most: 12 bytes each in at most 65,535.
const RANGES_MAX: usize = 5_000;
/// Erasures that one redaction entry names at most.
const ERASURES_MAX: usize = 500;

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redacted {
    /// Entries whose ciphertext was deleted.
    pub entries: u64,
    /// Segments that were written anew.
    pub segments: u32,
}

impl Ledger {
    /// Deletes the ciphertexts of all entries about records for which `erased` says so, and records it as the carrying
    /// out of these erasures. Durable on return. `progress` is told how many segments have been looked through, of how many.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::File`], [`Error::Poisoned`]. The ledger goes on only after an error that left
    /// nothing half done.
    pub fn redact(
        &mut self,
        erasures: &[Sequence],
        erased: &dyn Fn(Birth) -> bool,
        mut progress: impl FnMut(u32, u32),
    ) -> Result<Redacted, Error> {
        self.close_segment()?;
        let closed = self.segment();
        let mut affected = Vec::new();
        let mut entries = Ranges::default();
        for number in 0..closed {
            let before = entries.count();
            find(self.reader(), number, erased, &mut entries)?;
            if entries.count() > before {
                affected.push(number);
            }
            progress(number + 1, closed);
        }
        if entries.is_empty() && erasures.is_empty() {
            return Ok(Redacted::default());
        }
        let listed: Vec<(Sequence, u32)> = entries.iter().collect();
        let parts = listed.len().div_ceil(RANGES_MAX).max(erasures.len().div_ceil(ERASURES_MAX));
        for part in 0..parts {
            let slice = |len: usize, max: usize| (part * max).min(len)..((part + 1) * max).min(len);
            self.append_own(&Redaction {
                erasures: erasures[slice(erasures.len(), ERASURES_MAX)].to_vec(),
                entries: listed[slice(listed.len(), RANGES_MAX)].to_vec(),
            })?;
        }
        self.sync()?;
        for number in &affected {
            let storage = self.storage();
            rewrite(&*storage, self.reader(), *number, erased).inspect_err(|_| self.poison())?;
            self.reader().forget(*number);
        }
        Ok(Redacted { entries: entries.count(), segments: u32::try_from(affected.len()).unwrap_or(u32::MAX) })
    }
}

/// Whether an entry is about an erased record and still has its ciphertext.
fn concerns(reader: &Reader, header: &Header, erased: &dyn Fn(Birth) -> bool) -> Result<bool, Error> {
    if header.redacted {
        return Ok(false);
    }
    let births = reader.births(header)?;
    Ok(births.is_some_and(|(birth, other)| erased(birth) || other.is_some_and(erased)))
}

/// Adds the entries of a segment that are to be redacted.
fn find(reader: &Reader, number: u32, erased: &dyn Fn(Birth) -> bool, entries: &mut Ranges) -> Result<(), Error> {
    let path = segment::path(reader.dir(), number);
    let mut frames = Frames::open(&path).map_err(failed("read", &path))?;
    frames.seek(HEADER_BYTES).map_err(failed("read", &path))?;
    let mut sequence = Sequence(0);
    loop {
        let position = Position::new(number, u32::try_from(frames.offset()).unwrap_or(u32::MAX));
        let damaged = |stop: Stop| stopped(stop, &path, position, sequence);
        let Some(stored) = frames.next().map_err(damaged)? else { return Ok(()) };
        let (header, _) = Header::read(stored).map_err(|damage| damaged(damage.into()))?;
        sequence = header.sequence;
        if concerns(reader, &header, erased)? {
            entries.push(sequence, position);
        }
    }
}

/// Writes a segment anew without the ciphertexts of erased records.
fn rewrite(storage: &dyn Storage, reader: &Reader, number: u32, erased: &dyn Fn(Birth) -> bool) -> Result<(), Error> {
    let path = segment::path(reader.dir(), number);
    let mut bytes = std::fs::read(&path).map_err(failed("read", &path))?;
    let mut at = HEADER_BYTES as usize;
    while at < bytes.len() {
        let position = Position::new(number, u32::try_from(at).unwrap_or(u32::MAX));
        let damaged = |damage: super::Damage| stopped(damage.into(), &path, position, Sequence(0));
        let torn = super::Damage::Torn { needed: 4, found: (bytes.len() - at) as u64 };
        let length = bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or_else(|| damaged(torn.clone()))?;
        let size = segment::frame_size(*length).map_err(damaged)?;
        let frame = bytes.get_mut(at..at + size).ok_or_else(|| damaged(torn))?;
        segment::check_frame(frame).map_err(damaged)?;
        let stored = &mut frame[4..size - 4];
        let (header, _) = Header::read(stored).map_err(damaged)?;
        if concerns(reader, &header, erased)? {
            leaf::redact(stored).map_err(damaged)?;
            let crc = crc32c::crc32c(&frame[..size - 4]).to_le_bytes();
            frame[size - 4..].copy_from_slice(&crc);
        }
        at += size;
    }
    replace(storage, &path, &bytes, 0o600).map_err(failed("rewrite", &path))
}
