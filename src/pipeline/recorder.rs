//! Where derived entries go: into the ledger, or, when an epoch is replayed, to the entries that record it already.
//!
//! INVARIANT: a replayed epoch derives exactly the entries that the ledger holds for it; anything else is an error.

use super::Error;
use crate::ledger::{Decision, Ledger, Merge, Placed, Unmerge, Values};
use crate::model::{Birth, Link, Sequence};
use hashbrown::HashMap;

/// Takes derived entries and gives their sequences.
pub(super) enum Recorder<'a> {
    /// Appends to the ledger.
    Writing(&'a mut Ledger),
    /// Finds what was written before.
    Replaying(&'a mut Written),
}

/// The derived entries of one epoch as they stand in the ledger.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub merges: HashMap<Link, Sequence>,
    pub unmerges: HashMap<Link, (Unmerge, Sequence)>,
    pub values: HashMap<(Birth, Birth), (Values, Sequence)>,
    pub decisions: HashMap<Birth, (Decision, Sequence)>,
}

impl Written {
    /// Whether every entry has been accounted for.
    pub fn is_empty(&self) -> bool {
        self.merges.is_empty() && self.unmerges.is_empty() && self.values.is_empty() && self.decisions.is_empty()
    }
}

const DIFFERS: Error = Error::Unaccounted { what: "a replayed epoch derives other entries than were recorded" };

impl Recorder<'_> {
    pub fn merge(&mut self, merge: &Merge) -> Result<Sequence, Error> {
        match self {
            Self::Writing(ledger) => placed(ledger.append(merge)),
            Self::Replaying(written) => written.merges.remove(&merge.link).ok_or(DIFFERS),
        }
    }

    pub fn unmerge(&mut self, unmerge: &Unmerge) -> Result<Sequence, Error> {
        match self {
            Self::Writing(ledger) => placed(ledger.append(unmerge)),
            Self::Replaying(written) => same(written.unmerges.remove(&unmerge.link), unmerge),
        }
    }

    pub fn values(&mut self, values: &Values) -> Result<Sequence, Error> {
        match self {
            Self::Writing(ledger) => placed(ledger.append(values)),
            Self::Replaying(written) => same(written.values.remove(&(values.root, values.record)), values),
        }
    }

    pub fn decision(&mut self, decision: &Decision) -> Result<Sequence, Error> {
        match self {
            Self::Writing(ledger) => placed(ledger.append(decision)),
            Self::Replaying(written) => same(written.decisions.remove(&decision.root), decision),
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
