//! The run of `onefold bench ledger`: what the ledger costs beside what it cannot cost less than, and beside SQLite.
//!
//! The limit is what any ledger pays that encrypts each payload under a key of its own, hashes what is stored and writes
//! it: all of them measured here, in this run, with the same libraries (`limit`). Figures are CPU time of the whole
//! process, in which a wait for the disk costs nothing; where it is time on the wall, the row says so.
//!
//! INVARIANT: nothing is printed that was not measured in this run, and nothing is left behind in the folder.

mod filled;
mod keys;
mod limit;
mod proof;
mod report;
#[cfg(feature = "sqlite")]
mod sqlite;

use super::measure::{Cost, cost};
use crate::cli::args::Global;
use crate::cli::failure::SUCCESS;
use crate::cli::output;
use crate::crypto::Keyring;
use crate::ledger::{Entry, Error, Ledger, Options, verify, verify_opened};
use crate::model::Epoch;
use filled::{Filled, Site};
use report::{Beside, Report, Row, Target};
use ring::rand::SystemRandom;
use std::path::{Path, PathBuf};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Entries of each ledger; at least one.
    pub entries: u64,
    /// Entries of the log that proofs are made of; at least one.
    pub proof_entries: u64,
    /// Where to work; what is written there is removed again.
    pub work: Option<PathBuf>,
}

/// The payloads that are measured, and what is expected of each.
const SIZES: [Expected; 2] = [
    Expected { payload_bytes: 200, append: 0.35, verify: 0.50, opened_per_s: Some(500_000.0) },
    Expected { payload_bytes: 1024, append: 0.50, verify: 0.70, opened_per_s: None },
];
/// How much is to be checked when a ledger is opened within [`OPEN_S`].
const TAIL_BYTES: u64 = 256 << 20;
/// The most seconds of CPU that opening is to take.
const OPEN_S: f64 = 1.0;
/// Single reads that are measured, at the most.
const READS_MAX: u64 = 100_000;

/// The targets of one size of payload.
struct Expected {
    payload_bytes: usize,
    /// Least share of the limit.
    append: f64,
    /// Least share of SHA-256 alone.
    verify: f64,
    /// Least entries that are verified and decrypted in a CPU second.
    opened_per_s: Option<f64>,
}

/// The folder that is measured in; removed at the end, however it comes.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is the user's to see; the figures hold all the same.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Measures and prints.
///
/// # Errors
/// When the folder cannot be written, or the ledger does not read back.
pub fn run(global: &Global, plan: &Plan) -> anyhow::Result<u8> {
    let parent = plan.work.clone().unwrap_or_else(std::env::temp_dir);
    let root = Scratch(parent.join(format!("onefold-bench-ledger-{}", std::process::id())));
    std::fs::create_dir_all(&root.0)?;
    let mut report = Report::new(global.json, plan.entries);
    report.say("CPU time of the whole process, but where a row says wall; waiting for the disk costs none.")?;
    let bytes_per_s = limit::disk(&root.0, plan.entries)?;
    report.add(Row::new(
        "disk_mib_per_s",
        "disk: writes of 1 MiB and fdatasync, wall, best of 4",
        bytes_per_s / f64::from(1 << 20),
        "MiB/s",
    ))?;
    for expected in &SIZES {
        measure_size(&mut report, &root.0, plan.entries, expected, bytes_per_s)?;
    }
    report.section("opening")?;
    open_with_tail(&mut report, &root.0, plan.entries)?;
    proof::measure(&mut report, &root.0, plan.proof_entries, SIZES[0].payload_bytes)?;
    keys::measure(&mut report, &root.0, plan.entries)?;
    if !cfg!(feature = "sqlite") {
        report.say("\nSQLite beside it: cargo run --release --features sqlite -- bench ledger")?;
    }
    if global.json {
        output::json(&report.json())?;
    }
    Ok(SUCCESS)
}

/// All rows of one size of payload.
fn measure_size(
    report: &mut Report,
    root: &Path,
    entries: u64,
    expected: &Expected,
    bytes_per_s: f64,
) -> anyhow::Result<()> {
    let size = expected.payload_bytes;
    report.section(&format!("payload of {size} bytes, {} entries", output::count(entries)))?;
    let dir = root.join(format!("ledger-{size}"));
    let rng = SystemRandom::new();
    let site = Site::new(&dir, Keyring::create_with_file(&root.join(format!("keys-{size}")), &rng)?);
    let filled = Filled::fill(&site, size, entries, bytes_per_s)?;
    let append = append_rows(report, expected, &filled, entries)?;
    let verified = verify_rows(report, expected, &filled, &site, entries)?;
    read_rows(report, size, &filled, entries)?;
    drop(filled);
    std::fs::remove_dir_all(&dir)?;
    beside_sqlite(report, root, size, entries, append, verified)
}

/// The limit with its parts, and appending beside it; gives entries a CPU second.
fn append_rows(report: &mut Report, expected: &Expected, filled: &Filled, entries: u64) -> anyhow::Result<f64> {
    let size = expected.payload_bytes;
    let stored = filled.stored_bytes;
    let (parts, name) = (filled.parts, |what: &str| format!("{what}_{size}"));
    report.add(Row::new(name("seal_ns"), "AES-256-GCM of the payload, a new key each", parts.seal_s * 1e9, "ns"))?;
    let what = format!("SHA-256 of what is stored, {stored} bytes");
    report.add(Row::new(name("hash_ns"), what, parts.hash_s * 1e9, "ns"))?;
    let what = format!("{stored} bytes at the speed of the disk, wall");
    report.add(Row::new(name("disk_ns"), what, parts.disk_s * 1e9, "ns"))?;
    report.add(Row::new(name("limit"), "the limit L: these three and nothing else", parts.per_s(), "entries/s"))?;
    let beside = || Beside { what: "L", value: parts.per_s() };
    let rate = per_s(entries, filled.cost.cpu.as_secs_f64());
    let what = format!("append, a sync every {}", output::count(filled::SYNC_ENTRIES));
    let row = Row::new(name("append"), what, rate, "entries/CPU-s").beside(beside());
    report.add(row.target(Target::Ratio(expected.append)))?;
    // How fast the disk is depends on who else uses it; this does not.
    let alone = Beside { what: "encrypting and hashing alone", value: parts.per_cpu_s() };
    report.add(Row::new(name("append_cpu"), "the same beside CPU time alone", rate, "entries/CPU-s").beside(alone))?;
    let wall = per_s(entries, filled.cost.wall.as_secs_f64());
    report.add(Row::new(name("append_wall"), "the same with the waits, wall", wall, "entries/s").beside(beside()))?;
    Ok(rate)
}

/// Verifying beside hashing alone, half of which is done before it and half after; gives entries a CPU second.
fn verify_rows(
    report: &mut Report,
    expected: &Expected,
    filled: &Filled,
    site: &Site,
    entries: u64,
) -> anyhow::Result<f64> {
    let size = expected.payload_bytes;
    let half = entries.div_ceil(2);
    let before = limit::hash(filled.stored_bytes, half);
    let (found, Cost { cpu, .. }) = cost(|| verify(site.dir(), &[], |_| {}));
    let after = limit::hash(filled.stored_bytes, half);
    anyhow::ensure!(found?.entries >= entries, "the verifier has not seen all entries");
    let alone = per_s(2 * half, (before + after).as_secs_f64());
    report.add(Row::new(format!("sha256_{size}"), "SHA-256 alone over the same bytes", alone, "entries/CPU-s"))?;
    let rate = per_s(entries, cpu.as_secs_f64());
    let row = Row::new(format!("verify_{size}"), "verify, without keys", rate, "entries/CPU-s");
    let row = row.beside(Beside { what: "SHA-256 alone", value: alone });
    report.add(row.target(Target::Ratio(expected.verify)))?;
    let (found, Cost { cpu, .. }) = cost(|| verify_opened(site.dir(), &site.keys, &[], |_| {}));
    let opened = found?.opened.map_or(0, |counts| counts.opened);
    anyhow::ensure!(opened == entries, "the verifier has opened {opened} entries and not {entries}");
    let what = "verify and decrypt, key commitment checked";
    let row = Row::new(format!("verify_open_{size}"), what, per_s(entries, cpu.as_secs_f64()), "entries/CPU-s");
    report.add(match expected.opened_per_s {
        Some(least) => row.target(Target::AtLeast(least)),
        None => row,
    })?;
    Ok(rate)
}

/// Reading back in clear, all in order and single ones here and there.
fn read_rows(report: &mut Report, size: usize, filled: &Filled, entries: u64) -> anyhow::Result<()> {
    let mut seen = 0u64;
    let visit = |_: Entry| {
        seen += 1;
        Ok::<(), Error>(())
    };
    let (replayed, Cost { cpu, .. }) = cost(|| filled.ledger.replay(None, visit));
    replayed?;
    anyhow::ensure!(seen >= entries, "not all entries were read back");
    let what = "replay: decrypted and decoded";
    report.add(Row::new(format!("replay_{size}"), what, per_s(entries, cpu.as_secs_f64()), "entries/CPU-s"))?;
    let reads = entries.min(READS_MAX);
    // A stride that is prime goes through all of the ledger.
    let places = (0..reads).map(|read| read * 7_919 % entries);
    let places = places.filter_map(|place| filled.places.get(usize::try_from(place).ok()?));
    let (read, Cost { cpu, .. }) = cost(|| places.copied().try_for_each(|place| filled.ledger.read(place).map(drop)));
    read?;
    let us = cpu.as_secs_f64() * 1e6 / reads as f64;
    report.add(Row::new(format!("read_us_{size}"), "read of a single entry, decrypted", us, "CPU-µs"))
}

/// Opening a ledger that goes on for long after the commit that was remembered.
fn open_with_tail(report: &mut Report, root: &Path, entries: u64) -> anyhow::Result<()> {
    let rng = SystemRandom::new();
    let dir = root.join("tail");
    let site = Site::new(&dir, Keyring::create_with_file(&root.join("keys-tail"), &rng)?);
    let mut ledger = site.create()?;
    let state = ledger.commit(Epoch(1))?;
    let before = filled::size_bytes(&dir)?;
    // A short run is kept short; what the target says is then not measured, and not judged.
    let kept = filled::append_bytes(&mut ledger, SIZES[0].payload_bytes, TAIL_BYTES, entries.saturating_mul(2))?;
    drop(ledger);
    let tail_bytes = filled::size_bytes(&dir)? - before;
    let open = || {
        Ledger::open(&dir, &site.keys, &rng, &site.bundle, 0, Some(&state), Options::default()).map(|(_, found)| found)
    };
    let (found, Cost { cpu, wall }) = cost(open);
    anyhow::ensure!(found?.kept == kept, "what was opened is not what was written");
    let what = format!("open, {} after the last commit", output::bytes(tail_bytes));
    let row = Row::new("open_tail_s", what, cpu.as_secs_f64(), "CPU-s");
    report.add(if tail_bytes >= TAIL_BYTES { row.target(Target::Below(OPEN_S)) } else { row })?;
    report.add(Row::new("open_tail_wall_s", "the same, wall", wall.as_secs_f64(), "s"))?;
    Ok(std::fs::remove_dir_all(&dir)?)
}

/// The same number of payloads in a chain of hashes in SQLite, in clear.
#[cfg(feature = "sqlite")]
fn beside_sqlite(
    report: &mut Report,
    root: &Path,
    payload_bytes: usize,
    entries: u64,
    append: f64,
    verified: f64,
) -> anyhow::Result<()> {
    let (appended, scanned) = sqlite::measure(&root.join("sqlite"), payload_bytes, entries)?;
    let what = "SQLite (WAL, FULL), not encrypted: append";
    let rate = per_s(entries, appended.cpu.as_secs_f64());
    let row = Row::new(format!("sqlite_append_{payload_bytes}"), what, rate, "entries/CPU-s");
    report.add(row.beside(Beside { what: "append here", value: append }))?;
    let rate = per_s(entries, appended.wall.as_secs_f64());
    report.add(Row::new(
        format!("sqlite_append_wall_{payload_bytes}"),
        "the same with the waits, wall",
        rate,
        "entries/s",
    ))?;
    let what = "SQLite, not encrypted: every hash again";
    let rate = per_s(entries, scanned.cpu.as_secs_f64());
    let row = Row::new(format!("sqlite_verify_{payload_bytes}"), what, rate, "entries/CPU-s");
    report.add(row.beside(Beside { what: "verify here", value: verified }))
}

#[cfg(not(feature = "sqlite"))]
fn beside_sqlite(_: &mut Report, _: &Path, _: usize, _: u64, _: f64, _: f64) -> anyhow::Result<()> {
    Ok(())
}

/// How many a second.
fn per_s(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

/// Splitmix64's last step: numbers in order become numbers in none.
fn spread(number: u64) -> u64 {
    let mut x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
