//! `onefold demo`: the whole way of a change on a small invented shop, step by step.

use super::explain;
use super::profile;
use super::why;
use crate::cli::args::Global;
use crate::cli::failure::SUCCESS;
use crate::cli::output::{self, line};
use crate::encoding::hex;
use crate::ledger;
use crate::model::{AttributeId, ProfileId};
use crate::pipeline::{Committed, InitOptions, Input, Onefold};
use crate::policy::{self, Bundle, recognise};
use crate::sources::MixedDecoder;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

macro_rules! embedded {
    ($($name:literal),*) => { [$(($name, include_str!(concat!("../../../examples/retail/", $name)))),*] };
}

/// The sources as their systems deliver them.
const SOURCES: [(&str, &str); 9] = embedded!(
    "crm.ndjson",
    "shop.ndjson",
    "support.ndjson",
    "web.ndjson",
    "app.ndjson",
    "newsletter.csv",
    "social.csv",
    "firms.csv",
    "consents.ndjson"
);
/// Later changes of all of them, and the four that the demo shows one by one.
const STREAMS: [(&str, &str); 2] = embedded!("changes.ndjson", "story.ndjson");

/// Two profiles that the story joins and parts, and one whose consent it changes.
const ONE: &str = "newsletter:sub-139";
const OTHER: &str = "web:web-117";
const CONSENTING: &str = "crm:crm-615";

/// Runs the demo.
pub fn run(_: &Global, keep: Option<&Path>) -> anyhow::Result<u8> {
    let started = Instant::now();
    let scratch = Scratch::new(keep)?;
    let data = scratch.folder.join("data");
    let files = scratch.unpack()?;
    let mut onefold = load(&data, &files)?;
    stream(&mut onefold, &files)?;
    show(&onefold)?;
    tell(&mut onefold)?;
    drop(onefold);
    prove(&data, &scratch.folder)?;
    line(format!("\nDone in {:.1} s.", started.elapsed().as_secs_f64()))?;
    if scratch.kept {
        let data = data.display();
        line(format!("The data is in {data}. Look around:\n  onefold profile --data {data} {CONSENTING}"))?;
    } else {
        line("Keep the data with `onefold demo --keep DIR`, or begin your own with `onefold init --help`.")?;
    }
    Ok(SUCCESS)
}

fn heading(text: &str) -> anyhow::Result<()> {
    line(format!("\n── {text} {}", "─".repeat(90usize.saturating_sub(text.chars().count()))))
}

/// Makes a data directory and loads the nine files into it.
fn load(data: &Path, files: &Path) -> anyhow::Result<Onefold> {
    heading("Eight systems and their consents become profiles")?;
    let bundle = Bundle::compile(policy::retail())?;
    let mut onefold = Onefold::init(data, bundle, InitOptions::default())?;
    let mut inputs = Vec::new();
    for (name, _) in SOURCES {
        let source = recognise(onefold.schema(), name).map_err(|error| anyhow::anyhow!("{error}"))?;
        inputs.push(Input::File(files.join(name), Some(source)));
    }
    let done = onefold.ingest(inputs, &AtomicBool::new(false), &mut |_| {})?;
    let profiles = onefold.reader()?.profiles().count();
    line(format!(
        "{} records and consents taken, {} in quarantine; {} merges make {} profiles.",
        output::count(done.taken),
        output::count(done.quarantined),
        output::count(done.merges),
        output::count(profiles as u64)
    ))?;
    Ok(onefold)
}

/// Streams the later changes.
fn stream(onefold: &mut Onefold, files: &Path) -> anyhow::Result<()> {
    let changes = Input::File(files.join("changes.ndjson"), None);
    let done = onefold.ingest(vec![changes], &AtomicBool::new(false), &mut |_| {})?;
    line(format!(
        "300 later changes streamed in: {} taken, {} merges, {} un-merges. Ingesting them again:",
        done.taken, done.merges, done.unmerges
    ))?;
    let changes = Input::File(files.join("changes.ndjson"), None);
    let again = onefold.ingest(vec![changes], &AtomicBool::new(false), &mut |_| {})?;
    line(format!("{} taken, {} files with nothing new.", again.taken, again.files_known))
}

/// Shows a profile, where a value of it comes from, and why two of its records are one person.
fn show(onefold: &Onefold) -> anyhow::Result<()> {
    heading("One person")?;
    let reader = onefold.reader()?;
    let root = *reader.profiles_of(CONSENTING)?.first().context("the demo's profile is missing")?;
    let view = reader.profile(root, None)?;
    profile::print(&view, None)?;
    heading("Where does a value come from?")?;
    let phone: Option<AttributeId> = onefold.schema().attribute("phone");
    for explanation in reader.explain(root, phone)? {
        explain::print(&explanation)?;
    }
    heading("Why are these records one person?")?;
    if let (Some(first), Some(last)) = (view.members.first(), view.members.last()) {
        let name = |member: &crate::pipeline::MemberView| format!("{}:{}", member.record.source, member.record.key);
        if let Some(evidence) = reader.why(reader.record(&name(first))?, reader.record(&name(last))?)? {
            why::print(&evidence)?;
        }
    }
    Ok(())
}

/// Applies the four changes of the story one by one.
fn tell(onefold: &mut Onefold) -> anyhow::Result<()> {
    let (_, story) = STREAMS[1];
    let mut lines = story.lines();
    heading("A new record merges two profiles")?;
    line(format!("Before: {ONE} is in {}, {OTHER} in {}.", id(onefold, ONE)?, id(onefold, OTHER)?))?;
    apply(onefold, lines.next())?;
    line(format!(
        "After crm:crm-9001 came with the e-mail of one and the account of the other: both in {}.",
        id(onefold, ONE)?
    ))?;
    let reader = onefold.reader()?;
    if let Some(evidence) = reader.why(reader.record(ONE)?, reader.record(OTHER)?)? {
        why::print(&evidence)?;
    }

    heading("That record is deleted: they come apart")?;
    apply(onefold, lines.next())?;
    line(format!("{ONE} is in {}, {OTHER} in {} again.", id(onefold, ONE)?, id(onefold, OTHER)?))?;
    heading("A consent is given, and withdrawn")?;
    for _ in 0..2 {
        permission(onefold)?;
        apply(onefold, lines.next())?;
    }
    permission(onefold)
}

/// Applies one line of a mixed stream as an epoch of its own.
fn apply(onefold: &mut Onefold, text: Option<&str>) -> anyhow::Result<Committed> {
    let mut changes = Vec::new();
    MixedDecoder::new(onefold.schema()).decode(text.unwrap_or_default().as_bytes(), &mut changes)?;
    for change in &changes {
        onefold.push(change)?;
    }
    let committed = onefold.commit()?.context("the story's change changes nothing")?;
    line(format!(
        "  epoch {}: {} merges, {} un-merges, {} profiles changed",
        committed.epoch, committed.merges, committed.unmerges, committed.profiles
    ))?;
    Ok(committed)
}

/// The id of the profile that a record is in.
fn id(onefold: &Onefold, record: &str) -> anyhow::Result<ProfileId> {
    let reader = onefold.reader()?;
    let root = *reader.profiles_of(record)?.first().context("the record has no profile")?;
    Ok(reader.id(root)?)
}

/// Says whether the consenting person may be marketed to.
fn permission(onefold: &Onefold) -> anyhow::Result<()> {
    let reader = onefold.reader()?;
    let root = *reader.profiles_of(CONSENTING)?.first().context("the demo's profile is missing")?;
    let view = reader.profile(root, None)?;
    let marketing = view.permissions.iter().find(|permission| permission.purpose == "marketing");
    let marketing = marketing.context("the bundle has no purpose `marketing`")?;
    let word = if marketing.allowed { "allowed" } else { "denied" };
    let entry = marketing.decision.map_or_else(String::new, |entry| format!(" (ledger entry #{entry})"));
    line(format!("Marketing to {CONSENTING} is {word}: {}{entry}.", marketing.why))
}

/// Verifies the ledger, then a copy of it in which one bit is flipped.
fn prove(data: &Path, scratch: &Path) -> anyhow::Result<()> {
    heading("Is the record of all this intact? No key is needed to know")?;
    let report = ledger::verify(&data.join("ledger"), |_| {})?;
    line(format!("Intact: {} entries, root {}.", output::count(report.entries), hex::encode(&report.root)))?;
    let copy = scratch.join("tampered");
    std::fs::create_dir_all(&copy)?;
    let mut largest: Option<(u64, PathBuf)> = None;
    for entry in std::fs::read_dir(data.join("ledger"))? {
        let entry = entry?;
        let to = copy.join(entry.file_name());
        let size = std::fs::copy(entry.path(), &to)?;
        if largest.as_ref().is_none_or(|(most, _)| size > *most) {
            largest = Some((size, to));
        }
    }
    let (size, victim) = largest.context("the ledger has no segment")?;
    let mut bytes = std::fs::read(&victim)?;
    let place = usize::try_from(size / 2)?;
    bytes[place] ^= 1;
    std::fs::write(&victim, bytes)?;
    match ledger::verify(&copy, |_| {}) {
        Ok(_) => anyhow::bail!("a flipped bit was not noticed"),
        Err(error) => line(format!("A copy with one bit flipped at byte {place}: {error}.")),
    }
}

/// A folder for the demo's files, removed at the end unless it is to be kept.
struct Scratch {
    folder: PathBuf,
    kept: bool,
}

impl Scratch {
    fn new(keep: Option<&Path>) -> anyhow::Result<Self> {
        let folder = match keep {
            Some(folder) => folder.to_owned(),
            None => std::env::temp_dir().join(format!("onefold-demo-{}", std::process::id())),
        };
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        Ok(Self { folder, kept: keep.is_some() })
    }

    /// Writes the embedded files out and says where.
    fn unpack(&self) -> anyhow::Result<PathBuf> {
        let files = self.folder.join("sources");
        std::fs::create_dir_all(&files)?;
        for (name, text) in SOURCES.iter().chain(&STREAMS) {
            std::fs::write(files.join(name), text)?;
        }
        Ok(files)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is left to the system's cleaning of its temporary folder.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
