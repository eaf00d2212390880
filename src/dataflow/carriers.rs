//! The carriers of one identifier in ascending order of rank: nearly always a few, for a hub a great many.
//!
//! It never copies the carriers to change one of them, but when it goes from one form to the other.
//! INVARIANT: a sorted array holds at most [`FEW_MAX`], a tree more than half of that.

use crate::model::Named;
use smallvec::SmallVec;
use std::collections::BTreeSet;

/// Above this many carriers a sorted array is given up for a tree.
const FEW_MAX: usize = 128;

/// A set of records.
#[derive(Debug)]
pub enum Carriers {
    /// In ascending order.
    Few(SmallVec<[Named; 2]>),
    /// Of a hub.
    Many(Box<BTreeSet<Named>>),
}

impl Default for Carriers {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl Carriers {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    /// The one of the smallest rank.
    pub fn first(&self) -> Option<Named> {
        match self {
            Self::Few(few) => few.first().copied(),
            Self::Many(many) => many.first().copied(),
        }
    }

    /// In ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Named> {
        let (few, many) = match self {
            Self::Few(few) => (few.as_slice(), None),
            Self::Many(many) => (Default::default(), Some(many)),
        };
        few.iter().chain(many.into_iter().flat_map(|many| many.iter())).copied()
    }

    /// Adds one that may be there.
    pub fn insert(&mut self, named: Named) {
        match self {
            Self::Few(few) => {
                if let Err(place) = few.binary_search(&named) {
                    few.insert(place, named);
                }
                if few.len() > FEW_MAX {
                    *self = Self::Many(Box::new(few.iter().copied().collect()));
                }
            }
            Self::Many(many) => {
                many.insert(named);
            }
        }
    }

    /// Takes one out that may be there.
    pub fn remove(&mut self, named: Named) {
        match self {
            Self::Few(few) => {
                if let Ok(place) = few.binary_search(&named) {
                    few.remove(place);
                }
            }
            Self::Many(many) => {
                many.remove(&named);
                if many.len() <= FEW_MAX / 2 {
                    *self = Self::Few(many.iter().copied().collect());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Carriers, FEW_MAX};
    use crate::model::{Birth, Named};

    fn named(n: u64) -> Named {
        Named { rank: n * 7919 % 1000, birth: Birth(n) }
    }

    #[test]
    fn both_forms_hold_the_same_in_order() {
        let mut carriers = Carriers::default();
        for n in 0..FEW_MAX as u64 {
            carriers.insert(named(n));
            carriers.insert(named(n));
        }
        assert!(matches!(carriers, Carriers::Few(_)));
        carriers.insert(named(500));
        assert!(matches!(carriers, Carriers::Many(_)));
        assert_eq!(carriers.count(), FEW_MAX + 1);
        assert!(carriers.iter().is_sorted_by(|a, b| a < b));
        assert_eq!(carriers.first(), carriers.iter().min());
        for n in 10..FEW_MAX as u64 {
            assert_eq!(matches!(carriers, Carriers::Many(_)), carriers.count() > FEW_MAX / 2);
            carriers.remove(named(n));
            carriers.remove(named(n));
        }
        let mut rest: Vec<_> = (0..10).chain([500]).map(named).collect();
        rest.sort_unstable();
        assert_eq!(carriers.iter().collect::<Vec<_>>(), rest);
    }
}
