//! Goal: every change to the files of a ledger is detected or, where a crash could have left it, cut back to what was
//! synced; nothing committed or received is ever cut.
//! Method: small ledgers of several segments, damaged byte by byte, cut at every offset, frames and segments moved.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use super::ledger::{Home, frames, received, values, write_epoch};
use onefold::ledger::{Cut, Damage, Entry, Error, Fault, Kind, Position, verify};
use onefold::model::Epoch;
use std::fs;
use std::path::PathBuf;

fn fault(error: Error) -> Fault {
    match error {
        Error::Damaged(fault) => *fault,
        other => panic!("not damage: {other}"),
    }
}

/// Whatever is flipped, verify says so; and open either says so or cuts, and never loses what stands before.
#[test]
fn every_flipped_byte_is_detected() {
    let home = Home::new();
    let mut ledger = home.create();
    write_epoch(&mut ledger, 1);
    write_epoch(&mut ledger, 2);
    ledger.append(&received(9, "tail")).unwrap();
    ledger.sync().unwrap();
    drop(ledger);
    let good = home.segments();
    assert!(good.len() > 2);
    let originals = home.entries();
    let last = good.len() - 1;
    let mut cuts = 0;
    for (number, (path, bytes)) in good.iter().enumerate() {
        for index in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[index] ^= 1 << (index % 8);
            fs::write(path, &bad).unwrap();
            let found = fault(verify(&home.dir(), &[], |_| {}).unwrap_err());
            assert_eq!(found.segment as usize, number, "byte {index}: {found}");
            assert!(found.offset <= index as u64, "byte {index}: {found}");
            if number == last || index % 31 == 0 {
                if let Ok((_, recovered)) = home.open(None) {
                    assert_eq!(number, last, "only the last segment is cut");
                    assert!(recovered.cut.unwrap().torn.is_some());
                    verify(&home.dir(), &[], |_| {}).unwrap();
                    let kept = home.entries();
                    let same = kept.iter().zip(&originals).take_while(|(a, b)| a == b).count();
                    assert!(kept[same..].iter().all(|entry| matches!(entry.header.kind, Kind::Open)));
                    cuts += 1;
                }
                home.restore(&good);
            }
        }
        fs::write(path, bytes).unwrap();
    }
    assert!(cuts > 0);
    verify(&home.dir(), &[], |_| {}).unwrap();
}

/// A ledger cut at any byte is verified as torn, or opens with exactly what stands before the cut, less what is derived.
#[test]
fn every_truncation_is_detected_or_cut_back() {
    let home = Home::new();
    let mut ledger = home.create();
    let state = write_epoch(&mut ledger, 1);
    ledger.append(&received(9, "tail")).unwrap();
    ledger.append(&received(10, "tail")).unwrap();
    ledger.append(&values(9, 2)).unwrap();
    ledger.sync().unwrap();
    drop(ledger);
    let good = home.segments();
    let originals = home.entries();
    let mut opened = 0;
    for number in 0..good.len() {
        for length in 0..good[number].1.len() {
            // What was after the cut is gone with it.
            home.restore(&good[..=number]);
            fs::write(&good[number].0, &good[number].1[..length]).unwrap();
            let at = Position((number as u64) << 32 | length as u64);
            let whole = originals.iter().filter(|entry| end_of(entry, &good) <= at).count();
            let kept = kept_of(&originals[..whole]);
            if let Ok(report) = verify(&home.dir(), &[], |_| {}) {
                assert_eq!(report.entries, whole as u64, "cut at {at}");
                assert!(report.uncommitted > 0 || report.entries < state.size() || report.head == state.head());
            }
            match home.open(None) {
                Ok((ledger, _)) => {
                    drop(ledger);
                    let entries = home.entries();
                    assert_eq!(entries[..kept], originals[..kept], "cut at {at}");
                    assert!(entries[kept..].iter().all(|entry| entry.header.kind.is_clear()), "cut at {at}");
                    verify(&home.dir(), &[], |_| {}).unwrap();
                    opened += 1;
                }
                Err(error) => assert!(number == 0 && length < 76, "cut at {at}: {error}"),
            }
            home.restore(&good[..=number]);
            fs::write(&good[number].0, &good[number].1[..length]).unwrap();
            let resumed = home.open(Some(&state));
            assert_eq!(resumed.is_ok(), at >= state.end(), "the remembered commit is there or missed: {at}");
        }
    }
    assert!(opened > 1_000);
}

/// Where the frame of an entry ends.
fn end_of(entry: &Entry, segments: &[(PathBuf, Vec<u8>)]) -> Position {
    let at = entry.placed.position;
    let start = at.offset() as usize;
    let bytes = &segments[at.segment() as usize].1[start..start + 4];
    Position(at.0 + u64::from(u32::from_le_bytes(bytes.try_into().unwrap())) + 8)
}

/// How many of these entries stay: those before the first derived one after the last commit.
fn kept_of(entries: &[Entry]) -> usize {
    let committed = entries.iter().rposition(|entry| entry.header.kind == Kind::Commit).map_or(0, |index| index + 1);
    let derived = entries[committed..].iter().position(|entry| entry.header.kind.is_derived());
    derived.map_or(entries.len(), |index| committed + index)
}

#[test]
fn derived_entries_without_commit_are_cut_and_received_ones_kept() {
    let home = Home::new();
    let mut ledger = home.create();
    write_epoch(&mut ledger, 1);
    ledger.append(&received(9, "tail")).unwrap();
    // Enough to go over several segments.
    for record in 0..30 {
        ledger.append(&values(record, 2)).unwrap();
    }
    ledger.sync().unwrap();
    drop(ledger);
    let segments = home.segments().len();
    let (ledger, recovered) = home.open(None).unwrap();
    assert!(matches!(recovered.cut, Some(Cut { derived: 30, torn: None, .. })));
    assert_eq!(recovered.kept, 1);
    drop(ledger);
    assert!(home.segments().len() < segments);
    assert_eq!(verify(&home.dir(), &[], |_| {}).unwrap().uncommitted, 2);
}

#[test]
fn a_received_entry_is_never_lost_with_derived_ones() {
    let home = Home::new();
    let mut ledger = home.create();
    write_epoch(&mut ledger, 1);
    let derived = ledger.append(&values(1, 2)).unwrap();
    let kept = ledger.append(&received(9, "tail")).unwrap();
    ledger.sync().unwrap();
    drop(ledger);
    let before = home.segments();
    match home.open(None).map(|_| ()).unwrap_err() {
        Error::KeptAfterDerived { kind, sequence, derived: first } => {
            assert_eq!((kind, sequence, first), (Kind::Consent.min(Kind::Received), kept.sequence, derived.sequence));
        }
        other => panic!("{other}"),
    }
    assert_eq!(home.segments(), before, "nothing was touched");
}

#[test]
fn damage_before_a_commit_is_never_cut() {
    let home = Home::new();
    let mut ledger = home.create();
    write_epoch(&mut ledger, 1);
    let damaged = ledger.append(&received(9, "x")).unwrap();
    // The commit frame goes to the same segment.
    ledger.commit(Epoch(2)).unwrap();
    drop(ledger);
    let (path, mut bytes) = home.segments()[damaged.position.segment() as usize].clone();
    let offset = damaged.position.offset() as usize;
    bytes[offset + 40] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let before = home.segments();
    let found = fault(home.open(None).map(|_| ()).unwrap_err());
    assert_eq!((found.segment, found.offset), (damaged.position.segment(), offset as u64));
    assert_eq!(found.sequence, damaged.sequence);
    assert!(matches!(found.damage, Damage::Checksum { .. }));
    assert_eq!(found.later_commit.is_some(), damaged.position.segment() as usize + 1 == before.len());
    assert_eq!(home.segments(), before, "nothing was touched");
}

#[test]
fn frames_moved_doubled_or_removed_are_detected() {
    let home = Home::new();
    let mut ledger = home.create();
    write_epoch(&mut ledger, 1);
    drop(ledger);
    let good = home.segments();
    let mut tried = 0;
    for (number, (path, bytes)) in good.iter().enumerate() {
        let frames = frames(bytes);
        let build = |order: &[usize]| {
            let mut whole = bytes[..76].to_vec();
            order.iter().for_each(|index| whole.extend_from_slice(&bytes[frames[*index].0..frames[*index].1]));
            whole
        };
        for order in disorders(frames.len()) {
            // An end that is missing is a truncation, which has its own test.
            if number + 1 == good.len() && order.iter().enumerate().all(|(at, index)| at == *index) {
                continue;
            }
            fs::write(path, build(&order)).unwrap();
            fault(verify(&home.dir(), &[], |_| {}).unwrap_err());
            assert!(home.open(None).is_err(), "{order:?} is no crash");
            tried += 1;
        }
        fs::write(path, bytes).unwrap();
    }
    assert!(tried > 10);
    verify(&home.dir(), &[], |_| {}).unwrap();
}

/// Each way to remove, double or swap one or two of `count` frames.
pub(super) fn disorders(count: usize) -> Vec<Vec<usize>> {
    let straight: Vec<usize> = (0..count).collect();
    let mut orders = Vec::new();
    for a in 0..count {
        let mut removed = straight.clone();
        removed.remove(a);
        orders.push(removed);
        let mut doubled = straight.clone();
        doubled.insert(a, a);
        orders.push(doubled);
        for b in 0..a {
            let mut swapped = straight.clone();
            swapped.swap(a, b);
            orders.push(swapped);
        }
    }
    orders
}

#[test]
fn segments_moved_doubled_or_removed_are_detected() {
    let home = Home::new();
    let mut ledger = home.create();
    for epoch in 1..=4 {
        write_epoch(&mut ledger, epoch);
    }
    drop(ledger);
    let good = home.segments();
    assert!(good.len() > 3);
    for a in 0..good.len() - 1 {
        fs::remove_file(&good[a].0).unwrap();
        let error = verify(&home.dir(), &[], |_| {}).unwrap_err();
        assert!(matches!(fault(error).damage, Damage::SegmentMissing));
        assert!(home.open(None).is_err());
        for b in 0..good.len() {
            // Another segment in its place.
            fs::write(&good[a].0, &good[b].1).unwrap();
            assert_eq!(verify(&home.dir(), &[], |_| {}).is_ok(), a == b);
        }
        fs::write(&good[a].0, &good[a].1).unwrap();
    }
    let extra = home.dir().join(format!("{:08}.seg", good.len()));
    fs::write(&extra, &good[good.len() - 1].1).unwrap();
    assert!(matches!(fault(verify(&home.dir(), &[], |_| {}).unwrap_err()).damage, Damage::Segment { .. }));
    assert!(home.open(None).is_err());
}

/// What nobody can see in the ledger alone, the holder of a later commit can.
#[test]
fn a_rollback_is_seen_by_who_remembers_a_later_commit() {
    let home = Home::new();
    let mut ledger = home.create();
    let first = write_epoch(&mut ledger, 1);
    let old = home.segments();
    let second = write_epoch(&mut ledger, 2);
    drop(ledger);
    home.restore(&old);
    verify(&home.dir(), &[], |_| {}).unwrap();
    assert!(matches!(home.open(Some(&second)).map(|_| ()), Err(Error::Resume { .. })));
    assert!(home.open(Some(&first)).is_ok());
}
