//! A data directory that is open for reading only: answers come from the index and the ledger, no dataflow is built.
//!
//! When the index does not stand where the ledger ends, because a crash came between the two, the directory is first
//! opened for changes once, which brings them together.

use super::directory::Directory;
use super::lookup::Finder;
use super::policies::Policies;
use super::read::Reader;
use super::reads::{Place, ReadLog, named};
use super::{Error, Onefold, OpenOptions, meta, version};
use crate::crypto::{IdentityKey, KekAccess, Keyring};
use crate::encoding::storage::Disk;
use crate::ledger::{self, PolicyBundle, State};
use crate::model::{Schema, Sequence};
use crate::store::Index;
use crate::tlog::VerifierKey;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The committed state of a data directory.
pub struct Archive {
    pub(super) directory: Directory,
    schema: Arc<Schema>,
    identity: IdentityKey,
    pub(super) index: Index,
    pub(super) entries: ledger::Reader,
    /// The keys that sign checkpoints, newest first.
    pub(super) vkeys: Vec<VerifierKey>,
    pub(super) keys: Keyring,
    pub(super) reads: ReadLog,
    bundle: PolicyBundle,
    pub(super) policies: Policies,
    options: OpenOptions,
}

impl Archive {
    /// Opens a data directory for reading.
    ///
    /// # Errors
    /// As [`Onefold::open`].
    pub fn open(root: &Path) -> Result<Self, Error> {
        Self::open_with(root, &KekAccess::default())
    }

    /// [`open`](Self::open) with what opens the keys.
    ///
    /// # Errors
    /// As [`Onefold::open`].
    pub fn open_with(root: &Path, access: &KekAccess) -> Result<Self, Error> {
        Self::open_at(root, || OpenOptions { access: access.clone(), ..OpenOptions::default() })
    }

    /// [`open`](Self::open) with other clocks, random numbers and storage, which `options` gives each time it is called.
    ///
    /// # Errors
    /// As [`Onefold::open`].
    pub fn open_at(root: &Path, options: impl Fn() -> OpenOptions) -> Result<Self, Error> {
        if let Some(archive) = Self::try_open(root, options())? {
            return Ok(archive);
        }
        drop(Onefold::open(root, options())?);
        Self::try_open(root, options())?
            .ok_or(Error::Unaccounted { what: "the index does not stand where the ledger ends" })
    }

    /// The archive, when index and ledger stand together.
    fn try_open(root: &Path, options: OpenOptions) -> Result<Option<Self>, Error> {
        let directory = Directory::open(root)?;
        let keys = Keyring::open(&directory.keys(), Arc::new(Disk), &options.access)?;
        let bundle = version::bundle(&directory)?;
        let Ok(index) = Index::open(&directory.index()) else { return Ok(None) };
        let state = index.meta(meta::LEDGER)?.map(|bytes| State::from_bytes(&bytes)).transpose()?;
        let replaying = index.meta(meta::REPLAYING)?.is_some_and(|mark| !mark.is_empty());
        let same_bundle = index.meta(meta::BUNDLE)?.is_some_and(|digest| digest == bundle.digest);
        if replaying || !same_bundle || !ledger::stands_at(&directory.ledger(), state.as_ref())? {
            return Ok(None);
        }
        let entries = ledger::Reader::open(&directory.ledger(), Some(&keys))?;
        let (named, policies) = (named(&bundle), Policies::new(&bundle));
        let schema = Arc::new(bundle.schema);
        let identity = keys.identity();
        let vkeys = keys.signing()?.iter().map(|key| key.verifier().clone()).collect();
        let (reads, bundle) = (ReadLog::default(), named);
        Ok(Some(Self { directory, schema, identity, index, entries, vkeys, keys, reads, bundle, policies, options }))
    }

    /// Finds records and profiles, without a value of anybody. Who wants values calls [`read_as`](Self::read_as).
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn finder(&self) -> Result<Finder<'_>, Error> {
        Ok(Finder {
            schema: &self.schema,
            identity: &self.identity,
            index: &self.index,
            entries: &self.entries,
            policies: &self.policies,
            now_us: i64::from(self.now_s()) * 1_000_000,
        })
    }

    /// Reads without leaving a record, for the engine's own use and for what shows no value to anybody.
    pub(crate) fn reader(&self) -> Result<Reader<'_>, Error> {
        Ok(Reader { finder: self.finder()?, recording: None })
    }

    /// The time, seconds since 1970.
    pub fn now_s(&self) -> u32 {
        self.options.clock.now_s()
    }

    /// The digest of the bundle in force.
    pub(super) fn bundle_digest(&self) -> Option<ledger::Digest> {
        Some(self.bundle.digest)
    }

    /// Where reads are recorded.
    pub(super) fn place(&self) -> Place<'_> {
        let OpenOptions { random, storage, .. } = &self.options;
        Place::with(&self.directory, &self.keys, &**random, storage, self.bundle.clone(), self.now_s())
    }

    /// Entries by their sequences, decrypted.
    pub(super) fn entries_at(&self, wanted: &BTreeSet<Sequence>) -> Result<Vec<ledger::Entry>, Error> {
        let mut found = Vec::new();
        self.entries.scan(None, |entry| -> Result<(), Error> {
            if wanted.contains(&entry.placed.sequence) {
                found.push(entry);
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl Onefold {
    /// Finds records and profiles in the committed state, without a value of anybody. Who wants values calls
    /// [`read_as`](Self::read_as).
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn finder(&self) -> Result<Finder<'_>, Error> {
        Ok(Finder {
            schema: &self.schema,
            identity: &self.identity,
            index: &self.index,
            entries: self.ledger.reader(),
            policies: &self.policies,
            now_us: i64::from(self.options.clock.now_s()) * 1_000_000,
        })
    }

    /// Reads the committed state without leaving a record, for the engine's own use and for what shows no value to anybody.
    pub(crate) fn reader(&self) -> Result<Reader<'_>, Error> {
        Ok(Reader { finder: self.finder()?, recording: None })
    }
}
