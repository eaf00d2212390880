//! The keys of a data directory: what they are, under whose key they are kept, and how they are replaced.
//!
//! A signing key is only replaced once the ledger has recorded the one in force, and the one before is only destroyed
//! once a checkpoint bears both signatures: otherwise no key would be left that ledger and checkpoint go on from.
//!
//! INVARIANT: the directory is held while its keys are open.

use super::directory::Directory;
use super::settled::Settled;
use super::{Error, Onefold, OpenOptions};
use crate::crypto::{Generation, KekAccess, KeyEpoch, Keyring, LedgerId, NewKek, Status};
use crate::encoding::storage::{Disk, Storage};
use crate::tlog::VerifierKey;
use ring::rand::SecureRandom;
use std::path::Path;
use std::sync::Arc;

/// What can be told of keys that are open; none of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAccount {
    /// The ledger that they belong to.
    pub ledger: LedgerId,
    /// The state in force.
    pub generation: Generation,
    /// The key epoch that new entries are sealed under; there is one more than its number.
    pub epoch: KeyEpoch,
    /// Seeds that the keys of all records take, over all key epochs.
    pub seeds: usize,
    /// Records, consents and refused messages whose keys were destroyed.
    pub erased: usize,
    /// What checkpoints are signed with: the key in force first, then the one before, until it is retired.
    pub signing: Vec<VerifierKey>,
}

/// Which keys are to be replaced. At least one should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Begin a new key epoch: later entries are sealed under keys that have nothing in common with those before.
    pub records: bool,
    /// Make a new key that signs checkpoints.
    pub signing: bool,
    /// Destroy the signing key before; with `signing`, the one that was in force until now.
    pub retire: bool,
}

/// What can be told of the keys of a data directory without opening them. Changes nothing, and needs no hold of it.
///
/// # Errors
/// [`Error::NotInitialised`], and what [`Keyring::status`] says.
pub fn key_status(root: &Path) -> Result<Status, Error> {
    let keys = root.join("keys");
    if !keys.is_dir() {
        return Err(Error::NotInitialised { path: root.to_owned() });
    }
    Ok(Keyring::status(&keys)?)
}

/// The open keys of a data directory, which is held.
pub struct HeldKeys {
    _directory: Directory,
    keys: Keyring,
}

impl HeldKeys {
    /// Takes hold of a data directory and opens its keys.
    ///
    /// # Errors
    /// When it is no data directory, is in use, or its keys do not open.
    pub fn open(root: &Path, access: &KekAccess) -> Result<Self, Error> {
        let directory = Directory::open(root)?;
        let storage: Arc<dyn Storage> = Arc::new(Disk);
        let keys = Keyring::open(&directory.keys(), storage, access)?;
        Ok(Self { _directory: directory, keys })
    }

    /// What can be told of them.
    ///
    /// # Errors
    /// When a signing key cannot be made of its seed.
    pub fn account(&self) -> Result<KeyAccount, Error> {
        account(&self.keys)
    }

    /// Puts the keys under another key-encryption key; nothing that they open changes.
    ///
    /// # Errors
    /// As [`Keyring::rewrap`].
    pub fn rewrap(&mut self, new: NewKek, access: &KekAccess, random: &dyn SecureRandom) -> Result<(), Error> {
        Ok(self.keys.rewrap(new, access, random)?)
    }
}

impl Onefold {
    /// Replaces keys of a data directory. The ledger records it: a new run begins, a new signing key has an entry that
    /// both keys have signed, and there is a fresh checkpoint.
    ///
    /// # Errors
    /// As [`Onefold::open`], and when keys or ledger cannot be written. After a stop in between, doing it again is safe.
    pub fn rotate(root: &Path, options: OpenOptions, rotation: Rotation) -> Result<KeyAccount, Error> {
        let mut settled = Settled::open(root, options)?;
        if rotation.signing || rotation.retire {
            // What an earlier stop left is recorded before a key goes that could sign for it.
            settled.begin_run()?;
        }
        if rotation.records {
            settled.keys.rotate_records(&*settled.options.random)?;
        }
        if rotation.signing {
            settled.keys.rotate_signing(&*settled.options.random)?;
        }
        if rotation.records || rotation.signing {
            settled.begin_run()?;
        }
        if rotation.retire {
            settled.keys.retire_signing(&*settled.options.random)?;
            settled.begin_run()?;
        }
        tracing::info!(generation = settled.keys.generation().0, "keys replaced");
        account(&settled.keys)
    }
}

fn account(keys: &Keyring) -> Result<KeyAccount, Error> {
    Ok(KeyAccount {
        ledger: keys.ledger_id(),
        generation: keys.generation(),
        epoch: keys.key_epoch(),
        seeds: keys.seeds(),
        erased: keys.records().erased(),
        signing: keys.signing()?.iter().map(|key| key.verifier().clone()).collect(),
    })
}
