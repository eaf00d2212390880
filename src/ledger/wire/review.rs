//! How the decisions of stewards are written (see `FORMAT.md`).
//!
//! INVARIANT: a ruling has one form: of two records the older stands first, and what a ruling does not have is zero.

use super::super::error::Error;
use super::super::kind::{Kind, Seal};
use super::super::payload::{Review, Written};
use super::put;
use crate::encoding::canonical;
use crate::model::{AttributeId, Birth, IdentifierHash, KindId, PurposeId, Ruling, Sequence};

/// Says that there is no second record, or that nothing is withdrawn.
const NONE: u64 = u64::MAX;
const SAME: u8 = 1;
const DIFFERENT: u8 = 2;
const ALLOWED: u8 = 3;
const RESTRICTED: u8 = 4;
const OBJECTED: u8 = 5;
const HELD: u8 = 6;
const RECTIFIED: u8 = 7;
/// Says that all purposes are objected to.
const ALL_PURPOSES: u8 = u8::MAX;

/// Ruling, a record, another, kind (of an objection: purpose) and identifier (of a rectification: attribute), the entry
/// that is withdrawn, who, why.
type ReviewWire = (u8, u64, u64, u8, u128, u64, String, String);

impl Written for Review {
    fn kind(&self) -> Kind {
        Kind::Review
    }

    fn seal(&self) -> Seal {
        match self.ruling.records() {
            (a, Some(b)) => Seal::Pair(a, b),
            (carrier, None) => Seal::Record(carrier),
        }
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let (code, a, b, kind, identifier) = match self.ruling {
            Ruling::Same(a, b) => (SAME, a.0, b.0, 0, 0),
            Ruling::Different(a, b) => (DIFFERENT, a.0, b.0, 0, 0),
            Ruling::Allowed { kind, identifier, carrier } => (ALLOWED, carrier.0, NONE, kind.0, identifier.0),
            Ruling::Restricted { record } => (RESTRICTED, record.0, NONE, 0, 0),
            Ruling::Objected { record, purpose } => {
                (OBJECTED, record.0, NONE, purpose.map_or(ALL_PURPOSES, |purpose| purpose.0), 0)
            }
            Ruling::Held { record } => (HELD, record.0, NONE, 0, 0),
            Ruling::Rectified { record, attribute } => (RECTIFIED, record.0, NONE, 0, attribute.0.into()),
        };
        let ends = self.ends.map_or(NONE, |ends| ends.0);
        let said = (code, a, b, kind, identifier, ends, &self.by, &self.reason);
        match self.ruling {
            Ruling::Rectified { .. } => put(Kind::Review, &(said, &self.value), out),
            _ => put(Kind::Review, &said, out),
        }
    }
}

pub(super) fn read_review(bytes: &[u8]) -> Option<Review> {
    let (said, value): (ReviewWire, String) = match bytes.first() {
        Some(&RECTIFIED) => canonical::decode(bytes).ok()?,
        _ => (canonical::decode(bytes).ok()?, String::new()),
    };
    let (code, a, b, kind, identifier, ends, by, reason) = said;
    let pair = a < b && b != NONE && kind == 0 && identifier == 0;
    let single = b == NONE && identifier == 0;
    let record = Birth(a);
    let ruling = match code {
        RESTRICTED if single && kind == 0 => Ruling::Restricted { record },
        OBJECTED if single => Ruling::Objected { record, purpose: (kind != ALL_PURPOSES).then_some(PurposeId(kind)) },
        HELD if single && kind == 0 => Ruling::Held { record },
        RECTIFIED if b == NONE && kind == 0 && (ends == NONE || value.is_empty()) => {
            Ruling::Rectified { record, attribute: AttributeId(u16::try_from(identifier).ok()?) }
        }
        SAME if pair => Ruling::Same(Birth(a), Birth(b)),
        DIFFERENT if pair => Ruling::Different(Birth(a), Birth(b)),
        ALLOWED if b == NONE => {
            Ruling::Allowed { kind: KindId(kind), identifier: IdentifierHash(identifier), carrier: Birth(a) }
        }
        _ => return None,
    };
    Some(Review { ruling, ends: (ends != NONE).then_some(Sequence(ends)), by, reason, value })
}
