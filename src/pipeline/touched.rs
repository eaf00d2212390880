//! The records that an open epoch has changed, each with what it was before.
//!
//! New ones stand in chunks: a load need not copy them all to grow, and lets go of each chunk when it is through.
//! INVARIANT: a record stands here once, however often it changes in an epoch; every chunk but the last is full.

use crate::matching::Comparable;
use crate::model::{Birth, FieldIndex, NameHash};
use crate::store::{RecordBody, RecordRow};
use hashbrown::HashMap;

/// A record that the open epoch has changed.
#[derive(Debug)]
pub(super) struct Touched {
    /// Its name, by which the dataflow knows it.
    pub name: NameHash,
    /// Its facts before the epoch.
    pub before: RecordBody,
    /// What it is now.
    pub after: RecordRow,
    /// Whether the epoch is its first.
    pub new: bool,
    /// Whether some value of it could not be used before the epoch.
    pub had_issues: bool,
    /// (field, reason) of values that could not be used.
    pub issues: Vec<(FieldIndex, u8)>,
    /// What is compared of it now.
    pub compared: Option<Comparable>,
}

/// Records that the open epoch has changed: those that it saw first stand in a row, for births are dense.
#[derive(Debug, Default)]
pub(super) struct TouchedRecords {
    old: HashMap<Birth, Touched>,
    /// Birth of the first of `new`.
    first: u64,
    new: Vec<Vec<Touched>>,
}

/// Records in one chunk.
const CHUNK: usize = 1024;

impl TouchedRecords {
    /// A record of them.
    pub fn get(&self, birth: Birth) -> Option<&Touched> {
        if self.new.is_empty() || birth.0 < self.first {
            return self.old.get(&birth);
        }
        let place = usize::try_from(birth.0 - self.first).ok()?;
        self.new.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, birth: Birth) -> Option<&mut Touched> {
        if self.new.is_empty() || birth.0 < self.first {
            return self.old.get_mut(&birth);
        }
        let place = usize::try_from(birth.0 - self.first).ok()?;
        self.new.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
    }

    /// Adds a record that is not there yet; a new one has the next birth.
    pub fn insert(&mut self, birth: Birth, touched: Touched) {
        if !touched.new {
            self.old.insert(birth, touched);
            return;
        }
        if self.new.is_empty() {
            self.first = birth.0;
        }
        match self.new.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(touched),
            // The first grows from nothing, as most epochs are small.
            first => {
                let mut chunk = Vec::with_capacity(if first.is_some() { CHUNK } else { 1 });
                chunk.push(touched);
                self.new.push(chunk);
            }
        }
    }

    /// Replaces a record's state by that of an erased one.
    pub fn erase(&mut self, birth: Birth, touched: Touched) {
        match self.get_mut(birth) {
            Some(known) => (known.after, known.compared) = (touched.after, None),
            None => drop(self.old.insert(birth, touched)),
        }
    }

    /// All of them, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (Birth, &Touched)> {
        let old = self.old.iter().map(|(birth, touched)| (*birth, touched));
        old.chain((self.first..).map(Birth).zip(self.new.iter().flatten()))
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        let new = self.new.last().map_or(0, |last| (self.new.len() - 1) * CHUNK + last.len());
        (self.old.len() + new) as u64
    }

    /// All of them in ascending order of birth.
    pub fn into_sorted(self) -> impl Iterator<Item = (Birth, Touched)> {
        let mut old: Vec<(Birth, Touched)> = self.old.into_iter().collect();
        old.sort_unstable_by_key(|(birth, _)| *birth);
        old.into_iter().chain((self.first..).map(Birth).zip(self.new.into_iter().flatten()))
    }
}
