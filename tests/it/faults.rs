//! A disk that fails on demand: every call of [`Storage`] is counted and written down, and one of them can be made to
//! fail, to be the last before a power cut, or to report a failure of what it did.
//!
//! Reading does not go through `Storage`, so what is left can be looked at as it is. The power cut is played, so no call
//! waits for the real disk.

use onefold::encoding::storage::{Disk, Storage};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Create(PathBuf),
    Write(usize),
    WriteAt(u64, usize),
    Sync,
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    Truncate(u64),
    SyncDirectory(PathBuf),
}

/// What happens to a call, which is named by its number from 0.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It fails and does nothing; later ones succeed.
    Fail(usize, i32),
    /// It and all later ones do nothing and fail.
    Crash(usize),
    /// It writes the first half of what it should, if it writes; then as [`Crash`](Self::Crash).
    Tear(usize),
    /// It does what it should and says that it failed; later ones succeed.
    PersistThenFail(usize),
}

/// No space left on the device.
pub const ENOSPC: i32 = 28;
/// Input or output error.
pub const EIO: i32 = 5;

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    fault: Option<Fault>,
}

/// A disk with at most one fault. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Faulty(Arc<Mutex<State>>);

impl Faulty {
    /// A disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// As what code takes.
    pub fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(self.clone())
    }

    /// Makes call `n`, counted from now, fail with this error number and do nothing.
    pub fn fail(&self, n: usize, errno: i32) {
        self.arm(Some(Fault::Fail(n, errno)));
    }

    /// Makes call `n`, counted from now, and all later ones fail and do nothing, as after a crash.
    pub fn crash(&self, n: usize) {
        self.arm(Some(Fault::Crash(n)));
    }

    /// As [`crash`](Self::crash), but when call `n` writes, the first half of it is written.
    pub fn tear(&self, n: usize) {
        self.arm(Some(Fault::Tear(n)));
    }

    /// Makes call `n`, counted from now, do what it should and report a failure.
    pub fn persist_then_fail(&self, n: usize) {
        self.arm(Some(Fault::PersistThenFail(n)));
    }

    /// Takes the fault away and begins to count anew.
    pub fn heal(&self) {
        self.arm(None);
    }

    /// The calls made since the disk was new, healed, or given its fault.
    pub fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().calls.clone()
    }

    fn arm(&self, fault: Option<Fault>) {
        *self.0.lock().unwrap() = State { calls: Vec::new(), fault };
    }

    /// Writes the call down and does it, or not. `half` is what a torn call does.
    fn call<T>(
        &self,
        call: Call,
        half: impl FnOnce() -> io::Result<()>,
        whole: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let (n, fault) = {
            let mut state = self.0.lock().unwrap();
            state.calls.push(call);
            (state.calls.len() - 1, state.fault)
        };
        let error = |errno| Err(io::Error::from_raw_os_error(errno));
        match fault {
            Some(Fault::Fail(at, errno)) if n == at => error(errno),
            Some(Fault::Crash(at)) if n >= at => error(EIO),
            Some(Fault::Tear(at)) if n >= at => {
                if n == at {
                    half()?;
                }
                error(EIO)
            }
            Some(Fault::PersistThenFail(at)) if n == at => whole().and_then(|_| error(EIO)),
            _ => whole(),
        }
    }
}

fn nothing() -> io::Result<()> {
    Ok(())
}

impl Storage for Faulty {
    fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        self.call(Call::Create(path.to_owned()), nothing, || Disk.create(path, mode))
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        let half = || Disk.write(file, &bytes[..bytes.len() / 2]);
        self.call(Call::Write(bytes.len()), half, || Disk.write(file, bytes))
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let half = || Disk.write_at(file, &bytes[..bytes.len() / 2], offset);
        self.call(Call::WriteAt(offset, bytes.len()), half, || Disk.write_at(file, bytes, offset))
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.call(Call::Sync, nothing, || Unsynced.sync(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(Call::Rename(from.to_owned(), to.to_owned()), nothing, || Disk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(Call::Remove(path.to_owned()), nothing, || Disk.remove(path))
    }

    fn truncate(&self, file: &File, size_bytes: u64) -> io::Result<()> {
        self.call(Call::Truncate(size_bytes), nothing, || Disk.truncate(file, size_bytes))
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.call(Call::SyncDirectory(directory.to_owned()), nothing, || Unsynced.sync_directory(directory))
    }
}

/// The file system, waited for by nobody: for tests that open a ledger thousands of times and cut no power.
#[derive(Clone, Copy, Debug)]
pub struct Unsynced;

impl Storage for Unsynced {
    fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        Disk.create(path, mode)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        Disk.write(file, bytes)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        Disk.write_at(file, bytes, offset)
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn truncate(&self, file: &File, size_bytes: u64) -> io::Result<()> {
        Disk.truncate(file, size_bytes)
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn each_fault_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let disk = Faulty::new();
    let file = disk.create(&path, 0o600).unwrap();
    let write = |n: u8| disk.write(&file, &[n; 4]).map_err(|error| error.raw_os_error().unwrap());
    let read = || std::fs::read(&path).unwrap();
    disk.fail(1, ENOSPC);
    assert_eq!([write(1), write(2), write(3)], [Ok(()), Err(ENOSPC), Ok(())]);
    assert_eq!(disk.calls(), [Call::Write(4), Call::Write(4), Call::Write(4)]);
    assert_eq!(read(), [1, 1, 1, 1, 3, 3, 3, 3]);
    disk.persist_then_fail(0);
    assert_eq!([write(4), write(5)], [Err(EIO), Ok(())]);
    assert_eq!(read()[8..], [4, 4, 4, 4, 5, 5, 5, 5]);
    disk.crash(1);
    assert_eq!([write(6), write(7), write(8)], [Ok(()), Err(EIO), Err(EIO)]);
    assert_eq!(read()[16..], [6, 6, 6, 6]);
    disk.tear(0);
    assert_eq!([write(9), write(10)], [Err(EIO), Err(EIO)]);
    assert_eq!(read()[20..], [9, 9]);
    disk.heal();
    assert_eq!(write(11), Ok(()));
    let renamed = folder.path().join("renamed");
    disk.rename(&path, &renamed).unwrap();
    disk.sync_directory(folder.path()).unwrap();
    disk.sync(&file).unwrap();
    disk.truncate(&file, 1).unwrap();
    disk.write_at(&file, &[7], 1).unwrap();
    assert_eq!(std::fs::read(&renamed).unwrap(), [1, 7]);
    disk.remove(&renamed).unwrap();
    assert_eq!(disk.calls().len(), 7);
}
