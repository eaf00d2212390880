//! A sorted set that is nearly always small and may be huge: carriers of an identifier, and whom consents on it touch.
//!
//! It never copies its items to change one of them, but when it goes from one form to the other.
//! INVARIANT: a sorted array holds at most `FEW_MAX` items, a tree more than half of that.

use smallvec::{Array, SmallVec};
use std::collections::BTreeSet;

/// Above this many items a sorted array is given up for a tree.
const FEW_MAX: usize = 128;

/// A set in ascending order; the array says how many items need no memory of their own.
#[derive(Debug)]
pub enum SortedSet<A: Array> {
    /// In ascending order.
    Few(SmallVec<A>),
    /// Too many to move about.
    Many(Box<BTreeSet<A::Item>>),
}

impl<A: Array> Default for SortedSet<A> {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl<A: Array<Item: Ord + Copy>> SortedSet<A> {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    /// The least.
    pub fn first(&self) -> Option<A::Item> {
        match self {
            Self::Few(few) => few.first().copied(),
            Self::Many(many) => many.first().copied(),
        }
    }

    /// In ascending order.
    pub fn iter(&self) -> impl Iterator<Item = A::Item> {
        let (few, many) = match self {
            Self::Few(few) => (few.as_slice(), None),
            Self::Many(many) => (Default::default(), Some(many)),
        };
        few.iter().chain(many.into_iter().flat_map(|many| many.iter())).copied().inspect(|_| note_read())
    }

    /// Adds one that may be there.
    pub fn insert(&mut self, item: A::Item) {
        match self {
            Self::Few(few) => {
                if let Err(place) = few.binary_search(&item) {
                    few.insert(place, item);
                }
                if few.len() > FEW_MAX {
                    *self = Self::Many(Box::new(few.iter().copied().collect()));
                }
            }
            Self::Many(many) => {
                many.insert(item);
            }
        }
    }

    /// Takes one out that may be there.
    pub fn remove(&mut self, item: A::Item) {
        match self {
            Self::Few(few) => {
                if let Ok(place) = few.binary_search(&item) {
                    few.remove(place);
                }
            }
            Self::Many(many) => {
                many.remove(&item);
                if many.len() <= FEW_MAX / 2 {
                    *self = Self::Few(many.iter().copied().collect());
                }
            }
        }
    }
}

#[cfg(not(test))]
fn note_read() {}

/// Counts what is read, so that tests can tell how much work was done.
#[cfg(test)]
fn note_read() {
    ITEMS_READ.with(|count| count.set(count.get() + 1));
}

#[cfg(test)]
thread_local! {
    pub(super) static ITEMS_READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::{FEW_MAX, SortedSet};
    use crate::model::{Birth, Named};

    fn named(n: u64) -> Named {
        Named { rank: n * 7919 % 1000, birth: Birth(n) }
    }

    #[test]
    fn both_forms_hold_the_same_in_order() {
        let mut carriers = SortedSet::<[Named; 2]>::default();
        for n in 0..FEW_MAX as u64 {
            carriers.insert(named(n));
            carriers.insert(named(n));
        }
        assert!(matches!(carriers, SortedSet::Few(_)));
        carriers.insert(named(500));
        assert!(matches!(carriers, SortedSet::Many(_)));
        assert_eq!(carriers.count(), FEW_MAX + 1);
        assert!(carriers.iter().is_sorted_by(|a, b| a < b));
        assert_eq!(carriers.first(), carriers.iter().min());
        for n in 10..FEW_MAX as u64 {
            assert_eq!(matches!(carriers, SortedSet::Many(_)), carriers.count() > FEW_MAX / 2);
            carriers.remove(named(n));
            carriers.remove(named(n));
        }
        let mut rest: Vec<_> = (0..10).chain([500]).map(named).collect();
        rest.sort_unstable();
        assert_eq!(carriers.iter().collect::<Vec<_>>(), rest);
    }
}
