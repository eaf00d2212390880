//! Clusters from scratch: the batch computation that evaluation uses and that the incremental one is tested against.
//!
//! **The rule.** Links are taken strongest first, in the total order (priority, weight) descending, then the two names
//! ascending. A link between two groups joins them unless, in this order: a steward keeps two of their records apart
//! ([`Reason::Different`]); both hold a value of one unique kind and the values differ ([`Reason::Unique`]); together they
//! have more records than a profile may ([`Reason::TooLarge`]); or the link is a scored one and [`bridges`] says no
//! ([`Reason::Bridge`]): of the |A|·|B| pairs of records across the two groups, at least one third must be linked, where
//! every pair that has any link in the input (scored at or above the automatic threshold, or certain) counts once. The
//! count is of the groups as they stand at that moment, so the rule is a pure function of the component's links. It holds
//! for groups of any size: two single records need their one link, a record joins a group of two or three by one link, one
//! of four to six by two. A link that is refused is looked at no more, but a later and weaker one between the same groups,
//! grown or not, is judged anew. What was refused and ended up inside one cluster all the same is not reported.
//!
//! INVARIANT: the outcome does not depend on the order of the input.

use std::collections::{BTreeSet, HashMap};

/// A record to be clustered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// What orders ties: the keyed hash of the record's name.
    pub name: u64,
    /// Values of unique kinds, as (kind, hash of the value): a profile holds at most one value of each.
    pub unique: Vec<(u8, u64)>,
}

/// A link between two records, by their place in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// One record.
    pub a: u32,
    /// The other.
    pub b: u32,
    /// Stronger links go first: a steward's decision, a kind of identifier, and least a score.
    pub priority: u8,
    /// Match weight in millibits; 0 for links that are certain.
    pub weight: i32,
    /// Whether a score is all that there is.
    pub scored: bool,
}

/// What no link overrides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraints {
    /// Pairs that a steward keeps apart.
    pub different: Vec<(u32, u32)>,
    /// Records that a cluster has at most.
    pub records_max: u32,
}

impl Default for Constraints {
    fn default() -> Self {
        Self { different: Vec::new(), records_max: u32::MAX }
    }
}

/// Why a link was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A steward keeps two of the records apart.
    Different,
    /// Two values of this unique kind would meet.
    Unique(u8),
    /// The cluster would have too many records.
    TooLarge,
    /// Too few of the pairs across the two groups are linked.
    Bridge,
}

/// Clusters, and how they came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The links that joined: a forest, strongest first.
    pub accepted: Vec<Link>,
    /// The links that would have joined two clusters, with the reason, strongest first.
    pub refused: Vec<(Link, Reason)>,
    /// By record: the lowest place of a record of its cluster.
    pub clusters: Vec<u32>,
}

/// Whether so many linked pairs across two groups of these sizes join them: at least one third.
pub fn bridges(size_a: u64, size_b: u64, cross_links: u64) -> bool {
    cross_links.saturating_mul(3) >= size_a.saturating_mul(size_b)
}

/// Clusters records from scratch. Links to records that there are not, and of a record to itself, are passed over.
pub fn resolve(records: &[Member], links: &[Link], constraints: &Constraints) -> Resolution {
    let mut groups = Groups::new(records, links, constraints);
    let mut refused = Vec::new();
    let mut accepted = Vec::new();
    for link in in_order(records, links) {
        let (x, y) = (groups.find(link.a), groups.find(link.b));
        if x == y {
            continue;
        }
        match groups.objection(x, y, link.scored) {
            Some(reason) => refused.push((link, reason)),
            None => {
                groups.join(x, y);
                accepted.push(link);
            }
        }
    }
    refused.retain(|(link, _)| groups.find(link.a) != groups.find(link.b));
    let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
    let mut lowest = HashMap::new();
    let clusters = (0..count).map(|record| *lowest.entry(groups.find(record)).or_insert(record)).collect();
    Resolution { accepted, refused, clusters }
}

/// The links that can be judged, strongest first; of equal ones the first.
fn in_order(records: &[Member], links: &[Link]) -> Vec<Link> {
    let known = |place: u32| (place as usize) < records.len();
    let turned = |link: &Link| Link { a: link.a.min(link.b), b: link.a.max(link.b), ..*link };
    let mut links: Vec<Link> =
        links.iter().filter(|link| known(link.a) && known(link.b) && link.a != link.b).map(turned).collect();
    links.sort_by_cached_key(|link| {
        let (a, b) = (records[link.a as usize].name, records[link.b as usize].name);
        (u8::MAX - link.priority, -i64::from(link.weight), a.min(b), a.max(b), link.scored, link.a, link.b)
    });
    links.dedup();
    links
}

/// Groups while they grow.
struct Groups<'r> {
    parent: Vec<u32>,
    members: Vec<Vec<u32>>,
    linked: Vec<BTreeSet<u32>>,
    apart: Vec<BTreeSet<u32>>,
    records: &'r [Member],
    records_max: usize,
}

impl<'r> Groups<'r> {
    fn new(records: &'r [Member], links: &[Link], constraints: &Constraints) -> Self {
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        let sides = |pairs: &mut dyn Iterator<Item = (u32, u32)>| {
            let mut sides = vec![BTreeSet::new(); records.len()];
            for (a, b) in pairs.filter(|(a, b)| *a < count && *b < count && a != b) {
                sides[a as usize].insert(b);
                sides[b as usize].insert(a);
            }
            sides
        };
        Self {
            parent: (0..count).collect(),
            members: (0..count).map(|record| vec![record]).collect(),
            linked: sides(&mut links.iter().map(|link| (link.a, link.b))),
            apart: sides(&mut constraints.different.iter().copied()),
            records,
            records_max: constraints.records_max as usize,
        }
    }

    fn find(&mut self, mut record: u32) -> u32 {
        while self.parent[record as usize] != record {
            let above = self.parent[self.parent[record as usize] as usize];
            self.parent[record as usize] = above;
            record = above;
        }
        record
    }

    /// Pairs across two groups that stand in a table of sides.
    fn across(&mut self, x: u32, y: u32, apart: bool) -> u64 {
        let (small, large) =
            if self.members[x as usize].len() < self.members[y as usize].len() { (x, y) } else { (y, x) };
        let mut count = 0;
        for member in self.members[small as usize].clone() {
            let sides = if apart { &self.apart } else { &self.linked };
            let others: Vec<u32> = sides[member as usize].iter().copied().collect();
            count += others.into_iter().filter(|other| self.find(*other) == large).count() as u64;
        }
        count
    }

    fn objection(&mut self, x: u32, y: u32, scored: bool) -> Option<Reason> {
        if self.across(x, y, true) > 0 {
            return Some(Reason::Different);
        }
        if let Some(kind) = self.conflict(x, y) {
            return Some(Reason::Unique(kind));
        }
        let (size_a, size_b) = (self.members[x as usize].len(), self.members[y as usize].len());
        if size_a + size_b > self.records_max {
            return Some(Reason::TooLarge);
        }
        let refused = scored && !bridges(size_a as u64, size_b as u64, self.across(x, y, false));
        refused.then_some(Reason::Bridge)
    }

    /// The lowest unique kind of which the two groups hold different values.
    fn conflict(&self, x: u32, y: u32) -> Option<u8> {
        let values = |group: u32| -> BTreeSet<(u8, u64)> {
            let members = self.members[group as usize].iter();
            members.flat_map(|member| self.records[*member as usize].unique.iter().copied()).collect()
        };
        let (left, right) = (values(x), values(y));
        let differs = |kind: &u8| {
            let of =
                |values: &BTreeSet<(u8, u64)>| values.iter().filter(|(k, _)| k == kind).copied().collect::<Vec<_>>();
            let (a, b) = (of(&left), of(&right));
            !a.is_empty() && !b.is_empty() && a != b
        };
        left.iter().map(|(kind, _)| *kind).find(differs)
    }

    fn join(&mut self, x: u32, y: u32) {
        let (small, large) =
            if self.members[x as usize].len() < self.members[y as usize].len() { (x, y) } else { (y, x) };
        self.parent[small as usize] = large;
        let moved = std::mem::take(&mut self.members[small as usize]);
        self.members[large as usize].extend(moved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(a: u32, b: u32, weight: i32) -> Link {
        Link { a, b, priority: 0, weight, scored: true }
    }

    fn certain(a: u32, b: u32) -> Link {
        Link { a, b, priority: 50, weight: 0, scored: false }
    }

    fn members(count: u64) -> Vec<Member> {
        (0..count).map(|name| Member { name, unique: Vec::new() }).collect()
    }

    #[test]
    fn a_lone_bridge_is_refused_and_a_third_joins() {
        let pairs = [certain(0, 1), certain(2, 3)];
        let lone = [&pairs[..], &[scored(1, 2, 9_000)]].concat();
        let resolution = resolve(&members(4), &lone, &Constraints::default());
        assert_eq!(resolution.clusters, [0, 0, 2, 2]);
        assert_eq!(resolution.refused, [(scored(1, 2, 9_000), Reason::Bridge)]);
        let two = [&lone[..], &[scored(0, 3, 8_000)]].concat();
        let resolution = resolve(&members(4), &two, &Constraints::default());
        assert_eq!(resolution.clusters, [0; 4]);
        assert!(resolution.refused.is_empty());
        assert_eq!(resolution.accepted.len(), 3);
        let by_identifier = [&pairs[..], &[certain(1, 2)]].concat();
        assert_eq!(resolve(&members(4), &by_identifier, &Constraints::default()).clusters, [0; 4]);
    }

    #[test]
    fn constraints_win() {
        let mut records = members(3);
        records[0].unique = vec![(7, 1)];
        records[2].unique = vec![(7, 2)];
        let links = [certain(0, 1), scored(1, 2, 9_000), scored(0, 2, 8_000)];
        let resolution = resolve(&records, &links, &Constraints::default());
        assert_eq!(resolution.clusters, [0, 0, 2]);
        assert_eq!(resolution.refused[0].1, Reason::Unique(7));
        let apart = Constraints { different: vec![(2, 0)], records_max: 9 };
        assert_eq!(resolve(&members(3), &links, &apart).refused[0].1, Reason::Different);
        let small = Constraints { different: Vec::new(), records_max: 2 };
        assert_eq!(resolve(&members(3), &links, &small).refused[0].1, Reason::TooLarge);
    }

    #[test]
    fn hostile_links_are_passed_over() {
        let links = [certain(0, 0), certain(0, 9), certain(u32::MAX, 1), scored(1, 0, i32::MIN)];
        let resolution = resolve(&members(2), &links, &Constraints::default());
        assert_eq!(resolution.clusters, [0, 0]);
        assert_eq!(resolve(&[], &links, &Constraints::default()), Resolution::default());
    }

    proptest::proptest! {
        #[test]
        fn order_plays_no_part(
            pairs in proptest::collection::vec((0u32..12, 0u32..12, 0u8..3, 0i32..4), 0..40),
            turn in 0usize..40,
        ) {
            let link = |&(a, b, priority, weight): &(u32, u32, u8, i32)| Link { a, b, priority, weight, scored: priority == 0 };
            let links: Vec<Link> = pairs.iter().map(link).collect();
            let mut other: Vec<Link> = links.iter().rev().map(|l| Link { a: l.b, b: l.a, ..*l }).collect();
            if !other.is_empty() {
                let by = turn % other.len();
                other.rotate_left(by);
            }
            let constraints = Constraints { different: vec![(0, 1), (5, 7)], records_max: 6 };
            let first = resolve(&members(12), &links, &constraints);
            proptest::prop_assert_eq!(&first, &resolve(&members(12), &other, &constraints));
            let clusters: BTreeSet<u32> = first.clusters.iter().copied().collect();
            proptest::prop_assert_eq!(first.accepted.len(), 12 - clusters.len());
        }
    }
}
