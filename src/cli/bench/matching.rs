//! `onefold bench match`: what scoring adds to a load and to a change, what training costs, and what shapes cost that are
//! bad for clusters. All in one run, on one workload.

use super::measure::{Cost, cost, cpu, quantile, resident_bytes, thread_cpu};
use super::run::{Book, Figures, load, run_in, single_changes};
use super::workload::Workload;
use crate::cli::args::Global;
use crate::cli::output;
use crate::dataflow::{Engine, Rules};
use crate::encoding::hex;
use crate::matching::{Comparable, Model, train};
use crate::model::{About, Birth, Facts, IdentifierHash, KindId, NameMark, Named, Schema, SourceId};
use crate::pipeline::{InitOptions, Onefold, OpenOptions};
use crate::policy::{self, Bundle};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Records of the load.
    pub records: u64,
    /// Changes after it.
    pub changes: u64,
    /// Where to work.
    pub work: Option<PathBuf>,
}

/// Records of the component that a bridge holds together.
const COMPONENT: u64 = 500;
/// Carriers of the hub.
const CARRIERS: u64 = 100_000;
/// Times that the bridge comes and goes.
const TURNS: usize = 200;

/// Measures and prints.
pub fn run(global: &Global, plan: &Plan) -> anyhow::Result<u8> {
    run_in(global, plan.work.as_deref(), |folder| measure_all(global, plan, folder))
}

fn measure_all(global: &Global, plan: &Plan, folder: &Path) -> anyhow::Result<Figures> {
    let mut book = Book::new(global.json);
    let files = folder.join("sources");
    let summary = Workload::new(plan.records, plan.changes, 1).write(&files)?;
    book.say(&format!("{} records of {} people", output::count(summary.records), output::count(summary.people)))?;
    let exact = policy::retail();
    let (onefold, exact_load) =
        cost(|| load(Bundle::compile(exact.clone())?, &files, &folder.join("exact"), InitOptions::default()));
    let each = |cost: &Cost| cost.cpu.as_secs_f64() * 1e6 / plan.records as f64;
    book.figure("exact_us", "load, identifiers alone, CPU µs a record", each(&exact_load))?;
    let onefold = onefold?;
    let records: Vec<Comparable> = onefold.reader()?.comparables(|_| {})?.into_iter().map(|(_, what)| what).collect();
    let (model, training) = cost(|| train(onefold.schema(), &records));
    book.figure("train_s", "training on these records, CPU s (at 1,000,000: target ≤ 60)", training.cpu.as_secs_f64())?;
    drop((onefold, records));
    let bundle = with_model(exact, &model?)?;
    let schema = bundle.schema.clone();
    let data = folder.join("scored");
    let (onefold, scored_load) = cost(|| load(bundle, &files, &data, InitOptions::default()));
    let mut onefold = onefold?;
    book.figure("scored_us", "load, scored as well, CPU µs a record", each(&scored_load))?;
    let ratio = scored_load.cpu.as_secs_f64() / exact_load.cpu.as_secs_f64();
    book.figure("scored_ratio", "scored / identifiers alone (target ≤ 3)", ratio)?;
    let resident = resident_bytes() as f64 / plan.records as f64;
    book.figure("memory_bytes", "resident memory of the process, bytes a record", resident)?;
    let lines = std::fs::read_to_string(files.join("changes.ndjson"))?;
    let lines: Vec<&str> = lines.lines().collect();
    single_changes(&mut onefold, &lines, &mut book)?;
    book.say("  (target of the p99 above: ≤ 5,000)")?;
    drop(onefold);
    let (reopened, restart) = cost(|| Onefold::open(&data, OpenOptions::default()));
    drop(reopened?);
    book.figure("restart_per_s", "restart, records a CPU second", plan.records as f64 / restart.cpu.as_secs_f64())?;
    bridge(&schema, &mut book)?;
    hub(&schema, &mut book)?;
    Ok(book.figures())
}

/// The same bundle, scored by a model.
fn with_model(mut files: Vec<(String, String)>, model: &Model) -> anyhow::Result<Bundle> {
    for (_, text) in files.iter_mut().filter(|(name, _)| name == "identity.toml") {
        text.push_str(&format!("\n[matching]\nmodel = \"{}\"\n", hex::encode(&model.digest())));
    }
    files.push(("model.json".to_owned(), String::from_utf8(model.write())?));
    Ok(Bundle::compile(files)?)
}

fn named(number: u64) -> Named {
    Named { rank: number.wrapping_mul(0x9e37_79b9_7f4a_7c15), birth: Birth(number) }
}

/// A record that carries nothing but these identifiers of a kind.
fn carrying(kind: KindId, numbers: &[u64]) -> Facts {
    let mut identifiers: Vec<_> =
        numbers.iter().map(|number| (kind, IdentifierHash(u128::from(*number) << 64 | 2))).collect();
    identifiers.sort_unstable();
    Facts {
        source: SourceId(0),
        at: 0,
        since: 0,
        about: About::default(),
        given: NameMark::NONE,
        identifiers,
        values: Vec::new(),
        rectified: Vec::new(),
    }
}

/// A record that alone holds the halves of a component together goes and comes.
fn bridge(schema: &Schema, book: &mut Book) -> anyhow::Result<()> {
    let Some(kind) = schema.kind("device_id") else { return Ok(()) };
    let mut engine = Engine::new(&Rules::new(schema, None, None));
    // Chains of records: each shares an identifier with the one before it.
    let half = COMPONENT / 2;
    for number in (0..COMPONENT).filter(|number| *number != half) {
        engine.record(named(number), &schema.sources, None, Some(&carrying(kind, &[number, number + 1])));
    }
    engine.commit();
    let facts = carrying(kind, &[half, half + 1]);
    let mut samples = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        engine.record(named(half), &schema.sources, None, Some(&facts));
        let joined = engine.commit();
        anyhow::ensure!(joined.links.len() == 2, "the bridge joins two halves");
        let before = thread_cpu();
        engine.record(named(half), &schema.sources, Some(&facts), None);
        let parted = engine.commit();
        samples.push(thread_cpu().saturating_sub(before));
        anyhow::ensure!(parted.links.len() == 2, "and parts them");
    }
    samples.sort_unstable();
    let us = |share| quantile(&samples, share).as_secs_f64() * 1e6;
    book.figure("unmerge_p50_us", "un-merging a bridge in a component of 500, CPU µs p50 (target ≤ 1,000)", us(0.5))?;
    book.figure("unmerge_p99_us", "the same, p99", us(0.99))
}

/// A value that a hundred thousand records carry appears, and leaves.
fn hub(schema: &Schema, book: &mut Book) -> anyhow::Result<()> {
    let Some(kind) = schema.kind("device_id") else { return Ok(()) };
    let mut engine = Engine::new(&Rules::new(schema, None, None));
    let (own, shared): (Vec<Facts>, Vec<Facts>) =
        (1..=CARRIERS).map(|number| (carrying(kind, &[number]), carrying(kind, &[0, number]))).unzip();
    for (number, facts) in (0..).zip(&own) {
        engine.record(named(number), &schema.sources, None, Some(facts));
    }
    engine.commit();
    let mut turn = |old: &[Facts], new: &[Facts]| -> anyhow::Result<Duration> {
        let before = cpu();
        for (number, (old, new)) in (0..).zip(old.iter().zip(new)) {
            engine.record(named(number), &schema.sources, Some(old), Some(new));
        }
        let delta = engine.commit();
        anyhow::ensure!(delta.links.is_empty(), "a hub joins nobody");
        Ok(cpu().saturating_sub(before))
    };
    let (came, went) = (turn(&own, &shared)?, turn(&shared, &own)?);
    book.figure("hub_came_s", "a value on 100,000 records appears, CPU s (target ≤ 0.5)", came.as_secs_f64())?;
    book.figure("hub_went_s", "and leaves", went.as_secs_f64())
}
