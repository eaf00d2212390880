//! Goal: the program itself, with a real kernel under it, survives that any system call which changes its directory
//! fails or is the last one before it is killed: what it said was done is done, nothing is between, and the same command
//! again completes.
//! Method: each command is run once under `strace`, which writes its calls down; then again and again, and each time one
//! of them fails with EIO or ENOSPC, or the program gets SIGKILL at it. Of each sort of call a few are taken, evenly over
//! the run. `ledger_faults` has every call of ledger and keys; this has the calls of the index, too, and the kernel's.

use super::ledger_faults::copy;
use super::program::{command, ok, run, text};
use super::support::patiently;
use onefold::crypto::Keyring;
use onefold::ledger::verify_opened;
use onefold::pipeline::{Access, Archive, Table};
use onefold::report::Format;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The calls that change a directory, and when they are not there under this name, `strace` passes them over.
const CALLS: &str = "write,pwrite64,writev,pwritev,fdatasync,fsync,?rename,?renameat,?renameat2,?unlink,?unlinkat,\
                     ftruncate,?rmdir,?mkdir,?mkdirat,openat";
/// How many calls of a sort are taken.
const SAMPLES: usize = 3;

/// `strace` with its output in a file, or `None` when it cannot be used here; in CI that is a failure.
fn strace(output: &Path, options: &[String]) -> Option<Command> {
    let new = || {
        let mut strace = Command::new("strace");
        strace.args(["-f", "--seccomp-bpf", "-y", "-o", text(output), "-e", &format!("trace={CALLS}")]);
        strace
    };
    let tried = new().arg("true").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if tried.as_ref().is_ok_and(std::process::ExitStatus::success) {
        let mut strace = new();
        strace.args(options);
        return Some(strace);
    }
    let why = "`strace` is missing or may not trace, and in CI nothing is skipped";
    assert!(std::env::var_os("CI").is_none(), "{why}: {tried:?}");
    eprintln!("SKIPPED: `strace` is missing or may not trace ({tried:?}), so no system call of the program was failed");
    None
}

/// A command, the directory that it begins with, and what comes of it.
struct Case {
    folder: tempfile::TempDir,
    arguments: Vec<String>,
    /// Whether doing it again, after it was done, finds nothing to do.
    once: bool,
}

impl Case {
    /// `prepare` makes the directory `before`; `DATA` in the arguments stands for the one that is worked on.
    fn new(prepare: impl Fn(&Path, &Path), arguments: &[&str], once: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(&folder.path().join("before"), folder.path());
        let place = |argument: &&str| argument.replace("FOLDER", text(folder.path()));
        let arguments = arguments.iter().map(place).collect();
        Self { folder, arguments, once }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments(&self) -> Vec<&str> {
        self.arguments.iter().map(String::as_str).collect()
    }

    /// Puts the directory back as it was before.
    fn restore(&self) {
        let data = self.path("data");
        let _ = fs::remove_dir_all(&data);
        copy(&self.path("before"), &data);
        let _ = fs::remove_file(self.path("certificate.zip"));
    }

    fn run(&self, options: &[String]) -> Option<Output> {
        let mut strace = strace(&self.path("calls"), options)?;
        let program = command(&self.arguments());
        strace.arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => strace.env(name, value),
                None => strace.env_remove(name),
            };
        }
        Some(strace.stdin(Stdio::null()).output().unwrap())
    }

    /// The calls that change the directory: the name of each, and which of its thread's calls of that name it is.
    fn calls(&self) -> BTreeMap<String, BTreeSet<usize>> {
        let data = self.path("data");
        let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut calls: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        let log = fs::read_to_string(self.path("calls")).unwrap();
        for line in log.lines() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let Some((name, of)) = rest.trim_start().split_once('(') else { continue };
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                continue;
            }
            let count = seen.entry((thread, name)).or_default();
            *count += 1;
            if of.contains(text(&data)) && (name != "openat" || of.contains("O_CREAT")) {
                calls.entry(name.to_owned()).or_default().insert(*count);
            }
        }
        calls
    }

    /// What the directory shows, which must be sound in every way.
    fn state(&self, place: &str) -> [String; 2] {
        let data = self.path("data");
        let archive = patiently(|| Archive::open(&data)).unwrap_or_else(|error| panic!("{place}: {error}"));
        let reader = archive.read_as(&Access::inspection("test")).unwrap();
        assert_eq!(reader.audit(|_| {}).unwrap().breaches, [], "{place}");
        let exports = [Table::Members, Table::Profiles].map(|table| {
            let mut bytes = Vec::new();
            reader.export(table, Format::Csv, None, &mut bytes).unwrap_or_else(|error| panic!("{place}: {error}"));
            String::from_utf8(bytes).unwrap()
        });
        drop(archive);
        let keys = Keyring::open_with_file(&data.join("keys")).unwrap();
        verify_opened(&data.join("ledger"), &keys, &[], |_| {}).unwrap_or_else(|error| panic!("{place}: {error}"));
        exports
    }

    /// The command under one fault, and once more without.
    fn check(&self, fault: &str, place: &str, expected: &[[String; 2]; 2]) -> bool {
        self.restore();
        let ran = self.run(&["-e".to_owned(), fault.to_owned()]).expect("it was there a moment ago");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(!said.contains("panicked"), "{place}: {said}");
        let found = self.state(place);
        let [before, after] = expected;
        if ran.status.success() {
            assert_eq!(&found, after, "{place}: it said that it was done");
        } else {
            assert!(&found == before || &found == after, "{place}: a state in between\n{said}");
        }
        let _ = fs::remove_file(self.path("certificate.zip"));
        let again = run(&self.arguments());
        let nothing_left = self.once && &found == after && again.code == 3;
        assert!(again.code == 0 || nothing_left, "{place}, again: {} {}", again.code, again.err);
        assert_eq!(&self.state(place), after, "{place}, again");
        !ran.status.success()
    }

    /// All faults at a few calls of each sort.
    fn check_all(&self) {
        self.restore();
        let before = self.state("before");
        let Some(ran) = self.run(&[]) else { return };
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let calls = self.calls();
        let expected = [before, self.state("after")];
        let named: Vec<&str> = calls.keys().map(String::as_str).collect();
        assert!(["write", "fdatasync", "openat"].iter().all(|name| named.contains(name)), "{named:?}");
        let (mut ran, mut disturbed) = (0, 0);
        for (name, numbers) in &calls {
            let numbers: Vec<usize> = numbers.iter().copied().collect();
            let last = numbers.len() - 1;
            let picked: BTreeSet<usize> = (0..SAMPLES).map(|n| numbers[last * n / (SAMPLES - 1)]).collect();
            for (turn, when) in picked.into_iter().enumerate() {
                let error = ["EIO", "ENOSPC"][turn % 2];
                for what in [format!("error={error}"), "signal=SIGKILL".to_owned()] {
                    let fault = format!("inject={name}:{what}:when={when}");
                    let place = format!("{:?} with {fault}", &self.arguments[..2]);
                    disturbed += usize::from(self.check(&fault, &place, &expected));
                    ran += 1;
                }
            }
        }
        assert!(ran >= 12 && disturbed * 3 > ran, "{disturbed} of {ran} runs were disturbed");
    }
}

const ROWS: &str = "contact_id,email,phone,name,city,country\n\
                    1,ada@example.com,+442071838750,Ada Lovelace,London,GB\n\
                    2,ada@example.com,,A. Lovelace,London,GB\n\
                    3,bob@example.com,+12125550123,Bob Martin,New York,US\n";

/// A directory without records.
fn empty(data: &Path, folder: &Path) {
    ok(&["init", "--quiet", "--policy", "contacts", "--data", text(data)]);
    fs::write(folder.join("contacts.csv"), ROWS).unwrap();
    fs::write(folder.join("contacts-2.csv"), ROWS.replace("bob", "eve").replace("\n3,", "\n4,")).unwrap();
}

/// One with two people.
fn filled(data: &Path, folder: &Path) {
    empty(data, folder);
    ok(&["ingest", "--quiet", "--data", text(data), text(&folder.join("contacts.csv"))]);
}

/// One of which one is erased, with her ciphertexts.
fn erased(data: &Path, folder: &Path) {
    filled(data, folder);
    let certificate = folder.join("first.zip");
    let arguments = ["erase", "email:ada@example.com", "--request", "R-1", "--ground", "objection", "--yes"];
    ok(&[&arguments[..], &["--data", text(data), "-o", text(&certificate)]].concat());
}

#[test]
fn an_ingest_survives_its_system_calls() {
    let files = ["FOLDER/contacts.csv", "FOLDER/contacts-2.csv"];
    let arguments = ["ingest", "--quiet", "--data", "FOLDER/data", files[0], files[1]];
    Case::new(empty, &arguments, false).check_all();
}

#[test]
fn an_erasure_survives_its_system_calls() {
    let who = ["erase", "email:ada@example.com", "--request", "R-2", "--ground", "objection", "--yes"];
    let places = ["--data", "FOLDER/data", "-o", "FOLDER/certificate.zip"];
    Case::new(filled, &[&who[..], &places].concat(), true).check_all();
}

#[test]
fn a_redaction_survives_its_system_calls() {
    Case::new(erased, &["ledger", "redact", "--all", "--data", "FOLDER/data"], false).check_all();
}

#[test]
fn a_rotation_of_keys_survives_its_system_calls() {
    let arguments = ["key", "rotate", "--signing", "--records", "--data", "FOLDER/data"];
    Case::new(filled, &arguments, false).check_all();
}
