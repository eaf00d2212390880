//! Whole names: one canonical spelling, and their given and family names where these can be told apart safely.
//!
//! Split are names of two or more words in a script with capitals, written `Given [Middle] Family [Suffix]` or
//! `Family, Given`. Not split are single words, couples (`Ann and Bob Lee`), and three words or more in countries where
//! people bear two family names; a wrong split would be a wrong name for a person, a missing one is only missing.

use super::name::{self, Part};
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
    tidy: String,
    turned: String,
}

/// Appends a whole name in canonical form and leaves its parts in `split`. `country` is the record's, as alpha-2.
pub(super) fn full_name(raw: &str, country: Option<&str>, split: &mut Split, out: &mut String) -> Result<(), Reason> {
    split.given.clear();
    split.family.clear();
    split.suffix = None;
    split.tidy.clear();
    name::tidy(raw, &mut split.tidy)?;
    if split.tidy.split(' ').all(name::is_nothing) {
        return Err(Reason::Placeholder);
    }
    drop_nickname(&mut split.tidy);
    let mut words = name::without_titles(&split.tidy, 1);
    words = take_suffixes(words, &mut split.suffix);
    let mut turned_round = false;
    if let Some((family, given)) = words.split_once(',').map(|(a, b)| (a.trim(), b.trim()))
        && !family.is_empty()
        && !given.is_empty()
        && !given.contains(',')
    {
        let given = take_suffixes(name::without_titles(given, 1), &mut split.suffix);
        split.turned.clear();
        split.turned.push_str(given);
        split.turned.push(' ');
        let family = take_suffixes(family, &mut split.suffix);
        split.turned.push_str(family);
        turned_round = true;
        parts(given, family, &mut split.given, &mut split.family);
    }
    if turned_round {
        words = &split.turned;
    }
    let words = words.trim_matches([',', ' ']);
    if name::is_only_title(words, Part::Given) {
        return Err(Reason::NameIsTitle);
    }
    if !turned_round && let Some((given, family)) = divide(words, country) {
        parts(given, family, &mut split.given, &mut split.family);
    }
    casing::title(words, false, out);
    if let Some(suffix) = split.suffix {
        out.push(' ');
        out.push_str(suffix);
    }
    Ok(())
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
        let rest: String = [words[..start].trim_end(), words[end..].trim_start()].join(" ");
        if rest.chars().any(char::is_alphabetic) {
            *words = rest.trim().to_owned();
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
    if couple || !cased || digits || casing::is_particle(given) && casing::case(given) == casing::Case::Lower {
        return None;
    }
    let family = family_start(rest);
    let middle = rest.len() > family.len();
    if middle && country.is_some_and(|code| TWO_FAMILY_NAMES.contains(&code)) {
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
        if !casing::is_particle(word) || word.eq_ignore_ascii_case("e") && word_start == 0 {
            break;
        }
        start = word_start;
    }
    &rest[start..]
}
