//! Which records may not be combined with others (design section 7, rule 3): joining records is itself processing.
//!
//! Rule:   alone(r) :- the bundle does not permit combining under the circumstances of r by itself: what consents on its
//!         own identifiers say for the purpose that governs combining, and objections to it that stewards noted.
//!         A restriction or an objection to all purposes parts nobody: it is enforced at each use, and on all records
//!         of a person because they are held together, which GDPR Art. 18(2) permits as storage.
//! Memory: what was said (`words`), of consents those about combining alone; and who is alone.
//! Retraction: the records that it touches are judged anew; a tick touches those alone whose time has come.

use super::claims::Claim;
use super::permissions::Decisions;
use super::stage::{Output, Stage, Updates};
use super::words::{Known, Word};
use crate::model::{Birth, Circumstances, ConsentState, Context};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The state of the stage.
pub struct Combining {
    decisions: Decisions,
    known: Known,
    alone: BTreeSet<Birth>,
    due: BTreeSet<(i64, Birth)>,
    due_of: BTreeMap<Birth, i64>,
    next: Rc<Cell<i64>>,
}

impl Combining {
    /// Nothing is known yet; `next` will say when what was decided changes by itself.
    pub fn new(decisions: Decisions, next: Rc<Cell<i64>>) -> Self {
        let known = Known::new(decisions.strong.clone());
        let (alone, due, due_of) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { decisions, known, alone, due, due_of, next }
    }

    /// Whether a live record may not be combined, and when that changes by itself.
    fn judge(&self, record: Birth) -> (bool, Option<i64>) {
        let Some((purpose, judge)) = &self.decisions.combining else { return (false, None) };
        let Some((about, _)) = self.known.person(record) else { return (false, None) };
        let said = self.known.said(record, *purpose, false);
        let context = Context::new(Circumstances {
            consent: said.granted.or(said.ended).map_or(ConsentState::Unknown, |given| given.state),
            age: about.age().unwrap_or_default(),
            regime: about.regime(),
            explicit: said.granted.is_some_and(|given| given.explicit),
            parental: said.granted.is_some_and(|given| given.parental),
            withdrawn: said.withdrawn.is_some(),
            objected: said.objected.is_some() || self.known.has_objected_to(record, *purpose),
            restricted: false,
            gpc: about.gpc(),
            retained: true,
        });
        (!judge(context), said.next)
    }

    fn settle(&mut self, record: Birth, main: &mut Output<Claim>) {
        let (alone, due) = self.judge(record);
        match (alone, self.alone.contains(&record)) {
            (true, false) => {
                self.alone.insert(record);
                main.add(Claim::Alone(record));
            }
            (false, true) => {
                self.alone.remove(&record);
                main.remove(Claim::Alone(record));
            }
            _ => {}
        }
        if let Some(was) = self.due_of.remove(&record) {
            self.due.remove(&(was, record));
        }
        if let Some(due) = due {
            self.due.insert((due, record));
            self.due_of.insert(record, due);
        }
    }
}

impl Stage for Combining {
    type Left = Word;
    type Right = ();
    type Main = Claim;
    type Side = ();

    fn apply(&mut self, left: Updates<Word>, _: Updates<()>, main: &mut Output<Claim>, _: &mut Output<()>) {
        let mut touched = Vec::new();
        if self.known.note(left, &mut touched) {
            let tick = self.known.tick();
            touched.extend(self.due.iter().take_while(|(due, _)| *due <= tick).map(|(_, record)| *record));
        }
        touched.sort_unstable();
        touched.dedup();
        for record in touched {
            self.settle(record, main);
        }
        self.next.set(self.due.first().map_or(i64::MAX, |(due, _)| *due));
    }
}
