//! The part of the command line about measuring.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What the whole engine is measured with. None of it is for a part that is measured by itself, so that it must be seen
/// whether anything was given.
#[derive(Debug, Args)]
pub struct BenchLoad {
    /// Records of the generated workload [default: 100000].
    #[arg(long)]
    pub records: Option<u64>,
    /// Changes that are streamed after the load [default: 20000].
    #[arg(long)]
    pub changes: Option<u64>,
    /// Seed of the workload [default: 1].
    #[arg(long)]
    pub seed: Option<u64>,
    /// Where to work; a temporary folder if not given.
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
}

/// What can be measured by itself.
#[derive(Debug, Subcommand)]
pub enum BenchPart {
    /// Measure the ledger beside the least that it could cost, and beside SQLite.
    #[command(after_help = "\
The limit L is what any ledger pays that encrypts each payload under a key of its own (AES-256-GCM), hashes what \
it stores (SHA-256) and writes it to this disk. Its parts are measured in the same run, as is everything that a \
figure stands beside. Figures are CPU time unless they say wall; rows with a target say whether it was met.

At the default size it takes about a minute and up to 1 GiB in the folder, all of which is removed again. SQLite \
is there when the program was built with `--features sqlite`.

Examples:
  onefold bench ledger
  onefold bench ledger --entries 2000000 --proof-entries 10000000 --work /mnt/disk
  onefold bench ledger --json > ledger.json")]
    Ledger {
        /// Entries of each ledger that is measured.
        #[arg(long, default_value_t = 500_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        entries: u64,
        /// Entries of the log that proofs of inclusion are made of; their target is for 10000000, which take 3.2 GB.
        #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        proof_entries: u64,
        /// Folder on the disk to measure; the system's temporary one if not given.
        #[arg(long, value_name = "DIR")]
        work: Option<PathBuf>,
    },
    /// Measure what matching by score adds to a load and to a change, and what training costs.
    #[command(after_help = "\
The workload is loaded twice: with identifiers alone, and with a model that was trained on it in between. Shapes \
that are bad for clusters, a bridge between two large halves and a value that everybody carries, are measured, too.

Examples:
  onefold bench match
  onefold bench match --records 1000000 --changes 5000 --work /mnt/disk")]
    Match {
        /// Records of the generated workload.
        #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(100..))]
        records: u64,
        /// Changes that are streamed after the load, one by one.
        #[arg(long, default_value_t = 5_000, value_name = "N")]
        changes: u64,
        /// Where to work; a temporary folder if not given.
        #[arg(long, value_name = "DIR")]
        work: Option<PathBuf>,
    },
    /// Measure what withdrawals of consents cost, and what putting a new version of the bundle in force costs.
    #[command(after_help = "\
The shipped bundle `retail` is loaded. Consents that are in force are withdrawn one by one; then a version in which \
decisions flip both ways is held against the live data, as `policy diff --data` does, and put in force, as `policy \
activate` does. Its cost stands beside that of the load of the same run.

Examples:
  onefold bench policy
  onefold bench policy --records 1000000 --work /mnt/disk")]
    Policy {
        /// Records of the generated workload.
        #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(100..))]
        records: u64,
        /// Consents that are withdrawn, at the most.
        #[arg(long, default_value_t = 5_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        withdrawals: u64,
        /// Where to work; a temporary folder if not given.
        #[arg(long, value_name = "DIR")]
        work: Option<PathBuf>,
    },
}
