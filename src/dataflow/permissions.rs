//! Permissions (design stage 6 in its first form): for each profile and purpose, the consent that decides.
//!
//! Rule:   permission(root, purpose, c) :- member(r, root), reaches(c, r), c is the latest of that purpose; of those at one
//!         instant a withdrawal, then the one that ends first, then the greater rank.
//! Memory: per record its root and the consents that reach it; all consents in the order of profile, purpose, decision.
//! Retraction: the next latest consent decides, or none: then the purpose is denied, as it is from the start. One change
//! costs a few searches however many consents a profile has, where `reduce` would read them all.

use super::births::ByBirth;
use super::claims::Membership;
use super::links::Given;
use super::stage::{Output, Stage, Updates};
use crate::model::{Birth, Named, Permission, PurposeId};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The state of the stage.
#[derive(Debug, Default)]
pub struct Permissions {
    records: ByBirth<Record>,
    /// By profile and consent, on how many ways the consent reaches the profile.
    ways: BTreeMap<(Birth, Given), u32>,
    /// What changes at the time at hand; kept for its memory.
    changes: Vec<Change>,
}

/// A way on which a consent reaches a profile goes or comes.
type Change = (Birth, Given, bool);

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

impl Permissions {
    fn record(&mut self, birth: Birth) -> &mut Record {
        self.records.entry(birth, Record::default)
    }

    /// Frees the place of a record of which nothing is known any more.
    fn drop_empty(&mut self, birth: Birth) {
        if self.records.get(birth).is_some_and(|record| record.root.is_none() && record.consents.is_none()) {
            self.records.remove(birth);
        }
    }

    /// The consent that decides for a profile and purpose.
    fn deciding(&self, root: Birth, purpose: PurposeId) -> Option<Permission> {
        let consent = Named { rank: u64::MAX, birth: Birth(u64::MAX) };
        let last = Given { purpose, at: i64::MAX, withdrawn: true, until_reversed: Reverse(i64::MIN), consent };
        let (&(other, given), _) = self.ways.range(..=(root, last)).next_back()?;
        let until = given.until_reversed.0;
        let permission = Permission { purpose, given: !given.withdrawn, until, consent: given.consent.birth };
        (other == root && given.purpose == purpose).then_some(permission)
    }

    /// Applies what changes for one profile and purpose and gives out how the decision changes.
    fn decide(&mut self, changes: &[Change], output: &mut Output<(Birth, Permission)>) {
        let Some(&(root, Given { purpose, .. }, _)) = changes.first() else { return };
        let before = self.deciding(root, purpose);
        for (root, given, _) in changes.iter().filter(|(.., came)| *came) {
            *self.ways.entry((*root, *given)).or_default() += 1;
        }
        for (root, given, _) in changes.iter().filter(|(.., came)| !came) {
            let Some(ways) = self.ways.get_mut(&(*root, *given)) else { continue };
            *ways -= 1;
            if *ways == 0 {
                self.ways.remove(&(*root, *given));
            }
        }
        let after = self.deciding(root, purpose);
        if before != after {
            before.into_iter().for_each(|permission| output.remove((root, permission)));
            after.into_iter().for_each(|permission| output.add((root, permission)));
        }
    }

    /// Notes how profiles are reached anew, by what became of records and of what reaches them.
    fn note(&mut self, members: Updates<Membership>, reaches: Updates<(Birth, Given)>, changes: &mut Vec<Change>) {
        let mut emptied = Vec::new();
        // INVARIANT: a record without a root says nothing. So one that moves takes all back before its consents change,
        // and says all anew after.
        for Membership { root, record: birth } in members.removals() {
            let record = self.record(*birth);
            changes.extend(record.consents().iter().map(|given| (*root, *given, false)));
            record.root = None;
            emptied.push(*birth);
        }
        for (birth, given) in reaches.removals() {
            let record = self.record(*birth);
            record.remove(given);
            changes.extend(record.root.map(|root| (root, *given, false)));
            emptied.push(*birth);
        }
        for (birth, given) in reaches.into_additions() {
            let record = self.record(birth);
            record.consents.get_or_insert_default().push(given);
            changes.extend(record.root.map(|root| (root, given, true)));
        }
        for Membership { root, record: birth } in members.into_additions() {
            let record = self.record(birth);
            record.root = Some(root);
            changes.extend(record.consents().iter().map(|given| (root, *given, true)));
        }
        emptied.into_iter().for_each(|birth| self.drop_empty(birth));
    }
}

impl Stage for Permissions {
    type Left = Membership;
    type Right = (Birth, Given);
    type Main = (Birth, Permission);
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
        main: &mut Output<(Birth, Permission)>,
        _: &mut Output<()>,
    ) {
        let mut changes = std::mem::take(&mut self.changes);
        self.note(left, right, &mut changes);
        changes.sort_unstable();
        for question in changes.chunk_by(|a, b| (a.0, a.1.purpose) == (b.0, b.1.purpose)) {
            self.decide(question, main);
        }
        changes.clear();
        changes.shrink_to(CHANGES_KEPT);
        self.changes = changes;
    }
}

/// How many changes memory is kept for from one time to the next.
const CHANGES_KEPT: usize = 1 << 12;
