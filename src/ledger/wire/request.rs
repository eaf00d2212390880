//! How requests of persons are written (see `FORMAT.md`).
//!
//! INVARIANT: a step has one form: the digest is zeros but in a step that has one.

use super::super::error::Error;
use super::super::kind::{Kind, Seal};
use super::super::payload::Written;
use super::super::request::{Law, Outcome, Request, Right, Step};
use super::super::tree::Digest;
use super::put;
use crate::encoding::canonical;
use crate::model::Birth;

/// Subject, right, law, received, due, step, digest; reference, who, why.
type RequestWire = ((u64, u8, u8, i32, i32, u8, Digest), String, String, String);

impl Written for Request {
    fn kind(&self) -> Kind {
        Kind::Request
    }

    fn seal(&self) -> Seal {
        Seal::Record(self.subject)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let (step, digest) = match &self.step {
            Step::Opened => (1, [0; 32]),
            Step::Extended => (2, [0; 32]),
            Step::Advanced { digest } => (3, *digest),
            Step::Closed(Outcome::Fulfilled) => (4, [0; 32]),
            Step::Closed(Outcome::Refused) => (5, [0; 32]),
        };
        let (right, law) = (self.right as u8, self.law as u8);
        let head = (self.subject.0, right, law, self.received_day, self.due_day, step, digest);
        put(Kind::Request, &(head, &self.reference, &self.by, &self.reason), out)
    }
}

pub(super) fn read_request(bytes: &[u8]) -> Option<Request> {
    let (head, reference, by, reason): RequestWire = canonical::decode(bytes).ok()?;
    let (subject, right, law, received_day, due_day, step, digest) = head;
    let step = match step {
        1 => Step::Opened,
        2 => Step::Extended,
        3 => Step::Advanced { digest },
        4 => Step::Closed(Outcome::Fulfilled),
        5 => Step::Closed(Outcome::Refused),
        _ => return None,
    };
    if !matches!(step, Step::Advanced { .. }) && digest != [0; 32] {
        return None;
    }
    let right = Right::ALL.into_iter().find(|known| *known as u8 == right)?;
    let law = [Law::Gdpr, Law::Ccpa].into_iter().find(|known| *known as u8 == law)?;
    Some(Request { subject: Birth(subject), reference, right, law, received_day, due_day, step, by, reason })
}
