//! Sets of entries as ranges: which are redacted, and which a redaction entry lists.

use super::Position;
use crate::model::Sequence;

/// Entries in ascending order, those that follow one another as one range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    /// (first, end, place of the first); disjoint and ascending.
    ranges: Vec<(u64, u64, Position)>,
}

impl Ranges {
    /// Adds an entry that comes after all that are in.
    pub(super) fn push(&mut self, sequence: Sequence, position: Position) {
        match self.ranges.last_mut() {
            Some((_, end, _)) if *end == sequence.0 => *end += 1,
            _ => self.ranges.push((sequence.0, sequence.0.saturating_add(1), position)),
        }
    }

    /// Adds ranges, which may overlap those that are in.
    pub(super) fn extend(&mut self, entries: &[(Sequence, u32)]) {
        let added =
            entries.iter().map(|(first, count)| (first.0, first.0.saturating_add((*count).into()), Position(0)));
        self.ranges.extend(added);
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|next, last| {
            let joined = next.0 <= last.1;
            last.1 = if joined { last.1.max(next.1) } else { last.1 };
            joined
        });
    }

    /// The first entry of this set that is not in `other`, with the place of its range.
    pub(super) fn first_outside(&self, other: &Self) -> Option<(Sequence, Position)> {
        self.ranges.iter().find_map(|&(first, end, position)| {
            let before = other.ranges.partition_point(|(start, _, _)| *start <= first);
            let covered =
                before.checked_sub(1).and_then(|place| other.ranges.get(place)).map_or(first, |range| range.1);
            (covered < end).then_some((Sequence(covered.max(first)), position))
        })
    }

    /// How many entries there are.
    pub(super) fn count(&self) -> u64 {
        self.ranges.iter().map(|(first, end, _)| end - first).sum()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges: first entry and how many, none longer than a u32 says.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Sequence, u32)> + '_ {
        self.ranges.iter().flat_map(|&(first, end, _)| {
            let step = u64::from(u32::MAX);
            (0..(end - first).div_ceil(step)).map(move |part| {
                let start = first + part * step;
                (Sequence(start), u32::try_from((end - start).min(step)).unwrap_or(u32::MAX))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_not_listed() {
        let mut seen = Ranges::default();
        [3, 4, 5, 9, 12].into_iter().for_each(|n| seen.push(Sequence(n), Position(n)));
        assert_eq!(seen.count(), 5);
        assert_eq!(seen.iter().collect::<Vec<_>>(), [(Sequence(3), 3), (Sequence(9), 1), (Sequence(12), 1)]);
        let mut listed = Ranges::default();
        assert_eq!(seen.first_outside(&listed), Some((Sequence(3), Position(3))));
        listed.extend(&[(Sequence(3), 2)]);
        assert_eq!(seen.first_outside(&listed), Some((Sequence(5), Position(3))));
        listed.extend(&[(Sequence(5), 5), (Sequence(0), 1)]);
        assert_eq!(seen.first_outside(&listed), Some((Sequence(12), Position(12))));
        listed.extend(&[(Sequence(11), 9)]);
        assert_eq!(seen.first_outside(&listed), None);
        assert!(!seen.is_empty() && listed.count() == 17);
    }
}
