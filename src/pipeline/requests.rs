//! Requests of persons: opened, extended, advanced, closed, each step an entry of the ledger; and by when they are due.
//!
//! They are inputs, as reviews are: durable with the commit, replayed from the ledger. Their entries are sealed under the
//! key of the person's oldest record. When that is erased, what is left of each request is written once more: for the
//! oldest record of the profile that goes on; where none does, under a number that no record has: its reference, dates and
//! outcome, and not whose it was.
//!
//! By when one is due is computed once, when it is opened or extended, and stands in its entries from then on: what a
//! ledger says does not change with how a law is counted later.
//!
//! INVARIANT: a request that was closed stays as it is.

use super::access::check_reference;
use super::day::{Day, due, extended};
use super::epoch::OpenEpoch;
use super::lookup::Finder;
use super::{Archive, Error, Onefold, Statement};
use crate::ledger::{self, Content, Digest, Law, Outcome, REQUESTS_NUMBER, Request, Right, Step};
use crate::model::{Birth, Sequence};
use crate::store::{Batch, RequestRow};
use serde::Serialize;

/// A request that comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequest {
    /// The oldest record of the profile of the person who asks.
    pub subject: Birth,
    /// What is asked for.
    pub right: Right,
    /// Under which law.
    pub law: Law,
    /// When it was received; today if not given.
    pub received: Option<Day>,
    /// Its reference; made when not given.
    pub reference: Option<String>,
}

/// A request as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestView {
    /// Its reference.
    pub reference: String,
    /// What is asked for.
    pub right: &'static str,
    /// Under which law.
    pub law: &'static str,
    /// `open`, `extended`, `fulfilled` or `refused`.
    pub state: &'static str,
    /// When it was received.
    pub received: String,
    /// By when it is to be answered.
    pub due: String,
    /// Whether that day has passed and it is not answered.
    pub overdue: bool,
    /// When it ended.
    pub ended: Option<String>,
    /// The profile of the person; none when it is gone.
    pub profile: Option<String>,
}

/// A step of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepView {
    /// Its entry.
    pub entry: Sequence,
    /// When, seconds since 1970.
    pub at_s: u32,
    /// `opened`, `extended`, `advanced`, `fulfilled`, `refused`, or `kept` when the record it was opened for was erased.
    pub step: &'static str,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// SHA-256 of what was handed over, hexadecimal.
    pub sha256: Option<String>,
}

/// Digits of the numbers that are counted on from; a longer one was given by hand.
const NUMBER_DIGITS_MAX: usize = 9;
const STATES: [&str; 4] = ["open", "extended", "fulfilled", "refused"];
const EXTENDED: u8 = 1;
const FULFILLED: u8 = 2;
const REFUSED: u8 = 3;

/// The right of its code in the index.
pub(super) fn right_of(code: u8) -> Result<Right, Error> {
    let found = Right::ALL.into_iter().find(|right| *right as u8 == code);
    found.ok_or(Error::Unaccounted { what: "the index names a right that there is not" })
}

/// The law of its code in the index.
pub(super) fn law_of(code: u8) -> Result<Law, Error> {
    let found = [Law::Gdpr, Law::Ccpa].into_iter().find(|law| *law as u8 == code);
    found.ok_or(Error::Unaccounted { what: "the index names a law that there is not" })
}

/// Whether a request waits for its answer.
pub(super) fn is_open(row: &RequestRow) -> bool {
    row.state <= EXTENDED
}

impl Onefold {
    /// Takes a request, durable and visible on return; gives its reference.
    ///
    /// # Errors
    /// [`Error::BadName`] when the reference cannot be recorded or is taken, or it is from the future;
    /// [`Error::NotFound`] when there is no such person.
    pub fn open_request(&mut self, new: &NewRequest, by: &str) -> Result<String, Error> {
        self.running()?;
        self.commit()?;
        super::Access::inspection(by).check()?;
        let today = Day::of(self.options.clock.now_s());
        let received = new.received.unwrap_or(today);
        if received > today {
            return Err(Error::BadName { what: "a request cannot have been received in the future".to_owned() });
        }
        let known = self.records.get(new.subject).is_some() && !self.records.is_erased(new.subject);
        if !known {
            return Err(Error::NotFound { what: "there is no such person".to_owned() });
        }
        let reference = match &new.reference {
            Some(reference) => reference.clone(),
            None => self.next_reference(received)?,
        };
        check_reference(&reference)?;
        if self.index.request(&reference)?.is_some() {
            return Err(Error::BadName { what: "another request has this reference".to_owned() });
        }
        let request = Request {
            subject: new.subject,
            reference: reference.clone(),
            right: new.right,
            law: new.law,
            received_day: received.0,
            due_day: due(new.law, new.right, received).0,
            step: Step::Opened,
            by: by.to_owned(),
            reason: String::new(),
        };
        self.record_request(&request)?;
        Ok(reference)
    }

    /// Extends the deadline of a request, of which the person was told.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::BadName`] when it has ended, was extended before, its first deadline has passed, or the
    /// law knows no extension for it.
    pub fn extend_request(&mut self, reference: &str, statement: &Statement) -> Result<Day, Error> {
        let (row, mut request) = self.going_on(reference, statement)?;
        let refuse = |what: &str| Err(Error::BadName { what: what.to_owned() });
        let Some(until) = extended(request.law, request.right, Day(row.received_day)) else {
            return refuse(
                "a request to opt out or to limit has no extension under the CCPA: 15 business days are all there is \
                 (11 CCR 7026(f), 7027(g))",
            );
        };
        if row.state == EXTENDED {
            return refuse("the request was extended before, and can be only once");
        }
        if Day::of(self.options.clock.now_s()) > Day(row.due_day) {
            return refuse("the deadline has passed: an extension takes notice within it");
        }
        (request.due_day, request.step) = (until.0, Step::Extended);
        self.record_request(&request)?;
        Ok(until)
    }

    /// Records that something was done for a request; `digest` is the SHA-256 of what was handed over, or zeros.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::BadName`] when it has ended.
    pub fn advance_request(&mut self, reference: &str, digest: Digest, statement: &Statement) -> Result<(), Error> {
        let (_, mut request) = self.going_on(reference, statement)?;
        request.step = Step::Advanced { digest };
        self.record_request(&request)
    }

    /// Ends a request.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::BadName`] when it has ended before.
    pub fn close_request(&mut self, reference: &str, outcome: Outcome, statement: &Statement) -> Result<(), Error> {
        let (_, mut request) = self.going_on(reference, statement)?;
        request.step = Step::Closed(outcome);
        self.record_request(&request)
    }

    /// A request that has not ended, and the frame of its next entry.
    fn going_on(&mut self, reference: &str, statement: &Statement) -> Result<(RequestRow, Request), Error> {
        self.running()?;
        self.commit()?;
        statement.check()?;
        let missing = || Error::NotFound { what: "there is no request of this reference".to_owned() };
        let row = self.index.request(reference)?.ok_or_else(missing)?;
        if !is_open(&row) {
            return Err(Error::BadName { what: "the request has ended".to_owned() });
        }
        let request = Request {
            subject: row.subject.unwrap_or(Birth(REQUESTS_NUMBER)),
            reference: reference.to_owned(),
            right: right_of(row.right)?,
            law: law_of(row.law)?,
            received_day: row.received_day,
            due_day: row.due_day,
            step: Step::Opened,
            by: statement.by.clone(),
            reason: statement.reason.clone(),
        };
        Ok((row, request))
    }

    /// Writes a step and commits it.
    fn record_request(&mut self, request: &Request) -> Result<(), Error> {
        self.stamp();
        let placed = self.ledger.append(request).map_err(Error::from);
        self.stop_on_error(placed)?;
        let day = Day::of(self.options.clock.now_s());
        let settled = self.settle_request(request, day);
        self.stop_on_error(settled)?;
        self.commit().map(|_| ())
    }

    /// A reference that no request has: `R-2026-0001`.
    fn next_reference(&self, received: Day) -> Result<String, Error> {
        let prefix = format!("R-{:04}-", received.parts().0);
        let mut last = 0u64;
        for row in self.index.requests() {
            let (reference, _) = row?;
            let number = reference.strip_prefix(&prefix).filter(|number| number.len() <= NUMBER_DIGITS_MAX);
            last = last.max(number.and_then(|number| number.parse().ok()).unwrap_or(0));
        }
        Ok(format!("{prefix}{:04}", last.saturating_add(1)))
    }

    /// Puts a step of a request that stands in the ledger into the open epoch.
    pub(super) fn settle_request(&mut self, request: &Request, day: Day) -> Result<(), Error> {
        let before = match self.open.requests.get(&request.reference) {
            Some(row) => Some(*row),
            None => self.index.request(&request.reference)?,
        };
        let (right, law) = (request.right as u8, request.law as u8);
        let (received_day, due_day) = (request.received_day, request.due_day);
        let subject = (request.subject.0 != REQUESTS_NUMBER).then_some(request.subject);
        let opened = RequestRow { subject, right, law, state: 0, received_day, due_day, ended_day: None };
        let row = match (&request.step, before) {
            (Step::Opened, None) => opened,
            (Step::Kept { outcome: None, extended, .. }, _) => RequestRow { state: u8::from(*extended), ..opened },
            (Step::Kept { outcome: Some(outcome), ended_day, .. }, _) => {
                RequestRow { state: ended(*outcome), ended_day: Some(*ended_day), ..opened }
            }
            (Step::Extended, Some(row)) => RequestRow { state: EXTENDED, due_day, ..row },
            (Step::Advanced { .. }, Some(row)) => row,
            (Step::Closed(outcome), Some(row)) => RequestRow { state: ended(*outcome), ended_day: Some(day.0), ..row },
            (Step::Opened, Some(_)) => return Err(Error::Unaccounted { what: "a request is opened twice" }),
            // Its beginning was sealed under the key of somebody who is erased.
            (_, None) => return Ok(()),
        };
        self.open.requests.insert(request.reference.clone(), row);
        Ok(())
    }

    /// Writes what is left of the requests of records that are being erased: for the person, where the profile goes on
    /// without them, else without whose they were.
    pub(super) fn keep_requests(&mut self, births: &[Birth]) -> Result<(), Error> {
        let rows: Vec<(String, RequestRow)> = self.index.requests().collect::<Result<_, _>>()?;
        for (reference, row) in rows {
            let Some(subject) = row.subject.filter(|subject| births.contains(subject)) else { continue };
            let root = self.reader()?.leads_to(subject)?;
            let profile = root.map(|root| self.index.profile(root)).transpose()?.flatten().unwrap_or_default();
            let left = profile.members.into_iter().find(|birth| !births.contains(birth));
            let outcome = match row.state {
                FULFILLED => Some(Outcome::Fulfilled),
                REFUSED => Some(Outcome::Refused),
                _ => None,
            };
            let ended_day = row.ended_day.unwrap_or_default();
            let kept = Request {
                subject: left.unwrap_or(Birth(REQUESTS_NUMBER)),
                reference,
                right: right_of(row.right)?,
                law: law_of(row.law)?,
                received_day: row.received_day,
                due_day: row.due_day,
                step: Step::Kept { extended: row.state == EXTENDED, outcome, ended_day },
                by: String::new(),
                reason: String::new(),
            };
            self.ledger.append(&kept)?;
            self.settle_request(&kept, Day(ended_day))?;
        }
        Ok(())
    }

    /// Whether a request waits for its answer; `None` when there is none of this reference.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn request_is_open(&self, reference: &str) -> Result<Option<bool>, Error> {
        Ok(self.index.request(reference)?.map(|row| is_open(&row)))
    }
}

fn ended(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Fulfilled => FULFILLED,
        Outcome::Refused => REFUSED,
    }
}

/// Puts the requests that an epoch changes into its batch.
pub(super) fn put_requests(batch: &mut Batch, open: &OpenEpoch) {
    for (reference, row) in &open.requests {
        batch.put_request(reference, row);
    }
}

impl Finder<'_> {
    /// Whether a request waits for its answer, and is for this right of the person of this root.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of this reference, or it is of somebody else; [`Error::BadName`] when it is
    /// for another right or has ended.
    pub fn check_request(&self, reference: &str, right: Right, root: Birth) -> Result<(), Error> {
        let missing = || Error::NotFound { what: "there is no request of this reference".to_owned() };
        let row = self.index.request(reference)?.ok_or_else(missing)?;
        let asked = right_of(row.right)?;
        if asked != right {
            let what = format!("request {reference} is for {}, not for {}", asked.name(), right.name());
            return Err(Error::BadName { what });
        }
        if !is_open(&row) {
            return Err(Error::BadName { what: format!("request {reference} has ended") });
        }
        if row.subject.map(|subject| self.last_root(subject)).transpose()? != Some(root) {
            return Err(Error::NotFound { what: format!("request {reference} is not of this person") });
        }
        Ok(())
    }
}

impl Archive {
    /// All requests: those that wait for their answer first, by the day they are due, then those that ended.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn requests(&self) -> Result<Vec<RequestView>, Error> {
        let mut rows: Vec<(String, RequestRow)> = self.index.requests().collect::<Result<_, _>>()?;
        rows.sort_by(|(a, x), (b, y)| (!is_open(x), x.due_day, a).cmp(&(!is_open(y), y.due_day, b)));
        rows.into_iter().map(|(reference, row)| self.request_view(reference, &row)).collect()
    }

    /// A request and its steps, as far as its entries can be opened.
    ///
    /// # Errors
    /// [`Error::NotFound`]; when ledger or index cannot be read.
    pub fn request(&self, reference: &str) -> Result<(RequestView, Vec<StepView>), Error> {
        let missing = || Error::NotFound { what: "there is no request of this reference".to_owned() };
        let row = self.index.request(reference)?.ok_or_else(missing)?;
        let mut steps = Vec::new();
        self.entries.scan(None, |entry| -> Result<(), Error> {
            if let Content::Request(request) = &entry.content
                && request.reference == reference
            {
                steps.push(step_view(&entry, request));
            }
            Ok(())
        })?;
        Ok((self.request_view(reference.to_owned(), &row)?, steps))
    }

    pub(super) fn request_view(&self, reference: String, row: &RequestRow) -> Result<RequestView, Error> {
        let reader = self.reader()?;
        let profile = row.subject.map(|subject| reader.profile_at(subject)).transpose()?.flatten();
        Ok(RequestView {
            reference,
            right: right_of(row.right)?.name(),
            law: law_of(row.law)?.name(),
            state: STATES.get(usize::from(row.state)).copied().unwrap_or("open"),
            received: Day(row.received_day).to_string(),
            due: Day(row.due_day).to_string(),
            overdue: is_open(row) && Day::of(self.now_s()) > Day(row.due_day),
            ended: row.ended_day.map(|day| Day(day).to_string()),
            profile: profile.map(|id| id.to_string()),
        })
    }
}

/// What a step says.
pub(super) fn step_view(entry: &ledger::Entry, request: &Request) -> StepView {
    let sha256 = match &request.step {
        Step::Advanced { digest } if *digest != [0; 32] => Some(crate::encoding::hex::encode(digest)),
        _ => None,
    };
    StepView {
        entry: entry.placed.sequence,
        at_s: entry.header.time_s,
        step: request.step.name(),
        by: request.by.clone(),
        reason: request.reason.clone(),
        sha256,
    }
}
