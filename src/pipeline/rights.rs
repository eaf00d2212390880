//! What holds for a person and not for a value: a hold against erasure, a restriction, an objection.
//!
//! Each is a decision about every live record of the profile, so that it goes with the records whatever becomes of the
//! profile, and ends with their keys. What it forbids is decided in the dataflow; a hold is asked for by erasures alone.

use super::decisions::Decisions;
use super::read::Reader;
use super::{Archive, Decided, Error, Onefold, Statement};
use crate::ledger::{Content, Position, Right};
use crate::model::{Birth, PurposeId, Ruling, Sequence};
use serde::Serialize;

/// What holds for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    fn of(ruling: Ruling) -> Option<Self> {
        match ruling {
            Ruling::Held { .. } => Some(Self::Hold),
            Ruling::Restricted { .. } => Some(Self::Restriction),
            Ruling::Objected { purpose, .. } => Some(Self::Objection(purpose)),
            _ => None,
        }
    }
}

impl Onefold {
    /// Sets a mark on all live records of the profile of this root, and commits; gives the entries that are new.
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

    /// Takes a mark off all records of the profile of this root, and commits; gives the entries of the withdrawals.
    ///
    /// # Errors
    /// [`Error::NotFound`] when none of them has it.
    pub fn end_mark(&mut self, root: Birth, mark: Mark, statement: &Statement) -> Result<Vec<Sequence>, Error> {
        self.commit()?;
        let mut entries = Vec::new();
        for record in self.marked(root)? {
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
