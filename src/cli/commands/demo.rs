//! `onefold demo`: the whole way of a change on a small invented shop, step by step.
//!
//! It plays on a day of its data. Told by today's clock, consents would have ended and purposes run out of retention, a few
//! more of them each month.

mod asked;
mod governed;

use super::explain;
use super::profile;
use super::why;
use crate::cli::args::Global;
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, line};
use crate::encoding::hex;
use crate::ledger;
use crate::model::{AttributeId, Epoch, ProfileId};
use crate::pipeline::{Access, FixedClock, InitOptions, Input, Onefold};
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
/// The attribute whose value is explained: records of three systems have it.
const EXPLAINED: &str = "city";
/// The time of the story: 2025-01-03T09:00:00Z, in the morning after its last change.
const NOW: FixedClock = FixedClock(1_735_894_800);
/// Width of headings.
const HEADING_CHARS: usize = 90;

/// Runs the demo.
pub fn run(global: &Global, keep: Option<&Path>) -> anyhow::Result<u8> {
    let started = Instant::now();
    let scratch = Scratch::new(keep)?;
    let data = scratch.folder.join("data");
    let files = scratch.unpack()?;
    let mut onefold = load(&data, &files)?;
    stream(&mut onefold, &files)?;
    show(&onefold)?;
    tell(&mut onefold)?;
    governed::compare(&onefold)?;
    drop(onefold);
    asked::access(&data, &scratch.folder)?;
    asked::erasure(&data, &scratch.folder)?;
    prove(&data, &scratch.folder)?;
    line(format!("\nDone in {:.1} s.", started.elapsed().as_secs_f64()))?;
    if global.quiet {
        return Ok(SUCCESS);
    }
    if scratch.kept {
        let data = data.display();
        line("Everything is kept. Look around:")?;
        line(format!("  onefold profile --data {data} {CONSENTING}"))?;
        line(format!("  onefold ledger show --data {data}"))?;
    } else {
        line("Keep the data with `onefold demo --keep DIR`, or begin your own with `onefold init --help`.")?;
    }
    Ok(SUCCESS)
}

/// A heading as wide as the text below it, then what is shown and why it matters.
fn heading(number: u8, title: &str, why: &str) -> anyhow::Result<()> {
    let title = format!("── {number}. {title} ");
    line(format!("\n{title}{}", "─".repeat(HEADING_CHARS.saturating_sub(title.chars().count()))))?;
    line(format!("{why}\n"))
}

/// Makes a data directory and loads the nine files into it.
fn load(data: &Path, files: &Path) -> anyhow::Result<Onefold> {
    heading(
        1,
        "Eight systems become one set of profiles",
        "A CRM, a shop, a help desk, web and app events, a newsletter, social accounts and firms,\n\
         and the consents that people gave. All of it is invented, and plays on 3 January 2025.",
    )?;
    let bundle = Bundle::compile(policy::retail())?;
    let mut onefold = Onefold::init(data, bundle, InitOptions { clock: Box::new(NOW), ..InitOptions::default() })?;
    let mut inputs = Vec::new();
    for (name, _) in SOURCES {
        let source = recognise(onefold.schema(), name).map_err(|error| anyhow::anyhow!("{error}"))?;
        inputs.push(Input::File(files.join(name), Some(source)));
    }
    let done = onefold.ingest(inputs, &AtomicBool::new(false), &mut |_| {})?;
    line(format!(
        "{} taken, {} refused; {} make {}.",
        output::counted(done.taken, "record or consent", "records and consents"),
        output::count(done.quarantined),
        output::counted(done.merges, "merge", "merges"),
        profiles(&onefold)?
    ))?;
    Ok(onefold)
}

fn profiles(onefold: &Onefold) -> anyhow::Result<String> {
    Ok(output::counted(onefold.finder()?.profiles().count() as u64, "profile", "profiles"))
}

/// Streams the later changes.
fn stream(onefold: &mut Onefold, files: &Path) -> anyhow::Result<()> {
    heading(
        2,
        "Changes stream in",
        "Inserts, updates and deletes of all systems in one stream. The profiles are kept right as\n\
         they come: nothing is computed anew that did not change, and nothing counts twice.",
    )?;
    let changes = || vec![Input::File(files.join("changes.ndjson"), None)];
    let done = onefold.ingest(changes(), &AtomicBool::new(false), &mut |_| {})?;
    line(format!(
        "{} taken: {}, {}; now {}.",
        output::counted(done.taken, "change", "changes"),
        output::counted(done.merges, "merge", "merges"),
        output::counted(done.unmerges, "un-merge", "un-merges"),
        profiles(onefold)?
    ))?;
    let again = onefold.ingest(changes(), &AtomicBool::new(false), &mut |_| {})?;
    line(format!("The same file once more: {} taken.", output::counted(again.taken, "change", "changes")))
}

/// Shows a profile, where a value of it comes from, and why two of its records are one person.
fn show(onefold: &Onefold) -> anyhow::Result<()> {
    heading(
        3,
        "One person",
        "What is known of a customer, from which record and time, and in which ledger entry it was\n\
         chosen. Without a consent, every use is denied.",
    )?;
    let reader = onefold.read_as(&Access::inspection("demo"))?;
    let root = *reader.profiles_of(CONSENTING)?.first().context("the demo's profile is missing")?;
    let view = reader.profile(root, None)?;
    profile::print(&view, None)?;
    heading(
        4,
        "Where does a value come from?",
        "The record that won, the rule it won by, what it won against, and the ledger entries that\nprove it.",
    )?;
    let attribute: Option<AttributeId> = onefold.schema().attribute(EXPLAINED);
    for explanation in reader.explain(root, attribute)? {
        explain::print(&explanation)?;
    }
    heading(
        5,
        "Why are these records one person?",
        "The chain of identifiers that leads from the first record of the profile to the last.",
    )?;
    if let (Some(first), Some(last)) = (view.members.first(), view.members.last()) {
        let (first, last) = (super::record_name(&first.record), super::record_name(&last.record));
        if let Some(evidence) = reader.why(reader.record(&first)?, reader.record(&last)?)? {
            line(format!("{first} and {last}:"))?;
            why::print(&evidence)?;
        }
    }
    Ok(())
}

/// Applies the four changes of the story one by one.
fn tell(onefold: &mut Onefold) -> anyhow::Result<()> {
    let (_, story) = STREAMS[1];
    let mut lines = story.lines();
    heading(
        6,
        "A new record merges two profiles, and its deletion parts them",
        "Sophie is two profiles: one under her e-mail address, one under her account. A CRM record\n\
         that carries both arrives, and is deleted again.",
    )?;
    line(format!("  before: {}", whereabouts(onefold)?))?;
    let epoch = apply(onefold, lines.next())?;
    line(format!("  epoch {epoch}, crm:crm-9001 is inserted: {}", whereabouts(onefold)?))?;
    let reader = onefold.read_as(&Access::inspection("demo"))?;
    if let Some(evidence) = reader.why(reader.record(ONE)?, reader.record(OTHER)?)? {
        line("")?;
        why::print(&evidence)?;
        line("")?;
    }
    let epoch = apply(onefold, lines.next())?;
    line(format!("  epoch {epoch}, crm:crm-9001 is deleted: {}", whereabouts(onefold)?))?;
    heading(
        7,
        "A consent is given, and withdrawn",
        "The person of step 3 agrees to marketing by her e-mail address, and changes her mind an hour\n\
         later. Either holds from the epoch that it arrives in, for all of her records.",
    )?;
    permission(onefold, "before")?;
    let epoch = apply(onefold, lines.next())?;
    permission(onefold, &format!("epoch {epoch}, consent given"))?;
    let epoch = apply(onefold, lines.next())?;
    permission(onefold, &format!("epoch {epoch}, consent withdrawn"))?;
    governed::cite(onefold)
}

/// Applies one line of a mixed stream as an epoch of its own.
fn apply(onefold: &mut Onefold, text: Option<&str>) -> anyhow::Result<Epoch> {
    let mut changes = Vec::new();
    MixedDecoder::new(onefold.schema()).decode(text.unwrap_or_default().as_bytes(), &mut changes)?;
    for change in &changes {
        onefold.push(change)?;
    }
    Ok(onefold.commit()?.context("the story's change changes nothing")?.epoch)
}

/// Says in which profiles the two are.
fn whereabouts(onefold: &Onefold) -> anyhow::Result<String> {
    let (one, other) = (id(onefold, ONE)?, id(onefold, OTHER)?);
    if one == other {
        return Ok(format!("they are one profile\n    {ONE} and {OTHER} in {one}"));
    }
    Ok(format!("they are two profiles\n    {ONE} in {one}\n    {OTHER} in {other}"))
}

/// The id of the profile that a record is in.
fn id(onefold: &Onefold, record: &str) -> anyhow::Result<ProfileId> {
    let reader = onefold.read_as(&Access::inspection("demo"))?;
    let root = *reader.profiles_of(record)?.first().context("the record has no profile")?;
    Ok(reader.id(root)?)
}

/// Says whether the consenting person may be marketed to.
fn permission(onefold: &Onefold, when: &str) -> anyhow::Result<()> {
    let reader = onefold.read_as(&Access::inspection("demo"))?;
    let root = *reader.profiles_of(CONSENTING)?.first().context("the demo's profile is missing")?;
    let marketing = onefold.schema().purpose("marketing").context("the bundle has no purpose `marketing`")?;
    let view = reader.permission(root, marketing)?;
    let word = if view.allowed { "allowed" } else { "denied" };
    line(format!("  {when}: marketing is {word}"))?;
    output::wrapped_at(&format!("    {}", profile::reason(&view)), 4, HEADING_CHARS)
}

/// Verifies the ledger, then a copy of it in which one bit is flipped.
fn prove(data: &Path, scratch: &Path) -> anyhow::Result<()> {
    heading(
        11,
        "Is the record of all this intact?",
        "Anyone can check, without keys: each entry's hash covers the entry before it, and each epoch\n\
         ends with the Merkle root of everything up to it.",
    )?;
    let report = ledger::verify(&data.join("ledger"), &[], |_| {})?;
    let entries = output::counted(report.entries, "entry", "entries");
    line(format!("Intact: {entries}, Merkle root\n  {}", hex::encode(&report.root)))?;
    let copy = scratch.join("tampered").join("ledger");
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
    match ledger::verify(&copy, &[], |_| {}) {
        Ok(_) => anyhow::bail!("a flipped bit was not noticed"),
        Err(error) => {
            let (size, place) = (output::bytes(size), output::count(place as u64));
            line(format!("Caught: a copy in which one bit of {size} was flipped, at byte {place}:"))?;
            output::wrapped_at(&format!("  {error}"), 2, HEADING_CHARS)
        }
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
        if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
            let what = format!("`{}` is not empty", folder.display());
            return Err(Usage::new(what).help("name a new folder with --keep DIR").into());
        }
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
