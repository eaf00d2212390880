//! Rows in numbered places, in chunks: growing never copies a row, and places that were given back are used again.
//!
//! INVARIANT: a number stands for one row from [`Slab::insert`] until [`Slab::remove`]. It checks no misuse beyond that
//! and never gives memory back, as what shrank grows again.

/// Rows in one chunk: a power of two.
const CHUNK: usize = 1024;

/// Number of a place.
pub type Place = u32;

/// Rows in places.
#[derive(Debug)]
pub struct Slab<T> {
    chunks: Vec<Vec<T>>,
    free: Vec<Place>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Puts a row in a free place.
    pub fn insert(&mut self, row: T) -> Place {
        if let Some(place) = self.free.pop() {
            self[place] = row;
            return place;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.chunks.len() - 1;
        let rows = &mut self.chunks[chunk];
        rows.push(row);
        Place::try_from(chunk * CHUNK + rows.len() - 1).expect("fewer than 2^32 rows fit in memory")
    }

    /// Gives a place back; what stood there stays until the place is used again.
    pub fn remove(&mut self, place: Place) {
        self.free.push(place);
    }
}

impl<T> std::ops::Index<Place> for Slab<T> {
    type Output = T;

    fn index(&self, place: Place) -> &T {
        &self.chunks[place as usize / CHUNK][place as usize % CHUNK]
    }
}

impl<T> std::ops::IndexMut<Place> for Slab<T> {
    fn index_mut(&mut self, place: Place) -> &mut T {
        &mut self.chunks[place as usize / CHUNK][place as usize % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Slab};

    #[test]
    fn places_keep_their_rows_and_are_used_again() {
        let mut slab = Slab::default();
        let places: Vec<_> = (0..3 * CHUNK + 1).map(|row| slab.insert(row)).collect();
        assert!(places.iter().enumerate().all(|(row, place)| slab[*place] == row));
        slab.remove(places[5]);
        slab.remove(places[CHUNK]);
        let mut again = [slab.insert(70), slab.insert(71)];
        again.sort_unstable();
        assert_eq!(again, [places[5], places[CHUNK]]);
        assert_eq!(slab[places[5]] + slab[places[CHUNK]], 141);
        assert_eq!(slab.insert(9), places[3 * CHUNK] + 1);
    }
}
