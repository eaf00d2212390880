//! `kill -9` at random moments during ingest, then the same command again: the result is that of an undisturbed run.
//!
//! Method: the program is killed after it has read a random share of a pipe that feeds it, or at a random point of a file's
//! ingest (as soon as the ledger has grown past a random size); afterwards the files are ingested until done.

use super::program::{command, ok, text};
use onefold::cli::bench::workload::{LOAD_FILES, Workload};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::path::Path;
use std::process::Stdio;

fn arguments<'a>(data: &'a str, files: &'a [String]) -> Vec<&'a str> {
    let mut arguments = vec!["ingest", "--quiet", "--data", data];
    arguments.extend(files.iter().map(String::as_str));
    arguments
}

/// Bytes of all files of a folder.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.metadata().map_or(0, |meta| meta.len())).sum()
}

/// Starts an ingest and kills it once the ledger has grown to a size, or lets it end.
fn kill_at(arguments: &[&str], ledger: &Path, bytes: u64) {
    let mut child =
        command(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while size(ledger) < bytes {
        if child.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::yield_now();
    }
    // SIGKILL: the program is told nothing.
    child.kill().unwrap();
    child.wait().unwrap();
}

fn exports(data: &str) -> [String; 3] {
    ["members", "profiles", "consents"].map(|table| {
        // How long what has no time of its own is kept counts from when it was received, which differs by seconds.
        let until = |(column, _): &(usize, &str)| table != "consents" || *column != 3;
        let row =
            |line: &str| line.split(',').enumerate().filter(until).map(|(_, cell)| cell).collect::<Vec<_>>().join(",");
        ok(&["export", table, "--data", data]).lines().map(row).collect::<Vec<_>>().join("\n")
    })
}

#[test]
fn killed_at_random_and_resumed_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("sources");
    std::fs::create_dir(&sources).unwrap();
    Workload::new(3_000, 100, 5).write(&sources).unwrap();
    let files: Vec<String> = LOAD_FILES.iter().map(|name| text(&sources.join(name)).to_owned()).collect();
    let whole = folder.path().join("whole");
    ok(&["init", "--quiet", "--policy", "retail", "--data", text(&whole)]);
    ok(&arguments(text(&whole), &files));
    let expected = exports(text(&whole));
    let full = size(&whole.join("ledger"));
    let mut runner = TestRunner::new(Config { cases: 6, ..Config::default() });
    let shares = proptest::collection::vec(0.0..1.0f64, 1..4);
    runner
        .run(&shares, |shares| {
            let data = folder.path().join("killed");
            ok(&["init", "--quiet", "--policy", "retail", "--identity-from", text(&whole), "--data", text(&data)]);
            for share in &shares {
                kill_at(&arguments(text(&data), &files), &data.join("ledger"), (full as f64 * share) as u64);
            }
            ok(&arguments(text(&data), &files));
            prop_assert_eq!(&exports(text(&data)), &expected);
            ok(&["ledger", "verify", "--data", text(&data)]);
            std::fs::remove_dir_all(&data).unwrap();
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_lost_or_damaged_index_is_rebuilt_from_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("sources");
    std::fs::create_dir(&sources).unwrap();
    Workload::new(1_000, 400, 6).write(&sources).unwrap();
    let files: Vec<String> = LOAD_FILES.iter().map(|name| text(&sources.join(name)).to_owned()).collect();
    let data = folder.path().join("data");
    let data = text(&data);
    ok(&["init", "--quiet", "--policy", "retail", "--data", data]);
    ok(&arguments(data, &files));
    ok(&["ingest", "--quiet", "--mixed", "--data", data, text(&sources.join("changes.ndjson"))]);
    let expected = exports(data);
    let index = Path::new(data).join("index");
    std::fs::remove_dir_all(&index).unwrap();
    assert_eq!(exports(data), expected, "after the index was removed");
    for entry in std::fs::read_dir(&index).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        std::fs::write(entry.path(), b"not what it was").unwrap();
    }
    assert_eq!(exports(data), expected, "after the index was damaged");
}
