//! The naive twin: what the engine must say of the live facts, computed from scratch and in the plainest way.
//!
//! It shares no code with the engine but the types of the facts.

use onefold::dataflow::{Delta, Membership, Rules};
use onefold::matching::{Comparable, Scorer};
use onefold::model::{
    AttributeId, Birth, ConsentFacts, Criterion, Facts, IdentifierHash, KindId, Link, NameMark, Named, Obstacle,
    Permission, PurposeId, Source, ValueHash, Winner,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The live facts.
#[derive(Clone, Default)]
pub struct World {
    pub rules: Rules,
    pub sources: Vec<Source>,
    pub records: BTreeMap<Named, Facts>,
    pub consents: BTreeMap<Named, ConsentFacts>,
    /// What stewards say, by record or identifier.
    pub same: BTreeSet<(Named, Named)>,
    pub different: BTreeSet<(Birth, Birth)>,
    pub allowed: BTreeSet<(KindId, IdentifierHash)>,
    pub restricted: BTreeSet<Birth>,
    pub objected: BTreeSet<(Birth, Option<PurposeId>)>,
    pub bound: BTreeSet<(Birth, IdentifierHash, Birth)>,
    pub tick: Option<i64>,
    /// What can be compared, and which of it each record is compared by.
    pub comparables: Vec<Comparable>,
    pub compared: BTreeMap<Named, usize>,
}

/// An identifier that may link: groups of carriers that it ties together, and all who carry it.
pub struct Ties {
    pub groups: Vec<Vec<Named>>,
    pub all: Vec<Named>,
    /// Whether it says of all of them that they are one person.
    pub ordinary: bool,
}

pub type Carried = BTreeMap<(KindId, IdentifierHash), Ties>;

/// What the engine says, accumulated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub links: BTreeSet<Link>,
    pub refused: BTreeSet<(Link, Obstacle)>,
    pub uncertain: BTreeSet<Link>,
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
        assert!(delta.refused.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)), "sorted: {:?}", delta.refused);
        put_all(&mut self.uncertain, delta.uncertain.iter().copied());
        put_all(&mut self.refused, delta.refused.iter().map(|(link, obstacle, came)| ((*link, *obstacle), *came)));
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
        assert_eq!(decided.len(), self.permissions.len(), "one answer for a purpose: {:?}", self.permissions);
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
            refused: self.refused.iter().map(|(link, obstacle)| (*link, *obstacle, true)).collect(),
            uncertain: self.uncertain.iter().map(|link| (*link, true)).collect(),
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
        let (links, refused) = self.forest(&carriers);
        let members = self.members(&links);
        let roots: BTreeMap<Birth, Birth> = members.iter().map(|m| (m.record, m.root)).collect();
        let (permissions, uses) = self.permissions(&carriers, &roots);
        State {
            winners: self.winners(&roots, &uses),
            permissions,
            links,
            refused,
            uncertain: self.scored(|weight, scorer| weight < scorer.automatic()).collect(),
            members,
        }
    }

    /// Guards: the identifiers that are not quarantined, with the groups that they tie together.
    fn carriers(&self) -> Carried {
        let mut carriers: BTreeMap<(KindId, IdentifierHash), Vec<(Named, NameMark)>> = BTreeMap::new();
        for (named, facts) in &self.records {
            for identifier in &facts.identifiers {
                carriers.entry(*identifier).or_default().push((*named, facts.given));
            }
        }
        let ties = carriers.into_iter().filter_map(|(identifier, carriers)| {
            let (ordinary, groups) = self.groups(identifier, &carriers)?;
            Some((identifier, Ties { groups, all: carriers.into_iter().map(|(named, _)| named).collect(), ordinary }))
        });
        ties.collect()
    }

    /// Whom an identifier ties together; `None` when it is quarantined. Carriers are in ascending order of rank.
    fn groups(
        &self,
        identifier: (KindId, IdentifierHash),
        carriers: &[(Named, NameMark)],
    ) -> Option<(bool, Vec<Vec<Named>>)> {
        let guard = self.rules.guards[usize::from(identifier.0.0)];
        let everybody = || Some((true, vec![carriers.iter().map(|(named, _)| *named).collect()]));
        if self.allowed.contains(&identifier) {
            return everybody();
        }
        if carriers.len() > guard.records_max as usize {
            return None;
        }
        let weak = identifier.1.is_weak();
        if guard.names_max == 0 && !weak {
            return everybody();
        }
        let whole: BTreeSet<u32> = carriers.iter().map(|(_, given)| given.0).filter(|g| g & 0xff_ffff != 0).collect();
        let mut groups: BTreeMap<u32, Vec<Named>> = BTreeMap::new();
        for (named, given) in carriers {
            let fitting: Vec<u32> = whole.iter().copied().filter(|name| name >> 24 == given.0 >> 24).collect();
            let name = match (given.0, given.0 & 0xff_ffff, fitting.as_slice()) {
                (0, ..) => continue,
                (_, 0, [one]) => *one,
                (_, 0, []) => given.0,
                (_, 0, _) => continue,
                (whole, ..) => whole,
            };
            groups.entry(name).or_default().push(*named);
        }
        match groups.len() {
            0 | 1 if !weak => everybody(),
            names if guard.names_max > 0 && names > guard.names_max as usize => None,
            _ => Some((false, groups.into_values().collect())),
        }
    }

    /// Each pair that shares a block which is not too large, and whose weight is worth a look and as asked.
    fn scored(&self, wanted: impl Fn(i32, &Scorer) -> bool) -> impl Iterator<Item = Link> {
        let Some(scorer) = self.rules.scorer.clone() else { return Vec::new().into_iter() };
        let blocks = |what: usize| {
            let mut keys = Vec::new();
            scorer.blocks(&self.comparables[what], &mut keys);
            keys
        };
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        self.compared.values().flat_map(|what| blocks(*what)).for_each(|key| *counts.entry(key).or_default() += 1);
        let bounded = |key: &u64| counts[key] <= scorer.block_records_max();
        let mut links = Vec::new();
        for (one, a) in &self.compared {
            for (other, b) in self.compared.range(one..).skip(1) {
                let theirs = blocks(*b);
                if blocks(*a).iter().any(|key| bounded(key) && theirs.contains(key)) {
                    let weight = scorer.score(&self.comparables[*a], &self.comparables[*b]);
                    if weight >= scorer.review() && wanted(weight, &scorer) {
                        links.push(Link::scored(*one, *other, weight));
                    }
                }
            }
        }
        links.into_iter()
    }

    /// All links, the strongest first.
    fn evidence(&self, carriers: &Carried) -> Vec<Link> {
        let mut links = Vec::new();
        for ((kind, identifier), ties) in carriers {
            for group in &ties.groups {
                for other in &group[1..] {
                    let link = Link { a: group[0].birth, b: other.birth, kind: *kind, identifier: *identifier };
                    let priority = self.rules.strength.priorities[usize::from(kind.0)];
                    links.push((1, -i64::from(priority), group[0].rank, other.rank, *identifier, link));
                }
            }
        }
        let rank = |birth: Birth| self.records.keys().find(|named| named.birth == birth).unwrap().rank;
        for link in self.scored(|weight, scorer| weight >= scorer.automatic()) {
            let ranks = (rank(link.a).min(rank(link.b)), rank(link.a).max(rank(link.b)));
            let weight = i64::from(link.weight().unwrap());
            links.push((2, -weight, ranks.0, ranks.1, link.identifier, link));
        }
        let live = |named: &Named| self.records.contains_key(named);
        for (one, other) in self.same.iter().filter(|(one, other)| live(one) && live(other)) {
            let ranks = (one.rank.min(other.rank), one.rank.max(other.rank));
            links.push((0, 0, ranks.0, ranks.1, IdentifierHash(0), Link::steward(*one, *other)));
        }
        links.sort();
        links.into_iter().map(|(.., link)| link).collect()
    }

    /// Links are taken one by one; what is refused between two groups is told of once.
    fn forest(&self, carriers: &Carried) -> (BTreeSet<Link>, BTreeSet<(Link, Obstacle)>) {
        let mut groups: Vec<BTreeSet<Birth>> = self.records.keys().map(|named| BTreeSet::from([named.birth])).collect();
        let at = |groups: &[BTreeSet<Birth>], birth: Birth| groups.iter().position(|g| g.contains(&birth)).unwrap();
        let (mut accepted, mut hindered) = (BTreeSet::new(), Vec::new());
        let evidence = self.evidence(carriers);
        for &link in &evidence {
            let (a, b) = (at(&groups, link.a), at(&groups, link.b));
            if a == b {
                continue;
            }
            let alone = [link.a, link.b].iter().any(|end| self.is_alone(*end, carriers));
            let bridge = || self.is_bridge(&groups[a], &groups[b], link, &evidence);
            let obstacle = alone.then_some(Obstacle::Combining).or_else(|| self.obstacle(&groups[a], &groups[b], link));
            match obstacle.or_else(|| bridge().then_some(Obstacle::Bridge)) {
                Some(obstacle) => hindered.push((link, obstacle)),
                None => {
                    accepted.insert(link);
                    let moved = std::mem::take(&mut groups[b]);
                    groups[a].extend(moved);
                }
            }
        }
        let mut between = BTreeSet::new();
        let refused = hindered.into_iter().filter(|(link, _)| {
            let (a, b) = (at(&groups, link.a), at(&groups, link.b));
            a != b && between.insert((a.min(b), a.max(b)))
        });
        (accepted, refused.collect())
    }

    /// Whether a score joins two groups of which less than a third of the pairs are linked.
    fn is_bridge(&self, one: &BTreeSet<Birth>, other: &BTreeSet<Birth>, link: Link, all: &[Link]) -> bool {
        if link.kind != KindId::SCORED {
            return false;
        }
        let across = |link: &Link| {
            (one.contains(&link.a) && other.contains(&link.b)) || (one.contains(&link.b) && other.contains(&link.a))
        };
        let across = all.iter().filter(|link| across(link));
        let pairs: BTreeSet<_> = across.map(|link| (link.a.min(link.b), link.a.max(link.b))).collect();
        pairs.len() * 3 < one.len() * other.len()
    }

    /// What keeps two groups apart.
    fn obstacle(&self, one: &BTreeSet<Birth>, other: &BTreeSet<Birth>, link: Link) -> Option<Obstacle> {
        let across =
            |a: &Birth, b: &Birth| (one.contains(a) && other.contains(b)) || (one.contains(b) && other.contains(a));
        if self.different.iter().any(|(a, b)| across(a, b)) {
            return Some(Obstacle::Different);
        }
        if link.kind == KindId::STEWARD {
            return None;
        }
        let facts = |group: &BTreeSet<Birth>| {
            self.records.iter().filter(|(named, _)| group.contains(&named.birth)).map(|(_, f)| f.clone()).collect()
        };
        let (ours, theirs): (Vec<Facts>, Vec<Facts>) = (facts(one), facts(other));
        for kind in (0..self.rules.unique.len()).filter(|kind| self.rules.unique[*kind]).map(|kind| KindId(kind as u8))
        {
            let values = |group: &[Facts]| -> BTreeSet<IdentifierHash> {
                let all = group.iter().flat_map(|facts| &facts.identifiers);
                all.filter(|(found, _)| *found == kind).map(|(_, identifier)| *identifier).collect()
            };
            let (ours, theirs) = (values(&ours), values(&theirs));
            if !ours.is_empty() && !theirs.is_empty() && ours.is_disjoint(&theirs) {
                return Some(Obstacle::Unique(kind));
            }
        }
        let mut sources: Vec<_> = ours.iter().map(|facts| facts.source).collect();
        sources.sort();
        for source in sources {
            let single = self.sources.get(usize::from(source.0)).is_some_and(|source| source.single);
            if single && theirs.iter().any(|facts| facts.source == source) {
                return Some(Obstacle::Source(source));
            }
        }
        (one.len() + other.len() > self.rules.strength.records_max as usize).then_some(Obstacle::Size)
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

    /// For each profile and attribute the value that beats all others, as such and among those of each purpose.
    fn winners(
        &self,
        roots: &BTreeMap<Birth, Birth>,
        uses: &BTreeMap<Birth, Vec<u64>>,
    ) -> BTreeMap<Birth, Vec<Winner>> {
        let mut winners: BTreeMap<Birth, Vec<Winner>> = BTreeMap::new();
        let known = |facts: &Facts| usize::from(facts.source.0) < self.sources.len();
        let mut rectified: BTreeSet<(Birth, AttributeId)> = BTreeSet::new();
        for (named, facts) in self.records.iter().filter(|(_, facts)| known(facts)) {
            rectified.extend(facts.rectified.iter().map(|attribute| (roots[&named.birth], *attribute)));
        }
        for use_of in 0..64u64 {
            let use_of = 1 << use_of;
            let mut profiles: BTreeMap<Birth, Vec<(Named, Facts)>> = BTreeMap::new();
            // A record of a source that nobody knows is tied to others all the same, but gives no values.
            for (named, facts) in self.records.iter().filter(|(_, facts)| known(facts)) {
                let mut facts = facts.clone();
                if use_of != Winner::PLAIN {
                    let may = |attribute: AttributeId| {
                        let category = usize::from(self.rules.categories[usize::from(attribute.0)]);
                        uses.get(&named.birth).is_some_and(|uses| uses[category] & use_of != 0)
                    };
                    let wrong = |attribute: AttributeId| {
                        rectified.contains(&(roots[&named.birth], attribute)) && !facts.rectified.contains(&attribute)
                    };
                    facts.values.retain(|(attribute, _)| may(*attribute) && !wrong(*attribute));
                    if facts.values.is_empty() {
                        continue;
                    }
                }
                profiles.entry(roots[&named.birth]).or_default().push((*named, facts));
            }
            for (root, rows) in &profiles {
                let rows: Vec<(Named, &Facts)> = rows.iter().map(|(named, facts)| (*named, facts)).collect();
                for attribute in (0..self.rules.survivorship.len()).map(|n| AttributeId(n as u16)) {
                    let key = |(named, facts): &(Named, &Facts)| {
                        let rectified = facts.rectified.contains(&attribute);
                        (rectified, self.merits(attribute, &rows, facts), Reverse(named.rank))
                    };
                    let candidates = rows.iter().filter_map(|row| Some((row, value_of(row.1, attribute)?)));
                    let Some(((named, _), value)) = candidates.max_by_key(|(row, _)| key(row)) else { continue };
                    if value == ValueHash::NONE {
                        continue;
                    }
                    let won = winners.entry(*root).or_default();
                    let same = |w: &&mut Winner| (w.attribute, w.record, w.value) == (attribute, named.birth, value);
                    match won.iter_mut().find(same) {
                        Some(winner) => winner.uses |= use_of,
                        None => won.push(Winner { attribute, record: named.birth, value, uses: use_of }),
                    }
                }
            }
        }
        winners.values_mut().for_each(|winners| winners.sort());
        winners
    }

    /// What speaks for a record's value, one number for each criterion; the greater is the better.
    fn merits(&self, attribute: AttributeId, rows: &[(Named, &Facts)], facts: &Facts) -> Vec<i64> {
        let merit = |criterion: &Criterion| match criterion {
            Criterion::Recency => facts.at,
            Criterion::Trust => self.weight(rows, facts),
            Criterion::Completeness => {
                facts.values.iter().filter(|(_, value)| *value != ValueHash::NONE).count() as i64
            }
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
}

fn value_of(facts: &Facts, attribute: AttributeId) -> Option<ValueHash> {
    facts.values.iter().find(|(other, _)| *other == attribute).map(|(_, value)| *value)
}
