//! `onefold verify`: a package is checked where there is no ledger.

use super::disclose::read_checkpoint;
use super::read_given;
use crate::cli::args::Global;
use crate::cli::failure::{SUCCESS, TAMPERED, Usage};
use crate::cli::output::{self, counted, line, shown};
use crate::encoding::hex;
use crate::report::disclosure::{self, PACKAGE_BYTES_MAX, Problem, State, Verified, VerifiedEntry};
use crate::tlog::key::KEY_TEXT_BYTES_MAX;
use crate::tlog::{Checkpoint, SignedNote, VerifierKey};
use serde_json::{Value, json};
use std::path::Path;

/// Where the second line of what does not fit on one begins.
const INDENT: usize = 4;
/// Lines are no longer than this.
const LINE_CHARS: usize = 100;
/// Bytes of a file of keys.
const KEY_FILE_BYTES_MAX: u64 = 64 << 10;

/// Verifies a package and says what it proves.
pub fn run(global: &Global, package: &Path, key: Option<&str>, since: Option<&Path>) -> anyhow::Result<u8> {
    let keys = key.map(keys).transpose()?.unwrap_or_default();
    let since = since.map(read_since).transpose()?;
    let bytes = read_given(package, PACKAGE_BYTES_MAX as u64 + 1)?;
    let verified = disclosure::verify(&bytes, &keys);
    if let (Err(error), true) = (&verified, global.json) {
        output::json(&json!({ "sound": false, "problems": [{ "what": error.to_string() }] }))?;
    }
    let mut verified = verified?;
    let held = since.is_some();
    if let Some(since) = since {
        continues(&mut verified, &since);
    }
    if global.json {
        output::json(&in_json(&verified, held))?
    } else {
        print(&verified, held)?
    }
    if verified.is_sound() {
        return Ok(SUCCESS);
    }
    eprintln!("error: the package does not verify");
    Ok(TAMPERED)
}

/// A key, or those in a file.
fn keys(text: &str) -> anyhow::Result<Vec<VerifierKey>> {
    let wrong = |error: crate::tlog::Error| {
        let help = "a key is one line, as `onefold ledger disclose` prints it: onefold/LEDGER+ID+BASE64";
        anyhow::Error::from(Usage::new(format!("--key: {error}")).help(help))
    };
    if !Path::new(text).is_file() {
        return Ok(vec![VerifierKey::parse(text.as_bytes()).map_err(wrong)?]);
    }
    let bytes = read_given(Path::new(text), KEY_FILE_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys = lines.map(|line| VerifierKey::parse(line.get(..KEY_TEXT_BYTES_MAX).unwrap_or(line).as_bytes()));
    let keys = keys.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    if keys.is_empty() { Err(Usage::new("--key: the file holds no key").into()) } else { Ok(keys) }
}

/// The checkpoint that the caller holds.
fn read_since(path: &Path) -> anyhow::Result<Checkpoint> {
    let wrong = |error: crate::tlog::Error| {
        Usage::new(format!("--since: `{}` is no checkpoint: {error}", path.display()))
            .help("give a file as `onefold ledger checkpoint` writes it")
    };
    let note = SignedNote::parse(&read_checkpoint(path)?).map_err(wrong)?;
    Ok(Checkpoint::parse(note.text().as_bytes()).map_err(wrong)?)
}

/// Whether the package goes on from the checkpoint that the caller holds.
fn continues(verified: &mut Verified, since: &Checkpoint) {
    let same = |checkpoint: &Checkpoint| {
        (checkpoint.origin(), checkpoint.size(), checkpoint.root()) == (since.origin(), since.size(), since.root())
    };
    let held = verified.earlier.as_ref().is_some_and(same) || same(&verified.checkpoint);
    if !held {
        let what = "the package does not prove that the ledger goes on from the checkpoint that you hold";
        verified.problems.push(Problem { place: "earlier-checkpoint".to_owned(), what: what.to_owned() });
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    output::wrapped_at(text, INDENT, LINE_CHARS)
}

/// Writes for people what was found.
fn print(verified: &Verified, held: bool) -> anyhow::Result<()> {
    let size = counted(verified.checkpoint.size(), "entry", "entries");
    match verified.problems.len() {
        0 => line(format!("The package verifies. It is of ledger {}.", verified.ledger))?,
        many => {
            let problems = counted(many as u64, "thing in it does", "things in it do");
            line(format!("THE PACKAGE DOES NOT VERIFY: {problems} not. It says it is of ledger {}.", verified.ledger))?;
            for problem in &verified.problems {
                say(&format!("  ✗ {}: {}", shown(&problem.place), shown(&problem.what)))?;
            }
        }
    }
    line("\nProved")?;
    for key in &verified.signed_by {
        say(&format!("  • The head of the ledger, over {size}, is signed by {}.", shown(&key.to_string())))?;
    }
    for proof in proofs(verified) {
        say(&format!("  • {proof}"))?;
    }
    line("\nNot proved")?;
    for gap in gaps(verified, held) {
        say(&format!("  • {gap}"))?;
    }
    if let Some((_, text)) = &verified.certificate {
        line("\nCertificate, as the ledger signed it")?;
        for text in text.lines() {
            line(format!("  {}", shown(text)).trim_end())?;
        }
    }
    line("\nEntries")?;
    for entry in &verified.entries {
        let time = output::time(Some(i64::from(entry.time_s) * 1_000_000));
        let says = verified.says(entry, shown).unwrap_or_else(|| closed(entry));
        output::wrapped(&format!("#{:<8} {time}  {:<9} {says}", entry.sequence, entry.kind.name()), 10)?;
    }
    Ok(())
}

/// What is said of an entry that cannot be read.
fn closed(entry: &VerifiedEntry) -> String {
    match entry.state {
        State::Redacted { by: Some(by) } => format!("its ciphertext is deleted, as entry #{by} records"),
        State::Redacted { by: None } => "its hashes alone; the package says that its ciphertext was deleted".to_owned(),
        _ => "sealed; the package brings no key for it".to_owned(),
    }
}

/// What a package proves beside the signature.
fn proofs(verified: &Verified) -> Vec<String> {
    let mut proofs = Vec::new();
    let entries = counted(verified.entries.len() as u64, "entry stands", "entries stand");
    proofs.push(format!("{entries} in that ledger, each at its place, with its kind and time, unaltered."));
    let sealed = |entry: &&VerifiedEntry| !entry.kind.is_clear();
    let keyed = verified.entries.iter().filter(sealed).filter(|entry| matches!(entry.state, State::Open(_))).count();
    if keyed > 0 {
        let opens = counted(keyed as u64, "sealed entry opens", "sealed entries open");
        proofs.push(format!(
            "{opens} under a key enclosed that is the only one it was written for: what is shown below."
        ));
    }
    for (place, bundle) in verified.bundles.iter().enumerate() {
        let under = verified.entries.iter().filter(sealed).filter(|entry| entry.bundle == Some(place)).count();
        if under > 0 {
            let entries = counted(under as u64, "sealed entry was", "sealed entries were");
            let (name, version) = (shown(&bundle.name), shown(&bundle.version));
            let digest = hex::encode(&bundle.digest);
            proofs.push(format!("{entries} written while bundle {name} {version} was in force (digest {digest})."));
        }
    }
    if let Some(earlier) = &verified.earlier {
        let size = counted(earlier.size(), "entry", "entries");
        let root = hex::encode(earlier.root());
        proofs.push(format!("The ledger goes on, unaltered, from the earlier head over {size} with root {root}."));
    }
    if let Some((certificate, _)) = &verified.certificate {
        let records = counted(certificate.records, "record", "records");
        proofs.push(format!("The erasure of {records} on request {} is recorded.", shown(&certificate.request)));
    }
    proofs
}

/// What a package does not prove; `held` is whether its reader holds an earlier head, to which it was compared.
fn gaps(verified: &Verified, held: bool) -> Vec<&'static str> {
    let mut gaps = Vec::new();
    if !verified.keys_given {
        gaps.push(
            "Whose ledger it is: the package was checked only against the key that it brings itself. Get the key by \
             another way and give it with --key.",
        );
    }
    gaps.push(
        "That these are all entries about somebody, or that what was received was true. Times are those of the \
         operator's clock.",
    );
    match &verified.earlier {
        _ if held => {}
        Some(_) => gaps.push(
            "That the earlier head is the one that you were given: compare its size and root, or give yours with \
             --since.",
        ),
        None => {
            gaps.push("That the same ledger is shown to everybody: that takes a head kept elsewhere, see --since.");
        }
    }
    if verified.certificate.is_some() {
        gaps.push(
            "That the keys are in fact destroyed, in this key state and in copies of older ones, such as backups; and \
             how many of the records are consents. For these it is the operator's word, signed.",
        );
    }
    if verified.bundles.iter().any(|bundle| bundle.schema.is_none()) {
        gaps.push("How fields and attributes are called: this program has other built-in ones, so numbers are shown.");
    }
    if !verified.guide_is_known {
        gaps.push("VERIFY.md: it is not the one that this program puts into packages. Do not do what it says.");
    }
    gaps
}

/// For scripts.
fn in_json(verified: &Verified, held: bool) -> Value {
    let head = |checkpoint: &Checkpoint| json!({ "origin": checkpoint.origin(), "size": checkpoint.size(), "root": hex::encode(checkpoint.root()) });
    let entry = |entry: &VerifiedEntry| {
        let bundle = entry.bundle.and_then(|place| verified.bundles.get(place));
        let mut value = json!({
            "sequence": entry.sequence.0, "kind": entry.kind.name(), "time_s": entry.time_s,
            "leaf": hex::encode(&entry.leaf), "bundle": bundle.map(|bundle| hex::encode(&bundle.digest)),
            "state": match entry.state {
                State::Open(_) => "open",
                State::Locked => "locked",
                State::Redacted { .. } => "redacted",
            },
            "says": verified.says(entry, str::to_owned),
        });
        if let State::Redacted { by } = entry.state {
            value["redacted_by"] = by.map(|by| by.0).into();
        }
        if let Some((name, content)) = verified.json(entry) {
            value[name] = content;
        }
        value
    };
    let problem = |problem: &Problem| json!({ "place": problem.place, "what": problem.what });
    json!({
        "sound": verified.is_sound(), "kind": verified.kind.name(), "ledger": verified.ledger.to_string(),
        "keys_given": verified.keys_given,
        "signed_by": verified.signed_by.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "checkpoint": head(&verified.checkpoint), "earlier": verified.earlier.as_ref().map(head),
        "problems": verified.problems.iter().map(problem).collect::<Vec<_>>(),
        "proved": proofs(verified), "not_proved": gaps(verified, held),
        "certificate": verified.certificate.as_ref().map(|(_, text)| text),
        "entries": verified.entries.iter().map(entry).collect::<Vec<_>>(),
    })
}
