//! The signed head of a data directory's ledger, for those who hand it out: nothing of the directory changes but its
//! checkpoint.

use super::directory::Directory;
use super::settled::Settled;
use super::{Error, OpenOptions};
use crate::ledger::{self, Witnessed};
use crate::tlog::VerifierKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The head of a data directory's ledger, which is held.
pub struct Head {
    directory: Directory,
    head: ledger::Head,
}

impl Head {
    /// Takes hold of a data directory and finds the head of its ledger.
    ///
    /// # Errors
    /// As [`Onefold::open`](super::Onefold::open).
    pub fn open(root: &Path, options: OpenOptions) -> Result<Self, Error> {
        let settled = Settled::open(root, options)?;
        let find = || {
            let storage = Arc::clone(&settled.options.storage);
            ledger::Head::open(&settled.directory.ledger(), &settled.keys, storage, settled.state.as_ref())
        };
        let head = match find()? {
            Some(head) => Some(head),
            None => {
                settled.begin_run()?;
                find()?
            }
        };
        let head = head.ok_or(Error::Unaccounted { what: "the ledger does not record the key that signs it" })?;
        Ok(Self { directory: settled.directory, head })
    }

    /// The checkpoint over the whole ledger: the one that stands there, or a new one, durably in its place.
    ///
    /// # Errors
    /// As [`ledger::Head::sign`].
    pub fn sign(&mut self) -> Result<Vec<u8>, Error> {
        Ok(self.head.sign()?)
    }

    /// Adds the signatures of witnesses to the checkpoint, from copies of it that they signed.
    ///
    /// # Errors
    /// As [`ledger::Head::cosign`].
    pub fn cosign(
        &mut self,
        copies: &[(PathBuf, Vec<u8>)],
        witnesses: &[VerifierKey],
    ) -> Result<(Vec<u8>, Vec<Witnessed>), Error> {
        Ok(self.head.cosign(copies, witnesses)?)
    }

    /// The folder of the ledger.
    pub fn ledger(&self) -> PathBuf {
        self.directory.ledger()
    }
}
