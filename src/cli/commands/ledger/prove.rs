//! `onefold ledger prove`: proofs are made from the ledger alone, without keys, and checked before they are given out.
//!
//! ```text
//! of inclusion     a C2SP tlog-proof file, with the checkpoint that it is under
//! of consistency   the hashes of RFC 9162, section 2.1.4, in base64 (RFC 4648, padded), one a line, in their order;
//!                  nothing when both checkpoints are over the same entries. Sizes and roots stand in the checkpoints.
//! ```

use crate::cli::args::{Global, Prove};
use crate::cli::failure::{NotFound, SUCCESS, Unproven, Usage};
use crate::cli::output::{self, counted, line};
use crate::ledger::{self, Tree};
use crate::model::Sequence;
use crate::tlog::{
    Checkpoint, Digest, ProofFile, SignedNote, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Proves that an entry is in the ledger, or that the ledger goes on from a checkpoint.
pub fn run(global: &Global, options: &Prove) -> anyhow::Result<u8> {
    let folder = super::folder(global)?;
    let (note, under) = match &options.checkpoint {
        Some(path) => super::read_checkpoint(path)?,
        None => super::read_checkpoint(&current(&folder)?)?,
    };
    let tree = tree(&folder, &under)?;
    let (text, told, value) = match (&options.from, options.sequence) {
        (Some(from), _) => consistency(&tree, &super::read_checkpoint(from)?.1, &under)?,
        (None, sequence) => inclusion(&tree, sequence.unwrap_or_default(), note, &under)?,
    };
    match &options.output {
        Some(path) => {
            output::file(path, text.as_bytes())?;
            if global.json {
                output::json(&value)?;
            } else if !global.quiet {
                line(format!("{told}: {}", path.display()))?;
            }
        }
        None if global.json => output::json(&value)?,
        None => output::text(&text)?,
    }
    Ok(SUCCESS)
}

/// The file of the checkpoint in force.
fn current(folder: &Path) -> anyhow::Result<PathBuf> {
    if ledger::read_checkpoint(folder)?.is_none() {
        let what = "the ledger has no checkpoint yet";
        return Err(NotFound::new(what).help("`onefold ledger checkpoint` signs one").into());
    }
    Ok(folder.join("checkpoint"))
}

/// The tree that a checkpoint is over.
fn tree(folder: &Path, under: &Checkpoint) -> anyhow::Result<Tree> {
    let ledger = ledger::Reader::open(folder, None)?.ledger_id();
    if under.origin() != ledger::origin(ledger) {
        let what = format!("the checkpoint is one of `{}`, and this is `{}`", under.origin(), ledger::origin(ledger));
        return Err(Usage::new(what).into());
    }
    Ok(Tree::open(folder, under.size(), under.root())?)
}

type Proved = (String, String, Value);

/// A C2SP tlog-proof file.
fn inclusion(tree: &Tree, sequence: u64, note: SignedNote, under: &Checkpoint) -> anyhow::Result<Proved> {
    let size = under.size();
    if sequence >= size {
        let what = format!("entry #{sequence} is not under the checkpoint, which is over {size} entries");
        return Err(NotFound::new(what).help("`onefold ledger checkpoint` signs one over the whole ledger").into());
    }
    let leaf = tree.leaf(Sequence(sequence))?.leaf;
    let proof = inclusion_proof(tree, sequence, size)?;
    verify_inclusion(&leaf, sequence, size, &proof, under.root()).map_err(|_| stale())?;
    let value = json!({
        "sequence": sequence, "size": size, "leaf": STANDARD.encode(leaf), "hashes": encoded(&proof),
        "checkpoint": note.to_text(),
    });
    let text = ProofFile::new(None, sequence, proof, note)?.to_text();
    Ok((text, format!("Proof that entry #{sequence} is among the first {}", entries(size)), value))
}

/// The hashes of a consistency proof in base64, one a line.
fn consistency(tree: &Tree, from: &Checkpoint, under: &Checkpoint) -> anyhow::Result<Proved> {
    let (old, new) = (from.size(), under.size());
    if from.origin() != under.origin() || old > new {
        let what = if old > new {
            format!("the earlier checkpoint is over {} and the later one over {new}", entries(old))
        } else {
            format!("the earlier checkpoint is one of `{}`", from.origin())
        };
        let help =
            "nothing can be proved from it; if both are of this ledger, it was cut back: `onefold ledger verify`";
        return Err(Usage::new(what).help(help).into());
    }
    let proof = consistency_proof(tree, old, new)?;
    if verify_consistency(old, new, &proof, from.root(), under.root()).is_err() {
        let found = crate::tlog::root(tree, old)?;
        let other = ledger::Error::OtherRoot { size: old, expected: *from.root(), found };
        return Err(if found == *from.root() { stale().into() } else { other.into() });
    }
    let hashes = encoded(&proof);
    let text = hashes.iter().map(|hash| format!("{hash}\n")).collect();
    let told = format!("Proof that the first {} go on from the first {}", entries(new), entries(old));
    Ok((text, told, json!({ "from": old, "to": new, "hashes": hashes })))
}

fn encoded(proof: &[Digest]) -> Vec<String> {
    proof.iter().map(|hash| STANDARD.encode(hash)).collect()
}

fn entries(count: u64) -> String {
    counted(count, "entry", "entries")
}

/// What the segments say is not what the checkpoint was signed over.
fn stale() -> Unproven {
    Unproven::new("the entries do not lead to the checkpoint: `onefold ledger verify` tells where they were changed")
}
