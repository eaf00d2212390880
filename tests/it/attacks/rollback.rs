//! Goal: an older copy of the ledger, of the whole directory or of the keys is put back; who sees it and who does not.
//! Method: copies of real directories from before. That nothing is seen without a memory elsewhere is asserted, too.

use super::{create_whole, unsynced};
use crate::ledger::{Home, write_epoch};
use crate::ledger_faults::{copy, erase, is_gone, redact, world};
use crate::support::patiently;
use onefold::crypto::Keyring;
use onefold::ledger::{Content, Entry, Error, Expected, Reader, verify};
use onefold::pipeline::{Archive, Error as EngineError, Onefold, OpenOptions};
use std::fs;
use std::path::Path;

#[test]
fn an_older_ledger_is_seen_by_who_holds_a_later_checkpoint_and_by_nobody_else() {
    let home = Home::new();
    let mut ledger = create_whole(&home);
    write_epoch(&mut ledger, 1);
    let (old, early) = (home.segments(), verify(&home.dir(), &[], |_| {}).unwrap());
    write_epoch(&mut ledger, 2);
    let later = ledger.checkpoint().unwrap();
    drop(ledger);
    let now = verify(&home.dir(), &[], |_| {}).unwrap();
    let expected = |report: &onefold::ledger::Report| Expected { size: report.entries, root: report.root };
    home.restore(&old);
    verify(&home.dir(), &[], |_| {}).unwrap();
    verify(&home.dir(), &[expected(&early)], |_| {}).unwrap();
    let seen = verify(&home.dir(), &[expected(&early), expected(&now)], |_| {});
    assert!(matches!(seen, Err(Error::UnderCheckpoint { size, signed, .. }) if size < signed));
    // The checkpoint of the directory is such a memory, as long as it is not rolled back, too.
    fs::write(home.dir().join("checkpoint"), later).unwrap();
    let opened = home.open_unsynced(unsynced(1 << 20)).map(|_| ());
    assert!(matches!(opened, Err(Error::UnderCheckpoint { .. })));
    // Gone on from there, it is another ledger.
    fs::remove_file(home.dir().join("checkpoint")).unwrap();
    let mut ledger = home.open_unsynced(unsynced(1 << 20)).unwrap().0;
    write_epoch(&mut ledger, 2);
    write_epoch(&mut ledger, 3);
    let seen = verify(&home.dir(), &[expected(&now)], |_| {});
    assert!(matches!(seen, Err(Error::OtherRoot { .. })));
}

/// Ledger and index of before, or all of it: nothing in a directory tells its age.
#[test]
fn an_older_directory_opens_and_its_ledger_alone_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (data, old, now) = (folder.path().join("data"), folder.path().join("old"), folder.path().join("now"));
    world(&data, false);
    copy(&data, &old);
    erase(&data, OpenOptions::default()).unwrap();
    copy(&data, &now);
    let report = verify(&data.join("ledger"), &[], |_| {}).unwrap();
    let put = |part: &str| {
        fs::remove_dir_all(data.join(part)).unwrap();
        copy(&old.join(part), &data.join(part));
    };
    put("ledger");
    let opened = patiently(|| Onefold::open(&data, OpenOptions::default())).map(|_| ());
    assert!(opened.is_err(), "the index remembers a later commit");
    put("index");
    // With the keys of after the erasure: nothing names it any more, and what was hers does not open.
    match patiently(|| Onefold::open(&data, OpenOptions::default())) {
        Ok(onefold) => assert_ne!(onefold.finder().unwrap().audit(|_| {}).unwrap().breaches, []),
        Err(error) => assert!(!matches!(error, EngineError::InUse { .. })),
    }
    put("ledger");
    put("index");
    put("keys");
    drop(patiently(|| Onefold::open(&data, OpenOptions::default())).unwrap());
    assert!(!is_gone(&data), "whoever has all of the old directory has the person");
    let expected = Expected { size: report.entries, root: report.root };
    assert!(verify(&data.join("ledger"), &[expected], |_| {}).is_err(), "a checkpoint from after the erasure tells");
}

/// What the entries say to the keys in this folder.
fn read(data: &Path, keys: &Path) -> (usize, usize) {
    let keys = Keyring::open_with_file(keys).unwrap();
    let (mut zora, mut gone) = (0, 0);
    let visit = |entry: Entry| {
        match &entry.content {
            Content::Received(received) => zora += usize::from(format!("{received:?}").contains("zora@example.com")),
            Content::Erased { .. } => gone += 1,
            _ => {}
        }
        Ok::<(), Error>(())
    };
    Reader::open(&data.join("ledger"), Some(&keys)).unwrap().scan(None, visit).unwrap();
    (zora, gone)
}

/// The reason for redaction: who kept a copy of the keys from before an erasure opens what is still there, and nobody
/// opens what was deleted.
#[test]
fn old_keys_open_an_erased_entry_until_it_is_redacted() {
    let folder = tempfile::tempdir().unwrap();
    let (data, stolen) = (folder.path().join("data"), folder.path().join("stolen"));
    world(&data, false);
    copy(&data.join("keys"), &stolen);
    let before = read(&data, &stolen);
    assert!(before.0 >= 2 && before.1 == 0);
    erase(&data, OpenOptions::default()).unwrap();
    let (zora, gone) = read(&data, &data.join("keys"));
    assert!(zora == 0 && gone >= 2, "the keys of the directory open nothing of hers");
    assert_eq!(read(&data, &stolen).0, before.0, "the old ones open all of it");
    redact(&data, OpenOptions::default()).unwrap();
    assert_eq!(read(&data, &stolen), (0, gone), "until the ciphertexts are deleted");
    let archive = patiently(|| Archive::open(&data)).unwrap();
    assert_eq!(archive.finder().unwrap().audit(|_| {}).unwrap().breaches, []);
}

/// A second opening of a directory in the same process or another is refused by the lock; what two writers without it
/// would do to a ledger is in `moved`.
#[test]
fn a_directory_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    world(&data, false);
    let first = patiently(|| Onefold::open(&data, OpenOptions::default())).unwrap();
    let before = verify(&data.join("ledger"), &[], |_| {}).unwrap();
    assert!(matches!(Onefold::open(&data, OpenOptions::default()), Err(EngineError::InUse { .. })));
    assert!(matches!(Archive::open(&data), Err(EngineError::InUse { .. })));
    assert!(matches!(redact(&data, OpenOptions::default()), Err(EngineError::InUse { .. })));
    assert_eq!(verify(&data.join("ledger"), &[], |_| {}).unwrap(), before, "nothing was touched");
    drop(first);
    drop(patiently(|| Onefold::open(&data, OpenOptions::default())).unwrap());
}
