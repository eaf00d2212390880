//! Transparency-log formats against conformance data, other people's implementations and hostile input.
//!
//! Goal: what we write others read, what others write we read, and nothing that was altered passes. Method: the
//! conformance sets lie in a folder beside the repository, and where it is missing the tests say so; the oracles are
//! the crates `ct-merkle`, `signed_note` and `tlog_tiles`; alterations are made one by one, all there are.

mod merkle;
mod notes;
mod proof_files;
mod tiles;

use onefold::tlog::{CosigningKey, Digest, LeafTree, SigningKey, leaf_hash, root};
use std::path::PathBuf;

/// A file or folder of the conformance sets, which lie beside the repository.
fn conformance(path: &str) -> Option<PathBuf> {
    let full = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/conformance")).join(path);
    if !full.exists() {
        eprintln!("SKIPPED: no conformance data `{path}`");
        return None;
    }
    Some(full)
}

/// The entry that stands at an index in all trees of these tests.
fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn leaf(index: u64) -> Digest {
    leaf_hash(&entry(index))
}

fn tree(size: u64) -> LeafTree {
    (0..size).map(leaf).collect()
}

fn root_at(tree: &LeafTree, size: u64) -> Digest {
    root(tree, size).unwrap()
}

fn signing_key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, [seed; 32].into()).unwrap()
}

fn cosigning_key(name: &str, seed: u8) -> CosigningKey {
    CosigningKey::from_seed(name, [seed; 32].into()).unwrap()
}

/// Each byte of the bytes changed in three ways: in its lowest bit, in its case, and in its highest bit.
fn altered(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).flat_map(move |at| {
        [0x01, 0x20, 0x80].map(|bits| {
            let mut other = bytes.to_vec();
            other[at] ^= bits;
            other
        })
    })
}
