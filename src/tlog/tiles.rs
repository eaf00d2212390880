//! Tiles (C2SP tlog-tiles): a log as files that never change, each with up to 256 hashes of one level or up to 256
//! entries.
//!
//! ```text
//! tile/<L>/<N>[.p/<W>]        W × 32 bytes; hash i is that of the complete subtree i + 256 × N of 256^L leaves
//! tile/entries/<N>[.p/<W>]    W × (2-byte big-endian length ‖ entry)
//! N: decimal in groups of three digits, all but the last after an `x`: 1234067 is `x001/x234/067`
//! W: 1 to 255 of a partial tile; a full one has 256
//! ```
//!
//! What a tile says is not authenticated: whoever reads it compares the root with a signed one.

use super::Error;
use super::merkle::{Digest, Nodes, node_hash};
use std::fmt;

/// Hashes or entries of a full tile.
pub const TILE_WIDTH: u16 = 256;
/// Levels of the tree in a level of tiles.
const TILE_HEIGHT: u8 = 8;
/// Levels of tiles that a tree can have whose size fits in 64 bits.
const TILE_LEVELS: u8 = 8;
/// The highest level that a path may name.
const LEVEL_MAX: u8 = 63;
/// Bytes of the longest path: the highest index has seven groups.
const PATH_BYTES_MAX: usize = "tile/entries/x018/x446/x744/x073/x709/x551/615.p/255".len();

fn malformed(why: &'static str) -> Error {
    Error::Malformed { what: "tile", why }
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TileKind {
    /// Hashes of subtrees of `256^level` leaves.
    Hashes {
        /// 0 to 63.
        level: u8,
    },
    /// The entries themselves.
    Entries,
}

/// The name of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl Tile {
    /// A tile by what it holds, its place among its like, and how many hashes or entries it has.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the level is above 63 or the width is not 1 to 256.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, Error> {
        if matches!(kind, TileKind::Hashes { level } if level > LEVEL_MAX) {
            return Err(malformed("the level is above 63"));
        }
        if !(1..=TILE_WIDTH).contains(&width) {
            return Err(malformed("the width is not 1 to 256"));
        }
        Ok(Self { kind, index, width })
    }

    /// Reads a path, relative to the log's prefix.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(path: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(path).ok().filter(|text| text.len() <= PATH_BYTES_MAX);
        let tile = text.and_then(read_path).filter(|tile| Some(tile.to_string().as_str()) == text);
        tile.ok_or_else(|| malformed("the path is not that of a tile"))
    }

    /// What it holds.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Its place among the tiles of its kind and level.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it has, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it will never be replaced by a wider one.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }
}

/// The tile of a path, which may be spelled in another way than the tile would.
fn read_path(path: &str) -> Option<Tile> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = if kind == "entries" { TileKind::Entries } else { TileKind::Hashes { level: kind.parse().ok()? } };
    let (groups, width) = match rest.split_once(".p/") {
        Some((groups, width)) => (groups, width.parse().ok()?),
        None => (rest, TILE_WIDTH),
    };
    let index = groups.split('/').try_fold(0u64, |index, group| {
        let group = group.strip_prefix('x').unwrap_or(group);
        index.checked_mul(1000)?.checked_add(group.parse::<u16>().ok()?.into())
    })?;
    Tile::new(kind, index, width).ok()
}

/// The path.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let groups = self.index.checked_ilog(1000).unwrap_or(0);
        for group in (1..=groups).rev() {
            write!(f, "x{:03}/", self.index / 1000u64.pow(group) % 1000)?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// The tiles of hashes that a tree of `to` leaves has and one of `from` leaves has not, by level and index: all that
/// is to be written as a tree grows, and from 0 all that there are.
pub fn hash_tiles(from: u64, to: u64) -> impl Iterator<Item = Tile> {
    (0..TILE_LEVELS).flat_map(move |level| {
        let shift = u32::from(TILE_HEIGHT) * u32::from(level);
        new_tiles(TileKind::Hashes { level }, from >> shift, to >> shift)
    })
}

/// The bundles of entries that a tree of `to` leaves has and one of `from` leaves has not, by index.
pub fn entry_tiles(from: u64, to: u64) -> impl Iterator<Item = Tile> {
    new_tiles(TileKind::Entries, from, to)
}

/// The tiles that are new when a level grows from `from` to `to` hashes.
fn new_tiles(kind: TileKind, from: u64, to: u64) -> impl Iterator<Item = Tile> {
    let first = from / u64::from(TILE_WIDTH);
    let end = if from < to { to.div_ceil(TILE_WIDTH.into()) } else { first };
    (first..end).map(move |index| Tile { kind, index, width: width_at(index, to) })
}

/// How wide the tile at `index` is when its level has `count` hashes, of which it has at least one.
fn width_at(index: u64, count: u64) -> u16 {
    let left = count.saturating_sub(index.saturating_mul(TILE_WIDTH.into()));
    u16::try_from(left).map_or(TILE_WIDTH, |left| left.min(TILE_WIDTH))
}

/// The bytes of a tile of hashes, taken from a tree that has them.
///
/// # Errors
/// [`Error::Malformed`] when the tile is one of entries; otherwise when a node cannot be had.
pub fn write_hashes<N: Nodes>(nodes: &N, tile: &Tile) -> Result<Vec<u8>, N::Error> {
    let TileKind::Hashes { level } = tile.kind else { return Err(malformed("it holds entries, not hashes").into()) };
    let missing = Error::Node { level, index: tile.index };
    let level = level.checked_mul(TILE_HEIGHT).filter(|level| u32::from(*level) < u64::BITS);
    let first = tile.index.checked_mul(TILE_WIDTH.into());
    let (Some(level), Some(first)) = (level, first) else { return Err(missing.into()) };
    let mut bytes = Vec::with_capacity(usize::from(tile.width) * size_of::<Digest>());
    for offset in 0..u64::from(tile.width) {
        bytes.extend_from_slice(&nodes.node(level, first | offset)?);
    }
    Ok(bytes)
}

/// The hashes of a tile that is `width` wide.
///
/// # Errors
/// [`Error::Malformed`] when there are not exactly `width` of them.
pub fn read_hashes(bytes: &[u8], width: u16) -> Result<&[Digest], Error> {
    match bytes.as_chunks() {
        (hashes, []) if hashes.len() == usize::from(width) => Ok(hashes),
        _ => Err(malformed("there are not as many hashes as the tile is wide")),
    }
}

/// The bytes of a bundle of entries.
///
/// # Errors
/// [`Error::TooLarge`] when an entry is above 65,535 bytes or there are more than 256; [`Error::Malformed`] when there
/// are none.
pub fn write_entries<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, Error> {
    if entries.is_empty() {
        return Err(malformed("it has no entry"));
    }
    if entries.len() > usize::from(TILE_WIDTH) {
        return Err(Error::TooLarge { what: "entries of a tile", size: entries.len(), size_max: TILE_WIDTH.into() });
    }
    let mut bytes = Vec::new();
    for entry in entries.iter().map(AsRef::as_ref) {
        let (size, size_max) = (entry.len(), u16::MAX.into());
        let length = u16::try_from(size).map_err(|_| Error::TooLarge { what: "entry in bytes", size, size_max })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries of a bundle that is `width` wide.
///
/// # Errors
/// [`Error::Malformed`] when there are not exactly `width` of them, whole, with nothing behind.
pub fn read_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, Error> {
    let mut rest = bytes;
    let mut entries = Vec::with_capacity(usize::from(width.min(TILE_WIDTH)));
    for _ in 0..width {
        let split = rest
            .split_first_chunk()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        let (entry, behind) = split.ok_or_else(|| malformed("an entry is cut short or missing"))?;
        entries.push(entry);
        rest = behind;
    }
    if rest.is_empty() { Ok(entries) } else { Err(malformed("bytes stand behind the last entry")) }
}

/// The nodes of a tree of which only tiles are at hand. `fetch` gives the bytes of a tile, which has the width that the
/// tree of this size calls for; it is asked once for each node, so that it does well to keep the last tiles.
#[derive(Clone, Debug)]
pub struct TileNodes<F> {
    size: u64,
    fetch: F,
}

impl<F, E> TileNodes<F>
where
    F: Fn(&Tile) -> Result<Vec<u8>, E>,
    E: From<Error>,
{
    /// The nodes of the tree of `size` leaves.
    pub fn new(size: u64, fetch: F) -> Self {
        Self { size, fetch }
    }
}

impl<F, E> Nodes for TileNodes<F>
where
    F: Fn(&Tile) -> Result<Vec<u8>, E>,
    E: From<Error>,
{
    type Error = E;

    fn node(&self, level: u8, index: u64) -> Result<Digest, E> {
        let missing = Error::Node { level, index };
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        // The hashes of the tile's level that lie under the node, and how many that level has in all.
        let under = 1u64 << height;
        let count = self.size.checked_shr(u32::from(tile_level * TILE_HEIGHT)).unwrap_or(0);
        let first = index.checked_mul(under).filter(|first| first.checked_add(under).is_some_and(|end| end <= count));
        let Some(first) = first else { return Err(missing.into()) };
        let tile_index = first / u64::from(TILE_WIDTH);
        let kind = TileKind::Hashes { level: tile_level };
        let tile = Tile { kind, index: tile_index, width: width_at(tile_index, count) };
        let bytes = (self.fetch)(&tile)?;
        let hashes = read_hashes(&bytes, tile.width)?.iter().copied();
        let offset = usize::try_from(first % u64::from(TILE_WIDTH)).expect("an offset is below 256");
        let mut hashes: Vec<Digest> = hashes.skip(offset).take(1 << height).collect();
        for _ in 0..height {
            hashes = hashes.as_chunks().0.iter().map(|[left, right]| node_hash(left, right)).collect();
        }
        hashes.first().copied().ok_or_else(|| missing.into())
    }
}
