//! `onefold ledger verify`: what a ledger shows to whoever has no keys, and what it does not.

use super::super::progress;
use crate::cli::args::{Global, Verify};
use crate::cli::failure::{SUCCESS, Unproven};
use crate::cli::output::{self, counted, line};
use crate::encoding::hex;
use crate::ledger::{self, Expected, Report};
use crate::pipeline::{ReadsAfter, VerifiedReads, verify_reads};
use crate::tlog::{Checkpoint, KeyKind, SignedNote, VerifierKey};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A checkpoint that the ledger is held against.
struct Held {
    path: PathBuf,
    /// Whether it lies beside the ledger, where whoever changes one can change the other.
    is_own: bool,
    /// Whether it is the one that was verified last time.
    is_since: bool,
    note: SignedNote,
    checkpoint: Checkpoint,
}

/// What was found.
struct Found {
    report: Report,
    held: Vec<Held>,
    /// Whether the key by which the checkpoints were checked came from outside.
    key_is_known: bool,
    /// The months of the chain of reads beside it.
    reads: Vec<VerifiedReads>,
}

/// Verifies the ledger.
pub fn run(global: &Global, options: &Verify) -> anyhow::Result<u8> {
    let folder = super::folder(global)?;
    let found = verify(global, &folder, options);
    if let (Err(error), true) = (&found, global.json) {
        output::json(&json!({ "intact": false, "problem": error.to_string() }))?;
    }
    let found = found?;
    if global.json {
        output::json(&to_json(&found))?;
    } else {
        print(&found)?;
    }
    Ok(SUCCESS)
}

fn verify(global: &Global, folder: &Path, options: &Verify) -> anyhow::Result<Found> {
    let key = options.key.as_deref().map(super::verifier_key).transpose()?;
    let held = held(folder, options)?;
    let expected: Vec<Expected> =
        held.iter().map(|held| Expected { size: held.checkpoint.size(), root: *held.checkpoint.root() }).collect();
    let bar = progress(global);
    let report = ledger::verify(folder, &expected, |bytes| {
        bar.set_message(format!("{} verified", output::bytes(bytes)));
    });
    bar.finish_and_clear();
    let report = report.map_err(|error| blame(error, &held))?;
    check_signatures(&report, &held, key.as_ref())?;
    let reads = verify_reads(&global.data, report.ledger)?;
    Ok(Found { report, held, key_is_known: key.is_some(), reads })
}

/// The checkpoint beside the ledger, where there is one, and those that were kept elsewhere.
fn held(folder: &Path, options: &Verify) -> anyhow::Result<Vec<Held>> {
    let mut held = Vec::new();
    let mut take = |path: &Path, is_own: bool, is_since: bool| -> anyhow::Result<()> {
        let (note, checkpoint) = super::read_checkpoint(path)?;
        held.push(Held { path: path.to_owned(), is_own, is_since, note, checkpoint });
        Ok(())
    };
    if let Some(bytes) = ledger::read_checkpoint(folder)? {
        let path = folder.join("checkpoint");
        // That it does not even read is not the fault of whoever asks.
        let read = SignedNote::parse(&bytes).and_then(|note| Checkpoint::parse(note.text().as_bytes()));
        read.map_err(|error| Unproven::new(format!("the ledger's own checkpoint does not read: {error}")))?;
        take(&path, true, false)?;
    }
    for path in &options.checkpoint {
        take(path, false, false)?;
    }
    if let Some(path) = &options.since {
        take(path, false, true)?;
    }
    Ok(held)
}

/// Says of a ledger that is not the one of a checkpoint which checkpoint that is.
fn blame(error: ledger::Error, held: &[Held]) -> anyhow::Error {
    let (ledger::Error::OtherRoot { size, .. } | ledger::Error::UnderCheckpoint { signed: size, .. }) = &error else {
        return error.into();
    };
    let size = *size;
    let Some(one) = held.iter().rev().find(|held| held.checkpoint.size() == size) else { return error.into() };
    let whose = if one.is_own { "its own checkpoint".to_owned() } else { format!("`{}`", one.path.display()) };
    let what = match &error {
        ledger::Error::UnderCheckpoint { size: found, .. } => format!(
            "the ledger was cut back: {whose} was signed over {}, and {} left",
            counted(size, "entry", "entries"),
            counted(*found, "whole entry is", "whole entries are"),
        ),
        _ => format!("the ledger was rewritten: its first {} are not those that {whose} was signed over", {
            counted(size, "entry", "entries")
        }),
    };
    Unproven::new(what).into()
}

/// Whether every checkpoint is signed by the key that was in force, and that key is the one that is known.
fn check_signatures(report: &Report, held: &[Held], known: Option<&VerifierKey>) -> anyhow::Result<()> {
    let origin = ledger::origin(report.ledger);
    if let Some(known) = known {
        let is_one = report.keys.iter().any(|(_, key)| key == known.key());
        if known.kind() != KeyKind::Ed25519 || known.name() != origin || !is_one {
            let what = "the given key is none that this ledger was ever signed by: it is another ledger, or one that was \
                        written anew and signed by somebody else";
            return Err(Unproven::new(what).into());
        }
        if held.is_empty() {
            let what = "the ledger has no checkpoint, so that nothing in it is signed by the given key";
            return Err(Unproven::new(what).into());
        }
    }
    for one in held {
        let refuse = |why: String| Unproven::new(format!("checkpoint `{}`: {why}", one.path.display()));
        if one.checkpoint.origin() != origin {
            return Err(refuse(format!("it is one of `{}`, and this is `{origin}`", one.checkpoint.origin())).into());
        }
        let Some(key) = report.key_at(one.checkpoint.size()) else {
            return Err(refuse("the ledger names no key that could have signed it".to_owned()).into());
        };
        let key = VerifierKey::new(&origin, KeyKind::Ed25519, key)?;
        let signed = one.note.verify(std::slice::from_ref(&key));
        signed.map_err(|error| refuse(format!("it is not signed by the key in force: {error}")))?;
    }
    Ok(())
}

/// What was proved, and what was not for want of something.
fn account(found: &Found) -> (Vec<String>, Vec<String>) {
    let report = &found.report;
    let mut proved = vec!["every frame, the chain of hashes, the Merkle root of every commit".to_owned()];
    if report.redacted > 0 {
        proved.push("that every deleted ciphertext is listed by the ledger".to_owned());
    }
    let signed = found.held.iter().map(|held| held.checkpoint.size()).max();
    let entries = |count| counted(count, "entry", "entries");
    for held in &found.held {
        let size = held.checkpoint.size();
        proved.push(match (held.is_own, held.is_since) {
            (true, _) => format!("its own checkpoint, over {}, and its signature", entries(size)),
            (_, true) => format!(
                "that the {} of `{}` are unchanged; {} since",
                entries(size),
                held.path.display(),
                counted(report.entries - size, "entry came", "entries came")
            ),
            _ => format!("checkpoint `{}`, over {}, and its signature", held.path.display(), entries(size)),
        });
    }
    if let (Some(first), Some(last)) = (found.reads.first(), found.reads.last()) {
        let reads = found.reads.iter().map(|month| month.reads).sum();
        let entries = counted(reads, "entry", "entries");
        proved.push(format!("the chain of reads from {} to {}, with {entries} of reads", first.month, last.month));
    }
    let kept = found.held.iter().filter(|held| !held.is_own).map(|held| held.checkpoint.size()).max();
    let outside = kept.is_some();
    let mut open = Vec::new();
    if found.key_is_known {
        proved.push("that it is signed by the given key, or by one that followed from it or led to it".to_owned());
    } else if !outside {
        open.push(
            "that nobody wrote it anew and signed it with a key of his own: give the key that you know with --key, or a \
             checkpoint that was kept elsewhere with --checkpoint"
                .to_owned(),
        );
    }
    if let Some(kept) = kept.filter(|kept| *kept < report.entries) {
        open.push(format!(
            "that nothing was cut off behind the first {}: a later checkpoint that was kept elsewhere would show it",
            entries(kept)
        ));
    } else if !outside {
        open.push(
            "that it was not cut back to an earlier state: give the latest checkpoint that was kept elsewhere with \
             --checkpoint or --since"
                .to_owned(),
        );
    }
    if let Some(first) = found.reads.first().filter(|month| month.after == ReadsAfter::Deleted) {
        open.push(format!("what was read before {}, of which the record is deleted", first.month));
    }
    if !found.reads.is_empty() {
        open.push("that the end of the chain of reads was not cut off: it is not signed".to_owned());
    }
    match signed {
        None => open.push("anything by signature: it has no checkpoint".to_owned()),
        Some(size) if size < report.entries => open.push(format!(
            "by signature, the last {}, which came after the checkpoint",
            entries(report.entries - size)
        )),
        Some(_) => {}
    }
    (proved, open)
}

/// The key that signs now, for whoever is to keep it.
fn signing_key(report: &Report) -> Option<String> {
    let (_, key) = report.keys.last()?;
    VerifierKey::new(&ledger::origin(report.ledger), KeyKind::Ed25519, *key).ok().map(|key| key.to_string())
}

/// Writes a report for people.
fn print(found: &Found) -> anyhow::Result<()> {
    let report = &found.report;
    line(format!(
        "The ledger is intact: {} in {} ({}), {}.",
        counted(report.entries, "entry", "entries"),
        output::bytes(report.size_bytes),
        counted(u64::from(report.segments), "segment", "segments"),
        counted(report.epoch.0, "epoch", "epochs")
    ))?;
    line(format!(
        "ledger  {}\nhead    {}\nroot    {}",
        report.ledger,
        hex::encode(&report.head),
        hex::encode(&report.root)
    ))?;
    line(format!("bundle  {}", hex::encode(&report.policy)))?;
    if let Some(key) = signing_key(report) {
        line(format!("signed  {key}"))?;
    }
    let counts = report.kinds.iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(kind, count)| format!("{} {kind}", output::count(*count))).collect();
    output::wrapped(&format!("kinds   {}", counts.join(", ")), 8)?;
    if report.erasures > 0 {
        line(format!(
            "erased  {}; the ciphertexts of {} are deleted",
            counted(report.erasures, "erasure entry", "erasure entries"),
            counted(report.redacted, "entry", "entries")
        ))?;
    }
    if report.uncommitted > 0 {
        let entries = counted(report.uncommitted, "entry stands", "entries stand");
        line(format!("{entries} after the last commit: received or written when it was opened, not yet resolved."))?;
    }
    let (proved, open) = account(found);
    line("Proved:")?;
    proved.iter().try_for_each(|text| output::wrapped(&format!("  - {text}"), 4))?;
    if !open.is_empty() {
        line("Not proved:")?;
        open.iter().try_for_each(|text| output::wrapped(&format!("  - {text}"), 4))?;
    }
    Ok(())
}

fn to_json(found: &Found) -> Value {
    let report = &found.report;
    let kinds: serde_json::Map<String, Value> =
        report.kinds.iter().map(|(kind, count)| (kind.to_string(), (*count).into())).collect();
    let checkpoints: Vec<Value> = found
        .held
        .iter()
        .map(|held| {
            json!({
                "file": held.path.display().to_string(), "own": held.is_own, "since": held.is_since,
                "size": held.checkpoint.size(), "root": hex::encode(held.checkpoint.root()),
                "signatures": held.note.signatures().len(),
            })
        })
        .collect();
    let (proved, open) = account(found);
    json!({
        "intact": true, "ledger": report.ledger.to_string(), "entries": report.entries, "size_bytes": report.size_bytes,
        "segments": report.segments, "epoch": report.epoch.0, "head": hex::encode(&report.head),
        "root": hex::encode(&report.root), "bundle": hex::encode(&report.policy), "kinds": kinds,
        "uncommitted": report.uncommitted, "erasures": report.erasures, "redacted": report.redacted,
        "signing_key": signing_key(report), "checkpoints": checkpoints, "reads": found.reads, "proved": proved, "not_proved": open,
    })
}
