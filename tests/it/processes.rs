//! What other processes and the system do to a run: a second process, a signal, a disk that is full half way.
//!
//! Method: real processes, held where they are by a pipe that stays open; what they have done is seen by the growth of
//! the ledger. Every disturbed directory must end as one that was left in peace, byte for byte in its exports.

use super::program::{command, ok, run, text};
use onefold::cli::bench::workload::Workload;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const FILES: [&str; 4] = ["crm.ndjson", "shop.ndjson", "newsletter.csv", "consents.ndjson"];

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// Sources of so many records, and a directory `whole` that has read them undisturbed.
    fn new(records: u64) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let sources = place.path("sources");
        std::fs::create_dir(&sources).unwrap();
        Workload::new(records, 10, 9).write(&sources).unwrap();
        ok(&["init", "--quiet", "--policy", "retail", "--data", text(&place.path("whole"))]);
        ok(&place.ingest("whole"));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new directory that agrees with `whole` on ids.
    fn init(&self, name: &str) -> PathBuf {
        let (data, whole) = (self.path(name), self.path("whole"));
        ok(&["init", "--quiet", "--policy", "retail", "--identity-from", text(&whole), "--data", text(&data)]);
        data
    }

    fn ingest(&self, name: &str) -> Vec<&'static str> {
        let mut arguments = vec!["ingest", "--quiet", "--data", leak(&self.path(name))];
        arguments.extend(FILES.iter().map(|file| leak(&self.path("sources").join(file))));
        arguments
    }

    fn check_like_whole(&self, name: &str) {
        for table in ["members", "profiles", "consents"] {
            // How long what has no time of its own is kept counts from when it was received, which differs by seconds.
            let until = |line: &str| {
                line.split(',')
                    .enumerate()
                    .filter(|(n, _)| table != "consents" || *n != 3)
                    .map(|(_, cell)| cell.to_owned())
                    .collect::<Vec<_>>()
            };
            let of = |name: &str| {
                let out = ok(&["export", table, "--data", text(&self.path(name))]);
                out.lines().map(until).collect::<Vec<_>>()
            };
            assert_eq!(of(name), of("whole"), "{table} of {name}");
        }
        ok(&["ledger", "verify", "--data", text(&self.path(name))]);
    }
}

/// Arguments outlive the few tests that make them.
fn leak(path: &Path) -> &'static str {
    Box::leak(text(path).to_owned().into_boxed_str())
}

fn ledger_bytes(data: &Path) -> u64 {
    let files = std::fs::read_dir(data.join("ledger")).unwrap().flatten();
    files.map(|file| file.metadata().map_or(0, |meta| meta.len())).sum()
}

/// Waits for what another process does; one that never does it fails the test instead of keeping it for ever.
fn wait_until(mut done: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(300);
    while !done() {
        assert!(Instant::now() < patience, "the other process does nothing");
        std::thread::yield_now();
    }
}

/// An ingest of a mixed stream that has read one line and waits for more.
fn waiting(data: &Path) -> Child {
    let before = ledger_bytes(data);
    let mut child = command(&["ingest", "--json", "--mixed", "--data", text(data), "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = "{\"source\":\"crm\",\"event\":{\"op\":\"c\",\"after\":{\"id\":\"w1\",\"email\":\"w@example.com\"},\
                \"source\":{\"lsn\":1,\"ts_ms\":1735689600000}}}\n";
    child.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    // Opening writes less than this; what was received and derived is written at once, with its commit.
    wait_until(|| {
        assert!(child.try_wait().unwrap().is_none(), "it waits for more");
        ledger_bytes(data) >= before + 400
    });
    child
}

#[test]
fn a_second_process_is_told_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    ok(&["init", "--quiet", "--policy", "retail", "--data", text(&data)]);
    let mut first = waiting(&data);
    for arguments in [&["profile", "crm:w1"][..], &["export", "members"], &["ingest", "--mixed", "/dev/null"]] {
        let second = run(&[arguments, &["--data", text(&data)]].concat());
        assert_eq!(second.code, 6, "{arguments:?}: {}", second.err);
        assert!(second.err.contains("in use by another process"), "{}", second.err);
        assert!(second.err.contains("help: wait for the other process"), "{}", second.err);
    }
    drop(first.stdin.take());
    let ended = first.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let done: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(done["taken"], 1);
    ok(&["profile", "crm:w1", "--data", text(&data)]);
}

/// Ctrl-C as the terminal sends it.
fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn ctrl_c_stops_a_waiting_stream_and_keeps_what_it_has_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    ok(&["init", "--quiet", "--policy", "retail", "--data", text(&data)]);
    let mut child = waiting(&data);
    // Kept open: it is the signal, not the end of input, that stops it.
    let stdin = child.stdin.take();
    interrupt(&child);
    let ended = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
    let done: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&done["taken"], &done["stopped"]), (&1.into(), &true.into()));
    ok(&["profile", "crm:w1", "--data", text(&data)]);
}

#[test]
fn ctrl_c_during_files_and_the_next_run_completes() {
    let place = Place::new(20_000);
    let mut stopped = 0;
    for share in [0.02, 0.2, 0.6] {
        let data = place.init("stopped");
        let until = (ledger_bytes(&place.path("whole")) as f64 * share) as u64;
        let mut child = command(&place.ingest("stopped")).stdin(Stdio::null()).spawn().unwrap();
        wait_until(|| ledger_bytes(&data) >= until || child.try_wait().unwrap().is_some());
        if child.try_wait().unwrap().is_none() {
            // It may have ended since, with everything done.
            let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        }
        let code = child.wait().unwrap().code();
        assert!(code == Some(130) || code == Some(0), "{code:?}");
        stopped += u32::from(code == Some(130));
        ok(&place.ingest("stopped"));
        place.check_like_whole("stopped");
        std::fs::remove_dir_all(&data).unwrap();
    }
    assert!(stopped > 0, "no run was stopped half way");
}

#[test]
fn a_full_disk_loses_nothing_and_the_next_run_completes() {
    let place = Place::new(4_000);
    let mut failed = 0;
    // Files may grow to so many KiB: the writes of the ledger, of the index and of its journal fail at different places.
    for kib in [1, 100, 400, 900, 1_600, 70_000] {
        let data = place.init("full");
        let limited = Command::new("bash")
            .args(["-c", &format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_onefold")])
            .args(place.ingest("full"))
            .env_remove("ONEFOLD_LOG")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8(limited.stderr).unwrap();
        match limited.status.code() {
            Some(0) => {}
            Some(1) => {
                failed += 1;
                assert!(said.contains("File too large"), "with {kib} KiB: {said}");
                assert!(said.contains("help: free some space"), "with {kib} KiB: {said}");
                assert!(!said.contains("panicked"), "with {kib} KiB: {said}");
            }
            other => panic!("with {kib} KiB it ended with {other:?}: {said}"),
        }
        ok(&place.ingest("full"));
        place.check_like_whole("full");
        std::fs::remove_dir_all(&data).unwrap();
    }
    assert!(failed >= 3, "only {failed} runs met a full disk");
}

#[test]
fn an_unfinished_end_of_the_ledger_says_what_it_is() {
    let place = Place::new(300);
    let data = place.path("whole");
    let segment = data.join("ledger/00000000.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    let whole = bytes.len();
    bytes.extend_from_within(whole - 100..whole - 20);
    std::fs::write(&segment, &bytes).unwrap();
    let torn = run(&["ledger", "verify", "--data", text(&data)]);
    assert_eq!(torn.code, 5);
    assert!(torn.err.contains("any command that opens the directory"), "{}", torn.err);
    let opened = run(&["ingest", "--quiet", "--mixed", "--data", text(&data), "/dev/null"]);
    assert_eq!(opened.code, 0, "{}", opened.err);
    assert!(opened.err.contains("unfinished entry, which was cut"), "{}", opened.err);
    ok(&["ledger", "verify", "--data", text(&data)]);
}
