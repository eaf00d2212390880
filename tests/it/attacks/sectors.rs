//! Goal: a power cut while a group of entries is written, of which any sectors reach the disk and any do not, costs at
//! most this group: what was synced before stays, what is found was written, and opening never fails.
//! Method: after a synced beginning a group over several sectors, which begins inside one; then for every subset of these
//! sectors the file as it is when they are lost: zeros in their place, or an end before them.

use super::{create_whole, put, unsynced};
use crate::ledger::{Home, received, values, write_epoch};
use crate::ledger_faults::{copy, world};
use crate::support::{event, patiently, push};
use onefold::ledger::{Entry, Error, Kind, Merge, open_checkpoint, read_checkpoint, verify};
use onefold::model::Epoch;
use onefold::pipeline::{Archive, Onefold, OpenOptions};
use serde_json::json;
use std::fs;

const SECTOR: usize = 512;

/// A ledger with a synced beginning and a group after it, and the byte that the group begins at.
struct Torn {
    home: Home,
    bytes: Vec<u8>,
    start: usize,
    originals: Vec<Entry>,
    /// How many of them were synced.
    synced: usize,
}

fn torn(shift: usize, group: impl Fn(&mut onefold::ledger::Ledger)) -> Torn {
    let home = Home::new();
    let path = home.dir().join("00000000.seg");
    let mut ledger = create_whole(&home);
    write_epoch(&mut ledger, 1);
    ledger.append(&received(30, &"x".repeat(40 * shift))).unwrap();
    ledger.sync().unwrap();
    let start = fs::metadata(&path).unwrap().len() as usize;
    let synced = home.entries().len();
    let note = fs::read(home.dir().join("checkpoint")).unwrap();
    group(&mut ledger);
    drop(ledger);
    fs::write(home.dir().join("checkpoint"), note).unwrap();
    let bytes = fs::read(&path).unwrap();
    let originals = home.entries();
    Torn { home, bytes, start, originals, synced }
}

impl Torn {
    /// The sectors that the group touches.
    fn sectors(&self) -> std::ops::RangeInclusive<usize> {
        self.start / SECTOR..=(self.bytes.len() - 1) / SECTOR
    }

    /// The file when the sectors of this mask are lost; `short` when the file had not grown over those at its end.
    fn without(&self, mask: usize, short: bool) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let mut end = self.start;
        for (bit, sector) in self.sectors().enumerate() {
            let (from, to) = ((sector * SECTOR).max(self.start), ((sector + 1) * SECTOR).min(bytes.len()));
            if mask >> bit & 1 == 1 {
                bytes[from..to].fill(0);
            } else {
                end = to;
            }
        }
        if short {
            bytes.truncate(end);
        }
        bytes
    }

    /// Every subset, opened. Gives how often the whole group was there.
    fn check(&self) -> usize {
        let path = self.home.dir().join("00000000.seg");
        let note = fs::read(self.home.dir().join("checkpoint")).unwrap();
        let count = self.sectors().count();
        assert!((4..=9).contains(&count), "{count} sectors");
        let mut whole = 0;
        for mask in 0..1usize << count {
            for short in [false, true] {
                let bytes = self.without(mask, short);
                put(&path, &bytes);
                fs::write(self.home.dir().join("checkpoint"), &note).unwrap();
                let what = format!("lost {mask:b} of {count}, {}", if short { "short" } else { "zeros" });
                let (ledger, recovered) =
                    self.home.open_unsynced(unsynced(1 << 20)).unwrap_or_else(|error| panic!("{what}: {error}"));
                drop(ledger);
                let kept = self.home.entries();
                let same = kept.iter().zip(&self.originals).take_while(|(a, b)| a == b).count();
                assert!(same >= self.synced, "{what}: {same} of {} synced", self.synced);
                let new = &kept[same..];
                assert!(new.iter().all(|entry| entry.header.kind == Kind::Open) && new.len() == 1, "{what}: invented");
                assert_eq!(recovered.cut.is_some(), bytes.len() > self.end_of(same), "{what}: what was cut is told");
                verify(&self.home.dir(), &[], |_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
                whole += usize::from(same == self.originals.len());
            }
        }
        whole
    }

    /// Where the first `count` entries end.
    fn end_of(&self, count: usize) -> usize {
        self.originals.get(count).map_or(self.bytes.len(), |entry| entry.placed.position.offset() as usize)
    }
}

/// Received entries, acknowledged by a sync that never returned.
#[test]
fn any_sectors_of_received_entries_may_be_lost() {
    for shift in 0..3 {
        let torn = torn(shift, |ledger| {
            for birth in 40..51 {
                ledger.append(&received(birth, "group@example.com")).unwrap();
            }
            ledger.sync().unwrap();
        });
        assert!(!torn.start.is_multiple_of(SECTOR));
        assert_eq!(torn.check(), 2, "only with all sectors all entries are there");
    }
}

fn epoch(ledger: &mut onefold::ledger::Ledger, epoch: u64) {
    for birth in 40..45 {
        ledger.append(&received(birth, "group@example.com")).unwrap();
    }
    ledger.append(&Merge { link: crate::ledger::link(40, 41), epoch: Epoch(epoch) }).unwrap();
    ledger.append(&values(40, epoch)).unwrap();
    ledger.append(&values(42, epoch)).unwrap();
    ledger.commit(Epoch(epoch)).unwrap();
}

/// A whole epoch whose last sector, with its commit, may be there while others are not.
#[test]
fn any_sectors_of_an_epoch_may_be_lost_also_when_its_commit_is_not() {
    for shift in 0..4 {
        let torn = torn(shift, |ledger| epoch(ledger, 2));
        assert_eq!(torn.check(), 2, "only with all sectors the epoch is there");
    }
}

/// What a checkpoint covers was synced before it was signed: what is lost of it was not lost by a power cut.
#[test]
fn under_a_checkpoint_nothing_is_cut() {
    let torn = torn(1, |ledger| epoch(ledger, 2));
    let path = torn.home.dir().join("00000000.seg");
    let options = || unsynced(1 << 20);
    let (mut ledger, _) = torn.home.open_unsynced(options()).unwrap();
    let note = ledger.checkpoint().unwrap();
    drop(ledger);
    let keys: Vec<_> = torn.home.keys.signing().unwrap().iter().map(|key| key.verifier().clone()).collect();
    let signed = open_checkpoint(&path, &note, torn.home.keys.ledger_id(), &keys).unwrap();
    assert!(signed.size() > torn.originals.len() as u64);
    for mask in 1..1usize << torn.sectors().count() {
        let bytes = torn.without(mask, mask % 2 == 0);
        put(&path, &bytes);
        let refused = torn.home.open_unsynced(options()).map(|_| ());
        assert!(matches!(refused, Err(Error::UnderCheckpoint { .. } | Error::Damaged(_))), "{mask:b}: {refused:?}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was touched");
        assert_eq!(read_checkpoint(&torn.home.dir()).unwrap().unwrap(), note);
    }
}

/// A later group shows that the one before it was synced: a sector that is gone from there is damage.
#[test]
fn a_lost_sector_before_a_later_group_is_damage() {
    let torn = torn(2, |ledger| {
        epoch(ledger, 2);
        ledger.append(&received(60, "later")).unwrap();
        ledger.sync().unwrap();
    });
    fs::remove_file(torn.home.dir().join("checkpoint")).unwrap();
    let path = torn.home.dir().join("00000000.seg");
    let commit = torn.originals.iter().rposition(|entry| entry.header.kind == Kind::Commit).unwrap();
    let commit_at = torn.end_of(commit);
    let mut refused = 0;
    for (bit, sector) in torn.sectors().enumerate().filter(|(_, sector)| (sector + 1) * SECTOR <= commit_at) {
        let bytes = torn.without(1 << bit, false);
        put(&path, &bytes);
        let error = torn.home.open_unsynced(unsynced(1 << 20)).map(|_| ()).unwrap_err();
        let Error::Damaged(found) = error else { panic!("sector {sector}: {error}") };
        assert_eq!(found.later_commit, Some(commit_at as u64), "{found}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was touched");
        refused += 1;
    }
    assert!(refused >= 2);
}

/// The whole engine: the last group of its ledger lost a sector, with the index as it was, before the group, and gone.
#[test]
fn a_directory_opens_whatever_sectors_of_its_last_group_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after, data] = ["before", "after", "data"].map(|name| folder.path().join(name));
    world(&before, false);
    copy(&before, &after);
    let segment = |root: &std::path::Path| root.join("ledger/00000000.seg");
    let mut onefold = patiently(|| Onefold::open(&after, OpenOptions::default())).unwrap();
    let start = fs::metadata(segment(&after)).unwrap().len() as usize;
    for key in ["c", "d", "e"] {
        let row = json!({ "email": format!("{key}@example.com"), "family": "Quimby", "city": "Cork" });
        push(&mut onefold, &event("crm", key, Some(&row), 9));
        push(&mut onefold, &event("shop", key, Some(&row), 9));
    }
    onefold.commit().unwrap();
    drop(onefold);
    let bytes = fs::read(segment(&after)).unwrap();
    let count = (bytes.len() - 1) / SECTOR - start / SECTOR + 1;
    assert!(count >= 4, "{count} sectors");
    for mask in [1, 2, (1 << (count - 1)) - 1, 0b101, 1 << (count - 2), (1 << count) - 1] {
        for index in [Some(&before), None] {
            let _ = fs::remove_dir_all(&data);
            copy(&before, &data);
            copy(&after.join("ledger"), &data.join("ledger"));
            fs::write(data.join("ledger/checkpoint"), fs::read(before.join("ledger/checkpoint")).unwrap()).unwrap();
            if index.is_none() {
                fs::remove_dir_all(data.join("index")).unwrap();
            }
            let mut torn = bytes.clone();
            for sector in (0..count).filter(|sector| mask >> sector & 1 == 1) {
                let at = (start / SECTOR + sector) * SECTOR;
                torn[at.max(start)..(at + SECTOR).min(bytes.len())].fill(0);
            }
            fs::write(segment(&data), &torn).unwrap();
            let place = format!("lost {mask:b} of {count}, index {}", index.is_some());
            // For reading first, which opens for changes when it must; then as ever.
            let archive = patiently(|| Archive::open(&data)).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(archive.finder().unwrap().audit(|_| {}).unwrap().breaches, [], "{place}");
            drop(archive);
            let mut onefold = patiently(|| Onefold::open(&data, OpenOptions::default())).unwrap();
            let row = json!({ "email": "z@example.com", "family": "Z", "city": "Cork" });
            push(&mut onefold, &event("crm", "z", Some(&row), 99));
            onefold.commit().unwrap();
            assert_eq!(onefold.finder().unwrap().profiles_of("crm:a").unwrap().len(), 1, "{place}: what was synced");
            drop(onefold);
            verify(&data.join("ledger"), &[], |_| {}).unwrap_or_else(|error| panic!("{place}: {error}"));
        }
    }
}
