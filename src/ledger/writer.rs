//! The writer: seals payloads, links them into the chain, and makes them durable.
//!
//! The order of a commit: entries are written, the commit entry after them, then fdatasync; only then is the state
//! given out. Before a new segment is begun, the one before it is durable.
//!
//! INVARIANT: after any failed write or sync nothing more is written until the ledger is opened again, for what is on
//! disk is then not known (a second fsync may report success for pages that were lost).

use super::blocks::{self, BLOCK, Start};
use super::chain::{Chain, Run, key_text};
use super::checkpoint;
use super::error::Error;
use super::kind::ENTRY_BYTES_MAX;
use super::payload::{KeyChange, Open, Payload, PolicyBundle, Written};
use super::policy;
use super::reader::{Entry, Reader};
use super::recovery::{self, Recovered};
use super::runs::Runs;
use super::sealer::Sealer;
use super::segment::{self, FRAME_BYTES, HEADER_BYTES, SegmentHeader, failed};
use super::state::State;
use super::tree::Digest;
use super::{Placed, Position};
use crate::crypto::{Error as KeyError, Keyring, LedgerId, SlotKey, WriterSalt};
use crate::encoding::storage::{Disk, Storage, replace};
use crate::model::{Epoch, Sequence};
use crate::tlog::{SigningKey, VerifierKey};
use ring::rand::SecureRandom;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is gathered before it is handed to the system.
const BUFFER_BYTES: usize = 1 << 20;
/// After so many openings of a chain its table of runs is written again.
const CHAIN_RUNS: usize = 64;

/// How a ledger is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// What it is written to.
    pub storage: Arc<dyn Storage>,
    /// A segment is ended before it becomes larger than this; one entry always fits.
    pub segment_bytes_max: u32,
    /// `None`: the ledger that the keys belong to. Else the id of a chain beside it, which signs nothing, and whose
    /// opening becomes durable with what is synced next: it is opened for few entries at a time.
    pub chain: Option<LedgerId>,
}

impl Default for Options {
    fn default() -> Self {
        Self { storage: Arc::new(Disk), segment_bytes_max: 64 << 20, chain: None }
    }
}

/// The only writer of a ledger. That there is no other is seen to by the lock of the data directory.
pub struct Ledger {
    dir: PathBuf,
    options: Options,
    sealer: Sealer,
    reader: Reader,
    runs: Runs,
    chain: Chain,
    run: Run,
    slots: SlotKey,
    /// What signs checkpoints: the key in force, and the one before while it is kept.
    signing: Vec<SigningKey>,
    /// The checkpoint that stands in the directory.
    published: Option<Vec<u8>>,
    /// When it was signed, where this writer did.
    published_s: Option<u32>,
    /// Where the block of 256 entries begins that is being written.
    block: Start,
    /// Rows of whole blocks that are not in their file yet.
    rows: Vec<u8>,
    file: File,
    segment: u32,
    /// Bytes of the segment that the system has.
    written: u64,
    /// Frames that it does not have yet.
    buffer: Vec<u8>,
    /// The entry being made.
    stored: Vec<u8>,
    time_s: u32,
    poisoned: bool,
    /// Whether a sync waits for the disk.
    durable: bool,
}

impl Ledger {
    /// Begins a ledger in `dir`, which is created where it is missing, with this bundle in force. It is durable on
    /// return.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Bundle`], [`Error::Keys`] when the random source fails, [`Error::File`].
    pub fn create(
        dir: &Path,
        keys: &Keyring,
        rng: &dyn SecureRandom,
        bundle: &PolicyBundle,
        now_s: u32,
        options: Options,
    ) -> Result<Self, Error> {
        policy::split(bundle)?;
        std::fs::create_dir_all(dir).map_err(failed("create", dir))?;
        if !segment::list(dir)?.is_empty() {
            return Err(Error::Exists { path: dir.to_owned() });
        }
        let chain = Chain::new(options.chain.unwrap_or(keys.ledger_id()));
        create_segment(&*options.storage, dir, 0, &chain)?;
        let end = Position::new(0, HEADER_BYTES as u32);
        Self::begin(dir, keys, rng, bundle, now_s, options, chain, end, Runs::default(), None)
    }

    /// Opens the ledger in `dir`: checks what came after the remembered commit (or everything), cuts what a crash left,
    /// and begins a new run with this bundle in force. It is durable on return.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::OtherLedger`], [`Error::Resume`], [`Error::Damaged`], [`Error::KeptAfterDerived`],
    /// [`Error::Bundle`], [`Error::Keys`], [`Error::File`]. Nothing is written or cut before all was found in order.
    pub fn open(
        dir: &Path,
        keys: &Keyring,
        rng: &dyn SecureRandom,
        bundle: &PolicyBundle,
        now_s: u32,
        resume: Option<&State>,
        options: Options,
    ) -> Result<(Self, Recovered), Error> {
        policy::split(bundle)?;
        let keys_ledger = options.chain.unwrap_or(keys.ledger_id());
        // Says when the ledger is missing or another one, before anything is touched.
        drop(Reader::open(dir, None).and_then(|reader| match (keys_ledger, reader.ledger_id()) {
            (expected, found) if expected != found => Err(Error::OtherLedger { expected, found }),
            _ => Ok(reader),
        })?);
        let published = checkpoint::read(dir)?;
        let signed = published.as_deref().map(|bytes| {
            let keys: Vec<VerifierKey> = keys.signing()?.iter().map(|key| key.verifier().clone()).collect();
            let checkpoint = checkpoint::open(&checkpoint::file(dir), bytes, keys_ledger, &keys)?;
            Ok::<_, Error>((checkpoint.size(), *checkpoint.root()))
        });
        let sound = recovery::recover(&*options.storage, dir, resume, signed.transpose()?)?;
        let mut runs = Runs::load(dir, sound.chain.ledger)?;
        if let Some(first) = sound.runs.first() {
            runs.rows.retain(|(run, _)| run.number < first.0.number);
        }
        if let Some(last) = sound.chain.run.as_ref().map(|run| run.number) {
            runs.rows.retain(|(run, _)| run.number <= last);
            let known = sound.runs.first().map_or(Some(last), |(run, _)| run.number.checked_sub(1));
            if runs.rows.last().map(|(run, _)| run.number) != known {
                runs.complete(dir, sound.chain.ledger, known)?;
            }
        }
        runs.rows.extend(sound.runs);
        let ledger = Self::begin(dir, keys, rng, bundle, now_s, options, sound.chain, sound.end, runs, published)?;
        Ok((ledger, sound.recovered))
    }

    #[allow(clippy::too_many_arguments)]
    fn begin(
        dir: &Path,
        keys: &Keyring,
        rng: &dyn SecureRandom,
        bundle: &PolicyBundle,
        now_s: u32,
        options: Options,
        chain: Chain,
        end: Position,
        runs: Runs,
        published: Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let block =
            blocks::mend(&*options.storage, dir, chain.ledger, runs.clone(), chain.tree.size(), &chain.tree.root())?;
        let mut salt = [0u8; 16];
        rng.fill(&mut salt).map_err(|_| KeyError::Random)?;
        let salt = WriterSalt(salt);
        let number = chain.run.as_ref().map_or(Some(0), |run| run.number.checked_add(1));
        let number = number.ok_or(Error::Bundle { what: "there were 2^32 runs before" })?;
        let (ledger, key_epoch) = (chain.ledger, keys.key_epoch());
        let open = Open { ledger, salt, run: number, key_epoch, software: env!("CARGO_PKG_VERSION").to_owned() };
        let run = Run::opened(ledger, chain.run.as_ref(), &open);
        let path = segment::path(dir, end.segment());
        let file = OpenOptions::new().append(true).open(&path).map_err(failed("open", &path))?;
        let mut ledger = Self {
            dir: dir.to_owned(),
            slots: keys.slots_of(ledger).slot_key(salt),
            sealer: Sealer::of_chain(keys, ledger),
            reader: Reader::new(dir, ledger, Some(keys)),
            runs,
            chain,
            run,
            signing: if options.chain.is_none() { keys.signing()? } else { Vec::new() },
            published,
            published_s: None,
            block,
            rows: Vec::new(),
            file,
            segment: end.segment(),
            written: end.offset().into(),
            buffer: Vec::with_capacity(BUFFER_BYTES + ENTRY_BYTES_MAX + FRAME_BYTES),
            stored: Vec::with_capacity(ENTRY_BYTES_MAX),
            time_s: now_s,
            poisoned: false,
            durable: true,
            options,
        };
        let placed = ledger.append_any(&open)?;
        ledger.runs.rows.push((ledger.run.clone(), placed.position));
        ledger.introduce_key()?;
        if ledger.run.policy != bundle.digest {
            ledger.set_policy(bundle)?;
        } else if ledger.options.chain.is_none() {
            ledger.sync()?;
            ledger.save_runs()?;
        } else if ledger.runs.rows.len().is_multiple_of(CHAIN_RUNS) {
            // What the table lacks is found in the segments.
            ledger.save_runs()?;
        }
        Ok(ledger)
    }

    /// Records the key that signs checkpoints, where it is another one than before.
    fn introduce_key(&mut self) -> Result<(), Error> {
        let Some(current) = self.signing.first() else { return Ok(()) };
        let (public, previous) = (*current.verifier().key(), self.chain.signing);
        if previous == Some(public) {
            return Ok(());
        }
        let text = key_text(self.chain.ledger, previous.as_ref(), &public);
        let old = previous.map(|previous| self.signing.iter().find(|key| *key.verifier().key() == previous));
        let previous_signature = match old {
            None => None,
            Some(Some(old)) => Some(old.sign(&text)?.bytes().to_vec()),
            Some(None) => return Err(Error::SigningKey),
        };
        let signature = current.sign(&text)?.bytes().to_vec();
        self.append_any(&KeyChange { public, previous, signature, previous_signature }).map(|_| ())
    }

    /// Signs the ledger as it stands, which must all be committed, and puts the checkpoint in its file, durably.
    ///
    /// # Errors
    /// [`Error::CheckpointMoved`] when somebody else wrote it, [`Error::File`]; after either the ledger takes nothing
    /// more.
    pub fn checkpoint(&mut self) -> Result<Vec<u8>, Error> {
        self.sync()?;
        let (size, root) = (self.chain.tree.size(), self.chain.tree.root());
        let note = checkpoint::sign(self.chain.ledger, size, root, &self.signing)?.to_text().into_bytes();
        checkpoint::swap(&*self.options.storage, &self.dir, self.published.as_deref(), &note)
            .inspect_err(|_| self.poisoned = true)?;
        self.published_s = Some(self.time_s);
        self.published = Some(note.clone());
        Ok(note)
    }

    /// The checkpoint that stands in the directory.
    pub fn published(&self) -> Option<&[u8]> {
        self.published.as_deref()
    }

    /// Replaces the checkpoint by the same one with more signatures.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn publish(&mut self, note: Vec<u8>) -> Result<(), Error> {
        checkpoint::swap(&*self.options.storage, &self.dir, self.published.as_deref(), &note)
            .inspect_err(|_| self.poisoned = true)?;
        self.published = Some(note);
        Ok(())
    }

    /// Records a bundle, which is in force for all entries after it. It is durable on return.
    ///
    /// # Errors
    /// [`Error::Bundle`], and those of [`sync`](Self::sync).
    pub fn set_policy(&mut self, bundle: &PolicyBundle) -> Result<(), Error> {
        let parts = policy::split(bundle)?;
        let run = self.run.with_policy(self.chain.ledger, bundle.digest);
        let run = run.ok_or(Error::Bundle { what: "there were 2^32 runs before" })?;
        let last = parts.len() - 1;
        for (index, part) in parts.iter().enumerate() {
            // The last part stands in the run that it begins.
            if index == last {
                self.run = run.clone();
            }
            let placed = self.append_any(part).inspect_err(|_| self.poisoned = true)?;
            if index == last {
                self.runs.rows.push((self.run.clone(), placed.position));
            }
        }
        self.sync()?;
        self.save_runs()
    }

    /// Sets the time that the next entries have, in seconds since 1970.
    pub fn time_s(&self) -> u32 {
        self.time_s
    }

    /// Sets it.
    pub fn set_time(&mut self, now_s: u32) {
        self.time_s = now_s;
    }

    /// Whether [`sync`](Self::sync) and [`commit`](Self::commit) wait for the disk, as they do from the start. Without it
    /// a power cut may lose what was acknowledged: it is there to measure what everything else costs.
    pub fn set_durable(&mut self, durable: bool) {
        self.durable = durable;
    }

    /// Appends an entry. It is durable after the next [`sync`](Self::sync) or [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`Error::TooLarge`] and [`Error::Births`], after which the ledger goes on as before; [`Error::File`] and
    /// [`Error::Poisoned`].
    pub fn append<P: Payload>(&mut self, payload: &P) -> Result<Placed, Error> {
        self.append_any(payload)
    }

    fn append_any<P: Written>(&mut self, payload: &P) -> Result<Placed, Error> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        let mut stored = std::mem::take(&mut self.stored);
        let placed = self
            .sealer
            .seal(&self.run, &self.slots, self.chain.next(), self.time_s, payload, &mut stored)
            .and_then(|()| self.put(&stored));
        self.stored = stored;
        placed
    }

    /// Takes a stored entry into the chain and the buffer.
    fn put(&mut self, stored: &[u8]) -> Result<Placed, Error> {
        let frame_bytes = (stored.len() + FRAME_BYTES) as u64;
        if self.end() + frame_bytes > self.options.segment_bytes_max.into() && self.end() > HEADER_BYTES {
            self.rotate().inspect_err(|_| self.poisoned = true)?;
        } else if self.buffer.len() >= BUFFER_BYTES {
            self.write().inspect_err(|_| self.poisoned = true)?;
        }
        let offset = u32::try_from(self.end()).expect("a segment is at most 4 GiB and an entry");
        let placed = Placed { sequence: self.chain.next(), position: Position::new(self.segment, offset) };
        if self.chain.tree.size().is_multiple_of(BLOCK) {
            self.block = Start { position: placed.position, before: self.chain.head };
        }
        self.chain.absorb(stored).expect("what the writer makes is what the chain takes");
        if let Some(node) = self.chain.tree.block() {
            self.rows.extend_from_slice(&self.block.row(&node));
        }
        segment::write_frame(stored, &mut self.buffer);
        Ok(placed)
    }

    /// Where the next frame begins in the segment.
    fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Hands the buffer to the system.
    fn write(&mut self) -> Result<(), Error> {
        let path = segment::path(&self.dir, self.segment);
        self.options.storage.write(&self.file, &self.buffer).map_err(failed("write", &path))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn write_and_sync(&mut self) -> Result<(), Error> {
        self.write()?;
        if !self.rows.is_empty() {
            blocks::append(&*self.options.storage, &self.dir, &self.rows)?;
            self.rows.clear();
        }
        if !self.durable {
            return Ok(());
        }
        self.options.storage.sync(&self.file).map_err(failed("sync", &segment::path(&self.dir, self.segment)))
    }

    /// Ends the segment unless it is empty, so that all before the next entry stands in segments that no longer grow.
    pub(super) fn close_segment(&mut self) -> Result<(), Error> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        if self.end() > HEADER_BYTES {
            self.rotate().inspect_err(|_| self.poisoned = true)?;
        }
        Ok(())
    }

    /// The number of the segment that is written to.
    pub(super) fn segment(&self) -> u32 {
        self.segment
    }

    /// Where it is written.
    pub(super) fn storage(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.options.storage)
    }

    /// Takes nothing more until it is opened again.
    pub(super) fn poison(&mut self) {
        self.poisoned = true;
    }

    /// Appends an entry that only the ledger itself writes.
    pub(super) fn append_own<P: Written>(&mut self, payload: &P) -> Result<Placed, Error> {
        self.append_any(payload)
    }

    /// Ends the segment and begins the next.
    fn rotate(&mut self) -> Result<(), Error> {
        self.write_and_sync()?;
        let number = self.segment + 1;
        self.file = create_segment(&*self.options.storage, &self.dir, number, &self.chain)?;
        self.segment = number;
        self.written = HEADER_BYTES;
        Ok(())
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// [`Error::File`], after which the ledger takes nothing more, and [`Error::Poisoned`].
    pub fn sync(&mut self) -> Result<(), Error> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        self.write_and_sync().inspect_err(|_| self.poisoned = true)
    }

    /// Appends the commit of `epoch` and makes everything durable.
    ///
    /// # Errors
    /// [`Error::EpochOrder`] when `epoch` is not above the last one; those of [`sync`](Self::sync).
    pub fn commit(&mut self, epoch: Epoch) -> Result<State, Error> {
        if epoch <= self.chain.epoch {
            return Err(Error::EpochOrder { epoch: epoch.0, last: self.chain.epoch.0 });
        }
        let before = self.chain.head;
        let placed = self.append_any(&self.chain.commit(epoch))?;
        self.sync()?;
        let offset = u32::try_from(self.end()).expect("a segment is at most 4 GiB and an entry");
        let end = Position::new(self.segment, offset);
        // One signature a second is enough for whoever watches; every commit has the root that the next one signs.
        if self.durable && self.options.chain.is_none() && self.published_s != Some(self.time_s) {
            self.checkpoint()?;
        }
        Ok(State { chain: self.chain.clone(), end, commit: placed.position, before })
    }

    /// An entry of this ledger, also one that is not yet written.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn read(&self, position: Position) -> Result<Entry, Error> {
        let start = u64::from(position.offset()).checked_sub(self.written);
        let Some(start) = start.filter(|_| position.segment() == self.segment) else {
            return self.reader.read(position);
        };
        let frame = usize::try_from(start).ok().and_then(|start| self.buffer.get(start..));
        let stored = frame.and_then(|frame| {
            let size = segment::frame_size(*frame.first_chunk()?).ok()?;
            let frame = frame.get(..size)?;
            segment::check_frame(frame).ok()?;
            frame.get(4..size - 4)
        });
        self.reader.entry(position, stored.ok_or(Error::NotAnEntry { position })?, &mut Vec::new())
    }

    /// Hands over, decrypted and in order, the entries after the remembered commit, or all; of those not synced an end
    /// may be missing. Memory does not depend on how many there are.
    ///
    /// # Errors
    /// As [`Reader::scan`].
    pub fn replay<E: From<Error>>(
        &self,
        after: Option<&State>,
        visit: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        self.reader.scan(after, visit)
    }

    /// The reader of this ledger; it sees what the system has been handed.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The sequence of the next entry.
    pub fn next(&self) -> Sequence {
        self.chain.next()
    }

    /// The leaf of the last entry.
    pub fn head(&self) -> Digest {
        self.chain.head
    }

    /// The last committed epoch; 0 when there is none.
    pub fn epoch(&self) -> Epoch {
        self.chain.epoch
    }

    /// The digest of the bundle in force.
    pub fn policy(&self) -> Digest {
        self.run.policy
    }

    fn save_runs(&mut self) -> Result<(), Error> {
        self.runs.save(&*self.options.storage, &self.dir)?;
        self.reader.know(&self.runs);
        Ok(())
    }
}

/// Makes an empty segment, durably, and opens it.
fn create_segment(storage: &dyn Storage, dir: &Path, number: u32, chain: &Chain) -> Result<File, Error> {
    let path = segment::path(dir, number);
    let header = SegmentHeader { ledger: chain.ledger, number, first: chain.next(), previous: chain.head };
    replace(storage, &path, &header.to_bytes(), 0o600).map_err(failed("write", &path))?;
    OpenOptions::new().append(true).open(&path).map_err(failed("open", &path))
}
