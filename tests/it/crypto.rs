//! Goal: keys are made, kept and refused as documented, and the primitives are the standard ones.
//! Method: key directories damaged in each way, and the Wycheproof vectors where they are at hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use onefold::crypto::{Error, KekAccess, Keyring, NewKek};
use onefold::encoding::storage::Disk;
use ring::rand::SystemRandom;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

mod wycheproof;

fn create(dir: &Path) -> Keyring {
    Keyring::create_with_file(dir, &SystemRandom::new()).unwrap()
}

fn open_error(dir: &Path) -> Error {
    match Keyring::open_with_file(dir) {
        Ok(_) => panic!("damaged keys opened"),
        Err(error) => error,
    }
}

#[test]
fn keys_are_the_same_after_opening() {
    let dir = tempfile::tempdir().unwrap();
    let keys = create(&dir.path().join("keys"));
    let dir = dir.path().join("keys");
    let opened = Keyring::open_with_file(&dir).unwrap();
    assert_eq!(opened.ledger_id(), keys.ledger_id());
    assert_eq!(opened.key_epoch(), keys.key_epoch());
    assert_eq!(opened.identity().identifier("email", "x"), keys.identity().identifier("email", "x"));
    for name in ["kek", "state.key", "state-00000001"] {
        assert_eq!(fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    let kek = fs::read(dir.join("kek")).unwrap();
    assert_eq!((kek.len(), kek[64]), (65, b'\n'));
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 3, "no temporary file stays");
}

#[test]
fn identity_and_nothing_else_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let first = create(&dir.path().join("a"));
    let access = KekAccess::default();
    let from = (&*dir.path().join("a"), &access);
    let second =
        Keyring::create(&dir.path().join("b"), &SystemRandom::new(), Arc::new(Disk), NewKek::File, &access, Some(from))
            .unwrap();
    assert_eq!(first.identity().name("crm", "1"), second.identity().name("crm", "1"));
    assert_eq!(first.identity().value("email", "x"), second.identity().value("email", "x"));
    assert_ne!(first.ledger_id(), second.ledger_id());
    let other = create(&dir.path().join("c"));
    assert_ne!(first.identity().name("crm", "1"), other.identity().name("crm", "1"));
}

#[test]
fn keys_are_never_made_over_others() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let before = fs::read(dir.path().join("state.key")).unwrap();
    assert!(matches!(Keyring::create_with_file(dir.path(), &SystemRandom::new()), Err(Error::Exists { .. })));
    assert_eq!(fs::read(dir.path().join("state.key")).unwrap(), before);
}

#[test]
fn each_fault_has_its_own_error() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    create(dir);
    let (kek, sealed) = (dir.join("kek"), dir.join("state.key"));
    let good = fs::read(&kek).unwrap();

    for mode in [0o640, 0o604, 0o660, 0o700, 0o400] {
        fs::set_permissions(&kek, fs::Permissions::from_mode(mode)).unwrap();
        match open_error(dir) {
            Error::KekMode { mode: found, .. } => assert_eq!(found, mode),
            other => panic!("mode {mode:o}: {other}"),
        }
    }
    fs::set_permissions(&kek, fs::Permissions::from_mode(0o600)).unwrap();

    let long = [&good[..], b"\n"].concat();
    for malformed in [&b""[..], b"abc\n", &good[..64], &long, &[b'g'; 65]] {
        fs::write(&kek, malformed).unwrap();
        assert!(matches!(open_error(dir), Error::KekMalformed { .. }));
    }
    let mut other = good.clone();
    other[0] = if other[0] == b'0' { b'1' } else { b'0' };
    fs::write(&kek, &other).unwrap();
    assert!(matches!(open_error(dir), Error::KekWrong { .. }));

    fs::remove_file(&kek).unwrap();
    assert!(matches!(open_error(dir), Error::KekMissing { .. }));
    fs::write(&kek, &good).unwrap();
    fs::set_permissions(&kek, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&sealed).unwrap();
    assert!(matches!(open_error(dir), Error::SealedMissing { .. }));
}

#[test]
fn every_changed_or_missing_byte_of_the_sealed_keys_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    create(dir);
    let sealed = dir.join("state.key");
    let good = fs::read(&sealed).unwrap();
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] ^= 0x10;
        fs::write(&sealed, &bad).unwrap();
        let error = open_error(dir);
        let expected = matches!(error, Error::SealedDamaged { .. } | Error::SealedFormat { .. });
        assert!(expected, "byte {index}: {error}");
        fs::write(&sealed, &good[..index]).unwrap();
        assert!(matches!(open_error(dir), Error::SealedDamaged { .. }), "cut at {index}");
    }
    fs::write(&sealed, [&good[..], &[0]].concat()).unwrap();
    assert!(matches!(open_error(dir), Error::SealedDamaged { .. }));
    fs::write(&sealed, &good).unwrap();
    assert!(Keyring::open_with_file(dir).is_ok());
}
