//! What a request entry says: that a person asked for a right of theirs, and what became of it.
//!
//! It is sealed under the key of the person's oldest record, so that nothing in clear names anybody and the request ends
//! with the person, as far as who asked is concerned; the index keeps reference, dates and outcome.

use super::tree::Digest;
use crate::model::Birth;

/// The number under which requests of erased persons are sealed; no record has it.
pub const REQUESTS_NUMBER: u64 = (1 << 62) + 1;

/// The right that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Right {
    /// A copy of everything (GDPR Art. 15; CCPA 1798.110).
    Access = 1,
    /// A copy of what was provided, to take elsewhere (GDPR Art. 20).
    Portability = 2,
    /// That something is corrected (GDPR Art. 16; CCPA 1798.106).
    Rectification = 3,
    /// To be forgotten (GDPR Art. 17; CCPA 1798.105).
    Erasure = 4,
    /// That data is kept and not used (GDPR Art. 18; CCPA 1798.121).
    Restriction = 5,
    /// That it is not used for a purpose (GDPR Art. 21; CCPA 1798.120).
    Objection = 6,
}

impl Right {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Access, Self::Portability, Self::Rectification, Self::Erasure, Self::Restriction, Self::Objection];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Portability => "portability",
            Self::Rectification => "rectification",
            Self::Erasure => "erasure",
            Self::Restriction => "restriction",
            Self::Objection => "objection",
        }
    }
}

/// Under which law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Law {
    /// One month, two more with notice (Art. 12(3)).
    Gdpr = 1,
    /// 45 days, 45 more once (1798.130(a)(2)); 15 business days to opt out or limit (11 CCR 7026(f), 7027(g)).
    Ccpa = 2,
}

impl Law {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gdpr => "gdpr",
            Self::Ccpa => "ccpa",
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// What was asked for was done.
    Fulfilled = 1,
    /// It was refused, for the reason that the entry gives.
    Refused = 2,
}

impl Outcome {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fulfilled => "fulfilled",
            Self::Refused => "refused",
        }
    }
}

/// What happened to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It came.
    Opened,
    /// Its deadline was extended, and the person was told.
    Extended,
    /// Something was done for it; what was handed over has this SHA-256, zeros when nothing was.
    Advanced {
        /// Of what was handed over.
        digest: Digest,
    },
    /// It ended.
    Closed(Outcome),
    /// The record it was opened for was erased: what is left of it, for another record of the profile that goes on, or
    /// under [`REQUESTS_NUMBER`].
    Kept {
        /// Whether its deadline was extended, of one that has not ended.
        extended: bool,
        /// How it ended, of one that has.
        outcome: Option<Outcome>,
        /// When it ended, days since 1970; 0 of one that has not.
        ended_day: i32,
    },
}

impl Step {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Extended => "extended",
            Self::Advanced { .. } => "advanced",
            Self::Closed(outcome) => outcome.name(),
            Self::Kept { .. } => "kept",
        }
    }
}

/// A request of a person, or what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The oldest record of the person's profile when it came; its key seals the entry.
    pub subject: Birth,
    /// Its reference. It names no person.
    pub reference: String,
    /// What is asked for.
    pub right: Right,
    /// Under which law.
    pub law: Law,
    /// When it was received, days since 1970.
    pub received_day: i32,
    /// By when it is to be answered, days since 1970.
    pub due_day: i32,
    /// What happened.
    pub step: Step,
    /// Who says so.
    pub by: String,
    /// Why; may be empty when it is opened.
    pub reason: String,
}
