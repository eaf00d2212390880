//! Transparency-log formats: Merkle proofs of RFC 6962 and RFC 9162, and the C2SP texts that carry them, so that other
//! people's verifiers read what we publish and we read what they publish.
//!
//! Nothing here reads a file, a clock or a random source: bytes come in, bytes or a verdict go out.
//!
//! INVARIANT: reading is strict. What a `parse` accepts, formatting gives back byte for byte; anything that has two
//! spellings is refused.
//!
//! | module | specification |
//! |---|---|
//! | [`merkle`] | RFC 6962 section 2.1, RFC 9162 section 2.1 |
//! | [`key`], [`note`] | <https://c2sp.org/signed-note> |
//! | [`checkpoint`] | <https://c2sp.org/tlog-checkpoint> |
//! | [`cosignature`] | <https://c2sp.org/tlog-cosignature> |
//! | [`proof_file`] | <https://c2sp.org/tlog-proof> |
//! | [`tiles`] | <https://c2sp.org/tlog-tiles> |

pub mod checkpoint;
pub mod cosignature;
pub mod key;
mod line;
pub mod merkle;
pub mod note;
pub mod proof_file;
pub mod tiles;

pub use checkpoint::Checkpoint;
pub use cosignature::{Cosignature, CosigningKey, cosigned_at};
pub use key::{KeyId, KeyKind, SigningKey, VerifierKey};
pub use merkle::{
    Digest, LeafTree, Nodes, ProofError, consistency_proof, empty_root, inclusion_proof, leaf_hash, node_hash, root,
    root_from_inclusion, verify_consistency, verify_inclusion,
};
pub use note::{Signature, SignedNote};
pub use proof_file::{ProofFile, Verified};
pub use tiles::{Tile, TileKind, TileNodes};

/// What can be wrong with a log's texts, tiles and proofs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A text or tile breaks the rules of its format.
    #[error("malformed {what}: {why}")]
    Malformed {
        /// Which format: note, checkpoint and so on.
        what: &'static str,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A text, a list or an entry is larger than this reader takes.
    #[error("{what} has size {size}, at most {size_max} is allowed")]
    TooLarge {
        /// What was measured, and in which unit.
        what: &'static str,
        /// What was found.
        size: usize,
        /// What is allowed.
        size_max: usize,
    },
    /// A key is of a signature type that is not read here, or not of the one that is needed.
    #[error("signature type {found:#04x} cannot be used here")]
    KeyType {
        /// The type byte of the key.
        found: u8,
    },
    /// The id written in a key is not the one that its name and bytes give.
    #[error("key id `{found}` does not belong to its key, which has `{expected}`")]
    KeyId {
        /// What name and key hash to.
        expected: KeyId,
        /// What was written.
        found: KeyId,
    },
    /// Two different known keys share a name and an id.
    #[error("more than one key is known as `{name}` with id `{id}`")]
    KeyAmbiguous {
        /// Their name.
        name: String,
        /// Their id.
        id: KeyId,
    },
    /// A signature that bears the name and id of a known key does not verify.
    #[error("signature of key `{name}` with id `{id}` does not verify")]
    Signature {
        /// The key's name.
        name: String,
        /// The key's id.
        id: KeyId,
    },
    /// No known key has signed.
    #[error("no known key has signed the note")]
    Unsigned,
    /// The checkpoint is that of another log, or is not signed by its own.
    #[error("checkpoint is not one of log `{expected}` under a key of that name")]
    Origin {
        /// The log that was asked for.
        expected: String,
    },
    /// A node was asked for that the tree does not have.
    #[error("tree has no complete node {index} at level {level}")]
    Node {
        /// The level; leaves are at 0.
        level: u8,
        /// The index within the level.
        index: u64,
    },
    /// A proof cannot be made or does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
}
