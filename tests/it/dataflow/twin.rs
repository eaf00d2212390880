//! The naive twin: what the engine must say of the live facts, computed from scratch and in the plainest way.
//!
//! It shares no code with the engine but the types of the facts.

use onefold::dataflow::{Delta, Membership, Rules};
use onefold::model::{
    AttributeId, Birth, ConsentFacts, Criterion, Facts, IdentifierHash, KindId, Link, Named, Permission, PurposeId,
    Source, ValueHash, Winner,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The live facts.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub rules: Rules,
    pub sources: Vec<Source>,
    pub records: BTreeMap<Named, Facts>,
    pub consents: BTreeMap<Named, ConsentFacts>,
}

/// What the engine says, accumulated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub links: BTreeSet<Link>,
    pub members: BTreeSet<Membership>,
    pub winners: BTreeMap<Birth, Vec<Winner>>,
    pub permissions: BTreeSet<(Birth, Permission)>,
}

impl State {
    /// Adds what an epoch changed. Panics where a row comes that is there, or goes that is not, or where a list is not
    /// sorted.
    pub fn apply(&mut self, delta: &Delta) {
        assert!(delta.links.is_sorted_by(|a, b| a.0 < b.0), "links are sorted and named once: {:?}", delta.links);
        assert!(delta.members.is_sorted_by(|a, b| a.0 < b.0), "members are sorted and named once: {:?}", delta.members);
        assert!(delta.profiles.is_sorted_by(|a, b| a.root < b.root), "profiles are sorted: {:?}", delta.profiles);
        assert!(delta.permissions.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)), "sorted: {:?}", delta.permissions);
        put_all(&mut self.links, delta.links.iter().copied());
        put_all(&mut self.members, delta.members.iter().copied());
        put_all(&mut self.permissions, delta.permissions.iter().map(|(root, row, came)| ((*root, *row), *came)));
        for change in &delta.profiles {
            assert_ne!(change.before, change.after, "a profile that did not change is not named: {change:?}");
            let before = self.winners.remove(&change.root).unwrap_or_default();
            assert_eq!(before, change.before.to_vec(), "what a profile was is what was last said of it");
            if !change.after.is_empty() {
                self.winners.insert(change.root, change.after.to_vec());
            }
        }
        let decided: BTreeSet<_> = self.permissions.iter().map(|(root, row)| (root, row.purpose)).collect();
        assert_eq!(decided.len(), self.permissions.len(), "one consent decides a purpose: {:?}", self.permissions);
    }

    /// What a fresh engine that reaches this state in one epoch has to say.
    pub fn as_delta(&self) -> Delta {
        let change = |(root, winners): (&Birth, &Vec<Winner>)| onefold::dataflow::ProfileChange {
            root: *root,
            before: Box::default(),
            after: winners.as_slice().into(),
        };
        Delta {
            links: self.links.iter().map(|row| (*row, true)).collect(),
            members: self.members.iter().map(|row| (*row, true)).collect(),
            profiles: self.winners.iter().map(change).collect(),
            permissions: self.permissions.iter().map(|(root, row)| (*root, *row, true)).collect(),
        }
    }
}

/// A set has multiplicities of zero and one only, before and after every step; removals come first.
fn put_all<T: Ord + Copy + std::fmt::Debug>(set: &mut BTreeSet<T>, rows: impl Iterator<Item = (T, bool)> + Clone) {
    for (row, _) in rows.clone().filter(|(_, came)| !came) {
        assert!(set.remove(&row), "what goes was there: {row:?}");
    }
    for (row, _) in rows.filter(|(_, came)| *came) {
        assert!(set.insert(row), "what comes was not there: {row:?}");
    }
}

impl World {
    /// The state that these facts have.
    pub fn state(&self) -> State {
        let carriers = self.carriers();
        let links = self.forest(&carriers);
        let members = self.members(&links);
        let roots: BTreeMap<Birth, Birth> = members.iter().map(|m| (m.record, m.root)).collect();
        State { winners: self.winners(&roots), permissions: self.permissions(&carriers, &roots), links, members }
    }

    /// Guards: the ordinary identifiers, each with its live carriers in ascending order of rank.
    fn carriers(&self) -> BTreeMap<(KindId, IdentifierHash), Vec<Named>> {
        let mut carriers: BTreeMap<_, Vec<Named>> = BTreeMap::new();
        for (named, facts) in &self.records {
            for identifier in &facts.identifiers {
                carriers.entry(*identifier).or_default().push(*named);
            }
        }
        carriers.retain(|(kind, _), named| named.len() <= self.rules.limits[usize::from(kind.0)] as usize);
        carriers
    }

    /// Links as stars, and Kruskal's algorithm over all of them.
    fn forest(&self, carriers: &BTreeMap<(KindId, IdentifierHash), Vec<Named>>) -> BTreeSet<Link> {
        let mut links = Vec::new();
        for ((kind, identifier), named) in carriers {
            for other in &named[1..] {
                let link = Link { a: named[0].birth, b: other.birth, kind: *kind, identifier: *identifier };
                let priority = self.rules.priorities[usize::from(kind.0)];
                links.push((Reverse(priority), named[0].rank, other.rank, *identifier, link));
            }
        }
        links.sort();
        let mut trees: BTreeMap<Birth, Birth> = self.records.keys().map(|named| (named.birth, named.birth)).collect();
        let mut accepted = BTreeSet::new();
        for (.., link) in links {
            let (a, b) = (trees[&link.a], trees[&link.b]);
            if a != b {
                accepted.insert(link);
                trees.values_mut().filter(|tree| **tree == b).for_each(|tree| *tree = a);
            }
        }
        accepted
    }

    /// Each record with the oldest record that links lead to.
    fn members(&self, links: &BTreeSet<Link>) -> BTreeSet<Membership> {
        let mut roots: BTreeMap<Birth, Birth> = self.records.keys().map(|named| (named.birth, named.birth)).collect();
        loop {
            let mut changed = false;
            for link in links {
                let oldest = roots[&link.a].min(roots[&link.b]);
                for end in [link.a, link.b] {
                    changed |= roots.insert(end, oldest) != Some(oldest);
                }
            }
            if !changed {
                return roots.into_iter().map(|(record, root)| Membership { root, record }).collect();
            }
        }
    }

    /// For each profile and attribute the value that beats all others.
    fn winners(&self, roots: &BTreeMap<Birth, Birth>) -> BTreeMap<Birth, Vec<Winner>> {
        let mut profiles: BTreeMap<Birth, Vec<(Named, &Facts)>> = BTreeMap::new();
        // A record of a source that nobody knows is tied to others all the same, but gives no values.
        for (named, facts) in self.records.iter().filter(|(_, f)| usize::from(f.source.0) < self.sources.len()) {
            profiles.entry(roots[&named.birth]).or_default().push((*named, facts));
        }
        let mut winners: BTreeMap<Birth, Vec<Winner>> = BTreeMap::new();
        for (root, rows) in &profiles {
            for attribute in (0..self.rules.survivorship.len()).map(|n| AttributeId(n as u16)) {
                let key = |(named, facts): &(Named, &Facts)| (self.merits(attribute, rows, facts), Reverse(named.rank));
                let candidates = rows.iter().filter_map(|row| Some((row, value_of(row.1, attribute)?)));
                if let Some(((named, _), value)) = candidates.max_by_key(|(row, _)| key(row)) {
                    winners.entry(*root).or_default().push(Winner { attribute, record: named.birth, value });
                }
            }
        }
        winners
    }

    /// What speaks for a record's value, one number for each criterion; the greater is the better.
    fn merits(&self, attribute: AttributeId, rows: &[(Named, &Facts)], facts: &Facts) -> Vec<i64> {
        let merit = |criterion: &Criterion| match criterion {
            Criterion::Recency => facts.at,
            Criterion::Trust => self.weight(rows, facts),
            Criterion::Completeness => facts.values.len() as i64,
            Criterion::Frequency => {
                let value = value_of(facts, attribute);
                rows.iter().filter(|(_, other)| value_of(other, attribute) == value).count() as i64
            }
        };
        self.rules.survivorship[usize::from(attribute.0)].criteria.iter().map(merit).collect()
    }

    /// Trust as it is at the profile's latest event time, in units that are coarse enough for floats to be exact.
    fn weight(&self, rows: &[(Named, &Facts)], facts: &Facts) -> i64 {
        let source = &self.sources[usize::from(facts.source.0)];
        let latest = rows.iter().map(|(_, facts)| facts.at).max().unwrap_or(i64::MIN);
        let halvings = match source.trust_half_life_days {
            None => 0.0,
            Some(_) if facts.at == i64::MIN => f64::INFINITY,
            Some(days) => (latest as f64 - facts.at as f64) / (f64::from(days) * 86_400e6),
        };
        (f64::from(source.trust) * (-halvings).exp2() * 1e6).round() as i64
    }

    /// For each profile and purpose the latest of the consents on any of its members' ordinary identifiers.
    fn permissions(
        &self,
        carriers: &BTreeMap<(KindId, IdentifierHash), Vec<Named>>,
        roots: &BTreeMap<Birth, Birth>,
    ) -> BTreeSet<(Birth, Permission)> {
        let mut deciding: BTreeMap<(Birth, PurposeId), (Order, Permission)> = BTreeMap::new();
        for (named, consent) in &self.consents {
            let ConsentFacts { purpose, given, until, .. } = *consent;
            let order = (consent.at, !given, Reverse(until), *named);
            let permission = Permission { purpose, given, until, consent: named.birth };
            for record in consent.identifiers.iter().flat_map(|identifier| carriers.get(identifier)).flatten() {
                let slot = deciding.entry((roots[&record.birth], purpose)).or_insert((order, permission));
                if slot.0 < order {
                    *slot = (order, permission);
                }
            }
        }
        deciding.into_iter().map(|((root, _), (_, permission))| (root, permission)).collect()
    }
}

/// The order of decision of consents: the greatest decides.
type Order = (i64, bool, Reverse<i64>, Named);

fn value_of(facts: &Facts, attribute: AttributeId) -> Option<ValueHash> {
    facts.values.iter().find(|(other, _)| *other == attribute).map(|(_, value)| *value)
}
