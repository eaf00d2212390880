//! The data directory: where things lie in it, its lock, and how a new one is made.
//!
//! ```text
//! DATA/lock      held by the process that has the directory open
//! DATA/keys/     the keyring; by default also the key file `kek` (mode 0600)
//! DATA/policy/   the bundle in force, as it was given
//! DATA/ledger/   segments of the ledger
//! DATA/reads/    who read what of whom, a ledger a month (`reads`)
//! DATA/index/    the index, which can be rebuilt from the ledger
//! DATA/index.remains   there while rows that were removed from the index may still stand in its files
//! ```
//!
//! INVARIANT: `ledger` is made last, so that a directory that has one was made whole.

use super::Error;
use crate::policy::Bundle;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// How often a directory is tried to be removed that is being written to.
const REMOVALS_MAX: u32 = 1_000;

/// A data directory that this process holds.
#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
    /// Released when dropped.
    _lock: File,
}

impl Directory {
    /// Takes hold of an existing data directory.
    pub fn open(root: &Path) -> Result<Self, Error> {
        // Looked for first, so that no lock is left in a folder that is something else.
        if !root.join("ledger").is_dir() {
            return Err(Error::NotInitialised { path: root.to_owned() });
        }
        Self::lock(root)
    }

    /// Takes hold of a directory that is empty or does not exist yet.
    pub fn create(root: &Path) -> Result<Self, Error> {
        match fs::read_dir(root).map(|entries| entries.count()) {
            Ok(1..) => {
                let made = root.join("ledger").is_dir();
                let path = root.to_owned();
                return Err(if made { Error::AlreadyInitialised { path } } else { Error::NotEmpty { path } });
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                fs::create_dir_all(root).map_err(|source| Error::io("create the directory", root, source))?;
            }
            Err(source) => return Err(Error::io("read the directory", root, source)),
        }
        restrict(root)?;
        Self::lock(root)
    }

    fn lock(root: &Path) -> Result<Self, Error> {
        if !root.is_dir() {
            return Err(Error::NotInitialised { path: root.to_owned() });
        }
        let path = root.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| Error::io("open the lock", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { root: root.to_owned(), _lock: file }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { path: root.to_owned() }),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", &path, source)),
        }
    }

    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    pub fn policy(&self) -> PathBuf {
        self.root.join("policy")
    }

    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    pub fn reads(&self) -> PathBuf {
        self.root.join("reads")
    }

    pub fn index(&self) -> PathBuf {
        self.root.join("index")
    }

    /// Where an index that was found damaged is moved to.
    pub fn index_aside(&self) -> PathBuf {
        self.root.join("index.damaged")
    }

    /// Where an index is written that is to replace the one in use.
    pub fn index_new(&self) -> PathBuf {
        self.root.join("index.new")
    }

    fn index_remains(&self) -> PathBuf {
        self.root.join("index.remains")
    }

    /// Remembers, durably, that removed rows may stand in the files of the index until it is written anew.
    pub fn note_remains(&self) -> Result<(), Error> {
        let path = self.index_remains();
        let note = || {
            File::options().create(true).truncate(false).write(true).open(&path)?.sync_all()?;
            File::open(&self.root)?.sync_all()
        };
        note().map_err(|source| Error::io("write", &path, source))
    }

    /// Whether the index is to be written anew.
    pub fn has_remains(&self) -> bool {
        self.index_remains().exists()
    }

    /// Puts the index that was written anew in the place of the old one, of which nothing is left.
    pub fn swap_index(&self) -> Result<(), Error> {
        // A stop in between leaves no index, which is then built from the ledger.
        Self::remove(&self.index())?;
        Self::remove(&self.index_aside())?;
        let (from, to) = (self.index_new(), self.index());
        fs::rename(&from, &to).map_err(|source| Error::io("rename the index", &from, source))?;
        let sync = || File::open(&self.root)?.sync_all();
        sync().map_err(|source| Error::io("sync", &self.root, source))?;
        let remains = self.index_remains();
        match fs::remove_file(&remains) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", &remains, source)),
            _ => Ok(()),
        }
    }

    /// Removes a directory with all in it, where it is.
    pub fn remove(path: &Path) -> Result<(), Error> {
        use std::io::ErrorKind::{DirectoryNotEmpty, NotFound};
        // A store that was just closed may still be putting its last file there.
        for attempt in 1.. {
            match fs::remove_dir_all(path) {
                Err(source) if source.kind() == DirectoryNotEmpty && attempt < REMOVALS_MAX => std::thread::yield_now(),
                Err(source) if source.kind() != NotFound => return Err(Error::io("remove", path, source)),
                _ => break,
            }
        }
        Ok(())
    }

    /// Keeps the bundle in the directory.
    pub fn write_policy(&self, bundle: &Bundle) -> Result<(), Error> {
        let folder = self.policy();
        // The names are those of a compiled bundle: plain ones, at most one folder deep.
        let mut folders = vec![folder.clone()];
        folders.extend(
            bundle.files.iter().filter_map(|(name, _)| name.split_once('/')).map(|(inner, _)| folder.join(inner)),
        );
        folders.dedup();
        for folder in &folders {
            fs::create_dir_all(folder).map_err(|source| Error::io("create the directory", folder, source))?;
        }
        for (name, text) in &bundle.files {
            let path = folder.join(name);
            let write = || {
                let mut file = File::create(&path)?;
                file.write_all(text.as_bytes())?;
                file.sync_all()
            };
            write().map_err(|source| Error::io("write", &path, source))?;
        }
        // Inner ones first, so that what the outer one names is there.
        for folder in folders.iter().rev() {
            let sync = || File::open(folder)?.sync_all();
            sync().map_err(|source| Error::io("sync", folder, source))?;
        }
        Ok(())
    }
}

/// Only the owner may enter.
#[cfg(unix)]
fn restrict(root: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(root, fs::Permissions::from_mode(0o700))
        .map_err(|source| Error::io("restrict the mode of", root, source))
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> Result<(), Error> {
    Ok(())
}
