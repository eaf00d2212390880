//! A data directory whose index stands where its ledger ends, held without the dataflow: for what is done to keys and
//! ledger alone.
//!
//! When a stop came between ledger and index, the directory is first opened for changes once, which brings them
//! together.
//!
//! INVARIANT: the directory is held from beginning to end, so that nobody changes it in between.

use super::directory::Directory;
use super::open::{ledger_options, recorded};
use super::{Error, Onefold, OpenOptions, meta, version};
use crate::crypto::Keyring;
use crate::ledger::{self, Ledger, State};
use crate::policy::Bundle;
use crate::store::Index;
use std::path::Path;
use std::sync::Arc;

/// Keys and ledger of a data directory, at rest.
pub(super) struct Settled {
    pub directory: Directory,
    pub bundle: Bundle,
    pub keys: Keyring,
    /// The last commit; `None` when nothing was ever committed.
    pub state: Option<State>,
    pub options: OpenOptions,
}

impl Settled {
    /// Takes hold of a data directory.
    pub fn open(root: &Path, options: OpenOptions) -> Result<Self, Error> {
        let directory = Directory::open(root)?;
        if let Some((bundle, state)) = at_rest(&directory)? {
            return Self::with(directory, bundle, state, options);
        }
        let onefold = Onefold::open_held(directory, options)?;
        let Onefold { directory, options, ledger, index, .. } = onefold;
        drop((ledger, index));
        let (bundle, state) = at_rest(&directory)?
            .ok_or(Error::Unaccounted { what: "the index does not stand where the ledger ends" })?;
        Self::with(directory, bundle, state, options)
    }

    fn with(directory: Directory, bundle: Bundle, state: Option<State>, options: OpenOptions) -> Result<Self, Error> {
        let keys = Keyring::open(&directory.keys(), Arc::clone(&options.storage), &options.access)?;
        Ok(Self { directory, bundle, keys, state, options })
    }

    /// Begins a new run of the ledger under the keys as they are, which records a signing key that is new, and signs a
    /// checkpoint over it.
    pub fn begin_run(&self) -> Result<(), Error> {
        let Self { directory, bundle, keys, state, options } = self;
        let (mut ledger, _) = Ledger::open(
            &directory.ledger(),
            keys,
            &*options.random,
            &recorded(bundle),
            options.clock.now_s(),
            state.as_ref(),
            ledger_options(&options.storage),
        )?;
        ledger.checkpoint()?;
        Ok(())
    }
}

/// The bundle in force and the last commit, when index and ledger stand together.
fn at_rest(directory: &Directory) -> Result<Option<(Bundle, Option<State>)>, Error> {
    let bundle = version::bundle(directory)?;
    let Ok(index) = Index::open(&directory.index()) else { return Ok(None) };
    let state = index.meta(meta::LEDGER)?.map(|bytes| State::from_bytes(&bytes)).transpose()?;
    let replaying = index.meta(meta::REPLAYING)?.is_some_and(|mark| !mark.is_empty());
    let same_bundle = index.meta(meta::BUNDLE)?.is_some_and(|digest| digest == bundle.digest);
    if replaying || !same_bundle || !ledger::stands_at(&directory.ledger(), state.as_ref())? {
        return Ok(None);
    }
    Ok(Some((bundle, state)))
}
