//! The constrained forest of one component: which of its links join records, and what hinders the others.
//!
//! Rule:   links are taken strongest first, in a total order; one joins two groups unless something hinders it
//!         ([`Obstacle`]). Groups are what the stronger links made.
//! It keeps nothing between components but memory. What comes out is a function of the component alone.

use crate::matching::resolve::bridges;
use crate::model::{KindId, Obstacle, SourceId};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Something of which a person has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unique {
    /// A value of an identifier.
    Kind(KindId),
    /// A record of a source.
    Source(SourceId),
}

/// What records or groups hold of things that are unique; sorted. Who holds two values says that they are one person's.
pub type Holds = SmallVec<[(Unique, u128); 1]>;

/// What a link rests on, as far as the forest is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A steward's word: nothing but another word of theirs hinders it.
    Steward,
    /// A shared identifier.
    Identifier,
    /// A score.
    Scored,
}

/// Groups of the places of a component.
#[derive(Debug, Default)]
pub struct Forest {
    parents: Vec<u32>,
    /// By root of a group.
    sizes: Vec<u32>,
    holds: Vec<Holds>,
    /// The next place of the same group, in a ring.
    next: Vec<u32>,
    /// By place, the places that it has links with, in ascending order; told of only where a score may need them.
    linked: Vec<SmallVec<[u32; 4]>>,
    /// Pairs of places that a steward says are different persons.
    different: Vec<(u32, u32)>,
    records_max: u32,
}

impl Forest {
    /// Begins with a component without places; a group may have so many.
    pub fn clear(&mut self, records_max: u32) {
        self.parents.clear();
        self.sizes.clear();
        self.holds.clear();
        self.next.clear();
        self.linked.clear();
        self.different.clear();
        self.records_max = records_max;
    }

    /// Adds the next place, a group of its own.
    pub fn push(&mut self, holds: Holds) {
        let place = u32::try_from(self.parents.len()).expect("fewer than 2^32 records fit in memory");
        self.parents.push(place);
        self.next.push(place);
        self.sizes.push(1);
        self.holds.push(holds);
        self.linked.push(SmallVec::new());
    }

    /// Tells of a link of any kind before links are taken: scored ones are judged by how many there are.
    pub fn note_linked(&mut self, (a, b): (u32, u32)) {
        for (one, other) in [(a, b), (b, a)] {
            let linked = &mut self.linked[one as usize];
            if let Err(place) = linked.binary_search(&other) {
                linked.insert(place, other);
            }
        }
    }

    /// Tells of two different persons before links are taken.
    pub fn note_different(&mut self, a: u32, b: u32) {
        self.different.push((a, b));
    }

    /// Takes the next link: `true` when it joins two groups, `false` when its ends are in one.
    ///
    /// # Errors
    /// What hinders it.
    pub fn take(&mut self, (a, b): (u32, u32), basis: Basis) -> Result<bool, Obstacle> {
        let (a, b) = (find(&mut self.parents, a), find(&mut self.parents, b));
        if a == b {
            return Ok(false);
        }
        match self.obstacle(a, b, basis) {
            Some(obstacle) => Err(obstacle),
            None => {
                self.unite(a, b);
                Ok(true)
            }
        }
    }

    /// The place that stands for the group of this one.
    pub fn group(&mut self, place: u32) -> u32 {
        find(&mut self.parents, place)
    }

    /// How many places a group has, and what it holds, which is taken out of it.
    pub fn summary(&mut self, group: u32) -> (u32, Holds) {
        let holds = std::mem::take(&mut self.holds[group as usize]);
        (self.sizes[group as usize], holds)
    }

    /// What hinders two groups from being one, the gravest first.
    fn obstacle(&mut self, a: u32, b: u32, basis: Basis) -> Option<Obstacle> {
        let Self { parents, different, .. } = self;
        let apart = different.iter().any(|(c, d)| {
            let ends = (find(parents, *c), find(parents, *d));
            ends == (a, b) || ends == (b, a)
        });
        if apart {
            return Some(Obstacle::Different);
        }
        if basis == Basis::Steward {
            return None;
        }
        if let Some(unique) = conflict(&self.holds[a as usize], &self.holds[b as usize]) {
            return Some(match unique {
                Unique::Kind(kind) => Obstacle::Unique(kind),
                Unique::Source(source) => Obstacle::Source(source),
            });
        }
        let (size_a, size_b) = (self.sizes[a as usize], self.sizes[b as usize]);
        if size_a.saturating_add(size_b) > self.records_max {
            return Some(Obstacle::Size);
        }
        let is_weak = basis == Basis::Scored && !bridges(size_a.into(), size_b.into(), self.cross_links(a, b));
        is_weak.then_some(Obstacle::Bridge)
    }

    /// How many pairs across two groups are linked.
    fn cross_links(&mut self, a: u32, b: u32) -> u64 {
        let (small, great) = if self.sizes[a as usize] <= self.sizes[b as usize] { (a, b) } else { (b, a) };
        let (mut count, mut place) = (0, small);
        loop {
            for &other in &self.linked[place as usize] {
                count += u64::from(find(&mut self.parents, other) == great);
            }
            place = self.next[place as usize];
            if place == small {
                return count;
            }
        }
    }

    fn unite(&mut self, a: u32, b: u32) {
        let (small, great) = if self.sizes[a as usize] <= self.sizes[b as usize] { (a, b) } else { (b, a) };
        self.parents[small as usize] = great;
        self.sizes[great as usize] += self.sizes[small as usize];
        self.next.swap(small as usize, great as usize);
        let holds = std::mem::take(&mut self.holds[small as usize]);
        merge(&mut self.holds[great as usize], &holds);
    }
}

/// Adds what one holds to what another holds.
pub fn merge(into: &mut Holds, holds: &[(Unique, u128)]) {
    for held in holds {
        if let Err(place) = into.binary_search(held) {
            into.insert(place, *held);
        }
    }
}

/// The first thing of which both hold values and no common one.
pub fn conflict(one: &[(Unique, u128)], other: &[(Unique, u128)]) -> Option<Unique> {
    let both = |unique: Unique| other.iter().any(|(theirs, _)| *theirs == unique);
    let shared = |unique: Unique| one.iter().any(|held| held.0 == unique && other.binary_search(held).is_ok());
    one.iter().map(|(unique, _)| *unique).find(|unique| both(*unique) && !shared(*unique))
}

/// The place that stands for the group of this one.
pub fn find(parents: &mut [u32], mut place: u32) -> u32 {
    while parents[place as usize] != place {
        let grandparent = parents[parents[place as usize] as usize];
        parents[place as usize] = grandparent;
        place = grandparent;
    }
    place
}
