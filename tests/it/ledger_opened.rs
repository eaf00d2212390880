//! Goal: verifying with keys sees what verifying without them cannot: a sealed entry that does not open.
//! Method: a ledger whose last entry is not committed, so that whoever changes that entry and mends its checksum leaves a
//! chain without a fault; and records that are erased one after the other.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use super::ledger::{Home, frames, received, write_epoch};
use onefold::ledger::{Error, Report, Unlocked, verify, verify_opened};
use onefold::model::Birth;
use ring::rand::SystemRandom;
use std::fs;

/// Where slot, commitment and ciphertext begin in a frame.
const SLOT_AT: usize = 4 + 20;
const COMMITMENT_AT: usize = SLOT_AT + 16;
const CIPHERTEXT_AT: usize = COMMITMENT_AT + 32;
/// Bytes of tag and checksum, at a frame's end.
const TAIL_BYTES: usize = 16 + 4;

fn opened(home: &Home) -> Result<Report, Error> {
    verify_opened(&home.dir(), &home.keys, &[], |_| {})
}

#[test]
fn every_sealed_entry_is_opened_or_erased() {
    let mut home = Home::new();
    let mut ledger = home.create();
    write_epoch(&mut ledger, 1);
    write_epoch(&mut ledger, 2);
    drop(ledger);
    let plain = verify(&home.dir(), &[], |_| {}).unwrap();
    let sealed: u64 = plain.kinds.iter().filter(|(kind, _)| !kind.is_clear()).map(|(_, count)| count).sum();
    let report = opened(&home).unwrap();
    assert_eq!(plain.opened, None);
    assert_eq!(report.opened, Some(Unlocked { opened: sealed, erased: 0, redacted: 0 }));
    assert_eq!(Report { opened: None, ..report }, plain);
    // Received, merge, unmerge and values are about the first record of the epoch.
    home.keys.erase(&[Birth(3)], &SystemRandom::new()).unwrap();
    let counts = opened(&home).unwrap().opened.unwrap();
    assert_eq!((counts.opened, counts.erased, counts.redacted), (sealed - 4, 4, 0));
}

#[test]
fn what_does_not_open_is_found_with_keys_only() {
    let home = Home::new();
    let mut ledger = home.create();
    write_epoch(&mut ledger, 1);
    let last = ledger.append(&received(9, "z@example.com")).unwrap();
    ledger.sync().unwrap();
    drop(ledger);
    let (path, whole) = home.segments().pop().unwrap();
    let (start, end) = *frames(&whole).last().unwrap();
    assert_eq!(last.position.offset() as usize, start);
    let check = |at: usize, expected: &str| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        let crc = crc32c::crc32c(&bytes[start..end - 4]);
        bytes[end - 4..end].copy_from_slice(&crc.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        verify(&home.dir(), &[], |_| {}).unwrap();
        match opened(&home) {
            Err(Error::Unopened { sequence, what }) => assert_eq!((sequence, what), (last.sequence, expected)),
            other => panic!("byte {} of the frame: {other:?}", at - start),
        }
    };
    check(start + SLOT_AT, "it was sealed under another key");
    check(start + COMMITMENT_AT, "it was sealed under another key");
    check(start + CIPHERTEXT_AT, "it is not what was sealed");
    check(end - TAIL_BYTES, "it is not what was sealed");
    // The time is in the associated data.
    check(start + 4 + 8, "it is not what was sealed");
    fs::write(&path, whole).unwrap();
    opened(&home).unwrap();
}

#[test]
fn keys_of_another_ledger_are_refused() {
    let (home, other) = (Home::new(), Home::new());
    write_epoch(&mut home.create(), 1);
    let refused = verify_opened(&home.dir(), &other.keys, &[], |_| {});
    assert!(matches!(refused, Err(Error::OtherLedger { .. })), "{refused:?}");
}
