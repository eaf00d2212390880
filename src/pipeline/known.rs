//! What the engine knows of every record it has ever seen: by name, its birth and the last change that was taken.
//!
//! State is kept per (source, key), so that the event's own `before` is never needed. Deleted records stay known: a
//! late older change must not bring them back, and a record that returns keeps its birth number.
//! INVARIANT: births are dense, so that a record's birth is its place in the list.

use crate::model::{Birth, NameHash, Order, SourceId};
use hashbrown::HashMap;

/// The last change of a record that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub name: NameHash,
    pub source: SourceId,
    pub live: bool,
    pub order: Order,
    /// Keyed hash of what the change said.
    pub content: u64,
    /// Where its entry stands in the ledger.
    pub position: u64,
}

/// All records by birth and by name.
#[derive(Debug, Default)]
pub(super) struct KnownRecords {
    by_birth: Vec<Known>,
    by_name: HashMap<NameHash, Birth>,
}

impl KnownRecords {
    /// The record of this name.
    pub fn find(&self, name: NameHash) -> Option<(Birth, &Known)> {
        let birth = *self.by_name.get(&name)?;
        Some((birth, self.get(birth)?))
    }

    /// The record of this birth.
    pub fn get(&self, birth: Birth) -> Option<&Known> {
        self.by_birth.get(usize::try_from(birth.0).ok()?)
    }

    /// The birth that the next new record gets.
    pub fn next_birth(&self) -> Birth {
        Birth(self.by_birth.len() as u64)
    }

    /// Puts a record's state in place; a birth that is not known must be the next.
    ///
    /// Returns `false`, and changes nothing, when births would not stay dense or the name belongs to another birth.
    #[must_use]
    pub fn put(&mut self, birth: Birth, known: Known) -> bool {
        if self.by_name.get(&known.name).is_some_and(|other| *other != birth) {
            return false;
        }
        match usize::try_from(birth.0) {
            Ok(place) if place < self.by_birth.len() => {
                if self.by_birth[place].name != known.name {
                    return false;
                }
                self.by_birth[place] = known;
                true
            }
            Ok(place) if place == self.by_birth.len() => {
                self.by_birth.push(known);
                self.by_name.insert(known.name, birth);
                true
            }
            _ => false,
        }
    }
}
