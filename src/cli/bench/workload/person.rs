//! An invented person, and the ways in which systems write that person down: letter case, phone formats, typos,
//! shared and junk values.
//!
//! INVARIANT: a person is a function of the seed and the person's number alone, so nobody has to be kept.

use super::random::{Random, Topic};
use super::words::{DOMAINS, FIRST, JUNK_EMAIL, JUNK_PHONE, LAST, PLACES, Place, STREETS, slug};
use std::borrow::Cow;
use std::fmt::Write;

/// Share of people who have the phone of a household, and of those who start one.
const HOUSEHOLD: f64 = 0.04;
/// Role mailboxes change in one of five uses; a slot of this many rows sees about one use.
const ROWS_PER_ROLE_MAILBOX: u64 = 180;

/// Everybody, by number.
pub(super) struct Population {
    pub(super) seed: u64,
    /// People whom the load invents; changes invent more.
    pub(super) people: u64,
    firms_end: u64,
    first_slugs: Vec<String>,
    last_slugs: Vec<String>,
}

/// One person: indexes into the word lists, and numbers.
pub(super) struct Person {
    pub(super) number: u64,
    first: usize,
    last: usize,
    pub(super) place: &'static Place,
    pub(super) city: &'static str,
    street: &'static str,
    street_number: u64,
    pub(super) postcode: u64,
    pub(super) born: (u64, u64, u64),
    domains: [&'static str; 3],
    emails: u64,
    phones: [Phone; 3],
    phone_count: u64,
    pub(super) devices: u64,
    pub(super) firm: u64,
}

/// A phone number in its parts.
#[derive(Clone, Copy)]
struct Phone {
    dial: &'static str,
    prefix: &'static str,
    rest: u64,
}

impl Population {
    pub(super) fn new(seed: u64, records: u64, people: u64) -> Self {
        let slugs = |names: &[&str]| names.iter().map(|name| slug(name)).collect();
        let firms_end = (records / 200).max(2);
        Self { seed, people, firms_end, first_slugs: slugs(FIRST), last_slugs: slugs(LAST) }
    }

    /// The person of this number.
    pub(super) fn person(&self, number: u64) -> Person {
        let (mut r, place, phone_own) = self.place_and_phone(number);
        let first = r.below(FIRST.len() as u64) as usize;
        let last = r.below(LAST.len() as u64) as usize;
        let mut emails = 1;
        while emails < 3 && r.chance(0.35) {
            emails += 1;
        }
        let domains = std::array::from_fn(|_| r.pick(DOMAINS));
        let phone_second = phone(&mut r, place);
        let mut phone_count = 1 + u64::from(r.chance(0.25));
        let mut phones = [phone_own, phone_second, phone_own];
        let person = Person {
            number,
            first,
            last,
            place,
            city: r.pick(place.cities),
            street: r.pick(STREETS),
            street_number: r.between(1, 240),
            postcode: r.between(10_000, 99_999),
            born: (r.between(1940, 2013), r.between(1, 13), r.between(1, 29)),
            domains,
            emails,
            phones,
            phone_count,
            devices: 1 + u64::from(r.chance(0.4)),
            firm: r.between(1, self.firms_end),
        };
        let Some(shared) = self.household_phone(number) else { return person };
        phones[phone_count as usize] = shared;
        phone_count += 1;
        Person { phones, phone_count, ..person }
    }

    /// Where a person lives and their own phone, which are drawn first, and the stream that the rest is drawn from.
    fn place_and_phone(&self, number: u64) -> (Random, &'static Place, Phone) {
        let mut r = Random::of(self.seed, Topic::Person, number);
        let place = &PLACES[r.below(PLACES.len() as u64) as usize];
        let own = phone(&mut r, place);
        (r, place, own)
    }

    /// The phone of the household that this person belongs to: that of the last person before who started one.
    fn household_phone(&self, number: u64) -> Option<Phone> {
        let draw = |n| {
            let mut r = Random::of(self.seed, Topic::Household, n);
            (r.chance(HOUSEHOLD), r.chance(HOUSEHOLD))
        };
        if !draw(number).0 {
            return None;
        }
        let starter = (0..number).rev().find(|n| matches!(draw(*n), (false, true)))?;
        Some(self.place_and_phone(starter).2)
    }

    /// The numbers of all firms.
    pub(super) fn firms(&self) -> std::ops::Range<u64> {
        1..self.firms_end
    }

    /// Writes an e-mail address as it was given, without noise.
    pub(super) fn write_email(&self, out: &mut String, person: &Person, index: u64) {
        let (first, last) = (&self.first_slugs[person.first], &self.last_slugs[person.last]);
        let (n, domain) = (person.number, person.domains[index as usize]);
        let _ = match index {
            0 => write!(out, "{first}.{last}{n}@{domain}"),
            _ => write!(out, "{}{last}{n}{index}@{domain}", &first[..1]),
        };
    }

    /// Writes the handle in social networks.
    pub(super) fn write_handle(&self, out: &mut String, person: &Person) {
        let (first, last) = (&self.first_slugs[person.first], &self.last_slugs[person.last]);
        let _ = write!(out, "@{first}_{last}{}", person.number);
    }

    /// Writes an e-mail address as a system has it: 0.8 % junk, 0.6 % role mailboxes, 1 % typos, odd case, spaces.
    /// `slot` is the row's place in the whole run, by which the role mailbox in use is known.
    pub(super) fn write_email_noisy(&self, out: &mut String, person: &Person, slot: u64, r: &mut Random) {
        let start = out.len();
        let x = r.unit();
        self.write_email(out, person, r.below(person.emails));
        if x < 0.008 {
            out.truncate(start);
            out.push_str(r.pick(JUNK_EMAIL));
        } else if x < 0.014 {
            out.truncate(start);
            let _ = write!(out, "info@firm{}.example", self.role_mailbox(slot));
        } else if x < 0.024 {
            let at = start + r.between(1, 6) as usize;
            let swapped: String = out[at..at + 2].chars().rev().collect();
            out.replace_range(at..at + 2, &swapped);
        } else if x < 0.20 {
            let upper = r.chance(0.3);
            recase(&mut out[start..], upper);
        } else if x < 0.24 {
            out.insert(start, ' ');
            out.push(' ');
        }
    }

    /// The firm whose role mailbox is in use at this row: it changes at a fifth of the slots.
    fn role_mailbox(&self, slot: u64) -> u64 {
        let changes = |s: &u64| Random::of(self.seed, Topic::RoleMailbox, *s).chance(0.2);
        let since = (1..=slot / ROWS_PER_ROLE_MAILBOX).rev().find(changes).unwrap_or(0);
        let mut r = Random::of(self.seed, Topic::RoleMailbox, since);
        r.unit();
        r.between(1, self.firms_end)
    }
}

/// Upper case, or the first letter of each run of letters in upper case. The text is ASCII.
fn recase(text: &mut str, upper: bool) {
    if upper {
        return text.make_ascii_uppercase();
    }
    let mut at = 0;
    let starts: Vec<usize> = text
        .bytes()
        .scan(false, |inside, byte| {
            let starts = byte.is_ascii_alphabetic() && !*inside;
            *inside = byte.is_ascii_alphabetic();
            at += 1;
            Some(starts.then_some(at - 1))
        })
        .flatten()
        .collect();
    for start in starts {
        text[start..=start].make_ascii_uppercase();
    }
}

fn phone(r: &mut Random, place: &'static Place) -> Phone {
    let tenth = 10u64.pow(place.digits - 1);
    Phone { dial: place.dial, prefix: r.pick(place.prefixes), rest: r.between(2 * tenth, 10 * tenth) }
}

impl Person {
    pub(super) fn first(&self) -> &'static str {
        FIRST[self.first]
    }

    pub(super) fn last(&self) -> &'static str {
        LAST[self.last]
    }

    pub(super) fn emails(&self) -> u64 {
        self.emails
    }

    /// The name as a system has it: an initial, in capitals, or cut short.
    pub(super) fn name_noisy(&self, r: &mut Random) -> (Cow<'static, str>, Cow<'static, str>) {
        let (first, last) = (self.first(), self.last());
        let x = r.unit();
        if x < 0.1 {
            return (first.chars().take(1).chain(['.']).collect::<String>().into(), last.into());
        }
        if x < 0.2 {
            return (first.to_uppercase().into(), last.to_uppercase().into());
        }
        let cut = if x < 0.23 { first.char_indices().next_back().map_or(0, |(at, _)| at) } else { first.len() };
        (first[..cut].into(), last.into())
    }

    /// Writes the street and the house number.
    pub(super) fn write_street(&self, out: &mut String) {
        let _ = write!(out, "{} {} Street", self.street_number, self.street);
    }

    /// Writes a phone number as a system has it: 0.8 % junk, otherwise in one of four forms.
    pub(super) fn write_phone_noisy(&self, out: &mut String, r: &mut Random) {
        let x = r.unit();
        if x < 0.008 {
            return out.push_str(r.pick(JUNK_PHONE));
        }
        let Phone { dial, prefix, rest } = self.phones[r.below(self.phone_count) as usize];
        let mut digits = String::with_capacity(16);
        let _ = write!(digits, "{prefix}{rest}");
        let _ = match x {
            _ if x < 0.5 => write!(out, "+{dial}{digits}"),
            _ if x < 0.7 => write!(out, "+{dial} {} {} {}", &digits[..3], &digits[3..6], &digits[6..]),
            _ if x < 0.85 => write!(out, "00{dial} {}-{}", &digits[..2], &digits[2..]),
            _ => write!(out, "+{dial} ({}) {}", &digits[..3], &digits[3..]),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_shares_the_phone_of_its_starter() {
        let population = Population::new(5, 40_000, 10_000);
        let people: Vec<Person> = (0..10_000).map(|n| population.person(n)).collect();
        let own = |p: &Person| (p.phones[0].dial, p.phones[0].prefix, p.phones[0].rest);
        let owners: std::collections::HashSet<_> = people.iter().map(own).collect();
        let shared: Vec<_> = (0..10_000).filter_map(|n| population.household_phone(n)).collect();
        assert!(
            shared.iter().all(|p| owners.contains(&(p.dial, p.prefix, p.rest))),
            "a shared phone is somebody's own"
        );
        assert!((300..500).contains(&shared.len()), "about 4 % share one, found {}", shared.len());
    }

    #[test]
    fn title_case_starts_each_run_of_letters() {
        let mut text = "ada.lovelace12b@mail.example".to_owned();
        recase(&mut text, false);
        assert_eq!(text, "Ada.Lovelace12B@Mail.Example");
    }
}
