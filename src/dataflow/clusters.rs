//! Clusters (design stage 4): records joined by links under constraints, each cluster with its oldest record and the
//! forest of its links, which are the merges.
//!
//! Rule:   accepted = the links that the [constrained forest](super::forest) takes, strongest first (a steward's word,
//!         priority of the kind, weight; ties by the ranks of the two records, then the identifier);
//!         refused = the strongest of the others between two clusters, with what hinders it;
//!         member(r, root) :- root = least birth of all that accepted joins to r;
//!         tied(r, to) :- to = least birth of all that strong links within the cluster join to r, to != r.
//!         A record that may not be combined has no link taken.
//! Memory: per record its rank, root, incident links and what it claims; per link both ends and what became of it; per
//! component that refuses nothing its size and what it holds.
//! Retraction: every component that it touches is taken apart and computed anew, and only those. One new record that is
//! tied to one other costs the same however large the component is.

use super::births::ByBirth;
use super::claims::{Claim, Evidence, Leaf, Membership, Verdict, basis};
use super::forest::{Basis, Forest, Holds, find, merge};
use super::slab::{Place, Slab};
use super::stage::{Output, Stage, Updates};
pub use super::strength::Strength;
use crate::model::{Birth, Link, Obstacle};
use hashbrown::HashSet;
use smallvec::SmallVec;

#[derive(Debug)]
struct Node {
    rank: u64,
    /// The root that was sent out; `None` while no member row is.
    root: Option<Birth>,
    /// The oldest record that strong links tie it to, as it was sent out; itself: no row is.
    tied: Birth,
    live: bool,
    /// Number of the pass that last visited it.
    visited: u32,
    /// Its place in the component of that pass.
    place: u32,
    links: SmallVec<[Place; 4]>,
    /// Few records claim anything.
    claims: Option<Box<Claims>>,
    /// Of the root of a cluster that is calm.
    calm: Option<Box<Calm>>,
}

#[derive(Debug, Default)]
struct Claims {
    holds: Holds,
    different: Vec<Birth>,
    /// Whether it may not be combined.
    alone: bool,
}

/// A cluster of a component that has no scored links: one more record that holds nothing changes nothing but itself, while
/// there is room for it.
#[derive(Debug)]
struct Calm {
    size: u32,
    holds: Holds,
    /// Whether the cluster is the component, rests on identifiers alone, and holds at most one value of each thing: then
    /// one more record may hold the same.
    alone: bool,
}

#[derive(Debug)]
struct Edge {
    link: Link,
    weak: bool,
    live: bool,
    verdict: Option<Verdict>,
}

/// A link of a component that is being settled, to be sorted strongest first.
#[derive(Debug)]
struct Candidate {
    /// (reversed class, reversed weight, smaller rank, greater rank).
    strength: (u16, u32, u64, u64),
    link: Link,
    index: Place,
    /// The places of both ends.
    ends: (u32, u32),
    /// Whether it carries consents.
    strong: bool,
}

/// The state of the stage.
#[derive(Debug)]
pub struct Clusters {
    strength: Strength,
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
    forest: Forest,
    /// By place, one that strong links lead to.
    ties: Vec<u32>,
    /// The oldest record of each group of ties.
    eldest: Vec<Option<Birth>>,
    /// Between which clusters the strongest refused link is known.
    refused: HashSet<(u32, u32)>,
    /// What hinders candidates, by their place in the order.
    hindered: Vec<(u32, Obstacle)>,
    /// By place, whether the record may not be combined.
    alone: Vec<bool>,
    /// The oldest record of each group, by the group's place.
    roots: Vec<Option<Birth>>,
    is_scored: bool,
    /// Whether nothing was refused or decided by a steward.
    is_plain: bool,
}

impl Clusters {
    /// A stage without records.
    pub fn new(strength: Strength) -> Self {
        Self {
            strength,
            nodes: ByBirth::default(),
            edges: Slab::default(),
            dead: Vec::new(),
            pass: 0,
            component: Component::default(),
        }
    }

    fn node(&mut self, birth: Birth) -> &mut Node {
        let empty = || Node {
            rank: 0,
            root: None,
            tied: birth,
            live: false,
            visited: 0,
            place: 0,
            links: SmallVec::new(),
            claims: None,
            calm: None,
        };
        self.nodes.entry(birth, empty)
    }

    fn claims(&mut self, birth: Birth) -> &mut Claims {
        self.node(birth).claims.get_or_insert_default()
    }

    fn add_link(&mut self, Evidence { link, weak }: Evidence) -> Place {
        let index = self.edges.insert(Edge { link, weak, live: true, verdict: None });
        self.node(link.a).links.push(index);
        self.node(link.b).links.push(index);
        index
    }

    /// Takes a link out; its end `b` has few links, where the hub `a` may have many.
    fn remove_link(&mut self, Evidence { link, weak }: Evidence, verdicts: &mut Output<Verdict>) {
        let edges = &self.edges;
        let found = self
            .nodes
            .get(link.b)
            .and_then(|node| node.links.iter().copied().find(|index| edges[*index].is(link, weak)));
        let Some(index) = found else { return };
        let edge = &mut self.edges[index];
        edge.live = false;
        self.dead.push(index);
        edge.verdict.take().into_iter().for_each(|verdict| verdicts.remove(verdict));
    }

    /// Takes in or takes back what is said of a record, and says which records it touches.
    fn claim(&mut self, claim: Claim, came: bool, touched: &mut Vec<Birth>) {
        match claim {
            Claim::Record(named) => {
                let node = self.node(named.birth);
                (node.live, node.rank) = (came, if came { named.rank } else { node.rank });
                touched.push(named.birth);
                // Identifiers' links end with their records; a steward's word waits for theirs to return.
                let (nodes, edges) = (&self.nodes, &self.edges);
                let links = nodes.get(named.birth).map_or(&[][..], |node| &node.links);
                let words = links.iter().map(|index| &edges[*index]).filter(|edge| edge.live);
                let words = words.filter(|edge| basis(edge.link) == Basis::Steward);
                touched.extend(words.flat_map(|edge| [edge.link.a, edge.link.b]));
            }
            Claim::Holds { record, unique, value } => {
                let holds = &mut self.claims(record).holds;
                match (holds.binary_search(&(unique, value)), came) {
                    (Err(place), true) => holds.insert(place, (unique, value)),
                    (Ok(place), false) => drop(holds.remove(place)),
                    _ => {}
                }
                touched.push(record);
            }
            Claim::Alone(record) => {
                self.claims(record).alone = came;
                touched.push(record);
            }
            Claim::Different { a, b } => {
                for (one, other) in [(a, b), (b, a)] {
                    let different = &mut self.claims(one).different;
                    match came {
                        true => different.push(other),
                        false => different.retain(|known| *known != other),
                    }
                    touched.push(one);
                }
            }
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
    /// Links that wait for one of their records to return join nobody.
    fn walk(&mut self, start: Birth, component: &mut Component, verdicts: &mut Output<Verdict>) {
        component.clear(self.strength.records_max);
        if self.visit(start, 0) {
            component.members.push(start);
        }
        for place in 0.. {
            let Some(&birth) = component.members.get(place) else { break };
            let node = self.node(birth);
            let (rank, live) = (node.rank, node.live);
            node.calm = None;
            let mut incident = std::mem::take(&mut node.links);
            incident.retain(|index| self.edges[*index].live);
            for &index in &incident {
                let link = self.edges[index].link;
                let other = if link.a == birth { link.b } else { link.a };
                if !live || !self.nodes.get(other).is_some_and(|node| node.live) {
                    self.edges[index].turn(None, verdicts);
                    continue;
                }
                if self.visit(other, component.members.len()) {
                    component.members.push(other);
                }
                if link.a == birth {
                    component.candidates.push(self.candidate(index, rank, place));
                }
            }
            self.node(birth).links = incident;
        }
    }

    /// A link of the record at this place and of this rank.
    fn candidate(&self, index: Place, rank: u64, place: usize) -> Candidate {
        let Edge { link, weak, .. } = self.edges[index];
        let (other, other_place) = self.nodes.get(link.b).map_or((0, 0), |node| (node.rank, node.place));
        let (class, weight) = self.strength.class(link);
        let strength = (class, weight, rank.min(other), rank.max(other));
        let place = u32::try_from(place).expect("fewer than 2^32 records fit in memory");
        let strong = self.strength.is_strong(link, weak);
        Candidate { strength, link, index, ends: (place, other_place), strong }
    }

    /// Computes the forest and the root of one component and sends on what changed.
    fn settle(&mut self, component: &mut Component, members: &mut Output<Membership>, verdicts: &mut Output<Verdict>) {
        component.candidates.sort_unstable_by_key(Candidate::order);
        self.gather(component);
        self.judge(component, verdicts);
        component.tie();
        // Only live records have links, so that a component of two or more has no dead member.
        let Component { members: births, forest, roots, ties, eldest, is_scored, is_plain, .. } = component;
        roots.clear();
        roots.resize(births.len(), None);
        for (place, record) in (0..).zip(births.iter()) {
            let root = &mut roots[forest.group(place) as usize];
            *root = Some(root.map_or(*record, |root: Birth| root.min(*record)));
        }
        let is_one = roots.iter().flatten().count() == 1;
        for (place, &record) in (0..).zip(births.iter()) {
            let Some(node) = self.nodes.get_mut(record) else { continue };
            let root = roots[forest.group(place) as usize].filter(|_| node.live);
            if node.root != root {
                node.root.into_iter().for_each(|root| members.remove(Membership { root, record }));
                root.into_iter().for_each(|root| members.add(Membership { root, record }));
                node.root = root;
            }
            let tied = eldest[find(ties, place) as usize].filter(|_| node.live).unwrap_or(record);
            node.turn_tied(record, tied, verdicts);
            if node.claims.as_deref().is_some_and(Claims::are_empty) {
                node.claims = None;
            }
            if !node.live && node.links.is_empty() && node.claims.is_none() {
                self.nodes.remove(record);
            }
        }
        for (group, root) in (0..).zip(roots.iter()).filter(|_| !*is_scored) {
            if let Some(node) =
                root.and_then(|root| self.nodes.get_mut(root)).filter(|node| node.live && !node.is_alone())
            {
                let (size, holds) = forest.summary(group);
                let alone = *is_plain && is_one && holds.windows(2).all(|pair| pair[0].0 != pair[1].0);
                node.calm = Some(Box::new(Calm { size, holds, alone }));
            }
        }
    }

    /// Puts the members of a component and what is known of them into its forest.
    fn gather(&self, component: &mut Component) {
        let Component { members, candidates, forest, alone, is_scored, is_plain, .. } = component;
        *is_plain = true;
        alone.clear();
        for birth in members.iter() {
            let claims = self.nodes.get(*birth).and_then(|node| node.claims.as_deref());
            alone.push(claims.is_some_and(|claims| claims.alone));
            forest.push(claims.map_or_else(Holds::new, |claims| claims.holds.clone()));
        }
        for (place, birth) in (0..).zip(members.iter()) {
            let claims = self.nodes.get(*birth).and_then(|node| node.claims.as_deref());
            for other in claims.map_or(&[][..], |claims| &claims.different) {
                *is_plain = false;
                let here = self.nodes.get(*other).filter(|node| node.live && node.visited == self.pass);
                let other_place =
                    here.map(|node| node.place).filter(|place| members.get(*place as usize) == Some(other));
                if let Some(other_place) = other_place.filter(|_| birth < other) {
                    forest.note_different(place, other_place);
                }
            }
        }
        *is_plain &= candidates.iter().all(|candidate| basis(candidate.link) == Basis::Identifier);
        *is_scored = candidates.iter().any(|candidate| basis(candidate.link) == Basis::Scored);
        if *is_scored {
            candidates.iter().for_each(|candidate| forest.note_linked(candidate.ends));
        }
    }

    /// Takes the links in order and sends on what became of them.
    fn judge(&mut self, component: &mut Component, verdicts: &mut Output<Verdict>) {
        let Component { candidates, forest, refused, hindered, alone, is_plain, .. } = component;
        for (order, candidate) in (0..).zip(candidates.iter()) {
            let (a, b) = candidate.ends;
            let taken = match alone[a as usize] || alone[b as usize] {
                true => Err(Obstacle::Combining),
                false => forest.take(candidate.ends, basis(candidate.link)),
            };
            let verdict = match taken {
                Ok(true) => Some(Verdict::Accepted(candidate.link)),
                Ok(false) => None,
                Err(obstacle) => {
                    hindered.push((order, obstacle));
                    continue;
                }
            };
            self.edges[candidate.index].turn(verdict, verdicts);
        }
        for (order, obstacle) in hindered.drain(..) {
            *is_plain = false;
            let candidate = &candidates[order as usize];
            let (a, b) = (forest.group(candidate.ends.0), forest.group(candidate.ends.1));
            let counts = a != b && refused.insert((a.min(b), a.max(b)));
            let verdict = counts.then_some(Verdict::Refused(candidate.link, obstacle));
            self.edges[candidate.index].turn(verdict, verdicts);
        }
    }
}

impl Claims {
    fn are_empty(&self) -> bool {
        self.holds.is_empty() && self.different.is_empty() && !self.alone
    }
}

impl Node {
    fn is_alone(&self) -> bool {
        self.claims.as_deref().is_some_and(|claims| claims.alone)
    }

    /// Sends on that a record is now tied to this one.
    fn turn_tied(&mut self, record: Birth, to: Birth, verdicts: &mut Output<Verdict>) {
        let was = std::mem::replace(&mut self.tied, to);
        if was != to && was != record {
            verdicts.remove(Verdict::Tied { record, to: was });
        }
        if was != to && to != record {
            verdicts.add(Verdict::Tied { record, to });
        }
    }
}

impl Component {
    /// Finds out, after links were judged, whom strong links tie within their clusters.
    fn tie(&mut self) {
        let Self { members, candidates, forest, ties, eldest, .. } = self;
        ties.clear();
        ties.extend((0..).zip(members.iter()).map(|(place, _)| place));
        for candidate in candidates.iter().filter(|candidate| candidate.strong) {
            let (a, b) = candidate.ends;
            if forest.group(a) == forest.group(b) {
                let (a, b) = (find(ties, a), find(ties, b));
                ties[a.max(b) as usize] = a.min(b);
            }
        }
        eldest.clear();
        eldest.resize(members.len(), None);
        for (place, record) in (0..).zip(members.iter()) {
            let oldest = &mut eldest[find(ties, place) as usize];
            *oldest = Some(oldest.map_or(*record, |other| other.min(*record)));
        }
    }

    fn clear(&mut self, records_max: u32) {
        self.members.clear();
        self.candidates.clear();
        self.forest.clear(records_max);
        self.refused.clear();
    }
}

impl Edge {
    /// Whether it is this one.
    fn is(&self, link: Link, weak: bool) -> bool {
        self.live && self.link == link && self.weak == weak
    }

    /// What becomes of it now.
    fn turn(&mut self, verdict: Option<Verdict>, verdicts: &mut Output<Verdict>) {
        if self.verdict != verdict {
            self.verdict.into_iter().for_each(|verdict| verdicts.remove(verdict));
            verdict.into_iter().for_each(|verdict| verdicts.add(verdict));
            self.verdict = verdict;
        }
    }
}

impl Clusters {
    /// Adds a leaf to the tree of another record, where it changes nothing but itself: nothing hinders a record that holds
    /// nothing from joining a calm cluster that has room, or one that holds no other value from joining one that is alone;
    /// by the cut property its strongest link is accepted, and its others close a cycle with it. What was refused stays
    /// so. `false` when it is not so simple.
    fn add_leaf(
        &mut self,
        leaf: &Leaf,
        links: impl Iterator<Item = Evidence>,
        members: &mut Output<Membership>,
        verdicts: &mut Output<Verdict>,
    ) -> bool {
        let Leaf { named, holds, other } = leaf;
        let Some(node) = self.nodes.get(*other).filter(|node| !node.is_alone()) else { return false };
        let (Some(root), tied) = (node.root, node.tied) else { return false };
        if named.birth < root || named.birth < tied || self.nodes.get(named.birth).is_some() {
            return false;
        }
        let records_max = self.strength.records_max;
        let Some(calm) = self.nodes.get_mut(root).and_then(|node| node.calm.as_deref_mut()) else { return false };
        let mut all = calm.holds.clone();
        merge(&mut all, holds);
        let fits = holds.is_empty() || (calm.alone && all.windows(2).all(|pair| pair[0].0 != pair[1].0));
        if calm.size >= records_max || !fits {
            return false;
        }
        (calm.size, calm.holds) = (calm.size + 1, all);
        // All have the same two ends: what is left to tell them apart is their kind and identifier.
        let mut is_tied = false;
        let strongest = links
            .map(|found| {
                let link = found.link;
                is_tied |= self.strength.is_strong(link, found.weak);
                (self.strength.class(link), link.identifier, link, self.add_link(found))
            })
            .min()
            .map(|(.., link, index)| (link, index));
        let node = self.node(named.birth);
        (node.live, node.rank, node.root) = (true, named.rank, Some(root));
        if is_tied {
            node.turn_tied(named.birth, tied, verdicts);
        }
        if !holds.is_empty() {
            self.claims(named.birth).holds = holds.clone();
        }
        members.add(Membership { root, record: named.birth });
        if let Some((link, index)) = strongest {
            self.edges[index].turn(Some(Verdict::Accepted(link)), verdicts);
        }
        true
    }
}

impl Candidate {
    /// The stronger is the smaller.
    fn order(&self) -> ((u16, u32, u64, u64), crate::model::IdentifierHash, Link) {
        (self.strength, self.link.identifier, self.link)
    }
}

impl Stage for Clusters {
    type Left = Claim;
    type Right = Evidence;
    type Main = Membership;
    type Side = Verdict;

    fn apply(
        &mut self,
        left: Updates<Claim>,
        right: Updates<Evidence>,
        main: &mut Output<Membership>,
        side: &mut Output<Verdict>,
    ) {
        if let Some(leaf) = Leaf::find(&left, &right)
            && self.add_leaf(&leaf, right.iter().map(|(found, _)| *found), main, side)
        {
            return;
        }
        let mut touched = Vec::with_capacity(left.len() + right.len());
        for claim in left.removals() {
            self.claim(*claim, false, &mut touched);
        }
        for &found in right.removals() {
            self.remove_link(found, side);
            touched.extend([found.link.a, found.link.b]);
        }
        for claim in left.into_additions() {
            self.claim(claim, true, &mut touched);
        }
        for found in right.into_additions() {
            self.add_link(found);
            touched.extend([found.link.a, found.link.b]);
        }
        self.next_pass();
        let mut component = std::mem::take(&mut self.component);
        for start in touched {
            self.walk(start, &mut component, side);
            if !component.members.is_empty() {
                self.settle(&mut component, main, side);
            }
        }
        self.component = component;
        // Both ends of a dead link were touched, so no list names it any more.
        self.dead.drain(..).for_each(|index| self.edges.remove(index));
    }
}

#[cfg(test)]
mod tests;
