//! Goal: keys are made, kept, changed and refused as documented.
//! Method: key directories damaged in each way and changed in each way. The tree of record keys, the providers of
//! key-encryption keys, changes that fail halfway and the primitives have files of their own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use onefold::crypto::{
    EntryContext, Error, Generation, KekAccess, KeyEpoch, Keyring, NewKek, RecordKeys, SigningSeeds, WriterSalt,
};
use onefold::encoding::storage::Disk;
use onefold::model::{Birth, NameHash, Sequence};
use ring::rand::SystemRandom;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

mod changes;
mod erased;
mod providers;
mod puncture;
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
    assert!(matches!(Keyring::status(dir), Err(Error::SealedMissing { .. })));
    let refused = Keyring::create_with_file(dir, &SystemRandom::new());
    assert!(matches!(refused, Err(Error::Exists { path }) if path.ends_with("state-00000001")));
}

/// Changes every byte of a file, cuts it everywhere and makes it longer: each is seen.
fn check_every_byte(dir: &Path, name: &str) {
    let path = dir.join(name);
    let good = fs::read(&path).unwrap();
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] ^= 0x10;
        fs::write(&path, &bad).unwrap();
        let error = open_error(dir);
        let expected = matches!(error, Error::SealedDamaged { .. } | Error::SealedFormat { .. });
        assert!(expected, "{name}, byte {index}: {error}");
        fs::write(&path, &good[..index]).unwrap();
        assert!(matches!(open_error(dir), Error::SealedDamaged { .. }), "{name}, cut at {index}");
    }
    fs::write(&path, [&good[..], &[0]].concat()).unwrap();
    assert!(matches!(open_error(dir), Error::SealedDamaged { .. }));
    assert!(Keyring::status(dir).is_ok_and(|status| !status.state_is_whole) || name == "state.key");
    fs::write(&path, &good).unwrap();
    Keyring::open_with_file(dir).unwrap();
}

#[test]
fn every_changed_or_missing_byte_of_the_sealed_keys_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = create(dir.path());
    keys.erase(&[Birth(1)], &SystemRandom::new()).unwrap();
    check_every_byte(dir.path(), "state.key");
    check_every_byte(dir.path(), "state-00000002");
    let state = dir.path().join("state-00000002");
    fs::remove_file(&state).unwrap();
    assert!(matches!(open_error(dir.path()), Error::SealedMissing { path } if path == state));
    assert!(!Keyring::status(dir.path()).unwrap().state_is_whole);
}

#[test]
fn two_keyrings_do_not_open_each_others_state() {
    let dir = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| dir.path().join(name));
    create(&one);
    create(&other);
    fs::copy(other.join("kek"), one.join("kek")).unwrap();
    assert!(matches!(open_error(&one), Error::KekWrong { .. }));
    fs::copy(other.join("state.key"), one.join("state.key")).unwrap();
    assert!(matches!(open_error(&one), Error::SealedDamaged { .. }));
    let status = Keyring::status(&one).unwrap();
    assert_eq!((status.generation.0, status.state_is_whole, status.is_unfinished), (1, false, false));
}

#[test]
fn an_erased_key_is_gone_for_all_who_share_it() {
    let dir = tempfile::tempdir().unwrap();
    let rng = SystemRandom::new();
    let mut keys = create(dir.path());
    let records = keys.records();
    let held = records.clone();
    let key = |records: &RecordKeys, epoch, birth| records.record_key(KeyEpoch(epoch), Birth(birth)).is_some();
    assert!(key(&held, 0, 7) && key(&held, 0, 8) && !held.is_erased(Birth(7)));
    assert!(!key(&held, 1, 8), "there is no such key epoch");

    assert_eq!(keys.erase(&[Birth(7), Birth(7)], &rng).unwrap(), Generation(2));
    assert_eq!(keys.erase(&[Birth(7)], &rng).unwrap(), Generation(2), "what is gone is gone");
    assert!(!key(&held, 0, 7) && !key(&records, 0, 7) && key(&held, 0, 8) && held.is_erased(Birth(7)));

    assert_eq!(keys.rotate_records(&rng).unwrap(), Generation(3));
    assert_eq!((keys.key_epoch(), held.current_epoch(), keys.epochs()), (KeyEpoch(1), KeyEpoch(1), 2));
    assert!(!key(&held, 1, 7) && key(&held, 1, 8) && key(&held, 0, 8), "erased in every epoch, old and new");
    assert_eq!(keys.erase(&[Birth(8), Birth(7)], &rng).unwrap(), Generation(4));
    assert!(!key(&held, 0, 8) && !key(&held, 1, 8) && key(&held, 0, 9) && key(&held, 1, 9));

    let opened = Keyring::open_with_file(dir.path()).unwrap();
    assert_eq!((opened.generation(), opened.epochs(), opened.seeds()), (Generation(4), 2, keys.seeds()));
    let commitment = |keys: &Keyring, epoch| {
        let context = EntryContext { ledger: keys.ledger_id(), salt: WriterSalt([1; 16]), sequence: Sequence(5) };
        keys.records().record_key(KeyEpoch(epoch), Birth(9)).unwrap().entry_key(&context).commitment()
    };
    assert_eq!([0, 1].map(|epoch| commitment(&opened, epoch)), [0, 1].map(|epoch| commitment(&keys, epoch)));
    assert_ne!(commitment(&keys, 0), commitment(&keys, 1), "key epochs have nothing in common");
    assert!(opened.records().is_erased(Birth(7)) && opened.records().is_erased(Birth(8)));
}

#[test]
fn signing_seeds_are_rotated_and_retired() {
    let dir = tempfile::tempdir().unwrap();
    let rng = SystemRandom::new();
    let mut keys = create(dir.path());
    let seeds = |keys: &Keyring| {
        let SigningSeeds { current, previous } = keys.signing_seeds();
        (*current, previous.map(|seed| *seed))
    };
    let (first, none) = seeds(&keys);
    assert_eq!(none, None);
    assert_eq!(keys.retire_signing(&rng).unwrap(), Generation(1), "there is none to retire");
    keys.rotate_signing(&rng).unwrap();
    let (second, previous) = seeds(&keys);
    assert_eq!(previous, Some(first));
    assert_eq!(seeds(&Keyring::open_with_file(dir.path()).unwrap()), (second, Some(first)));
    keys.rotate_signing(&rng).unwrap();
    let (third, previous) = seeds(&keys);
    assert_eq!(previous, Some(second));
    assert_eq!(keys.retire_signing(&rng).unwrap(), Generation(4));
    assert_eq!(seeds(&Keyring::open_with_file(dir.path()).unwrap()), (third, None));
    assert_eq!(
        keys.tombstones().name(NameHash(1)),
        Keyring::open_with_file(dir.path()).unwrap().tombstones().name(NameHash(1))
    );
}
