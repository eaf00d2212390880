//! The door to the disk for everything whose order matters: ledger, keys, checkpoints.
//!
//! What changes a durable file goes through [`Storage`], one call for one system call, so that a test can fail or stop
//! at each of them and look at what is left. Reading does not: what is read is checked by whoever reads it.
//!
//! INVARIANT: no durable file of ledger or keys is written, renamed, cut or removed but through here.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What is done to the disk. The methods are named after what a crash can come between.
pub trait Storage: Debug + Send + Sync {
    /// Makes a file that must not exist, with exactly this mode.
    ///
    /// # Errors
    /// Whatever the file system says; so do all others here.
    fn create(&self, path: &Path, mode: u32) -> io::Result<File>;
    /// Writes all of `bytes` where the file stands, which for files opened to append is their end.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()>;
    /// Writes all of `bytes` at a place of the file.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Waits until content and size of the file are on the disk (fdatasync).
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Gives the file another name, replacing what has it.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Sets the size of the file.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn truncate(&self, file: &File, size_bytes: u64) -> io::Result<()>;
    /// Makes names in a directory durable: those created, renamed and removed.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Storage for Disk {
    fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        // `create_new` so that nobody else's file, link or looser mode is taken over.
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        // Not narrowed by the umask.
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        Ok(file)
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn truncate(&self, file: &File, size_bytes: u64) -> io::Result<()> {
        file.set_len(size_bytes)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        File::open(directory)?.sync_all()
    }
}

/// Replaces a file whole: after a crash at any instruction there is the old file or the new one, never a part of it.
///
/// The order is: write `NAME.tmp`, fdatasync it, rename it over `NAME`, fsync the directory. What may be left behind is
/// a `NAME.tmp`, which the next write replaces and nobody reads.
///
/// # Errors
/// Whatever the file system says; `path` is then as it was, or, when only the last step failed, perhaps as it should be.
pub fn replace(storage: &dyn Storage, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = temporary(path);
    let file = create_anew(storage, &temporary, mode)?;
    storage.write(&file, bytes)?;
    storage.sync(&file)?;
    drop(file);
    storage.rename(&temporary, path)?;
    storage.sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// `NAME.tmp` beside `NAME`.
pub fn temporary(path: &Path) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Makes a temporary file, removing what an earlier stop left under its name.
///
/// # Errors
/// Whatever the file system says.
pub fn create_anew(storage: &dyn Storage, path: &Path, mode: u32) -> io::Result<File> {
    match path.symlink_metadata() {
        Ok(_) => storage.remove(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    storage.create(path, mode)
}
