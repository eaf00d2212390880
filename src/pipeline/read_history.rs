//! The chain of reads for whoever looks into it: what it says, whether it is whole, and its end after a time.
//!
//! INVARIANT: of whole months only the oldest go; the newest always stays, for the next one chains to it.

use super::month::Month;
use super::reads::{chain_id, held, months};
use super::shown_under::ShownUnder;
use super::{Archive, Error, directory::Directory};
use crate::crypto::LedgerId;
use crate::ledger::{self, Content, Digest, Kind, Read};
use crate::model::{Birth, ProfileId};
use serde::Serialize;
use std::path::Path;

/// How many months of reads are kept when nobody says otherwise.
pub const READS_MONTHS_KEPT: u32 = 24;

/// A read that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadView {
    /// In which month's chain it stands.
    pub month: String,
    /// Its entry there.
    pub entry: u64,
    /// When, seconds since 1970.
    pub at_s: u32,
    /// Who.
    pub actor: String,
    /// For what; none: an inspection by the operator.
    pub purpose: Option<String>,
    /// On which request.
    pub request: Option<String>,
    /// What was done.
    pub operation: &'static str,
    /// Whether values were given out.
    pub allowed: bool,
    /// The profile as it is called now; none when there were several, or it has ended.
    pub profile: Option<String>,
    /// Records of one profile, or profiles.
    pub count: u64,
    /// Whether it was about several profiles.
    pub several: bool,
    /// What was read.
    pub attributes: Vec<String>,
    /// The last epoch that was seen.
    pub epoch: u64,
}

/// What is wanted of the reads.
#[derive(Clone, Debug, Default)]
pub struct ReadFilter {
    /// Only those of the profile of this root, and of those that its records were in when they were read.
    pub subject: Option<Birth>,
    /// Only those since then, seconds since 1970.
    pub since_s: u32,
}

/// A month of reads that verifies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifiedReads {
    /// Which.
    pub month: String,
    /// Entries in all.
    pub entries: u64,
    /// Of these, how many record reads.
    pub reads: u64,
    /// What it goes on from.
    pub after: ReadsAfter,
}

/// What a month of reads goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadsAfter {
    /// It is the first.
    Nothing,
    /// From the month before it here.
    Before,
    /// From one that was deleted, so that this cannot be checked here.
    Deleted,
}

impl Archive {
    /// The reads that were recorded, oldest first, and how many others can no longer be read, because the persons that they
    /// were about are erased.
    ///
    /// # Errors
    /// When a chain cannot be read.
    pub fn reads(&self, filter: &ReadFilter) -> Result<(Vec<ReadView>, u64), Error> {
        let folder = self.directory.reads();
        let reader = self.reader()?;
        let (mut views, mut erased) = (Vec::new(), 0);
        let members = filter.subject.map(|subject| self.index.profile(subject)).transpose()?.flatten();
        let members = members.map(|row| row.members).unwrap_or_default();
        let shown = filter.subject.map(|_| self.shown_under(&members)).transpose()?.unwrap_or_default();
        for month in months(&folder)? {
            let chain = ledger::Reader::open_chain(&folder.join(month.to_string()), &self.keys)?;
            chain.scan(None, |entry| -> Result<(), Error> {
                if entry.header.time_s < filter.since_s {
                    return Ok(());
                }
                let read = match entry.content {
                    Content::Read(read) => read,
                    Content::Erased { .. } => {
                        erased += 1;
                        return Ok(());
                    }
                    _ => return Ok(()),
                };
                // Of a read in several parts, the first says what there is to say.
                let about = match filter.subject {
                    None => read.part == 1,
                    Some(subject) => self.is_about(&read, subject, &members, &shown)?,
                };
                if about {
                    let id = if read.is_bulk() { None } else { reader.profile_at(read.root)? };
                    views.push(view(month, &entry.placed, entry.header.time_s, read, id));
                }
                Ok(())
            })?;
        }
        Ok((views, erased))
    }

    /// Whether a read was about the profile of a root, or one that a record of it was in then, by the root that it had.
    fn is_about(&self, read: &Read, subject: Birth, members: &[Birth], shown: &ShownUnder) -> Result<bool, Error> {
        let reader = self.reader()?;
        let roots = if read.is_bulk() { read.roots.as_slice() } else { std::slice::from_ref(&read.root) };
        if shown.any(read.epoch, roots)
            || roots.iter().any(|root| *root == subject || members.binary_search(root).is_ok())
        {
            return Ok(true);
        }
        // A root whose record was deleted since leads to the profile that goes on.
        for root in roots {
            if self.index.profile(*root)?.is_none() && reader.leads_to(*root)? == Some(subject) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn view(month: Month, placed: &ledger::Placed, at_s: u32, read: Read, profile: Option<ProfileId>) -> ReadView {
    let several = read.is_bulk();
    ReadView {
        month: month.to_string(),
        entry: placed.sequence.0,
        at_s,
        actor: read.actor,
        purpose: read.purpose,
        request: read.request,
        operation: read.operation.name(),
        allowed: read.allowed,
        profile: profile.map(|id| id.to_string()),
        count: read.count,
        several,
        attributes: read.attributes,
        epoch: read.epoch.0,
    }
}

/// Verifies the chain of reads of a data directory whose ledger has this id; without keys.
///
/// # Errors
/// [`Error::ReadsBroken`] when months do not chain, and what the verifier says of a month.
pub fn verify_reads(data: &Path, main: LedgerId) -> Result<Vec<VerifiedReads>, Error> {
    let folder = data.join("reads");
    let mut verified = Vec::new();
    let mut before: Option<Digest> = None;
    for month in months(&folder)? {
        let dir = folder.join(month.to_string());
        let report = ledger::verify(&dir, &[], |_| {})
            .map_err(|error| Error::ReadsDamaged { month: month.to_string(), error: Box::new(error) })?;
        let after = match &before {
            Some(head) if report.ledger == chain_id(main, month, Some(head)) => ReadsAfter::Before,
            Some(_) => return Err(Error::ReadsBroken { month: month.to_string() }),
            None if report.ledger == chain_id(main, month, None) => ReadsAfter::Nothing,
            None => ReadsAfter::Deleted,
        };
        let reads = report.kinds.iter().find(|(kind, _)| *kind == Kind::Read).map_or(0, |(_, count)| *count);
        before = Some(report.head);
        verified.push(VerifiedReads { month: month.to_string(), entries: report.entries, reads, after });
    }
    Ok(verified)
}

/// Deletes the months of reads before the newest `keep` calendar months, of which the present one is the last; gives those
/// that were deleted.
///
/// # Errors
/// [`Error::BadName`] when none is to be kept, [`Error::ReadsInUse`], and when a month cannot be deleted.
pub fn prune_reads(data: &Path, keep: u32, now_s: u32) -> Result<Vec<String>, Error> {
    if keep == 0 {
        return Err(Error::BadName { what: "at least one month of reads is kept".to_owned() });
    }
    if !data.join("ledger").is_dir() {
        return Err(Error::NotInitialised { path: data.to_owned() });
    }
    let folder = data.join("reads");
    let Some(_lock) = held(&folder)? else { return Ok(Vec::new()) };
    let oldest = Month::of(now_s).minus(keep - 1);
    let mut all = months(&folder)?;
    all.pop();
    let mut pruned = Vec::new();
    for month in all.into_iter().filter(|month| *month < oldest) {
        Directory::remove(&folder.join(month.to_string()))?;
        pruned.push(month.to_string());
    }
    Ok(pruned)
}
