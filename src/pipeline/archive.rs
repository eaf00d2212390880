//! A data directory that is open for reading only: answers come from the index and the ledger, no dataflow is built.
//!
//! When the index does not stand where the ledger ends, because a crash came between the two, the directory is first
//! opened for changes once, which brings them together.

use super::directory::Directory;
use super::read::Reader;
use super::{Clock, Error, Onefold, OpenOptions, SystemClock, meta, version};
use crate::crypto::{IdentityKey, KekAccess, Keyring};
use crate::encoding::storage::Disk;
use crate::ledger::{self, State};
use crate::model::Schema;
use crate::store::Index;
use crate::tlog::VerifierKey;
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
    clock: Box<dyn Clock>,
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
        if let Some(archive) = Self::try_open(root, access)? {
            return Ok(archive);
        }
        drop(Onefold::open(root, OpenOptions { access: access.clone(), ..OpenOptions::default() })?);
        Self::try_open(root, access)?
            .ok_or(Error::Unaccounted { what: "the index does not stand where the ledger ends" })
    }

    /// The archive, when index and ledger stand together.
    fn try_open(root: &Path, access: &KekAccess) -> Result<Option<Self>, Error> {
        let directory = Directory::open(root)?;
        let keys = Keyring::open(&directory.keys(), Arc::new(Disk), access)?;
        let bundle = version::bundle(&directory)?;
        let Ok(index) = Index::open(&directory.index()) else { return Ok(None) };
        let state = index.meta(meta::LEDGER)?.map(|bytes| State::from_bytes(&bytes)).transpose()?;
        let replaying = index.meta(meta::REPLAYING)?.is_some_and(|mark| !mark.is_empty());
        let same_bundle = index.meta(meta::BUNDLE)?.is_some_and(|digest| digest == bundle.digest);
        if replaying || !same_bundle || !ledger::stands_at(&directory.ledger(), state.as_ref())? {
            return Ok(None);
        }
        let entries = ledger::Reader::open(&directory.ledger(), Some(&keys))?;
        let schema = Arc::new(bundle.schema);
        let identity = keys.identity();
        let vkeys = keys.signing()?.iter().map(|key| key.verifier().clone()).collect();
        let clock = Box::new(SystemClock);
        Ok(Some(Self { directory, schema, identity, index, entries, vkeys, clock }))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn reader(&self) -> Result<Reader<'_>, Error> {
        Ok(Reader {
            schema: &self.schema,
            identity: &self.identity,
            index: &self.index,
            entries: &self.entries,
            now_us: i64::from(self.clock.now_s()) * 1_000_000,
        })
    }
}

impl Onefold {
    /// Reads the committed state.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn reader(&self) -> Result<Reader<'_>, Error> {
        Ok(Reader {
            schema: &self.schema,
            identity: &self.identity,
            index: &self.index,
            entries: self.ledger.reader(),
            now_us: i64::from(self.options.clock.now_s()) * 1_000_000,
        })
    }
}
