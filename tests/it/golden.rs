//! Goal: a ledger that was written in format 1 is read for ever, and what `FORMAT.md` says is enough to read it.
//! Method: `tests/golden/ledger-v1` holds the files of a ledger and its keys as hexadecimal text, and what its entries say;
//! `tests/vectors/ledger-v1.txt` has kind, leaf and entry key of each entry, computed by `tests/vectors/check.py`, which
//! shares nothing with this program but the page.

use super::ledger::{bundle, received, rejected, small, write_epoch};
use super::support::python;
use onefold::crypto::{EntryKey, Keyring};
use onefold::ledger::{Erasure, Error, Ledger, Reader, Tree, verify};
use onefold::model::{Birth, Epoch, Sequence};
use onefold::tlog::{Checkpoint, SignedNote};
use ring::rand::SystemRandom;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

#[test]
fn a_ledger_of_format_1_reads() {
    let golden = tests().join("golden/ledger-v1");
    check_golden(&golden);
    assert_eq!(vectors(&golden), fs::read_to_string(tests().join("vectors/ledger-v1.txt")).unwrap());
}

#[test]
fn another_program_reads_it_by_the_page_alone() {
    let Some(mut python) = python("cryptography") else { return };
    let golden = tests().join("golden/ledger-v1");
    let ran = python.arg(tests().join("vectors/check.py")).arg(golden).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let expected = fs::read_to_string(tests().join("vectors/ledger-v1.txt")).unwrap();
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), expected);
}

/// What is written as a golden ledger today reads as one. With `ONEFOLD_GOLDEN` it is kept there: for a new format only,
/// the golden ledger of a released one never changes.
#[test]
fn a_golden_ledger_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let golden = std::env::var("ONEFOLD_GOLDEN").map_or_else(|_| folder.path().join("golden"), PathBuf::from);
    write_golden(&golden);
    check_golden(&golden);
}

/// The files of a golden ledger, and its keys, below a folder of their own.
fn unpack(golden: &Path, root: &Path) {
    for part in ["keys", "ledger"] {
        fs::create_dir_all(root.join(part)).unwrap();
        for file in fs::read_dir(golden.join(part)).unwrap() {
            let file = file.unwrap().path();
            let text = fs::read_to_string(&file).unwrap();
            let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
            let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
            let target = root.join(part).join(file.file_stem().unwrap());
            fs::write(&target, digits.chunks(2).map(byte).collect::<Vec<u8>>()).unwrap();
            fs::set_permissions(target, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

fn said(dir: &Path, keys: &Keyring) -> String {
    let mut said = String::new();
    let visit = |entry: onefold::ledger::Entry| {
        writeln!(said, "{} {:?}", entry.placed.sequence, entry.content).unwrap();
        Ok::<(), Error>(())
    };
    Reader::open(dir, Some(keys)).unwrap().scan(None, visit).unwrap();
    said
}

fn check_golden(golden: &Path) {
    let root = tempfile::tempdir().unwrap();
    unpack(golden, root.path());
    let dir = root.path().join("ledger");
    let report = verify(&dir, &[], |_| {}).unwrap();
    assert_eq!((report.erasures, report.redacted > 0), (1, true));
    let keys = Keyring::open_with_file(&root.path().join("keys")).unwrap();
    assert_eq!(said(&dir, &keys), fs::read_to_string(golden.join("entries.txt")).unwrap());
    let note = SignedNote::parse(&onefold::ledger::read_checkpoint(&dir).unwrap().unwrap()).unwrap();
    let signing = keys.signing().unwrap();
    assert_eq!((signing.len(), note.signatures().len()), (2, 2), "the key before signs, too");
    for key in &signing {
        let checkpoint = Checkpoint::open(&note, key.verifier()).unwrap();
        assert_eq!((checkpoint.size(), *checkpoint.root()), (report.entries, report.root));
    }
    // It is not only read: it goes on.
    let options = small();
    let opened = Ledger::open(&dir, &keys, &SystemRandom::new(), &bundle(1), 9, None, options);
    opened.unwrap().0.commit(Epoch(100)).unwrap();
    verify(&dir, &[], |_| {}).unwrap();
}

/// Kind, leaf and entry key of each entry.
fn vectors(golden: &Path) -> String {
    let root = tempfile::tempdir().unwrap();
    unpack(golden, root.path());
    let dir = root.path().join("ledger");
    let report = verify(&dir, &[], |_| {}).unwrap();
    let keys = Keyring::open_with_file(&root.path().join("keys")).unwrap();
    let reader = Reader::open(&dir, Some(&keys)).unwrap();
    let tree = Tree::open(&dir, report.entries, &report.root).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut lines = String::new();
    for sequence in 0..report.entries {
        let entry = reader.disclose(&tree, Sequence(sequence)).unwrap();
        let key = entry.key.as_ref().map_or_else(|| "-".to_owned(), |key: &EntryKey| hex(&*key.disclose()));
        writeln!(lines, "{sequence} {} {} {key}", entry.kind as u8, hex(&entry.leaf)).unwrap();
    }
    writeln!(lines, "root {}", hex(&report.root)).unwrap();
    lines
}

fn write_golden(golden: &Path) {
    let root = tempfile::tempdir().unwrap();
    let (keys_dir, dir) = (root.path().join("keys"), root.path().join("ledger"));
    let rng = SystemRandom::new();
    let mut keys = Keyring::create_with_file(&keys_dir, &rng).unwrap();
    let mut ledger = Ledger::create(&dir, &keys, &rng, &bundle(1), 1_000, small()).unwrap();
    ledger.append(&rejected(8, b"{\"id\":".to_vec())).unwrap();
    write_epoch(&mut ledger, 1);
    ledger.append(&received(60, "erased")).unwrap();
    ledger.append(&received(61, "erased too")).unwrap();
    ledger.commit(Epoch(2)).unwrap();
    let erasure = Erasure {
        request: "case-7".into(),
        ground: "GDPR Art. 17(1)(a)".into(),
        epoch: Epoch(3),
        generation: keys.generation().0 + 1,
        due_s: 5_000,
        part: 1,
        parts: 1,
        births: vec![Birth(60), Birth(61)],
        tombstones: vec![3, u128::MAX],
    };
    let placed = ledger.append(&erasure).unwrap();
    ledger.commit(Epoch(3)).unwrap();
    keys.erase(&erasure.births, &rng).unwrap();
    let records = keys.records();
    // One of the two keeps its ciphertext, which nobody can open.
    ledger.redact(&[placed.sequence], &|birth| birth == Birth(61) && records.is_erased(birth), |_, _| {}).unwrap();
    ledger.commit(Epoch(4)).unwrap();
    drop(ledger);
    keys.rotate_signing(&rng).unwrap();
    keys.rotate_records(&rng).unwrap();
    let (mut ledger, _) = Ledger::open(&dir, &keys, &rng, &bundle(1), 3_000, None, small()).unwrap();
    ledger.append(&received(70, "of the second key epoch")).unwrap();
    ledger.commit(Epoch(5)).unwrap();
    drop(ledger);
    for (part, from) in [("keys", &keys_dir), ("ledger", &dir)] {
        fs::create_dir_all(golden.join(part)).unwrap();
        for file in fs::read_dir(from).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let digits: Vec<String> = fs::read(&path).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
            let lines: Vec<String> = digits.chunks(32).map(<[String]>::concat).collect();
            fs::write(golden.join(part).join(format!("{name}.hex")), lines.join("\n") + "\n").unwrap();
        }
    }
    fs::write(golden.join("entries.txt"), said(&dir, &keys)).unwrap();
}
