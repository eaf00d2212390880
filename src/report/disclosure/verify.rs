//! Verifying a package. It reads bytes of any origin and nothing else: no directory, no clock, no keys but those given.
//!
//! ```text
//! files ─▶ package.json ─▶ checkpoint, earlier one ─▶ each entry: leaf, place in the tree, body, key ─▶ certificate
//! ```
//! What is wrong with the package as a whole ends it; what is wrong with an entry is told of that entry, and the others
//! are looked at all the same.
//!
//! INVARIANT: nothing is said of an entry that did not verify, and nothing in `package.json` is believed.

use super::archive::{self, Files};
use super::certificate::Certificate;
use super::error::Error;
use super::manifest::{Contents, Listed, time};
use super::rules::{DisclosedBundle, Rules};
use super::{CERTIFICATE, CHECKPOINT, CONSISTENCY, EARLIER_CHECKPOINT, GUIDE, GUIDE_TEXT, MANIFEST, PackageKind};
use crate::crypto::{EntryKey, LedgerId};
use crate::ledger::{Content, Erasure, Kind, Opened, open_disclosed, origin};
use crate::model::{Birth, Schema, Sequence};
use crate::report::entry::{self, Words};
use crate::tlog::{
    Checkpoint, Digest, KeyKind, ProofFile, SignedNote, VerifierKey, verify_consistency, verify_inclusion,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a package proves.
#[derive(Debug)]
pub struct Verified {
    /// What it is for.
    pub kind: PackageKind,
    /// The ledger that its entries are of.
    pub ledger: LedgerId,
    /// Of the keys that it was checked against, those that have signed the checkpoint.
    pub signed_by: Vec<VerifierKey>,
    /// Whether these were given by the caller; if not, they are those that the package brings itself.
    pub keys_given: bool,
    /// The head of the ledger.
    pub checkpoint: Checkpoint,
    /// The earlier head that it goes on from.
    pub earlier: Option<Checkpoint>,
    /// The entries that verified, ascending.
    pub entries: Vec<VerifiedEntry>,
    /// What did not verify.
    pub problems: Vec<Problem>,
    /// What is certified, with the text that was signed.
    pub certificate: Option<(Certificate, String)>,
    /// The bundles that it shows.
    pub bundles: Vec<DisclosedBundle>,
    /// Whether its `VERIFY.md` is the one that this program puts into packages.
    pub guide_is_known: bool,
    /// How records are called that the package shows.
    names: BTreeMap<Birth, String>,
}

/// An entry that stands in the ledger as the package shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedEntry {
    /// Its place.
    pub sequence: Sequence,
    /// Its kind.
    pub kind: Kind,
    /// When it was written, seconds since 1970.
    pub time_s: u32,
    /// Its leaf.
    pub leaf: Digest,
    /// The bundle that it was written under, as a place in [`Verified::bundles`]; `None` when that is not shown.
    pub bundle: Option<usize>,
    /// What can be said of its content.
    pub state: State,
}

/// How much of an entry is shown.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// All of it.
    Open(Box<Content>),
    /// Its ciphertext, without a key.
    Locked,
    /// Its hashes alone.
    Redacted {
        /// The redaction entry in the package that lists it; without one, that it was deleted is only said.
        by: Option<Sequence>,
    },
}

/// Something that did not verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file in the package.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl Problem {
    fn new(place: impl Into<String>, what: impl ToString) -> Self {
        Self { place: place.into(), what: what.to_string() }
    }
}

/// Verifies a package against the keys given, or, when there are none, against those that it brings itself.
///
/// # Errors
/// [`Error::Unsound`] and [`Error::TooLarge`] when nothing at all can be said: the file is no package, or its checkpoint
/// is not signed by any of the keys. All else is in [`Verified::problems`].
pub fn verify(bytes: &[u8], keys: &[VerifierKey]) -> Result<Verified, Error> {
    let files = archive::read(bytes)?;
    let manifest = files.get(MANIFEST).ok_or_else(|| Error::unsound(MANIFEST, "it is missing"))?;
    let contents = Contents::read(manifest)?;
    contents.check_names(files.keys().copied())?;
    let keys_given = !keys.is_empty();
    let keys = if keys_given { keys } else { &contents.vkeys };
    let (checkpoint, signed_by) = head(&files, CHECKPOINT, contents.ledger, keys)?;
    let mut problems = Vec::new();
    let earlier = match files.contains_key(EARLIER_CHECKPOINT) {
        true => continued(&files, &checkpoint, contents.ledger, keys).map_err(|problem| problems.push(problem)).ok(),
        false => None,
    };
    let mut opened = BTreeMap::new();
    for listed in &contents.entries {
        match check(&files, listed, &checkpoint, contents.ledger) {
            Ok(entry) => drop(opened.insert(listed.sequence, entry)),
            Err(problem) => problems.push(problem),
        }
    }
    let rules = Rules::of(opened.iter().map(|(sequence, opened)| (*sequence, opened)));
    let names = names(&opened, &rules, contents.ledger);
    let certificate = match contents.kind {
        PackageKind::Disclosure => None,
        PackageKind::Certificate => {
            certified(&files, &opened, contents.ledger, keys).map_err(|problem| problems.push(problem)).ok()
        }
    };
    let entries = verified(opened, &rules, contents.ledger);
    Ok(Verified {
        kind: contents.kind,
        ledger: contents.ledger,
        signed_by,
        keys_given,
        checkpoint,
        earlier,
        entries,
        problems,
        certificate,
        bundles: rules.bundles,
        guide_is_known: files.get(GUIDE) == Some(&GUIDE_TEXT.as_bytes()),
        names,
    })
}

fn file<'b>(files: &Files<'b>, name: &str) -> &'b [u8] {
    // The names were checked before: this is never the default.
    files.get(name).copied().unwrap_or_default()
}

/// A checkpoint in the package, and which of the keys have signed it: one of the ledger's own among them.
fn head(
    files: &Files<'_>,
    name: &str,
    ledger: LedgerId,
    keys: &[VerifierKey],
) -> Result<(Checkpoint, Vec<VerifierKey>), Error> {
    let wrong = |what: String| Error::unsound(name, what);
    let note = SignedNote::parse(file(files, name)).map_err(|error| wrong(error.to_string()))?;
    let checkpoint = Checkpoint::parse(note.text().as_bytes()).map_err(|error| wrong(error.to_string()))?;
    let own = origin(ledger);
    if checkpoint.origin() != own {
        return Err(wrong(format!("it is one of another log than `{own}`, which package.json names")));
    }
    let signed_by = signed(&note, keys, &own).map_err(wrong)?;
    Ok((checkpoint, signed_by))
}

/// The keys that have signed a note, when one of the log's own has.
fn signed(note: &SignedNote, keys: &[VerifierKey], own: &str) -> Result<Vec<VerifierKey>, String> {
    let signed_by = note.verify(keys).map_err(|error| error.to_string())?;
    if !signed_by.iter().any(|key| key.name() == own && key.kind() == KeyKind::Ed25519) {
        return Err(format!("it is signed by no key of the name `{own}`"));
    }
    Ok(signed_by.into_iter().cloned().collect())
}

/// The earlier checkpoint, when the tree goes on from it.
fn continued(
    files: &Files<'_>,
    checkpoint: &Checkpoint,
    ledger: LedgerId,
    keys: &[VerifierKey],
) -> Result<Checkpoint, Problem> {
    let (earlier, _) = head(files, EARLIER_CHECKPOINT, ledger, keys).map_err(|error| match error {
        Error::Unsound { place, what } => Problem { place, what },
        other => Problem::new(EARLIER_CHECKPOINT, other),
    })?;
    let wrong = |what: &str| Problem::new(CONSISTENCY, what);
    let text = std::str::from_utf8(file(files, CONSISTENCY)).map_err(|_| wrong("it is no text"))?;
    let lines = text.strip_suffix('\n').map(|text| text.split('\n')).into_iter().flatten();
    let hash = |line: &str| STANDARD.decode(line).ok().and_then(|bytes| Digest::try_from(bytes).ok());
    let proof = lines.map(hash).collect::<Option<Vec<Digest>>>();
    let proof = proof.filter(|_| text.is_empty() || text.ends_with('\n'));
    let proof = proof.ok_or_else(|| wrong("a line is not 32 bytes in canonical base64"))?;
    verify_consistency(earlier.size(), checkpoint.size(), &proof, earlier.root(), checkpoint.root())
        .map_err(|error| wrong(&error.to_string()))?;
    Ok(earlier)
}

/// Verifies one entry.
fn check(files: &Files<'_>, listed: &Listed, checkpoint: &Checkpoint, ledger: LedgerId) -> Result<Opened, Problem> {
    let body = listed.has_body.then(|| file(files, &listed.body()));
    let key = listed.key.map(EntryKey::disclosed);
    let place = if listed.has_body { listed.body() } else { listed.logical() };
    let opened = open_disclosed(file(files, &listed.logical()), body, key.as_ref())
        .map_err(|error| Problem::new(place, error))?;
    let proof = ProofFile::parse(file(files, &listed.proof())).map_err(|error| Problem::new(listed.proof(), error))?;
    let wrong = |what: &str| Err(Problem::new(listed.proof(), what));
    if proof.note().to_text().as_bytes() != file(files, CHECKPOINT) {
        return wrong("its checkpoint is not that of the package");
    }
    if proof.index() != listed.sequence.0 || proof.extra().is_some() {
        return wrong("it is not the proof of this entry, or holds more than a proof");
    }
    verify_inclusion(&opened.leaf, proof.index(), checkpoint.size(), proof.proof(), checkpoint.root())
        .map_err(|error| Problem::new(listed.proof(), error))?;
    let header = &opened.header;
    if (header.sequence, header.kind, &time(header.time_s)) != (listed.sequence, listed.kind, &listed.time) {
        let what = format!("entry {} says another sequence, kind or time than is listed", listed.sequence);
        return Err(Problem::new(MANIFEST, what));
    }
    if header.kind.is_clear() && body.is_none() {
        return Err(Problem::new(listed.logical(), "an entry of this kind stands in clear, and its body is not here"));
    }
    if let Some(Content::Open(open)) = &opened.content
        && open.ledger != ledger
    {
        return Err(Problem::new(listed.body(), "it opens another ledger"));
    }
    Ok(opened)
}

/// How the records are called whose content is shown: by the last of their entries.
fn names(opened: &BTreeMap<Sequence, Opened>, rules: &Rules, ledger: LedgerId) -> BTreeMap<Birth, String> {
    let mut names = BTreeMap::new();
    for entry in opened.values() {
        if let Some(Content::Received(received)) = &entry.content {
            let bundle = rules.bundle_of(ledger, &entry.header, &entry.run).and_then(|place| rules.bundles.get(place));
            let schema = bundle.and_then(|bundle| bundle.schema.as_ref());
            let source = schema.and_then(|schema| schema.sources.get(usize::from(received.source.0)));
            let source = source.map_or_else(|| format!("source {}", received.source), |source| source.name.clone());
            names.insert(received.birth, format!("{source}:{}", received.key));
        }
    }
    names
}

/// What the certificate says, when the erasure entries bear it out and the ledger has signed it.
fn certified(
    files: &Files<'_>,
    opened: &BTreeMap<Sequence, Opened>,
    ledger: LedgerId,
    keys: &[VerifierKey],
) -> Result<(Certificate, String), Problem> {
    let wrong = |what: String| Problem::new(CERTIFICATE, what);
    let note = SignedNote::parse(file(files, CERTIFICATE)).map_err(|error| wrong(error.to_string()))?;
    signed(&note, keys, &origin(ledger)).map_err(wrong)?;
    let erasure = |(sequence, entry): (&Sequence, &'_ Opened)| match &entry.content {
        Some(Content::Erasure(erasure)) => Some((*sequence, entry.header.time_s, erasure.clone())),
        _ => None,
    };
    let erasures: Vec<(Sequence, u32, Erasure)> = opened.iter().filter_map(erasure).collect();
    let erasures: Vec<_> = erasures.iter().map(|(sequence, time_s, erasure)| (*sequence, *time_s, erasure)).collect();
    let certificate = Certificate::read(note.text(), ledger, &erasures);
    let certificate = certificate
        .ok_or_else(|| wrong("it says something else than the erasure entries of the package".to_owned()))?;
    Ok((certificate, note.text().to_owned()))
}

/// What can be said of the entries.
fn verified(opened: BTreeMap<Sequence, Opened>, rules: &Rules, ledger: LedgerId) -> Vec<VerifiedEntry> {
    let mut deleted: Vec<(Sequence, u64, Sequence)> = Vec::new();
    for (sequence, entry) in &opened {
        if let Some(Content::Redaction(redaction)) = &entry.content {
            let ranges = redaction.entries.iter();
            deleted.extend(ranges.map(|(first, count)| (*first, u64::from(*count), *sequence)));
        }
    }
    deleted.sort_unstable();
    let by = |sequence: Sequence| {
        let before = deleted.partition_point(|(first, _, _)| *first <= sequence);
        let range = before.checked_sub(1).and_then(|at| deleted.get(at));
        range.filter(|(first, count, _)| sequence.0 - first.0 < *count).map(|(_, _, by)| *by)
    };
    let entry = |(sequence, opened): (Sequence, Opened)| VerifiedEntry {
        sequence,
        kind: opened.header.kind,
        time_s: opened.header.time_s,
        leaf: opened.leaf,
        bundle: rules.bundle_of(ledger, &opened.header, &opened.run),
        state: match opened.content {
            Some(content) => State::Open(Box::new(content)),
            None if opened.has_body => State::Locked,
            None => State::Redacted { by: by(sequence) },
        },
    };
    opened.into_iter().map(entry).collect()
}

impl Verified {
    /// Whether all of it verified.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many entries are open.
    pub fn open(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.state, State::Open(_))).count()
    }

    /// What an entry says, in a sentence. Texts that sources wrote are put through `shown`.
    pub fn says(&self, entry: &VerifiedEntry, shown: fn(&str) -> String) -> Option<String> {
        let State::Open(content) = &entry.state else { return None };
        Some(self.with_words(entry, shown, |words| entry::says(words, content)))
    }

    /// What an entry says, as JSON, with a word for what it is.
    pub fn json(&self, entry: &VerifiedEntry) -> Option<(&'static str, Value)> {
        let State::Open(content) = &entry.state else { return None };
        self.with_words(entry, str::to_owned, |words| entry::json(words, content))
    }

    fn with_words<T>(&self, entry: &VerifiedEntry, shown: fn(&str) -> String, tell: impl Fn(&Words<'_>) -> T) -> T {
        let none = Schema::default();
        let bundle = entry.bundle.and_then(|place| self.bundles.get(place));
        let schema = bundle.and_then(|bundle| bundle.schema.as_ref()).unwrap_or(&none);
        let record =
            |birth: Birth| self.names.get(&birth).map_or_else(|| format!("record {birth}"), |name| shown(name));
        tell(&Words { schema, record: &record, shown })
    }
}
