//! What the engine knows of every record it has ever seen: by name, its birth and the last change that was taken.
//!
//! State is kept per (source, key), so that the event's own `before` is never needed. Deleted records stay known: a
//! late older change must not bring them back, and a record that returns keeps its birth number.
//! INVARIANT: births are dense, so that a record's birth is its place in the list.

use crate::model::{Birth, NameHash, Order, SourceId};
use hashbrown::HashTable;

/// The last change of a record that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub name: NameHash,
    pub source: SourceId,
    pub live: bool,
    /// Whether some value of it could not be used.
    pub issues: bool,
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
    /// Births by the name of their record, which is a hash already.
    by_name: HashTable<u64>,
    /// By birth, the root of the profile that the record is in, or was in last; its own birth when it never was in one.
    roots: Vec<Birth>,
}

impl KnownRecords {
    /// The record of this name.
    pub fn find(&self, name: NameHash) -> Option<(Birth, &Known)> {
        let birth = Birth(*self.by_name.find(hash(name), |birth| self.name(*birth) == Some(name))?);
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
        if self.find(known.name).is_some_and(|(other, _)| other != birth) {
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
                self.roots.push(birth);
                let by_birth = &self.by_birth;
                let name_of = |birth: &u64| usize::try_from(*birth).ok().and_then(|place| by_birth.get(place));
                self.by_name.insert_unique(hash(known.name), birth.0, |birth| {
                    name_of(birth).map_or(0, |known| hash(known.name))
                });
                true
            }
            _ => false,
        }
    }

    /// Puts an erased record in place: it keeps its birth and loses its name.
    ///
    /// Returns `false` when births would not stay dense.
    #[must_use]
    pub fn erase(&mut self, birth: Birth, source: SourceId) -> bool {
        let order = Order::Arrival;
        let known = Known { name: ERASED, source, live: false, issues: false, order, content: 0, position: 0 };
        match usize::try_from(birth.0) {
            Ok(place) if place < self.by_birth.len() => {
                let name = self.by_birth[place].name;
                if let Ok(entry) = self.by_name.find_entry(hash(name), |other| *other == birth.0) {
                    entry.remove();
                }
                self.by_birth[place] = known;
                self.roots[place] = birth;
                true
            }
            Ok(place) if place == self.by_birth.len() => {
                self.by_birth.push(known);
                self.roots.push(birth);
                true
            }
            _ => false,
        }
    }

    /// Whether a record was erased.
    pub fn is_erased(&self, birth: Birth) -> bool {
        self.get(birth).is_some_and(|known| known.name == ERASED)
    }

    /// Records that were deleted by their sources and not erased.
    pub fn departed(&self) -> impl Iterator<Item = Birth> + '_ {
        let departed = |known: &Known| !known.live && known.name != ERASED;
        (0..).map(Birth).zip(&self.by_birth).filter(move |(_, known)| departed(known)).map(|(birth, _)| birth)
    }

    /// Makes room for so many records.
    pub fn reserve(&mut self, count: usize) {
        self.by_birth.reserve(count);
        self.roots.reserve(count);
        self.by_name.reserve(count, |_| 0);
    }

    /// Marks that some value of a record could not be used.
    pub fn mark_issues(&mut self, birth: Birth) {
        if let Some(known) = usize::try_from(birth.0).ok().and_then(|place| self.by_birth.get_mut(place)) {
            known.issues = true;
        }
    }

    /// The root of the profile that a record is in, or was in last.
    pub fn root(&self, birth: Birth) -> Option<Birth> {
        self.roots.get(usize::try_from(birth.0).ok()?).copied()
    }

    /// Puts a record into the profile of this root.
    pub fn set_root(&mut self, birth: Birth, root: Birth) {
        if let Some(place) = usize::try_from(birth.0).ok().and_then(|place| self.roots.get_mut(place)) {
            *place = root;
        }
    }

    fn name(&self, birth: u64) -> Option<NameHash> {
        Some(self.by_birth.get(usize::try_from(birth).ok()?)?.name)
    }
}

/// Stands for the name of an erased record; no keyed hash of 128 bits will ever be zero.
pub(super) const ERASED: NameHash = NameHash(0);

/// The lower half of a keyed hash is hash enough.
fn hash(name: NameHash) -> u64 {
    u64::try_from(name.0 & u128::from(u64::MAX)).unwrap_or(0)
}
