//! A table by birth number: births are given in order, so that pages of neighbours beat a hash map in memory and time.
//!
//! It never holds an empty page. INVARIANT: `used` counts the places of a page that are taken. A birth so great that no
//! machine holds as many records costs a search more, not memory.

use crate::model::Birth;
use hashbrown::HashMap;

/// Places in one page: a power of two.
const PAGE: u64 = 256;

/// Pages that are found by their place; 2^32 records are in them.
const NEAR: u64 = (1 << 32) / PAGE;

/// What is known of each record.
#[derive(Debug)]
pub struct ByBirth<T> {
    near: Vec<Option<Page<T>>>,
    far: HashMap<u64, Page<T>>,
}

#[derive(Debug)]
struct Page<T> {
    used: u32,
    places: Box<[Option<T>]>,
}

impl<T> Default for ByBirth<T> {
    fn default() -> Self {
        Self { near: Vec::new(), far: HashMap::new() }
    }
}

/// The page of a birth, and its place in it.
fn place(birth: Birth) -> (u64, usize) {
    (birth.0 / PAGE, usize::try_from(birth.0 % PAGE).expect("a page is small"))
}

impl<T> ByBirth<T> {
    fn page(&self, number: u64) -> Option<&Page<T>> {
        if number < NEAR { self.near.get(number as usize)?.as_ref() } else { self.far.get(&number) }
    }

    fn page_mut(&mut self, number: u64) -> Option<&mut Page<T>> {
        if number < NEAR { self.near.get_mut(number as usize)?.as_mut() } else { self.far.get_mut(&number) }
    }

    /// What is there.
    pub fn get(&self, birth: Birth) -> Option<&T> {
        let (page, place) = place(birth);
        self.page(page)?.places[place].as_ref()
    }

    /// What is there, to be changed.
    pub fn get_mut(&mut self, birth: Birth) -> Option<&mut T> {
        let (page, place) = place(birth);
        self.page_mut(page)?.places[place].as_mut()
    }

    /// What is there, or what `new` makes.
    pub fn entry(&mut self, birth: Birth, new: impl FnOnce() -> T) -> &mut T {
        let (page, place) = place(birth);
        let empty = || Page { used: 0, places: std::iter::repeat_with(|| None).take(PAGE as usize).collect() };
        let page = if page < NEAR {
            let number = page as usize;
            if number >= self.near.len() {
                self.near.resize_with(number + 1, || None);
            }
            self.near[number].get_or_insert_with(empty)
        } else {
            self.far.entry(page).or_insert_with(empty)
        };
        page.used += u32::from(page.places[place].is_none());
        page.places[place].get_or_insert_with(new)
    }

    /// Takes out what is there.
    pub fn remove(&mut self, birth: Birth) -> Option<T> {
        let (number, place) = place(birth);
        let page = self.page_mut(number)?;
        let row = page.places[place].take()?;
        page.used -= 1;
        if page.used == 0 {
            match self.near.get_mut(number as usize).filter(|_| number < NEAR) {
                Some(page) => *page = None,
                None => drop(self.far.remove(&number)),
            }
        }
        Some(row)
    }

    /// Everything that is there, in no order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let pages = self.near.iter_mut().flatten().chain(self.far.values_mut());
        pages.flat_map(|page| page.places.iter_mut().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::{ByBirth, PAGE};
    use crate::model::Birth;

    #[test]
    fn holds_what_is_put_and_no_empty_page() {
        let pages = |table: &ByBirth<u64>| table.near.iter().flatten().count() + table.far.len();
        let mut table = ByBirth::default();
        for birth in [0, 1, PAGE - 1, PAGE, 1 << 40, u64::MAX] {
            *table.entry(Birth(birth), || 0) += birth;
            *table.entry(Birth(birth), || 7) |= 1;
        }
        assert_eq!(table.get(Birth(PAGE)), Some(&(PAGE | 1)));
        assert_eq!((table.get(Birth(2)), table.get(Birth(5 * PAGE))), (None, None));
        assert_eq!(table.values_mut().count(), 6);
        for birth in [0, 1, PAGE - 1] {
            assert_eq!(pages(&table), 4);
            assert_eq!(table.remove(Birth(birth)), Some(birth | 1));
            assert_eq!(table.remove(Birth(birth)), None);
        }
        assert_eq!(pages(&table), 3);
    }
}
