//! Streets: the number, the name without its type and direction, and what stands beside it.
//!
//! `351 Cory Crescent Apt. 3`, `351 cory cres #3` and `Cory Cr 351` become number `351`, street `cory`. A street that is
//! nothing but types and directions (`North Street`) stays as it is.

use super::comparable::field;
use super::fold::{self, Nearness};
use super::kind::street;

/// An address line taken apart; all folded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) number: String,
    pub(super) street: String,
    pub(super) extra: String,
}

/// What a street is, in the languages of most addresses, as it is written and abbreviated, and the compass.
const TYPES: &[&str] = &[
    "alley",
    "aly",
    "av",
    "ave",
    "avenue",
    "avn",
    "avnu",
    "boulevard",
    "blvd",
    "boul",
    "circle",
    "cir",
    "circuit",
    "cct",
    "close",
    "cl",
    "court",
    "ct",
    "crescent",
    "cres",
    "cr",
    "crse",
    "cove",
    "cv",
    "drive",
    "dr",
    "drv",
    "e",
    "east",
    "expressway",
    "expy",
    "freeway",
    "fwy",
    "highway",
    "hwy",
    "lane",
    "ln",
    "loop",
    "n",
    "ne",
    "north",
    "nw",
    "parkway",
    "pkwy",
    "place",
    "pl",
    "plaza",
    "plz",
    "rd",
    "ridge",
    "road",
    "route",
    "rte",
    "s",
    "se",
    "south",
    "square",
    "sq",
    "st",
    "str",
    "strasse",
    "street",
    "sw",
    "terrace",
    "ter",
    "terr",
    "tce",
    "trail",
    "trl",
    "rue",
    "via",
    "calle",
    "w",
    "walk",
    "way",
    "west",
];

/// Words after which a unit follows.
const UNITS: &[&str] =
    &["apartment", "apt", "bldg", "building", "fl", "flat", "floor", "no", "rm", "room", "ste", "suite", "unit"];

/// Takes a folded street and a folded number, if it stands by itself, apart.
pub(super) fn read(line: &str, number: &str) -> Address {
    let mut words: Vec<&str> = Vec::new();
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let after_number = words.last().is_some_and(|before| before.bytes().all(|byte| byte.is_ascii_digit()));
        if !(after_number && ORDINALS.contains(&word) && words.len() > 1) {
            words.push(cardinal(word));
        }
    }
    let mut address = Address { number: number.replace(' ', ""), ..Address::default() };
    let numbered = |word: &&str| word.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    if address.number.is_empty() && words.len() > 1 {
        if words.first().is_some_and(numbered) {
            address.number = words.remove(0).to_owned();
        } else if words.last().is_some_and(numbered) && !is_unit(&words) && !is_route(&words) {
            address.number = words.pop().unwrap_or_default().to_owned();
        }
    }
    if let Some(at) = words.iter().skip(1).position(|word| UNITS.contains(word)) {
        address.extra = words.split_off(at + 1).split_off(1).join(" ");
        let floor = |word: &&str| numbered(word) || ["ground", "first", "second", "third"].contains(word);
        if address.extra.is_empty() && words.len() > 1 && words.last().is_some_and(floor) {
            address.extra = words.pop().unwrap_or_default().to_owned();
        }
    }
    let named: Vec<&str> = words.iter().copied().filter(|word| !TYPES.contains(word)).collect();
    address.street = if named.is_empty() { words.join(" ") } else { named.join(" ") };
    address
}

/// Endings of ordinal numbers.
const ORDINALS: &[&str] = &["st", "nd", "rd", "th"];

/// `24th` as `24`.
fn cardinal(word: &str) -> &str {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let ending = word.get(digits.len()..).unwrap_or("");
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && ORDINALS.contains(&ending) { digits } else { word }
}

/// Whether the last number is that of a unit.
fn is_unit(words: &[&str]) -> bool {
    words.len() > 1 && words.get(words.len() - 2).is_some_and(|word| UNITS.contains(word))
}

/// Whether the last number names a road.
fn is_route(words: &[&str]) -> bool {
    let before = words.len().checked_sub(2).and_then(|at| words.get(at));
    before.is_some_and(|word| ["highway", "hwy", "route", "rte", "road", "rd", "box"].contains(word))
}

/// The level of two streets, each `number 0x1f street`.
pub(super) fn compare(a: &[u8], b: &[u8]) -> u8 {
    let ((number_a, street_a), (number_b, street_b)) = (halves(a), halves(b));
    let numbered = !number_a.is_empty() && !number_b.is_empty();
    let same_number = numbered && number_a == number_b;
    let streets = match (street_a.is_empty() || street_b.is_empty(), street_a == street_b) {
        (true, _) => None,
        (_, true) => Some(Nearness::Near),
        _ => Some(fold::nearness(street_a, street_b)),
    };
    match streets {
        Some(Nearness::Near) if street_a == street_b => {
            if same_number || number_a.is_empty() && number_b.is_empty() {
                street::EXACT
            } else if !numbered {
                street::NAME_ONLY
            } else if fold::distance(number_a, number_b) == 1 && number_a.len().max(number_b.len()) > 2 {
                street::NEAR
            } else {
                street::NAME
            }
        }
        Some(Nearness::Near | Nearness::Similar) if same_number => street::NEAR,
        Some(Nearness::Near | Nearness::Similar) => street::SIMILAR,
        _ if same_number => street::SIMILAR,
        _ => street::DIFFERENT,
    }
}

/// Number and street of an entry.
pub(super) fn halves(entry: &[u8]) -> (&[u8], &[u8]) {
    (field(entry, 0), field(entry, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, number: &str, expected: (&str, &str, &str)) {
        let address = read(&fold::folded(line), number);
        assert_eq!((&*address.number, &*address.street, &*address.extra), expected, "{line}");
    }

    #[test]
    fn streets_are_taken_apart() {
        check("351 Cory Crescent Apt. 3", "", ("351", "cory", "3"));
        check("Cory Cr. 351", "", ("351", "cory", ""));
        check("kingsbury street", "6", ("6", "kingsbury", ""));
        check("North Street", "", ("", "north street", ""));
        check("504 Hwy 69", "", ("504", "69", ""));
        check("744 North Monticello Ave. 1st Floor", "", ("744", "monticello", "1"));
        check("", "7", ("7", "", ""));
        check("2850 W 24 TH BLVD", "", ("2850", "24", ""));
    }

    #[test]
    fn levels() {
        for (a, b, expected) in [
            ("12\u{1f}cory", "12\u{1f}cory", street::EXACT),
            ("12\u{1f}cory", "12\u{1f}corry", street::NEAR),
            ("123\u{1f}cory", "132\u{1f}cory", street::NEAR),
            ("12\u{1f}cory", "\u{1f}cory", street::NAME_ONLY),
            ("12\u{1f}cory", "99\u{1f}cory", street::NAME),
            ("12\u{1f}cory", "12\u{1f}elm", street::SIMILAR),
            ("12\u{1f}cory", "13\u{1f}elm", street::DIFFERENT),
        ] {
            assert_eq!(compare(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
            assert_eq!(compare(b.as_bytes(), a.as_bytes()), expected, "{b} {a}");
        }
    }
}
