//! Goal: a change of the keys that fails or is cut off at any step leaves the old state or the new one, and once it is in
//! force nothing of what opened the old one is left.
//! Method: each kind of change with a disk that fails, stops or tears at its n-th call, for every n, and is then opened
//! again. The old wrapped key is looked at through a second name of its file.

use crate::faults::{Call, EIO, ENOSPC, Faulty};
use onefold::crypto::{Error, Generation, KekAccess, Keyring, NewKek};
use onefold::model::Birth;
use ring::rand::SystemRandom;
use std::fs;
use std::path::Path;

/// A way for call `n` to go wrong.
type Arm = fn(&Faulty, usize);

const FAULTS: [(&str, Arm); 5] = [
    ("EIO", |disk, n| disk.fail(n, EIO)),
    ("ENOSPC", |disk, n| disk.fail(n, ENOSPC)),
    ("crash", |disk, n| disk.crash(n)),
    ("tear", |disk, n| disk.tear(n)),
    ("done and reported as failed", |disk, n| disk.persist_then_fail(n)),
];

/// A change, which may put a key file in the folder.
type Change = fn(&mut Keyring, &Path) -> Result<(), Error>;

const CHANGES: [(&str, Change); 5] = [
    ("erase", |keys, _| keys.erase(&[Birth(5)], &SystemRandom::new()).map(|_| ())),
    ("rotate records", |keys, _| keys.rotate_records(&SystemRandom::new()).map(|_| ())),
    ("rotate signing", |keys, _| keys.rotate_signing(&SystemRandom::new()).map(|_| ())),
    ("retire signing", |keys, _| keys.retire_signing(&SystemRandom::new()).map(|_| ())),
    ("rewrap", |keys, folder| keys.rewrap(NewKek::File, &elsewhere(folder), &SystemRandom::new())),
];

fn elsewhere(folder: &Path) -> KekAccess {
    KekAccess { file: Some(folder.join("elsewhere")), ..KekAccess::default() }
}

/// What a keyring holds, so far as these changes touch it.
#[derive(Debug, PartialEq)]
struct Seen {
    generation: u64,
    erased: bool,
    epochs: usize,
    signing: [u8; 32],
    before: Option<[u8; 32]>,
}

fn seen(keys: &Keyring) -> Seen {
    let seeds = keys.signing_seeds();
    Seen {
        generation: keys.generation().0,
        erased: keys.records().is_erased(Birth(5)),
        epochs: keys.epochs(),
        signing: *seeds.current,
        before: seeds.previous.map(|seed| *seed),
    }
}

/// Opens keys under one key file or the other.
fn open(dir: &Path, folder: &Path, disk: &Faulty) -> Result<Keyring, Error> {
    match Keyring::open(dir, disk.storage(), &KekAccess::default()) {
        Err(Error::KekWrong { .. } | Error::KekMissing { .. } | Error::KekMalformed { .. }) => {
            Keyring::open(dir, disk.storage(), &elsewhere(folder))
        }
        opened => opened,
    }
}

/// A keyring with something to lose, on a disk that has no fault yet.
fn prepare(dir: &Path) -> (Faulty, Keyring) {
    let disk = Faulty::new();
    let rng = SystemRandom::new();
    let mut keys = Keyring::create(dir, &rng, disk.storage(), NewKek::File, &KekAccess::default(), None).unwrap();
    keys.erase(&[Birth(3)], &rng).unwrap();
    keys.rotate_signing(&rng).unwrap();
    disk.heal();
    (disk, keys)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Makes a change with one fault, and opens the keys again. Gives whether the change was made without one.
fn check(what: &str, change: Change, arm: Arm, n: usize) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (dir, link) = (folder.path().join("keys"), folder.path().join("link"));
    let (disk, mut keys) = prepare(&dir);
    fs::hard_link(dir.join("state.key"), &link).unwrap();
    let (before, old_key) = (seen(&keys), fs::read(&link).unwrap());
    let held = keys.records();
    arm(&disk, n);
    let made = change(&mut keys, folder.path());
    let (after, calls) = (seen(&keys), disk.calls());
    // What is in memory is what is on the disk, also after a failure.
    disk.heal();
    let status = Keyring::status(&dir).unwrap();
    assert_eq!((status.generation, status.state_is_whole), (keys.generation(), true), "{what}");
    assert_eq!(held.is_erased(Birth(5)), after.erased);
    if made.is_err() && after == before {
        // A change that came to nothing can be tried again, or says that the keys must be opened again.
        match change(&mut keys, folder.path()) {
            Ok(()) | Err(Error::Unfinished) => {}
            Err(error) => panic!("{what}: {error}"),
        }
    }
    let after = seen(&keys);
    drop(keys);

    let opened = open(&dir, folder.path(), &disk).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(seen(&opened), after, "{what}");
    let state = format!("state-{:08}", opened.generation().0);
    let left = names(&dir);
    assert!(left == ["kek", &state, "state.key"] || left == [&*state, "state.key"], "{what}: {left:?}");
    assert!(fs::read(dir.join("kek")).map_or(true, |kek| kek[0] != 0), "{what}: an overwritten key file is left");
    let link = fs::read(&link).unwrap();
    let in_force = fs::read(dir.join("state.key")).unwrap();
    assert!(link == in_force || link.iter().all(|byte| *byte == 0), "{what}: the old wrapped key is not overwritten");
    assert_eq!(link == old_key, in_force == old_key, "{what}");
    assert!(!Keyring::status(&dir).unwrap().is_unfinished, "{what}");
    assert!(made.is_err() || in_force != old_key, "{what}: it was reported as done");
    calls.len() <= n
}

#[test]
fn every_change_survives_every_fault() {
    for (name, change) in CHANGES {
        for (kind, arm) in FAULTS {
            for n in 0.. {
                if check(&format!("{name}, {kind} at call {n}"), change, arm, n) {
                    assert!(n >= 10, "{name}: only {n} calls");
                    break;
                }
            }
        }
    }
}

#[test]
fn keys_are_made_whole_or_are_not_there() {
    let create = |dir: &Path, disk: &Faulty| {
        Keyring::create(dir, &SystemRandom::new(), disk.storage(), NewKek::File, &KekAccess::default(), None)
    };
    for (kind, arm) in FAULTS {
        for n in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let dir = folder.path().join("keys");
            let disk = Faulty::new();
            arm(&disk, n);
            let made = create(&dir, &disk).map(|keys| seen(&keys));
            let calls = disk.calls().len();
            disk.heal();
            match (&made, Keyring::open_with_file(&dir)) {
                (Ok(made), Ok(opened)) => assert_eq!(*made, seen(&opened)),
                (Err(_), Ok(opened)) => assert_eq!(seen(&opened).generation, 1),
                (Err(_), Err(Error::SealedMissing { .. } | Error::KekMissing { .. })) => {}
                (made, Err(error)) => panic!("{kind} at {n}: {error} after {:?}", made.as_ref().err()),
            }
            assert!(calls > n || made.is_ok(), "{kind} at {n}");
            if calls <= n {
                break;
            }
        }
    }
}

/// The order of a change, call by call, as it is documented.
#[test]
fn a_change_is_made_in_the_order_that_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("keys");
    let (disk, mut keys) = prepare(&dir);
    keys.erase(&[Birth(5)], &SystemRandom::new()).unwrap();
    let at = |name: &str| dir.join(name);
    let state_bytes = usize::try_from(fs::metadata(at("state-00000004")).unwrap().len()).unwrap();
    let key_bytes = usize::try_from(fs::metadata(at("state.key")).unwrap().len()).unwrap();
    let folder = || Call::SyncDirectory(dir.clone());
    let expected = [
        Call::Create(at("state-00000004")),
        Call::Write(state_bytes),
        Call::Sync,
        Call::Create(at("state.key.tmp")),
        Call::Write(key_bytes),
        Call::Sync,
        folder(),
        Call::Rename(at("state.key"), at("state.key.old")),
        Call::Rename(at("state.key.tmp"), at("state.key")),
        folder(),
        folder(),
        Call::WriteAt(0, key_bytes),
        Call::Sync,
        Call::Remove(at("state.key.old")),
        folder(),
        Call::Remove(at("state-00000003")),
        folder(),
    ];
    assert_eq!(disk.calls(), expected);
}

#[test]
fn keys_that_others_changed_are_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (_, mut one) = prepare(folder.path());
    let mut other = Keyring::open_with_file(folder.path()).unwrap();
    other.erase(&[Birth(5)], &SystemRandom::new()).unwrap();
    for (name, change) in CHANGES {
        let refused = change(&mut one, folder.path());
        assert!(matches!(refused, Err(Error::Superseded)), "{name}: it would bring back what was erased");
    }
    let opened = Keyring::open_with_file(folder.path()).unwrap();
    assert!(opened.records().is_erased(Birth(5)) && opened.generation() == Generation(4));
}
