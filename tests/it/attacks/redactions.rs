//! Goal: redaction is the one change of a ledger that is allowed, and it can be used for nothing but deleting what
//! erased records said: not to hide an entry, not to change one, and not on a person who was never erased unseen.
//! Method: every part of a real redaction altered with right checksums, then a forged one by an insider.

use super::forge::{Forger, HEADER_BYTES, redact, reseal, segment};
use super::{ERASED, create_whole, erasure, fault, put, verify_fault};
use crate::ledger::{Home, frames, received, values, write_epoch};
use crate::ledger_faults::world;
use crate::support::patiently;
use onefold::crypto::Keyring;
use onefold::ledger::{Content, Damage, Entry, Error, Expected, Kind, Position, Reader, verify};
use onefold::model::Epoch;
use onefold::pipeline::{Archive, Onefold, OpenOptions};
use ring::rand::SystemRandom;
use std::fs;
use std::path::Path;

/// One segment with an erasure that is carried out, and a second one with what records it.
struct Carried {
    home: Home,
    /// The redacted frames in the first segment, as they are and as they were.
    frames: Vec<(usize, usize)>,
    before: Vec<u8>,
    /// The sequences of the redacted entries, and of the redaction entry.
    redacted: Vec<u64>,
    redaction: u64,
}

fn carried() -> Carried {
    let mut home = Home::new();
    let mut ledger = create_whole(&home);
    write_epoch(&mut ledger, 1);
    for birth in ERASED {
        ledger.append(&received(birth.0, "erased")).unwrap();
        ledger.append(&received(birth.0 + 10, "stays")).unwrap();
    }
    ledger.commit(Epoch(2)).unwrap();
    let placed = ledger.append(&erasure(&ERASED, 3)).unwrap();
    ledger.commit(Epoch(3)).unwrap();
    let before = fs::read(segment(&home.dir(), 0)).unwrap();
    home.keys.erase(&ERASED, &SystemRandom::new()).unwrap();
    super::redact(&mut ledger, &[placed.sequence], &ERASED);
    ledger.commit(Epoch(4)).unwrap();
    drop(ledger);
    let now = fs::read(segment(&home.dir(), 0)).unwrap();
    let of: Vec<(usize, usize)> = frames(&now).into_iter().filter(|(start, _)| now[start + 4] == 129).collect();
    let entries = home.entries();
    let redacted = entries.iter().filter(|entry| entry.header.redacted).map(|entry| entry.placed.sequence.0).collect();
    let redaction = entries.iter().find(|entry| entry.header.kind == Kind::Redaction).unwrap().placed.sequence.0;
    assert_eq!(of.len(), 2);
    Carried { home, frames: of, before, redacted, redaction }
}

impl Carried {
    /// The ledger with another end from the redaction entry on, which the forger makes.
    fn forged(&self, end: impl Fn(&mut Forger)) -> Result<(), Damage> {
        let good = self.home.segments();
        let mut forger = Forger::after(&self.home.dir(), self.redaction);
        end(&mut forger);
        forger.commit();
        forger.write();
        let found = verify(&self.home.dir(), &[], |_| {}).map(|_| ()).map_err(|error| fault(error).damage);
        self.home.restore(&good);
        found
    }

    /// The ledger with the bytes of the first segment altered.
    fn altered(&self, alter: impl Fn(&mut Vec<u8>)) -> Result<(), Damage> {
        let path = segment(&self.home.dir(), 0);
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        alter(&mut bad);
        put(&path, &bad);
        let found = verify(&self.home.dir(), &[], |_| {}).map(|_| ()).map_err(|error| fault(error).damage);
        put(&path, &good);
        found
    }
}

#[test]
fn a_redacted_entry_is_listed_or_it_is_damage() {
    let carried = carried();
    let [first, second] = carried.redacted[..] else { panic!("two entries") };
    assert_eq!(carried.forged(|_| {}), Err(Damage::Unlisted), "the listing left out");
    assert_eq!(carried.forged(|forger| forger.redaction(&[9], &[(first, 1)])), Err(Damage::Unlisted));
    assert_eq!(carried.forged(|forger| forger.redaction(&[9], &[(first + 1, 9)])), Err(Damage::Unlisted));
    assert_eq!(carried.forged(|forger| forger.redaction(&[9], &[(first, 1), (second, 1)])), Ok(()));
    let two = |forger: &mut Forger| [second, first].into_iter().for_each(|entry| forger.redaction(&[9], &[(entry, 1)]));
    assert_eq!(carried.forged(two), Ok(()), "in any order, over several entries");
    let unordered = |forger: &mut Forger| forger.redaction(&[9], &[(second, 1), (first, 1)]);
    assert_eq!(carried.forged(unordered), Err(Damage::Payload { kind: Kind::Redaction }));
}

#[test]
fn nothing_of_a_redacted_entry_can_be_altered() {
    let carried = carried();
    for &(start, end) in &carried.frames {
        let body = start + 4 + 68;
        for at in body..body + 32 {
            let found = carried.altered(|bytes| {
                bytes[at] ^= 1;
                reseal(bytes, start, end);
            });
            let found = found.unwrap_err();
            assert!(matches!(found, Damage::Commit { .. } | Damage::Segment { .. }), "another digest: {found}");
        }
        for at in body + 32..end - 4 {
            let found = carried.altered(|bytes| {
                bytes[at] ^= 0x40;
                reseal(bytes, start, end);
            });
            assert_eq!(found, Err(Damage::Redaction), "no zeros at {at}");
        }
        for at in start + 4..body {
            let found = carried.altered(|bytes| {
                bytes[at] ^= 2;
                reseal(bytes, start, end);
            });
            assert!(found.is_err(), "another header at {at}");
        }
        // Shorter or longer by a bucket of padding: the same leaf in another size would move all that follows.
        for size in [-32i32, 32] {
            let found = carried.altered(|bytes| {
                let length = (end - start - 8) as i32 + size;
                bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
                match size {
                    32 => drop(bytes.splice(end - 4..end - 4, [0; 32])),
                    _ => drop(bytes.drain(end - 36..end - 4)),
                }
                reseal(bytes, start, end.checked_add_signed(size as isize).unwrap());
            });
            // The leaf does not say the size of a body that is gone. Nothing is hidden by it, and nothing told.
            assert_eq!(found, Ok(()), "zeros have no meaning");
        }
    }
}

/// The mark of redaction on entries that are none.
#[test]
fn the_mark_alone_redacts_nothing() {
    let carried = carried();
    let now = fs::read(segment(&carried.home.dir(), 0)).unwrap();
    for (start, end) in frames(&now).into_iter().filter(|frame| !carried.frames.contains(frame)) {
        let found = carried.altered(|bytes| {
            bytes[start + 4] |= 0x80;
            reseal(bytes, start, end);
        });
        let clear = Kind::from_number(now[start + 5]).unwrap().is_clear();
        assert_eq!(found, Err(if clear { Damage::Version { found: 129 } } else { Damage::Redaction }));
        if !clear {
            // Made as a real redaction is, and listed by nobody.
            assert_eq!(carried.altered(|bytes| redact(bytes, start, end)), Err(Damage::Unlisted));
        }
    }
}

/// A ciphertext put back from an old copy is the one that was written, so the chain holds; the key is gone all the same.
#[test]
fn a_ciphertext_put_back_opens_for_nobody() {
    let carried = carried();
    let path = segment(&carried.home.dir(), 0);
    fs::write(&path, &carried.before).unwrap();
    let report = verify(&carried.home.dir(), &[], |_| {}).unwrap();
    assert_eq!(report.redacted, 0);
    let gone = |entries: &[Entry]| entries.iter().filter(|e| matches!(e.content, Content::Erased { .. })).count();
    assert_eq!(gone(&carried.home.entries()), 2);
}

/// An insider deletes what an entry of a living person says. He needs no key for the redaction entry, and the leaf stays
/// what it was, so neither the verifier nor any checkpoint can tell: they say that it was deleted, and by which entry.
/// That no erasure names the record is seen by the audit, which has the keys to see whose it was.
fn insider(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    world(&data, false);
    let dir = data.join("ledger");
    let report = verify(&dir, &[], |_| {}).unwrap();
    let target = entries(&data).into_iter().find(|entry| entry.header.kind == kind).unwrap().placed;
    let mut forger = Forger::after(&dir, report.entries);
    forger.redaction(&[], &[(target.sequence.0, 1)]);
    forger.commit();
    forger.write();
    delete(&dir, target.position);
    let expected = Expected { size: report.entries, root: report.root };
    let after = verify(&dir, &[expected], |_| {}).unwrap();
    assert_eq!((after.redacted, after.erasures), (1, 0), "what the verifier shows: a redaction and no erasure");
    let breaches = |archive: &Archive| archive.finder().unwrap().audit(|_| {}).unwrap().breaches;
    match patiently(|| Archive::open(&data)) {
        Ok(archive) => {
            let breaches = breaches(&archive);
            let told = breaches.iter().find(|breach| breach.entry == Some(target.sequence));
            assert!(told.is_some_and(|breach| breach.what.contains("no erasure names")), "{kind}: {breaches:?}");
        }
        Err(error) => panic!("{kind}: {error}"),
    }
    // Nor is the index rebuilt from such a ledger as if nothing had been there.
    fs::remove_dir_all(data.join("index")).unwrap();
    if let Ok(onefold) = patiently(|| Onefold::open(&data, OpenOptions::default())) {
        let breaches = onefold.finder().unwrap().audit(|_| {}).unwrap().breaches;
        assert!(breaches.iter().any(|breach| breach.entry == Some(target.sequence)), "{kind}: {breaches:?}");
    }
}

fn entries(data: &Path) -> Vec<Entry> {
    let keys = Keyring::open_with_file(&data.join("keys")).unwrap();
    let mut entries = Vec::new();
    let visit = |entry| {
        entries.push(entry);
        Ok::<(), Error>(())
    };
    Reader::open(&data.join("ledger"), Some(&keys)).unwrap().scan(None, visit).unwrap();
    entries
}

/// Deletes the ciphertext of the entry at a place.
fn delete(dir: &Path, at: Position) {
    let path = segment(dir, at.segment());
    let mut bytes = fs::read(&path).unwrap();
    let start = at.offset() as usize;
    let (_, end) = frames(&bytes).into_iter().find(|frame| frame.0 == start).unwrap();
    redact(&mut bytes, start, end);
    fs::write(&path, bytes).unwrap();
}

#[test]
fn a_redaction_of_the_living_is_a_breach() {
    for kind in [Kind::Received, Kind::Merge, Kind::Values] {
        insider(kind);
    }
}

/// A redaction that was begun and lists more than was deleted, at the end of the last segment.
#[test]
fn what_is_listed_and_not_deleted_is_whole() {
    let home = Home::new();
    let mut ledger = create_whole(&home);
    write_epoch(&mut ledger, 1);
    ledger.append(&values(3, 2)).unwrap();
    ledger.commit(Epoch(2)).unwrap();
    drop(ledger);
    let before = home.entries();
    let mut forger = Forger::after(&home.dir(), before.len() as u64);
    forger.redaction(&[0, u64::MAX], &[(0, u32::MAX), (u64::MAX - 5, 5)]);
    forger.commit();
    forger.write();
    let report = verify(&home.dir(), &[], |_| {}).unwrap();
    assert_eq!((report.redacted, report.entries), (0, before.len() as u64 + 2));
    assert_eq!(home.entries()[..before.len()], before);
    let path = segment(&home.dir(), 0);
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.len() > HEADER_BYTES);
    // One frame more that says it is redacted, of a clear kind: it is not covered by any listing.
    let (start, end) = *frames(&bytes).last().unwrap();
    let mut bad = bytes.clone();
    bad[start + 4] = 129;
    reseal(&mut bad, start, end);
    fs::write(&path, bad).unwrap();
    assert!(matches!(verify_fault(&home).damage, Damage::Version { found: 129 }));
}
