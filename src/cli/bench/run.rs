//! The run of `onefold bench`, from load to restart.

use super::measure::{Cost, cost, cpu, quantile, resident_bytes, size_bytes, thread_cpu};
use super::twin::{TwinRecord, resolve};
use super::workload::{LOAD_FILES, Workload};
use crate::cli::args::Global;
use crate::cli::failure::SUCCESS;
use crate::cli::output::{self, line};
use crate::model::{Change, Operation, Role, Schema, SourceId};
use crate::pipeline::{InitOptions, Input, Onefold, OpenOptions};
use crate::policy::{self, Bundle, recognise};
use crate::sources::{Feed, MixedDecoder};
use crate::standardize::{Standardized, Standardizer};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Records of the load.
    pub records: u64,
    /// Changes after it.
    pub changes: u64,
    /// Seed of the workload.
    pub seed: u64,
    /// Where to work.
    pub work: Option<PathBuf>,
}

/// Single changes that are measured one by one, at the most.
const SINGLES_MAX: usize = 5_000;
/// Batches of a hundred that are measured.
const HUNDREDS: usize = 20;

/// Figures, as they are printed and as JSON.
pub(super) type Figures = Vec<(&'static str, String, f64)>;

/// Measures and prints.
pub fn run(global: &Global, plan: &Plan) -> anyhow::Result<u8> {
    run_in(global, plan.work.as_deref(), |folder| {
        measure_all(global, plan, &folder.join("sources"), &folder.join("data"))
    })
}

/// Measures in a folder that has one for sources, a temporary one if none is given, and prints the figures as JSON where
/// that is asked for.
pub(super) fn run_in(
    global: &Global,
    work: Option<&Path>,
    measure: impl FnOnce(&Path) -> anyhow::Result<Figures>,
) -> anyhow::Result<u8> {
    let temporary = || std::env::temp_dir().join(format!("onefold-bench-{}", std::process::id()));
    let folder = work.map_or_else(temporary, Path::to_owned);
    std::fs::create_dir_all(folder.join("sources"))?;
    let result = measure(&folder);
    if work.is_none() {
        std::fs::remove_dir_all(&folder)?;
    }
    let figures = result?;
    if global.json {
        let object: HashMap<&str, f64> = figures.iter().map(|(name, _, value)| (*name, *value)).collect();
        output::json(&object)?;
    }
    Ok(SUCCESS)
}

fn measure_all(global: &Global, plan: &Plan, files: &Path, data: &Path) -> anyhow::Result<Figures> {
    let mut book = Book::new(global.json);
    let summary = Workload::new(plan.records, plan.changes, plan.seed).write(files)?;
    let inputs = summary.load_bytes;
    book.say(&format!(
        "{} records and {} consents of {} people, {} of input",
        output::count(summary.records),
        output::count(summary.consents),
        output::count(summary.people),
        output::bytes(inputs)
    ))?;
    let bundle = Bundle::compile(policy::retail())?;
    let (profiles, twin) = cost(|| twin_run(&bundle.schema, files));
    let per_record = 1e6 / plan.records as f64;
    book.figure("twin_load_us", "twin: from scratch, CPU µs a record", twin.cpu.as_secs_f64() * per_record)?;
    book.say(&format!("  ({} profiles)", output::count(profiles? as u64)))?;
    let (onefold, load) = cost(|| load(bundle, files, data, InitOptions::default()));
    let mut onefold = onefold?;
    book.load(&load, &twin, plan.records)?;
    book.figure(
        "memory_bytes",
        "resident memory of the process, bytes a record",
        resident_bytes() as f64 / plan.records as f64,
    )?;
    book.figure("disk_ratio", "data directory / input, bytes", size_bytes(data) as f64 / inputs as f64)?;
    let lines = std::fs::read_to_string(files.join("changes.ndjson"))?;
    let lines: Vec<&str> = lines.lines().collect();
    let singles = SINGLES_MAX.min(lines.len() / 4);
    let hundreds = (HUNDREDS * 100).min(lines.len() / 4) / 100 * 100;
    let (first, rest) = lines.split_at(singles);
    let (second, third) = rest.split_at(hundreds);
    single_changes(&mut onefold, first, &mut book)?;
    batches(
        &mut onefold,
        second,
        100,
        "hundred_per_s",
        "batches of 100, bytes to durable, changes a CPU second",
        &mut book,
    )?;
    batches(
        &mut onefold,
        third,
        10_000,
        "ten_thousand_per_s",
        "batches of 10,000, bytes to durable, changes a CPU second",
        &mut book,
    )?;
    drop(onefold);
    let (reopened, restart) = cost(|| Onefold::open(data, OpenOptions::default()));
    drop(reopened?);
    book.figure("restart_per_s", "restart, records a CPU second", plan.records as f64 / restart.cpu.as_secs_f64())?;
    Ok(book.figures)
}

/// Prints figures as they come and keeps them.
pub(super) struct Book {
    figures: Figures,
    quiet: bool,
}

impl Book {
    /// An empty book, which prints nothing when it is quiet.
    pub(super) fn new(quiet: bool) -> Self {
        Self { figures: Vec::new(), quiet }
    }

    /// What was measured.
    pub(super) fn figures(self) -> Figures {
        self.figures
    }

    pub(super) fn say(&self, text: &str) -> anyhow::Result<()> {
        if self.quiet { Ok(()) } else { line(text) }
    }

    pub(super) fn figure(&mut self, name: &'static str, label: &str, value: f64) -> anyhow::Result<()> {
        let shown = if value >= 1000.0 { output::count(value as u64) } else { format!("{value:.2}") };
        self.say(&format!("{label:<62} {shown:>12}"))?;
        self.figures.push((name, label.to_owned(), value));
        Ok(())
    }

    fn load(&mut self, load: &Cost, twin: &Cost, records: u64) -> anyhow::Result<()> {
        let per_record = 1e6 / records as f64;
        self.figure(
            "load_us",
            "load: files to durable and queryable, CPU µs a record",
            load.cpu.as_secs_f64() * per_record,
        )?;
        self.figure("load_ratio", "load / twin, CPU", load.cpu.as_secs_f64() / twin.cpu.as_secs_f64())?;
        self.figure("load_wall_ratio", "load / twin, wall", load.wall.as_secs_f64() / twin.wall.as_secs_f64())
    }
}

/// The same answer from scratch; returns the number of profiles.
fn twin_run(schema: &Schema, files: &Path) -> anyhow::Result<usize> {
    let schema = Arc::new(schema.clone());
    let mut standardizer = Standardizer::new(&schema);
    let mut standardized = Standardized::default();
    let mut records: HashMap<(SourceId, String), TwinRecord> = HashMap::new();
    let mut changes = Vec::new();
    for name in LOAD_FILES {
        let source = recognise(&schema, name).map_err(|error| anyhow::anyhow!("{error}"))?;
        if schema.sources[usize::from(source.0)].role != Role::People {
            // Consents and firms take no part in who is who; they are parsed like the rest.
            let mut feed = Feed::open(&schema, Some(source), &files.join(name), None)?;
            while feed.next(&mut changes)?.is_some() {
                changes.clear();
            }
            continue;
        }
        let mut feed = Feed::open(&schema, Some(source), &files.join(name), None)?;
        while feed.next(&mut changes)?.is_some() {
            for change in changes.drain(..) {
                let name = (change.source, change.key.clone());
                if change.operation == Operation::Delete {
                    records.remove(&name);
                    continue;
                }
                let number = records.len() as u128;
                let record = twin_record(&schema, &change, number, &mut standardizer, &mut standardized);
                records.insert(name, record);
            }
        }
    }
    let mut records: Vec<TwinRecord> = records.into_values().collect();
    records.sort_unstable_by_key(|record| record.name);
    let result = resolve(&records, &schema);
    Ok(result.count())
}

fn twin_record(
    schema: &Schema,
    change: &Change,
    name: u128,
    standardizer: &mut Standardizer,
    out: &mut Standardized,
) -> TwinRecord {
    out.clear();
    standardizer.record(change.source, &change.fields, out);
    let mut values = out.values().map(|(attribute, _, text)| (attribute, text.to_owned())).collect::<Vec<_>>();
    let mut identifiers = Vec::new();
    for (place, kind) in schema.kinds.iter().enumerate() {
        let of_kind = values.iter().filter(|(attribute, _)| *attribute == kind.attribute);
        let id = crate::model::KindId(u8::try_from(place).unwrap_or(u8::MAX));
        identifiers.extend(of_kind.map(|(_, text)| (id, text.clone())));
    }
    // Values come in the order of attributes; the first of an attribute is the record's.
    values.dedup_by_key(|(attribute, _)| *attribute);
    TwinRecord { source: change.source, at: change.at.map_or(i64::MIN, |at| at.0), name, identifiers, values }
}

/// Loads all files as one ingest.
pub(super) fn load(bundle: Bundle, files: &Path, data: &Path, options: InitOptions) -> anyhow::Result<Onefold> {
    let mut onefold = Onefold::init(data, bundle, options)?;
    let mut inputs = Vec::new();
    for name in LOAD_FILES {
        let source = recognise(onefold.schema(), name).map_err(|error| anyhow::anyhow!("{error}"))?;
        inputs.push(Input::File(files.join(name), Some(source)));
    }
    let done = onefold.ingest(inputs, &AtomicBool::new(false), &mut |_| {})?;
    anyhow::ensure!(done.quarantined == 0, "the workload's own records were refused");
    Ok(onefold)
}

/// One change at a time, from the decoded event to the profile that can be read.
pub(super) fn single_changes(onefold: &mut Onefold, lines: &[&str], book: &mut Book) -> anyhow::Result<()> {
    let mut decoder = MixedDecoder::new(onefold.schema());
    let mut samples: Vec<Duration> = Vec::with_capacity(lines.len());
    onefold.set_durable(false);
    let all_before = cpu();
    for text in lines {
        let mut changes = Vec::new();
        decoder.decode(text.as_bytes(), &mut changes)?;
        let before = thread_cpu();
        for change in &changes {
            onefold.push(change)?;
        }
        onefold.commit()?;
        samples.push(thread_cpu().saturating_sub(before));
    }
    let all = cpu().saturating_sub(all_before);
    onefold.set_durable(true);
    samples.sort_unstable();
    let us = |share| quantile(&samples, share).as_secs_f64() * 1e6;
    book.figure("single_p50_us", "one change, decoded to readable, fsync aside, CPU µs p50", us(0.5))?;
    book.figure("single_p99_us", "one change, decoded to readable, fsync aside, CPU µs p99", us(0.99))?;
    let mean = all.as_secs_f64() * 1e6 / lines.len().max(1) as f64;
    book.figure("single_mean_us", "the same with decoding and background work of the index, mean", mean)
}

/// Batches of changes, from bytes to durable.
fn batches(
    onefold: &mut Onefold,
    lines: &[&str],
    size: usize,
    name: &'static str,
    label: &str,
    book: &mut Book,
) -> anyhow::Result<()> {
    if lines.len() < size {
        return book.say(&format!("{label:<62} {:>12}", "too few"));
    }
    let mut decoder = MixedDecoder::new(onefold.schema());
    let mut spent = Duration::ZERO;
    let whole = lines.len() / size * size;
    for batch in lines[..whole].chunks(size) {
        let (done, batch_cost) = cost(|| -> anyhow::Result<()> {
            let mut changes = Vec::new();
            for text in batch {
                decoder.decode(text.as_bytes(), &mut changes)?;
            }
            for change in &changes {
                onefold.push(change)?;
            }
            onefold.commit()?;
            Ok(())
        });
        done?;
        spent += batch_cost.cpu;
    }
    book.figure(name, label, whole as f64 / spent.as_secs_f64())
}
