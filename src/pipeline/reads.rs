//! The chain of reads: who read what of whom, in ledgers of their own, one a calendar month.
//!
//! ```text
//! DATA/reads/lock            held by whoever records reads
//! DATA/reads/2026-11/        a ledger in the format of DATA/ledger; without checkpoints
//! DATA/reads/2026-11/state   where its last commit ended; only saves reading the whole month again
//! ```
//! The id of a month's ledger is made of the data directory's ledger, the month and the last leaf of the month before,
//! and stands in its first entry: so the months chain as well. Old months are deleted whole.
//!
//! INVARIANT: only the newest month is written to, also when the clock goes back.

use super::Error;
use super::directory::Directory;
use super::month::Month;
use super::open::ledger_options;
use crate::crypto::{Keyring, LedgerId};
use crate::encoding::storage::Storage;
use crate::ledger::{self, Digest, Ledger, PolicyBundle, Read, State};
use crate::model::Epoch;
use crate::policy::Bundle;
use ring::rand::SecureRandom;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often the lock is tried to be taken, and how long is waited in between: five seconds in all.
const LOCK_ATTEMPTS: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Where reads are recorded, and with what.
pub(super) struct Place<'a> {
    folder: PathBuf,
    keys: &'a Keyring,
    random: &'a dyn SecureRandom,
    storage: Arc<dyn Storage>,
    bundle: PolicyBundle,
    now_s: u32,
}

impl<'a> Place<'a> {
    pub fn new(
        directory: &Directory,
        keys: &'a Keyring,
        random: &'a dyn SecureRandom,
        storage: &Arc<dyn Storage>,
        bundle: &Bundle,
        now_s: u32,
    ) -> Self {
        Self::with(directory, keys, random, storage, named(bundle), now_s)
    }

    pub fn with(
        directory: &Directory,
        keys: &'a Keyring,
        random: &'a dyn SecureRandom,
        storage: &Arc<dyn Storage>,
        bundle: PolicyBundle,
        now_s: u32,
    ) -> Self {
        let folder = directory.reads();
        Self { folder, keys, random, storage: Arc::clone(storage), bundle, now_s }
    }

    fn options(&self, chain: LedgerId) -> ledger::Options {
        ledger::Options { chain: Some(chain), ..ledger_options(&self.storage) }
    }
}

/// A bundle by its digest: its files stand in the ledger itself.
pub(super) fn named(bundle: &Bundle) -> PolicyBundle {
    let Bundle { name, version, digest, .. } = bundle;
    PolicyBundle { name: name.clone(), version: version.clone(), digest: *digest, files: Vec::new() }
}

/// The chain of reads of a data directory, opened with the first read.
#[derive(Default)]
pub(super) struct ReadLog {
    session: Mutex<Option<Session>>,
}

/// The newest month, open for writing.
struct Session {
    month: Month,
    ledger: Ledger,
    state: PathBuf,
    /// Released when dropped.
    lock: File,
}

impl ReadLog {
    /// Appends reads; with `settle` they are durable on return.
    pub fn append(&self, place: &Place<'_>, reads: &[Read], settle: bool) -> Result<(), Error> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let done = append(&mut session, place, reads, settle);
        if done.is_err() {
            // What is on disk is found out when it is opened again.
            *session = None;
        }
        done
    }

    /// Makes what was appended durable.
    pub fn settle(&self) -> Result<(), Error> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = session.as_mut() else { return Ok(()) };
        let done = open.settle();
        if done.is_err() {
            *session = None;
        }
        done
    }
}

fn append(session: &mut Option<Session>, place: &Place<'_>, reads: &[Read], settle: bool) -> Result<(), Error> {
    let month = Month::of(place.now_s);
    if let Some(old) = session.take_if(|session| session.month < month) {
        let Session { mut ledger, month: before, lock, .. } = old;
        settle_ledger(&mut ledger)?;
        *session = Some(create(place, month, Some((before, ledger.head())), lock)?);
    }
    if session.is_none() {
        *session = Some(begin(place, month)?);
    }
    let open = session.as_mut().ok_or(Error::Unaccounted { what: "the chain of reads is not open" })?;
    open.ledger.set_time(place.now_s);
    for read in reads {
        open.ledger.append(read)?;
    }
    if settle { open.settle() } else { Ok(()) }
}

impl Session {
    fn settle(&mut self) -> Result<(), Error> {
        let state = settle_ledger(&mut self.ledger)?;
        // A convenience that is checked when it is used: it may be lost, or torn.
        if let Err(error) = fs::write(&self.state, state.to_bytes()) {
            tracing::warn!(%error, "where the chain of reads ends could not be noted");
        }
        Ok(())
    }
}

fn settle_ledger(ledger: &mut Ledger) -> Result<State, Error> {
    let epoch = Epoch(ledger.epoch().0 + 1);
    Ok(ledger.commit(epoch)?)
}

/// Opens the newest month, or begins one.
fn begin(place: &Place<'_>, month: Month) -> Result<Session, Error> {
    let folder = &place.folder;
    fs::create_dir_all(folder).map_err(|source| Error::io("create the directory", folder, source))?;
    let lock = hold(folder)?;
    let Some(newest) = months(folder)?.pop() else { return create(place, month, None, lock) };
    if newest >= month {
        let ledger = open(place, newest)?;
        return Ok(Session { month: newest, ledger, state: state_file(folder, newest), lock });
    }
    let mut ledger = open(place, newest)?;
    settle_ledger(&mut ledger)?;
    create(place, month, Some((newest, ledger.head())), lock)
}

/// Takes the lock, and waits for a while when another process has it.
fn hold(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|source| Error::io("open the lock", &path, source))?;
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(Error::io("lock", &path, source)),
        }
    }
    Err(Error::ReadsInUse { path: folder.to_owned() })
}

/// Holds the chain of reads, so that nobody records one meanwhile; `None` where there is none.
pub(super) fn held(folder: &Path) -> Result<Option<File>, Error> {
    if folder.is_dir() { hold(folder).map(Some) } else { Ok(None) }
}

fn open(place: &Place<'_>, month: Month) -> Result<Ledger, Error> {
    let dir = place.folder.join(month.to_string());
    let chain = ledger::Reader::open(&dir, None)?.ledger_id();
    let resume = fs::read(state_file(&place.folder, month)).ok().and_then(|bytes| State::from_bytes(&bytes).ok());
    let open = |resume: Option<&State>| {
        let (keys, random, options) = (place.keys, place.random, place.options(chain));
        Ledger::open(&dir, keys, random, &place.bundle, place.now_s, resume, options)
    };
    let opened = match open(resume.as_ref()) {
        Err(ledger::Error::Resume { .. }) if resume.is_some() => open(None),
        opened => opened,
    };
    let (ledger, recovered) = opened?;
    if recovered.cut.is_some() {
        tracing::warn!(%month, "the chain of reads ended in an unfinished entry, which was cut");
    }
    Ok(ledger)
}

/// Begins a month. It comes into being whole, by renaming.
fn create(place: &Place<'_>, month: Month, before: Option<(Month, Digest)>, lock: File) -> Result<Session, Error> {
    let chain = chain_id(place.keys.ledger_id(), month, before.map(|(_, head)| head).as_ref());
    let (dir, made) = (place.folder.join(month.to_string()), place.folder.join(format!("{month}.new")));
    Directory::remove(&made)?;
    drop(Ledger::create(&made, place.keys, place.random, &place.bundle, place.now_s, place.options(chain))?);
    fs::rename(&made, &dir).map_err(|source| Error::io("rename", &made, source))?;
    let sync = || File::open(&place.folder)?.sync_all();
    sync().map_err(|source| Error::io("sync", &place.folder, source))?;
    let ledger = open(place, month)?;
    Ok(Session { month, ledger, state: state_file(&place.folder, month), lock })
}

/// The id of a month's ledger; `before` is the last leaf of the month before.
pub(super) fn chain_id(main: LedgerId, month: Month, before: Option<&Digest>) -> LedgerId {
    let name = month.to_string();
    let before = before.copied().unwrap_or_default();
    let text = [b"onefold/reads/v1".as_slice(), &main.0, name.as_bytes(), &before].concat();
    let digest = ring::digest::digest(&ring::digest::SHA256, &text);
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    LedgerId(id)
}

/// The months that there are, in order.
pub(super) fn months(folder: &Path) -> Result<Vec<Month>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| Error::io("read the directory", folder, source))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| Error::io("read the directory", folder, source))?;
        found.extend(entry.file_name().to_str().and_then(Month::parse));
    }
    found.sort_unstable();
    Ok(found)
}

fn state_file(folder: &Path, month: Month) -> PathBuf {
    folder.join(month.to_string()).join("state")
}
