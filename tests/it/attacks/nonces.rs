//! Goal: whatever is torn off and written again, no key and nonce seal two payloads.
//! Method: many openings of a ledger whose end is cut off at another place each time, also in the middle of a bundle;
//! after each, entries of the same records are appended at the same sequences. Every commitment to a key, and every salt
//! with every sequence, is kept over all of it.

use super::{create_whole, unsynced};
use crate::ledger::{Home, frames, received, values, write_epoch};
use onefold::ledger::{Content, Reader, verify};
use onefold::model::Epoch;
use std::collections::{HashMap, HashSet};
use std::fs;

/// By salt and sequence: the bytes that were sealed there.
type Sealed = HashMap<([u8; 16], u64), Vec<u8>>;

/// Takes in all sealed entries on the disk; nothing may stand where something else stood.
fn collect(home: &Home, sealed: &mut Sealed) {
    let mut salt = [0; 16];
    let mut salts = HashMap::new();
    let visit = |entry: onefold::ledger::Entry| {
        if let Content::Open(open) = &entry.content {
            salt = open.salt.0;
        }
        salts.insert(entry.placed.position, (salt, entry.placed.sequence.0));
        Ok::<(), onefold::ledger::Error>(())
    };
    Reader::open(&home.dir(), None).unwrap().scan(None, visit).unwrap();
    for (number, (_, bytes)) in home.segments().iter().enumerate() {
        for (start, end) in frames(bytes) {
            let place = salts[&onefold::ledger::Position((number as u64) << 32 | start as u64)];
            let stored = bytes[start + 4..end - 4].to_vec();
            if ![1, 2, 10, 15, 16, 17].contains(&stored[1]) {
                let before = sealed.insert(place, stored.clone());
                assert!(before.is_none_or(|before| before == stored), "{place:?} was used for something else");
            }
        }
    }
}

#[test]
fn what_is_written_after_a_tear_is_sealed_under_other_keys() {
    let home = Home::new();
    let mut ledger = create_whole(&home);
    write_epoch(&mut ledger, 1);
    drop(ledger);
    let path = home.dir().join("00000000.seg");
    let committed = fs::metadata(&path).unwrap().len() as usize;
    fs::remove_file(home.dir().join("checkpoint")).unwrap();
    let mut sealed = Sealed::new();
    collect(&home, &mut sealed);
    for round in 0..60 {
        let (mut ledger, _) = home.open_unsynced(unsynced(1 << 20)).unwrap();
        for birth in 20..24 {
            ledger.append(&received(birth, "the same")).unwrap();
        }
        ledger.append(&values(20, 2)).unwrap();
        match round % 3 {
            0 => drop(ledger.commit(Epoch(2 + round)).unwrap()),
            _ => ledger.sync().unwrap(),
        }
        drop(ledger);
        collect(&home, &mut sealed);
        // Another place each time, from just after the first commit to the last byte.
        let bytes = fs::read(&path).unwrap();
        let end = committed + (bytes.len() - committed) * (round as usize * 37 % 60) / 60;
        fs::write(&path, &bytes[..end]).unwrap();
        fs::remove_file(home.dir().join("checkpoint")).unwrap_or_default();
    }
    drop(home.open_unsynced(unsynced(1 << 20)).unwrap());
    verify(&home.dir(), &[], |_| {}).unwrap();
    let commitments: HashSet<&[u8]> = sealed.values().map(|stored| &stored[36..68]).collect();
    let slots: HashSet<&[u8]> = sealed.values().map(|stored| &stored[20..36]).collect();
    assert!(sealed.len() >= 60 * 5, "{} entries", sealed.len());
    assert_eq!((commitments.len(), slots.len()), (sealed.len(), sealed.len()), "each has a key and a slot of its own");
    let sequences: HashSet<u64> = sealed.keys().map(|(_, sequence)| *sequence).collect();
    assert!(sequences.len() * 2 < sealed.len(), "the same sequences came again and again");
}
