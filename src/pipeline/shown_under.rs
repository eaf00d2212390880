//! Under which roots records were shown, epoch by epoch: a read names a profile by the root that it had, and after a split
//! the part that lost the root was shown in it all the same.
//!
//! INVARIANT: it follows from the links that the ledger tells of. One that cannot be read any more, because a record of it
//! is erased, held nothing together here.

use super::{Archive, Error};
use crate::ledger::{Content, Entry};
use crate::model::{Birth, Epoch};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A link that came or ended.
#[derive(Clone, Copy)]
struct Change {
    epoch: Epoch,
    a: Birth,
    b: Birth,
    came: bool,
}

/// By epoch from which it held, the roots of the profiles that some records were in.
#[derive(Debug, Default)]
pub(super) struct ShownUnder(BTreeMap<Epoch, BTreeSet<Birth>>);

impl ShownUnder {
    /// Whether one of the records was in a profile of one of these roots at the end of an epoch.
    pub fn any(&self, epoch: Epoch, roots: &[Birth]) -> bool {
        let held = self.0.range(..=epoch).next_back();
        held.is_some_and(|(_, held)| roots.iter().any(|root| held.contains(root)))
    }

    fn new(records: &[Birth], changes: &[Change]) -> Self {
        let mut linked: HashMap<Birth, Vec<Birth>> = HashMap::new();
        for Change { a, b, .. } in changes.iter().filter(|change| change.came) {
            linked.entry(*a).or_default().push(*b);
            linked.entry(*b).or_default().push(*a);
        }
        let ever = reached(records.iter().copied(), &linked);
        linked.clear();
        let mut under = BTreeMap::from([(Epoch(0), records.iter().copied().collect())]);
        let touching: Vec<&Change> = changes.iter().filter(|change| ever.contains(&change.a)).collect();
        for epoch in touching.chunk_by(|one, next| one.epoch == next.epoch) {
            // An epoch may replace a link by another of the same pair: what ends goes first.
            for change in epoch.iter().filter(|change| !change.came).chain(epoch.iter().filter(|change| change.came)) {
                for (from, to) in [(change.a, change.b), (change.b, change.a)] {
                    let others = linked.entry(from).or_default();
                    match (change.came, others.iter().position(|other| *other == to)) {
                        (true, _) => others.push(to),
                        (false, Some(place)) => drop(others.swap_remove(place)),
                        (false, None) => {}
                    }
                }
            }
            let mut roots = BTreeSet::new();
            let mut seen = BTreeSet::new();
            for record in records {
                if !seen.contains(record) {
                    let profile = reached(std::iter::once(*record), &linked);
                    roots.extend(profile.first());
                    seen.extend(profile);
                }
            }
            under.extend(epoch.first().map(|change| (change.epoch, roots)));
        }
        Self(under)
    }
}

/// The records that links lead to.
fn reached(from: impl Iterator<Item = Birth>, linked: &HashMap<Birth, Vec<Birth>>) -> BTreeSet<Birth> {
    let mut waiting: Vec<Birth> = from.collect();
    let mut reached: BTreeSet<Birth> = waiting.iter().copied().collect();
    while let Some(at) = waiting.pop() {
        let next = linked.get(&at).into_iter().flatten();
        waiting.extend(next.copied().filter(|other| reached.insert(*other)));
    }
    reached
}

impl Archive {
    /// Under which roots these records were shown.
    pub(super) fn shown_under(&self, records: &[Birth]) -> Result<ShownUnder, Error> {
        let mut changes = Vec::new();
        self.entries.scan(None, |entry: Entry| -> Result<(), Error> {
            let (link, epoch, came) = match &entry.content {
                Content::Merge(merge) => (merge.link, merge.epoch, true),
                Content::Unmerge(unmerge) => (unmerge.link, unmerge.epoch, false),
                _ => return Ok(()),
            };
            changes.push(Change { epoch, a: link.a, b: link.b, came });
            Ok(())
        })?;
        Ok(ShownUnder::new(records, &changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_those_of_the_time() {
        let change = |epoch, a, b, came| Change { epoch: Epoch(epoch), a: Birth(a), b: Birth(b), came };
        let changes = [
            change(2, 1, 3, true),
            change(2, 7, 8, true),
            change(4, 3, 5, true),
            change(6, 1, 3, false),
            change(7, 3, 5, false),
            change(7, 3, 5, true),
        ];
        let under = ShownUnder::new(&[Birth(3), Birth(5)], &changes);
        for (epoch, root, expected) in [
            (1, 3, true),
            (1, 5, true),
            (1, 1, false),
            (2, 1, true),
            (3, 3, false),
            (3, 5, true),
            (4, 1, true),
            (5, 5, false),
            (5, 7, false),
            (6, 1, false),
            (6, 3, true),
            (9, 3, true),
            (9, 5, false),
        ] {
            assert_eq!(under.any(Epoch(epoch), &[Birth(root)]), expected, "epoch {epoch}, root {root}");
        }
    }
}
