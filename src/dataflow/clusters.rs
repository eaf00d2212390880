//! Clusters (design stage 4): records joined by links, each cluster with its oldest record and the maximum spanning
//! forest of its links, which are the merges.
//!
//! Rule:   accepted = the links that Kruskal's algorithm takes, strongest first (priority of the kind; ties by the ranks
//!         of the two records, then the identifier); member(r, root) :- root = least birth of all that accepted joins to r.
//! Memory: per record its rank, root and incident links; per link both ends and whether it is accepted.
//! Retraction: every component that it touches is taken apart and computed anew, and only those. One new record that is
//! tied to one other costs the same however large the component is.

use super::births::ByBirth;
use super::slab::{Place, Slab};
use super::stage::{Output, Stage, Updates};
use crate::model::{Birth, Link, Named};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// A record's membership in a profile, which is named by its oldest record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Membership {
    /// The profile: birth of its oldest record.
    pub root: Birth,
    /// The record.
    pub record: Birth,
}

#[derive(Debug)]
struct Node {
    rank: u64,
    /// The root that was sent out; `None` while no member row is.
    root: Option<Birth>,
    live: bool,
    /// Number of the pass that last visited it.
    visited: u32,
    /// Its place in the component of that pass.
    place: u32,
    links: SmallVec<[Place; 4]>,
}

#[derive(Debug)]
struct Edge {
    link: Link,
    live: bool,
    accepted: bool,
}

/// A link of a component that is being settled, to be sorted strongest first.
#[derive(Debug)]
struct Candidate {
    /// (reversed priority, smaller rank, greater rank).
    strength: (u8, u64, u64),
    link: Link,
    index: Place,
    /// The places of both ends.
    ends: (u32, u32),
}

/// The state of the stage.
#[derive(Debug)]
pub struct Clusters {
    /// By kind, the strength of its links.
    priorities: Vec<u8>,
    nodes: ByBirth<Node>,
    edges: Slab<Edge>,
    /// Links that went: their places are free once this pass has swept them from all lists.
    dead: Vec<Place>,
    pass: u32,
    component: Component,
}

/// The component at hand; kept for its memory.
#[derive(Debug, Default)]
struct Component {
    members: Vec<Birth>,
    candidates: Vec<Candidate>,
    parents: Vec<u32>,
}

impl Clusters {
    /// `priorities`: by kind of identifier, higher is stronger.
    pub fn new(priorities: Vec<u8>) -> Self {
        Self {
            priorities,
            nodes: ByBirth::default(),
            edges: Slab::default(),
            dead: Vec::new(),
            pass: 0,
            component: Component::default(),
        }
    }

    fn node(&mut self, birth: Birth) -> &mut Node {
        let empty = || Node { rank: 0, root: None, live: false, visited: 0, place: 0, links: SmallVec::new() };
        self.nodes.entry(birth, empty)
    }

    fn add_link(&mut self, link: Link) -> Place {
        let index = self.edges.insert(Edge { link, live: true, accepted: false });
        self.node(link.a).links.push(index);
        self.node(link.b).links.push(index);
        index
    }

    /// Of a link's kind; the stronger is the smaller.
    fn priority_reversed(&self, link: Link) -> u8 {
        u8::MAX - self.priorities.get(usize::from(link.kind.0)).copied().unwrap_or(0)
    }

    /// Takes a link out; its end `b` has few links, where the hub `a` may have many.
    fn remove_link(&mut self, link: Link, accepted: &mut Output<Link>) {
        let edges = &self.edges;
        let found = self
            .nodes
            .get(link.b)
            .and_then(|node| node.links.iter().copied().find(|index| edges[*index].live && edges[*index].link == link));
        let Some(index) = found else { return };
        let edge = &mut self.edges[index];
        edge.live = false;
        self.dead.push(index);
        if edge.accepted {
            accepted.remove(link);
        }
    }

    /// Starts a pass: no record counts as visited.
    fn next_pass(&mut self) {
        self.pass = self.pass.wrapping_add(1);
        if self.pass == 0 {
            self.nodes.values_mut().for_each(|node| node.visited = 0);
            self.pass = 1;
        }
    }

    /// Whether this pass sees the record for the first time.
    fn visit(&mut self, birth: Birth, place: usize) -> bool {
        let pass = self.pass;
        match self.nodes.get_mut(birth) {
            Some(node) if node.visited != pass => {
                node.visited = pass;
                node.place = u32::try_from(place).expect("fewer than 2^32 records fit in memory");
                true
            }
            _ => false,
        }
    }

    /// Walks the component of a record, sweeping dead links from its lists, unless this pass has been there.
    fn walk(&mut self, start: Birth, component: &mut Component) {
        let Component { members, candidates, .. } = component;
        members.clear();
        candidates.clear();
        if self.visit(start, 0) {
            members.push(start);
        }
        for place in 0.. {
            let Some(&birth) = members.get(place) else { break };
            let node = self.node(birth);
            let rank = node.rank;
            let mut incident = std::mem::take(&mut node.links);
            incident.retain(|index| self.edges[*index].live);
            for &index in &incident {
                let link = self.edges[index].link;
                let other = if link.a == birth { link.b } else { link.a };
                if self.visit(other, members.len()) {
                    members.push(other);
                }
                if link.a == birth {
                    candidates.push(self.candidate(index, link, rank, place));
                }
            }
            self.node(birth).links = incident;
        }
    }

    /// A link of the record at this place and of this rank.
    fn candidate(&self, index: Place, link: Link, rank: u64, place: usize) -> Candidate {
        let (other, other_place) = self.nodes.get(link.b).map_or((0, 0), |node| (node.rank, node.place));
        let strength = (self.priority_reversed(link), rank.min(other), rank.max(other));
        let place = u32::try_from(place).expect("fewer than 2^32 records fit in memory");
        Candidate { strength, link, index, ends: (place, other_place) }
    }

    /// Computes the forest and the root of one component and sends on what changed.
    fn settle(&mut self, component: &mut Component, members: &mut Output<Membership>, accepted: &mut Output<Link>) {
        let Component { members: births, candidates, parents } = component;
        candidates.sort_unstable_by_key(Candidate::order);
        parents.clear();
        parents.extend((0..).take(births.len()));
        for candidate in candidates.iter() {
            let edge = &mut self.edges[candidate.index];
            let (was, is) = (edge.accepted, unite(parents, candidate.ends.0, candidate.ends.1));
            edge.accepted = is;
            match (was, is) {
                (false, true) => accepted.add(edge.link),
                (true, false) => accepted.remove(edge.link),
                _ => {}
            }
        }
        // Links end at live records only, so that a component of two or more has no dead member.
        let root = births.iter().copied().min();
        for &record in births.iter() {
            let Some(node) = self.nodes.get_mut(record) else { continue };
            let root = if node.live { root } else { None };
            if node.root != root {
                node.root.into_iter().for_each(|root| members.remove(Membership { root, record }));
                root.into_iter().for_each(|root| members.add(Membership { root, record }));
                node.root = root;
            }
            if !node.live && node.links.is_empty() {
                self.nodes.remove(record);
            }
        }
    }
}

/// A new record all of whose links lead to one other, where nothing else changes.
fn leaf(names: &Updates<Named>, links: &Updates<Link>) -> Option<(Named, Birth)> {
    let mut names = names.iter();
    let (Some((named, true)), None) = (names.next(), names.next()) else { return None };
    let other = |link: &Link| match named.birth {
        birth if birth == link.a => Some(link.b),
        birth if birth == link.b => Some(link.a),
        _ => None,
    };
    let mut others = links.iter().map(|(link, came)| other(link).filter(|_| came));
    let first = others.next()??;
    others.all(|other| other == Some(first)).then_some((*named, first))
}

impl Clusters {
    /// Adds a leaf to the tree of another record, where it changes nothing but itself: by the cut property its strongest
    /// link is accepted and its others close a cycle with it. `false` when it is not so simple.
    fn add_leaf(
        &mut self,
        (named, other): (Named, Birth),
        links: impl Iterator<Item = Link>,
        members: &mut Output<Membership>,
        accepted: &mut Output<Link>,
    ) -> bool {
        let Some(root) = self.nodes.get(other).and_then(|node| node.root) else { return false };
        if named.birth < root || self.nodes.get(named.birth).is_some() {
            return false;
        }
        // All have the same two ends: what is left to tell them apart is their kind and identifier.
        let strongest = links
            .map(|link| (self.priority_reversed(link), link.identifier, link, self.add_link(link)))
            .min()
            .map(|(.., link, index)| (link, index));
        let node = self.node(named.birth);
        (node.live, node.rank, node.root) = (true, named.rank, Some(root));
        members.add(Membership { root, record: named.birth });
        if let Some((link, index)) = strongest {
            self.edges[index].accepted = true;
            accepted.add(link);
        }
        true
    }
}

impl Candidate {
    /// The stronger is the smaller.
    fn order(&self) -> ((u8, u64, u64), crate::model::IdentifierHash, Link) {
        (self.strength, self.link.identifier, self.link)
    }
}

impl Stage for Clusters {
    type Left = Named;
    type Right = Link;
    type Main = Membership;
    type Side = Link;

    /// All components live with one worker: a component is one value that moves as a whole (design section 11).
    fn route_left(_: &Named) -> u64 {
        0
    }

    fn route_right(_: &Link) -> u64 {
        0
    }

    fn apply(
        &mut self,
        left: Updates<Named>,
        right: Updates<Link>,
        main: &mut Output<Membership>,
        side: &mut Output<Link>,
    ) {
        if let Some(ends) = leaf(&left, &right)
            && self.add_leaf(ends, right.iter().map(|(link, _)| *link), main, side)
        {
            return;
        }
        let mut touched = Vec::with_capacity(left.len() + right.len());
        for named in left.removals() {
            self.node(named.birth).live = false;
            touched.push(named.birth);
        }
        for &link in right.removals() {
            self.remove_link(link, side);
            touched.extend([link.a, link.b]);
        }
        for named in left.into_additions() {
            let node = self.node(named.birth);
            (node.live, node.rank) = (true, named.rank);
            touched.push(named.birth);
        }
        for link in right.into_additions() {
            self.add_link(link);
            touched.push(link.b);
        }
        self.next_pass();
        let mut component = std::mem::take(&mut self.component);
        for start in touched {
            self.walk(start, &mut component);
            self.settle(&mut component, main, side);
        }
        self.component = component;
        // Both ends of a dead link were touched, so no list names it any more.
        self.dead.drain(..).for_each(|index| self.edges.remove(index));
    }
}

/// Joins two sets of a union-find; `false` when they were one.
fn unite(parents: &mut [u32], a: u32, b: u32) -> bool {
    let (a, b) = (find(parents, a), find(parents, b));
    // Ties between places do not matter: only which sets are one does.
    parents[a.max(b) as usize] = a.min(b);
    a != b
}

fn find(parents: &mut [u32], mut place: u32) -> u32 {
    while parents[place as usize] != place {
        let grandparent = parents[parents[place as usize] as usize];
        parents[place as usize] = grandparent;
        place = grandparent;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IdentifierHash, KindId};

    fn named(n: u64) -> Named {
        Named { rank: n.wrapping_mul(0x9e37_79b9_7f4a_7c15), birth: Birth(n) }
    }

    fn link(a: u64, b: u64, kind: u8) -> Link {
        Link { a: Birth(a), b: Birth(b), kind: KindId(kind), identifier: IdentifierHash(u128::from(a * 1000 + b)) }
    }

    type Came<D> = Vec<(D, bool)>;

    /// Applies one time; what comes out, and how many records were walked over.
    fn apply(
        clusters: &mut Clusters,
        names: &[(u64, bool)],
        links: &[(Link, bool)],
    ) -> (Came<Membership>, Came<Link>, usize) {
        let (mut main, mut side) = (Output::default(), Output::default());
        let names = names.iter().map(|(n, came)| (named(*n), *came)).collect();
        clusters.component = Component::default();
        clusters.apply(names, links.iter().copied().collect(), &mut main, &mut side);
        (main.drain().collect(), side.drain().collect(), clusters.component.members.capacity())
    }

    #[test]
    fn a_leaf_walks_over_nothing() {
        let mut clusters = Clusters::new(vec![10, 90]);
        let names: Vec<_> = (0..1000).map(|n| (n, true)).collect();
        let chain: Vec<_> = (1..1000).map(|n| (link(n - 1, n, 0), true)).collect();
        assert!(apply(&mut clusters, &names, &chain).2 >= 1000);
        let tied = [(link(500, 1000, 0), true), (link(500, 1000, 1), true)];
        let member = (Membership { root: Birth(0), record: Birth(1000) }, true);
        assert_eq!(apply(&mut clusters, &[(1000, true)], &tied), (vec![member], vec![tied[1]], 0));
        // The weaker link takes over when the stronger goes, as if nothing had been left out.
        let went = (tied[1].0, false);
        let (members, links, walked) = apply(&mut clusters, &[], &[went]);
        assert_eq!((members, links), (vec![], vec![went, tied[0]]));
        assert!(walked >= 1001);
    }

    #[test]
    fn an_older_leaf_renames_the_profile() {
        let mut clusters = Clusters::new(vec![10]);
        apply(&mut clusters, &[(5, true), (6, true)], &[(link(5, 6, 0), true)]);
        let (members, links, _) = apply(&mut clusters, &[(1, true)], &[(link(5, 1, 0), true)]);
        assert_eq!((members.len(), links), (5, vec![(link(5, 1, 0), true)]));
        assert!(members.iter().all(|(row, came)| (row.root == Birth(1)) == *came));
    }

    #[test]
    fn passes_may_wrap_around() {
        let mut clusters = Clusters::new(vec![10]);
        apply(&mut clusters, &[(1, true), (2, true)], &[(link(1, 2, 0), true)]);
        clusters.pass = u32::MAX;
        let (members, ..) = apply(&mut clusters, &[(0, true)], &[(link(1, 0, 0), true)]);
        assert_eq!(members.len(), 5);
        assert_eq!(clusters.pass, 1);
    }
}
