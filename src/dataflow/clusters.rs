//! Clusters (design stage 4): records joined by links, each cluster with its oldest record and the maximum spanning
//! forest of its links, which are the merges.
//!
//! Rule:   accepted = the links that Kruskal's algorithm takes, strongest first (priority of the kind; ties by the ranks
//!         of the two records, then the identifier); member(r, root) :- root = least birth of all that accepted joins to r.
//! Memory: per record its rank, root and incident links; per link both ends, its strength and whether it is accepted.
//! Retraction: every component that it touches is taken apart and computed anew, and only those.

use super::stage::{Stage, Updates};
use crate::model::{Birth, Link, Named};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// What comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Joined {
    /// A live record.
    Record(Named),
    /// A link with the ranks of its two ends.
    Link(Link, u64, u64),
}

/// What goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Clustered {
    /// A record and the oldest record of its cluster.
    Member(Birth, Birth),
    /// A link of the forest: a merge.
    Accepted(Link),
}

/// Index of a link in the slab.
type LinkIndex = u32;

#[derive(Debug)]
struct Node {
    live: bool,
    /// The root that was sent out; `None` while no member row is.
    root: Option<Birth>,
    /// Number of the pass that last visited it.
    visited: u32,
    /// Its place in the component of that pass.
    place: u32,
    links: SmallVec<[LinkIndex; 4]>,
}

#[derive(Debug)]
struct Edge {
    link: Link,
    /// Sorts stronger links first: (reversed priority, smaller rank, greater rank).
    strength: (u8, u64, u64),
    live: bool,
    accepted: bool,
}

/// The state of the stage.
#[derive(Debug)]
pub struct Clusters {
    /// By kind, the strength of its links.
    priorities: Vec<u8>,
    nodes: HashMap<Birth, Node>,
    edges: Vec<Edge>,
    /// Places in the slab to be used again, and those that will be once this pass has swept them from all lists.
    free: Vec<LinkIndex>,
    dead: Vec<LinkIndex>,
    pass: u32,
}

impl Clusters {
    /// `priorities`: by kind of identifier, higher is stronger.
    pub fn new(priorities: Vec<u8>) -> Self {
        Self { priorities, nodes: HashMap::new(), edges: Vec::new(), free: Vec::new(), dead: Vec::new(), pass: 0 }
    }

    fn node(&mut self, birth: Birth) -> &mut Node {
        let empty = || Node { live: false, root: None, visited: 0, place: 0, links: SmallVec::new() };
        self.nodes.entry(birth).or_insert_with(empty)
    }

    fn add_link(&mut self, link: Link, rank_a: u64, rank_b: u64) {
        let priority = self.priorities.get(usize::from(link.kind.0)).copied().unwrap_or(0);
        let strength = (u8::MAX - priority, rank_a.min(rank_b), rank_a.max(rank_b));
        let edge = Edge { link, strength, live: true, accepted: false };
        let index = match self.free.pop() {
            Some(index) => {
                self.edges[index as usize] = edge;
                index
            }
            None => {
                self.edges.push(edge);
                LinkIndex::try_from(self.edges.len() - 1).expect("fewer than 2^32 live links fit in memory")
            }
        };
        self.node(link.a).links.push(index);
        self.node(link.b).links.push(index);
    }

    /// Takes a link out; its end `b` has few links, where the hub `a` may have many.
    fn remove_link(&mut self, link: Link, output: &mut Updates<Clustered>) {
        let edges = &self.edges;
        let found = self.nodes.get(&link.b).and_then(|node| {
            node.links.iter().copied().find(|index| edges[*index as usize].live && edges[*index as usize].link == link)
        });
        let Some(index) = found else { return };
        let edge = &mut self.edges[index as usize];
        edge.live = false;
        self.dead.push(index);
        if edge.accepted {
            output.push((Clustered::Accepted(link), -1));
        }
    }

    /// All records reachable from `start` in the order of the walk, dead links swept from their lists on the way.
    fn component(&mut self, start: Birth, members: &mut Vec<Birth>, links: &mut Vec<LinkIndex>) {
        members.clear();
        links.clear();
        if self.visit(start, 0) {
            members.push(start);
        }
        let mut next = 0;
        while let Some(&birth) = members.get(next) {
            next += 1;
            let mut incident = match self.nodes.get_mut(&birth) {
                Some(node) => std::mem::take(&mut node.links),
                None => continue,
            };
            incident.retain(|index| self.edges[*index as usize].live);
            for &index in &incident {
                let link = self.edges[index as usize].link;
                if link.a == birth {
                    links.push(index);
                }
                let other = if link.a == birth { link.b } else { link.a };
                let place = u32::try_from(members.len()).expect("fewer than 2^32 records fit in memory");
                if self.visit(other, place) {
                    members.push(other);
                }
            }
            self.node(birth).links = incident;
        }
    }

    /// Whether this pass sees the record for the first time.
    fn visit(&mut self, birth: Birth, place: u32) -> bool {
        let pass = self.pass;
        match self.nodes.get_mut(&birth) {
            Some(node) if node.visited != pass => {
                node.visited = pass;
                node.place = place;
                true
            }
            _ => false,
        }
    }

    /// Computes the forest and the root of one component and sends on what changed.
    fn settle(&mut self, members: &[Birth], links: &mut [LinkIndex], output: &mut Updates<Clustered>) {
        let edges = &mut self.edges;
        links.sort_unstable_by_key(|index| {
            let edge = &edges[*index as usize];
            (edge.strength, edge.link)
        });
        let mut parents: SmallVec<[u32; 16]> = (0..).take(members.len()).collect();
        for &index in links.iter() {
            let edge = &mut edges[index as usize];
            let place = |birth: Birth| self.nodes.get(&birth).map_or(0, |node| node.place);
            let accepted = unite(&mut parents, place(edge.link.a), place(edge.link.b));
            if accepted != edge.accepted {
                edge.accepted = accepted;
                output.push((Clustered::Accepted(edge.link), if accepted { 1 } else { -1 }));
            }
        }
        // Links end at live records only, so that a component of two or more has no dead member.
        let root = members.iter().copied().min();
        for birth in members {
            let Some(node) = self.nodes.get_mut(birth) else { continue };
            let root = if node.live { root } else { None };
            if node.root != root {
                output.extend(node.root.map(|old| (Clustered::Member(*birth, old), -1)));
                output.extend(root.map(|new| (Clustered::Member(*birth, new), 1)));
                node.root = root;
            }
            if !node.live && node.links.is_empty() {
                self.nodes.remove(birth);
            }
        }
    }
}

impl Stage for Clusters {
    type In = Joined;
    type Out = Clustered;

    /// All components live with one worker: a component is one value that moves as a whole (design section 11).
    fn route(_: &Joined) -> u64 {
        0
    }

    fn apply(&mut self, updates: &mut Updates<Joined>, output: &mut Updates<Clustered>) {
        let mut touched = Vec::with_capacity(updates.len());
        for (row, _) in updates.iter().filter(|(_, diff)| *diff < 0) {
            match *row {
                Joined::Record(named) => {
                    self.node(named.birth).live = false;
                    touched.push(named.birth);
                }
                Joined::Link(link, _, _) => {
                    self.remove_link(link, output);
                    touched.extend([link.a, link.b]);
                }
            }
        }
        for (row, _) in updates.iter().filter(|(_, diff)| *diff > 0) {
            match *row {
                Joined::Record(named) => {
                    self.node(named.birth).live = true;
                    touched.push(named.birth);
                }
                Joined::Link(link, rank_a, rank_b) => {
                    self.add_link(link, rank_a, rank_b);
                    touched.push(link.b);
                }
            }
        }
        updates.clear();
        self.pass = self.pass.wrapping_add(1).max(1);
        let (mut members, mut links) = (Vec::new(), Vec::new());
        for start in touched {
            self.component(start, &mut members, &mut links);
            self.settle(&members, &mut links, output);
        }
        // Both ends of a dead link were touched, so no list names it any more.
        self.free.append(&mut self.dead);
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
