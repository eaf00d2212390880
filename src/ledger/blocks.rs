//! The tree on disk, `ledger/blocks`: one row for every 256 entries, from which any proof is made without reading the
//! whole ledger.
//!
//! ```text
//! row   position u64 of the first entry | leaf before it 32 | root of the subtree over the 256 leaves 32     72 bytes
//! ```
//! What lies below a row is computed from the entries when it is asked for; what lies above, when the file is read. The
//! file is a cache: its roots are believed when the root that they give is the root of the ledger, else it is made anew;
//! where a block begins, when its entries have its root.
//!
//! In memory there are two digests for a row, 64 bytes for 256 entries.

use super::Position;
use super::chain::Run;
use super::error::{Damage, Error, Fault};
use super::kind::Header;
use super::leaf::{Logical, body_digest};
use super::runs::Runs;
use super::segment::{self, Frames, HEADER_BYTES, Stop, failed};
use super::tree::{Digest, Peaks};
use super::walk::stopped;
use crate::crypto::LedgerId;
use crate::encoding::storage::{Storage, create_anew, temporary};
use crate::model::Sequence;
use crate::tlog::{Nodes, node_hash, root};
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Entries of a block.
pub(super) const BLOCK: u64 = 1 << LEVEL;
/// Height of a block's subtree.
const LEVEL: u8 = 8;
const ROW_BYTES: usize = 72;

/// Where a block begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) position: Position,
    /// The leaf before its first entry.
    pub(super) before: Digest,
}

impl Start {
    /// That of the first block.
    pub(super) fn first() -> Self {
        Self { position: Position::new(0, HEADER_BYTES as u32), before: [0; 32] }
    }

    /// That of the block of which this is the first leaf.
    fn of(leaf: &Leaf) -> Self {
        Self { position: leaf.position, before: leaf.previous }
    }

    /// The row of the block that begins here.
    pub(super) fn row(&self, node: &Digest) -> [u8; ROW_BYTES] {
        let mut row = [0; ROW_BYTES];
        row[..8].copy_from_slice(&self.position.0.to_le_bytes());
        row[8..40].copy_from_slice(&self.before);
        row[40..].copy_from_slice(node);
        row
    }

    fn read(row: &[u8; ROW_BYTES]) -> (Self, Digest) {
        let (mut position, mut before, mut node) = ([0; 8], [0; 32], [0; 32]);
        position.copy_from_slice(&row[..8]);
        before.copy_from_slice(&row[8..40]);
        node.copy_from_slice(&row[40..]);
        (Self { position: Position(u64::from_le_bytes(position)), before }, node)
    }
}

/// The tree over the entries of a ledger, or over the first of them.
pub struct Tree {
    dir: PathBuf,
    runs: Runs,
    starts: Vec<Start>,
    /// Nodes of level 8 and up.
    levels: Vec<Vec<Digest>>,
    /// The block that follows the last whole one.
    next: Start,
    /// The leaves of the block that was looked into last.
    seen: RefCell<Option<(u64, Vec<Leaf>)>>,
}

/// An entry's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Where its frame begins.
    pub position: Position,
    /// The leaf before it.
    pub previous: Digest,
    /// The digest of the run that it was written in.
    pub run: Digest,
    /// Its own leaf.
    pub leaf: Digest,
}

impl Tree {
    /// The tree of the ledger in `dir` over its first `size` entries, which must have this root.
    ///
    /// # Errors
    /// [`Error::OtherRoot`] when they do not have it, [`Error::UnderCheckpoint`] when there are fewer,
    /// [`Error::Damaged`] where an entry does not read, [`Error::File`].
    pub fn open(dir: &Path, size: u64, expected: &Digest) -> Result<Self, Error> {
        let ledger = segment::ledger_id(dir)?;
        Self::with_runs(dir, ledger, Runs::load(dir, ledger)?, size, expected)
    }

    fn with_runs(dir: &Path, ledger: LedgerId, runs: Runs, size: u64, expected: &Digest) -> Result<Self, Error> {
        let mut tree = Self::load(dir, runs, size)?;
        if tree.complete(size).and_then(|()| root(&tree, size)).ok().as_ref() == Some(expected) {
            return Ok(tree);
        }
        // Rows or runs are not those of this ledger: all of it is read once.
        let mut tree = Self::new(dir, tree.runs);
        tree.runs.complete(dir, ledger, None)?;
        tree.complete(size).map_err(|error| tree.cut_short(error, size))?;
        let found = root(&tree, size).map_err(|error| tree.cut_short(error, size))?;
        if found != *expected { Err(Error::OtherRoot { size, expected: *expected, found }) } else { Ok(tree) }
    }

    fn new(dir: &Path, runs: Runs) -> Self {
        let seen = RefCell::new(None);
        Self { dir: dir.to_owned(), runs, starts: Vec::new(), levels: Vec::new(), next: Start::first(), seen }
    }

    /// What the file says of the first `size` entries.
    fn load(dir: &Path, runs: Runs, size: u64) -> Result<Self, Error> {
        let path = file(dir);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => {
                let rows = opened.map_err(failed("open", &path))?.take(size / BLOCK * ROW_BYTES as u64);
                { rows }.read_to_end(&mut bytes).map_err(failed("read", &path))?;
            }
        }
        let mut tree = Self::new(dir, runs);
        let (rows, _) = bytes.as_chunks::<ROW_BYTES>();
        for row in rows {
            let (start, node) = Start::read(row);
            tree.push(start, node);
        }
        // The place after the last row is not in the file: that block is looked through for it.
        if let Some(last) = tree.starts.len().checked_sub(1)
            && let (Some(start), Some(node)) = (tree.starts.get(last), tree.node_of(last))
        {
            match tree.read_leaves(*start, last as u64, BLOCK) {
                Ok((leaves, end)) if subtree(&leaves) == node => tree.next = end,
                _ => return Ok(Self::new(dir, tree.runs)),
            }
        }
        Ok(tree)
    }

    /// The directory of the segments.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The runs from the first, each with the place of the entry that began it.
    pub(super) fn runs(&self) -> &[(Run, Position)] {
        &self.runs.rows
    }

    fn push(&mut self, start: Start, node: Digest) {
        self.starts.push(start);
        let (mut level, mut node) = (0, node);
        loop {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(node);
            match nodes.as_slice() {
                [.., left, right] if nodes.len().is_multiple_of(2) => node = node_hash(left, right),
                _ => return,
            }
            level += 1;
        }
    }

    /// Reads the blocks that are missing.
    fn complete(&mut self, size: u64) -> Result<(), Error> {
        while (self.starts.len() as u64) < size / BLOCK {
            let (start, block) = (self.next, self.starts.len() as u64);
            let (leaves, end) = self.read_leaves(start, block, BLOCK)?;
            if (leaves.len() as u64) < BLOCK {
                return Err(Error::NoEntry { sequence: Sequence(block * BLOCK + leaves.len() as u64) });
            }
            self.push(start, subtree(&leaves));
            self.next = end;
        }
        Ok(())
    }

    /// Says of a ledger that lacks an entry under a checkpoint of `size` entries how many it has.
    fn cut_short(&self, error: Error, size: u64) -> Error {
        if !matches!(error, Error::NoEntry { .. }) {
            return error;
        }
        let block = self.starts.len() as u64;
        match self.read_leaves(self.next, block, BLOCK) {
            Ok((leaves, _)) => {
                let found = block * BLOCK + leaves.len() as u64;
                Error::UnderCheckpoint { size: found, signed: size, torn: None }
            }
            Err(error) => error,
        }
    }

    /// The leaves of a block, at most `count` of them, and where the entry after them stands.
    fn read_leaves(&self, start: Start, block: u64, count: u64) -> Result<(Vec<Leaf>, Start), Error> {
        let mut leaves = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
        let end = self.walk(start, block, count, |leaf, _| -> Result<(), Error> {
            leaves.push(leaf);
            Ok(())
        })?;
        Ok((leaves, end))
    }

    /// Goes through at most `count` entries from the first of a block, and gives where the one after them stands.
    fn walk<E: From<Error>>(
        &self,
        start: Start,
        block: u64,
        count: u64,
        mut visit: impl FnMut(Leaf, &Logical) -> Result<(), E>,
    ) -> Result<Start, E> {
        let mut at = start;
        let mut frames: Option<(u32, Frames)> = None;
        let first = block * BLOCK;
        let mut sequence = Sequence(first);
        while sequence.0 - first < count {
            let number = at.position.segment();
            let path = segment::path(&self.dir, number);
            let open = match frames.take().filter(|(open, _)| *open == number) {
                Some((_, open)) => open,
                None => {
                    let opened = if count > BLOCK { Frames::open(&path) } else { Frames::open_small(&path) };
                    let mut open = opened.map_err(failed("read", &path))?;
                    open.seek(at.position.offset().into()).map_err(failed("read", &path))?;
                    open
                }
            };
            let (_, open) = frames.insert((number, open));
            let Some(stored) = open.next().map_err(|stop| stopped(stop, &path, at.position, sequence))? else {
                if !segment::path(&self.dir, number + 1).exists() {
                    break;
                }
                at.position = Position::new(number + 1, HEADER_BYTES as u32);
                continue;
            };
            let (leaf, logical) =
                self.leaf_of(stored, at, sequence).map_err(|stop| stopped(stop, &path, at.position, sequence))?;
            visit(leaf, &logical)?;
            let offset = u32::try_from(open.offset()).unwrap_or(u32::MAX);
            at = Start { position: Position::new(number, offset), before: leaf.leaf };
            sequence = Sequence(sequence.0 + 1);
        }
        Ok(at)
    }

    /// The root over the leaves of a whole block, as its row says.
    fn node_of(&self, place: usize) -> Option<Digest> {
        self.levels.first()?.get(place).copied()
    }

    /// The leaves of a block. That its row says rightly where it begins is seen by the row's root, which is one of the
    /// tree; where it does not, the place is found from the last row before that does.
    fn block_leaves(&self, place: usize) -> Result<Vec<Leaf>, Error> {
        let Some(node) = self.node_of(place) else {
            return Ok(self.read_leaves(self.next, place as u64, BLOCK)?.0);
        };
        let mut first = place;
        let mut at = loop {
            let start = self.starts.get(first).filter(|_| first > 0).copied().unwrap_or(Start::first());
            match self.read_leaves(start, first as u64, BLOCK) {
                Ok((leaves, _)) if first == place && subtree(&leaves) == node => return Ok(leaves),
                Ok((leaves, end)) if self.node_of(first) == Some(subtree(&leaves)) => break end,
                Ok(_) if first == 0 => break start,
                Err(error) if first == 0 => return Err(error),
                _ => first -= 1,
            }
        };
        for block in first + 1..=place {
            let start = at;
            let (leaves, end) = self.read_leaves(start, block as u64, BLOCK)?;
            if block == place && subtree(&leaves) == node {
                return Ok(leaves);
            }
            at = end;
        }
        let (segment, offset) = (at.position.segment(), at.position.offset().into());
        let (sequence, damage) = (Sequence(place as u64 * BLOCK), Damage::Block);
        Err(Error::Damaged(Box::new(Fault { segment, offset, sequence, damage, later_commit: None })))
    }

    /// Hands over the leaves and logical entries from the first of a block of 256 up to `size` entries, in one pass over
    /// the segments. A logical entry is what its leaf is the hash of, 116 or 164 bytes without anything encrypted.
    ///
    /// # Errors
    /// [`Error::NoEntry`] when there are not so many, [`Error::Damaged`], [`Error::File`], and whatever `visit` gives.
    pub fn entries<E: From<Error>>(
        &self,
        block: u64,
        size: u64,
        mut visit: impl FnMut(Digest, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = size.saturating_sub(block.saturating_mul(BLOCK));
        if count == 0 {
            return Ok(());
        }
        let missing = |sequence| Error::NoEntry { sequence: Sequence(sequence) };
        let start = self.start(block)?.ok_or_else(|| missing(block.saturating_mul(BLOCK)))?;
        let mut seen = 0u64;
        self.walk(start, block, count, |leaf, logical| {
            seen += 1;
            visit(leaf.leaf, logical.bytes())
        })?;
        if seen < count { Err(missing(size - count + seen).into()) } else { Ok(()) }
    }

    /// Where a block begins, when all before it is known.
    fn start(&self, block: u64) -> Result<Option<Start>, Error> {
        match usize::try_from(block) {
            Ok(place) if place < self.starts.len() => Ok(self.block_leaves(place)?.first().map(Start::of)),
            Ok(place) if place == self.starts.len() => Ok(Some(self.next)),
            _ => Ok(None),
        }
    }

    fn leaf_of(&self, stored: &[u8], at: Start, expected: Sequence) -> Result<(Leaf, Logical), Stop> {
        let (header, body) = Header::read(stored)?;
        if header.sequence != expected {
            return Err(Damage::Sequence { expected, found: header.sequence }.into());
        }
        let run = usize::try_from(header.run).ok().and_then(|number| self.runs.rows.get(number));
        let run = run.map(|(run, _)| run.digest).ok_or(Damage::NotOpened)?;
        let logical = Logical::new(&at.before, &run, &header, &body_digest(&header, body)?);
        Ok((Leaf { position: at.position, previous: at.before, run, leaf: logical.leaf() }, logical))
    }

    /// An entry's place in the chain.
    ///
    /// # Errors
    /// [`Error::NoEntry`] when there is none of this sequence, [`Error::Damaged`], [`Error::File`].
    pub fn leaf(&self, sequence: Sequence) -> Result<Leaf, Error> {
        let (block, within) = (sequence.0 / BLOCK, sequence.0 % BLOCK);
        let mut seen = self.seen.borrow_mut();
        let within = usize::try_from(within).unwrap_or_default();
        if let Some((known, leaves)) = &*seen
            && *known == block
            && let Some(leaf) = leaves.get(within)
        {
            return Ok(*leaf);
        }
        let place = usize::try_from(block).ok().filter(|place| *place <= self.starts.len());
        let leaves = self.block_leaves(place.ok_or(Error::NoEntry { sequence })?)?;
        let leaf = leaves.get(within).copied().ok_or(Error::NoEntry { sequence });
        *seen = Some((block, leaves));
        leaf
    }
}

/// The root over leaves.
fn subtree(leaves: &[Leaf]) -> Digest {
    let mut peaks = Peaks::default();
    leaves.iter().for_each(|leaf| peaks.push(leaf.leaf));
    peaks.root()
}

impl Nodes for Tree {
    type Error = Error;

    fn node(&self, level: u8, index: u64) -> Result<Digest, Error> {
        if level >= LEVEL {
            let nodes = self.levels.get(usize::from(level - LEVEL));
            let node = usize::try_from(index).ok().and_then(|index| nodes?.get(index).copied());
            return node.ok_or(Error::NoEntry { sequence: Sequence(index << level) });
        }
        let first = index << level;
        let mut peaks = Peaks::default();
        for sequence in first..first + (1 << level) {
            peaks.push(self.leaf(Sequence(sequence))?.leaf);
        }
        Ok(peaks.root())
    }
}

/// Makes the file agree with the ledger, which has `size` entries and this root, and gives where its last block begins.
pub(super) fn mend(
    storage: &dyn Storage,
    dir: &Path,
    ledger: LedgerId,
    runs: Runs,
    size: u64,
    expected: &Digest,
) -> Result<Start, Error> {
    let tree = Tree::with_runs(dir, ledger, runs, size, expected)?;
    let mut bytes = Vec::with_capacity(tree.starts.len() * ROW_BYTES);
    for (start, node) in tree.starts.iter().zip(tree.levels.first().into_iter().flatten()) {
        bytes.extend_from_slice(&start.row(node));
    }
    let path = file(dir);
    let same_size = path.metadata().is_ok_and(|metadata| metadata.len() == bytes.len() as u64);
    if same_size && std::fs::read(&path).is_ok_and(|found| found == bytes) {
        return Ok(tree.next);
    }
    // It is a cache: nothing waits for the disk.
    let temporary = temporary(&path);
    let write = || {
        let file = create_anew(storage, &temporary, 0o600)?;
        storage.write(&file, &bytes)?;
        storage.rename(&temporary, &path)
    };
    write().map_err(failed("write", &path))?;
    Ok(tree.next)
}

/// Appends rows to the file.
pub(super) fn append(storage: &dyn Storage, dir: &Path, rows: &[u8]) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = file(dir);
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    opened.and_then(|file| storage.write(&file, rows)).map_err(failed("write", &path))
}

fn file(dir: &Path) -> PathBuf {
    dir.join("blocks")
}
