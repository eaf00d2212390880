//! Goal: at every system call that writing, checkpointing, erasing, rotating and redacting make, an error, a full disk, a
//! power cut, a torn write or an error for what was done after all leaves a directory that opens, verifies and audits,
//! with everything acknowledged and nothing invented.
//! Method: the work is done once to count its calls; then once more for each call and each fault, on a disk that fails
//! there; then the directory is opened on a sound disk and looked at.

use super::erasure::holding;
use super::faults::{EIO, ENOSPC, Faulty, Unsynced};
use super::ledger::{Home, bundle, received, small, write_epoch};
use super::support::{bundle as test_bundle, event, export, patiently, push};
use onefold::crypto::{Error as KeyError, KekAccess, Keyring, NewKek};
use onefold::encoding::storage::Storage;
use onefold::ledger::{Content, Error, Ledger, Options, open_checkpoint, read_checkpoint, verify, verify_opened};
use onefold::model::{Birth, Epoch};
use onefold::pipeline::{
    Archive, ErasureRequest, Error as EngineError, InitOptions, Onefold, OpenOptions, Rotation, Scope, Table,
};
use ring::rand::SystemRandom;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Makes a call of the storage fail.
type Fault = fn(&Faulty, usize);

/// Sets one fault of each sort at call `n`.
const FAULTS: [(&str, Fault); 5] = [
    ("input or output error", |disk, n| disk.fail(n, EIO)),
    ("no space", |disk, n| disk.fail(n, ENOSPC)),
    ("power cut", Faulty::crash),
    ("torn write", Faulty::tear),
    ("failed but persisted", Faulty::persist_then_fail),
];

/// Copies a directory with all in it.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Two epochs with a checkpoint after each; gives what was acknowledged: received entries and epochs.
fn write(home: &Home, disk: &Faulty) -> (usize, u64) {
    let (mut acknowledged, mut committed) = (0, 0);
    let mut work = || -> Result<(), Error> {
        let options = Options { storage: disk.storage(), ..small() };
        let (mut ledger, _) =
            Ledger::open(&home.dir(), &home.keys, &SystemRandom::new(), &bundle(1), 2_000, None, options)?;
        for epoch in 2..4 {
            for birth in 0..3 {
                ledger.append(&received(epoch * 10 + birth, "record"))?;
            }
            ledger.sync()?;
            acknowledged += 3;
            ledger.commit(Epoch(epoch))?;
            committed = epoch;
            ledger.checkpoint()?;
        }
        Ok(())
    };
    if let Err(error) = work() {
        assert!(matches!(error, Error::File { .. }), "{error}");
    }
    (acknowledged, committed)
}

#[test]
fn every_failing_call_of_a_writer_is_survived() {
    let home = Home::new();
    let mut ledger = home.create();
    write_epoch(&mut ledger, 1);
    drop(ledger);
    let before = home.entries().iter().filter(|entry| matches!(entry.content, Content::Received(_))).count();
    let pristine = tempfile::tempdir().unwrap();
    copy(&home.dir(), pristine.path());
    let count = {
        let disk = Faulty::new();
        assert_eq!(write(&home, &disk), (6, 3));
        disk.calls().len()
    };
    assert!(count > 20, "appends, syncs, segments, rows, checkpoints: {count}");
    for (what, fault) in FAULTS {
        for n in 0..count {
            fs::remove_dir_all(home.dir()).unwrap();
            copy(pristine.path(), &home.dir());
            let disk = Faulty::new();
            fault(&disk, n);
            let (acknowledged, committed) = write(&home, &disk);
            let (_, recovered) = home.open(None).unwrap_or_else(|error| panic!("{what} at call {n}: {error}"));
            let epoch = recovered.state.as_ref().map_or(0, |state| state.epoch().0);
            assert!(epoch >= committed, "{what} at call {n}: epoch {epoch} of {committed}");
            let received = home.entries().iter().filter(|entry| matches!(entry.content, Content::Received(_))).count();
            assert!(received >= before + acknowledged, "{what} at call {n}: {received} received entries");
            verify(&home.dir(), &[], |_| {}).unwrap_or_else(|error| panic!("{what} at call {n}: {error}"));
        }
    }
}

/// What is done to a data directory on a disk that may fail.
type Work = fn(&Path, OpenOptions) -> Result<(), EngineError>;

pub(super) fn erase(data: &Path, options: OpenOptions) -> Result<(), EngineError> {
    let mut onefold = Onefold::open(data, options)?;
    let root = match onefold.finder()?.profiles_of("crm:a") {
        Ok(roots) => roots[0],
        Err(EngineError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let request = ErasureRequest { request: "case-1".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 30 };
    onefold.erase(Scope::Person(root), &request).map(|_| ())
}

pub(super) fn redact(data: &Path, options: OpenOptions) -> Result<(), EngineError> {
    Onefold::redact(data, options, true, |_, _| {}).map(|_| ())
}

/// Two people, of whom one may be erased.
pub(super) fn world(data: &Path, erased: bool) {
    let mut onefold = Onefold::init(data, test_bundle(), InitOptions::default()).unwrap();
    for (key, email) in [("a", "zora@example.com"), ("b", "other@example.com")] {
        for (source, lsn) in [("crm", 1), ("shop", 2)] {
            let row = json!({ "email": email, "family": "Quimby", "city": "Cork" });
            push(&mut onefold, &event(source, key, Some(&row), lsn));
        }
    }
    onefold.commit().unwrap();
    drop(onefold);
    if erased {
        erase(data, OpenOptions::default()).unwrap();
    }
}

fn export_all(onefold: &Onefold) -> [String; 2] {
    [Table::Members, Table::Profiles].map(|table| export(onefold, table))
}

/// Whether the keys of the first record are gone.
pub(super) fn is_gone(data: &Path) -> bool {
    let keys = onefold::crypto::Keyring::open_with_file(&data.join("keys")).unwrap();
    keys.records().is_erased(Birth(0))
}

/// Does the work with every fault at every call; afterwards the directory is as before or as after, and doing it again
/// makes it as after.
fn every_fault(erased: bool, work: Work) {
    let folder = tempfile::tempdir().unwrap();
    let (pristine, data) = (folder.path().join("pristine"), folder.path().join("data"));
    world(&pristine, erased);
    let options = |disk: &Faulty| OpenOptions { storage: disk.storage(), ..OpenOptions::default() };
    copy(&pristine, &data);
    let disk = Faulty::new();
    patiently(|| work(&data, options(&disk))).unwrap();
    let count = disk.calls().len();
    let after = export_all(&patiently(|| Onefold::open(&data, OpenOptions::default())).unwrap());
    let before = export_all(&patiently(|| Onefold::open(&pristine, OpenOptions::default())).unwrap());
    for (what, fault) in FAULTS {
        for n in 0..count {
            fs::remove_dir_all(&data).unwrap();
            copy(&pristine, &data);
            let disk = Faulty::new();
            fault(&disk, n);
            let done = patiently(|| work(&data, options(&disk))).is_ok();
            let onefold = patiently(|| Onefold::open(&data, OpenOptions::default()))
                .unwrap_or_else(|error| panic!("{what} at call {n} of {:?}: {error}", disk.calls().get(n)));
            let found = export_all(&onefold);
            assert!(found == after || (!done && found == before), "{what} at call {n}: a state in between");
            let audit = onefold.finder().unwrap().audit(|_| {}).unwrap();
            assert_eq!(audit.breaches, [], "{what} at call {n}");
            drop(onefold);
            verify(&data.join("ledger"), &[], |_| {}).unwrap_or_else(|error| panic!("{what} at call {n}: {error}"));
            assert_eq!(is_gone(&data), erased || found == after, "{what} at call {n}: keys go with the rows");
            patiently(|| work(&data, OpenOptions::default()))
                .unwrap_or_else(|error| panic!("{what} at call {n}, again: {error}"));
            let onefold = patiently(|| Onefold::open(&data, OpenOptions::default())).unwrap();
            assert_eq!(export_all(&onefold), after, "{what} at call {n}, again");
            assert!(is_gone(&data), "{what} at call {n}, again");
            let report = verify(&data.join("ledger"), &[], |_| {}).unwrap();
            assert!(!erased || report.redacted > 0, "{what} at call {n}, again: ciphertexts are deleted");
        }
    }
}

#[test]
fn every_failing_call_of_an_erasure_is_survived() {
    every_fault(false, erase);
}

#[test]
fn every_failing_call_of_a_redaction_is_survived() {
    every_fault(true, redact);
}

/// The keyed hash that the index knows a profile by.
fn id_of(data: &Path, name: &str) -> [u8; 16] {
    let archive = patiently(|| Archive::open(data)).unwrap();
    let finder = archive.finder().unwrap();
    let root = finder.profiles_of(name).unwrap()[0];
    finder.id(root).unwrap().0.0.to_be_bytes()
}

/// A stop during a redaction, and another one during the opening that should finish it: what is told as deleted is.
#[test]
fn a_redaction_that_is_stopped_twice_is_not_told_as_done() {
    let folder = tempfile::tempdir().unwrap();
    let (pristine, stopped, data) =
        (folder.path().join("pristine"), folder.path().join("stopped"), folder.path().join("data"));
    world(&pristine, false);
    let id = id_of(&pristine, "crm:a");
    assert!(holding(&pristine, &id) > 0, "what is looked for can be found");
    erase(&pristine, OpenOptions::default()).unwrap();
    let options = |disk: &Faulty| OpenOptions { storage: disk.storage(), ..OpenOptions::default() };
    let open = |disk: &Faulty| patiently(|| Onefold::open(&data, options(disk)));
    let redacted = || verify(&data.join("ledger"), &[], |_| {}).unwrap().redacted;
    copy(&pristine, &data);
    let disk = Faulty::new();
    patiently(|| redact(&data, options(&disk))).unwrap();
    let (count, all) = (disk.calls().len(), redacted());
    let mut left = 0;
    for n in (0..count).step_by(2) {
        let _ = fs::remove_dir_all(&stopped);
        copy(&pristine, &stopped);
        let disk = Faulty::new();
        disk.crash(n);
        let _ = patiently(|| redact(&stopped, options(&disk)));
        for m in (0..40).step_by(3) {
            fs::remove_dir_all(&data).unwrap();
            copy(&stopped, &data);
            let disk = Faulty::new();
            disk.crash(m);
            let opened = open(&disk).map(drop);
            let onefold = open(&Faulty::new()).unwrap_or_else(|error| panic!("stopped at {n} and {m}: {error}"));
            let told = onefold.erasures().unwrap().iter().all(|erasure| erasure.redacted);
            drop(onefold);
            assert!(!told || redacted() == all, "stopped at {n} and {m}: told as deleted and still there");
            assert!(
                !told || holding(&data, &id) == 0,
                "stopped at {n} and {m}: told as deleted and still in the index"
            );
            left += usize::from(!told);
            let whole = opened.is_ok() && disk.calls().len() <= m;
            patiently(|| redact(&data, options(&Faulty::new()))).unwrap();
            assert_eq!((redacted(), holding(&data, &id)), (all, 0), "stopped at {n} and {m}, again");
            if whole {
                break;
            }
        }
    }
    assert!(left > 0);
}

/// A copy of the key state from before an erasure, put back by whoever keeps backups.
#[test]
fn restored_keys_are_destroyed_again() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    world(&data, false);
    copy(&data.join("keys"), &backup);
    erase(&data, OpenOptions::default()).unwrap();
    assert!(is_gone(&data));
    fs::remove_dir_all(data.join("keys")).unwrap();
    copy(&backup, &data.join("keys"));
    assert!(!is_gone(&data), "whoever has the old state has the keys: the certificate says so");
    drop(patiently(|| Onefold::open(&data, OpenOptions::default())).unwrap());
    assert!(is_gone(&data), "opening notices that the state is older than the last erasure");
    fs::remove_dir_all(data.join("keys")).unwrap();
    copy(&backup, &data.join("keys"));
    fs::remove_dir_all(data.join("index")).unwrap();
    drop(patiently(|| Onefold::open(&data, OpenOptions::default())).unwrap());
    assert!(is_gone(&data), "also when the index is lost");
}

/// Where another key-encryption key lies after a rewrap.
fn elsewhere(data: &Path) -> KekAccess {
    KekAccess { file: Some(data.join("elsewhere")), ..KekAccess::default() }
}

/// The keys, under either key-encryption key.
fn keys(data: &Path, storage: Arc<dyn Storage>) -> Result<(Keyring, KekAccess), KeyError> {
    let open =
        |access: KekAccess| Keyring::open(&data.join("keys"), Arc::clone(&storage), &access).map(|keys| (keys, access));
    match open(KekAccess::default()) {
        Err(KeyError::KekWrong { .. } | KeyError::KekMissing { .. } | KeyError::KekMalformed { .. }) => {
            open(elsewhere(data))
        }
        opened => opened,
    }
}

fn rotate(data: &Path, options: OpenOptions, signing: bool, records: bool, retire: bool) -> Result<(), EngineError> {
    Onefold::rotate(data, options, Rotation { records, signing, retire }).map(|_| ())
}

/// Puts the keys under another key file and begins a run under them.
fn rewrap(data: &Path, options: OpenOptions) -> Result<(), EngineError> {
    let (mut keyring, _) = keys(data, Arc::clone(&options.storage))?;
    keyring.rewrap(NewKek::File, &elsewhere(data), &SystemRandom::new())?;
    drop(keyring);
    let (_, access) = keys(data, Arc::clone(&options.storage))?;
    rotate(data, OpenOptions { access, ..options }, false, true, false)
}

const KEY_CHANGES: [(&str, Work); 4] = [
    ("signing", |data, options| rotate(data, options, true, false, false)),
    ("records", |data, options| rotate(data, options, false, true, false)),
    ("all", |data, options| rotate(data, options, true, true, true)),
    ("rewrap", rewrap),
];

/// Whatever is left of a change of keys, it is one set of keys under which ledger and checkpoint are whole, it goes on,
/// and the change can be made again.
#[test]
fn every_failing_call_of_a_change_of_keys_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let (pristine, data) = (folder.path().join("pristine"), folder.path().join("data"));
    world(&pristine, true);
    let expected = export_all(&patiently(|| Onefold::open(&pristine, OpenOptions::default())).unwrap());
    copy(&pristine, &data);
    let restore = || {
        for part in ["keys", "ledger"] {
            fs::remove_dir_all(data.join(part)).unwrap();
            copy(&pristine.join(part), &data.join(part));
        }
        let _ = fs::remove_file(data.join("elsewhere"));
    };
    let options = |disk: &Faulty| OpenOptions { storage: disk.storage(), ..OpenOptions::default() };
    for (name, work) in KEY_CHANGES {
        restore();
        let disk = Faulty::new();
        patiently(|| work(&data, options(&disk))).unwrap();
        let count = disk.calls().len();
        assert!(count >= 20, "{name}: {count} calls");
        for (what, fault) in FAULTS {
            for n in 0..count {
                restore();
                let disk = Faulty::new();
                fault(&disk, n);
                let done = patiently(|| work(&data, options(&disk))).is_ok();
                let place = format!("{name}, {what} at call {n}, {:?}", disk.calls().get(n));
                let (_, access) = keys(&data, Arc::new(Unsynced)).unwrap_or_else(|error| panic!("{place}: {error}"));
                let again =
                    || OpenOptions { access: access.clone(), storage: Arc::new(Unsynced), ..OpenOptions::default() };
                // It is opened for something else first, or the change is made again at once.
                if n % 2 == 0 {
                    drop(
                        patiently(|| Onefold::open(&data, again())).unwrap_or_else(|error| panic!("{place}: {error}")),
                    );
                    check_keys(&data, &place);
                }
                patiently(|| rotate(&data, again(), true, true, true))
                    .unwrap_or_else(|error| panic!("{place}, again: {error}"));
                let account = check_keys(&data, &place);
                assert!(account > usize::from(done && name != "signing"), "{place}: {account} key epochs");
            }
        }
    }
    restore();
    assert_eq!(export_all(&patiently(|| Onefold::open(&data, OpenOptions::default())).unwrap()), expected);
}

/// The ledger verifies, opens and is signed, all under the keys as they are. Gives the key epoch.
fn check_keys(data: &Path, place: &str) -> usize {
    let dir = data.join("ledger");
    let (keyring, access) = keys(data, Arc::new(Unsynced)).unwrap_or_else(|error| panic!("{place}: {error}"));
    let report = verify_opened(&dir, &keyring, &[], |_| {}).unwrap_or_else(|error| panic!("{place}: {error}"));
    let verifiers: Vec<_> = keyring.signing().unwrap().iter().map(|key| key.verifier().clone()).collect();
    let note = read_checkpoint(&dir).unwrap().unwrap();
    let checkpoint = open_checkpoint(&dir.join("checkpoint"), &note, keyring.ledger_id(), &verifiers)
        .unwrap_or_else(|error| panic!("{place}: {error}"));
    let known = report.keys.last().is_some_and(|(_, key)| verifiers.iter().any(|verifier| verifier.key() == key));
    assert!(known, "{place}: the ledger's key is among those at hand");
    assert!(checkpoint.size() <= report.entries, "{place}");
    assert!(keyring.records().is_erased(Birth(0)), "{place}: what was erased stays erased");
    let epochs = keyring.epochs();
    drop(keyring);
    let archive = patiently(|| Archive::open_with(data, &access)).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(archive.finder().unwrap().audit(|_| {}).unwrap().breaches, [], "{place}");
    epochs
}
