//! Decisions of stewards: taken, written to the ledger, told to the dataflow with the epoch they belong to.
//!
//! They are inputs, as records are: durable with the next acknowledgement, visible with the next commit, replayed from
//! the ledger, and gone with the keys of the records that they are about.
//!
//! INVARIANT: what the dataflow knows of decisions is what [`Decisions`] held at the last commit.

use super::decisions::{Contradiction, subject};
use super::epoch::OpenEpoch;
use super::{Error, Onefold};
use crate::dataflow::{Delta, Engine};
use crate::ledger::Review;
use crate::model::{Birth, Named, Obstacle, Role, Ruling, Sequence};
use crate::store::{Batch, DecisionRow, Question};

/// Characters of who decided.
const BY_CHARS_MAX: usize = 120;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 2_000;

/// Who decides, and why. Both are kept encrypted under the keys of the records, and go with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Who: 1 to 120 characters.
    pub by: String,
    /// Why: 1 to 2,000 characters.
    pub reason: String,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It stands in the ledger as this entry.
    Taken(Sequence),
    /// This entry has decided the same before.
    Unchanged(Sequence),
}

impl Statement {
    /// Says what is wrong with it.
    ///
    /// # Errors
    /// [`Error::BadName`].
    pub fn check(&self) -> Result<(), Error> {
        let parts = [("who decides", &self.by, BY_CHARS_MAX), ("the reason", &self.reason, REASON_CHARS_MAX)];
        for (what, text, max) in parts {
            let good = !text.trim().is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control);
            if !good {
                let what = format!("{what} must be said in 1 to {max} characters, on one line");
                return Err(Error::BadName { what });
            }
        }
        Ok(())
    }
}

impl Onefold {
    /// Takes a steward's decision. It is durable after the next [`acknowledge`](Self::acknowledge) or
    /// [`commit`](Self::commit), and holds after the next commit. One about a record that its source has deleted waits
    /// for its return.
    ///
    /// # Errors
    /// [`Error::Contradiction`] when it cannot hold beside what was decided before; [`Error::NotFound`] and
    /// [`Error::BadName`] when it is about nothing; else when the ledger cannot be written.
    pub fn decide(&mut self, ruling: Ruling, statement: &Statement) -> Result<Decided, Error> {
        self.running()?;
        statement.check()?;
        self.check_records(ruling)?;
        if let Some((entry, _)) = self.decisions.find(ruling) {
            return Ok(Decided::Unchanged(entry));
        }
        if let Some(contradiction) = self.decisions.contradiction(ruling) {
            return Err(Error::Contradiction(Box::new(contradiction)));
        }
        self.record_review(ruling, None, statement, "").map(Decided::Taken)
    }

    /// Withdraws a decision; of an allowed identifier whoever carries it may be named. Gives the entry of the withdrawal.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no such decision holds; else as [`decide`](Self::decide).
    pub fn withdraw(&mut self, ruling: Ruling, statement: &Statement) -> Result<Sequence, Error> {
        self.running()?;
        statement.check()?;
        let Some((entry, row)) = self.decisions.find(ruling) else {
            return Err(Error::NotFound { what: "no such decision holds".to_owned() });
        };
        self.record_review(row.ruling, Some(entry), statement, "")
    }

    /// What would stand against a decision; `None`: nothing does.
    pub fn contradiction(&self, ruling: Ruling) -> Option<Contradiction> {
        self.decisions.contradiction(ruling)
    }

    /// Whether a decision is about records of persons that are known.
    pub(super) fn check_records(&self, ruling: Ruling) -> Result<(), Error> {
        let (one, other) = ruling.records();
        if Some(one) == other {
            return Err(Error::BadName { what: "a decision is about two records: name another".to_owned() });
        }
        for birth in [Some(one), other].into_iter().flatten() {
            let Some(known) = self.records.get(birth).filter(|_| !self.records.is_erased(birth)) else {
                return Err(Error::NotFound { what: "there is no such record".to_owned() });
            };
            let source = self.schema.sources.get(usize::from(known.source.0));
            if let Some(source) = source.filter(|source| source.role != Role::People) {
                let what = format!("records of source `{}` are no persons: nothing is to be decided", source.name);
                return Err(Error::BadName { what });
            }
        }
        Ok(())
    }

    pub(super) fn record_review(
        &mut self,
        ruling: Ruling,
        ends: Option<Sequence>,
        statement: &Statement,
        value: &str,
    ) -> Result<Sequence, Error> {
        if self.open.is_empty() {
            self.stamp();
        }
        let Statement { by, reason } = statement.clone();
        let review = Review { ruling, ends, by, reason, value: value.to_owned() };
        let placed = self.ledger.append(&review).map_err(Error::from);
        let placed = self.stop_on_error(placed)?;
        let settled = self.settle_review(&review, placed.sequence, placed.position.0);
        self.stop_on_error(settled)?;
        Ok(placed.sequence)
    }

    /// Puts a decision or withdrawal that stands in the ledger into the open epoch.
    pub(super) fn settle_review(&mut self, review: &Review, sequence: Sequence, position: u64) -> Result<(), Error> {
        let Review { ruling, ends, .. } = *review;
        if let Some(ends) = ends {
            return self.end_decision(ends);
        }
        let before = self.decisions.find(ruling).is_some();
        self.open.rulings.entry(subject(ruling)).or_insert(before);
        let row = DecisionRow { ruling, position };
        if !self.decisions.insert(sequence, row) {
            return Err(Error::Unaccounted { what: "the ledger records a decision twice" });
        }
        self.open.decisions.push((sequence, Some(row)));
        Ok(())
    }

    /// Ends a decision in the open epoch.
    fn end_decision(&mut self, entry: Sequence) -> Result<(), Error> {
        let Some(row) = self.decisions.remove(entry) else {
            return Err(Error::Unaccounted { what: "a decision is withdrawn that does not hold" });
        };
        self.open.rulings.entry(subject(row.ruling)).or_insert(true);
        self.open.decisions.push((entry, None));
        Ok(())
    }

    /// Ends all decisions about a record that is erased.
    pub(super) fn end_decisions_about(&mut self, record: Birth) -> Result<(), Error> {
        for (entry, _) in self.decisions.about(record) {
            self.end_decision(entry)?;
        }
        Ok(())
    }

    /// Tells the dataflow which decisions came and went in an epoch, in net.
    pub(super) fn feed_decisions(&mut self, open: &OpenEpoch) -> Result<(), Error> {
        for (ruling, before) in &open.rulings {
            let now = self.decisions.find(*ruling).is_some();
            if now != *before {
                self.feed_decision(*ruling, now)?;
            }
        }
        Ok(())
    }

    /// Tells the dataflow of all decisions that hold.
    pub(super) fn feed_all_decisions(&mut self) -> Result<(), Error> {
        let all: Vec<Ruling> = self.decisions.iter().map(|(_, row)| row.ruling).collect();
        all.into_iter().try_for_each(|ruling| self.feed_decision(ruling, true))
    }

    fn feed_decision(&mut self, ruling: Ruling, came: bool) -> Result<(), Error> {
        let Self { engine, records, .. } = self;
        tell(engine, ruling, came, |birth| Ok(records.get(birth).map(|known| Named::new(known.name, birth))))
    }
}

/// Tells a dataflow that a decision came or went; `named` gives the records that are known.
pub(super) fn tell(
    engine: &mut Engine,
    ruling: Ruling,
    came: bool,
    named: impl Fn(Birth) -> Result<Option<Named>, Error>,
) -> Result<(), Error> {
    match ruling {
        Ruling::Same(a, b) => match (named(a)?, named(b)?) {
            (Some(a), Some(b)) => engine.same(a, b, came),
            _ => return Err(Error::Unaccounted { what: "a decision is about a record that never was" }),
        },
        Ruling::Different(a, b) => engine.different(a, b, came),
        Ruling::Allowed { kind, identifier, .. } => {
            // Whether it is weak is for the bundle in force to say, which may be another than when it was decided.
            engine.allow(kind, identifier.marked(false), came);
            engine.allow(kind, identifier.marked(true), came);
        }
        Ruling::Restricted { record } => engine.restrict(record, came),
        Ruling::Objected { record, purpose } => engine.object(record, purpose, came),
        // What is held is used as before: only an erasure asks. What is rectified stands in the record itself.
        Ruling::Held { .. } | Ruling::Rectified { .. } => {}
    }
    Ok(())
}

/// Puts the decisions that came and went into the batch of their epoch.
pub(super) fn put_decisions(batch: &mut Batch, open: &OpenEpoch) {
    for (entry, row) in &open.decisions {
        match row {
            Some(row) => batch.put_decision(*entry, row),
            None => batch.remove_decision(*entry),
        }
    }
}

/// Puts the questions that came and went into the batch of their epoch.
pub(super) fn put_questions(batch: &mut Batch, delta: &Delta) {
    let refused = delta.refused.iter().map(|(link, obstacle, came)| (*link, *obstacle, *came));
    let uncertain = delta.uncertain.iter().map(|(link, came)| (*link, Obstacle::Uncertain, *came));
    let all: Vec<(Question, bool)> =
        refused.chain(uncertain).map(|(link, obstacle, came)| (Question { link, obstacle }, came)).collect();
    // One that comes may stand under the records of one that goes.
    all.iter().filter(|(_, came)| !came).for_each(|(question, _)| batch.remove_question(question));
    all.iter().filter(|(_, came)| *came).for_each(|(question, _)| batch.put_question(question));
}
