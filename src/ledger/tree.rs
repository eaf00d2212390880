//! The Merkle tree over all leaves (RFC 6962, section 2.1), kept as the roots of its complete subtrees.
//!
//! A leaf costs about one node hash. Only the hashes of the peaks are kept: at most one for each bit of the size.

use crate::tlog::{empty_root, node_hash};

pub use crate::tlog::Digest;

/// The peaks of the tree, highest first. There are as many as the size has one bits.
#[derive(Clone, Debug, Default)]
pub(super) struct Peaks {
    size: u64,
    peaks: Vec<Digest>,
    /// The root over the last 256 leaves that were pushed as a whole.
    block: Digest,
}

impl PartialEq for Peaks {
    fn eq(&self, other: &Self) -> bool {
        (self.size, &self.peaks) == (other.size, &other.peaks)
    }
}

impl Eq for Peaks {}

impl Peaks {
    /// What was kept of a tree; `None` when the count of peaks does not fit the size.
    pub(super) fn from_parts(size: u64, peaks: Vec<Digest>) -> Option<Self> {
        (usize::try_from(size.count_ones()).ok()? == peaks.len()).then_some(Self { size, peaks, block: [0; 32] })
    }

    /// How many leaves there are.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The peaks, highest first.
    pub(super) fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Adds a leaf.
    pub(super) fn push(&mut self, leaf: Digest) {
        let mut node = leaf;
        for height in 1..=self.size.trailing_ones() {
            let left = self.peaks.pop().expect("there is a peak for each one bit of the size");
            node = node_hash(&left, &node);
            if height == 8 {
                self.block = node;
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root over the last 256 leaves, when they have just become whole.
    pub(super) fn block(&self) -> Option<Digest> {
        (self.size > 0 && self.size.is_multiple_of(256)).then_some(self.block)
    }

    /// The root of the tree; that of the empty one is the hash of nothing.
    pub(super) fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => empty_root(),
            Some(lowest) => peaks.fold(*lowest, |right, left| node_hash(left, &right)),
        }
    }
}

/// A digest of *ring* as an array.
pub(super) fn to_array(digest: ring::digest::Digest) -> Digest {
    digest.as_ref().try_into().expect("a SHA-256 digest has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::sha256::digest;
    use crate::tlog::{LeafTree, root};

    #[test]
    fn root_is_that_of_the_rfc() {
        let mut peaks = Peaks::default();
        let mut tree = LeafTree::default();
        for n in 0..200u8 {
            assert_eq!(Ok(peaks.root()), root(&tree, n.into()), "{n} leaves");
            assert_eq!(peaks.peaks().len(), usize::from(n.count_ones() as u8));
            let leaf = digest(&[n]);
            tree.push(leaf);
            peaks.push(leaf);
        }
    }
}
