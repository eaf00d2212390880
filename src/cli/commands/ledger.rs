//! `onefold ledger`.

mod audit;
mod checkpoint;
mod prove;
mod reads;
mod verify;

pub use checkpoint::NotSent;

use super::{describe, disclose, progress, read_given};
use crate::cli::access;
use crate::cli::args::{Global, LedgerCommand, OnRequest};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, counted, line};
use crate::pipeline::{Error, Onefold};
use crate::tlog::{Checkpoint, SignedNote, VerifierKey};
use std::path::{Path, PathBuf};

/// More than any checkpoint or key has.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Checks, signs, proves and shows.
pub fn run(global: &Global, command: &LedgerCommand) -> anyhow::Result<u8> {
    match command {
        LedgerCommand::Verify(options) => verify::run(global, options),
        LedgerCommand::Show { from, count, on } => show(global, *from, *count, on),
        LedgerCommand::Reads { command } => reads::run(global, command),
        LedgerCommand::Checkpoint(options) => checkpoint::run(global, options),
        LedgerCommand::Prove(options) => prove::run(global, options),
        LedgerCommand::Audit => audit::run(global),
        LedgerCommand::Redact { all } => redact(global, *all),
        LedgerCommand::Disclose { entries, profile, since, output, on } => {
            disclose::run(global, entries.as_deref(), profile.as_deref(), since.as_deref(), output, on)
        }
    }
}

/// The folder of the ledger, of a data directory or of a copy that has nothing else.
fn folder(global: &Global) -> anyhow::Result<PathBuf> {
    let folder = global.data.join("ledger");
    if !folder.exists() && !global.data.join("keys").exists() {
        return Err(Error::NotInitialised { path: global.data.clone() }.into());
    }
    Ok(folder)
}

/// Shows entries in clear.
fn show(global: &Global, from: u64, count: u64, on: &OnRequest) -> anyhow::Result<u8> {
    let archive = super::open(global)?;
    let reader = archive.read_as(&super::access_of(global, None, on))?;
    let (shown, wordings) = reader.entries_worded(from, count)?;
    if global.json {
        let values = shown.iter().map(|entry| describe::json(&reader, wordings.of(entry), entry)).collect::<Vec<_>>();
        output::json(&values)?;
    } else {
        for entry in &shown {
            output::wrapped(&describe::text(&reader, wordings.of(entry), entry), describe::INDENT)?;
        }
        if shown.is_empty() && count > 0 {
            eprintln!("note: the ledger ends before entry #{from}");
        }
    }
    Ok(SUCCESS)
}

/// Deletes ciphertexts of erased records.
fn redact(global: &Global, all: bool) -> anyhow::Result<u8> {
    let opening = access::open_options(global)?;
    let bar = progress(global);
    bar.set_message("opening");
    let redacted = Onefold::redact(&global.data, opening, all, |done, segments| {
        bar.set_message(format!("{done} of {} looked through", counted(u64::from(segments), "segment", "segments")));
        bar.tick();
    });
    bar.finish_and_clear();
    let redacted = redacted?;
    if global.json {
        output::json(&serde_json::json!({ "entries": redacted.entries, "segments": redacted.segments }))?;
    } else if redacted.entries == 0 && !global.quiet {
        line("No ciphertext was to be deleted: `onefold erase --list` shows the dates.")?;
    } else if !global.quiet {
        line(format!(
            "The ciphertexts of {} are deleted, in {} that {} written anew. Their hashes stay: the ledger verifies as \
             before.",
            counted(redacted.entries, "entry", "entries"),
            counted(u64::from(redacted.segments), "segment", "segments"),
            if redacted.segments == 1 { "was" } else { "were" },
        ))?;
    }
    Ok(SUCCESS)
}

/// A file that is small when it is what it should be.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = read_given(path, FILE_BYTES_MAX + 1)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Usage::new(format!("`{}` is larger than a checkpoint or a key can be", path.display())).into());
    }
    Ok(bytes)
}

/// A checkpoint from a file, whoever signed it.
fn read_checkpoint(path: &Path) -> anyhow::Result<(SignedNote, Checkpoint)> {
    let bytes = read(path)?;
    let note = SignedNote::parse(&bytes);
    let checkpoint = note.as_ref().map_err(Clone::clone).and_then(|note| Checkpoint::parse(note.text().as_bytes()));
    match (note, checkpoint) {
        (Ok(note), Ok(checkpoint)) => Ok((note, checkpoint)),
        (Err(error), _) | (_, Err(error)) => {
            let what = format!("`{}` is no checkpoint: {error}", path.display());
            Err(Usage::new(what).help("`onefold ledger checkpoint -o FILE` writes one").into())
        }
    }
}

/// A public key, given as it is or as a file that has it.
fn verifier_key(given: &str) -> anyhow::Result<VerifierKey> {
    let error = match VerifierKey::parse(given.as_bytes()) {
        Ok(key) => return Ok(key),
        Err(error) => error,
    };
    let path = Path::new(given);
    if !path.exists() {
        let help = "a public key reads NAME+ID+KEY, as `onefold key status` prints it; a file with one is fine, too";
        return Err(Usage::new(format!("`{}` is no public key: {error}", output::shown(given))).help(help).into());
    }
    let bytes = read(path)?;
    let read = VerifierKey::parse(bytes.trim_ascii());
    read.map_err(|error| Usage::new(format!("`{}` holds no public key: {error}", path.display())).into())
}
