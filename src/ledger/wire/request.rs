//! How requests of persons are written (see `FORMAT.md`).
//!
//! INVARIANT: a step has one form: what it does not have is zero.

use super::super::error::Error;
use super::super::kind::{Kind, Seal};
use super::super::payload::Written;
use super::super::request::{Law, Outcome, Request, Right, Step};
use super::super::tree::Digest;
use super::put;
use crate::encoding::canonical;
use crate::model::Birth;

/// Subject, right, law, received, due, step, ended, digest; reference, who, why.
type RequestWire = ((u64, u8, u8, i32, i32, u8, i32, Digest), String, String, String);

const OPENED: u8 = 1;
const EXTENDED: u8 = 2;
const ADVANCED: u8 = 3;
const FULFILLED: u8 = 4;
const REFUSED: u8 = 5;
/// What is added to the step that a request of an erased person stands at.
const KEPT: u8 = 0x10;

impl Written for Request {
    fn kind(&self) -> Kind {
        Kind::Request
    }

    fn seal(&self) -> Seal {
        Seal::Record(self.subject)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let closed = |outcome| if outcome == Outcome::Fulfilled { FULFILLED } else { REFUSED };
        let (step, ended_day, digest) = match self.step {
            Step::Opened => (OPENED, 0, [0; 32]),
            Step::Extended => (EXTENDED, 0, [0; 32]),
            Step::Advanced { digest } => (ADVANCED, 0, digest),
            Step::Closed(outcome) => (closed(outcome), 0, [0; 32]),
            Step::Kept { outcome: Some(outcome), ended_day, .. } => (KEPT | closed(outcome), ended_day, [0; 32]),
            Step::Kept { extended: true, .. } => (KEPT | EXTENDED, 0, [0; 32]),
            Step::Kept { .. } => (KEPT | OPENED, 0, [0; 32]),
        };
        let (right, law) = (self.right as u8, self.law as u8);
        let head = (self.subject.0, right, law, self.received_day, self.due_day, step, ended_day, digest);
        put(Kind::Request, &(head, &self.reference, &self.by, &self.reason), out)
    }
}

pub(super) fn read_request(bytes: &[u8]) -> Option<Request> {
    let (head, reference, by, reason): RequestWire = canonical::decode(bytes).ok()?;
    let (subject, right, law, received_day, due_day, code, ended_day, digest) = head;
    let outcome = match code & !KEPT {
        FULFILLED => Some(Outcome::Fulfilled),
        REFUSED => Some(Outcome::Refused),
        _ => None,
    };
    let kept = code & KEPT != 0;
    let step = match (code & !KEPT, outcome) {
        (OPENED | EXTENDED, _) if kept => Step::Kept { extended: code == KEPT | EXTENDED, outcome: None, ended_day },
        (OPENED, _) => Step::Opened,
        (EXTENDED, _) => Step::Extended,
        (ADVANCED, _) if !kept => Step::Advanced { digest },
        (_, Some(_)) if kept => Step::Kept { extended: false, outcome, ended_day },
        (_, Some(outcome)) => Step::Closed(outcome),
        _ => return None,
    };
    let dated = kept && outcome.is_some();
    let handed = matches!(step, Step::Advanced { .. });
    if (!dated && ended_day != 0) || (!handed && digest != [0; 32]) {
        return None;
    }
    let right = Right::ALL.into_iter().find(|known| *known as u8 == right)?;
    let law = [Law::Gdpr, Law::Ccpa].into_iter().find(|known| *known as u8 == law)?;
    Some(Request { subject: Birth(subject), reference, right, law, received_day, due_day, step, by, reason })
}
