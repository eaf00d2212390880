//! Evidence for others: packages of entries with their proofs, and certificates of erasures.
//!
//! What goes into a package is decided here, how it is packed in `report::disclosure`. Nothing is written but the package.
//!
//! INVARIANT: of a profile, exactly the entries are taken that the index names as the reasons for its present state.

use super::archive::Archive;
use super::decisions::Decisions;
use super::read::Reader;
use super::{Erased, Error, Onefold, meta};
use crate::ledger::{self, Content, State, Tree};
use crate::model::{Birth, KindId, Ruling, Sequence};
use crate::report::disclosure::{Certificate, Evidence, Package, pack};
use crate::tlog::{Checkpoint, SignedNote, VerifierKey};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Which entries are to be packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These.
    Entries(BTreeSet<Sequence>),
    /// Those that the present state of the profile of this root rests on.
    Profile(Birth),
}

/// A certificate of an erasure that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// What is certified.
    pub certificate: Certificate,
    /// The text that was signed.
    pub text: String,
}

impl Reader<'_> {
    /// The entries that the present state of a profile rests on: what was received of its records, the merges of its
    /// links with the decisions of stewards behind them, the values entries of its winners, the decisions about it and the
    /// consents behind those.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such profile, or the index cannot be read.
    pub fn evidence(&self, root: Birth) -> Result<BTreeSet<Sequence>, Error> {
        let missing = || Error::NotFound { what: "there is no such profile".to_owned() };
        let row = self.index.profile(root)?.ok_or_else(missing)?;
        let mut entries: BTreeSet<Sequence> = row.links.iter().map(|(_, entry)| *entry).collect();
        entries.extend(row.winners.iter().map(|(_, entry)| *entry));
        entries.extend(row.permissions.iter().map(|(_, entry)| *entry));
        let decisions = Decisions::load(self.index)?;
        for (link, _) in &row.links {
            let (kind, identifier, carrier) = (link.kind, link.identifier, link.a);
            let rests_on = match kind {
                KindId::STEWARD => Ruling::same(link.a, link.b),
                kind => Ruling::Allowed { kind, identifier, carrier },
            };
            entries.extend(decisions.find(rests_on).map(|(entry, _)| entry));
        }
        for record in row.members.iter().copied() {
            for (attribute, _) in decisions.rectified(record) {
                entries.extend(decisions.find(Ruling::Rectified { record, attribute }).map(|(entry, _)| entry));
            }
        }
        let consents = row.permissions.iter().filter_map(|(permission, _)| permission.consent);
        for birth in row.members.iter().copied().chain(consents) {
            let record = self.index.record(birth)?;
            let record = record.ok_or(Error::Unaccounted { what: "a record of a profile is not in the index" })?;
            entries.insert(record.sequence);
        }
        Ok(entries)
    }
}

impl Archive {
    /// The checkpoint in force; `None` before the first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(ledger::read_checkpoint(&self.directory.ledger())?)
    }

    /// The sequence after the last entry.
    fn end(&self) -> Result<Sequence, Error> {
        let state = self.index.meta(meta::LEDGER)?.map(|bytes| State::from_bytes(&bytes)).transpose()?;
        let mut end = Sequence(state.as_ref().map_or(0, State::size));
        ledger::Reader::open(&self.directory.ledger(), None)?.scan(state.as_ref(), |entry| -> Result<(), Error> {
            end = Sequence(entry.header.sequence.0.saturating_add(1));
            Ok(())
        })?;
        Ok(end)
    }

    /// Packs entries under the checkpoint in force, with the proof that the ledger goes on from an earlier one when that
    /// is given. `None` when the checkpoint does not cover all of them yet; [`Onefold::checkpoint`] makes one that does.
    /// `progress` is told how many are done.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`ledger::Error::NoEntry`] for what does not exist, [`Error::Disclosure`] when an entry
    /// does not verify or there are too many.
    pub(super) fn disclose(
        &self,
        selection: &Selection,
        earlier: Option<&[u8]>,
        progress: impl FnMut(u64),
    ) -> Result<Option<Package>, Error> {
        let mut sequences = match selection {
            Selection::Entries(entries) => entries.clone(),
            Selection::Profile(root) => self.reader()?.evidence(*root)?,
        };
        let end = self.end()?;
        if let Some(missing) = sequences.range(end..).next() {
            return Err(ledger::Error::NoEntry { sequence: *missing }.into());
        }
        let Some(checkpoint) = self.checkpoint()? else { return Ok(None) };
        let dir = self.directory.ledger();
        let head =
            ledger::open_checkpoint(&dir.join("checkpoint"), &checkpoint, self.entries.ledger_id(), &self.vkeys)?;
        if sequences.last().is_some_and(|last| last.0 >= head.size()) {
            return Ok(None);
        }
        let tree = Tree::open(&dir, head.size(), head.root())?;
        add_redactions(&dir, &tree, &self.entries, head.size(), &mut sequences)?;
        let evidence =
            Evidence { reader: &self.entries, tree: &tree, checkpoint: &checkpoint, vkeys: &self.vkeys, earlier };
        Ok(Some(pack(&evidence, &sequences, None, progress)?))
    }
}

/// Adds the entries that record the deletion of ciphertexts of those selected.
fn add_redactions(
    dir: &Path,
    tree: &Tree,
    entries: &ledger::Reader,
    size: u64,
    sequences: &mut BTreeSet<Sequence>,
) -> Result<(), Error> {
    let mut redacted = BTreeSet::new();
    for sequence in sequences.iter() {
        if entries.read(tree.leaf(*sequence)?.position)?.header.redacted {
            redacted.insert(*sequence);
        }
    }
    if redacted.is_empty() {
        return Ok(());
    }
    ledger::Reader::open(dir, None)?.scan(None, |entry| -> Result<(), Error> {
        if let Content::Redaction(redaction) = &entry.content
            && entry.header.sequence.0 < size
        {
            let mut ranges = redaction.entries.iter();
            let end = |first: Sequence, count: u32| Sequence(first.0.saturating_add(count.into()));
            if ranges.any(|(first, count)| redacted.range(*first..end(*first, *count)).next().is_some()) {
                sequences.insert(entry.header.sequence);
            }
        }
        Ok(())
    })
}

impl Onefold {
    /// Commits what is open and signs the ledger as it then stands.
    ///
    /// # Errors
    /// When ledger or index cannot be written, after which nothing more is taken.
    pub fn checkpoint(&mut self) -> Result<Vec<u8>, Error> {
        self.running()?;
        self.commit()?;
        let signed = self.ledger.checkpoint().map_err(Error::from);
        self.stop_on_error(signed)
    }

    /// The keys that sign checkpoints, newest first: one of them is what a reader of packages needs to be given.
    ///
    /// # Errors
    /// When the key state holds no usable one.
    pub fn vkeys(&self) -> Result<Vec<VerifierKey>, Error> {
        Ok(self.keys.signing()?.iter().map(|key| key.verifier().clone()).collect())
    }

    /// Writes the certificate of an erasure, as a package, to a new file. `now_s` is its date of issue, in seconds since
    /// 1970.
    ///
    /// # Errors
    /// [`Error::Unaccounted`] when the entries are not those of one whole erasure, or no checkpoint covers them yet;
    /// [`Error::Io`] when the file exists or cannot be written.
    pub fn certificate(&self, erased: &Erased, now_s: u32, path: &Path) -> Result<Certified, Error> {
        self.certificate_in(erased, now_s, NewFile::create(path)?)
    }

    /// The same, to a file that was made before.
    ///
    /// # Errors
    /// As [`certificate`](Self::certificate).
    pub fn certificate_in(&self, erased: &Erased, now_s: u32, file: NewFile) -> Result<Certified, Error> {
        let uncovered = || Error::Unaccounted { what: "no checkpoint covers the erasure" };
        let checkpoint = self.ledger.published().ok_or_else(uncovered)?;
        let head = Checkpoint::parse(SignedNote::parse(checkpoint).map_err(ledger::Error::from)?.text().as_bytes())
            .map_err(ledger::Error::from)?;
        if erased.entries.iter().any(|entry| entry.0 >= head.size()) {
            return Err(uncovered());
        }
        let tree = Tree::open(&self.directory.ledger(), head.size(), head.root())?;
        let reader = self.ledger.reader();
        let mut erasures = Vec::new();
        for sequence in &erased.entries {
            let entry = reader.read(tree.leaf(*sequence)?.position)?;
            if let Content::Erasure(erasure) = entry.content {
                erasures.push((*sequence, entry.header.time_s, erasure));
            }
        }
        let erasures: Vec<_> =
            erasures.iter().map(|(sequence, time_s, erasure)| (*sequence, *time_s, erasure)).collect();
        let certificate = Certificate::new(reader.ledger_id(), &erasures, erased.consents, now_s)
            .ok_or(Error::Unaccounted { what: "the entries are not those of one whole erasure" })?;
        let note = certificate.sign(&self.keys.signing()?).map_err(ledger::Error::from)?;
        let vkeys = self.vkeys()?;
        let evidence = Evidence { reader, tree: &tree, checkpoint, vkeys: &vkeys, earlier: None };
        let package = pack(&evidence, &erased.entries.iter().copied().collect(), Some(&note), |_| {})?;
        file.save(&package.bytes)?;
        Ok(Certified { certificate, text: note.text().to_owned() })
    }
}

/// Writes a file that must not exist, readable by its owner alone, durably. A part of one is not left behind.
///
/// # Errors
/// [`Error::Io`].
pub fn save_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    NewFile::create(path)?.save(bytes)
}

/// A file that did not exist, readable by its owner alone. Unless it is saved, it goes when this is dropped.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    file: File,
    saved: bool,
}

impl NewFile {
    /// Makes it, empty: whether it can be written is known before there is something to write.
    ///
    /// # Errors
    /// [`Error::Io`] when there is one, or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, Error> {
        use std::os::unix::fs::OpenOptionsExt;
        let made = File::options().write(true).create_new(true).mode(0o600).open(path);
        let file = made.map_err(|source| Error::io("write", path, source))?;
        Ok(Self { path: path.to_owned(), file, saved: false })
    }

    /// Writes it, durably.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_all());
        written.map_err(|source| Error::io("write", &self.path, source))?;
        self.saved = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.saved {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
