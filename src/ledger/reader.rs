//! Reading of single entries and of stretches of the ledger, beside a writer or without one.
//!
//! A reader never writes. It checks what it can about one entry: the frame's checksum and, with keys, that payload,
//! header, run and key belong together. That the entry stands in the chain is for `verify` to say.

use super::chain::Run;
use super::error::Error;
use super::kind::Header;
use super::payload::Content;
use super::runs::Runs;
use super::sealer::{Sealer, read_payload};
use super::segment::{self, Frames, HEADER_BYTES, Stop, failed};
use super::state::State;
use super::walk::{count_segments, stopped};
use super::{Placed, Position};
use crate::crypto::{EntryKey, Keyring, LedgerId, SlotKey};
use crate::model::{Birth, Sequence};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// How many segment files are held open.
const FILES_MAX: usize = 256;

/// An entry that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place.
    pub placed: Placed,
    /// Its clear header.
    pub header: Header,
    /// What it says.
    pub content: Content,
}

/// Reads entries. Shared by reference among threads.
pub struct Reader {
    dir: PathBuf,
    ledger: LedgerId,
    sealer: Option<Sealer>,
    /// By number; empty without keys.
    runs: RwLock<Vec<Arc<(Run, SlotKey)>>>,
    files: RwLock<HashMap<u32, Arc<File>>>,
}

impl Reader {
    /// Opens the ledger in `dir` for reading; without keys only clear entries show what they say.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::OtherLedger`], [`Error::Damaged`] when the first segment's header is, and
    /// [`Error::File`].
    pub fn open(dir: &Path, keys: Option<&Keyring>) -> Result<Self, Error> {
        count_segments(dir)?;
        let path = segment::path(dir, 0);
        let header = Frames::open(&path).map_err(failed("read", &path))?.header();
        let found = header.map_err(|stop| stopped(stop, &path, Position(0), Sequence(0)))?.ledger;
        if let Some(expected) = keys.map(Keyring::ledger_id)
            && expected != found
        {
            return Err(Error::OtherLedger { expected, found });
        }
        Self::with(dir, found, keys)
    }

    /// Opens a chain beside the ledger of these keys for reading.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_chain(dir: &Path, keys: &Keyring) -> Result<Self, Error> {
        let found = Self::open(dir, None)?.ledger;
        Self::with(dir, found, Some(keys))
    }

    fn with(dir: &Path, found: LedgerId, keys: Option<&Keyring>) -> Result<Self, Error> {
        let reader = Self::new(dir, found, keys);
        let table = Runs::load(dir, found)?;
        reader.know(&table);
        Ok(reader)
    }

    pub(super) fn new(dir: &Path, ledger: LedgerId, keys: Option<&Keyring>) -> Self {
        let sealer = keys.map(|keys| Sealer::of_chain(keys, ledger));
        Self { dir: dir.to_owned(), ledger, sealer, runs: RwLock::default(), files: RwLock::default() }
    }

    /// Replaces the runs that are known.
    pub(super) fn know(&self, table: &Runs) {
        let Some(sealer) = &self.sealer else { return };
        let with_slots = |(run, _): &(Run, Position)| Arc::new((run.clone(), sealer.slot_key(run.salt)));
        *self.runs.write().unwrap_or_else(PoisonError::into_inner) = table.rows.iter().map(with_slots).collect();
    }

    /// The directory of the segments.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Closes the file of a segment that was replaced.
    pub(super) fn forget(&self, segment: u32) {
        self.files.write().unwrap_or_else(PoisonError::into_inner).remove(&segment);
    }

    /// The key of a sealed entry; `None` for a clear one, and when it was destroyed.
    pub(super) fn entry_key(&self, header: &Header) -> Result<Option<EntryKey>, Error> {
        let Some((birth, other)) = self.births(header)? else { return Ok(None) };
        let Some(sealer) = &self.sealer else { return Ok(None) };
        let run = self.run(header)?;
        Ok(sealer.entry_key(run.0.salt, header.key_epoch, header.sequence, birth, other))
    }

    /// The records that an entry is about; `None` for a clear one.
    ///
    /// # Errors
    /// [`Error::Unopened`] without keys, or when the entry names a run that never began.
    pub(super) fn births(&self, header: &Header) -> Result<Option<(Birth, Option<Birth>)>, Error> {
        let Some(sealing) = &header.sealing else { return Ok(None) };
        if self.sealer.is_none() {
            return Err(Error::Unopened { sequence: header.sequence, what: "there are no keys" });
        }
        let run = self.run(header)?;
        Ok(Some(run.1.open(header.sequence, sealing.slot)))
    }

    /// The ledger's id.
    pub fn ledger_id(&self) -> LedgerId {
        self.ledger
    }

    /// The entry whose frame begins at `position`.
    ///
    /// # Errors
    /// [`Error::NotAnEntry`] when none begins there, [`Error::Unopened`] when it does not open, [`Error::File`].
    pub fn read(&self, position: Position) -> Result<Entry, Error> {
        let file = self.file(position)?;
        let mut frame = Vec::new();
        match segment::read_at(&file, position, &mut frame) {
            Ok(()) => self.entry(position, &frame, &mut Vec::new()),
            Err(Stop::Damage(_)) => Err(Error::NotAnEntry { position }),
            Err(Stop::Io(source)) => Err(failed("read", &segment::path(&self.dir, position.segment()))(source)),
        }
    }

    /// Hands over the entries in order: those after the remembered commit, or all; up to the end of what is written.
    /// Memory does not depend on how many there are.
    ///
    /// # Errors
    /// [`Error::Damaged`] where a frame is, [`Error::Unopened`], [`Error::File`], and whatever `visit` gives.
    pub fn scan<E: From<Error>>(
        &self,
        after: Option<&State>,
        mut visit: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut position = after.map_or(Position::new(0, HEADER_BYTES as u32), |state| state.end);
        let mut expected = after.map_or(Sequence(0), |state| state.chain.next());
        let segments = count_segments(&self.dir)?;
        let mut scratch = Vec::new();
        for number in position.segment()..segments {
            if number > position.segment() {
                position = Position::new(number, HEADER_BYTES as u32);
            }
            let path = segment::path(&self.dir, number);
            let mut frames = Frames::open(&path).map_err(failed("read", &path))?;
            frames.seek(position.offset().into()).map_err(failed("read", &path))?;
            loop {
                let stored = match frames.next() {
                    Ok(Some(stored)) => stored,
                    Ok(None) => break,
                    Err(stop) => match stopped(stop, &path, position, expected) {
                        // A writer is at work, or was killed: the entry is not there yet, or never will be.
                        Error::Damaged(fault) if number + 1 == segments && fault.may_be_unfinished() => break,
                        error => return Err(error.into()),
                    },
                };
                let entry = self.entry(position, stored, &mut scratch)?;
                expected = Sequence(entry.header.sequence.0.saturating_add(1));
                visit(entry)?;
                position = Position::new(number, u32::try_from(frames.offset()).unwrap_or(u32::MAX));
            }
        }
        Ok(())
    }

    /// The entry in a stored form.
    pub(super) fn entry(&self, position: Position, stored: &[u8], scratch: &mut Vec<u8>) -> Result<Entry, Error> {
        let (header, payload) = Header::read(stored).map_err(|_| Error::NotAnEntry { position })?;
        let placed = Placed { sequence: header.sequence, position };
        let content = if header.kind.is_clear() {
            read_payload(&header, payload)?
        } else {
            match &self.sealer {
                None => Content::Sealed { size_bytes: payload.len().saturating_sub(crate::crypto::TAG_BYTES) },
                Some(sealer) => {
                    let run = self.run(&header)?;
                    sealer.open(&run.0, &run.1, stored, scratch)?
                }
            }
        };
        Ok(Entry { placed, header, content })
    }

    fn run(&self, header: &Header) -> Result<Arc<(Run, SlotKey)>, Error> {
        let index = usize::try_from(header.run).unwrap_or(usize::MAX);
        let known = || self.runs.read().unwrap_or_else(PoisonError::into_inner).get(index).cloned();
        if let Some(run) = known() {
            return Ok(run);
        }
        // The table is older than the entry: what is missing stands in the segments.
        let mut table = Runs::load(&self.dir, self.ledger)?;
        if table.rows.len() <= index {
            table.complete(&self.dir, self.ledger, Some(header.run))?;
        }
        self.know(&table);
        known().ok_or(Error::Unopened { sequence: header.sequence, what: "it names a run that never began" })
    }

    fn file(&self, position: Position) -> Result<Arc<File>, Error> {
        let number = position.segment();
        if let Some(file) = self.files.read().unwrap_or_else(PoisonError::into_inner).get(&number) {
            return Ok(file.clone());
        }
        let path = segment::path(&self.dir, number);
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Error::NotAnEntry { position }),
            opened => Arc::new(opened.map_err(failed("read", &path))?),
        };
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        if files.len() >= FILES_MAX {
            files.clear();
        }
        files.insert(number, file.clone());
        Ok(file)
    }
}
