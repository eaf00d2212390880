//! The folder of the keys, and the order in which it is changed.
//!
//! ```text
//! kek              the key-encryption key, when it is kept here; `kek.next`, see `kek`
//! state-00000007   the state of generation 7, sealed under a state key of its own
//! state.key        that state key, wrapped by the key-encryption key
//!
//! 1 write state-00000008, fdatasync                     5 rename state.key.tmp over state.key: the point of no return
//! 2 write state.key.tmp, fdatasync                      6 fsync the folder
//! 3 fsync the folder                                    7 overwrite state.key.old with zeros, fdatasync, remove
//! 4 rename state.key to state.key.old                   8 remove state-00000007, fsync the folder
//! ```
//! The old wrapped key is moved aside, not replaced, so that it has a name until it is overwritten: a crash after step 5
//! leaves `state.key.old`, and the next opening overwrites it. A crash between 4 and 5 leaves no `state.key`; then
//! `state.key.old` is in force, and is given its name back.
//!
//! Overwriting reaches what the file system and the disk put in the same place. One that copies on write, keeps
//! snapshots, or a disk that moves its blocks may keep the old bytes for a while, and so does every backup. What opens
//! them is the old KEK: where that matters, keep the folder on a plain disk, the KEK elsewhere, and `rewrap` in time.
//!
//! INVARIANT: nothing is overwritten or removed before what replaces it is durable under its name.

use super::error::Error;
use super::ids::Generation;
use super::kek::KEK_FILE_BYTES;
use super::key_file::{FILE_BYTES_MAX, KeyFile};
use crate::encoding::storage::{Storage, create_anew, temporary};
use ring::digest::{Context, SHA256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The file that names the state in force.
pub(super) const KEY_NAME: &str = "state.key";
const STATE_PREFIX: &str = "state-";
/// How often a state is looked for that another process may just be replacing.
const READS_MAX: usize = 3;

/// A folder of keys.
pub(super) struct Folder {
    pub dir: PathBuf,
    pub storage: Arc<dyn Storage>,
}

/// A change that failed.
pub(super) struct Failure {
    /// Whether it failed so late that the new `state.key` is in force.
    pub in_force: bool,
    pub error: Error,
}

impl Folder {
    pub fn key_path(&self) -> PathBuf {
        self.dir.join(KEY_NAME)
    }

    fn old_path(&self) -> PathBuf {
        self.dir.join("state.key.old")
    }

    pub fn state_path(&self, generation: Generation) -> PathBuf {
        self.dir.join(format!("{STATE_PREFIX}{:08}", generation.0))
    }

    /// The `state.key` in force, and where it was read.
    pub fn read_key(&self) -> Result<(KeyFile, PathBuf), Error> {
        for path in [self.key_path(), self.old_path()] {
            if let Some(bytes) = read(&path, FILE_BYTES_MAX as u64 + 1)? {
                return Ok((KeyFile::from_bytes(&bytes, &path)?, path));
            }
        }
        Err(Error::SealedMissing { path: self.key_path() })
    }

    /// The `state.key` in force, where it was read, and the state file that it names, whole.
    pub fn read(&self) -> Result<(KeyFile, PathBuf, Vec<u8>), Error> {
        let (mut file, mut path) = self.read_key()?;
        for _ in 1..READS_MAX {
            match self.read_state(&file) {
                Ok(state) => return Ok((file, path, state)),
                Err(error) => {
                    let (now, now_path) = self.read_key()?;
                    if now == file {
                        return Err(error);
                    }
                    (file, path) = (now, now_path);
                }
            }
        }
        self.read_state(&file).map(|state| (file, path, state))
    }

    fn read_state(&self, file: &KeyFile) -> Result<Vec<u8>, Error> {
        let path = self.state_path(file.generation);
        let damaged = |what| Error::SealedDamaged { path: path.clone(), what };
        let size = std::fs::metadata(&path).map(|metadata| metadata.len());
        if matches!(size, Ok(size) if size != file.state_bytes) {
            return Err(damaged("it has another size than it was written with"));
        }
        let bytes = read(&path, file.state_bytes)?.ok_or_else(|| Error::SealedMissing { path: path.clone() })?;
        if digest(&bytes) == file.state_digest { Ok(bytes) } else { Err(damaged("its checksum does not match")) }
    }

    /// Whether the state file that `file` names is whole. Reads it piece by piece.
    pub fn state_is_whole(&self, file: &KeyFile) -> Result<bool, Error> {
        let path = self.state_path(file.generation);
        let mut state = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(failed("read", &path))?.take(file.state_bytes.saturating_add(1)),
        };
        let (mut context, mut piece, mut size) = (Context::new(&SHA256), vec![0; 1 << 16], 0u64);
        loop {
            let count = state.read(&mut piece).map_err(failed("read", &path))?;
            if count == 0 {
                return Ok(size == file.state_bytes && context.finish().as_ref() == file.state_digest);
            }
            size = size.saturating_add(count as u64);
            context.update(piece.get(..count).unwrap_or_default());
        }
    }

    /// Makes the state of a generation durable; it is not in force yet.
    pub fn write_state(&self, generation: Generation, bytes: &[u8]) -> Result<(), Error> {
        self.write(&self.state_path(generation), bytes)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let write = || {
            let file = create_anew(&*self.storage, path, 0o600)?;
            self.storage.write(&file, bytes)?;
            self.storage.sync(&file)
        };
        write().map_err(failed("write", path))
    }

    /// Puts `file` in force: steps 2 to 6.
    pub fn put_in_force(&self, file: &KeyFile) -> Result<(), Failure> {
        let (path, bytes) = (self.key_path(), file.to_bytes());
        let prepare = || {
            self.write(&temporary(&path), &bytes)?;
            self.sync()?;
            if path.exists() { self.rename(&path, &self.old_path()) } else { Ok(()) }
        };
        prepare().map_err(|error| Failure { in_force: false, error })?;
        self.rename(&temporary(&path), &path).and_then(|()| self.sync()).map_err(|error| {
            // A rename that reports a failure may have been done all the same.
            let found = read(&path, FILE_BYTES_MAX as u64 + 1).ok().flatten();
            Failure { in_force: found.as_ref() == Some(&bytes), error }
        })
    }

    /// Finishes what a crash or a failure left of an earlier change: steps 7 and 8, or back to before step 1.
    /// `file` must have been opened; nothing is touched when something else is in force.
    pub fn settle(&self, file: &KeyFile) -> Result<(), Error> {
        if self.read_key()?.0 != *file {
            return Err(Error::Superseded);
        }
        let (path, old) = (self.key_path(), self.old_path());
        if is_there(&old) {
            if is_there(&path) {
                // It may be that the rename was not durable before.
                self.sync()?;
                self.destroy(&old)?;
            } else {
                self.rename(&old, &path)?;
                self.sync()?;
            }
        }
        self.destroy(&temporary(&path))?;
        let in_force = self.state_path(file.generation);
        let stale: Vec<PathBuf> = self.states()?.into_iter().filter(|state| *state != in_force).collect();
        for state in &stale {
            self.storage.remove(state).map_err(failed("remove", state))?;
        }
        if stale.is_empty() { Ok(()) } else { self.sync() }
    }

    /// Whether [`settle`](Self::settle) has anything to do.
    pub fn is_unfinished(&self, file: &KeyFile) -> Result<bool, Error> {
        let left = is_there(&self.old_path()) || is_there(&temporary(&self.key_path()));
        let in_force = self.state_path(file.generation);
        Ok(left || self.states()?.iter().any(|state| *state != in_force))
    }

    /// Every state file that lies here, sorted.
    pub fn states(&self) -> Result<Vec<PathBuf>, Error> {
        let mut states = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(failed("read", &self.dir))? {
            let name = entry.map_err(failed("read", &self.dir))?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(STATE_PREFIX));
            if number.is_some_and(|number| number.len() >= 8 && number.bytes().all(|byte| byte.is_ascii_digit())) {
                states.push(self.dir.join(name));
            }
        }
        states.sort();
        Ok(states)
    }

    /// The files that show that there are keys here, or were.
    pub fn in_the_way(&self) -> Result<Option<PathBuf>, Error> {
        if let Some(path) = [self.key_path(), self.old_path()].into_iter().find(|path| is_there(path)) {
            return Ok(Some(path));
        }
        Ok(if is_there(&self.dir) { self.states()?.into_iter().next() } else { None })
    }

    /// Overwrites a file with zeros and removes it; nothing when it is not there.
    pub fn destroy(&self, path: &Path) -> Result<(), Error> {
        if !is_there(path) {
            return Ok(());
        }
        self.overwrite(path)?;
        self.storage.remove(path).map_err(failed("remove", path))?;
        self.sync_directory(path.parent().unwrap_or(&self.dir))
    }

    /// Whether a file is there that was begun to be overwritten and then not removed.
    pub fn is_overwritten(&self, path: &Path) -> Result<bool, Error> {
        let bytes = read(path, KEK_FILE_BYTES as u64)?.map(Zeroizing::new);
        Ok(bytes.is_some_and(|bytes| bytes.first() == Some(&0)))
    }

    /// Overwrites a file with zeros.
    fn overwrite(&self, path: &Path) -> Result<(), Error> {
        let overwrite = || {
            let file = OpenOptions::new().write(true).open(path)?;
            let size = file.metadata()?.len().min(FILE_BYTES_MAX.max(KEK_FILE_BYTES) as u64);
            self.storage.write_at(&file, &vec![0; usize::try_from(size).unwrap_or(FILE_BYTES_MAX)], 0)?;
            self.storage.sync(&file)
        };
        overwrite().map_err(failed("overwrite", path))
    }

    /// Overwrites `path`, which may be missing, and gives its name to `next`.
    pub fn supersede(&self, path: &Path, next: &Path) -> Result<(), Error> {
        if is_there(path) {
            self.overwrite(path)?;
        }
        self.rename(next, path)?;
        self.sync_directory(path.parent().unwrap_or(&self.dir))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Error> {
        self.storage.rename(from, to).map_err(failed("rename", from))
    }

    fn sync(&self) -> Result<(), Error> {
        self.sync_directory(&self.dir)
    }

    pub fn sync_directory(&self, dir: &Path) -> Result<(), Error> {
        self.storage.sync_directory(dir).map_err(failed("sync", dir))
    }
}

/// SHA-256.
pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    ring::digest::digest(&SHA256, bytes).as_ref().try_into().expect("a SHA-256 digest has 32 bytes")
}

/// For `map_err` of what is done to a file.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File { action, path: path.to_owned(), source }
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// At most so many bytes of a file; `None` when it is not there.
fn read(path: &Path, size_bytes_max: u64) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed("read", path))?,
    };
    let mut bytes = Vec::new();
    file.take(size_bytes_max).read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(Some(bytes))
}
