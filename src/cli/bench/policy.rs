//! `onefold bench policy`: what withdrawing a consent costs, and what a new version of the bundle costs, beside the load of
//! the same records in the same run.
//!
//! The clock stands at a day after the last consent of the workload, so that what is in force, and what is kept too long,
//! does not depend on the day of the run.

use super::measure::{Cost, cost, cpu, quantile, resident_bytes, thread_cpu};
use super::run::{Book, Figures, load, run_in};
use super::workload::Workload;
use crate::cli::args::Global;
use crate::cli::output;
use crate::pipeline::{Archive, FixedClock, Foresight, InitOptions, Onefold, OpenOptions};
use crate::policy::decision::{Diff, Flip};
use crate::policy::{self, Bundle};
use crate::sources::MixedDecoder;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Records of the load.
    pub records: u64,
    /// Consents that are withdrawn after it.
    pub withdrawals: u64,
    /// Where to work.
    pub work: Option<PathBuf>,
}

const DAY_S: i64 = 86_400;

/// Measures and prints.
pub fn run(global: &Global, plan: &Plan) -> anyhow::Result<u8> {
    run_in(global, plan.work.as_deref(), |folder| measure_all(global, plan, folder))
}

fn measure_all(global: &Global, plan: &Plan, folder: &Path) -> anyhow::Result<Figures> {
    let mut book = Book::new(global.json);
    let (files, data) = (folder.join("sources"), folder.join("data"));
    let summary = Workload::new(plan.records, 0, 1).write(&files)?;
    book.say(&format!(
        "{} records and {} consents of {} people",
        output::count(summary.records),
        output::count(summary.consents),
        output::count(summary.people)
    ))?;
    let consents = Consents::read(&files.join("consents.ndjson"))?;
    let clock = FixedClock(u32::try_from(consents.last.as_second() + DAY_S)?);
    let withdrawals = consents.withdrawals(clock, plan.withdrawals)?;
    drop(consents);
    let options = InitOptions { clock: Box::new(clock), ..InitOptions::default() };
    let (onefold, loaded) = cost(|| load(Bundle::compile(policy::retail())?, &files, &data, options));
    let mut onefold = onefold?;
    let each = loaded.cpu.as_secs_f64() * 1e6 / plan.records as f64;
    book.figure("load_us", "load: files to durable and queryable, CPU µs a record", each)?;
    withdraw(&mut onefold, &withdrawals, &mut book)?;
    drop(onefold);
    let options = || OpenOptions { clock: Box::new(clock), ..OpenOptions::default() };
    foresee(&data, options, &mut book)?;
    let (reopened, opening) = cost(|| Onefold::open(&data, options()));
    book.figure("open_cpu_s", "open the directory for changes, CPU s", opening.cpu.as_secs_f64())?;
    change_policy(&mut reopened?, &loaded, &mut book)?;
    let resident = resident_bytes() as f64 / plan.records as f64;
    book.figure("memory_bytes", "resident memory of the process after all, bytes a record", resident)?;
    Ok(book.figures())
}

/// What this reads of a line of `consents.ndjson`.
#[derive(Deserialize)]
struct Line {
    subject: serde_json::Value,
    purpose: String,
    status: String,
    at: String,
    expires_at: Option<String>,
}

/// The last that was said on each identifier for each purpose.
struct Consents {
    /// In the order in which it was first said.
    order: Vec<(String, String)>,
    said: HashMap<(String, String), (bool, Option<Timestamp>)>,
    /// When the last of all was said.
    last: Timestamp,
}

impl Consents {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let mut consents = Self { order: Vec::new(), said: HashMap::new(), last: Timestamp::UNIX_EPOCH };
        for line in std::fs::read_to_string(file)?.lines() {
            let line: Line = serde_json::from_str(line)?;
            let about = (line.subject.to_string(), line.purpose);
            let until = line.expires_at.map(|until| until.parse()).transpose()?;
            let said = (line.status == "given", until);
            if consents.said.insert(about.clone(), said).is_none() {
                consents.order.push(about);
            }
            consents.last = consents.last.max(line.at.parse()?);
        }
        Ok(consents)
    }

    /// Withdrawals of consents that are in force at this time, spread evenly over all of these, as lines of a mixed stream.
    /// No purpose is withdrawn twice on one identifier.
    fn withdrawals(&self, clock: FixedClock, count: u64) -> anyhow::Result<Vec<String>> {
        let now = Timestamp::from_second(i64::from(clock.0))?;
        let in_force = |about: &&(String, String)| {
            self.said.get(*about).is_some_and(|(given, until)| *given && until.is_none_or(|until| until > now))
        };
        let all: Vec<&(String, String)> = self.order.iter().filter(in_force).collect();
        let count = usize::try_from(count)?.min(all.len());
        let chosen = (0..count).map(|place| all[place * all.len() / count]);
        Ok(chosen
            .zip(1..)
            .map(|((subject, purpose), number)| {
                format!(
                    "{{\"source\":\"consents\",\"event\":{{\"consent_id\":\"withdrawal-{number}\",\"subject\":{subject},\
                     \"purpose\":\"{purpose}\",\"status\":\"withdrawn\",\"at\":\"{now}\"}}}}"
                )
            })
            .collect())
    }
}

/// One withdrawal at a time, from the decoded event to the profile that can be read.
fn withdraw(onefold: &mut Onefold, lines: &[String], book: &mut Book) -> anyhow::Result<()> {
    let mut decoder = MixedDecoder::new(onefold.schema());
    let mut samples: Vec<Duration> = Vec::with_capacity(lines.len());
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);
    onefold.subscribe(move |changes| {
        tell.store(changes.profiles.values().any(|of| !of.purposes.is_empty()), Ordering::Relaxed);
    });
    onefold.set_durable(false);
    let all_before = cpu();
    for text in lines {
        let mut changes = Vec::new();
        decoder.decode(text.as_bytes(), &mut changes)?;
        told.store(false, Ordering::Relaxed);
        let before = thread_cpu();
        for change in &changes {
            onefold.push(change)?;
        }
        onefold.commit()?;
        let spent = thread_cpu().saturating_sub(before);
        // What one costs that changes no permission is not what is asked.
        samples.extend(told.load(Ordering::Relaxed).then_some(spent));
    }
    let all = cpu().saturating_sub(all_before);
    onefold.set_durable(true);
    anyhow::ensure!(samples.len() * 2 > lines.len(), "most withdrawals change what may be done with a profile");
    book.say(&format!(
        "  ({} of {} withdrawals change a profile's permissions; p50 and p99 are of these alone)",
        output::count(samples.len() as u64),
        output::count(lines.len() as u64)
    ))?;
    samples.sort_unstable();
    let us = |share| quantile(&samples, share).as_secs_f64() * 1e6;
    book.figure("withdrawal_p50_us", "one withdrawal, decoded to readable, fsync aside, CPU µs p50", us(0.5))?;
    book.figure("withdrawal_p99_us", "the same, p99 (target ≤ 1,000)", us(0.99))?;
    let mean = all.as_secs_f64() * 1e6 / lines.len().max(1) as f64;
    book.figure("withdrawal_mean_us", "all of them with decoding and background work of the index, mean", mean)
}

/// What a new version of the bundle would change, as `policy diff` finds out.
fn foresee(data: &Path, options: impl Fn() -> OpenOptions, book: &mut Book) -> anyhow::Result<()> {
    let new = next_version()?;
    let (foreseen, spent) = cost(|| -> anyhow::Result<_> {
        let (old, foresight) = Archive::open_at(data, options)?.foresee(new.clone())?;
        Ok((Diff::new(&old, &new), foresight))
    });
    let (diff, foresight) = foreseen?;
    say_flips(&diff, &foresight, book)?;
    let (cpu_s, wall_s) = (spent.cpu.as_secs_f64(), spent.wall.as_secs_f64());
    book.figure("diff_cpu_s", "policy diff on the live data, opening too, CPU s", cpu_s)?;
    book.figure("diff_wall_s", "the same, wall s (at 1,000,000 records: target ≤ 30)", wall_s)
}

/// A new version of the bundle is put in force.
fn change_policy(onefold: &mut Onefold, loaded: &Cost, book: &mut Book) -> anyhow::Result<()> {
    let new = next_version()?;
    let (committed, activation) = cost(|| onefold.activate(new));
    let committed = committed?;
    anyhow::ensure!(committed.profiles > 0, "the new version changes profiles");
    book.say(&format!("  ({} of them change)", output::counted(committed.profiles, "profile", "profiles")))?;
    book.figure("activate_cpu_s", "putting it in force, CPU s", activation.cpu.as_secs_f64())?;
    let ratio = activation.cpu.as_secs_f64() / loaded.cpu.as_secs_f64();
    book.figure("activate_ratio", "putting it in force / load, CPU (target ≤ 1)", ratio)?;
    let ratio = activation.wall.as_secs_f64() / loaded.wall.as_secs_f64();
    book.figure("activate_wall_ratio", "putting it in force / load, wall", ratio)
}

/// How many decisions flip, and how much of the live data that is.
fn say_flips(diff: &Diff, foresight: &Foresight, book: &mut Book) -> anyhow::Result<()> {
    for flip in [Flip::Allows, Flip::Denies] {
        let groups: Vec<_> = diff.groups().iter().filter(|group| group.flip == flip).collect();
        let purposes: HashSet<&str> = groups.iter().map(|group| group.purpose.as_str()).collect();
        let cells: u64 = groups.iter().map(|group| group.cells).sum();
        let heads = groups.iter().map(|group| foresight.heads(&group.purpose, group.category, flip));
        let (profiles, values) =
            heads.fold((0, 0), |(profiles, values), heads| (heads.profiles.max(profiles), heads.values + values));
        anyhow::ensure!(profiles > 0, "some profiles flip from {}", flip.name());
        book.say(&format!(
            "  ({} in {} cells for {}: up to {} and {})",
            flip.name(),
            output::count(cells),
            output::counted(purposes.len() as u64, "purpose", "purposes"),
            output::counted(profiles, "profile", "profiles"),
            output::counted(values, "value", "values"),
        ))?;
    }
    Ok(())
}

/// The next version of the shipped `retail`: counting how the shop is used rests on legitimate interest for adults, and
/// partners get nothing of who lives in the Union.
fn next_version() -> anyhow::Result<Bundle> {
    let mut files = policy::retail();
    let rules = "\n@id(\"shop-usage-counts\")\n@law(\"Art. 6(1)(f) GDPR\")\n\
                 permit (principal == Purpose::\"analytics\", action == Action::\"use\", resource)\n\
                 when { principal.basis == \"legitimate_interest\" && context.age == \"adult\" };\n\n\
                 @id(\"shop-no-partners-in-the-union\")\n@law(\"Art. 24(1) GDPR\")\n\
                 forbid (principal == Purpose::\"sharing_with_partners\", action, resource)\n\
                 when { context.regime == \"eu\" };\n";
    for (name, text) in &mut files {
        match name.as_str() {
            "purposes.toml" => *text = rebased(text, "analytics")?,
            "shop.cedar" => text.push_str(rules),
            _ => {}
        }
    }
    Ok(Bundle::compile(files)?)
}

/// Puts a purpose of a bundle on legitimate interest.
fn rebased(text: &str, purpose: &str) -> anyhow::Result<String> {
    let parts = text.split_once(&format!("name = \"{purpose}\"\n"));
    let Some((before, after)) = parts else { anyhow::bail!("the bundle has no purpose `{purpose}`") };
    let after = after.replacen("basis = \"consent\"", "basis = \"legitimate_interest\"", 1);
    Ok(format!("{before}name = \"{purpose}\"\n{after}"))
}
