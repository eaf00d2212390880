//! The index: what readers need at once (who carries an identifier, which profile a record is in, what won, where it
//! stands in the ledger) and what a restart loads instead of replaying the ledger.
//!
//! It never holds a value of a person, only keyed hashes, birth numbers, times and positions, and it is never the
//! truth: the ledger is, from which a lost or damaged index is rebuilt in a new directory.
//!
//! INVARIANT: readers see whole epochs, in memory and after a crash. A batch is one write of the store below
//! (fjall), or a load that a durable marker brackets. It is in the hands of the operating system when
//! [`Index::apply`] returns; a power failure may take back the last epochs, which the ledger then gives again.

mod batch;
mod bindings;
mod bulk;
mod codec;
mod error;
mod read;
mod requests;
mod review;
mod rows;
mod seal;
mod spaces;

pub use batch::Batch;
pub use error::Error;
pub use requests::RequestRow;
pub use review::{DecisionRow, Question};
pub use rows::{ProfileRow, RecordBody, RecordRow, RejectedRow};

use batch::Rows;
use fjall::{Database, Keyspace, OwnedWriteBatch, PersistMode, Readable, Slice, Snapshot};
use hashbrown::HashMap;
use seal::Seal;
use spaces::{MARK, SPACES, Space};
use std::fs::{File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// Version of everything that this module writes.
const FORMAT: u32 = 6;

/// Meta key of the format version.
const FORMAT_KEY: &[u8] = b"format";

/// Meta key that is there while a load is under way.
const LOADING_KEY: &[u8] = b"loading";

/// Meta key of [`Marks`].
const MARKS_KEY: &[u8] = b"marks";

/// An open index. Only one may be open on a directory; it can be shared by threads.
pub struct Index {
    seen: RwLock<Seen>,
    keyspaces: Vec<Keyspace>,
    marks: Mutex<Marks>,
    database: Database,
    /// Dropped after the database is closed.
    on_close: SealAtClose,
}

/// What readers see: the state after the last whole batch.
struct Seen {
    snapshot: Snapshot,
    /// Rows of profiles as this process last wrote them, by root: a change reads the profile that it changes, and most
    /// profiles that change have changed before.
    profiles: HashMap<u64, Box<[u8]>>,
}

/// Number of the last batch of all and of the last that wrote to each keyspace.
///
/// INVARIANT: a keyspace's own mark equals that in `meta`; if not, one of them has lost batches that the other has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Marks {
    last: u64,
    spaces: [u64; SPACES],
    /// A load failed half-way: nothing more may be written.
    stopped: bool,
}

struct SealAtClose {
    dir: PathBuf,
    armed: bool,
    /// Held until the seal is written, so that nobody opens the directory before.
    _lock: File,
}

impl Drop for SealAtClose {
    fn drop(&mut self) {
        // Without a seal the next open checks less, nothing else changes.
        if self.armed
            && let Err(error) = seal::write(&self.dir)
        {
            tracing::debug!(%error, "index closed without a seal");
        }
    }
}

impl Index {
    /// Opens the index in `dir`, or creates one where `dir` is absent or empty.
    ///
    /// # Errors
    /// [`Error::Damaged`] when `dir` holds something else, another version, or an index that is not whole;
    /// [`Error::Locked`] when it is open already.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(dir)?;
        let lock = lock(dir)?;
        let fresh = std::fs::read_dir(dir)?.next().is_none();
        if !fresh && !dir.join("version").is_file() {
            return Err(Error::damaged("the directory holds no index"));
        }
        match seal::check(dir)? {
            Seal::Broken => return Err(Error::damaged("the journals are not those that were closed")),
            Seal::Whole => seal::remove(dir)?,
            Seal::Absent => {}
        }
        // The store below panics on some damage that it finds while opening.
        let (database, keyspaces) = catch_unwind(AssertUnwindSafe(|| open_store(dir, fresh)))
            .unwrap_or_else(|_| Err(Error::damaged("the store could not be read")))?;
        let on_close = SealAtClose { dir: dir.to_owned(), armed: false, _lock: lock };
        let seen = RwLock::new(Seen { snapshot: database.snapshot(), profiles: HashMap::new() });
        let mut index = Self { seen, keyspaces, marks: Mutex::default(), database, on_close };
        if fresh {
            index.create()?;
        } else {
            index.check()?;
        }
        index.on_close.armed = true;
        Ok(index)
    }

    fn create(&self) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.put_own(FORMAT_KEY, &FORMAT.to_le_bytes());
        self.apply(batch)?;
        self.sync()
    }

    fn check(&self) -> Result<(), Error> {
        let format = self.get(Space::Meta, FORMAT_KEY)?;
        if format.as_deref() != Some(&FORMAT.to_le_bytes()) {
            return Err(Error::damaged("the index is of another version"));
        }
        if self.get(Space::Meta, LOADING_KEY)?.is_some() {
            return Err(Error::damaged("a load was interrupted"));
        }
        let stored = self.get(Space::Meta, MARKS_KEY)?;
        let marks = stored.as_deref().and_then(Marks::decode).ok_or_else(|| Error::damaged("no marks"))?;
        for space in Space::ALL {
            let mark = match self.get(space, &MARK)? {
                None => 0,
                Some(bytes) => number(&bytes).ok_or_else(|| Error::damaged("a mark is malformed"))?,
            };
            if mark != marks.spaces[space as usize] {
                return Err(Error::damaged(format!("`{}` is not of the same epoch as the rest", space.name())));
            }
        }
        *self.marks() = marks;
        Ok(())
    }

    /// An empty batch.
    pub fn batch(&self) -> Batch {
        Batch::default()
    }

    /// Writes a batch: readers see all of it or nothing, and so does the next open after a crash.
    ///
    /// A batch that is large beside what the index holds is loaded in sorted runs instead of through the journal. A
    /// crash during such a load leaves an index that [`Index::open`] finds damaged.
    ///
    /// # Errors
    /// [`Error::Stopped`] after an earlier failure, [`Error::Io`] when the disk is full.
    pub fn apply(&self, batch: Batch) -> Result<(), Error> {
        self.apply_with(batch, |_, _| {})
    }

    /// As [`Index::apply`]; `progress` is told now and then how many rows are written, and of how many.
    ///
    /// # Errors
    /// As [`Index::apply`].
    pub fn apply_with(&self, mut batch: Batch, progress: impl FnMut(u64, u64)) -> Result<(), Error> {
        for rows in &mut batch.spaces {
            rows.sort();
        }
        let mut marks = self.marks();
        if marks.stopped {
            return Err(Error::Stopped);
        }
        let mut next = marks.following(&batch);
        let root = |key: &[u8]| key.first_chunk().map(|root| u64::from_be_bytes(*root));
        let written = batch.spaces[Space::Profiles as usize].iter();
        let profiles: Vec<(u64, Option<Box<[u8]>>)> =
            written.filter_map(|(key, row)| Some((root(key)?, row.map(Box::from)))).collect();
        if self.is_load(&batch) {
            next.stopped = true;
            *marks = next;
            self.load(batch, next, progress)?;
            next.stopped = false;
        } else {
            batch.put_own(MARKS_KEY, &next.encode());
            self.write(&batch, Some(&next))?;
        }
        *marks = next;
        // The lock on the marks is held, so no batch is half-way when the snapshot is taken.
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        seen.snapshot = self.database.snapshot();
        for (root, row) in profiles {
            match row {
                Some(row) => drop(seen.profiles.insert(root, row)),
                None => drop(seen.profiles.remove(&root)),
            }
        }
        Ok(())
    }

    /// Writes a batch through the journal, which makes it atomic, and marks the keyspaces that `marks` says are last
    /// written by it.
    fn write(&self, batch: &Batch, marks: Option<&Marks>) -> Result<(), Error> {
        let capacity = batch.len() + SPACES;
        let mut writes =
            OwnedWriteBatch::with_capacity(self.database.clone(), capacity).durability(Some(PersistMode::Buffer));
        for (space, rows) in Space::ALL.into_iter().zip(&batch.spaces) {
            let keyspace = &self.keyspaces[space as usize];
            for (key, value) in rows.iter() {
                match value {
                    Some(value) => writes.insert(keyspace, key, value),
                    None => writes.remove(keyspace, key),
                }
            }
            if let Some(marks) = marks.filter(|marks| marks.spaces[space as usize] == marks.last) {
                writes.insert(keyspace, MARK, marks.last.to_le_bytes());
            }
        }
        writes.commit().map_err(Error::from)
    }

    /// Makes everything that was applied durable.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Stopped`].
    pub fn sync(&self) -> Result<(), Error> {
        self.database.persist(PersistMode::SyncAll).map_err(Error::from)
    }

    /// Bytes that the index takes on disk; what is allocated counts, not the length of files with holes.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be read.
    pub fn disk_size_bytes(&self) -> Result<u64, Error> {
        let mut folders = vec![self.on_close.dir.clone()];
        let mut size_bytes = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                // Files come and go while the store tidies up.
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else {
                    size_bytes += std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
                }
            }
        }
        Ok(size_bytes)
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>, Error> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        Ok(seen.snapshot.get(&self.keyspaces[space as usize], key)?)
    }
}

fn lock(dir: &Path) -> Result<File, Error> {
    let folder = File::open(dir)?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(Error::Locked),
        Err(TryLockError::Error(error)) => Err(Error::Io(error)),
    }
}

fn open_store(dir: &Path, fresh: bool) -> Result<(Database, Vec<Keyspace>), Error> {
    let database = spaces::database(dir)?;
    if !fresh && Space::ALL.iter().any(|space| !database.keyspace_exists(space.name())) {
        return Err(Error::damaged("a keyspace is missing"));
    }
    let keyspaces = spaces::keyspaces(&database)?;
    Ok((database, keyspaces))
}

impl Marks {
    /// The marks once `batch` is written. `meta` is always written to.
    fn following(&self, batch: &Batch) -> Self {
        let mut next = Self { last: self.last + 1, ..*self };
        for (mark, rows) in next.spaces.iter_mut().zip(&batch.spaces) {
            if Rows::len(rows) > 0 {
                *mark = next.last;
            }
        }
        next.spaces[Space::Meta as usize] = next.last;
        next
    }

    fn encode(&self) -> Vec<u8> {
        std::iter::once(self.last).chain(self.spaces).flat_map(u64::to_le_bytes).collect()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let (&last, spaces) = numbers.split_first()?;
        let spaces: [[u8; 8]; SPACES] = spaces.try_into().ok()?;
        rest.is_empty().then(|| Self {
            last: u64::from_le_bytes(last),
            spaces: spaces.map(u64::from_le_bytes),
            stopped: false,
        })
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_le_bytes)
}
