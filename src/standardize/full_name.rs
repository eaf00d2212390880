//! Whole names: one canonical spelling, and their given and family names where these can be told apart safely.
//!
//! Split are names of two or more words in a script with capitals, written `Given [Middle] Family [Suffix]` or
//! `Family, Given`. Not split are single words, couples (`Ann and Bob Lee`), and three words or more in countries where
//! people bear two family names; a wrong split would be a wrong name for a person, a missing one is only missing.

use super::name::{self, Part};
use super::words::Words;
use super::{Reason, casing};

/// Countries where the last of three words is often only one of two family names.
const TWO_FAMILY_NAMES: &[&str] = &[
    "AO", "AR", "BO", "BR", "CL", "CO", "CR", "CU", "CV", "DO", "EC", "ES", "GQ", "GT", "HN", "MX", "MZ", "NI", "PA",
    "PE", "PH", "PR", "PT", "PY", "SV", "UY", "VE",
];

/// The parts of a whole name, in canonical form. Reused from name to name.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// Empty where it cannot be told.
    pub(super) given: String,
    /// Empty where it cannot be told.
    pub(super) family: String,
    /// `Jr`, `Sr`, `II`, …
    pub(super) suffix: Option<&'static str>,
    words: String,
}

/// Appends a whole name in canonical form and leaves its parts in `split`. `country` is the record's, as alpha-2.
pub(super) fn full_name(raw: &str, country: Option<&str>, split: &mut Split, out: &mut String) -> Result<(), Reason> {
    let mut words = std::mem::take(&mut split.words);
    words.clear();
    let result = split_words(raw, country, &mut words, split, out);
    split.words = words;
    result
}

fn split_words(
    raw: &str,
    country: Option<&str>,
    words: &mut String,
    split: &mut Split,
    out: &mut String,
) -> Result<(), Reason> {
    split.given.clear();
    split.family.clear();
    split.suffix = None;
    name::tidy(raw, words)?;
    // Each round takes something away, and what it uncovers may be a title or suffix again.
    let mut turned = false;
    loop {
        let size = words.len();
        drop_nickname(words);
        let start = size_difference(words, name::without_titles(words, 1));
        words.drain(..start);
        let end = take_suffixes(words, &mut split.suffix).len();
        words.truncate(end);
        let trimmed = trimmed(words);
        if trimmed.len() < words.len() {
            *words = trimmed.to_owned();
        }
        let turns = turn_round(words, split);
        turned |= turns;
        if !turns && words.len() == size {
            break;
        }
    }
    if words.split(' ').all(name::is_nothing) {
        return Err(Reason::Placeholder);
    }
    if name::is_only_title(words, Part::Given) {
        return Err(Reason::NameIsTitle);
    }
    if !words.chars().any(char::is_alphabetic) {
        return Err(Reason::NameWithoutLetters);
    }
    if !turned && let Some((given, family)) = divide(words, country) {
        parts(given, family, &mut split.given, &mut split.family);
    }
    casing::title(words, false, out);
    if let Some(suffix) = split.suffix {
        out.push(' ');
        out.push_str(suffix);
    }
    Ok(())
}

fn size_difference(whole: &str, part: &str) -> usize {
    whole.len() - part.len()
}

/// Puts `Family, Given` in the order of speech and gives its parts. Several words in front of the comma are only turned
/// when they begin with a particle: `Ann Lee, trustee` is no family name `Ann Lee`.
fn turn_round(words: &mut String, split: &mut Split) -> bool {
    let Some((family, given)) = words.split_once(',') else { return false };
    let mut suffix = None;
    let given = take_suffixes(name::without_titles(trimmed(given), 1), &mut suffix);
    let family = take_suffixes(trimmed(family), &mut suffix);
    let named = |part: &str| part.chars().any(char::is_alphabetic);
    let one_name = family.split_once(' ').is_none_or(|(first, _)| casing::is_particle(first));
    if !named(family) || !named(given) || given.contains(',') || !one_name || !is_person(words) {
        return false;
    }
    split.suffix = split.suffix.or(suffix);
    parts(given, family, &mut split.given, &mut split.family);
    *words = [given, " ", family].concat();
    true
}

/// Without commas, hyphens and blanks at the ends.
fn trimmed(words: &str) -> &str {
    words.trim_matches([',', '-', ' '])
}

/// Whether no word says that this is a firm or a profession.
fn is_person(words: &str) -> bool {
    static OTHERS: Words = Words::new(&[
        "attorney", "realtor", "trustee", "trust", "estate", "inc", "llc", "ltd", "corp", "company", "gmbh", "ag",
        "plc", "bank", "family", "the", "at", "of", "sarl", "oy", "ab", "bv", "nv", "team", "support", "office",
        "admin",
    ]);
    let other = |word: &str| {
        let bare = word.trim_matches(['.', ',', '(', ')']);
        OTHERS.contains(bare)
    };
    !words.split(' ').any(other)
}

fn parts(given: &str, family: &str, given_out: &mut String, family_out: &mut String) {
    casing::title(given.split(' ').next().unwrap_or(given), false, given_out);
    casing::title(family, true, family_out);
}

/// Takes `("Bob")` or `"Bob"` out of `Robert "Bob" Lee`.
fn drop_nickname(words: &mut String) {
    for (open, close) in [('(', ')'), ('"', '"'), ('“', '”')] {
        let Some(start) = words.find(open) else { continue };
        let inside = start + open.len_utf8();
        let Some(size) = words[inside..].find(close) else { continue };
        let end = inside + size + close.len_utf8();
        let rest = [words[..start].trim_end(), words[end..].trim_start()].join(" ");
        if rest.chars().any(char::is_alphabetic) {
            *words = rest.trim().to_owned();
            name::unify(words, 0);
        }
    }
}

/// The words before any suffixes and qualifications; the first generational one is kept.
fn take_suffixes<'a>(words: &'a str, suffix: &mut Option<&'static str>) -> &'a str {
    let mut rest = words;
    while let Some((before, last)) = rest.rsplit_once([' ', ',']) {
        let before_trimmed = before.trim_end_matches([',', ' ']);
        match name::suffix(last) {
            Some(canonical) => *suffix = suffix.or(Some(canonical)),
            None if name::is_qualification(last) && before_trimmed.contains(' ') => {}
            None => break,
        }
        rest = before_trimmed;
    }
    rest
}

/// Given and family name of words in the order of speech.
fn divide<'a>(words: &'a str, country: Option<&str>) -> Option<(&'a str, &'a str)> {
    let (given, rest) = words.split_once(' ')?;
    let couple = words.split(' ').any(|word| {
        ["and", "und", "et", "&", "+", "/"].iter().any(|joint| joint.eq_ignore_ascii_case(word))
            || word.contains(['&', '/', ','])
    });
    let cased = casing::case(words) != casing::Case::None;
    let digits = words.bytes().any(|byte| byte.is_ascii_digit());
    if couple
        || !cased
        || digits
        || !is_person(words)
        || casing::is_particle(given) && casing::case(given) == casing::Case::Lower
    {
        return None;
    }
    let family = family_start(rest);
    let middle = rest[..rest.len() - family.len()].trim_end();
    if !middle.is_empty() && country.is_some_and(|code| TWO_FAMILY_NAMES.contains(&code)) {
        return None;
    }
    // Of several words in the middle it is not known how many belong to the family name, unless they are initials.
    let full_words = middle.split(' ').filter(|word| word.trim_end_matches('.').chars().count() > 1).count();
    if full_words > 1 {
        return None;
    }
    // An initial at the end is no family name.
    let letters = family.chars().filter(|c| c.is_alphabetic()).count();
    (letters >= 2).then_some((given, family))
}

/// The last word with the particles before it.
fn family_start(rest: &str) -> &str {
    let mut start = rest.rfind(' ').map_or(0, |blank| blank + 1);
    while start > 0 {
        let before = &rest[..start - 1];
        let word_start = before.rfind(' ').map_or(0, |blank| blank + 1);
        let word = &before[word_start..];
        let joins = casing::is_particle(word) && word.len() > 1
            || ["mc", "mac", "st", "st.", "saint", "san", "santa"]
                .iter()
                .any(|prefix| prefix.eq_ignore_ascii_case(word));
        if !joins {
            break;
        }
        start = word_start;
    }
    &rest[start..]
}
