//! Proofs of inclusion out of a large log: what it takes to make one, from the entry's number to the last hash.
//!
//! The log is written by the real writer, with records of their own births and payloads of the smaller size that is
//! measured. Which entries are proven is drawn at random, so each proof reads a block that none before it has read.

use super::filled::{self, Site};
use super::report::{Report, Row, Target};
use super::spread;
use crate::cli::bench::measure::{Cost, cost, quantile};
use crate::cli::output;
use crate::crypto::Keyring;
use crate::ledger::Tree;
use crate::model::{Epoch, Sequence};
use crate::tlog::{Digest, inclusion_proof, verify_inclusion};
use ring::rand::SystemRandom;
use std::path::Path;
use std::time::{Duration, Instant};

/// Proofs that are made.
const PROOFS: u64 = 2_000;
/// The entries that the target is about.
const TARGET_ENTRIES: u64 = 10_000_000;
/// The most µs that a proof is to take.
const PROOF_US: f64 = 1_000.0;

/// All rows about proofs in a log of at least so many entries.
pub fn measure(report: &mut Report, root: &Path, entries: u64, payload_bytes: usize) -> anyhow::Result<()> {
    let dir = root.join("proofs");
    let rng = SystemRandom::new();
    let site = Site::new(&dir, Keyring::create_with_file(&root.join("keys-proofs"), &rng)?);
    let mut ledger = site.create()?;
    filled::append_bytes(&mut ledger, payload_bytes, u64::MAX, entries)?;
    let state = ledger.commit(Epoch(1))?;
    drop(ledger);
    let (size, expected) = (state.size(), state.root());
    report.section(&format!("proofs of inclusion in a log of {} entries", output::count(entries)))?;
    let (tree, Cost { cpu, .. }) = cost(|| Tree::open(&dir, size, &expected));
    let tree = tree?;
    report.add(Row::new("proof_tree_s", "reading the tree, once", cpu.as_secs_f64(), "CPU-s"))?;
    let (times, Cost { cpu, .. }) = cost(|| prove(&tree, size, &expected));
    let mut times = times?;
    times.sort_unstable();
    for (name, what, share) in [
        ("proof_p50_us", "proof of an entry at random, block read, wall: p50", 0.50),
        ("proof_p99_us", "the same: p99", 0.99),
    ] {
        let row = Row::new(name, what, quantile(&times, share).as_secs_f64() * 1e6, "µs");
        // A smaller log is measured, and not judged.
        report.add(if entries >= TARGET_ENTRIES { row.target(Target::Below(PROOF_US)) } else { row })?;
    }
    let us = cpu.as_secs_f64() * 1e6 / times.len() as f64;
    report.add(Row::new("proof_cpu_us", "the same on average, checked against the root", us, "CPU-µs"))?;
    Ok(std::fs::remove_dir_all(&dir)?)
}

/// How long each proof took. All of them are checked, outside of that time.
fn prove(tree: &Tree, size: u64, expected: &Digest) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for number in 0..PROOFS {
        let index = spread(number) % size;
        let start = Instant::now();
        let leaf = tree.leaf(Sequence(index))?.leaf;
        let proof = inclusion_proof(tree, index, size)?;
        times.push(start.elapsed());
        verify_inclusion(&leaf, index, size, &proof, expected)?;
    }
    Ok(times)
}
