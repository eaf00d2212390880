//! What of a record is compared, packed into bytes: a thing that is cheap to keep, to hash and to compare.
//!
//! ```text
//! comparable   entry* in ascending order of slot
//! entry        slot u8 | size u8 | that many bytes
//! ```
//! A slot is the number of a [`Kind`], [`Kind::Identifier`] and above for the attributes of system-made identifiers, and
//! [`NICKNAMES`] for the nickname groups of the given name. Street is `number 0x1f street`, place is
//! `postcode 0x1f city 0x1f region`, a date of birth is eight digits with zeros for what is unknown.
//!
//! INVARIANT: equal records have equal bytes. Personal values stand here in clear, so `Debug` prints only a size.

use super::kind::{Kind, SLOTS};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Slot of the nickname groups of a given name: numbers of two bytes, big-endian.
pub(super) const NICKNAMES: u8 = 0xf0;
/// Values that a slot holds at most.
pub(super) const VALUES_MAX: usize = 3;
/// What parts the fields inside an entry.
pub(super) const SEPARATOR: u8 = 0x1f;

/// What of a record is compared: packed, with folded texts and parsed numbers. It does not depend on a model.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Comparable(Vec<u8>);

impl fmt::Debug for Comparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Comparable({} bytes)", self.0.len())
    }
}

impl Comparable {
    /// Whether nothing can be compared.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The packed bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Adds an entry; slots are pushed in ascending order.
    pub(super) fn push(&mut self, slot: u8, value: &[u8]) {
        let value = &value[..value.len().min(usize::from(u8::MAX))];
        if let Ok(size) = u8::try_from(value.len())
            && size > 0
        {
            self.0.push(slot);
            self.0.push(size);
            self.0.extend_from_slice(value);
        }
    }

    /// The entries. Whatever the bytes, this ends.
    pub(super) fn view(&self) -> View<'_> {
        let mut view = View::default();
        let mut rest = self.0.as_slice();
        while let [slot, size, tail @ ..] = rest {
            let Some((value, after)) = tail.split_at_checked(usize::from(*size)) else { break };
            rest = after;
            view.take(*slot, value);
        }
        view
    }
}

/// A comparable taken apart: the first value of each slot, and the few others.
#[derive(Clone, Copy, Default)]
pub(super) struct View<'a> {
    first: [&'a [u8]; SLOTS],
    others: [(u8, &'a [u8]); OTHERS_MAX],
    others_count: usize,
    nicknames: &'a [u8],
}

/// Values of a record beyond the first of each slot that are looked at.
const OTHERS_MAX: usize = 8;

impl<'a> View<'a> {
    fn take(&mut self, slot: u8, value: &'a [u8]) {
        if slot == NICKNAMES {
            self.nicknames = value;
            return;
        }
        match self.first.get_mut(usize::from(slot)) {
            Some(first) if first.is_empty() => *first = value,
            Some(_) => {
                if let Some(place) = self.others.get_mut(self.others_count) {
                    *place = (slot, value);
                    self.others_count += 1;
                }
            }
            None => {}
        }
    }

    /// The first value of a slot, empty where there is none.
    pub(super) fn first(&self, slot: usize) -> &'a [u8] {
        self.first.get(slot).copied().unwrap_or(&[])
    }

    /// The first value of a kind, empty where there is none.
    pub(super) fn kind(&self, kind: Kind) -> &'a [u8] {
        self.first(kind as usize)
    }

    /// The values of a slot.
    pub(super) fn values(&self, slot: usize) -> impl Iterator<Item = &'a [u8]> + use<'a, '_> {
        let others = self.others.get(..self.others_count).unwrap_or(&[]);
        let of_slot = others.iter().filter(move |(of, _)| usize::from(*of) == slot).map(|(_, value)| *value);
        std::iter::once(self.first(slot)).filter(|value| !value.is_empty()).chain(of_slot)
    }

    /// The nickname groups of the given name.
    pub(super) fn nicknames(&self) -> impl Iterator<Item = u16> + 'a {
        self.nicknames.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }
}

/// The field of an entry of several.
pub(super) fn field(entry: &[u8], index: usize) -> &[u8] {
    entry.split(|byte| *byte == SEPARATOR).nth(index).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_hostile_bytes_end() {
        let mut packed = Comparable::default();
        packed.push(Kind::GivenName as u8, b"ada");
        packed.push(Kind::Email as u8, b"a@example.com");
        packed.push(Kind::Email as u8, b"");
        packed.push(NICKNAMES, &[0, 7]);
        let view = packed.view();
        assert_eq!(view.values(0).collect::<Vec<_>>(), [b"ada"]);
        assert_eq!(view.kind(Kind::Email), b"a@example.com");
        assert_eq!(view.nicknames().collect::<Vec<_>>(), [7]);
        for bytes in [vec![0], vec![0, 9, 1], vec![255, 0, 255, 0], vec![0xf0, 1, 1]] {
            let view = Comparable(bytes).view().kind(Kind::Email).is_empty();
            assert!(view);
        }
    }
}
