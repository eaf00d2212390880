//! Goal: `blocks` and `runs` are caches. Whatever stands in them, every proof, key and entry is what it was, and opening
//! for writing goes on.
//! Method: every bit of both flipped, both cut at every offset, filled with noise and with those of another ledger.

use super::{create_whole, put, unsynced};
use crate::ledger::{Home, bundle, link, received};
use onefold::ledger::{Entry, Error, Leaf, Merge, Reader, Tree, verify};
use onefold::model::{Epoch, Sequence};
use onefold::tlog::{inclusion_proof, verify_inclusion};
use std::fs;

/// Three whole blocks of 256 entries and `more`; several runs.
fn long(more: u64) -> Home {
    let home = Home::new();
    let mut ledger = create_whole(&home);
    ledger.append(&received(0, "x")).unwrap();
    ledger.set_policy(&bundle(2)).unwrap();
    ledger.set_policy(&bundle(1)).unwrap();
    while ledger.next().0 < 3 * 256 + more - 1 {
        let merge = Merge { link: link(ledger.next().0, 1 << 40), epoch: Epoch(1) };
        ledger.append(&merge).unwrap();
    }
    ledger.commit(Epoch(1)).unwrap();
    home
}

/// The bytes with one bit flipped, at every `step`-th bit, and cut at every length.
fn altered(good: &[u8], step: usize) -> Vec<(String, Vec<u8>)> {
    let flips = (0..good.len() * 8).step_by(step).map(|bit| {
        let mut bad = good.to_vec();
        bad[bit / 8] ^= 1 << (bit % 8);
        (format!("bit {bit}"), bad)
    });
    let cuts = (0..good.len()).map(|end| (format!("cut at {end}"), good[..end].to_vec()));
    let noise = [("zeros", vec![0; good.len() * 3]), ("ones", vec![255; good.len()])];
    flips.chain(cuts).chain(noise.map(|(what, bytes)| (what.to_owned(), bytes))).collect()
}

/// A row has a place, a leaf and a root, and only the roots are bound by the root of the ledger.
#[test]
fn no_bit_of_the_blocks_makes_a_wrong_proof() {
    for more in [0, 40] {
        let home = long(more);
        let report = verify(&home.dir(), &[], |_| {}).unwrap();
        let path = home.dir().join("blocks");
        let good = fs::read(&path).unwrap();
        assert_eq!((good.len(), report.entries), (3 * 72, 3 * 256 + more));
        let leaves = |step: usize| -> Vec<Leaf> {
            let tree = Tree::open(&home.dir(), report.entries, &report.root).unwrap();
            (0..report.entries).step_by(step).map(|sequence| tree.leaf(Sequence(sequence)).unwrap()).collect()
        };
        let expected = leaves(61);
        for (what, bad) in altered(&good, if more == 0 { 3 } else { 1 }) {
            put(&path, &bad);
            assert_eq!(leaves(61), expected, "{what}");
        }
        // One proof of each block, and the entry that is handed out with it.
        let reader = Reader::open(&home.dir(), Some(&home.keys)).unwrap();
        for (what, bad) in altered(&good, 23) {
            put(&path, &bad);
            let tree = Tree::open(&home.dir(), report.entries, &report.root).unwrap();
            for index in (100..report.entries).step_by(256) {
                let proof = inclusion_proof(&tree, index, report.entries).unwrap();
                let disclosed = reader.disclose(&tree, Sequence(index)).unwrap();
                verify_inclusion(&disclosed.leaf, index, report.entries, &proof, &report.root)
                    .unwrap_or_else(|error| panic!("{what}, entry {index}: {error}"));
            }
        }
    }
}

fn contents(home: &Home) -> Vec<Entry> {
    let reader = Reader::open(&home.dir(), Some(&home.keys)).unwrap();
    let mut entries = Vec::new();
    let visit = |entry: Entry| {
        entries.push(entry);
        Ok::<(), Error>(())
    };
    reader.scan(None, visit).unwrap();
    entries
}

#[test]
fn no_bit_of_the_runs_hides_an_entry() {
    let home = super::full();
    let path = home.dir().join("runs");
    let good = fs::read(&path).unwrap();
    assert!(good.len() >= 300);
    let expected = contents(&home);
    for (what, bad) in altered(&good, 1) {
        put(&path, &bad);
        assert_eq!(contents(&home), expected, "{what}");
    }
}

/// Opening mends what it finds, and the ledger goes on.
#[test]
fn a_ledger_opens_with_any_caches() {
    let other = long(7);
    let home = long(40);
    let segment = home.segments();
    for name in ["runs", "blocks"] {
        let path = home.dir().join(name);
        let good = fs::read(&path).unwrap();
        let foreign = fs::read(other.dir().join(name)).unwrap();
        for (what, bad) in altered(&good, 67).into_iter().step_by(11).chain([("foreign".to_owned(), foreign)]) {
            home.restore(&segment);
            fs::write(&path, &bad).unwrap();
            let (mut ledger, recovered) = home.open_unsynced(unsynced(1 << 20)).unwrap();
            assert!(recovered.cut.is_none());
            let sequence = ledger.append(&received(1, "after")).unwrap().sequence;
            ledger.commit(Epoch(2)).unwrap();
            let report = verify(&home.dir(), &[], |_| {}).unwrap();
            let tree = Tree::open(&home.dir(), report.entries, &report.root).unwrap();
            let proof = inclusion_proof(&tree, sequence.0, report.entries).unwrap();
            verify_inclusion(&tree.leaf(sequence).unwrap().leaf, sequence.0, report.entries, &proof, &report.root)
                .unwrap_or_else(|error| panic!("{name}, {what}: {error}"));
        }
    }
}
