//! Making a data directory and opening it, to change it or only to read it.

use super::decisions::Decisions;
use super::directory::Directory;
use super::epoch::OpenEpoch;
use super::facts::FactMaker;
use super::known::KnownRecords;
use super::live::Live;
use super::notify::EpochChanges;
use super::options::{InitOptions, OpenOptions};
use super::policies::Policies;
use super::reads::ReadLog;
use super::recorder::{Replayed, Written};
use super::remake::Rulebook;
use super::version::{self, Versions};
use super::{Error, meta};
use crate::crypto::{IdentityKey, Keyring};
use crate::dataflow::Engine;
use crate::encoding::hex;
use crate::encoding::storage::Storage;
use crate::ledger::{self, Content, Kind, Ledger, PolicyBundle, State};
use crate::matching::{Model, Scorer};
use crate::model::{Birth, Epoch, Schema, Sequence};
use crate::policy::Bundle;
use crate::standardize::{Standardized, Standardizer};
use crate::store::{self, Index};
use hashbrown::HashSet;
use std::path::Path;
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
    /// How records are compared, where the bundle has a model.
    pub(super) scorer: Option<Arc<Scorer>>,
    /// Who decides what may be used.
    pub(super) policies: Policies,
    pub(super) standardizer: Standardizer,
    pub(super) standardized: Standardized,
    pub(super) facts: FactMaker,
    pub(super) records: KnownRecords,
    pub(super) open: OpenEpoch,
    /// The chain of reads.
    pub(super) reads: ReadLog,
    /// What stewards decided, the open epoch included.
    pub(super) decisions: Decisions,
    /// The number that the next epoch gets.
    pub(super) epoch: Epoch,
    pub(super) options: OpenOptions,
    pub(super) subscribers: Vec<Subscriber>,
    /// Keyed hashes of names and identifiers that were erased.
    pub(super) tombstones: HashSet<u128>,
    pub(super) stopped: bool,
}

impl Onefold {
    /// Makes a new data directory under a bundle and opens it.
    ///
    /// # Errors
    /// When the directory is not empty, or keys, ledger or index cannot be made.
    pub fn init(root: &Path, bundle: Bundle, options: InitOptions) -> Result<Self, Error> {
        let InitOptions { identity_from, identity_access, kek, access, clock, random, storage } = options;
        let directory = Directory::create(root)?;
        let identity_from = identity_from.map(|other| other.join("keys"));
        let identity_from = identity_from.as_deref().map(|keys| (keys, &identity_access));
        let keys = Keyring::create(&directory.keys(), &*random, Arc::clone(&storage), kek, &access, identity_from)?;
        directory.write_policy(&bundle)?;
        let ledger = Ledger::create(
            &directory.ledger(),
            &keys,
            &*random,
            &recorded(&bundle),
            clock.now_s(),
            ledger_options(&storage),
        )?;
        let index = Index::open(&directory.index())?;
        let mut batch = index.batch();
        batch.put_meta(meta::BUNDLE, &bundle.digest);
        index.apply(batch)?;
        let options = OpenOptions { access, clock, random, storage };
        Self::assemble(directory, bundle, keys, ledger, index, options)
    }

    /// Opens a data directory for changes. Ciphertexts of erased records whose date has come are deleted first.
    ///
    /// # Errors
    /// When it is no data directory, is in use, its keys or bundle are not the right ones, or its ledger is damaged.
    pub fn open(root: &Path, options: OpenOptions) -> Result<Self, Error> {
        let onefold = Self::open_as_it_is(root, options)?;
        let due = onefold.due(false)?;
        let options = match (due.is_empty(), onefold.directory.has_remains()) {
            (true, false) => return Ok(onefold),
            (true, true) => onefold.renew_index()?,
            (false, _) => onefold.delete_ciphertexts(&due, |_, _| {})?.1,
        };
        Self::open_as_it_is(root, options)
    }

    /// Opens a data directory for changes, with the ciphertexts that it has.
    pub(super) fn open_as_it_is(root: &Path, options: OpenOptions) -> Result<Self, Error> {
        Self::open_held(Directory::open(root)?, options)
    }

    /// [`open_as_it_is`](Self::open_as_it_is) of a directory that is held already.
    pub(super) fn open_held(directory: Directory, options: OpenOptions) -> Result<Self, Error> {
        let OpenOptions { access, clock, random, storage } = options;
        let keys = Keyring::open(&directory.keys(), Arc::clone(&storage), &access)?;
        let bundle = version::bundle(&directory)?;
        Directory::remove(&directory.index_new())?;
        let index = open_index(&directory)?;
        let mut index = index_in_force(&directory, index, &bundle)?;
        let mut resume = resumed(&index)?;
        let (ledger, recovered) = Ledger::open(
            &directory.ledger(),
            &keys,
            &*random,
            &recorded(&bundle),
            clock.now_s(),
            resume.as_ref(),
            ledger_options(&storage),
        )?;
        let records = keys.records();
        let past = |erasure: &ledger::Erasure| erasure.births.iter().any(|birth| records.is_erased(*birth));
        if resume.is_some() && recovered.erasures.iter().any(|(_, erasure)| past(erasure)) {
            // The index is that of before an erasure, and the keys are those of after it: it cannot be brought forward.
            tracing::warn!("the index is older than an erasure, rebuilding it from the ledger");
            drop(index);
            Directory::remove(&directory.index())?;
            index = Index::open(&directory.index())?;
            resume = None;
        }
        let generation =
            index.meta(meta::GENERATION)?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
        let stale = resume.is_none() || keys.generation().0 < generation;
        let erasures = match (&resume, stale) {
            (Some(_), false) => recovered.erasures.clone(),
            _ => ledger::erasures(&directory.ledger())?,
        };
        let altered = erasures.iter().filter(|(_, erasure)| past(erasure)).map(|(_, erasure)| erasure.epoch).max();
        // A rebuild sees everything under the bundle in force, from before it came into force, too.
        let altered = match &resume {
            None => altered.max(Versions::read(&directory.ledger(), None)?.changed),
            Some(_) => None,
        };
        let options = OpenOptions { access, clock, random, storage };
        let mut onefold = Self::assemble(directory, bundle, keys, ledger, index, options)?;
        onefold.load_index()?;
        let unfinished = onefold.replay_tail(resume.as_ref(), &recovered, altered)?;
        onefold.destroy_keys(&erasures)?;
        if !unfinished.is_empty() {
            // Only when nothing is left is it committed as done.
            let records = onefold.keys.records();
            onefold.ledger.redact(&[], &|birth| records.is_erased(birth), |_, _| {})?;
            onefold.open.redacted = unfinished;
            onefold.directory.note_remains()?;
            onefold.close_epoch(None)?;
        }
        onefold.finish_marks()?;
        Ok(onefold)
    }

    /// Destroys the keys of erasures that a stop left with their keys, or that an older copy of the key state has again.
    fn destroy_keys(&mut self, erasures: &[(Sequence, ledger::Erasure)]) -> Result<(), Error> {
        let records = self.keys.records();
        let births = erasures.iter().flat_map(|(_, erasure)| &erasure.births);
        let left: Vec<Birth> = births.filter(|birth| !records.is_erased(**birth)).copied().collect();
        if left.is_empty() {
            return Ok(());
        }
        tracing::warn!(records = left.len(), "keys of erased records were still there and are destroyed now");
        self.keys.erase(&left, &*self.options.random)?;
        Ok(())
    }

    fn assemble(
        directory: Directory,
        bundle: Bundle,
        keys: Keyring,
        ledger: Ledger,
        index: Index,
        options: OpenOptions,
    ) -> Result<Self, Error> {
        let tombstones = index.tombstones().collect::<Result<_, _>>()?;
        let Rulebook { bundle, schema, engine, scorer, policies, standardizer, facts } =
            Rulebook::new(bundle, &keys.identity())?;
        Ok(Self {
            engine,
            policies,
            scorer,
            standardizer,
            standardized: Standardized::default(),
            facts,
            records: KnownRecords::default(),
            open: OpenEpoch::default(),
            reads: ReadLog::default(),
            decisions: Decisions::default(),
            epoch: Epoch(1),
            index_is_empty: true,
            options,
            tombstones,
            subscribers: Vec::new(),
            stopped: false,
            identity: keys.identity(),
            directory,
            bundle,
            schema,
            keys,
            ledger,
            index,
        })
    }

    /// Replays what the ledger has beyond the index, and commits what was acknowledged but not committed.
    ///
    /// Between the first and the last epoch that is replayed the index is marked as incomplete, so that one that is
    /// interrupted here is built anew. `altered` is the last epoch whose entries are not those that were derived, because
    /// records were erased since; the erasures whose redaction was begun and not committed are what comes back.
    fn replay_tail(
        &mut self,
        resume: Option<&State>,
        recovered: &ledger::Recovered,
        altered: Option<Epoch>,
    ) -> Result<Vec<Sequence>, Error> {
        if let Some(torn) = recovered.cut.as_ref().and_then(|cut| cut.torn.as_ref()) {
            tracing::warn!(%torn, "the ledger ended in an unfinished entry, which was cut");
        }
        let behind = recovered.state.as_ref().map(State::epoch) != resume.map(State::epoch);
        if behind {
            tracing::info!("bringing the index to where the ledger ends");
            self.mark(meta::REPLAYING, &[1])?;
        }
        let mut written = Written::default();
        let mut live = altered.map(|_| Live::default());
        // Whether anything but openings stands after the last commit: then readers do not open before it is committed.
        let mut uncommitted = false;
        ledger::Reader::open(&self.directory.ledger(), Some(&self.keys))?.scan(resume, |entry| {
            if let Some(live) = &mut live {
                live.take(&entry);
            }
            uncommitted |= !matches!(entry.header.kind, Kind::Open | Kind::Policy | Kind::Key);
            let Content::Commit(commit) = &entry.content else { return self.replay(entry, &mut written) };
            uncommitted = false;
            self.epoch = commit.epoch;
            let mut written = std::mem::take(&mut written);
            if altered < Some(commit.epoch) {
                return self.close_epoch(Some(Replayed::As(&mut written))).map(|_| ());
            }
            self.close_epoch(Some(Replayed::Altered))?;
            match live.take_if(|_| altered == Some(commit.epoch)) {
                Some(live) => self.justify(&live),
                None => Ok(()),
            }
        })?;
        if let (true, Some(state)) = (behind, &recovered.state) {
            self.mark(meta::LEDGER, &state.to_bytes())?;
            self.mark(meta::REPLAYING, &[])?;
        }
        let unfinished = std::mem::take(&mut self.open.redacted);
        self.finish_rectifications()?;
        if !self.open.is_empty() || (uncommitted && unfinished.is_empty()) {
            self.stamp();
            self.tick_if_due()?;
            self.close_epoch(None)?;
        }
        Ok(unfinished)
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
        self.ledger.set_time(self.options.clock.now_s());
    }
}

/// The match model of a schema.
pub(super) fn model(schema: &Schema) -> Result<Option<Model>, Error> {
    let read = schema.match_model.as_deref().map(|text| Model::read(text.as_bytes()));
    read.transpose().map_err(|_| Error::Unaccounted { what: "the match model of the bundle cannot be read" })
}

/// How records are compared under a schema.
pub(super) fn scorer(schema: &Schema, identity: &IdentityKey) -> Result<Option<Arc<Scorer>>, Error> {
    let Some(model) = model(schema)? else { return Ok(None) };
    let mut key = [0; 16];
    key[..8].copy_from_slice(&identity.content(&[b"blocks", b"lower"]).to_le_bytes());
    key[8..].copy_from_slice(&identity.content(&[b"blocks", b"upper"]).to_le_bytes());
    Ok(Some(Arc::new(Scorer::new(schema, &model, key))))
}

/// How the ledger is written.
pub(super) fn ledger_options(storage: &Arc<dyn Storage>) -> ledger::Options {
    ledger::Options { storage: Arc::clone(storage), ..ledger::Options::default() }
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
pub(super) fn recorded(bundle: &Bundle) -> PolicyBundle {
    let Bundle { name, version, digest, files, .. } = bundle;
    PolicyBundle { name: name.clone(), version: version.clone(), digest: *digest, files: files.clone() }
}

/// The commit that the index stands at.
fn resumed(index: &Index) -> Result<Option<State>, Error> {
    Ok(index.meta(meta::LEDGER)?.map(|bytes| State::from_bytes(&bytes)).transpose()?)
}

/// The index, or an empty one when it stands under another version of the bundle than the one in force or another came in
/// between.
fn index_in_force(directory: &Directory, index: Index, bundle: &Bundle) -> Result<Index, Error> {
    let known: Option<[u8; 32]> = index.meta(meta::BUNDLE)?.and_then(|bytes| bytes.try_into().ok());
    let resume = resumed(&index)?;
    if known == Some(bundle.digest) && resume.is_some() {
        let since = Versions::read(&directory.ledger(), resume.as_ref())?;
        if since.changed.is_none() {
            return Ok(index);
        }
    }
    let versions = Versions::read(&directory.ledger(), None)?;
    let in_force = versions.in_force().ok_or(Error::Unaccounted { what: "the ledger names no bundle" })?;
    if in_force != bundle.digest {
        let (expected, found) = (hex::encode(&in_force), hex::encode(&bundle.digest));
        return Err(Error::BundleChanged { path: directory.policy(), expected, found });
    }
    if resume.is_none() {
        return Ok(index);
    }
    tracing::warn!("the index is older than a change of the policy bundle, rebuilding it from the ledger");
    drop(index);
    Directory::remove(&directory.index())?;
    Ok(Index::open(&directory.index())?)
}
