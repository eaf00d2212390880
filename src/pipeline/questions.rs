//! What is put to stewards: links that do not join their records, with what hinders them and what would resolve it; and
//! what stewards have decided.
//!
//! The order is that of the dataflow, strongest evidence first, and rests on content alone, so that two runs over the
//! same records list the same.
//!
//! INVARIANT: every link that was refused between two profiles is listed or counted.

use super::Error;
use super::decisions::Decisions;
use super::read::Reader;
use super::sandbox::Hypothesis;
use super::view::{DecisionView, PairView, QuestionView, Questions};
use crate::dataflow::clusters::Strength;
use crate::ledger::{Content, Operation, Position};
use crate::model::{Birth, IdentifierHash, KindId, NameHash, Obstacle, Ruling, Sequence};
use crate::store::{DecisionRow, Question};
use std::collections::HashMap;

/// Profiles that a steward decided to keep apart, with the decision.
type Apart = HashMap<(Birth, Birth), (Sequence, Birth, Birth)>;

/// What is said of a question that nothing more is known of.
struct Told {
    obstacle: &'static str,
    reason: String,
    remedy: String,
}

/// The order of questions, the strongest evidence first; what ties are questions of one identifier or weight.
fn order(strength: &Strength, question: &Question) -> (u16, u32, KindId, IdentifierHash, Obstacle) {
    let (class, weight) = strength.class(question.link);
    (class, weight, question.link.kind, question.link.identifier, question.obstacle)
}

impl Reader<'_> {
    /// Links between two profiles that do not join them, the strongest first: those that are open, or with `decided`
    /// also those that a steward has decided. At most `limit`.
    ///
    /// # Errors
    /// When index or ledger cannot be read.
    pub fn questions(&self, limit: usize, decided: bool) -> Result<Questions, Error> {
        let decisions = Decisions::load(self.index)?;
        let apart = self.apart(&decisions)?;
        let mut all: Vec<(Question, Birth, Birth)> = Vec::new();
        let mut found = Questions::default();
        for question in self.index.questions() {
            let question = question?;
            let (Some(a), Some(b)) = (self.index.root(question.link.a)?, self.index.root(question.link.b)?) else {
                continue;
            };
            if a == b {
                continue;
            }
            let is_decided = question.obstacle == Obstacle::Different || apart.contains_key(&(a.min(b), a.max(b)));
            found.decided += u64::from(is_decided && !decided);
            if decided || !is_decided {
                all.push((question, a, b));
            }
        }
        found.count = all.len() as u64;
        let strength = Strength::new(self.schema);
        all.sort_unstable_by_key(|(question, _, _)| order(&strength, question));
        let mut rest = all.as_slice();
        while let Some((first, _, _)) = rest.first().filter(|_| found.open.len() < limit) {
            let strongest = order(&strength, first);
            let end = rest.partition_point(|(question, _, _)| order(&strength, question) == strongest);
            let (alike, after) = rest.split_at(end);
            rest = after;
            let mut named = Vec::with_capacity(alike.len());
            for question in alike {
                named.push((self.names(&question.0)?, question));
            }
            named.sort_unstable_by_key(|(names, _)| *names);
            for (_, (question, a, b)) in named.into_iter().take(limit - found.open.len()) {
                found.open.push(self.question_view(&decisions, &apart, question, *a, *b)?);
            }
        }
        let ids = found.open.iter().flat_map(|view| [view.from_profile, view.to_profile]);
        self.note_several(Operation::Review, self.roots_of_ids(ids)?, &[])?;
        Ok(found)
    }

    /// All decisions of stewards that hold, in the order in which they were made.
    ///
    /// # Errors
    /// When index or ledger cannot be read.
    pub fn decisions(&self) -> Result<Vec<DecisionView>, Error> {
        let decisions = Decisions::load(self.index)?;
        let births = decisions.iter().flat_map(|(_, row)| {
            let (one, other) = row.ruling.records();
            std::iter::once(one).chain(other)
        });
        self.note_several(Operation::Review, self.roots_of(births)?, &[])?;
        decisions.iter().map(|(entry, row)| self.decision_view(entry, &row)).collect()
    }

    /// The decision that holds about what a ruling is about.
    ///
    /// # Errors
    /// When index or ledger cannot be read.
    pub fn decision(&self, ruling: Ruling) -> Result<Option<DecisionView>, Error> {
        let decisions = Decisions::load(self.index)?;
        let found = match ruling {
            Ruling::Same(a, b) | Ruling::Different(a, b) => decisions.between(a, b),
            other => decisions.find(other),
        };
        found.map(|(entry, row)| self.decision_view(entry, &row)).transpose()
    }

    /// Two records side by side: what ties and what hinders, and what either decision would do.
    ///
    /// # Errors
    /// As [`preview`](Self::preview).
    pub fn pair(&self, one: Birth, other: Birth) -> Result<PairView, Error> {
        if one == other {
            return Err(Error::BadName { what: "a decision is about two records: name another".to_owned() });
        }
        let decisions = Decisions::load(self.index)?;
        let preview = |ruling: Ruling| match decisions.contradiction(ruling) {
            Some(_) => Ok(None),
            None if decisions.find(ruling).is_some() => Ok(None),
            None => self.preview(Hypothesis::Decide(ruling)).map(Some),
        };
        let decision = decisions.between(one, other);
        self.note_several(Operation::Review, self.roots_of([one, other].into_iter())?, &[])?;
        Ok(PairView {
            first: self.name_of(one)?,
            first_profile: self.profile_at(one)?,
            second: self.name_of(other)?,
            second_profile: self.profile_at(other)?,
            decision: decision.map(|(entry, row)| self.decision_view(entry, &row)).transpose()?,
            questions: self.between(&decisions, one, other)?,
            same: preview(Ruling::same(one, other))?,
            different: preview(Ruling::different(one, other))?,
        })
    }

    /// The questions between the profiles of two records.
    fn between(&self, decisions: &Decisions, one: Birth, other: Birth) -> Result<Vec<QuestionView>, Error> {
        let (Some(a), Some(b)) = (self.index.root(one)?, self.index.root(other)?) else { return Ok(Vec::new()) };
        let (Some(near), Some(_)) = (self.index.profile(a)?, self.index.profile(b)?) else { return Ok(Vec::new()) };
        if a == b {
            return Ok(Vec::new());
        }
        let apart = self.apart(decisions)?;
        let mut found = Vec::new();
        for member in near.members {
            for question in self.index.questions_of(member)? {
                let far = if question.link.a == member { question.link.b } else { question.link.a };
                if self.index.root(far)? == Some(b) {
                    found.push(question);
                }
            }
        }
        let strength = Strength::new(self.schema);
        found.sort_unstable_by_key(|question| (order(&strength, question), *question));
        let root = |birth: Birth| if self.index.root(birth).ok().flatten() == Some(a) { a } else { b };
        let view = |question: &Question| {
            let (of_a, of_b) = (root(question.link.a), root(question.link.b));
            self.question_view(decisions, &apart, question, of_a, of_b)
        };
        found.iter().map(view).collect()
    }

    /// Which profiles stewards keep apart.
    fn apart(&self, decisions: &Decisions) -> Result<Apart, Error> {
        let mut apart = Apart::new();
        for (entry, row) in decisions.iter() {
            let Ruling::Different(one, other) = row.ruling else { continue };
            if let (Some(a), Some(b)) = (self.index.root(one)?, self.index.root(other)?) {
                apart.entry((a.min(b), a.max(b))).or_insert((entry, one, other));
            }
        }
        Ok(apart)
    }

    /// By what questions of one strength are told apart.
    fn names(&self, question: &Question) -> Result<[NameHash; 2], Error> {
        let name = |birth: Birth| Ok::<_, Error>(self.index.record(birth)?.map_or(NameHash(0), |row| row.name));
        let mut names = [name(question.link.a)?, name(question.link.b)?];
        names.sort_unstable();
        Ok(names)
    }

    fn question_view(
        &self,
        decisions: &Decisions,
        apart: &Apart,
        question: &Question,
        a: Birth,
        b: Birth,
    ) -> Result<QuestionView, Error> {
        let kept = apart.get(&(a.min(b), a.max(b))).copied();
        let Told { obstacle, reason, remedy } = self.told(question.obstacle, kept)?;
        Ok(QuestionView {
            from: self.name_of(question.link.a)?,
            to: self.name_of(question.link.b)?,
            from_profile: self.id(a)?,
            to_profile: self.id(b)?,
            ground: self.ground(decisions, &question.link)?,
            obstacle,
            reason,
            remedy,
            decided: kept.map(|(entry, _, _)| entry),
        })
    }

    /// What an obstacle means and what would resolve it.
    fn told(&self, obstacle: Obstacle, kept: Option<(Sequence, Birth, Birth)>) -> Result<Told, Error> {
        let told = |obstacle, reason: String, remedy: &str| Told { obstacle, reason, remedy: remedy.to_owned() };
        Ok(match obstacle {
            Obstacle::Different => match kept {
                Some((entry, one, other)) => {
                    let name = |birth| self.name_of(birth).map(|record| record.name());
                    let (one, other) = (name(one)?, name(other)?);
                    let reason =
                        format!("a steward decided that {one} and {other} are different persons (entry #{entry})");
                    let remedy =
                        format!("none is needed; `onefold review withdraw {one} {other}` takes the decision back");
                    Told { obstacle: "different", reason, remedy }
                }
                None => told(
                    "different",
                    "a steward decided that two of their records are different persons".to_owned(),
                    "none is needed; `onefold review list --decisions` shows the decision",
                ),
            },
            Obstacle::Unique(kind) => {
                let kind = self.schema.kinds.get(usize::from(kind.0)).map_or("identifier", |kind| kind.name.as_str());
                told(
                    "unique",
                    format!("the profiles have different values of {kind}, of which a person has one"),
                    "decide `same` if one person really has both, `different` if not, or correct the value at its source",
                )
            }
            Obstacle::Source(source) => {
                let source = self.schema.sources.get(usize::from(source.0)).map_or("?", |source| source.name.as_str());
                told(
                    "source",
                    format!("both profiles have a record of {source}, where a person has one"),
                    "decide `same` if the source holds one person twice, `different` if not",
                )
            }
            Obstacle::Size => told(
                "size",
                format!("together they would have more than {} records", self.schema.profile_records_max),
                "look for a value that strangers share (`onefold review identifiers`) before you decide `same`",
            ),
            Obstacle::Bridge => told(
                "bridge",
                "nothing but too few scores joins two groups of records".to_owned(),
                "compare the two profiles and decide `same` or `different`",
            ),
            Obstacle::Combining => told(
                "combining",
                "the records of one of them may not be combined".to_owned(),
                "none is needed: they join again when it is permitted; see `onefold profile` for who objected or ended a consent",
            ),
            Obstacle::Uncertain => told(
                "uncertain",
                "the score is too low to join them and too high to pass over".to_owned(),
                "compare the two records and decide `same` or `different`",
            ),
        })
    }

    fn decision_view(&self, entry: Sequence, row: &DecisionRow) -> Result<DecisionView, Error> {
        let read = self.entries.read(Position(row.position))?;
        let Content::Review(review) = read.content else {
            return Err(Error::Unaccounted { what: "a decision's entry is no review" });
        };
        let (ruling, pair) = match row.ruling {
            Ruling::Same(a, b) => ("same", Some([a, b])),
            Ruling::Different(a, b) => ("different", Some([a, b])),
            Ruling::Allowed { .. } => ("allowed", None),
            Ruling::Restricted { record } => ("restricted", Some([record, record])),
            Ruling::Objected { record, .. } => ("objected", Some([record, record])),
            Ruling::Held { record } => ("held", Some([record, record])),
            Ruling::Rectified { record, .. } => ("rectified", Some([record, record])),
        };
        let (kind, value) = match row.ruling {
            Ruling::Allowed { kind, identifier, .. } => {
                let name = self.schema.kinds.get(usize::from(kind.0)).map(|kind| kind.name.clone());
                (name, self.identifier_value(kind, identifier)?)
            }
            Ruling::Objected { purpose, .. } => {
                let purpose = purpose.and_then(|id| self.schema.purposes.get(usize::from(id.0)));
                (Some("purpose".to_owned()), Some(purpose.map_or_else(|| "all".to_owned(), |p| p.name.clone())))
            }
            Ruling::Rectified { attribute, .. } => {
                (Some(self.attribute(attribute).to_owned()), Some(review.value.clone()))
            }
            _ => (None, None),
        };
        let count = if row.ruling.records().1.is_some() { 2 } else { 1 };
        let records =
            pair.into_iter().flatten().take(count).map(|birth| self.name_of(birth)).collect::<Result<_, _>>()?;
        let (by, reason, at_s) = (review.by, review.reason, read.header.time_s);
        Ok(DecisionView { entry, ruling, records, kind, value, by, reason, at_s })
    }
}
