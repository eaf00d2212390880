//! Goal: no entry, of whatever kind, can be removed, doubled, moved or written a second time, and no epoch or segment
//! played back.
//! Method: every removal, doubling and swap of frames in a ledger with every kind of entry; the frames of an epoch and
//! whole files once more, as they were and renumbered.

use super::forge::{Forger, frame};
use super::{create_whole, fault, full, unsynced, verify_fault};
use crate::ledger::{Home, frames, received, write_epoch};
use crate::ledger_damage::disorders;
use onefold::ledger::{Damage, Error, Kind, Ledger, Reader, verify};
use onefold::model::Epoch;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn frames_of_every_kind_are_missed_where_they_were() {
    let home = full();
    let good = home.segments();
    let mut moved = BTreeSet::new();
    for (number, (path, bytes)) in good.iter().enumerate() {
        let frames = frames(bytes);
        for order in disorders(frames.len()) {
            let is_cut = order.iter().enumerate().all(|(at, index)| at == *index);
            if number + 1 == good.len() && is_cut {
                continue;
            }
            let whole = order.iter().flat_map(|index| &bytes[frames[*index].0..frames[*index].1]);
            fs::write(path, bytes[..76].iter().chain(whole).copied().collect::<Vec<u8>>()).unwrap();
            verify_fault(&home);
            assert!(home.open_unsynced(unsynced(1_000)).is_err(), "{order:?} is no crash");
            let touched = order.iter().enumerate().filter(|(at, index)| at != *index);
            moved.extend(touched.filter_map(|(_, index)| Kind::from_number(bytes[frames[*index].0 + 5])));
            moved.extend(
                (0..frames.len())
                    .filter(|index| !order.contains(index))
                    .filter_map(|index| Kind::from_number(bytes[frames[index].0 + 5])),
            );
        }
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(moved, BTreeSet::from(Kind::ALL), "keys, erasures and redactions among them");
}

/// Three epochs in one segment, and the frames of each.
fn epochs() -> (Home, Vec<u8>, Vec<Vec<u8>>) {
    let home = Home::new();
    let mut ledger = create_whole(&home);
    let mut ends = vec![ledger_bytes(&home).len()];
    for epoch in 1..=3 {
        write_epoch(&mut ledger, epoch);
        ends.push(ledger_bytes(&home).len());
    }
    let bytes = ledger_bytes(&home);
    let parts = ends.windows(2).map(|ends| bytes[ends[0]..ends[1]].to_vec()).collect();
    (home, bytes, parts)
}

fn ledger_bytes(home: &Home) -> Vec<u8> {
    fs::read(home.dir().join("00000000.seg")).unwrap()
}

#[test]
fn an_epoch_played_back_is_no_epoch() {
    let (home, bytes, epochs) = epochs();
    let path = home.dir().join("00000000.seg");
    for epoch in &epochs {
        fs::write(&path, [&bytes[..], epoch].concat()).unwrap();
        let found = verify_fault(&home);
        assert!(matches!(found.damage, Damage::Sequence { .. }), "{found}");
        assert_eq!(found.offset as usize, bytes.len(), "what was there before it is whole");
        assert!(home.open_unsynced(unsynced(1 << 20)).is_err(), "no crash leaves a whole frame that does not fit");
    }
}

/// With new numbers and a commit of its own the replay is a ledger to who has no keys. With them it is seen: header, run
/// and sequence are part of what was sealed.
#[test]
fn an_epoch_played_back_under_new_numbers_does_not_open() {
    let (home, _, epochs) = epochs();
    let entries = home.entries().len() as u64;
    let mut forger = Forger::after(&home.dir(), entries);
    for (start, end) in frames(&[&[0; 76][..], &epochs[1]].concat()) {
        let stored = &epochs[1][start - 76 + 4..end - 76 - 4];
        if Kind::from_number(stored[1]).unwrap() != Kind::Commit {
            forger.replay(stored);
        }
    }
    forger.commit();
    forger.write();
    fs::remove_file(home.dir().join("checkpoint")).unwrap();
    let report = verify(&home.dir(), &[], |_| {}).unwrap();
    assert_eq!((report.entries, report.epoch), (entries + 8, Epoch(4)));
    let mut read = 0;
    let visit = |_| {
        read += 1;
        Ok::<(), Error>(())
    };
    let scanned = Reader::open(&home.dir(), Some(&home.keys)).unwrap().scan(None, visit);
    assert!(matches!(scanned, Err(Error::Unopened { .. })), "{scanned:?}");
    assert_eq!(read, entries, "all that was written is read, and nothing that was not");
}

/// An older copy of a segment, shorter or of another time, in its place or after the last.
#[test]
fn an_older_segment_put_back_is_seen_unless_it_is_the_end() {
    let home = Home::new();
    let mut ledger = home.create();
    write_epoch(&mut ledger, 1);
    let old = home.segments();
    for epoch in 2..=4 {
        write_epoch(&mut ledger, epoch);
    }
    drop(ledger);
    let good = home.segments();
    let (path, part) = old.last().unwrap();
    let now = &good[old.len() - 1].1;
    assert!(part.len() < now.len() && now.starts_with(part), "it has grown since");
    fs::write(path, part).unwrap();
    let found = verify_fault(&home);
    assert!(matches!(found.damage, Damage::Segment { .. }), "{found}");
    fs::write(path, now).unwrap();
    for (_, bytes) in &good {
        fs::write(home.dir().join(format!("{:08}.seg", good.len())), bytes).unwrap();
        assert!(matches!(verify_fault(&home).damage, Damage::Segment { .. }));
        assert!(home.open_unsynced(unsynced(1_000)).is_err());
    }
    // All later ones gone too: that is a rollback, which nothing in the ledger tells. `rollback` has who sees it.
    home.restore(&old);
    verify(&home.dir(), &[], |_| {}).unwrap();
}

/// Two writers on one directory, which the lock of the data directory does not let happen. What each writes alone is
/// sound; together it is seen by everybody after, at the latest when the second one signs.
#[test]
fn two_writers_are_seen() {
    let home = Home::new();
    let mut ledger = create_whole(&home);
    write_epoch(&mut ledger, 1);
    drop(ledger);
    let open = || home.open_unsynced(unsynced(1 << 20)).unwrap().0;
    let before = verify(&home.dir(), &[], |_| {}).unwrap();
    let (mut one, mut other): (Ledger, Ledger) = (open(), open());
    one.append(&received(7, "one")).unwrap();
    one.commit(Epoch(2)).unwrap();
    other.append(&received(7, "other")).unwrap();
    let signed = other.commit(Epoch(2)).map(|_| ());
    assert!(matches!(signed, Err(Error::CheckpointMoved { .. })), "the checkpoint is not the one it read: {signed:?}");
    assert!(matches!(other.append(&received(8, "x")), Err(Error::Poisoned)));
    // The first one goes on, and does not know.
    one.append(&received(9, "one")).unwrap();
    one.commit(Epoch(3)).unwrap();
    let found = fault(verify(&home.dir(), &[], |_| {}).unwrap_err());
    assert!(matches!(found.damage, Damage::Sequence { .. } | Damage::Run { .. }), "{found}");
    assert!(found.sequence.0 > before.entries, "what was there before is whole: {found}");
    drop((one, other));
    assert!(home.open_unsynced(unsynced(1 << 20)).is_err(), "and nobody writes on it");
}

/// A frame with a right checksum and nothing in it that a writer writes.
#[test]
fn a_frame_of_nothing_is_no_crash() {
    let (home, bytes, _) = epochs();
    fs::write(home.dir().join("00000000.seg"), [bytes, frame(&[0; 20])].concat()).unwrap();
    assert!(matches!(verify_fault(&home).damage, Damage::Kind { found: 0 }));
    assert!(home.open_unsynced(unsynced(1 << 20)).is_err());
}
