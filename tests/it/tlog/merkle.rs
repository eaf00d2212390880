//! Merkle proofs.
//!
//! Goal: proofs are those of RFC 6962, byte for byte, and only right ones hold. Method: all cases of the conformance
//! set; all proofs of all small trees and some of larger ones against two oracles; every alteration of small proofs.

use super::{conformance, leaf, root_at, tree};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use onefold::tlog::{
    Digest, Error, Nodes, ProofError, consistency_proof, empty_root, inclusion_proof, leaf_hash, node_hash, root,
    root_from_inclusion, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;
use sha2::Sha256;
use tlog_tiles::{Hash, HashReader};

/// The tree of another crate over the same leaves, given as entries.
fn ct_tree(entries: &[Vec<u8>]) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    entries.iter().for_each(|entry| tree.push(entry.clone()));
    tree
}

fn ct_root(root: &Digest, size: u64) -> RootHash<Sha256> {
    RootHash::new((*root).into(), size)
}

/// The hashes of a tree in the order in which the third implementation stores them.
struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|at| self.0[usize::try_from(*at).unwrap()]).collect())
    }
}

fn stored(entries: &[Vec<u8>]) -> Stored {
    let mut stored = Stored(Vec::new());
    for (index, entry) in (0..).zip(entries) {
        let hashes = tlog_tiles::stored_hashes(index, entry, &stored).unwrap();
        stored.0.extend(hashes);
    }
    stored
}

fn plain(hashes: Vec<Hash>) -> Vec<Digest> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

fn hashes(proof: &[Digest]) -> Vec<Hash> {
    proof.iter().map(|hash| Hash(*hash)).collect()
}

/// A digest of the conformance set. Some are texts of another length, of which it matters only whether they are equal;
/// zeros fill them up. Where root or leaf are empty there is no digest, which the type says already.
fn digest(value: &serde_json::Value) -> Digest {
    let mut bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
    bytes.resize(32, 0);
    bytes.try_into().unwrap()
}

#[test]
fn conformance_merkle_proofs() {
    let Some(path) = conformance("merkle_proofs/cases.jsonl") else { return };
    let (mut held, mut refused) = (0, 0);
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = case["case"].as_str().unwrap();
        let number = |field: &str| case[field].as_u64().unwrap();
        let proof: Vec<Digest> = case["proof"].as_array().into_iter().flatten().map(digest).collect();
        let result = match name.split('/').next().unwrap() {
            _ if case["root"] == "" || case["leafHash"] == "" => false,
            "consistency" => {
                let (old, new) = (digest(&case["root1"]), digest(&case["root2"]));
                verify_consistency(number("size1"), number("size2"), &proof, &old, &new).is_ok()
            }
            "inclusion" => {
                let (leaf, root) = (digest(&case["leafHash"]), digest(&case["root"]));
                verify_inclusion(&leaf, number("leafIdx"), number("treeSize"), &proof, &root).is_ok()
            }
            "subtreeinclusion" => {
                // A subtree that begins at a multiple of a power of two no smaller than itself is a tree of its own.
                let (index, start, end) = (number("leafIdx"), number("start"), number("end"));
                let (leaf, root) = (digest(&case["leafHash"]), digest(&case["root"]));
                let is_subtree = start < end && start.is_multiple_of((end - start).next_power_of_two());
                is_subtree
                    && index >= start
                    && verify_inclusion(&leaf, index - start, end - start, &proof, &root).is_ok()
            }
            other => panic!("unknown kind `{other}`"),
        };
        assert_eq!(result, case["wantErr"] == false, "{name}");
        *if result { &mut held } else { &mut refused } += 1;
    }
    eprintln!("merkle_proofs: {held} held, {refused} refused");
    assert_eq!(held + refused, 183);
    assert!(held > 0 && refused > 0);
}

/// All that can be asked of the first `sizes` trees over these entries, against both oracles.
fn check_against_oracles(entries: &[Vec<u8>], sizes: impl Iterator<Item = u64>) {
    let ours = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let stored = stored(entries);
    for size in sizes {
        let ct = ct_tree(&entries[..usize::try_from(size).unwrap()]);
        let new = root_at(&ours, size);
        assert_eq!(ct.root().as_bytes()[..], new);
        assert_eq!(tlog_tiles::tree_hash(size, &stored).unwrap().0, new);
        for at in 0..size {
            let proof = inclusion_proof(&ours, at, size).unwrap();
            assert_eq!(ct.prove_inclusion(usize::try_from(at).unwrap()).as_bytes(), proof.concat(), "{at} of {size}");
            assert_eq!(plain(tlog_tiles::prove_record(size, at, &stored).unwrap()), proof, "{at} of {size}");
            let leaf = leaf_hash(&entries[usize::try_from(at).unwrap()]);
            assert_eq!(verify_inclusion(&leaf, at, size, &proof, &new), Ok(()));
        }
        for from in 1..=size {
            let proof = consistency_proof(&ours, from, size).unwrap();
            let old = root_at(&ours, from);
            let theirs = ct.prove_consistency(usize::try_from(size - from).unwrap());
            assert_eq!(theirs.as_bytes(), proof.concat(), "{from} to {size}");
            assert_eq!(plain(tlog_tiles::prove_tree(size, from, &stored).unwrap()), proof, "{from} to {size}");
            assert_eq!(verify_consistency(from, size, &proof, &old, &new), Ok(()));
        }
    }
}

#[test]
fn all_proofs_of_small_trees_are_those_of_the_oracles() {
    let entries: Vec<Vec<u8>> = (0..66).map(super::entry).collect();
    check_against_oracles(&entries, 1..=66);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn proofs_of_larger_trees_are_those_of_the_oracles(
        entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 67..700),
    ) {
        let size = entries.len().try_into().unwrap();
        check_against_oracles(&entries, [size].into_iter());
    }
}

/// Every proof that is one step away: a node altered, dropped, doubled, or a foreign one put in.
fn altered_proofs(proof: &[Digest]) -> Vec<Vec<Digest>> {
    let mut all = Vec::new();
    let mut change = |f: &dyn Fn(&mut Vec<Digest>)| {
        let mut other = proof.to_vec();
        f(&mut other);
        all.push(other);
    };
    for at in 0..proof.len() {
        (0..32).for_each(|byte| change(&|other| other[at][byte] ^= 1 << (byte % 8)));
        change(&|other| _ = other.remove(at));
        change(&|other| other.insert(at, proof[at]));
        if at > 0 {
            change(&|other| other.swap(at - 1, at));
        }
    }
    for at in 0..=proof.len() {
        change(&|other| other.insert(at, [7; 32]));
        change(&|other| other.insert(at, empty_root()));
    }
    all
}

#[test]
fn an_altered_inclusion_proof_is_refused() {
    let ours = tree(24);
    let (mut refused, mut same_way) = (0, 0);
    for size in 1..=20 {
        let root = root_at(&ours, size);
        for at in 0..size {
            let proof = inclusion_proof(&ours, at, size).unwrap();
            for other in altered_proofs(&proof) {
                verify_inclusion(&leaf(at), at, size, &other, &root).unwrap_err();
                refused += 1;
            }
            for other in (0..24).filter(|other| *other != at) {
                verify_inclusion(&leaf(at), other, size, &proof, &root).unwrap_err();
                verify_inclusion(&leaf(other), at, size, &proof, &root).unwrap_err();
                refused += 2;
            }
            for other in (0..24).filter(|other| *other != size) {
                // Against the root of that size it never holds. Against its own root, a size with the same way to it
                // cannot be told from the right one: that is why roots are signed together with their sizes.
                verify_inclusion(&leaf(at), at, other, &proof, &root_at(&ours, other)).unwrap_err();
                let result = verify_inclusion(&leaf(at), at, other, &proof, &root);
                let theirs = InclusionProof::try_from_bytes(proof.concat()).unwrap();
                let theirs = ct_root(&root, other).verify_inclusion(&super::entry(at), at, &theirs);
                assert_eq!(result.is_ok(), theirs.is_ok(), "{at} of {size} as of {other}");
                *if result.is_ok() { &mut same_way } else { &mut refused } += 1;
            }
        }
    }
    eprintln!("inclusion: {refused} alterations refused, {same_way} sizes with the same way");
}

#[test]
fn an_altered_consistency_proof_is_refused() {
    let ours = tree(24);
    let (mut refused, mut same_way) = (0, 0);
    for to in 1..=20 {
        let new = root_at(&ours, to);
        for from in 1..=to {
            let old = root_at(&ours, from);
            let proof = consistency_proof(&ours, from, to).unwrap();
            for other in altered_proofs(&proof) {
                verify_consistency(from, to, &other, &old, &new).unwrap_err();
                refused += 1;
            }
            for other in (0..24).filter(|other| *other != from) {
                verify_consistency(from, to, &proof, &root_at(&ours, other), &new).unwrap_err();
                verify_consistency(other, to, &proof, &root_at(&ours, other), &new).unwrap_err();
                refused += 2;
            }
            for other in (0..24).filter(|other| *other != to) {
                verify_consistency(from, to, &proof, &old, &root_at(&ours, other)).unwrap_err();
                refused += 1;
            }
            for (a, b) in (1..24).flat_map(|a| (1..24).map(move |b| (a, b))).filter(|sizes| *sizes != (from, to)) {
                let result = verify_consistency(a, b, &proof, &old, &new).is_ok();
                let theirs = ConsistencyProof::try_from_bytes(proof.concat()).unwrap();
                let theirs = ct_root(&new, b).verify_consistency(&ct_root(&old, a), &theirs);
                assert_eq!(result, theirs.is_ok(), "{from} to {to} as {a} to {b}");
                let third = tlog_tiles::check_tree(&hashes(&proof), b, Hash(new), a, Hash(old));
                assert_eq!(result, third.is_ok(), "{from} to {to} as {a} to {b}");
                *if result { &mut same_way } else { &mut refused } += 1;
            }
        }
    }
    eprintln!("consistency: {refused} alterations refused, {same_way} sizes with the same way");
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let ours = tree(8);
    let index = |index, size| Err::<Vec<Digest>, _>(Error::Proof(ProofError::Index { index, size }));
    assert_eq!(inclusion_proof(&ours, 0, 0), index(0, 0));
    assert_eq!(inclusion_proof(&ours, 8, 8), index(8, 8));
    assert_eq!(inclusion_proof(&ours, u64::MAX, u64::MAX), index(u64::MAX, u64::MAX));
    assert_eq!(consistency_proof(&ours, 3, 2), Err(Error::Proof(ProofError::Sizes { from: 3, to: 2 })));
    assert_eq!(consistency_proof(&ours, 0, 2), Err(Error::Proof(ProofError::FromEmpty)));
    assert_eq!(consistency_proof(&ours, 0, 0), Err(Error::Proof(ProofError::FromEmpty)));
    assert_eq!(consistency_proof(&ours, 8, 8), Ok(Vec::new()));
    assert_eq!(root(&ours, 9), Err(Error::Node { level: 0, index: 8 }));
    assert_eq!(inclusion_proof(&ours, 3, 9), Err(Error::Node { level: 0, index: 8 }));
    assert_eq!(root(&ours, 0), Ok(empty_root()));
    assert_eq!(verify_consistency(0, 0, &[], &empty_root(), &empty_root()), Err(ProofError::FromEmpty));
    assert_eq!(verify_consistency(2, 2, &[], &[1; 32], &[2; 32]), Err(ProofError::Root));
    assert_eq!(verify_inclusion(&[0; 32], 0, 0, &[], &empty_root()), Err(ProofError::Index { index: 0, size: 0 }));
    let long = vec![[0; 32]; 100_000];
    assert_eq!(
        verify_inclusion(&[0; 32], 0, u64::MAX, &long, &[0; 32]),
        Err(ProofError::Length { expected: 64, found: 100_000 })
    );
}

/// A tree of any size whose leaves are all equal.
struct Equal;

impl Nodes for Equal {
    type Error = Error;

    fn node(&self, level: u8, _: u64) -> Result<Digest, Error> {
        Ok((0..level).fold([9; 32], |node, _| node_hash(&node, &node)))
    }
}

/// Sizes near powers of two and anywhere.
fn sizes() -> impl Strategy<Value = u64> {
    let near = (0..64u32, -2i64..3).prop_map(|(bit, off)| (1u64 << bit).saturating_add_signed(off));
    prop_oneof![near, any::<u64>(), Just(u64::MAX), 1..40u64].prop_map(|size| size.max(1))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn proofs_of_huge_trees_hold(one in sizes(), other in sizes()) {
        let (from, to) = (one.min(other), one.max(other));
        let (old, new) = (root(&Equal, from).unwrap(), root(&Equal, to).unwrap());
        let proof = consistency_proof(&Equal, from, to).unwrap();
        prop_assert_eq!(verify_consistency(from, to, &proof, &old, &new), Ok(()));
        let proof = inclusion_proof(&Equal, from - 1, to).unwrap();
        prop_assert!(proof.len() <= 64);
        prop_assert_eq!(verify_inclusion(&[9; 32], from - 1, to, &proof, &new), Ok(()));
        prop_assert_eq!(verify_inclusion(&[8; 32], from - 1, to, &proof, &new), Err(ProofError::Root));
    }

    #[test]
    fn hostile_proofs_are_refused(
        (from, to) in (prop_oneof![sizes(), Just(0)], prop_oneof![sizes(), Just(0)]),
        proof in proptest::collection::vec(any::<Digest>(), 0..70),
        (old, new) in any::<(Digest, Digest)>(),
    ) {
        prop_assert!(verify_inclusion(&old, from, to, &proof, &new).is_err());
        prop_assert!(verify_consistency(from, to, &proof, &old, &new).is_err());
        if let Ok(root) = root_from_inclusion(&old, from, to, &proof) {
            prop_assert_eq!(verify_inclusion(&old, from, to, &proof, &root), Ok(()));
        }
    }
}
