//! What holds for a person and not for a value: a hold against erasure, a restriction, an objection.
//!
//! Each is a decision about every live record of the profile, so that it goes with the records whatever becomes of the
//! profile, and ends with their keys. What it forbids is decided in the dataflow; a hold is asked for by erasures alone.
//! A record that joins a profile gets the marks of those that it joins, in an epoch that follows at once.
//!
//! INVARIANT: after each commit, and after opening, a mark that one member of a profile has is one that all have.

use super::decisions::Decisions;
use super::epoch::OpenEpoch;
use super::read::Reader;
use super::{Archive, Decided, Error, Onefold, Statement};
use crate::ledger::{Content, Position, Right};
use crate::model::{Birth, PurposeId, Ruling, Sequence};
use crate::store::ProfileRow;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Who sets a mark on a record that joins others.
const ONEFOLD: &str = "onefold";

/// What holds for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Nothing is erased (GDPR Art. 17(3)).
    Hold,
    /// All is kept and not used (Art. 18).
    Restriction,
    /// An objection to a purpose, or to all (Art. 21).
    Objection(Option<PurposeId>),
}

/// A mark that holds for a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MarkView {
    /// The entry that says so.
    pub entry: Sequence,
    /// `hold`, `restriction` or `objection`.
    pub mark: &'static str,
    /// The purpose of an objection; none: all.
    pub purpose: Option<String>,
    /// The profile that the record is in.
    pub profile: Option<String>,
    /// The record, as SOURCE:KEY.
    pub record: String,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, seconds since 1970.
    pub at_s: u32,
}

impl Mark {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Restriction => "restriction",
            Self::Objection(_) => "objection",
        }
    }

    /// The right that it is set for; none: that of nobody.
    pub fn right(self) -> Option<Right> {
        match self {
            Self::Hold => None,
            Self::Restriction => Some(Right::Restriction),
            Self::Objection(_) => Some(Right::Objection),
        }
    }

    fn ruling(self, record: Birth) -> Ruling {
        match self {
            Self::Hold => Ruling::Held { record },
            Self::Restriction => Ruling::Restricted { record },
            Self::Objection(purpose) => Ruling::Objected { record, purpose },
        }
    }

    pub(super) fn of(ruling: Ruling) -> Option<Self> {
        match ruling {
            Ruling::Held { .. } => Some(Self::Hold),
            Ruling::Restricted { .. } => Some(Self::Restriction),
            Ruling::Objected { purpose, .. } => Some(Self::Objection(purpose)),
            _ => None,
        }
    }
}

impl Onefold {
    /// Sets a mark on all live records of the profile of this root, and commits. Records that join them later get it
    /// with the commit that joins them. Gives the entries that are new.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such profile; as [`decide`](Self::decide).
    pub fn set_mark(&mut self, root: Birth, mark: Mark, statement: &Statement) -> Result<Vec<Sequence>, Error> {
        self.commit()?;
        let mut entries = Vec::new();
        for record in self.marked(root)? {
            if let Decided::Taken(entry) = self.decide(mark.ruling(record), statement)? {
                entries.push(entry);
            }
        }
        self.commit()?;
        Ok(entries)
    }

    /// Takes a mark off all records of the profile of this root, deleted ones included, and commits; gives the entries
    /// of the withdrawals.
    ///
    /// # Errors
    /// [`Error::NotFound`] when none of them has it.
    pub fn end_mark(&mut self, root: Birth, mark: Mark, statement: &Statement) -> Result<Vec<Sequence>, Error> {
        self.commit()?;
        let mut entries = Vec::new();
        let mut records = self.marked(root)?;
        // Those that their sources deleted would bring it back with them.
        records.extend(self.decisions.marked().filter(|record| self.departed_root(*record) == Some(root)));
        for record in records {
            match self.withdraw(mark.ruling(record), statement) {
                Ok(entry) => entries.push(entry),
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if entries.is_empty() {
            return Err(Error::NotFound { what: format!("no {} holds for this person", mark.name()) });
        }
        self.commit()?;
        Ok(entries)
    }

    /// The profile that goes on from the one that a deleted record was in.
    fn departed_root(&self, record: Birth) -> Option<Birth> {
        self.records.get(record).filter(|known| !known.live)?;
        self.living_root(record)
    }

    /// The roots of those profiles in which not all members have the same marks.
    pub(super) fn unequal(&self, profiles: &[(Birth, Option<ProfileRow>)]) -> BTreeSet<Birth> {
        let unequal = |row: &ProfileRow| self.decisions.differ(&row.members);
        profiles.iter().filter(|(_, row)| row.as_ref().is_some_and(unequal)).map(|(root, _)| *root).collect()
    }

    /// The roots of the profiles whose marks an epoch set or ended.
    pub(super) fn remarked(&self, open: &OpenEpoch) -> Vec<Birth> {
        let marks = open.rulings.keys().filter(|ruling| Mark::of(**ruling).is_some());
        marks.filter_map(|ruling| self.records.root(ruling.records().0)).collect()
    }

    /// Sets the marks that a stop left unset.
    pub(super) fn finish_marks(&mut self) -> Result<(), Error> {
        let roots = self.decisions.marked().filter_map(|record| self.records.root(record)).collect();
        self.spread_marks(roots)
    }

    /// Sets what is marked of one member of these profiles on all others, in an epoch of its own. After that epoch the
    /// same is done: it comes to an end, for each time marks are set that were not, and none is taken off.
    pub(super) fn spread_marks(&mut self, roots: BTreeSet<Birth>) -> Result<(), Error> {
        for root in roots {
            let members = self.index.profile(root)?.map_or_else(Vec::new, |row| row.members);
            let mut first: BTreeMap<Mark, Sequence> = BTreeMap::new();
            for (mark, entry) in members.iter().flat_map(|record| self.decisions.marks(*record)) {
                first.entry(mark).and_modify(|first| *first = entry.min(*first)).or_insert(entry);
            }
            for record in members {
                for (mark, entry) in &first {
                    if self.decisions.find(mark.ruling(record)).is_none() {
                        let reason = format!("joined a profile for which entry #{entry} sets it");
                        let statement = Statement { by: ONEFOLD.to_owned(), reason };
                        self.record_review(mark.ruling(record), None, &statement, "")?;
                    }
                }
            }
        }
        if self.open.decisions.is_empty() {
            return Ok(());
        }
        self.tick_if_due()?;
        self.close_epoch(None).map(drop)
    }

    pub(super) fn marked(&self, root: Birth) -> Result<Vec<Birth>, Error> {
        let missing = || Error::NotFound { what: "there is no such profile".to_owned() };
        Ok(self.index.profile(root)?.ok_or_else(missing)?.members)
    }
}

impl Archive {
    /// The marks that hold, in the order in which they were set.
    ///
    /// # Errors
    /// When index or ledger cannot be read.
    pub fn marks(&self) -> Result<Vec<MarkView>, Error> {
        self.reader()?.marks_of(|_| true)
    }
}

impl Reader<'_> {
    /// The marks of some records.
    pub(super) fn marks_of(&self, wanted: impl Fn(Birth) -> bool) -> Result<Vec<MarkView>, Error> {
        let mut views = Vec::new();
        for (entry, row) in Decisions::load(self.index)?.iter() {
            let (record, _) = row.ruling.records();
            let Some(mark) = Mark::of(row.ruling).filter(|_| wanted(record)) else { continue };
            let read = self.entries.read(Position(row.position))?;
            let Content::Review(review) = read.content else {
                return Err(Error::Unaccounted { what: "a decision's entry is no review" });
            };
            let purpose = match mark {
                Mark::Objection(Some(id)) => self.schema.purposes.get(usize::from(id.0)).map(|p| p.name.clone()),
                _ => None,
            };
            views.push(MarkView {
                entry,
                mark: mark.name(),
                purpose,
                profile: self.profile_at(record)?.map(|id| id.to_string()),
                record: self.name_of(record)?.name(),
                by: review.by,
                reason: review.reason,
                at_s: read.header.time_s,
            });
        }
        Ok(views)
    }
}
