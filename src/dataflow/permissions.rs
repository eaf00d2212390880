//! Permissions (design stage 6 in its first form): for each profile and purpose, the consent that decides.
//!
//! Rule:   permission(root, purpose, c) :- member(r, root), reaches(c, r), c is the latest of that purpose; of those at one
//!         instant a withdrawal, then the one that ends first, then the greater rank.
//! Memory: per record its root and the consents that reach it; the consents by profile and purpose.
//! Retraction: the next latest consent decides, or none: then the purpose is denied, as it is from the start.

use super::births::ByBirth;
use super::clusters::Membership;
use super::links::Given;
use super::stage::{Output, Stage, Updates};
use crate::model::{Birth, Permission, PurposeId};
use differential_dataflow::VecCollection;

/// A profile and a purpose.
pub type Question = (Birth, PurposeId);

/// The first step: brings the consents that reach records to the profiles of the records. A consent comes as often as
/// there are ways on which it reaches the profile.
#[derive(Debug, Default)]
pub struct Reached {
    records: ByBirth<Record>,
}

#[derive(Debug, Default)]
struct Record {
    root: Option<Birth>,
    /// Few records have any, so that the list stands apart.
    #[expect(clippy::box_collection, reason = "a pointer in a place that is mostly empty")]
    consents: Option<Box<Vec<Given>>>,
}

impl Record {
    fn consents(&self) -> &[Given] {
        self.consents.as_ref().map_or(&[], |consents| consents)
    }

    fn remove(&mut self, given: &Given) {
        let Some(consents) = &mut self.consents else { return };
        if let Some(place) = consents.iter().position(|other| other == given) {
            consents.swap_remove(place);
        }
        if consents.is_empty() {
            self.consents = None;
        }
    }
}

impl Reached {
    fn record(&mut self, birth: Birth) -> &mut Record {
        self.records.entry(birth, Record::default)
    }

    /// Frees the place of a record of which nothing is known any more.
    fn drop_empty(&mut self, birth: Birth) {
        if self.records.get(birth).is_some_and(|record| record.root.is_none() && record.consents.is_none()) {
            self.records.remove(birth);
        }
    }
}

impl Stage for Reached {
    type Left = Membership;
    type Right = (Birth, Given);
    type Main = (Question, Given);
    type Side = ();

    /// One worker, as the members come from one.
    fn route_left(_: &Membership) -> u64 {
        0
    }

    fn route_right(_: &(Birth, Given)) -> u64 {
        0
    }

    fn apply(
        &mut self,
        left: Updates<Membership>,
        right: Updates<(Birth, Given)>,
        main: &mut Output<(Question, Given)>,
        _: &mut Output<()>,
    ) {
        let mut emptied = Vec::new();
        // INVARIANT: a record without a root says nothing. So one that moves takes all back before its consents change,
        // and says all anew after.
        for Membership { root, record: birth } in left.removals() {
            let record = self.record(*birth);
            record.consents().iter().for_each(|given| main.remove(((*root, given.purpose), *given)));
            record.root = None;
            emptied.push(*birth);
        }
        for (birth, given) in right.removals() {
            let record = self.record(*birth);
            record.remove(given);
            record.root.iter().for_each(|root| main.remove(((*root, given.purpose), *given)));
            emptied.push(*birth);
        }
        for (birth, given) in right.into_additions() {
            let record = self.record(birth);
            record.consents.get_or_insert_default().push(given);
            record.root.iter().for_each(|root| main.add(((*root, given.purpose), given)));
        }
        for Membership { root, record: birth } in left.into_additions() {
            let record = self.record(birth);
            record.root = Some(root);
            record.consents().iter().for_each(|given| main.add(((root, given.purpose), *given)));
        }
        emptied.into_iter().for_each(|birth| self.drop_empty(birth));
    }
}

/// The second step: keeps the deciding consent of each question.
pub fn deciding<'scope>(
    consents: VecCollection<'scope, u64, (Question, Given), isize>,
) -> VecCollection<'scope, u64, (Question, Permission), isize> {
    consents.reduce_named("deciding consent", decide)
}

/// The greatest of the consents of one profile and purpose; they come in ascending order.
fn decide(question: &Question, input: &[(&Given, isize)], output: &mut Vec<(Permission, isize)>) {
    if let Some((given, _)) = input.last() {
        let until = given.until_reversed.0;
        output.push((
            Permission { purpose: question.1, given: !given.withdrawn, until, consent: given.consent.birth },
            1,
        ));
    }
}
