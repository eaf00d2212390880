//! `onefold ledger disclose`.

use super::{access_of, one_profile, read_given};
use crate::cli::access;
use crate::cli::args::{Global, OnRequest};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, Grid, counted, line};
use crate::model::Sequence;
use crate::pipeline::{Archive, Head, OpenOptions, Selection, save_new};
use crate::report::disclosure::{ENTRIES_MAX, Included, Package, Packed};
use crate::tlog::note::NOTE_BYTES_MAX;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeSet;
use std::path::Path;

/// Packs entries and says what went in.
pub fn run(
    global: &Global,
    entries: Option<&str>,
    profile: Option<&str>,
    since: Option<&Path>,
    package: &Path,
    on: &OnRequest,
) -> anyhow::Result<u8> {
    if package.exists() {
        let what = format!("`{}` exists already", package.display());
        return Err(Usage::new(what).help("name a new file with -o: packages are not overwritten").into());
    }
    let earlier = since.map(read_checkpoint).transpose()?;
    let listed = entries.map(sequences).transpose()?;
    // Asked for once, also where the directory is opened twice.
    let access = access::access(global)?;
    let reading = access_of(global, None, on);
    let mut archive = Archive::open_with(&global.data, &access)?;
    let select = |archive: &Archive| -> anyhow::Result<Selection> {
        match (&listed, profile) {
            (Some(listed), _) => Ok(Selection::Entries(listed.clone())),
            (None, id) => Ok(Selection::Profile(one_profile(&archive.finder()?, id.unwrap_or_default())?)),
        }
    };
    let bar = ProgressBar::no_length().with_style(ProgressStyle::default_spinner());
    if global.quiet || global.json {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let told = |done: u64| bar.set_message(format!("{} packed", counted(done, "entry", "entries")));
    let mut packed = archive.disclose_as(&reading, &select(&archive)?, earlier.as_deref(), told)?;
    if packed.is_none() {
        // The checkpoint is older than an entry: a new one is signed.
        drop(archive);
        bar.set_message("signing a checkpoint");
        Head::open(&global.data, OpenOptions { access: access.clone(), ..OpenOptions::default() })?.sign()?;
        archive = Archive::open_with(&global.data, &access)?;
        packed = archive.disclose_as(&reading, &select(&archive)?, earlier.as_deref(), told)?;
    }
    bar.finish_and_clear();
    let packed = packed.ok_or(crate::pipeline::Error::Unaccounted { what: "no checkpoint covers the entries" })?;
    save_new(package, &packed.bytes)?;
    if global.json {
        output::json(&json(&packed))?
    } else {
        print(&packed, package, global.quiet)?
    }
    Ok(SUCCESS)
}

/// Reads a checkpoint, whoever signed it.
pub(super) fn read_checkpoint(path: &Path) -> anyhow::Result<Vec<u8>> {
    read_given(path, NOTE_BYTES_MAX as u64 + 1)
}

/// The sequences of a list such as `12,40-45`.
fn sequences(list: &str) -> anyhow::Result<BTreeSet<Sequence>> {
    let wrong = |part: &str| {
        let what = format!("`{}` is no list of entries", output::shown(part));
        Usage::new(what).help("write sequences and ranges, such as 12,40-45")
    };
    let mut all = BTreeSet::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong(part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(wrong(part).into());
        }
        if last - first >= ENTRIES_MAX as u64 || all.len() > ENTRIES_MAX {
            let what = format!("a package has at most {} entries", output::count(ENTRIES_MAX as u64));
            return Err(Usage::new(what).help("make several packages").into());
        }
        all.extend((first..=last).map(Sequence));
    }
    Ok(all)
}

/// How much of an entry went in, in words.
fn how(entry: &Included) -> &'static str {
    match entry.how {
        Packed::Clear if entry.asked => "stands in clear",
        Packed::Clear => "stands in clear; shows the rules of the others",
        Packed::WithKey => "with its key",
        Packed::WithoutKey => "WITHOUT a key: about an erased record",
        Packed::Redacted => "hashes alone: about an erased record, its ciphertext is deleted",
    }
}

fn print(packed: &Package, path: &Path, quiet: bool) -> anyhow::Result<()> {
    let entries = counted(packed.entries.len() as u64, "entry", "entries");
    line(format!("Wrote {} ({}): {entries}.", path.display(), output::bytes(packed.bytes.len() as u64)))?;
    if quiet {
        return Ok(());
    }
    let mut table = Grid::new(&["entry!", "written (UTC)!", "kind!", "in the package"]);
    for entry in &packed.entries {
        let time = output::time_in_table(Some(i64::from(entry.time_s) * 1_000_000));
        table.row([&format!("#{}", entry.sequence), &time, entry.kind.name(), how(entry)]);
    }
    table.print(0)?;
    line(format!("\nProved under the checkpoint over the first {}.", counted(packed.size, "entry", "entries")))?;
    let erased = packed.entries.iter().filter(|e| matches!(e.how, Packed::WithoutKey | Packed::Redacted)).count();
    if erased > 0 {
        let entries = counted(erased as u64, "entry is", "entries are");
        line(format!("{entries} about erased records: that they stand there is proved, nobody can read them."))?;
    }
    line("Whoever has the package can read these entries. Its reader needs this key by another way:")?;
    packed.vkeys.iter().take(1).try_for_each(|key| line(format!("  {key}")))
}

fn json(packed: &Package) -> serde_json::Value {
    let entry = |entry: &Included| {
        let how = match entry.how {
            Packed::Clear => "clear",
            Packed::WithKey => "key",
            Packed::WithoutKey => "no key",
            Packed::Redacted => "redacted",
        };
        serde_json::json!({
            "sequence": entry.sequence.0, "kind": entry.kind.name(), "time_s": entry.time_s, "with": how,
            "asked": entry.asked,
        })
    };
    serde_json::json!({
        "size_bytes": packed.bytes.len(), "checkpoint_size": packed.size,
        "vkeys": packed.vkeys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "entries": packed.entries.iter().map(entry).collect::<Vec<_>>(),
    })
}
