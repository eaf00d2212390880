//! A ledger as other people's tools read a log: a folder of C2SP tlog-tiles with a checkpoint, which any static file
//! server can hand out.
//!
//! ```text
//! LOG/checkpoint               the signed note, written last
//! LOG/tile/<L>/<N>[.p/<W>]     hashes of subtrees
//! LOG/tile/entries/<N>[.p/<W>] logical entries: all that a leaf is the hash of, and nothing that was encrypted
//! ```
//! The checkpoint in the folder says how far it was written. What is beyond is written, or written again after a stop;
//! full tiles under it never change and are left alone.
//!
//! INVARIANT: every tile under a checkpoint is durable before the checkpoint is, and a folder whose checkpoint does not
//! lead to this ledger is left as it is.

use crate::encoding::storage::{Disk, Storage, create_anew, replace, temporary};
use crate::ledger::{self, Tree};
use crate::tlog::tiles::{TILE_WIDTH, entry_tiles, hash_tiles, write_entries, write_hashes};
use crate::tlog::{self, Checkpoint, Digest, Nodes, SignedNote, Tile, TileKind};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The name of the checkpoint in the folder.
const CHECKPOINT: &str = "checkpoint";
/// Files of the folder are for everybody to read.
const MODE: u32 = 0o644;
/// More than any checkpoint has.
const CHECKPOINT_BYTES_MAX: u64 = 1 << 20;

/// Why a log could not be published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be used.
    #[error("cannot {action} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder holds another log, or one that this ledger does not go on from.
    #[error("the log in `{}` is not the beginning of this ledger: {what}; nothing was written", path.display())]
    OtherLog {
        /// The folder.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// Leaves of the ledger are not those that the checkpoint was signed over.
    #[error("the entries from {sequence} on are not those that the checkpoint was signed over")]
    OtherEntries {
        /// The first of them.
        sequence: u64,
    },
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A checkpoint or tile is malformed.
    #[error(transparent)]
    Format(#[from] tlog::Error),
}

/// What was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Over how many entries the folder was before.
    pub from: u64,
    /// Over how many it is now.
    pub to: u64,
    /// How many tiles were written, partial ones included.
    pub tiles: u64,
}

/// Brings the log in `folder`, which is made where it is missing, to this checkpoint; `tree` is that of its entries.
/// `progress` is told how many entries have been written, of how many.
///
/// # Errors
/// [`Error::OtherLog`] when what lies there is not the beginning of this ledger; [`Error::OtherEntries`],
/// [`Error::Ledger`], [`Error::Format`], [`Error::File`], after any of which the folder's checkpoint is the one before.
pub fn publish(
    folder: &Path,
    tree: &Tree,
    note: &SignedNote,
    mut progress: impl FnMut(u64, u64),
) -> Result<Published, Error> {
    let checkpoint = Checkpoint::parse(note.text().as_bytes())?;
    let to = checkpoint.size();
    let from = published(folder, tree, &checkpoint)?;
    let mut log = Log { folder, written: Vec::new(), folders: BTreeSet::new() };
    write_bundles(&mut log, tree, from, to, &mut progress)?;
    for tile in hash_tiles(from, to).filter(|tile| !matches!(tile.kind(), TileKind::Hashes { level: 0 })) {
        log.write(&tile, &write_hashes(tree, &tile)?)?;
    }
    let tiles = log.written.len() as u64;
    log.sync()?;
    let path = folder.join(CHECKPOINT);
    replace(&Disk, &path, note.to_text().as_bytes(), MODE).map_err(failed("write", &path))?;
    Ok(Published { from, to, tiles })
}

/// Over how many entries the folder is, after the check that they are the first of this ledger.
fn published(folder: &Path, tree: &Tree, now: &Checkpoint) -> Result<u64, Error> {
    use io::Read;
    let path = folder.join(CHECKPOINT);
    let other = |what: String| Error::OtherLog { path: folder.to_owned(), what };
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        opened => opened.map_err(failed("read", &path))?,
    };
    let mut bytes = Vec::new();
    file.take(CHECKPOINT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed("read", &path))?;
    let before = SignedNote::parse(&bytes).and_then(|note| Checkpoint::parse(note.text().as_bytes()));
    let before = before.map_err(|error| other(error.to_string()))?;
    if before.origin() != now.origin() {
        return Err(other(format!("its checkpoint is one of `{}`", before.origin())));
    }
    if before.size() > now.size() {
        return Err(other(format!("it has {} entries, and the ledger {}", before.size(), now.size())));
    }
    if tlog::root(tree, before.size())? != *before.root() {
        return Err(other(format!("its root over the first {} entries is another one", before.size())));
    }
    Ok(before.size())
}

/// Writes the bundles of entries and the tiles of their leaves, in one pass over the ledger.
fn write_bundles(
    log: &mut Log,
    tree: &Tree,
    from: u64,
    to: u64,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), Error> {
    let mut bundles = entry_tiles(from, to);
    let Some(mut bundle) = bundles.next() else { return Ok(()) };
    let first = bundle.index();
    let (mut leaves, mut entries): (Vec<Digest>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    tree.entries(first, to, |leaf, entry| -> Result<(), Error> {
        leaves.push(leaf);
        entries.push(entry.to_vec());
        if entries.len() < usize::from(bundle.width()) {
            return Ok(());
        }
        check(tree, &bundle, &leaves)?;
        log.write(&bundle, &write_entries(&entries)?)?;
        let hashes = Tile::new(TileKind::Hashes { level: 0 }, bundle.index(), bundle.width())?;
        log.write(&hashes, leaves.as_flattened())?;
        progress(bundle.index() * u64::from(TILE_WIDTH) + u64::from(bundle.width()), to);
        leaves.clear();
        entries.clear();
        if let Some(next) = bundles.next() {
            bundle = next;
        }
        Ok(())
    })
}

/// Whether leaves that were just read are those of the tree: what the checkpoint was signed over.
fn check(tree: &Tree, bundle: &Tile, leaves: &[Digest]) -> Result<(), Error> {
    let found: tlog::LeafTree = leaves.iter().copied().collect();
    let first = bundle.index() * u64::from(TILE_WIDTH);
    // The complete subtrees of a bundle are those of the tree, whole or partial.
    let (mut at, width) = (0u64, u64::from(bundle.width()));
    for level in (0..=8u8).rev().filter(|level| width >> level & 1 == 1) {
        let (here, there) = (at >> level, (first + at) >> level);
        let (expected, found) = (tree.node(level, there)?, found.node(level, here)?);
        if expected != found {
            return Err(Error::OtherEntries { sequence: first + at });
        }
        at += 1 << level;
    }
    Ok(())
}

/// A log that is being written.
struct Log<'a> {
    folder: &'a Path,
    written: Vec<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl Log<'_> {
    /// Writes a tile under its name, whole, but not yet durable.
    fn write(&mut self, tile: &Tile, bytes: &[u8]) -> Result<(), Error> {
        let path = self.folder.join(tile.to_string());
        let parent = path.parent().unwrap_or(self.folder).to_owned();
        if !self.folders.contains(&parent) {
            fs::create_dir_all(&parent).map_err(failed("create", &parent))?;
            let within = parent.ancestors().take_while(|folder| *folder != self.folder).map(Path::to_owned);
            self.folders.extend(within.chain([self.folder.to_owned()]));
        }
        let anew = temporary(&path);
        let write = || {
            let file = create_anew(&Disk, &anew, MODE)?;
            Disk.write(&file, bytes)?;
            Disk.rename(&anew, &path)
        };
        write().map_err(failed("write", &path))?;
        self.written.push(path);
        Ok(())
    }

    /// Makes all that was written durable. By now the system has most of it on the disk, so that waiting is short.
    fn sync(&self) -> Result<(), Error> {
        for path in &self.written {
            File::open(path).and_then(|file| file.sync_all()).map_err(failed("sync", path))?;
        }
        for folder in self.folders.iter().rev() {
            Disk.sync_directory(folder).map_err(failed("sync", folder))?;
        }
        Ok(())
    }
}

/// Gives an error its file.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File { action, path: path.to_owned(), source }
}
