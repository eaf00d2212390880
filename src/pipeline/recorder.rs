//! Where derived entries go: into the ledger, or, when an epoch is replayed, to the entries that record it already.
//!
//! INVARIANT: a replayed epoch derives exactly the entries that the ledger holds for it; anything else is an error.

use super::Error;
use crate::ledger::{Ledger, Merge, Permissions, Placed, Unmerge, Uses};
use crate::model::{Birth, Link, Sequence};
use hashbrown::HashMap;

/// Takes derived entries and gives their sequences.
pub(super) enum Recorder<'a> {
    /// Appends to the ledger.
    Writing(&'a mut Ledger),
    /// Finds what was written before.
    Replaying(&'a mut Written),
    /// Neither: records that had a part in the epoch are erased by now, or another bundle came into force since, so what
    /// follows is not what was recorded. The rows get their entries when the last such epoch is over.
    Unrecorded,
}

/// How an epoch that stands in the ledger is gone through again.
pub(super) enum Replayed<'a> {
    /// It derives exactly these entries.
    As(&'a mut Written),
    /// Records of it were erased since, or another bundle came into force.
    Altered,
}

/// Stands for an entry that is looked up later.
const LATER: Sequence = Sequence(0);

/// The derived entries of one epoch as they stand in the ledger.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub merges: HashMap<Link, Sequence>,
    pub unmerges: HashMap<Link, (Unmerge, Sequence)>,
    pub uses: HashMap<(Birth, Birth), (Uses, Sequence)>,
    pub permissions: HashMap<Birth, (Permissions, Sequence)>,
}

impl Written {
    /// Whether every entry has been accounted for.
    pub fn is_empty(&self) -> bool {
        self.merges.is_empty() && self.unmerges.is_empty() && self.uses.is_empty() && self.permissions.is_empty()
    }
}

const DIFFERS: Error = Error::Unaccounted { what: "a replayed epoch derives other entries than were recorded" };

impl Recorder<'_> {
    pub fn merge(&mut self, merge: &Merge) -> Result<Sequence, Error> {
        match self {
            Self::Writing(ledger) => placed(ledger.append(merge)),
            Self::Replaying(written) => written.merges.remove(&merge.link).ok_or(DIFFERS),
            Self::Unrecorded => Ok(LATER),
        }
    }

    pub fn unmerge(&mut self, unmerge: &Unmerge) -> Result<Sequence, Error> {
        match self {
            Self::Writing(ledger) => placed(ledger.append(unmerge)),
            Self::Replaying(written) => same(written.unmerges.remove(&unmerge.link), unmerge),
            Self::Unrecorded => Ok(LATER),
        }
    }

    pub fn uses(&mut self, uses: &Uses) -> Result<Sequence, Error> {
        match self {
            Self::Writing(ledger) => placed(match uses.plain() {
                Some(values) => ledger.append(&values),
                None => ledger.append(uses),
            }),
            Self::Replaying(written) => same(written.uses.remove(&(uses.root, uses.record)), uses),
            Self::Unrecorded => Ok(LATER),
        }
    }

    pub fn permissions(&mut self, permissions: &Permissions) -> Result<Sequence, Error> {
        match self {
            Self::Writing(ledger) => placed(ledger.append(permissions)),
            Self::Replaying(written) => same(written.permissions.remove(&permissions.root), permissions),
            Self::Unrecorded => Ok(LATER),
        }
    }
}

fn placed(result: Result<Placed, crate::ledger::Error>) -> Result<Sequence, Error> {
    Ok(result?.sequence)
}

/// The sequence of a recorded entry, when it says what was derived.
fn same<P: PartialEq>(found: Option<(P, Sequence)>, derived: &P) -> Result<Sequence, Error> {
    match found {
        Some((recorded, sequence)) if recorded == *derived => Ok(sequence),
        _ => Err(DIFFERS),
    }
}
