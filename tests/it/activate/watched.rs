//! A disk that keeps an image of a data directory before each call that is made to it: what a stop at that call leaves.

use crate::faults::Unsynced;
use crate::ledger_faults::copy;
use onefold::encoding::storage::Storage;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

#[derive(Debug)]
pub struct Watched {
    data: PathBuf,
    images: PathBuf,
    /// Those that were kept; none while nobody watches.
    kept: Mutex<Option<Vec<PathBuf>>>,
}

impl Watched {
    pub fn new(data: &Path, images: &Path) -> Self {
        Self { data: data.to_owned(), images: images.to_owned(), kept: Mutex::new(None) }
    }

    /// Keeps images from now on.
    pub fn begin(&self) {
        *self.kept.lock().unwrap() = Some(Vec::new());
    }

    /// The images, in the order of the calls; the last one is of after the last call.
    pub fn end(&self) -> Vec<PathBuf> {
        self.keep();
        self.kept.lock().unwrap().take().unwrap()
    }

    fn keep(&self) {
        let mut kept = self.kept.lock().unwrap();
        let Some(images) = kept.as_mut() else { return };
        let image = self.images.join(format!("image{}", images.len()));
        copy(&self.data, &image);
        images.push(image);
    }
}

impl Storage for Watched {
    fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        self.keep();
        Unsynced.create(path, mode)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.keep();
        Unsynced.write(file, bytes)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.keep();
        Unsynced.write_at(file, bytes, offset)
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        self.keep();
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.keep();
        Unsynced.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.keep();
        Unsynced.remove(path)
    }

    fn truncate(&self, file: &File, size_bytes: u64) -> io::Result<()> {
        self.keep();
        Unsynced.truncate(file, size_bytes)
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        self.keep();
        Ok(())
    }
}
