//! The decisions of stewards that hold, and whether another one contradicts them.
//!
//! `same` is an equivalence: who is the same as a third is the same as each other. A decision that would say of two
//! records that they are one person and that they are not is refused, whatever order they come in, and whether the
//! records are live or not: it would only sleep until they return.
//!
//! INVARIANT: of two records one decision holds at most, of an identifier one.

use super::Error;
use super::rights::Mark;
use crate::model::{AttributeId, Birth, Ruling, Sequence};
use crate::store::{DecisionRow, Index};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Decisions that a new one contradicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// What was to be decided.
    pub asked: Ruling,
    /// What was decided before, each with its entry, in the order in which they lead from the first record to the second.
    pub decided: Vec<(Sequence, Ruling)>,
}

/// All decisions that hold.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    rows: BTreeMap<Sequence, DecisionRow>,
    entries: HashMap<Ruling, Sequence>,
    /// By record, those that a steward calls the same.
    same: HashMap<Birth, Vec<(Birth, Sequence)>>,
    /// By record, the attributes that were rectified, each with its decision's place in the ledger; sorted.
    rectified: HashMap<Birth, BTreeMap<AttributeId, u64>>,
    /// By record, what holds for its person, each with the entry that says so.
    marks: BTreeMap<Birth, BTreeMap<Mark, Sequence>>,
}

/// What there is one decision of: who carried an identifier then does not matter, nor whether a bundle called it weak.
pub(super) fn subject(ruling: Ruling) -> Ruling {
    match ruling {
        Ruling::Allowed { kind, identifier, .. } => {
            Ruling::Allowed { kind, identifier: identifier.marked(false), carrier: Birth(0) }
        }
        pair => pair,
    }
}

impl Decisions {
    /// Those that the index has.
    pub fn load(index: &Index) -> Result<Self, Error> {
        let mut decisions = Self::default();
        for row in index.decisions() {
            let (entry, row) = row?;
            if !decisions.insert(entry, row) {
                return Err(Error::Unaccounted { what: "the index holds a decision twice" });
            }
        }
        Ok(decisions)
    }

    /// Adds one; `false`, and nothing changes, when the same holds already.
    #[must_use]
    pub fn insert(&mut self, entry: Sequence, row: DecisionRow) -> bool {
        if self.entries.contains_key(&subject(row.ruling)) {
            return false;
        }
        self.entries.insert(subject(row.ruling), entry);
        self.rows.insert(entry, row);
        if let Ruling::Same(a, b) = row.ruling {
            self.same.entry(a).or_default().push((b, entry));
            self.same.entry(b).or_default().push((a, entry));
        }
        if let Ruling::Rectified { record, attribute } = row.ruling {
            self.rectified.entry(record).or_default().insert(attribute, row.position);
        }
        if let Some(mark) = Mark::of(row.ruling) {
            self.marks.entry(row.ruling.records().0).or_default().insert(mark, entry);
        }
        true
    }

    /// Takes out the one of this entry.
    pub fn remove(&mut self, entry: Sequence) -> Option<DecisionRow> {
        let row = self.rows.remove(&entry)?;
        self.entries.remove(&subject(row.ruling));
        if let (one, Some(other)) = row.ruling.records() {
            for record in [one, other] {
                let left = self.same.get_mut(&record).is_some_and(|same| {
                    same.retain(|(_, by)| *by != entry);
                    same.is_empty()
                });
                if left {
                    self.same.remove(&record);
                }
            }
        }
        if let Ruling::Rectified { record, attribute } = row.ruling {
            let left =
                self.rectified.get_mut(&record).is_some_and(|of| of.remove(&attribute).is_some() && of.is_empty());
            if left {
                self.rectified.remove(&record);
            }
        }
        if let Some(mark) = Mark::of(row.ruling) {
            let record = row.ruling.records().0;
            let left = self.marks.get_mut(&record).is_some_and(|of| of.remove(&mark).is_some() && of.is_empty());
            if left {
                self.marks.remove(&record);
            }
        }
        Some(row)
    }

    /// What was rectified in a record: each attribute with the place of its decision in the ledger.
    pub fn rectified(&self, record: Birth) -> Vec<(AttributeId, u64)> {
        self.rectified.get(&record).into_iter().flatten().map(|(attribute, position)| (*attribute, *position)).collect()
    }

    /// What holds for the person of a record, each with the entry that says so.
    pub fn marks(&self, record: Birth) -> impl Iterator<Item = (Mark, Sequence)> + '_ {
        self.marks.get(&record).into_iter().flatten().map(|(mark, entry)| (*mark, *entry))
    }

    /// The records that have marks.
    pub fn marked(&self) -> impl Iterator<Item = Birth> + '_ {
        self.marks.keys().copied()
    }

    /// Whether a mark holds for some of these records and not for all.
    pub fn differ(&self, records: &[Birth]) -> bool {
        let marks = |record: &Birth| self.marks(*record).map(|(mark, _)| mark);
        let mut pairs = records.iter().zip(records.iter().skip(1));
        !self.marks.is_empty() && pairs.any(|(one, other)| !marks(one).eq(marks(other)))
    }

    /// The decision that says this.
    pub fn find(&self, ruling: Ruling) -> Option<(Sequence, DecisionRow)> {
        let entry = *self.entries.get(&subject(ruling))?;
        Some((entry, *self.rows.get(&entry)?))
    }

    /// The decision about two records.
    pub fn between(&self, one: Birth, other: Birth) -> Option<(Sequence, DecisionRow)> {
        self.find(Ruling::same(one, other)).or_else(|| self.find(Ruling::different(one, other)))
    }

    /// All of them, in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = (Sequence, DecisionRow)> + '_ {
        self.rows.iter().map(|(entry, row)| (*entry, *row))
    }

    /// Those that end when this record is erased.
    pub fn about(&self, record: Birth) -> Vec<(Sequence, DecisionRow)> {
        self.iter().filter(|(_, row)| row.ruling.is_about(record)).collect()
    }

    /// What stands against a decision; `None`: nothing does.
    pub fn contradiction(&self, asked: Ruling) -> Option<Contradiction> {
        let decided = match asked {
            Ruling::Allowed { .. } => return None,
            Ruling::Restricted { .. } | Ruling::Objected { .. } | Ruling::Held { .. } | Ruling::Rectified { .. } => {
                return None;
            }
            Ruling::Different(a, b) => self.chain(&self.reach(a), b)?,
            Ruling::Same(a, b) => {
                let (of_a, of_b) = (self.reach(a), self.reach(b));
                let between = |(entry, row): (Sequence, DecisionRow)| {
                    let Ruling::Different(one, other) = row.ruling else { return None };
                    let (near, far) = if of_a.contains_key(&one) { (one, other) } else { (other, one) };
                    let mut chain = self.chain(&of_a, near)?;
                    let back = self.chain(&of_b, far)?;
                    chain.push((entry, row.ruling));
                    chain.extend(back.into_iter().rev());
                    Some(chain)
                };
                self.iter().find_map(between)?
            }
        };
        Some(Contradiction { asked, decided })
    }

    /// The records that decisions make the same as this one, each with the one before it on the way and its decision.
    fn reach(&self, from: Birth) -> HashMap<Birth, Option<(Birth, Sequence)>> {
        let mut reached = HashMap::from([(from, None)]);
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for (other, entry) in self.same.get(&at).into_iter().flatten() {
                if !reached.contains_key(other) {
                    reached.insert(*other, Some((at, *entry)));
                    queue.push_back(*other);
                }
            }
        }
        reached
    }

    /// The decisions that lead from where `reached` began to a record; `None` when they do not reach it.
    fn chain(&self, reached: &HashMap<Birth, Option<(Birth, Sequence)>>, to: Birth) -> Option<Vec<(Sequence, Ruling)>> {
        let (mut at, mut chain) = (to, Vec::new());
        while let Some((before, entry)) = *reached.get(&at)? {
            chain.push((entry, self.rows.get(&entry)?.ruling));
            at = before;
        }
        chain.reverse();
        Some(chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IdentifierHash, KindId};

    fn decisions(rulings: &[Ruling]) -> Decisions {
        let mut decisions = Decisions::default();
        for (entry, ruling) in (10..).zip(rulings) {
            assert!(decisions.insert(Sequence(entry), DecisionRow { ruling: *ruling, position: entry }));
        }
        decisions
    }

    fn entries(found: Option<Contradiction>) -> Vec<u64> {
        found.map_or(Vec::new(), |found| found.decided.iter().map(|(entry, _)| entry.0).collect())
    }

    fn same(a: u64, b: u64) -> Ruling {
        Ruling::same(Birth(a), Birth(b))
    }

    fn different(a: u64, b: u64) -> Ruling {
        Ruling::different(Birth(a), Birth(b))
    }

    #[test]
    fn contradictions_are_found_along_chains() {
        let mut all = decisions(&[same(1, 2), same(3, 2), different(3, 4), same(4, 5), different(7, 8)]);
        assert_eq!(entries(all.contradiction(different(1, 2))), [10]);
        assert_eq!(entries(all.contradiction(different(3, 1))), [10, 11]);
        assert_eq!(entries(all.contradiction(same(1, 5))), [10, 11, 12, 13]);
        assert_eq!(entries(all.contradiction(same(5, 1))), [10, 11, 12, 13], "the older record is the first");
        assert_eq!(entries(all.contradiction(same(7, 8))), [14]);
        for fine in [same(1, 3), different(1, 4), different(1, 7), same(1, 7), same(9, 10)] {
            assert_eq!(all.contradiction(fine), None, "{fine:?}");
        }
        assert!(all.remove(Sequence(11)).is_some());
        assert_eq!(all.contradiction(different(1, 3)), None);
        assert_eq!(entries(all.contradiction(same(3, 5))), [12, 13]);
    }

    #[test]
    fn of_one_thing_one_decision_holds() {
        let allowed =
            |carrier| Ruling::Allowed { kind: KindId(1), identifier: IdentifierHash(6), carrier: Birth(carrier) };
        let mut all = decisions(&[allowed(3), same(1, 2)]);
        assert!(!all.insert(Sequence(99), DecisionRow { ruling: allowed(4), position: 0 }));
        assert_eq!(all.find(allowed(4)).map(|(entry, _)| entry), Some(Sequence(10)));
        assert_eq!(all.between(Birth(2), Birth(1)).map(|(entry, _)| entry), Some(Sequence(11)));
        assert_eq!(all.about(Birth(3)).len() + all.about(Birth(1)).len(), 2);
        assert!(all.remove(Sequence(10)).is_some() && all.remove(Sequence(10)).is_none());
        assert_eq!(all.find(allowed(3)), None);
    }
}
