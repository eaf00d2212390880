//! Making a package.
//!
//! Each entry is verified as it is packed, by the functions that its reader will use. With what was asked for go the
//! entries that show under which rules it was written: the open entry of its run and the bundle in force.

use super::archive;
use super::error::Error;
use super::manifest::{Contents, Listed, time};
use super::{
    CERTIFICATE, CHECKPOINT, CONSISTENCY, EARLIER_CHECKPOINT, ENTRIES_MAX, GUIDE, GUIDE_TEXT, MANIFEST, PackageKind,
};
use crate::ledger::{self, Disclosed, Kind, Reader, Tree, open_disclosed};
use crate::model::Sequence;
use crate::tlog::{
    Checkpoint, ProofFile, SignedNote, VerifierKey, consistency_proof, inclusion_proof, root, verify_inclusion,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

/// What entries are taken from and proved by.
pub struct Evidence<'a> {
    /// The ledger, with its keys.
    pub reader: &'a Reader,
    /// The tree under the checkpoint.
    pub tree: &'a Tree,
    /// The checkpoint, a signed note.
    pub checkpoint: &'a [u8],
    /// The keys that sign checkpoints, newest first.
    pub vkeys: &'a [VerifierKey],
    /// A checkpoint that was given out before.
    pub earlier: Option<&'a [u8]>,
}

/// A package with what went into it.
#[derive(Clone, PartialEq, Eq)]
pub struct Package {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// Its entries, ascending.
    pub entries: Vec<Included>,
    /// Over how many entries the checkpoint is.
    pub size: u64,
    /// The keys that its reader needs one of, newest first.
    pub vkeys: Vec<VerifierKey>,
}

/// The bytes hold keys, so they are not shown.
impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Package({} bytes, {:?})", self.bytes.len(), self.entries)
    }
}

/// An entry that went into a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Included {
    /// Its place.
    pub sequence: Sequence,
    /// Its kind.
    pub kind: Kind,
    /// When it was written, seconds since 1970.
    pub time_s: u32,
    /// How much of it.
    pub how: Packed,
    /// Whether it was asked for, and not added to show under which rules another one was written.
    pub asked: bool,
}

/// How much of an entry is in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packed {
    /// Its payload, which stands in clear anyway.
    Clear,
    /// Its ciphertext and its key.
    WithKey,
    /// Its ciphertext: the key was destroyed by an erasure.
    WithoutKey,
    /// Its hashes alone: the ciphertext was deleted, too.
    Redacted,
}

/// Packs these entries, and a certificate when there is one. `progress` is told how many entries are done.
///
/// # Errors
/// [`ledger::Error::NoEntry`] when the checkpoint does not cover one of them, [`Error::TooLarge`], [`Error::Earlier`],
/// and whatever reading the ledger gives.
pub fn pack(
    evidence: &Evidence<'_>,
    sequences: &BTreeSet<Sequence>,
    certificate: Option<&SignedNote>,
    mut progress: impl FnMut(u64),
) -> Result<Package, Error> {
    let note = SignedNote::parse(evidence.checkpoint)?;
    note.verify(evidence.vkeys)?;
    let checkpoint = Checkpoint::parse(note.text().as_bytes())?;
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut listed = BTreeMap::new();
    let mut runs = HashSet::new();
    let mut context = BTreeSet::new();
    for asked in [true, false] {
        let wanted: Vec<Sequence> = match asked {
            true => sequences.iter().copied().collect(),
            false => context.difference(sequences).copied().collect(),
        };
        if listed.len() + wanted.len() > ENTRIES_MAX {
            let size = listed.len() + wanted.len();
            return Err(Error::TooLarge { what: "entries of a package", size, size_max: ENTRIES_MAX });
        }
        for sequence in wanted {
            let (entry, run) = put_entry(evidence, &checkpoint, &note, sequence, &mut files)?;
            if asked && runs.insert(run) {
                context.extend(evidence.tree.context(run)?);
            }
            listed.insert(sequence, (entry, asked));
            progress(listed.len() as u64);
        }
    }
    put_earlier(evidence, &checkpoint, &mut files)?;
    files.insert(CHECKPOINT.to_owned(), evidence.checkpoint.to_vec());
    files.insert(GUIDE.to_owned(), GUIDE_TEXT.as_bytes().to_vec());
    files.extend(certificate.map(|note| (CERTIFICATE.to_owned(), note.to_text().into_bytes())));
    let included = |(sequence, (entry, asked)): (&Sequence, &(Entry, bool))| {
        let Entry { listed, time_s } = entry;
        Included { sequence: *sequence, kind: listed.kind, time_s: *time_s, how: how(listed), asked: *asked }
    };
    let entries = listed.iter().map(included).collect();
    let kind = if certificate.is_some() { PackageKind::Certificate } else { PackageKind::Disclosure };
    let vkeys = evidence.vkeys.to_vec();
    let contents = Contents {
        kind,
        ledger: evidence.reader.ledger_id(),
        vkeys: vkeys.clone(),
        entries: listed.into_values().map(|(entry, _)| entry.listed).collect(),
    };
    files.insert(MANIFEST.to_owned(), contents.to_json()?);
    Ok(Package { bytes: archive::write(&files)?, entries, size: checkpoint.size(), vkeys })
}

/// An entry as it will be listed, with its time.
struct Entry {
    listed: Listed,
    time_s: u32,
}

fn how(listed: &Listed) -> Packed {
    match (listed.kind.is_clear(), listed.redacted, listed.key) {
        (true, _, _) => Packed::Clear,
        (false, true, _) => Packed::Redacted,
        (false, false, Some(_)) => Packed::WithKey,
        (false, false, None) => Packed::WithoutKey,
    }
}

/// Verifies an entry and adds its files; its run comes back.
fn put_entry(
    evidence: &Evidence<'_>,
    checkpoint: &Checkpoint,
    note: &SignedNote,
    sequence: Sequence,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(Entry, u32), Error> {
    if sequence.0 >= checkpoint.size() {
        return Err(ledger::Error::NoEntry { sequence }.into());
    }
    let disclosed: Disclosed = evidence.reader.disclose(evidence.tree, sequence)?;
    let opened = open_disclosed(&disclosed.logical, disclosed.body.as_deref(), disclosed.key.as_ref())?;
    let proof = inclusion_proof(evidence.tree, sequence.0, checkpoint.size())?;
    let size = checkpoint.size();
    verify_inclusion(&opened.leaf, sequence.0, size, &proof, checkpoint.root()).map_err(crate::tlog::Error::from)?;
    let listed = Listed {
        sequence,
        kind: disclosed.kind,
        time: time(disclosed.time_s),
        has_body: disclosed.body.is_some(),
        key: disclosed.key.as_ref().map(|key| *key.disclose()),
        redacted: disclosed.body.is_none(),
    };
    let proof = ProofFile::new(None, sequence.0, proof, note.clone())?;
    files.insert(listed.logical(), disclosed.logical);
    files.insert(listed.proof(), proof.to_text().into_bytes());
    files.extend(disclosed.body.map(|body| (listed.body(), body)));
    Ok((Entry { listed, time_s: disclosed.time_s }, opened.header.run))
}

/// Adds the earlier checkpoint and the proof that the ledger goes on from it.
fn put_earlier(
    evidence: &Evidence<'_>,
    checkpoint: &Checkpoint,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), Error> {
    let Some(bytes) = evidence.earlier else { return Ok(()) };
    let wrong = |what: &str| Error::Earlier { what: what.to_owned() };
    let note = SignedNote::parse(bytes).map_err(|error| wrong(&error.to_string()))?;
    let earlier = Checkpoint::parse(note.text().as_bytes()).map_err(|error| wrong(&error.to_string()))?;
    if earlier.origin() != checkpoint.origin() {
        return Err(wrong("it is one of another ledger"));
    }
    if earlier.size() == 0 || earlier.size() > checkpoint.size() {
        return Err(wrong("it is over no entries, or over more than there are"));
    }
    if root(evidence.tree, earlier.size())? != *earlier.root() {
        return Err(wrong("its root is not the one that this ledger has over as many entries"));
    }
    let proof = consistency_proof(evidence.tree, earlier.size(), checkpoint.size())?;
    let lines: String = proof.iter().map(|hash| STANDARD.encode(hash) + "\n").collect();
    files.insert(CONSISTENCY.to_owned(), lines.into_bytes());
    files.insert(EARLIER_CHECKPOINT.to_owned(), bytes.to_vec());
    Ok(())
}
