//! Two comparable records, slot by slot: the level that each comparison comes to, and how rare what they agree on is.
//!
//! A side without a value makes no outcome. Of several values the best pair counts. Given and family name that stand in
//! each other's place are seen as *swapped* when they don't agree where they stand.
//!
//! INVARIANT: symmetric, because [`outcomes`] puts the two in the order of their bytes first.

use super::comparable::{Comparable, View, field};
use super::fold::{self, Nearness};
use super::kind::{
    Kind, LEVELS_MAX, MISSING, SLOTS, email, extra, family, given, government, identifier, middle, organisation, phone,
    place, street as street_level,
};
use super::terms::{Rarities, Vocabulary};
use super::{birth, organisation as organisations, street};

/// No term was agreed on.
pub(super) const NO_TERM: i32 = i32::MAX;

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// A level of the kind, or [`MISSING`].
    pub(super) level: u8,
    /// How rare what both agree on is, in millibits; [`NO_TERM`] where that plays no part.
    pub(super) rarity: i32,
}

/// What a government id with one slip tells at most, in millibits: many are given out in sequence.
const NEAR_ID_MAX: i32 = 12_000;
/// What a phone number with one slip tells at most, in millibits: neighbours in an office have such.
const NEAR_PHONE_MAX: i32 = 8_000;

const NOTHING: Outcome = Outcome { level: MISSING, rarity: NO_TERM };

/// The outcomes of a pair, by slot.
pub(super) type Outcomes = [Outcome; SLOTS];

/// Whether at this level the rarity of the term takes the place of the level's chance; at all others it caps the weight.
pub(super) const fn is_by_term(kind: Kind, level: u8) -> bool {
    match kind {
        Kind::GivenName => matches!(level, given::EXACT | given::SWAPPED),
        Kind::MiddleName => matches!(level, middle::EXACT),
        Kind::FamilyName => matches!(level, family::EXACT | family::SWAPPED),
        Kind::BirthDate => level == super::kind::birth::EXACT,
        Kind::Gender | Kind::Organisation => level == 0,
        Kind::Email => matches!(level, email::LOCAL | email::DOMAIN),
        Kind::Street => matches!(level, street_level::EXACT | street_level::NAME_ONLY | street_level::NAME),
        Kind::AddressExtra => level == extra::EXACT,
        Kind::Place => matches!(level, place::EXACT | place::POSTCODE | place::CITY_NEAR_POSTCODE | place::CITY),
        Kind::NameSuffix | Kind::Phone | Kind::GovernmentId | Kind::Identifier => false,
    }
}

/// Compares two records.
pub(super) fn outcomes(a: &Comparable, b: &Comparable, rarities: &Rarities) -> Outcomes {
    let (a, b) = if a <= b { (a, b) } else { (b, a) };
    let (a, b) = (a.view(), b.view());
    let mut out = [NOTHING; SLOTS];
    for (slot, outcome) in out.iter_mut().enumerate() {
        if a.first(slot).is_empty() || b.first(slot).is_empty() {
            continue;
        }
        let kind = Kind::of_slot(slot);
        for x in a.values(slot) {
            for y in b.values(slot) {
                let found = compare(kind, x, y, rarities);
                if found.level < outcome.level {
                    *outcome = found;
                }
            }
        }
    }
    see_variants(&a, &b, &mut out, rarities);
    see_swapped(&a, &b, &mut out, rarities);
    see_moved_street(&a, &b, &mut out);
    out
}

fn compare(kind: Kind, a: &[u8], b: &[u8], rarities: &Rarities) -> Outcome {
    match kind {
        Kind::GivenName => named(given_level(a, b), Vocabulary::GivenName, a, b, given::DIFFERENT, rarities),
        Kind::MiddleName => named(middle_level(a, b), Vocabulary::MiddleName, a, b, middle::DIFFERENT, rarities),
        Kind::FamilyName => named(family_level(a, b), Vocabulary::FamilyName, a, b, family::DIFFERENT, rarities),
        Kind::NameSuffix => plain(u8::from(a != b)),
        Kind::BirthDate => {
            let level = birth::compare(a, b);
            let exact = level == super::kind::birth::EXACT;
            Outcome { level, rarity: if exact { rarities.of(Vocabulary::BirthDate, a) } else { NO_TERM } }
        }
        Kind::Gender => named(u8::from(a != b), Vocabulary::Gender, a, b, 1, rarities),
        Kind::Email => compare_emails(a, b, rarities),
        Kind::Phone => capped(phone_level(a, b), phone::NEAR, NEAR_PHONE_MAX),
        Kind::Street => compare_streets(a, b, rarities),
        Kind::AddressExtra => {
            named(near_level(a, b, extra::EXACT), Vocabulary::AddressExtra, a, b, extra::DIFFERENT, rarities)
        }
        Kind::Place => compare_places(a, b, rarities),
        Kind::GovernmentId => capped(government_level(a, b), government::NEAR, NEAR_ID_MAX),
        Kind::Organisation => {
            let level = organisations::compare(a, b, |word| rarities.of(Vocabulary::OrganisationWord, word));
            let exact = level == organisation::EXACT;
            Outcome { level, rarity: if exact { rarities.of(Vocabulary::Organisation, a) } else { NO_TERM } }
        }
        Kind::Identifier => plain(if a == b { identifier::EXACT } else { identifier::DIFFERENT }),
    }
}

const fn plain(level: u8) -> Outcome {
    Outcome { level, rarity: NO_TERM }
}

/// An outcome that weighs at most so much at one level.
const fn capped(level: u8, at: u8, rarity_max: i32) -> Outcome {
    Outcome { level, rarity: if level == at { rarity_max } else { NO_TERM } }
}

/// An outcome with the rarity of the commoner of two terms, unless they differ.
fn named(level: u8, of: Vocabulary, a: &[u8], b: &[u8], different: u8, rarities: &Rarities) -> Outcome {
    let rarity = if level >= different {
        NO_TERM
    } else if a == b {
        rarities.of(of, a)
    } else {
        rarities.of(of, a).min(rarities.of(of, b))
    };
    Outcome { level, rarity }
}

fn is_initial(a: &[u8], b: &[u8]) -> bool {
    a.len().min(b.len()) == 1 && a.first() == b.first()
}

fn is_start(a: &[u8], b: &[u8]) -> bool {
    a.len().min(b.len()) >= 3 && (a.starts_with(b) || b.starts_with(a))
}

fn given_level(a: &[u8], b: &[u8]) -> u8 {
    if a == b {
        return given::EXACT;
    }
    if a.len().min(b.len()) == 1 {
        return if is_initial(a, b) { given::INITIAL } else { given::DIFFERENT };
    }
    match fold::nearness(a, b) {
        Nearness::Near => given::NEAR,
        _ if is_start(a, b) => given::VARIANT,
        Nearness::Similar => given::SIMILAR,
        Nearness::Far if fold::sound(a) == fold::sound(b) => given::SIMILAR,
        Nearness::Far => given::DIFFERENT,
    }
}

fn middle_level(a: &[u8], b: &[u8]) -> u8 {
    match () {
        () if a == b => middle::EXACT,
        () if is_initial(a, b) => middle::INITIAL,
        () if is_start(a, b) || fold::nearness(a, b) == Nearness::Near => middle::NEAR,
        () => middle::DIFFERENT,
    }
}

fn family_level(a: &[u8], b: &[u8]) -> u8 {
    if a == b {
        return family::EXACT;
    }
    match fold::nearness(a, b) {
        Nearness::Near => family::NEAR,
        _ if is_initial(a, b) || is_part(a, b) => family::PART,
        Nearness::Similar => family::SIMILAR,
        Nearness::Far if fold::sound(a) == fold::sound(b) && a.len().min(b.len()) > 3 => family::SIMILAR,
        Nearness::Far => family::DIFFERENT,
    }
}

/// Whether one is a word of the other, as when a name is taken at marriage.
fn is_part(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.len() >= 3 && long.split(|byte| *byte == b' ').any(|word| word == short)
}

fn near_level(a: &[u8], b: &[u8], exact: u8) -> u8 {
    if a == b {
        return exact;
    }
    if fold::nearness(a, b) == Nearness::Far { exact + 2 } else { exact + 1 }
}

/// Names by which one person may be called.
fn see_variants(a: &View<'_>, b: &View<'_>, out: &mut Outcomes, rarities: &Rarities) {
    let outcome = &mut out[Kind::GivenName as usize];
    if outcome.level == MISSING || outcome.level <= given::VARIANT {
        return;
    }
    if a.nicknames().any(|group| b.nicknames().any(|other| other == group)) {
        let (x, y) = (a.kind(Kind::GivenName), b.kind(Kind::GivenName));
        *outcome = named(given::VARIANT, Vocabulary::GivenName, x, y, given::DIFFERENT, rarities);
    }
}

/// Given and family name in each other's place.
fn see_swapped(a: &View<'_>, b: &View<'_>, out: &mut Outcomes, rarities: &Rarities) {
    let (givens, families) = (out[Kind::GivenName as usize].level, out[Kind::FamilyName as usize].level);
    if givens < given::INITIAL || families < family::SIMILAR {
        return;
    }
    let agree = |x: &[u8], y: &[u8]| {
        (!x.is_empty() && !y.is_empty()).then(|| x.len() > 1 && fold::nearness(x, y) == Nearness::Near)
    };
    let (given_a, given_b) = (a.kind(Kind::GivenName), b.kind(Kind::GivenName));
    let (family_a, family_b) = (a.kind(Kind::FamilyName), b.kind(Kind::FamilyName));
    let rarity = |x: &[u8], y: &[u8]| {
        let of = |term| rarities.of(Vocabulary::GivenName, term).min(rarities.of(Vocabulary::FamilyName, term));
        if x == y { of(x) } else { of(x).min(of(y)) }
    };
    let swapped_given = Outcome { level: given::SWAPPED, rarity: rarity(given_a, family_b) };
    let swapped_family = Outcome { level: family::SWAPPED, rarity: rarity(family_a, given_b) };
    let (into_given, into_family) = match (agree(given_a, family_b), agree(family_a, given_b)) {
        (Some(true), Some(true)) => (swapped_given, swapped_family),
        (Some(true), None) => (swapped_given, NOTHING),
        (None, Some(true)) => (NOTHING, swapped_family),
        _ => return,
    };
    out[Kind::GivenName as usize] = into_given;
    out[Kind::FamilyName as usize] = into_family;
}

/// A street that stands in the other record's second address line.
fn see_moved_street(a: &View<'_>, b: &View<'_>, out: &mut Outcomes) {
    let outcome = &mut out[Kind::Street as usize];
    if outcome.level != street_level::DIFFERENT && outcome.level != MISSING {
        return;
    }
    let moved = |x: &View<'_>, y: &View<'_>| {
        let (street, extra) = (field(x.kind(Kind::Street), 1), y.kind(Kind::AddressExtra));
        street.len() >= 4 && extra.len() >= 4 && (street == extra || extra.starts_with(street))
    };
    if moved(a, b) || moved(b, a) {
        *outcome = plain(street_level::SIMILAR);
    }
}

fn compare_emails(a: &[u8], b: &[u8], rarities: &Rarities) -> Outcome {
    let ((local_a, domain_a), (local_b, domain_b)) = (split_email(a), split_email(b));
    if a == b {
        // An address is as rare as its parts together.
        let rarity =
            rarities.of(Vocabulary::EmailLocal, local_a).saturating_add(rarities.of(Vocabulary::EmailDomain, domain_a));
        return Outcome { level: email::EXACT, rarity };
    }
    let same_domain = domain_a == domain_b && !domain_a.is_empty();
    let longer = a.len().max(b.len());
    let long_local = local_a.len().max(local_b.len());
    let far = other_number(local_a, local_b)
        || fold::distance_min(a, b) * 4 > longer
        || fold::distance_min(local_a, local_b) * 2 > long_local;
    let edits = if far { longer } else { fold::distance(a, b) as usize };
    let local_edits = if far { long_local } else { fold::distance(local_a, local_b) as usize };
    match () {
        // Two letters more or less in front of a domain that many have are another person.
        () if edits * 6 <= longer && (local_edits == 0 || local_edits * 4 <= long_local) => plain(email::NEAR),
        () if local_a == local_b && local_a.len() >= 4 => {
            Outcome { level: email::LOCAL, rarity: rarities.of(Vocabulary::EmailLocal, local_a) }
        }
        () if edits * 4 <= longer && local_edits * 2 <= long_local => plain(email::SIMILAR),
        () if same_domain => Outcome { level: email::DOMAIN, rarity: rarities.of(Vocabulary::EmailDomain, domain_a) },
        () => plain(email::DIFFERENT),
    }
}

/// Whether the numbers in two local parts are not one slip apart: `ann.lee12` is not `ann.lee57`.
fn other_number(a: &[u8], b: &[u8]) -> bool {
    let numbers = |text: &[u8]| {
        let (mut out, mut count) = ([0u8; 16], 0);
        for digit in text.iter().filter(|byte| byte.is_ascii_digit()) {
            if let Some(place) = out.get_mut(count) {
                (*place, count) = (*digit, count + 1);
            }
        }
        (out, count)
    };
    let ((x, x_count), (y, y_count)) = (numbers(a), numbers(b));
    let (x, y) = (&x[..x_count], &y[..y_count]);
    x != y && fold::distance(x, y) > 1
}

/// Local part and domain.
pub(super) fn split_email(address: &[u8]) -> (&[u8], &[u8]) {
    match address.iter().rposition(|byte| *byte == b'@') {
        Some(at) => (&address[..at], &address[at + 1..]),
        None => (address, &[]),
    }
}

/// The last seven digits, which are a number without its area code.
pub(super) fn local_number(digits: &[u8]) -> &[u8] {
    &digits[digits.len().saturating_sub(7)..]
}

fn phone_level(a: &[u8], b: &[u8]) -> u8 {
    if a == b {
        return phone::EXACT;
    }
    let (x, y) = (local_number(a), local_number(b));
    if x == y && x.len() == 7 {
        let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
        let inside = long.ends_with(short.strip_prefix(b"0").unwrap_or(short));
        return if inside { phone::EXACT } else { phone::LOCAL };
    }
    if a.len().abs_diff(b.len()) <= 1 && fold::distance(a, b) == 1 { phone::NEAR } else { phone::DIFFERENT }
}

fn compare_streets(a: &[u8], b: &[u8], rarities: &Rarities) -> Outcome {
    let level = street::compare(a, b);
    let (street_a, street_b) = (street::halves(a).1, street::halves(b).1);
    let rarity = match level {
        street_level::EXACT => rarities.of(Vocabulary::Address, a),
        street_level::NEAR | street_level::NAME | street_level::NAME_ONLY if street_a == street_b => {
            let rarity = rarities.of(Vocabulary::StreetName, street_a);
            if level == street_level::NEAR { rarity.saturating_add(4_000) } else { rarity }
        }
        _ => NO_TERM,
    };
    Outcome { level, rarity }
}

fn compare_places(a: &[u8], b: &[u8], rarities: &Rarities) -> Outcome {
    let (post_a, post_b, city_a, city_b) = (field(a, 0), field(b, 0), field(a, 1), field(b, 1));
    let (region_a, region_b) = (field(a, 2), field(b, 2));
    let posts = !post_a.is_empty() && !post_b.is_empty();
    let cities = !city_a.is_empty() && !city_b.is_empty();
    let near = |x: &[u8], y: &[u8]| fold::distance(x, y) <= 1;
    let city_near = cities && (city_a == city_b || fold::nearness(city_a, city_b) != Nearness::Far);
    let commoner = |of: Vocabulary, x: &[u8], y: &[u8]| rarities.of(of, x).min(rarities.of(of, y));
    let postcode = || rarities.of(Vocabulary::Postcode, post_a);
    let city = || rarities.of(Vocabulary::City, city_a);
    let of = |level, rarity| Outcome { level, rarity };
    if posts && post_a == post_b {
        return of(if cities && !city_near { place::POSTCODE } else { place::EXACT }, postcode());
    }
    if cities && city_a == city_b {
        return of(if posts && near(post_a, post_b) { place::CITY_NEAR_POSTCODE } else { place::CITY }, city());
    }
    if city_near {
        return of(place::NEAR, commoner(Vocabulary::City, city_a, city_b));
    }
    if posts && post_a.len() >= 4 && near(post_a, post_b) {
        return of(place::NEAR, commoner(Vocabulary::Postcode, post_a, post_b));
    }
    if !region_a.is_empty() && region_a == region_b {
        return of(place::REGION, rarities.of(Vocabulary::Region, region_a));
    }
    if posts || cities { plain(place::DIFFERENT) } else { NOTHING }
}

fn government_level(a: &[u8], b: &[u8]) -> u8 {
    match () {
        () if a == b => government::EXACT,
        () if a.len().abs_diff(b.len()) <= 1 && a.len().max(b.len()) >= 6 && fold::distance(a, b) == 1 => {
            government::NEAR
        }
        () => government::DIFFERENT,
    }
}

/// Calls back with every term that a record carries.
pub(super) fn terms<'a>(view: &View<'a>, mut found: impl FnMut(Vocabulary, &'a [u8])) {
    for (kind, vocabulary) in [
        (Kind::GivenName, Vocabulary::GivenName),
        (Kind::MiddleName, Vocabulary::MiddleName),
        (Kind::FamilyName, Vocabulary::FamilyName),
        (Kind::BirthDate, Vocabulary::BirthDate),
        (Kind::Gender, Vocabulary::Gender),
        (Kind::AddressExtra, Vocabulary::AddressExtra),
        (Kind::Organisation, Vocabulary::Organisation),
    ] {
        view.values(kind as usize).for_each(|value| found(vocabulary, value));
    }
    for address in view.values(Kind::Email as usize) {
        let (local, domain) = split_email(address);
        found(Vocabulary::EmailLocal, local);
        found(Vocabulary::EmailDomain, domain);
    }
    let address = view.kind(Kind::Street);
    if !address.is_empty() {
        found(Vocabulary::Address, address);
        found(Vocabulary::StreetName, street::halves(address).1);
    }
    let entry = view.kind(Kind::Place);
    if !entry.is_empty() {
        for (index, vocabulary) in [(0, Vocabulary::Postcode), (1, Vocabulary::City), (2, Vocabulary::Region)] {
            found(vocabulary, field(entry, index));
        }
    }
    for name in view.values(Kind::Organisation as usize) {
        name.split(|byte| *byte == b' ').for_each(|word| found(Vocabulary::OrganisationWord, word));
    }
}

const _: () = {
    let mut i = 0;
    while i < Kind::ALL.len() {
        assert!(Kind::ALL[i].levels().len() <= LEVELS_MAX);
        assert!(Kind::ALL[i] as usize == i);
        i += 1;
    }
};
