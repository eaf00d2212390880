//! Making a data directory and opening it, to change it or only to read it.

use super::clock::{Clock, SystemClock};
use super::directory::Directory;
use super::epoch::OpenEpoch;
use super::facts::FactMaker;
use super::known::KnownRecords;
use super::notify::EpochChanges;
use super::recorder::Written;
use super::{Error, meta};
use crate::crypto::{IdentityKey, KekAccess, Keyring, NewKek};
use crate::dataflow::{Engine, Rules};
use crate::encoding::hex;
use crate::encoding::storage::Disk;
use crate::ledger::{self, Content, Ledger, PolicyBundle, State};
use crate::model::{Epoch, Schema};
use crate::policy::Bundle;
use crate::standardize::{Standardized, Standardizer};
use crate::store::{self, Index};
use ring::rand::{SecureRandom, SystemRandom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a subscriber is called with after each epoch.
pub(super) type Subscriber = Box<dyn FnMut(&EpochChanges) + Send>;

/// A data directory that is open for changes.
///
/// It belongs to one process at a time. Dropping it loses nothing that was acknowledged.
pub struct Onefold {
    pub(super) directory: Directory,
    pub(super) bundle: Bundle,
    pub(super) schema: Arc<Schema>,
    pub(super) keys: Keyring,
    pub(super) identity: IdentityKey,
    pub(super) ledger: Ledger,
    pub(super) index: Index,
    pub(super) index_is_empty: bool,
    pub(super) engine: Engine,
    pub(super) standardizer: Standardizer,
    pub(super) standardized: Standardized,
    pub(super) facts: FactMaker,
    pub(super) records: KnownRecords,
    pub(super) open: OpenEpoch,
    /// The number that the next epoch gets.
    pub(super) epoch: Epoch,
    pub(super) clock: Box<dyn Clock>,
    pub(super) subscribers: Vec<Subscriber>,
    pub(super) stopped: bool,
}

/// How a data directory is made.
pub struct InitOptions {
    /// Another data directory whose identity key is taken over, so that both agree on ids to the byte.
    pub identity_from: Option<PathBuf>,
    /// What opens that directory's keys.
    pub identity_access: KekAccess,
    /// Under what kind of key-encryption key the new keys are put.
    pub kek: NewKek,
    /// Where that key is.
    pub access: KekAccess,
    /// What time entries are stamped with.
    pub clock: Box<dyn Clock>,
    /// Where keys and salts come from.
    pub random: Box<dyn SecureRandom>,
}

impl Default for InitOptions {
    fn default() -> Self {
        Self {
            identity_from: None,
            identity_access: KekAccess::default(),
            kek: NewKek::default(),
            access: KekAccess::default(),
            clock: Box::new(SystemClock),
            random: Box::new(SystemRandom::new()),
        }
    }
}

/// How a data directory is opened.
pub struct OpenOptions {
    /// What opens the keys.
    pub access: KekAccess,
    /// What time entries are stamped with.
    pub clock: Box<dyn Clock>,
    /// Where salts come from.
    pub random: Box<dyn SecureRandom>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { access: KekAccess::default(), clock: Box::new(SystemClock), random: Box::new(SystemRandom::new()) }
    }
}

impl Onefold {
    /// Makes a new data directory under a bundle and opens it.
    ///
    /// # Errors
    /// When the directory is not empty, or keys, ledger or index cannot be made.
    pub fn init(root: &Path, bundle: Bundle, options: InitOptions) -> Result<Self, Error> {
        let InitOptions { identity_from, identity_access, kek, access, clock, random } = options;
        let directory = Directory::create(root)?;
        let identity_from = identity_from.map(|other| other.join("keys"));
        let identity_from = identity_from.as_deref().map(|keys| (keys, &identity_access));
        let keys = Keyring::create(&directory.keys(), &*random, Arc::new(Disk), kek, &access, identity_from)?;
        directory.write_policy(&bundle)?;
        let ledger = Ledger::create(
            &directory.ledger(),
            &keys,
            &*random,
            &recorded(&bundle),
            clock.now_s(),
            ledger::Options::default(),
        )?;
        let index = Index::open(&directory.index())?;
        let mut batch = index.batch();
        batch.put_meta(meta::BUNDLE, &bundle.digest);
        index.apply(batch)?;
        Self::assemble(directory, bundle, keys, ledger, index, clock)
    }

    /// Opens a data directory for changes.
    ///
    /// # Errors
    /// When it is no data directory, is in use, its keys or bundle are not the right ones, or its ledger is damaged.
    pub fn open(root: &Path, options: OpenOptions) -> Result<Self, Error> {
        let OpenOptions { access, clock, random } = options;
        let directory = Directory::open(root)?;
        let keys = Keyring::open(&directory.keys(), Arc::new(Disk), &access)?;
        let bundle = Bundle::load(&directory.policy())?;
        let index = open_index(&directory)?;
        let in_force = digest_in_force(&directory, &index)?;
        if in_force != bundle.digest {
            let (expected, found) = (hex::encode(&in_force), hex::encode(&bundle.digest));
            return Err(Error::BundleChanged { path: directory.policy(), expected, found });
        }
        let resume = index.meta(meta::LEDGER)?.map(|bytes| State::from_bytes(&bytes)).transpose()?;
        let (ledger, recovered) = Ledger::open(
            &directory.ledger(),
            &keys,
            &*random,
            &recorded(&bundle),
            clock.now_s(),
            resume.as_ref(),
            ledger::Options::default(),
        )?;
        let mut onefold = Self::assemble(directory, bundle, keys, ledger, index, clock)?;
        onefold.load_index()?;
        onefold.replay_tail(resume.as_ref(), &recovered)?;
        Ok(onefold)
    }

    fn assemble(
        directory: Directory,
        bundle: Bundle,
        keys: Keyring,
        ledger: Ledger,
        index: Index,
        clock: Box<dyn Clock>,
    ) -> Result<Self, Error> {
        let schema = Arc::new(bundle.schema.clone());
        Ok(Self {
            engine: Engine::new(&Rules::new(&schema)),
            standardizer: Standardizer::new(&schema),
            standardized: Standardized::default(),
            facts: FactMaker::new(&schema),
            records: KnownRecords::default(),
            open: OpenEpoch::default(),
            epoch: Epoch(1),
            index_is_empty: true,
            subscribers: Vec::new(),
            stopped: false,
            identity: keys.identity(),
            directory,
            bundle,
            schema,
            keys,
            ledger,
            index,
            clock,
        })
    }

    /// Replays what the ledger has beyond the index, and commits what was acknowledged but not committed.
    ///
    /// Between the first and the last epoch that is replayed the index is marked as incomplete, so that one that is
    /// interrupted here is built anew.
    fn replay_tail(&mut self, resume: Option<&State>, recovered: &ledger::Recovered) -> Result<(), Error> {
        if let Some(torn) = recovered.cut.as_ref().and_then(|cut| cut.torn.as_ref()) {
            tracing::warn!(%torn, "the ledger ended in an unfinished entry, which was cut");
        }
        let behind = recovered.state.as_ref().map(State::epoch) != resume.map(State::epoch);
        if behind {
            tracing::info!("bringing the index to where the ledger ends");
            self.mark(meta::REPLAYING, &[1])?;
        }
        let mut written = Written::default();
        ledger::Reader::open(&self.directory.ledger(), Some(&self.keys))?.scan(resume, |entry| {
            if let Content::Commit(commit) = &entry.content {
                self.epoch = commit.epoch;
                self.close_epoch(Some(&mut written))?;
                written = Written::default();
                Ok(())
            } else {
                self.replay(entry, &mut written)
            }
        })?;
        if let (true, Some(state)) = (behind, &recovered.state) {
            self.mark(meta::LEDGER, &state.to_bytes())?;
            self.mark(meta::REPLAYING, &[])?;
        }
        if !self.open.is_empty() {
            self.close_epoch(None)?;
        }
        Ok(())
    }

    /// Writes one fact about the index into it.
    fn mark(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        let mut batch = self.index.batch();
        batch.put_meta(key, value);
        Ok(self.index.apply(batch)?)
    }

    /// The rules of the bundle in force.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The bundle in force.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Whether commits wait for the disk; see [`Ledger::set_durable`]. For measuring only.
    pub fn set_durable(&mut self, durable: bool) {
        self.ledger.set_durable(durable);
    }

    /// Calls `subscriber` with the profiles that each later epoch changes, after the epoch is durable and visible.
    pub fn subscribe(&mut self, subscriber: impl FnMut(&EpochChanges) + Send + 'static) {
        self.subscribers.push(Box::new(subscriber));
    }

    /// Sets the time that entries are stamped with from the clock.
    pub(super) fn stamp(&mut self) {
        self.ledger.set_time(self.clock.now_s());
    }
}

/// Opens the index, or puts a damaged one aside and starts an empty one that is rebuilt from the ledger.
fn open_index(directory: &Directory) -> Result<Index, Error> {
    match Index::open(&directory.index()) {
        Ok(index) if index.meta(meta::REPLAYING)?.is_none_or(|mark| mark.is_empty()) => return Ok(index),
        Ok(incomplete) => drop(incomplete),
        Err(store::Error::Damaged { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    tracing::warn!("index damaged or incomplete, rebuilding it from the ledger");
    let aside = directory.index_aside();
    match std::fs::remove_dir_all(&aside) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("remove the index that was put aside before", &aside, source));
        }
        _ => {}
    }
    std::fs::rename(directory.index(), &aside)
        .map_err(|source| Error::io("put the damaged index aside", &directory.index(), source))?;
    Ok(Index::open(&directory.index())?)
}

/// The bundle as the ledger records it.
fn recorded(bundle: &Bundle) -> PolicyBundle {
    let Bundle { name, version, digest, files, .. } = bundle;
    PolicyBundle { name: name.clone(), version: version.clone(), digest: *digest, files: files.clone() }
}

/// The digest of the bundle in force: as the index knows it, else as the ledger says.
fn digest_in_force(directory: &Directory, index: &Index) -> Result<[u8; 32], Error> {
    if let Some(digest) = index.meta(meta::BUNDLE)?.and_then(|bytes| bytes.try_into().ok()) {
        return Ok(digest);
    }
    let mut digest = None;
    ledger::Reader::open(&directory.ledger(), None)?.scan(None, |entry| -> Result<(), Error> {
        if let Content::Policy(part) = &entry.content {
            digest = Some(part.digest);
        }
        Ok(())
    })?;
    digest.ok_or(Error::Unaccounted { what: "the ledger names no bundle" })
}
