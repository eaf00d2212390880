//! The keyring: every key of a data directory, on disk and in memory, and how it is changed.
//!
//! All secrets are sealed in one state file under a random state key, and that key is wrapped by the key-encryption key
//! (KEK). An erasure or rotation makes a new state under a new state key and destroys the old wrapped key: the old state,
//! and what it could open, is then out of reach even for who holds the KEK and every byte of the folder. The bytes are
//! drawn in `key_file` and `state_file`, the order of the writes in `folder`.
//!
//! Who changes keys holds the lock of the data directory, and so does who opens them, for opening finishes what a crash
//! left unfinished.
//!
//! INVARIANT: the keys in memory are those of the state in force on disk. No key is ever printed; all are wiped on drop.

use super::error::Error;
use super::folder::{Failure, Folder, digest, failed};
use super::identity::IdentityKey;
use super::ids::{Generation, KeyEpoch, LedgerId};
use super::kek::{Kek, KekAccess, NewKek, default_path, next_path, random};
use super::key_file::{KeyFile, Provider};
use super::puncture::PunctureTree;
use super::records::{RecordKeys, SlotKeys, Trees};
use super::state_file::{self, Secrets};
use super::tombstone::TombstoneKey;
use crate::encoding::storage::{Disk, Storage, temporary};
use crate::model::Birth;
use crate::tlog::SigningKey;
use ring::rand::SecureRandom;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How many key epochs there can be.
const EPOCHS_MAX: usize = 1 << 16;

/// The opened keys of a data directory.
pub struct Keyring {
    folder: Folder,
    kek: Kek,
    file: KeyFile,
    secrets: Secrets,
    records: RecordKeys,
    /// Whether a change got past its point of no return and failed then.
    unfinished: bool,
}

/// The seeds of the keys that checkpoints are signed with (Ed25519, RFC 8032); wiped on drop.
pub struct SigningSeeds {
    /// What is signed with now.
    pub current: Zeroizing<[u8; 32]>,
    /// What was signed with before, until it is retired.
    pub previous: Option<Zeroizing<[u8; 32]>>,
}

/// What can be told about keys without opening them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Under what kind of key-encryption key they are.
    pub kek: NewKek,
    /// Which state is in force.
    pub generation: Generation,
    /// Bytes of its file.
    pub state_bytes: u64,
    /// Whether that file is there as it was written.
    pub state_is_whole: bool,
    /// Whether an earlier change is to be finished by the next opening.
    pub is_unfinished: bool,
}

impl Keyring {
    /// Makes new keys in `dir`, which is created where it is missing, under what the operator offers in `access`.
    /// `identity_from` is the folder of the keys of another data directory, with what opens them: their identity key,
    /// and nothing else, is taken over, so that both agree on every keyed hash.
    ///
    /// A key file that is there is used, never overwritten.
    ///
    /// # Errors
    /// [`Error::Exists`] when there are keys already or parts of some, [`Error::PassphraseMissing`],
    /// [`Error::CommandMissing`], [`Error::Command`], [`Error::Random`], [`Error::File`], and what
    /// [`open`](Self::open) of `identity_from` says.
    pub fn create(
        dir: &Path,
        rng: &dyn SecureRandom,
        storage: Arc<dyn Storage>,
        kek: NewKek,
        access: &KekAccess,
        identity_from: Option<(&Path, &KekAccess)>,
    ) -> Result<Self, Error> {
        let folder = Folder { dir: dir.to_owned(), storage };
        if let Some(path) = folder.in_the_way()? {
            return Err(Error::Exists { path });
        }
        let identity = match identity_from {
            // Another process may be using them, so nothing of them is touched.
            Some((dir, access)) => Self::load(dir, folder.storage.clone(), access)?.secrets.identity,
            None => random(rng)?,
        };
        let secrets = Secrets {
            identity,
            slots: random(rng)?,
            tombstones: random(rng)?,
            ledger: random(rng)?,
            signing: random(rng)?,
            signing_before: None,
        };
        let trees: Trees = vec![Arc::new(PunctureTree::new(&Zeroizing::new(random(rng)?)))];
        std::fs::create_dir_all(dir).map_err(failed("create", dir))?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            folder.sync_directory(parent)?;
        }
        let kek = Kek::make(kek, dir, access, None, &*folder.storage, rng)?;
        let file = write_state(&folder, &kek, &secrets, &trees, Generation(1), rng)?;
        folder.put_in_force(&file).map_err(|failure| failure.error)?;
        Ok(Self { folder, kek, file, secrets, records: RecordKeys::new(trees), unfinished: false })
    }

    /// [`create`](Self::create) on the disk, under a key file beside the keys.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_with_file(dir: &Path, rng: &dyn SecureRandom) -> Result<Self, Error> {
        Self::create(dir, rng, Arc::new(Disk), NewKek::File, &KekAccess::default(), None)
    }

    /// Opens the keys in `dir` and finishes what an earlier change left unfinished.
    ///
    /// # Errors
    /// One variant of [`Error`] for each thing that can be wrong: the KEK missing, looser than 0600, malformed, or
    /// another one; the sealed keys missing, damaged, or of a later format; a command that fails.
    pub fn open(dir: &Path, storage: Arc<dyn Storage>, access: &KekAccess) -> Result<Self, Error> {
        let mut keys = Self::load(dir, storage, access)?;
        keys.settle()?;
        Ok(keys)
    }

    /// [`open`](Self::open) on the disk, with the key file beside the keys.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_file(dir: &Path) -> Result<Self, Error> {
        Self::open(dir, Arc::new(Disk), &KekAccess::default())
    }

    /// Opens the keys and changes nothing.
    fn load(dir: &Path, storage: Arc<dyn Storage>, access: &KekAccess) -> Result<Self, Error> {
        let folder = Folder { dir: dir.to_owned(), storage };
        let (file, path, state) = folder.read()?;
        let kek = Kek::open(&file, dir, access, &path)?;
        let key = kek.unwrap(&file, &path)?;
        let (secrets, trees) = state_file::open(state, file.generation, &key, &folder.state_path(file.generation))?;
        Ok(Self { folder, kek, file, secrets, records: RecordKeys::new(trees), unfinished: false })
    }

    /// What can be told about the keys in `dir` without a key. Changes nothing.
    ///
    /// # Errors
    /// [`Error::SealedMissing`], [`Error::SealedDamaged`] and [`Error::SealedFormat`] about `state.key`,
    /// [`Error::File`].
    pub fn status(dir: &Path) -> Result<Status, Error> {
        let folder = Folder { dir: dir.to_owned(), storage: Arc::new(Disk) };
        let (file, path) = folder.read_key()?;
        let kek = match file.provider {
            Provider::File => NewKek::File,
            Provider::Passphrase(_) => NewKek::Passphrase,
            Provider::Command => NewKek::Command,
        };
        Ok(Status {
            kek,
            generation: file.generation,
            state_bytes: file.state_bytes,
            state_is_whole: folder.state_is_whole(&file)?,
            is_unfinished: path != folder.key_path() || folder.is_unfinished(&file)?,
        })
    }

    /// Destroys the keys of records, in every key epoch, for all who hold [`records`](Self::records) and on the disk.
    /// Those that were destroyed before stay so. It is durable on return.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Random`], [`Error::Command`], [`Error::Unfinished`]. After an error all of the keys
    /// are destroyed or none; [`generation`](Self::generation) tells which. Where they are but something failed after,
    /// the old state may still be on the disk until the keys are opened again.
    pub fn erase(&mut self, births: &[Birth], rng: &dyn SecureRandom) -> Result<Generation, Error> {
        self.settle()?;
        if births.iter().all(|birth| self.records.is_erased(*birth)) {
            return Ok(self.generation());
        }
        let trees = self.records.trees().iter().map(|tree| Arc::new(tree.without(births))).collect();
        self.change(self.secrets.clone(), trees, rng)
    }

    /// Begins a new key epoch: later entries are sealed under keys that have nothing in common with those before. What
    /// was sealed before still opens, and what was erased stays erased.
    ///
    /// # Errors
    /// [`Error::EpochsUsedUp`], and as [`erase`](Self::erase).
    pub fn rotate_records(&mut self, rng: &dyn SecureRandom) -> Result<Generation, Error> {
        self.settle()?;
        let mut trees = self.records.trees();
        if trees.len() >= EPOCHS_MAX {
            return Err(Error::EpochsUsedUp);
        }
        let mut tree = PunctureTree::new(&Zeroizing::new(random(rng)?));
        if let Some(last) = trees.last() {
            tree.puncture(&last.punctured());
        }
        trees.push(Arc::new(tree));
        self.change(self.secrets.clone(), trees, rng)
    }

    /// Makes a new signing seed; the current becomes the previous one, and the previous one is gone.
    ///
    /// # Errors
    /// As [`erase`](Self::erase).
    pub fn rotate_signing(&mut self, rng: &dyn SecureRandom) -> Result<Generation, Error> {
        self.settle()?;
        let mut secrets = self.secrets.clone();
        secrets.signing_before = Some(secrets.signing);
        secrets.signing = random(rng)?;
        self.change(secrets, self.records.trees(), rng)
    }

    /// Destroys the previous signing seed; nothing when there is none.
    ///
    /// # Errors
    /// As [`erase`](Self::erase).
    pub fn retire_signing(&mut self, rng: &dyn SecureRandom) -> Result<Generation, Error> {
        self.settle()?;
        if self.secrets.signing_before.is_none() {
            return Ok(self.generation());
        }
        let mut secrets = self.secrets.clone();
        secrets.signing_before = None;
        self.change(secrets, self.records.trees(), rng)
    }

    /// Puts the keys under another key-encryption key. The state stays as it is; the key that was wrapped under the old
    /// one is overwritten, and so is an old key file in the folder of the keys. One elsewhere is the operator's to remove.
    ///
    /// # Errors
    /// [`Error::PassphraseMissing`], [`Error::CommandMissing`], and as [`erase`](Self::erase). After an error the keys
    /// are under the old key or the new one.
    pub fn rewrap(&mut self, new: NewKek, access: &KekAccess, rng: &dyn SecureRandom) -> Result<(), Error> {
        self.settle()?;
        let state_key = self.kek.unwrap(&self.file, &self.folder.key_path())?;
        let kek = Kek::make(new, &self.folder.dir, access, Some(&self.kek), &*self.folder.storage, rng)?;
        let mut file = self.file.clone();
        kek.wrap(&state_key, &mut file, rng)?;
        let put = self.folder.put_in_force(&file);
        if self.is_in_force(&put) {
            let old = std::mem::replace(&mut self.kek, kek);
            self.file = file;
            self.finish(put)?;
            return self.forget(&old);
        }
        self.finish(put)
    }

    /// Makes a state of the next generation and puts it in force.
    fn change(&mut self, secrets: Secrets, trees: Trees, rng: &dyn SecureRandom) -> Result<Generation, Error> {
        let generation = Generation(self.file.generation.0.saturating_add(1));
        let file = write_state(&self.folder, &self.kek, &secrets, &trees, generation, rng).inspect_err(|_| {
            // Gives the room back; what fails here is done by the next change or opening.
            let _ = self.folder.settle(&self.file);
        })?;
        let put = self.folder.put_in_force(&file);
        if self.is_in_force(&put) {
            self.records.replace(trees);
            self.secrets = secrets;
            self.file = file;
        }
        self.finish(put)?;
        Ok(generation)
    }

    fn is_in_force(&self, put: &Result<(), Failure>) -> bool {
        put.as_ref().err().is_none_or(|failure| failure.in_force)
    }

    /// Destroys what a change has put out of force.
    fn finish(&mut self, put: Result<(), Failure>) -> Result<(), Error> {
        match put {
            Ok(()) => self.settle(),
            Err(Failure { in_force, error }) => {
                self.unfinished = in_force;
                if !in_force {
                    // As above.
                    let _ = self.folder.settle(&self.file);
                }
                Err(error)
            }
        }
    }

    /// Finishes what was left of an earlier change.
    fn settle(&mut self) -> Result<(), Error> {
        if self.unfinished {
            return Err(Error::Unfinished);
        }
        let settled = self.folder.settle(&self.file).and_then(|()| self.settle_kek());
        // Keys that others changed say so each time.
        self.unfinished = matches!(&settled, Err(error) if !matches!(error, Error::Superseded));
        settled
    }

    /// Gives a new key file its place, or removes one that was never used.
    fn settle_kek(&mut self) -> Result<(), Error> {
        let forgotten = default_path(&self.folder.dir);
        if self.folder.is_overwritten(&forgotten)? && !self.kek.is_at(&forgotten) {
            self.folder.destroy(&forgotten)?;
        }
        let Kek::File { path, is_next, .. } = &mut self.kek else {
            return Ok(());
        };
        let next = next_path(path);
        if *is_next {
            self.folder.supersede(path, &next)?;
            *is_next = false;
        }
        [next.clone(), temporary(path), temporary(&next)].iter().try_for_each(|path| self.folder.destroy(path))
    }

    /// Destroys a key file in the folder of the keys that is no longer of use.
    fn forget(&mut self, old: &Kek) -> Result<(), Error> {
        let path = default_path(&self.folder.dir);
        if old.is_at(&path) && !self.kek.is_at(&path) { self.folder.destroy(&path) } else { Ok(()) }
    }

    /// The keyed hashes.
    pub fn identity(&self) -> IdentityKey {
        IdentityKey::new(&self.secrets.identity)
    }

    /// The keys of records. What is erased later is erased for it too.
    pub fn records(&self) -> RecordKeys {
        self.records.clone()
    }

    /// The keys that hide which records entries are about.
    pub fn slots(&self) -> SlotKeys {
        self.slots_of(self.ledger_id())
    }

    /// The same for a chain beside the ledger, which has an id of its own.
    pub fn slots_of(&self, chain: LedgerId) -> SlotKeys {
        SlotKeys::new(&self.secrets.slots, chain)
    }

    /// What makes tombstones.
    pub fn tombstones(&self) -> TombstoneKey {
        TombstoneKey::new(&self.secrets.tombstones)
    }

    /// What checkpoints are signed with.
    pub fn signing_seeds(&self) -> SigningSeeds {
        let Secrets { signing, signing_before, .. } = &self.secrets;
        SigningSeeds { current: Zeroizing::new(*signing), previous: signing_before.map(Zeroizing::new) }
    }

    /// What checkpoints are signed with: the key in force first, then the one before, until it is retired. Their name is
    /// `onefold/LEDGER-ID`.
    ///
    /// # Errors
    /// [`Error::Log`] when a seed gives no key.
    pub fn signing(&self) -> Result<Vec<SigningKey>, Error> {
        let name = format!("onefold/{}", self.ledger_id());
        let SigningSeeds { current, previous } = self.signing_seeds();
        let seeds = std::iter::once(current).chain(previous);
        Ok(seeds.map(|seed| SigningKey::from_seed(&name, seed)).collect::<Result<_, _>>()?)
    }

    /// The ledger that these keys belong to.
    pub fn ledger_id(&self) -> LedgerId {
        LedgerId(self.secrets.ledger)
    }

    /// The key epoch that new entries are sealed under.
    pub fn key_epoch(&self) -> KeyEpoch {
        self.records.current_epoch()
    }

    /// How many key epochs there are.
    pub fn epochs(&self) -> usize {
        usize::from(self.key_epoch().0) + 1
    }

    /// How many seeds the keys of records take, over all key epochs.
    pub fn seeds(&self) -> usize {
        self.records.seeds()
    }

    /// The state in force.
    pub fn generation(&self) -> Generation {
        self.file.generation
    }
}

/// Writes the state of a generation under a new state key, and gives what puts it in force.
fn write_state(
    folder: &Folder,
    kek: &Kek,
    secrets: &Secrets,
    trees: &Trees,
    generation: Generation,
    rng: &dyn SecureRandom,
) -> Result<KeyFile, Error> {
    let key = Zeroizing::new(random(rng)?);
    let state = state_file::seal(secrets, trees, generation, &key, rng)?;
    let mut file = KeyFile {
        generation,
        state_bytes: state.len() as u64,
        state_digest: digest(&state),
        provider: kek.provider(),
        check: [0; 16],
        nonce: [0; 12],
        wrapped: Vec::new(),
    };
    // Wrapped first: a command that fails leaves nothing behind.
    kek.wrap(&key, &mut file, rng)?;
    folder.write_state(generation, &state)?;
    Ok(file)
}
