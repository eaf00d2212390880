//! The keys of records: what deriving one costs, and what erasing many records does to the state that gives them.
//!
//! A hundredth of all records is erased, drawn at random. The tree is measured by itself and, where a row says durable,
//! in a keyring on the disk.

use super::report::{Report, Row, Target};
use super::spread;
use crate::cli::bench::measure::{Cost, cost};
use crate::cli::output;
use crate::crypto::{Keyring, PunctureTree};
use crate::model::Birth;
use ring::rand::SystemRandom;
use std::hint::black_box;
use std::path::Path;
use zeroize::Zeroizing;

/// Records that are erased, and that the targets are about.
const ERASURES: u64 = 1_000_000;
/// Records for each of them.
const RECORDS_PER_ERASURE: u64 = 100;
/// Keys that are derived for one figure.
const DERIVATIONS: u64 = 1_000_000;
/// The most ns that a key is to take in the order of births.
const DERIVATION_NS: f64 = 200.0;
/// The most seeds that an erasure is to leave.
const SEEDS: f64 = 6.0;

/// All rows about keys. A short run erases fewer records.
pub fn measure(report: &mut Report, root: &Path, entries: u64) -> anyhow::Result<()> {
    let erasures = entries.saturating_mul(2).min(ERASURES);
    let records = erasures * RECORDS_PER_ERASURE;
    let (all, some) = (output::count(records), output::count(erasures));
    report.section(&format!("keys of {all} records, {some} of them erased at random"))?;
    let tree = PunctureTree::new(&Zeroizing::new([7; 32]));
    derivations(report, "", &tree, records)?;
    let births: Vec<Birth> = (0..erasures).map(|number| Birth(spread(number ^ 1 << 50) % records)).collect();
    let (mut tree, Cost { cpu, .. }) = cost(|| tree.without(&births));
    report.add(Row::new("erase_all_s", "erasing them all at once", cpu.as_secs_f64(), "CPU-s"))?;
    let erased = tree.punctured().len();
    let row =
        Row::new("seeds_an_erasure", "seeds for each erased record", tree.seeds() as f64 / erased as f64, "seeds");
    report.add(judged(row, erasures, SEEDS))?;
    derivations(report, "_erased", &tree, records)?;
    let ((), Cost { cpu, .. }) = cost(|| tree.puncture(&[Birth(records + 1)]));
    report.add(Row::new("erase_one_s", "erasing one more", cpu.as_secs_f64(), "CPU-s"))?;
    drop(tree);
    keyring_rows(report, root, &births, Birth(records + 1))
}

/// The same in a keyring on the disk.
fn keyring_rows(report: &mut Report, root: &Path, births: &[Birth], one: Birth) -> anyhow::Result<()> {
    let (folder, rng) = (root.join("keys-erased"), SystemRandom::new());
    let mut keys = Keyring::create_with_file(&folder, &rng)?;
    keys.erase(births, &rng)?;
    let (done, Cost { wall, .. }) = cost(|| keys.erase(&[one], &rng));
    done?;
    report.add(Row::new("erase_one_durable_s", "the same, durable on the disk, wall", wall.as_secs_f64(), "s"))?;
    drop(keys);
    let state_bytes = Keyring::status(&folder)?.state_bytes;
    let (opened, Cost { cpu, .. }) = cost(|| Keyring::open_with_file(&folder));
    drop(opened?);
    let what = format!("opening these keys, {}", output::bytes(state_bytes));
    report.add(Row::new("keys_open_s", what, cpu.as_secs_f64(), "CPU-s"))?;
    Ok(std::fs::remove_dir_all(&folder)?)
}

/// Keys in the order of births and in none.
fn derivations(report: &mut Report, suffix: &str, tree: &PunctureTree, records: u64) -> anyhow::Result<()> {
    let count = DERIVATIONS.min(records);
    let after = if suffix.is_empty() { "" } else { ", after the erasures" };
    let each = |birth: &dyn Fn(u64) -> u64| {
        let ((), Cost { cpu, .. }) =
            cost(|| (0..count).for_each(|number| drop(black_box(tree.record_key(Birth(birth(number)))))));
        cpu.as_secs_f64() * 1e9 / count as f64
    };
    let what = format!("a record's key, births in order{after}");
    let row = Row::new(format!("key_in_order{suffix}_ns"), what, each(&|number| number), "ns");
    report.add(judged(row, records / RECORDS_PER_ERASURE, DERIVATION_NS))?;
    let what = format!("a record's key, births at random{after}");
    report.add(Row::new(format!("key_at_random{suffix}_ns"), what, each(&|number| spread(number) % records), "ns"))
}

/// A row with its target, where as much was measured as the target is about.
fn judged(row: Row, erasures: u64, most: f64) -> Row {
    if erasures >= ERASURES { row.target(Target::Below(most)) } else { row }
}
