//! Goal: a record has the same key until it is erased, and from then on none; nothing is kept from which it could be
//! computed; and what is kept stays small.
//! Method: the tree beside a naive twin that computes every key from the root and remembers what was erased, on random
//! erasures in random order; all nodes above erased leaves are computed anew and looked for in the serialised state.

use aes_gcm::KeyInit;
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use onefold::crypto::PunctureTree;
use onefold::model::Birth;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashSet};
use zeroize::Zeroizing;

type Seed = [u8; 32];

const ROOT: Seed = [7; 32];

/// Every node above a birth, from the root to the leaf.
fn way(birth: u64) -> Vec<Seed> {
    let mut nodes = vec![ROOT];
    for depth in 0..64 {
        let cipher = Aes256::new(nodes.last().unwrap().into());
        let first = u128::from(birth >> (63 - depth) & 1) * 2;
        let halves = [first, first + 1].map(|counter| {
            let mut block = counter.to_le_bytes().into();
            cipher.encrypt_block(&mut block);
            <[u8; 16]>::from(block)
        });
        nodes.push(halves.concat().try_into().unwrap());
    }
    nodes
}

fn leaf(birth: u64) -> Seed {
    way(birth)[64]
}

fn tree() -> PunctureTree {
    PunctureTree::new(&Zeroizing::new(ROOT))
}

fn births(numbers: &[u64]) -> Vec<Birth> {
    numbers.iter().copied().map(Birth).collect()
}

/// The seeds and erased leaves of a serialised tree.
fn tokens(bytes: &[u8]) -> (HashSet<Seed>, usize) {
    let (mut seeds, mut erased, mut rest) = (HashSet::new(), 0, bytes);
    while let Some((depth, after)) = rest.split_first() {
        rest = after;
        if *depth == 255 {
            erased += 1;
        } else {
            let (seed, after) = rest.split_first_chunk().unwrap();
            seeds.insert(*seed);
            rest = after;
        }
    }
    (seeds, erased)
}

/// Whether the tree is what it should be after these were erased.
fn check(tree: &PunctureTree, erased: &BTreeSet<u64>, probes: &[u64]) {
    for birth in probes.iter().chain(erased).copied() {
        let expected = (!erased.contains(&birth)).then(|| leaf(birth));
        assert_eq!(tree.leaf(Birth(birth)).map(|leaf| *leaf), expected, "birth {birth} after {erased:?}");
        assert_eq!(tree.is_punctured(Birth(birth)), expected.is_none());
        assert_eq!(tree.record_key(Birth(birth)).is_some(), expected.is_some());
    }
    assert!(tree.punctured().into_iter().map(|birth| birth.0).eq(erased.iter().copied()));
    let bytes = tree.to_bytes();
    let (seeds, holes) = tokens(&bytes);
    assert_eq!((seeds.len(), holes, bytes.len()), (tree.seeds(), erased.len(), tree.size_bytes()));
    for birth in erased {
        for (depth, node) in way(*birth).iter().enumerate() {
            assert!(!seeds.contains(node), "the node at depth {depth} above {birth} is still there");
            assert!(!bytes.windows(32).any(|window| window == node));
        }
    }
    let read = PunctureTree::from_bytes(&bytes).expect("what is written reads");
    assert_eq!(read.to_bytes(), bytes);
    assert_eq!(read.leaf(Birth(probes[0])).map(|leaf| *leaf), tree.leaf(Birth(probes[0])).map(|leaf| *leaf));
}

/// Births near one another, near powers of two, at both ends, and anywhere.
fn birth() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..24u64,
        2 => (0..64u32, 0..3u64).prop_map(|(bit, off)| (1u64 << bit).wrapping_add(off).wrapping_sub(1)),
        1 => (0..4u64).prop_map(|off| u64::MAX - off),
        1 => any::<u64>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_equals_its_twin(
        rounds in prop::collection::vec(prop::collection::vec(birth(), 0..5), 1..6),
        probes in prop::collection::vec(birth(), 1..12),
    ) {
        let (mut tree, mut erased) = (tree(), BTreeSet::new());
        for round in &rounds {
            // Leaves a remembered way behind that the puncture must forget.
            for probe in probes.iter().chain(round) {
                tree.leaf(Birth(*probe));
            }
            tree.puncture(&births(round));
            erased.extend(round.iter().copied());
            check(&tree, &erased, &probes);
        }
        // In any other order, and all at once, there come the same bytes.
        let all: Vec<u64> = rounds.concat();
        let mut backwards = self::tree();
        all.iter().rev().for_each(|birth| backwards.puncture(&[Birth(*birth)]));
        prop_assert_eq!(backwards.to_bytes(), tree.to_bytes());
        prop_assert_eq!(self::tree().without(&births(&all)).to_bytes(), tree.to_bytes());
    }

    #[test]
    fn only_what_is_written_reads(
        erased in prop::collection::vec(birth(), 0..4),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let good = tree().without(&births(&erased)).to_bytes();
        let at = at.index(good.len());
        prop_assert!(PunctureTree::from_bytes(&good[..at]).is_none());
        let mut longer = good.to_vec();
        longer.insert(at, byte);
        let mut changed = good.to_vec();
        changed[at] = byte;
        for bytes in [longer, changed] {
            // A changed seed is another tree, which reads and is written the same.
            if let Some(tree) = PunctureTree::from_bytes(&bytes) {
                prop_assert_eq!(&**tree.to_bytes(), &*bytes);
            }
        }
    }

    #[test]
    fn hostile_bytes_are_refused_or_written_the_same(bytes in prop::collection::vec(
        prop_oneof![3 => 0..=65u8, 2 => Just(255u8), 1 => any::<u8>()], 0..200,
    )) {
        if let Some(tree) = PunctureTree::from_bytes(&bytes) {
            prop_assert_eq!(&**tree.to_bytes(), &*bytes);
        }
    }
}

#[test]
fn what_covers_too_little_too_much_or_twice_is_refused() {
    let node = |depth: u8| [&[depth][..], &[9; 32]].concat();
    let cases: [(&str, Vec<u8>, bool); 10] = [
        ("one root", node(0), true),
        ("nothing", Vec::new(), false),
        ("half", node(1), false),
        ("two halves, which are one root", [node(1), node(1)].concat(), false),
        ("a root and more", [node(0), node(0)].concat(), false),
        ("a root and an erased birth", [node(0), vec![255]].concat(), false),
        ("a node that begins within another", [node(2), node(1), node(2)].concat(), false),
        ("too deep", node(65), false),
        ("no depth", node(128), false),
        (
            "the first birth erased",
            std::iter::once(vec![255]).chain((1..=64).rev().map(node)).flatten().collect(),
            true,
        ),
    ];
    for (what, bytes, reads) in cases {
        assert_eq!(PunctureTree::from_bytes(&bytes).is_some(), reads, "{what}");
    }
}

/// The first 14 and last leaves under a fixed root, so that no change of the tree goes unseen.
#[test]
fn keys_are_derived_as_written_down() {
    let tree = tree();
    for birth in (0..14).chain([1 << 32, u64::MAX - 1, u64::MAX]) {
        assert_eq!(*tree.leaf(Birth(birth)).unwrap(), leaf(birth));
    }
    // AES-256 of the counters 0 to 3 under 32 bytes of 7, computed by another program.
    let left = "0a4dee87e76ce0d47c6e1cdfc76d20a359b6b4afd10b8c56acd770f3283942be";
    let right = "8c8d158d2e82866069c61a20315664e6d8a0aede5f9148c7565cffecaf8493a1";
    let hex = |seed: &Seed| seed.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((hex(&way(0)[1]), hex(&way(u64::MAX)[1])), (left.to_owned(), right.to_owned()));
}

#[test]
fn all_threads_get_the_same_keys() {
    let tree = tree();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let tree = &tree;
            scope.spawn(move || {
                for birth in (0..400u64).map(|n| n * (thread + 1) % 97) {
                    assert_eq!(*tree.leaf(Birth(birth)).unwrap(), leaf(birth));
                }
            });
        }
    });
}

/// Splitmix64, for births that are spread evenly.
fn spread(n: u64) -> u64 {
    let mut x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// The seeds are the nodes beside the ways to erased leaves, which are counted here level by level. Of n births, k random
/// ones leave about log2(n ÷ k) − 0.88 of them each.
#[test]
fn the_state_grows_as_the_theory_says() {
    const RECORDS: u64 = 1_000_000;
    let erased: BTreeSet<u64> = (0..10_000).map(|n| spread(n) % RECORDS).collect();
    let all: Vec<u64> = erased.iter().copied().collect();
    let tree = tree().without(&births(&all));
    let on_the_way = |depth: u32| erased.iter().map(|b| b.checked_shr(64 - depth).unwrap_or(0)).collect::<HashSet<_>>();
    let beside: usize = (0..64).map(|depth| 2 * on_the_way(depth).len() - on_the_way(depth + 1).len()).sum();
    assert_eq!(tree.seeds(), beside);
    let each = tree.seeds() as f64 / erased.len() as f64;
    assert!((each - 5.76).abs() < 0.1, "{each} seeds an erasure");
    assert_eq!(tree.to_bytes().len(), tree.seeds() * 33 + erased.len());
}
