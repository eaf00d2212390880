//! Names of firms and other bodies: a set of words, each of which counts by how rare it is.
//!
//! Legal forms (`Inc`, `GmbH`) say nothing and go. Words are sorted, so that order does not matter.

use super::fold;
use super::kind::organisation;

/// Words that a name keeps at most.
const WORDS_MAX: usize = 12;

/// Legal forms and words that join.
const EMPTY: &[&str] = &[
    "ab",
    "ag",
    "aktiengesellschaft",
    "and",
    "as",
    "asa",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "cv",
    "dba",
    "de",
    "dr",
    "for",
    "gesellschaft",
    "gmbh",
    "inc",
    "incorporated",
    "kg",
    "kk",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "mbh",
    "nv",
    "of",
    "ohg",
    "oy",
    "oyj",
    "plc",
    "pte",
    "pty",
    "pvt",
    "sa",
    "sarl",
    "sas",
    "sl",
    "spa",
    "srl",
    "the",
    "und",
];

/// The words of a name, folded, sorted, each once.
pub(super) fn words(name: &str) -> String {
    let folded = fold::folded(name);
    let all: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let mut kept: Vec<&str> = all.iter().copied().filter(|word| !EMPTY.contains(word)).collect();
    if kept.is_empty() {
        kept = all;
    }
    kept.truncate(WORDS_MAX);
    kept.sort_unstable();
    kept.dedup();
    kept.join(" ")
}

/// The level of two names; `rarity` says how much a word tells, in millibits.
pub(super) fn compare(a: &[u8], b: &[u8], rarity: impl Fn(&[u8]) -> i32) -> u8 {
    if a == b {
        return organisation::EXACT;
    }
    let (mut common, mut total_a, mut total_b) = (0i64, 0i64, 0i64);
    let split = |text| <[u8]>::split(text, |byte| *byte == b' ').take(WORDS_MAX);
    for word in split(b) {
        total_b += i64::from(rarity(word));
    }
    for word in split(a) {
        let tells = i64::from(rarity(word));
        total_a += tells;
        if split(b).any(|other| is_same(word, other)) {
            common += tells;
        }
    }
    // What the shorter name says of itself: a longer one may add the name of the chain or of the place.
    let (less, more) = (total_a.min(total_b).max(1), total_a.max(total_b).max(1));
    let (inside, whole) = (common * 100 / less, common * 100 / more);
    match () {
        () if whole >= 75 || inside >= 95 && whole >= 50 => organisation::MOST,
        () if inside >= 70 => organisation::HALF,
        () if inside >= 35 => organisation::SOME,
        () => organisation::DIFFERENT,
    }
}

fn is_same(a: &[u8], b: &[u8]) -> bool {
    a == b || a.len().min(b.len()) >= 5 && fold::distance(a, b) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_names() {
        assert_eq!(words("Siemens Aktiengesellschaft"), "siemens");
        assert_eq!(words("The Company"), "company the");
        assert_eq!(words("Zeta & Alpha Co., Ltd."), "alpha zeta");
    }

    #[test]
    fn levels() {
        let rarity = |word: &[u8]| if word == b"school" { 1_000 } else { 8_000 };
        for (a, b, expected) in [
            ("acme", "acme", organisation::EXACT),
            ("cortez erie", "cortez erie school", organisation::MOST),
            ("cortez erie house", "cortez erie school", organisation::HALF),
            ("erie school", "lincoln school", organisation::DIFFERENT),
        ] {
            assert_eq!(compare(a.as_bytes(), b.as_bytes(), rarity), expected, "{a} {b}");
        }
    }
}
