//! Clusters (design stage 4): records joined by links, each cluster with its oldest record and the maximum spanning
//! forest of its links, which are the merges.
//!
//! Rule:   accepted = the links that Kruskal's algorithm takes, strongest first (priority of the kind; ties by the ranks
//!         of the two records, then the identifier); member(r, root) :- root = least birth of all that accepted joins to r.
//! Memory: per record its rank, root and incident links; per link both ends and whether it is accepted.
//! Retraction: every component that it touches is taken apart and computed anew, and only those.

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

    fn add_link(&mut self, link: Link) {
        let index = self.edges.insert(Edge { link, live: true, accepted: false });
        self.node(link.a).links.push(index);
        self.node(link.b).links.push(index);
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
        let priority = self.priorities.get(usize::from(link.kind.0)).copied().unwrap_or(0);
        let (other, other_place) = self.nodes.get(link.b).map_or((0, 0), |node| (node.rank, node.place));
        let strength = (u8::MAX - priority, rank.min(other), rank.max(other));
        let place = u32::try_from(place).expect("fewer than 2^32 records fit in memory");
        Candidate { strength, link, index, ends: (place, other_place) }
    }

    /// Computes the forest and the root of one component and sends on what changed.
    fn settle(&mut self, component: &mut Component, members: &mut Output<Membership>, accepted: &mut Output<Link>) {
        let Component { members: births, candidates, parents } = component;
        candidates.sort_unstable_by_key(|candidate| (candidate.strength, candidate.link.identifier, candidate.link));
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
