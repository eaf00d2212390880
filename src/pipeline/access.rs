//! Who reads, for what, and on which request: a read of a value is processing, so it is decided and recorded.
//!
//! A [`Reader`] that was made with an [`Access`] records each read in the chain of reads before it gives anything out;
//! when that cannot be written, nothing is given out.
//!
//! INVARIANT: what is recorded is who, what and whose, and never a value.

use super::reads::{Place, ReadLog};
use super::{Archive, Error, Onefold, ProfileView, Reader, meta};
use crate::ledger::{Content, Entry, Operation, READS_NUMBER, ROOT_BYTES_MAX, Read, packed_bytes};
use crate::model::{AttributeId, Birth, Epoch, ProfileId, PurposeId};
use std::collections::BTreeSet;

/// Characters of an actor's name.
const ACTOR_CHARS_MAX: usize = 120;

/// Who reads, for what, and on which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who: 1 to 120 characters. Kept encrypted.
    pub actor: String,
    /// The name of the purpose. `None`: the operator inspects its own processing (GDPR Art. 5(2) and 24).
    pub purpose: Option<String>,
    /// The reference of the request that it is for: 1 to 64 letters, digits and `._/-`.
    pub request: Option<String>,
}

impl Access {
    /// An inspection by the operator, without a purpose.
    pub fn inspection(actor: impl Into<String>) -> Self {
        Self { actor: actor.into(), purpose: None, request: None }
    }

    /// Says what is wrong with it.
    ///
    /// # Errors
    /// [`Error::BadName`].
    pub fn check(&self) -> Result<(), Error> {
        let actor = self.actor.trim();
        if actor.is_empty() || actor.chars().count() > ACTOR_CHARS_MAX || actor.chars().any(char::is_control) {
            let what = format!("who reads must be said in 1 to {ACTOR_CHARS_MAX} characters, on one line");
            return Err(Error::BadName { what });
        }
        self.request.as_deref().map_or(Ok(()), check_reference)
    }
}

/// Whether a reference can stand in the clear, for good.
///
/// # Errors
/// [`Error::BadName`].
pub(super) fn check_reference(reference: &str) -> Result<(), Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    if reference.is_empty() || reference.len() > 64 || !reference.chars().all(allowed) {
        let what = "the reference of the request must be 1 to 64 letters, digits and `._/-`: it stays in the \
                    ledger in clear, so it must be a case number and no name or address";
        return Err(Error::BadName { what: what.to_owned() });
    }
    Ok(())
}

/// What a reader needs to record what it gives out.
pub(super) struct Recording<'a> {
    log: &'a ReadLog,
    place: Place<'a>,
    access: Access,
    purpose: Option<PurposeId>,
    epoch: Epoch,
    /// Whether [`Reader::settle`] makes reads durable, and not each by itself.
    batched: bool,
}

impl Archive {
    /// A reader that gives out values: each read is recorded, durably, before it is answered.
    ///
    /// # Errors
    /// [`Error::BadName`] when `access` cannot be recorded or names a purpose that the bundle does not have.
    pub fn read_as(&self, access: &Access) -> Result<Reader<'_>, Error> {
        let reader = self.reader()?;
        let place = self.place();
        reader.recorded(&self.reads, place, access, false)
    }

    /// The same for many reads in a row: call [`Reader::settle`] before anything of them is handed on.
    ///
    /// # Errors
    /// As [`read_as`](Self::read_as).
    pub fn read_in_batch(&self, access: &Access) -> Result<Reader<'_>, Error> {
        self.reader()?.recorded(&self.reads, self.place(), access, true)
    }

    /// Packs entries with their keys under the checkpoint in force, with the proof that the ledger goes on from an earlier
    /// one when that is given, and records that they are handed over. `None` when the checkpoint does not cover all of them
    /// yet; [`Onefold::checkpoint`] makes one that does. `progress` is told how many are done.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`ledger::Error::NoEntry`](crate::ledger::Error::NoEntry) for what does not exist,
    /// [`Error::Disclosure`] when an entry does not verify or there are too many; those of [`read_as`](Self::read_as).
    pub fn disclose_as(
        &self,
        access: &Access,
        selection: &super::Selection,
        earlier: Option<&[u8]>,
        progress: impl FnMut(u64),
    ) -> Result<Option<crate::report::disclosure::Package>, Error> {
        let reader = self.read_as(access)?;
        let package = self.disclose(selection, earlier, progress)?;
        if package.is_some() {
            let roots = match selection {
                super::Selection::Profile(root) => vec![*root],
                super::Selection::Entries(entries) => {
                    let read = self.entries_at(entries)?;
                    reader.roots_of(read.iter().flat_map(births_of))?
                }
            };
            reader.note_several(Operation::Disclosure, roots, &[])?;
        }
        Ok(package)
    }
}

impl Onefold {
    /// As [`Archive::read_as`], of the committed state.
    ///
    /// # Errors
    /// As [`Archive::read_as`].
    pub fn read_as(&self, access: &Access) -> Result<Reader<'_>, Error> {
        let place = Place::new(
            &self.directory,
            &self.keys,
            &*self.options.random,
            &self.options.storage,
            &self.bundle,
            self.options.clock.now_s(),
        );
        self.reader()?.recorded(&self.reads, place, access, false)
    }
}

impl<'a> Reader<'a> {
    /// The same reader, which records.
    fn recorded(mut self, log: &'a ReadLog, place: Place<'a>, access: &Access, batched: bool) -> Result<Self, Error> {
        access.check()?;
        let unknown = || Error::BadName { what: "the bundle has no such purpose".to_owned() };
        let purpose =
            access.purpose.as_deref().map(|name| self.schema.purpose(name).ok_or_else(unknown)).transpose()?;
        let epoch = self.index.meta(meta::EPOCH)?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
        self.recording = Some(Recording { log, place, access: access.clone(), purpose, epoch: Epoch(epoch), batched });
        Ok(self)
    }

    /// Makes the reads of a batch durable: call it before anything of them is handed on.
    ///
    /// # Errors
    /// [`Error::Unrecorded`].
    pub fn settle(&self) -> Result<(), Error> {
        match &self.recording {
            Some(recording) => recording.log.settle().map_err(unrecorded),
            None => Ok(()),
        }
    }

    /// The purpose that is read for: the one that is named, or that of the access.
    pub(super) fn purpose_of(&self, named: Option<PurposeId>) -> Option<PurposeId> {
        named.or_else(|| self.recording.as_ref().and_then(|recording| recording.purpose))
    }

    /// Records a read of one profile.
    pub(super) fn note_one(
        &self,
        operation: Operation,
        root: Birth,
        records: usize,
        attributes: &[AttributeId],
        purpose: Option<PurposeId>,
        allowed: bool,
    ) -> Result<(), Error> {
        self.note(Read { root, count: records as u64, allowed, ..self.blank(operation, attributes, purpose) })
    }

    /// Records that a profile was shown or denied.
    pub(super) fn note_profile(
        &self,
        root: Birth,
        purpose: Option<PurposeId>,
        view: &Result<ProfileView, Error>,
    ) -> Result<(), Error> {
        match view {
            Ok(view) => {
                let attributes: Vec<AttributeId> = view.values.iter().map(|value| value.attribute_id).collect();
                self.note_one(Operation::Profile, root, view.members.len(), &attributes, purpose, true)
            }
            Err(Error::Denied { .. }) => self.note_one(Operation::Profile, root, 0, &[], purpose, false),
            Err(_) => Ok(()),
        }
    }

    /// Records a read of several profiles, by their roots.
    pub(super) fn note_several(
        &self,
        operation: Operation,
        mut roots: Vec<Birth>,
        attributes: &[AttributeId],
    ) -> Result<(), Error> {
        if self.recording.is_none() {
            return Ok(());
        }
        roots.sort_unstable();
        roots.dedup();
        let bytes: Vec<u8> = roots.iter().flat_map(|root| root.0.to_le_bytes()).collect();
        let mut digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref());
        let parts = split(&roots);
        let count = u16::try_from(parts.len()).map_err(|_| Error::BadName { what: "too many profiles".to_owned() })?;
        let blank = self.blank(operation, attributes, self.purpose_of(None));
        let reads = (1..=count).zip(parts).map(|(part, roots)| Read {
            root: Birth(READS_NUMBER),
            count: bytes.len() as u64 / 8,
            part,
            parts: count,
            digest,
            roots: roots.to_vec(),
            ..blank.clone()
        });
        self.append(&reads.collect::<Vec<_>>())
    }

    /// The roots of the profiles that records are in now.
    pub(super) fn roots_of(&self, births: impl Iterator<Item = Birth>) -> Result<Vec<Birth>, Error> {
        if self.recording.is_none() {
            return Ok(Vec::new());
        }
        let births: BTreeSet<Birth> = births.collect();
        let mut roots = BTreeSet::new();
        for birth in births {
            roots.extend(self.index.root(birth)?);
        }
        Ok(roots.into_iter().collect())
    }

    /// The roots of profiles by their ids.
    pub(super) fn roots_of_ids(&self, ids: impl Iterator<Item = ProfileId>) -> Result<Vec<Birth>, Error> {
        if self.recording.is_none() {
            return Ok(Vec::new());
        }
        let mut roots = Vec::new();
        for id in ids {
            roots.extend(self.index.birth(id.0)?);
        }
        Ok(roots)
    }

    fn blank(&self, operation: Operation, attributes: &[AttributeId], purpose: Option<PurposeId>) -> Read {
        let names: BTreeSet<String> = attributes.iter().map(|id| self.attribute(*id).to_owned()).collect();
        let purpose = purpose.and_then(|purpose| self.schema.purposes.get(usize::from(purpose.0)));
        let access = self.recording.as_ref().map(|recording| &recording.access);
        Read {
            root: Birth(0),
            actor: access.map_or_else(String::new, |access| access.actor.clone()),
            purpose: purpose.map(|purpose| purpose.name.clone()),
            request: access.and_then(|access| access.request.clone()),
            allowed: true,
            operation,
            count: 0,
            attributes: names.into_iter().collect(),
            epoch: self.recording.as_ref().map_or(Epoch(0), |recording| recording.epoch),
            part: 1,
            parts: 1,
            digest: [0; 32],
            roots: Vec::new(),
        }
    }

    fn note(&self, read: Read) -> Result<(), Error> {
        self.append(&[read])
    }

    fn append(&self, reads: &[Read]) -> Result<(), Error> {
        let Some(recording) = &self.recording else { return Ok(()) };
        recording.log.append(&recording.place, reads, !recording.batched).map_err(unrecorded)
    }
}

fn unrecorded(error: Error) -> Error {
    match error {
        Error::ReadsInUse { .. } => error,
        other => Error::Unrecorded(Box::new(other)),
    }
}

/// The roots in pieces that fit into an entry each; at least one.
fn split(roots: &[Birth]) -> Vec<&[Birth]> {
    let mut parts = Vec::new();
    let (mut start, mut bytes, mut before) = (0, 0, None);
    for (place, root) in roots.iter().enumerate() {
        let mut size = packed_bytes(before, *root);
        if bytes + size > ROOT_BYTES_MAX {
            parts.push(roots.get(start..place).unwrap_or_default());
            size = packed_bytes(None, *root);
            (start, bytes) = (place, 0);
        }
        bytes += size;
        before = Some(*root);
    }
    parts.push(roots.get(start..).unwrap_or_default());
    parts
}

/// The records that an entry is about, of what can be read of it.
pub(super) fn births_of(entry: &Entry) -> Vec<Birth> {
    match &entry.content {
        Content::Received(received) => vec![received.birth],
        Content::Merge(merge) => vec![merge.link.a, merge.link.b],
        Content::Unmerge(unmerge) => vec![unmerge.link.a, unmerge.link.b],
        Content::Values(values) => vec![values.root, values.record],
        Content::Uses(uses) => vec![uses.root, uses.record],
        Content::Decision(decision) => vec![decision.root],
        Content::Permissions(permissions) => vec![permissions.root],
        Content::Binding(binding) => std::iter::once(binding.root).chain(binding.records.iter().copied()).collect(),
        Content::Request(request) => vec![request.subject],
        Content::Review(review) => {
            let (one, other) = review.ruling.records();
            std::iter::once(one).chain(other).collect()
        }
        Content::Open(_)
        | Content::Policy(_)
        | Content::Rejected(_)
        | Content::Commit(_)
        | Content::Erasure(_)
        | Content::Key(_)
        | Content::Redaction(_)
        | Content::Read(_)
        | Content::Tick(_)
        | Content::Erased { .. }
        | Content::Sealed { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_split_into_what_fits() {
        assert_eq!(split(&[]), [&[] as &[Birth]]);
        let roots: Vec<Birth> = (0..100_000u64).map(|n| Birth(n * 300)).collect();
        let parts = split(&roots);
        assert!(parts.len() > 3, "{}", parts.len());
        assert_eq!(parts.concat(), roots);
        for part in parts {
            let mut before = None;
            let bytes: usize = part.iter().map(|root| packed_bytes(before.replace(*root), *root)).sum();
            assert!(bytes <= ROOT_BYTES_MAX && bytes > 0, "{bytes}");
        }
    }

    #[test]
    fn an_access_names_somebody() {
        let access = |actor: &str, request: Option<&str>| Access {
            actor: actor.to_owned(),
            purpose: None,
            request: request.map(str::to_owned),
        };
        assert!(access("ada", Some("R-2026-0001")).check().is_ok());
        for (actor, request) in [("", None), (" ", None), ("a\nb", None), ("ada", Some("")), ("ada", Some("a@b"))] {
            assert!(access(actor, request).check().is_err(), "{actor:?} {request:?}");
        }
    }
}
