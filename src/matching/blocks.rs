//! Blocking: which pairs of records are worth a comparison. Two records are compared when they share a key.
//!
//! Each rule names two or three things that one person's records rarely all get wrong, and that few strangers share.
//! Keys are keyed hashes: whoever sees them without the key learns nothing.
//!
//! INVARIANT: a key depends on the record and the key of the hash alone; a record has at most [`KEYS_MAX`].

use super::comparable::{Comparable, View, field};
use super::compare::{local_number, split_email};
use super::fold::sound;
use super::kind::{Kind, SLOTS};
use super::street;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// Keys that a record has at most.
pub(super) const KEYS_MAX: usize = 16;

/// A block of more records than this makes no pairs.
pub(super) const RECORDS_MAX: u32 = 100;

/// The rules, by the number that goes into their hashes.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Rule {
    GovernmentId,
    Email,
    Phone,
    Identifier,
    BirthAndInitial,
    Names,
    NamesAndYear,
    NamesAndPlace,
    AddressAndInitial,
    GivenAndBirth,
    EmailLocal,
    EmailDomain,
    NameYearAndPlace,
    Organisation,
}

struct Keys<'k> {
    key: &'k [u8; 16],
    out: &'k mut Vec<u64>,
}

impl Keys<'_> {
    /// Adds a key, unless a part is empty.
    fn add(&mut self, rule: Rule, parts: &[&[u8]]) {
        if parts.iter().any(|part| part.is_empty()) {
            return;
        }
        let mut hasher = SipHasher13::new_with_key(self.key);
        hasher.write_u8(rule as u8);
        for part in parts {
            hasher.write_u8(u8::try_from(part.len()).unwrap_or(u8::MAX));
            hasher.write(part);
        }
        self.out.push(hasher.finish());
    }
}

/// Writes the keys of a record, sorted, each once.
pub(super) fn keys(record: &Comparable, key: &[u8; 16], out: &mut Vec<u64>) {
    out.clear();
    let view = record.view();
    let mut keys = Keys { key, out };
    identifiers(&view, &mut keys);
    names(&view, &mut keys);
    addresses(&view, &mut keys);
    out.sort_unstable();
    out.dedup();
    out.truncate(KEYS_MAX);
}

fn identifiers(view: &View<'_>, keys: &mut Keys<'_>) {
    for id in view.values(Kind::GovernmentId as usize) {
        keys.add(Rule::GovernmentId, &[id]);
    }
    for address in view.values(Kind::Email as usize) {
        keys.add(Rule::Email, &[address]);
        let (local, domain) = split_email(address);
        keys.add(Rule::EmailDomain, &[domain, local.get(..1).unwrap_or(&[])]);
        if local.len() >= 5 {
            keys.add(Rule::EmailLocal, &[local]);
        }
    }
    for digits in view.values(Kind::Phone as usize) {
        keys.add(Rule::Phone, &[local_number(digits)]);
    }
    for slot in Kind::Identifier as usize..SLOTS {
        for id in view.values(slot) {
            keys.add(Rule::Identifier, &[&[u8::try_from(slot).unwrap_or(0)], id]);
        }
    }
}

/// What of a date survives when day and month are swapped.
fn unordered(date: &[u8]) -> Option<[u8; 8]> {
    let mut out: [u8; 8] = date.try_into().ok()?;
    if out[4..6] > out[6..8] {
        let month = [out[4], out[5]];
        out.copy_within(6..8, 4);
        out[6..].copy_from_slice(&month);
    }
    Some(out)
}

fn names(view: &View<'_>, keys: &mut Keys<'_>) {
    let (given, family) = (view.kind(Kind::GivenName), view.kind(Kind::FamilyName));
    let date = unordered(view.kind(Kind::BirthDate));
    let (first, second) = (sound(given), sound(family));
    let sounds = |word: &[u8], sound: [u8; 4]| if word.is_empty() { Vec::new() } else { sound.to_vec() };
    let (first, second) = (sounds(given, first), sounds(family, second));
    if let Some(date) = &date {
        let local = split_email(view.kind(Kind::Email)).0;
        for word in [given, family, local] {
            keys.add(Rule::BirthAndInitial, &[date, word.get(..1).unwrap_or(&[])]);
        }
        keys.add(Rule::GivenAndBirth, &[&date[4..], &first, second.get(..1).unwrap_or(&[])]);
    }
    let (low, high) = if first <= second { (&first, &second) } else { (&second, &first) };
    keys.add(Rule::Names, &[low, high]);
    let year = date.as_ref().map_or(&[][..], |date| &date[..4]);
    keys.add(Rule::NamesAndYear, &[low, high, year]);
    let place = view.kind(Kind::Place);
    let locality = if field(place, 1).is_empty() { field(place, 0) } else { field(place, 1) };
    keys.add(Rule::NamesAndPlace, &[low, high, locality]);
    for sound in [&first, &second] {
        keys.add(Rule::NameYearAndPlace, &[sound, year, locality]);
    }
}

fn addresses(view: &View<'_>, keys: &mut Keys<'_>) {
    let (number, name) = street::halves(view.kind(Kind::Street));
    let name = name.get(..4).unwrap_or(name);
    for word in [view.kind(Kind::GivenName), view.kind(Kind::FamilyName)] {
        keys.add(Rule::AddressAndInitial, &[number, name, word.get(..1).unwrap_or(&[])]);
    }
    let organisation = view.kind(Kind::Organisation);
    if !organisation.is_empty() {
        keys.add(Rule::Organisation, &[organisation]);
        keys.add(Rule::Organisation, &[number, name]);
    }
}
