//! Merkle trees and their proofs: RFC 6962 section 2.1, RFC 9162 sections 2.1.1 to 2.1.5, with SHA-256.
//!
//! ```text
//! leaf = SHA-256(0x00 ‖ entry)   node = SHA-256(0x01 ‖ left ‖ right)   empty tree = SHA-256()
//! ```
//!
//! A node that has no sibling at its level is carried up unchanged. That rule stands once, in `Way`; making and
//! checking proofs both walk it. No function recurses, and each loop ends after at most 64 steps.
//!
//! INVARIANT: a proof is looked at only when it has exactly as many hashes as its sizes call for.

use super::Error;
use crate::encoding::sha256::{BLOCK_BYTES, digest, digest_in_place};
use ring::digest::{Context, SHA256};

/// A SHA-256 digest: a leaf, a node, a root.
pub type Digest = [u8; 32];

/// `SHA-256(0x00 ‖ entry)`.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    hash(&[&[0x00], entry])
}

/// `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut blocks = [[0; BLOCK_BYTES]; 2];
    let message = blocks.as_flattened_mut();
    message[0] = 0x01;
    message[1..33].copy_from_slice(left);
    message[33..65].copy_from_slice(right);
    digest_in_place(&mut blocks, 65)
}

/// The root of the tree without leaves, which is the hash of nothing.
pub fn empty_root() -> Digest {
    digest(&[])
}

/// SHA-256 of the parts, one after the other.
pub(super) fn hash(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().try_into().expect("a SHA-256 digest has 32 bytes")
}

/// Where the hashes of complete subtrees come from.
pub trait Nodes {
    /// What can go wrong in getting one.
    type Error: From<Error>;

    /// The root of the subtree over the leaves from `index × 2^level` up to, not including, `(index + 1) × 2^level`.
    ///
    /// # Errors
    /// When the tree does not have all of these leaves, or what holds them cannot be read.
    fn node(&self, level: u8, index: u64) -> Result<Digest, Self::Error>;
}

/// A tree in memory, with all its nodes: about 64 bytes a leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeafTree {
    /// The complete nodes of each level, leaves first.
    levels: Vec<Vec<Digest>>,
}

impl LeafTree {
    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf_hash: Digest) {
        let mut node = leaf_hash;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(node);
            match nodes.as_slice() {
                [.., left, right] if nodes.len().is_multiple_of(2) => node = node_hash(left, right),
                _ => return,
            }
        }
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len().try_into().expect("what is in memory can be counted"))
    }
}

impl FromIterator<Digest> for LeafTree {
    fn from_iter<I: IntoIterator<Item = Digest>>(leaf_hashes: I) -> Self {
        let mut tree = Self::default();
        leaf_hashes.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}

impl Nodes for LeafTree {
    type Error = Error;

    fn node(&self, level: u8, index: u64) -> Result<Digest, Error> {
        let nodes = self.levels.get(usize::from(level));
        let node = usize::try_from(index).ok().and_then(|index| nodes?.get(index));
        node.copied().ok_or(Error::Node { level, index })
    }
}

/// Why a proof cannot be made or does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The tree has no such leaf.
    #[error("leaf {index} is outside of a tree of {size} leaves")]
    Index {
        /// The leaf.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The old tree has more leaves than the new one.
    #[error("a tree of {from} leaves is no beginning of one of {to}")]
    Sizes {
        /// The size of the old tree.
        from: u64,
        /// The size of the new tree.
        to: u64,
    },
    /// The old tree is empty: every tree continues it, so there is nothing to prove.
    #[error("a consistency proof begins with a tree of at least one leaf")]
    FromEmpty,
    /// The proof has more or fewer hashes than these sizes call for.
    #[error("proof has {found} hashes where {expected} are needed")]
    Length {
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The proof does not lead to the root; of a consistency proof, to the new one.
    #[error("proof does not lead to the root")]
    Root,
    /// The consistency proof does not lead to the old root.
    #[error("proof does not lead to the old root")]
    OldRoot,
}

/// The way from a node up to the root: the siblings that are met, lowest first.
#[derive(Clone, Debug)]
struct Way {
    level: u8,
    /// The node's index within its level.
    index: u64,
    /// The last index of that level, complete or not.
    last: u64,
}

/// A node that the way is joined with.
#[derive(Clone, Copy, Debug)]
struct Sibling {
    level: u8,
    index: u64,
    is_left: bool,
}

impl Way {
    /// From the node at `level` and `index` of a tree of `size` leaves, which has that node.
    fn new(level: u8, index: u64, size: u64) -> Self {
        Self { level, index, last: size.saturating_sub(1) >> level }
    }

    /// From the last complete subtree of the old tree that is also one of the new tree: where a consistency proof
    /// begins. `from` is not 0.
    fn from_old(from: u64, to: u64) -> Self {
        let level = lowest_one(from);
        Self::new(level, (from - 1) >> level, to)
    }
}

impl Iterator for Way {
    type Item = Sibling;

    fn next(&mut self) -> Option<Sibling> {
        while self.last > 0 {
            let sibling = Sibling { level: self.level, index: self.index ^ 1, is_left: self.index & 1 == 1 };
            let exists = sibling.index <= self.last;
            (self.level, self.index, self.last) = (self.level + 1, self.index >> 1, self.last >> 1);
            if exists {
                return Some(sibling);
            }
        }
        None
    }
}

impl Sibling {
    /// The parent of the way's node and this one.
    fn join(self, node: &Digest, sibling: &Digest) -> Digest {
        if self.is_left { node_hash(sibling, node) } else { node_hash(node, sibling) }
    }

    /// Its hash in a tree of `size` leaves: only the last node of a level can be incomplete.
    fn read<N: Nodes>(self, nodes: &N, size: u64) -> Result<Digest, N::Error> {
        let begin = self.index << self.level;
        range_root(nodes, begin, begin.saturating_add(1 << self.level).min(size))
    }
}

/// The level of the largest complete subtree that ends where a number of leaves does. The number is not 0.
fn lowest_one(number: u64) -> u8 {
    number.trailing_zeros().try_into().expect("a number of 64 bits has at most 64 zeros")
}

/// The root over the leaves from `begin` to before `end`, where `begin` is a multiple of a power of two that is no
/// smaller than their count.
fn range_root<N: Nodes>(nodes: &N, begin: u64, end: u64) -> Result<Digest, N::Error> {
    let mut end = end;
    let mut root = None;
    while end > begin {
        let level = lowest_one(end - begin);
        let left = nodes.node(level, (end >> level) - 1)?;
        root = Some(root.map_or(left, |right| node_hash(&left, &right)));
        end -= 1 << level;
    }
    Ok(root.unwrap_or_else(empty_root))
}

/// The root of the first `size` leaves.
///
/// # Errors
/// When a node cannot be had.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Digest, N::Error> {
    range_root(nodes, 0, size)
}

/// `PATH(index, D[0:size])`: what proves that a leaf stands at `index` of the tree of `size` leaves. The leaf's sibling
/// comes first, the root's child last.
///
/// # Errors
/// [`ProofError::Index`] when the tree has no such leaf, or a node cannot be had.
pub fn inclusion_proof<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Digest>, N::Error> {
    if index >= size {
        return Err(Error::from(ProofError::Index { index, size }).into());
    }
    Way::new(0, index, size).map(|sibling| sibling.read(nodes, size)).collect()
}

/// `PROOF(from, D[0:to])`: what proves that the tree of `from` leaves is the beginning of the tree of `to`. It is empty
/// when the sizes are equal.
///
/// # Errors
/// [`ProofError::Sizes`] when `from` is above `to`, [`ProofError::FromEmpty`] when it is 0, or a node cannot be had.
pub fn consistency_proof<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Vec<Digest>, N::Error> {
    check_sizes(from, to).map_err(Error::from)?;
    if from == to {
        return Ok(Vec::new());
    }
    let way = Way::from_old(from, to);
    // A power of two is one subtree, whose hash is the old root, which the verifier has.
    let first = (!from.is_power_of_two()).then(|| nodes.node(way.level, way.index));
    first.into_iter().chain(way.map(|sibling| sibling.read(nodes, to))).collect()
}

fn check_sizes(from: u64, to: u64) -> Result<(), ProofError> {
    match from {
        _ if from > to => Err(ProofError::Sizes { from, to }),
        0 => Err(ProofError::FromEmpty),
        _ => Ok(()),
    }
}

fn check_length(expected: usize, found: usize) -> Result<(), ProofError> {
    if expected == found { Ok(()) } else { Err(ProofError::Length { expected, found }) }
}

/// The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2).
///
/// # Errors
/// [`ProofError::Index`] when the tree has no such leaf, [`ProofError::Length`] when the proof is too long or short.
pub fn root_from_inclusion(leaf_hash: &Digest, index: u64, size: u64, proof: &[Digest]) -> Result<Digest, ProofError> {
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let way = Way::new(0, index, size);
    check_length(way.clone().count(), proof.len())?;
    Ok(way.zip(proof).fold(*leaf_hash, |node, (sibling, other)| sibling.join(&node, other)))
}

/// Checks that a leaf stands at `index` of the tree of `size` leaves with this root.
///
/// # Errors
/// As [`root_from_inclusion`], and [`ProofError::Root`] when the proof leads to another root.
pub fn verify_inclusion(
    leaf_hash: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    if root_from_inclusion(leaf_hash, index, size, proof)? == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `from` leaves with the old root is the beginning of the tree of `to` leaves with the new
/// root (RFC 9162, section 2.1.4.2). From a tree without leaves nothing can be checked: whoever starts there compares
/// the old root with [`empty_root`] and takes any new one.
///
/// # Errors
/// [`ProofError`], all but `Index`.
pub fn verify_consistency(
    from: u64,
    to: u64,
    proof: &[Digest],
    old_root: &Digest,
    new_root: &Digest,
) -> Result<(), ProofError> {
    check_sizes(from, to)?;
    if from == to {
        check_length(0, proof.len())?;
        return if old_root == new_root { Ok(()) } else { Err(ProofError::Root) };
    }
    let way = Way::from_old(from, to);
    let is_subtree = from.is_power_of_two();
    let expected = way.clone().count() + usize::from(!is_subtree);
    check_length(expected, proof.len())?;
    let (first, rest) = match proof {
        [first, rest @ ..] if !is_subtree => (first, rest),
        _ => (old_root, proof),
    };
    let (mut old, mut new) = (*first, *first);
    for (sibling, other) in way.zip(rest) {
        // What stands to the left of a node of the old tree is in the old tree too.
        if sibling.is_left {
            old = sibling.join(&old, other);
        }
        new = sibling.join(&new, other);
    }
    if old != *old_root {
        return Err(ProofError::OldRoot);
    }
    if new == *new_root { Ok(()) } else { Err(ProofError::Root) }
}
