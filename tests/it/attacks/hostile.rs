//! Goal: sizes and counts that a hostile file says cost neither memory nor a panic: what is refused is refused for what
//! it is.
//! Method: frames and payloads with the largest numbers there are, and files of terabytes that hold nothing, read by a
//! second process of this test whose memory is limited to what a sound ledger needs.

use super::forge::{Forger, HEADER_BYTES, frame, segment, text};
use super::{create_whole, fault, put, unsynced};
use crate::ledger::{Home, write_epoch};
use crate::support::{again, is_again};
use onefold::crypto::Keyring;
use onefold::ledger::{Damage, Error, Kind, Reader, Tree, read_checkpoint, verify};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// KiB of address space that the second process may have: the test binary with its threads, and a few buffers.
const MEMORY_KIB: u32 = 600 << 10;

/// Bytes of the hole in a segment, more than all of that memory; it is looked through for a commit after the damage.
const HOLE_BYTES: u64 = 1 << 30;

fn two_epochs() -> Home {
    let home = Home::new();
    let mut ledger = create_whole(&home);
    write_epoch(&mut ledger, 1);
    write_epoch(&mut ledger, 2);
    home
}

#[test]
fn lengths_that_no_entry_has_are_damage() {
    let home = two_epochs();
    let path = segment(&home.dir(), 0);
    let good = fs::read(&path).unwrap();
    let entries = home.entries();
    for length in [0, 1, 19, 65_536, 1 << 24, u32::MAX - 8, u32::MAX] {
        for entry in &entries {
            let at = entry.placed.position.offset() as usize;
            let mut bad = good.clone();
            bad[at..at + 4].copy_from_slice(&length.to_le_bytes());
            put(&path, &bad);
            let found = fault(verify(&home.dir(), &[], |_| {}).unwrap_err());
            assert_eq!((found.offset as usize, found.damage), (at, Damage::Length { found: length }));
        }
    }
    // A plausible length that goes past the end or into what follows.
    for length in [20u32, 65_535] {
        let at = entries[3].placed.position.offset() as usize;
        let mut bad = good.clone();
        bad[at..at + 4].copy_from_slice(&length.to_le_bytes());
        put(&path, &bad);
        let found = fault(verify(&home.dir(), &[], |_| {}).unwrap_err());
        assert!(matches!(found.damage, Damage::Checksum { .. } | Damage::Torn { .. }), "{found}");
        assert!(found.later_commit.is_some() && home.open_unsynced(unsynced(1 << 20)).is_err());
    }
}

/// Payloads of clear entries whose counts and sizes promise more than there is: without an end, or in full size.
fn payloads() -> Vec<(Kind, Vec<u8>)> {
    let huge = u64::MAX.to_le_bytes();
    let large = (1u64 << 40).to_le_bytes();
    let mut payloads = Vec::new();
    for kind in [Kind::Open, Kind::Policy, Kind::Commit, Kind::Erasure, Kind::Key, Kind::Redaction] {
        for fill in [0x00, 0x01, 0x7f, 0xff] {
            for size in [0, 1, 2, 8, 36, 64, 88, 1_000, 60_000] {
                payloads.push((kind, vec![fill; size]));
            }
        }
    }
    for size in [huge, large] {
        payloads.push((Kind::Policy, size.to_vec()));
        payloads.push((Kind::Policy, [&text("n"), &size[..]].concat()));
        payloads.push((Kind::Erasure, size.to_vec()));
        payloads.push((Kind::Open, [&[1; 38][..], &size].concat()));
        payloads.push((Kind::Key, [&[1; 64][..], &size].concat()));
        payloads.push((Kind::Key, [&[1; 64][..], &text("s"), &size[..]].concat()));
    }
    let all = [0xff; 2];
    let parts = [1, 0, 1, 0];
    payloads.push((Kind::Policy, [&text("n"), &text("v"), &[1; 32][..], &parts, &all].concat()));
    payloads.push((Kind::Policy, [&text("n"), &text("v"), &[1; 32][..], &parts, &all, &huge].concat()));
    payloads.push((Kind::Policy, [&text("n"), &text("v"), &[1; 32][..], &[1, 0, 0, 0], &[0, 0]].concat()));
    let erasure = [&text("r"), &text("g"), &[0; 20][..], &parts].concat();
    payloads.push((Kind::Erasure, [&erasure[..], &all].concat()));
    payloads.push((Kind::Erasure, [&erasure[..], &[0, 0], &all].concat()));
    payloads.push((Kind::Redaction, all.to_vec()));
    payloads.push((Kind::Redaction, [&[0, 0][..], &all].concat()));
    // Ranges that go over the last sequence there can be, or hold nothing.
    payloads.push((Kind::Redaction, [&[0, 0, 1, 0][..], &huge, &[0xff; 4]].concat()));
    payloads.push((Kind::Redaction, [&[0, 0, 1, 0][..], &large, &[0; 4]].concat()));
    payloads
}

/// Verifies, reads and opens what a hostile folder holds; nothing of it may come out, and no panic.
fn read_hostile(home: &Path) {
    let dir = home.join("ledger");
    assert!(verify(&dir, &[], |_| {}).is_err());
    if let Ok(reader) = Reader::open(&dir, None) {
        let _ = reader.scan(None, |_| Ok::<(), Error>(()));
    }
    let _ = onefold::ledger::erasures(&dir);
}

#[test]
fn counts_that_promise_more_than_there_is_are_damage() {
    let home = two_epochs();
    let good = home.segments();
    let size = home.entries().len() as u64;
    for (kind, payload) in payloads() {
        home.restore(&good);
        let mut forger = Forger::after(&home.dir(), size);
        forger.clear(kind, &payload);
        forger.commit();
        forger.write();
        let found = fault(verify(&home.dir(), &[], |_| {}).unwrap_err());
        let refused = matches!(found.damage, Damage::Payload { .. } | Damage::Run { .. } | Damage::Commit { .. });
        let refused =
            refused || matches!(found.damage, Damage::OtherLedger | Damage::KeyChange { .. } | Damage::PolicyPart);
        assert!(refused, "{kind} of {} bytes: {found}", payload.len());
        assert_eq!(found.sequence.0, size, "{kind} of {} bytes", payload.len());
        assert!(home.open_unsynced(unsynced(1 << 20)).is_err(), "no crash leaves it");
        read_hostile(home.dir().parent().unwrap());
    }
}

/// Files that say they are large and are holes.
fn holes(root: &Path) {
    let extend = |path: &Path, size: u64| {
        File::options().append(true).create(true).open(path).unwrap().set_len(size).unwrap();
    };
    let dir = root.join("ledger");
    extend(&segment(&dir, 0), HOLE_BYTES);
    for name in ["runs", "blocks", "checkpoint"] {
        extend(&dir.join(name), 1 << 40);
    }
}

const CHILD: &str = "attacks::hostile::files_of_terabytes_are_not_read_into_memory";

#[test]
fn files_of_terabytes_are_not_read_into_memory() {
    if let Some(root) = is_again() {
        return read_holes(Path::new(&root));
    }
    let home = two_epochs();
    let root = home.dir().parent().unwrap().to_owned();
    let segment = segment(&home.dir(), 0);
    let whole = fs::read(&segment).unwrap();
    assert!(whole.len() > HEADER_BYTES);
    // A commit stands after all that nothing.
    holes(&root);
    File::options()
        .append(true)
        .open(&segment)
        .map(|mut file| std::io::Write::write_all(&mut file, &whole[76..]))
        .unwrap()
        .unwrap();
    let again = again(CHILD, root.to_str().unwrap());
    let limited = format!("ulimit -v {MEMORY_KIB}; exec \"$0\" \"$@\"");
    let ran = Command::new("bash")
        .args(["-c", &limited])
        .arg(again.get_program())
        .args(again.get_args())
        .envs(again.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("nothing was read into memory"), "the second process did it: {said}");
}

/// In the process with little memory.
fn read_holes(root: &Path) {
    let dir = root.join("ledger");
    let found = fault(verify(&dir, &[], |_| {}).unwrap_err());
    assert_eq!(found.damage, Damage::Length { found: 0 });
    assert!(found.later_commit.is_some_and(|offset| offset > HOLE_BYTES), "{found}");
    assert!(matches!(read_checkpoint(&dir), Err(Error::Checkpoint { .. })));
    let keys = Keyring::open_with_file(&root.join("keys")).unwrap();
    assert!(Reader::open(&dir, Some(&keys)).unwrap().scan(None, |_| Ok::<(), Error>(())).is_err());
    assert!(Tree::open(&dir, 22, &[1; 32]).is_err());
    drop(keys);
    for name in ["state.key", "state-00000001", "kek"] {
        let path = root.join("keys").join(name);
        let good = fs::read(&path).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(Keyring::open_with_file(&root.join("keys")).is_err(), "{name}");
        fs::write(&path, good).unwrap();
    }
    println!("nothing was read into memory");
}

/// A stored entry of every size from none to more than a header, with a right checksum.
#[test]
fn entries_shorter_than_their_header_are_damage() {
    let home = two_epochs();
    let path = segment(&home.dir(), 0);
    let good = fs::read(&path).unwrap();
    for size in 20..90usize {
        for kind in 0..=20u8 {
            let stored: Vec<u8> = [1, kind].into_iter().chain(std::iter::repeat_n(0, size - 2)).collect();
            put(&path, &[&good[..], &frame(&stored)].concat());
            let found = fault(verify(&home.dir(), &[], |_| {}).unwrap_err());
            assert_eq!(found.offset as usize, good.len());
            assert!(!found.may_be_unfinished(), "{found}");
        }
    }
}
