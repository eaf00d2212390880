//! A puncturable pseudo-random function over birth numbers: it gives every record its key until the record is erased,
//! and from then on nobody who has its state can.
//!
//! ```text
//! depth 0        root seed                        a tree of Goldreich, Goldwasser and Micali: 64 levels, the most
//!               ╱         ╲                       significant bit of the birth decides first (0 is left)
//! depth 1    left          right                  left  of s = AES-256(s, 0) ‖ AES-256(s, 1)
//!            ╱  ╲          ╱  ╲                   right of s = AES-256(s, 2) ‖ AES-256(s, 3)
//! depth 64   … the seed of a leaf is the record key …         blocks are little-endian u128 counters
//! ```
//! A leaf's seed is the record key as it stands. All inputs have the same 64 bits, so no leaf is above another node: a
//! leaf's seed is never expanded, and a seed that is expanded never leaves this module. Each of the two has one use,
//! which a further labelled step would make no truer.
//!
//! Erasing a birth replaces the one seed above its leaf by the seeds beside the way down (the *co-path*), from which
//! neither that seed nor the leaf can be computed.
//!
//! INVARIANT: the seeds stand in the order of their births, cover every birth but the erased ones, each once, and are as
//! few as possible. So what was erased decides which nodes there are, in whatever order it was erased.

use super::records::RecordKey;
use super::secret::Secret;
use crate::model::Birth;
use aes_gcm::KeyInit;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use aes_gcm::aes::cipher::array::Array;
use aes_gcm::aes::{Aes256Enc, Block};
use std::sync::{Mutex, TryLockError};
use zeroize::{Zeroize, Zeroizing};

/// Levels below the root.
const DEPTH_MAX: u8 = 64;
/// Stands for an erased birth where a seed would have its depth.
const ERASED: u8 = 0xff;
/// Bytes of a seed.
const SEED_BYTES: usize = 32;
/// Nodes of this depth, each above 65,536 births, are kept at hand for births in no order.
const SHELF_DEPTH: u8 = 48;
/// How many of them.
const SHELF_NODES: usize = 2048;

type Seed = [u8; SEED_BYTES];

/// The keys of one key epoch, less the erased ones. Shared by reference among threads; wiped on drop.
pub struct PunctureTree {
    /// The first birth under each seed, ascending.
    starts: Vec<u64>,
    /// The depth of each seed's node.
    depths: Vec<u8>,
    /// The seeds themselves. Never grown in place, for that would leave a copy behind.
    seeds: Vec<Seed>,
    /// The way to the last leaf: the next one mostly shares all but its end.
    path: Mutex<Path>,
}

/// What was expanded on the way to a leaf, and what may be of use for others.
struct Path {
    /// The leaf, and the depth that the way began at; `None` when nothing is remembered.
    way: Option<(u64, u8)>,
    /// At `depth`: both children of the way's node at that depth, so that all births in order cost one expansion each.
    children: [[Seed; 2]; DEPTH_MAX as usize],
    /// Nodes at the depth of the shelf, each with its first bits, in the place that the last of these bits say. Empty
    /// until one is needed.
    shelf: Vec<(u64, Seed)>,
}

impl Path {
    const EMPTY: Self = Self { way: None, children: [[[0; SEED_BYTES]; 2]; DEPTH_MAX as usize], shelf: Vec::new() };

    /// The leaf of `birth`, when the remembered way passes above it.
    fn follow(&mut self, birth: u64) -> Option<Secret<SEED_BYTES>> {
        let (last, base) = self.way?;
        let shared = shared_bits(last, birth);
        (shared >= base).then(|| self.descend(birth, base, (shared + 1).min(DEPTH_MAX)))
    }

    /// The leaf of `birth`, when a node above it is on the shelf.
    fn begin_at_shelf(&mut self, birth: u64) -> Option<Secret<SEED_BYTES>> {
        let bits = birth >> (DEPTH_MAX - SHELF_DEPTH);
        let (held, node) = self.shelf.get(shelf_place(bits))?;
        (*held == bits).then_some(Secret::new(*node)).map(|node| self.begin(birth, &node, SHELF_DEPTH))
    }

    /// The leaf of `birth`, under the seed that is its cover; puts a node between on the shelf.
    fn begin_at_cover(&mut self, birth: u64, seed: &Seed, depth: u8) -> Secret<SEED_BYTES> {
        if depth >= SHELF_DEPTH {
            return self.begin(birth, seed, depth);
        }
        let node = walk(seed, birth, depth, SHELF_DEPTH);
        if self.shelf.is_empty() {
            self.shelf = vec![(u64::MAX, [0; SEED_BYTES]); SHELF_NODES];
        }
        let bits = birth >> (DEPTH_MAX - SHELF_DEPTH);
        if let Some(place) = self.shelf.get_mut(shelf_place(bits)) {
            *place = (bits, *node);
        }
        self.begin(birth, &node, SHELF_DEPTH)
    }

    /// The leaf of `birth`, under a node at depth `base`.
    fn begin(&mut self, birth: u64, node: &Seed, base: u8) -> Secret<SEED_BYTES> {
        self.way = None;
        expand(node, &mut self.children[usize::from(base)]);
        self.descend(birth, base, base + 1)
    }

    /// Goes on from the way's node at depth `from`, which is one of the remembered children.
    fn descend(&mut self, birth: u64, base: u8, from: u8) -> Secret<SEED_BYTES> {
        // A panic halfway must not leave a way that is half of one leaf and half of another.
        self.way = None;
        for depth in from..DEPTH_MAX {
            let (above, below) = self.children.split_at_mut(usize::from(depth));
            let parents = above.last().expect("the depth is at least one, for a node was expanded before");
            let parent = &parents[side(birth, depth)];
            let children = below.first_mut().expect("the depth is less than the greatest");
            expand(parent, children);
        }
        self.way = Some((birth, base));
        let leaves = self.children.last().expect("there are 64 levels");
        Secret::new(leaves[side(birth, DEPTH_MAX)])
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.children.zeroize();
        self.shelf.zeroize();
    }
}

impl Drop for PunctureTree {
    fn drop(&mut self) {
        self.seeds.zeroize();
    }
}

impl PunctureTree {
    /// A tree in which nothing is erased.
    pub fn new(root: &Zeroizing<[u8; SEED_BYTES]>) -> Self {
        let mut tree = Self::with_capacity(1);
        tree.push(0, 0, root);
        tree
    }

    fn with_capacity(seeds: usize) -> Self {
        Self {
            starts: Vec::with_capacity(seeds),
            depths: Vec::with_capacity(seeds),
            seeds: Vec::with_capacity(seeds),
            path: Mutex::new(Path::EMPTY),
        }
    }

    fn push(&mut self, start: u64, depth: u8, seed: &Seed) {
        debug_assert!(self.seeds.len() < self.seeds.capacity(), "a seed must not be copied by growing");
        self.starts.push(start);
        self.depths.push(depth);
        self.seeds.push(*seed);
    }

    /// The key of a record; `None` when it was erased.
    pub fn record_key(&self, birth: Birth) -> Option<RecordKey> {
        self.secret(birth).map(RecordKey::new)
    }

    /// The seed of a leaf, which is what a record key consists of; `None` when it was erased.
    pub fn leaf(&self, birth: Birth) -> Option<Zeroizing<[u8; SEED_BYTES]>> {
        self.secret(birth).map(|leaf| Zeroizing::new(*leaf))
    }

    fn secret(&self, birth: Birth) -> Option<Secret<SEED_BYTES>> {
        let mut path = match self.path.try_lock() {
            Ok(path) => path,
            Err(TryLockError::Poisoned(path)) => path.into_inner(),
            // Another thread is at it; going the whole way is faster than waiting.
            Err(TryLockError::WouldBlock) => return self.leaf_anew(birth.0),
        };
        // What is remembered has nothing erased under it.
        if let Some(leaf) = path.follow(birth.0).or_else(|| path.begin_at_shelf(birth.0)) {
            return Some(leaf);
        }
        let cover = self.cover(birth.0)?;
        let (seed, depth) = (&self.seeds[cover], self.depths[cover]);
        if depth == DEPTH_MAX { Some(Secret::new(*seed)) } else { Some(path.begin_at_cover(birth.0, seed, depth)) }
    }

    fn leaf_anew(&self, birth: u64) -> Option<Secret<SEED_BYTES>> {
        let cover = self.cover(birth)?;
        Some(walk(&self.seeds[cover], birth, self.depths[cover], DEPTH_MAX))
    }

    /// Whether the key of a record was erased. Computes no key.
    pub fn is_punctured(&self, birth: Birth) -> bool {
        self.cover(birth.0).is_none()
    }

    /// Which seed is above a leaf.
    fn cover(&self, birth: u64) -> Option<usize> {
        let index = self.starts.partition_point(|start| *start <= birth).checked_sub(1)?;
        (birth <= last_birth(self.starts[index], self.depths[index])).then_some(index)
    }

    /// How many seeds there are: one at first, and about log2(records ÷ erasures) − 1 more for each erasure.
    pub fn seeds(&self) -> usize {
        self.seeds.len()
    }

    /// Whether exactly the same births are erased in both.
    pub(super) fn has_shape_of(&self, other: &Self) -> bool {
        self.starts == other.starts && self.depths == other.depths
    }

    /// The erased births, ascending.
    pub fn punctured(&self) -> Vec<Birth> {
        let mut births = Vec::new();
        let mut next = Some(0);
        for (start, depth) in self.starts.iter().zip(&self.depths) {
            births.extend((next.unwrap_or(*start)..*start).map(Birth));
            next = last_birth(*start, *depth).checked_add(1);
        }
        if let Some(next) = next {
            births.extend((next..=u64::MAX).map(Birth));
        }
        births
    }

    /// Erases the keys of births for good; those that are erased already stay so. The old seeds, and all that is
    /// remembered of them, are wiped where they stand.
    pub fn puncture(&mut self, births: &[Birth]) {
        *self = self.without(births);
    }

    /// The same tree after these births were erased too; the cost is that of copying it once, however many they are.
    pub fn without(&self, births: &[Birth]) -> Self {
        let mut erased: Vec<u64> = births.iter().map(|birth| birth.0).collect();
        erased.sort_unstable();
        erased.dedup();
        let nodes = self.starts.iter().zip(&self.depths);
        let count = nodes.map(|(start, depth)| pieces(*start, *depth, under(&erased, *start, *depth))).sum();
        let mut tree = Self::with_capacity(count);
        for ((start, depth), seed) in self.starts.iter().zip(&self.depths).zip(&self.seeds) {
            tree.add_rest(*start, *depth, seed, under(&erased, *start, *depth));
        }
        tree
    }

    /// Adds what is left of a node when `erased`, which are all under it, are gone.
    fn add_rest(&mut self, start: u64, depth: u8, seed: &Seed, erased: &[u64]) {
        if erased.is_empty() {
            self.push(start, depth, seed);
        } else if depth < DEPTH_MAX {
            let mut children = Zeroizing::new([[0; SEED_BYTES]; 2]);
            expand(seed, &mut children);
            let middle = middle(start, depth);
            let (left, right) = erased.split_at(erased.partition_point(|birth| *birth < middle));
            self.add_rest(start, depth + 1, &children[0], left);
            self.add_rest(middle, depth + 1, &children[1], right);
        }
    }

    /// Bytes of [`to_bytes`](Self::to_bytes).
    pub fn size_bytes(&self) -> usize {
        self.seeds.len() * (1 + SEED_BYTES) + self.punctured().len()
    }

    /// The tree as bytes: from left to right, for each seed its depth and itself, for each erased birth the byte 255.
    /// Where a node stands follows from what stands before it. One set of erased births has one form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.size_bytes()));
        self.write(&mut bytes);
        bytes
    }

    /// Appends what [`to_bytes`](Self::to_bytes) gives to `bytes`, which has room for it.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        let mut erased = self.punctured().into_iter().peekable();
        for ((start, depth), seed) in self.starts.iter().zip(&self.depths).zip(&self.seeds) {
            while erased.next_if(|birth| birth.0 < *start).is_some() {
                bytes.push(ERASED);
            }
            bytes.push(*depth);
            bytes.extend_from_slice(seed);
        }
        bytes.extend(erased.map(|_| ERASED));
    }

    /// The tree that [`to_bytes`](Self::to_bytes) gave; `None` for any bytes that it does not give. Memory is in
    /// proportion to the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut count = 0;
        let mut rest = bytes;
        while let Some((depth, after)) = rest.split_first() {
            let seed_bytes = if *depth == ERASED { 0 } else { SEED_BYTES };
            count += usize::from(*depth != ERASED);
            rest = after.get(seed_bytes..)?;
        }
        let mut tree = Self::with_capacity(count);
        // The first birth that nothing was said about; `None` past the last.
        let mut next = Some(0u64);
        let mut rest = bytes;
        while let Some((depth, after)) = rest.split_first() {
            let start = next?;
            rest = after;
            let mut depth_or_leaf = DEPTH_MAX;
            if *depth != ERASED {
                let (seed, after) = rest.split_first_chunk::<SEED_BYTES>()?;
                rest = after;
                depth_or_leaf = *depth;
                if *depth > DEPTH_MAX || !is_aligned(start, *depth) || tree.ends_in_sibling(start, *depth) {
                    return None;
                }
                tree.push(start, *depth, seed);
            }
            next = last_birth(start, depth_or_leaf).checked_add(1);
        }
        next.is_none().then_some(tree)
    }

    /// Whether the last seed and that of this node could be one: both children of a node.
    fn ends_in_sibling(&self, start: u64, depth: u8) -> bool {
        let (Some(before), Some(before_depth)) = (self.starts.last(), self.depths.last()) else { return false };
        *before_depth == depth && depth > 0 && is_aligned(*before, depth - 1) && middle(*before, depth - 1) == start
    }
}

/// How many seeds are left of a node when `erased`, which are all under it, are gone.
fn pieces(start: u64, depth: u8, erased: &[u64]) -> usize {
    match erased {
        [] => 1,
        [_] => usize::from(DEPTH_MAX - depth),
        _ => {
            let middle = middle(start, depth);
            let (left, right) = erased.split_at(erased.partition_point(|birth| *birth < middle));
            pieces(start, depth + 1, left) + pieces(middle, depth + 1, right)
        }
    }
}

/// Those of the ascending births that are under a node.
fn under(births: &[u64], start: u64, depth: u8) -> &[u64] {
    let last = last_birth(start, depth);
    let from = births.partition_point(|birth| *birth < start);
    let count = births[from..].partition_point(|birth| *birth <= last);
    &births[from..from + count]
}

/// The last birth under a node.
fn last_birth(start: u64, depth: u8) -> u64 {
    start | u64::MAX.checked_shr(depth.into()).unwrap_or(0)
}

/// The first birth under the right child of a node above the leaves.
fn middle(start: u64, depth: u8) -> u64 {
    start | (1 << 63 >> depth)
}

/// Whether a node of this depth can begin here.
fn is_aligned(start: u64, depth: u8) -> bool {
    start & u64::MAX.checked_shr(depth.into()).unwrap_or(0) == 0
}

/// How many leading bits two births share.
fn shared_bits(one: u64, other: u64) -> u8 {
    u8::try_from((one ^ other).leading_zeros()).expect("a number of 64 bits has at most 64 leading zeros")
}

/// On which side of its parent the node at `depth` above a birth is: 0 is left. The root has no side.
fn side(birth: u64, depth: u8) -> usize {
    usize::from(birth >> (DEPTH_MAX - depth) & 1 == 1)
}

/// Where the node with these first bits is on the shelf.
fn shelf_place(bits: u64) -> usize {
    usize::try_from(bits % SHELF_NODES as u64).expect("it is less than the shelf is long")
}

/// The node above `birth` at depth `to`, from that at depth `from`.
fn walk(seed: &Seed, birth: u64, from: u8, to: u8) -> Secret<SEED_BYTES> {
    let mut node = Secret::new(*seed);
    for depth in from..to {
        let cipher = Aes256Enc::new((&*node).into());
        let first = 2 * side(birth, depth + 1) as u128;
        encrypt_counters(&cipher, first, node.as_mut_slice());
    }
    node
}

/// Writes both children of a node.
fn expand(seed: &Seed, children: &mut [Seed; 2]) {
    encrypt_counters(&Aes256Enc::new(seed.into()), 0, children.as_flattened_mut());
}

/// Writes the cipher's blocks of the counters from `first` on.
fn encrypt_counters(cipher: &Aes256Enc, first: u128, bytes: &mut [u8]) {
    let blocks: &mut [Block] = Array::cast_slice_from_core_mut(bytes.as_chunks_mut::<16>().0);
    for (counter, block) in (first..).zip(&mut *blocks) {
        *block = counter.to_le_bytes().into();
    }
    cipher.encrypt_blocks(blocks);
}
