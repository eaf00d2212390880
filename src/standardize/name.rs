//! Given and family names: one spelling of apostrophes and hyphens, one case, no titles, no suffixes.
//!
//! Titles (`Dr`, `Mrs`) and qualifications (`PhD`) are dropped. A generational suffix (`Jr`, `III`) is taken out of the
//! name and is a value of the attribute `name_suffix` where the bundle has one, since it keeps fathers and sons apart.
//! `Null`, `Na` and `Nan` written like names are names; in other cases they are what software writes for nothing.

use super::words::Words;
use super::{Reason, casing, text};

static TITLES: Words = Words::new(&[
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "mister",
    "master",
    "dr",
    "doctor",
    "prof",
    "professor",
    "sir",
    "dame",
    "lord",
    "lady",
    "rev",
    "reverend",
    "fr",
    "hon",
    "capt",
    "captain",
    "col",
    "colonel",
    "gen",
    "general",
    "lt",
    "lieutenant",
    "maj",
    "major",
    "sgt",
    "sergeant",
    "herr",
    "frau",
    "hr",
    "fr",
    "dipl-ing",
    "ing",
    "mag",
    "monsieur",
    "madame",
    "mme",
    "mlle",
    "mademoiselle",
    "señor",
    "señora",
    "señorita",
    "sr",
    "sra",
    "srta",
    "don",
    "doña",
    "dona",
    "signor",
    "signora",
    "sig",
    "dott",
    "dottore",
    "dhr",
    "mevr",
    "mevrouw",
    "pan",
    "pani",
    "sri",
    "shri",
    "smt",
    "mayor",
    "father",
    "senator",
    "governor",
]);

/// Titles that are also given names, and so go only where two words follow or a dot says that they are titles.
static TITLES_AND_NAMES: Words = Words::new(&[
    "don", "dona", "master", "major", "general", "lady", "lord", "dame", "fr", "sr", "mag", "pan", "ing", "gen", "sri",
]);

static QUALIFICATIONS: Words = Words::new(&[
    "phd", "md", "dds", "dmd", "esq", "cpa", "mba", "msc", "bsc", "rn", "jd", "llm", "llb", "dvm", "obe", "mbe", "cbe",
    "frs", "dphil", "edd", "cfa", "ccim", "rpa", "faia", "aia", "usn", "ret",
]);

/// Generational suffixes as they are written.
static SUFFIXES: Words =
    Words::new(&["jr", "jnr", "junior", "sr", "snr", "senior", "ii", "iii", "iv", "2nd", "3rd", "4th"]);

/// Their canonical forms, in the same order.
const CANONICAL: [&str; 12] = ["Jr", "Jr", "Jr", "Sr", "Sr", "Sr", "II", "III", "IV", "II", "III", "IV"];

/// Which name a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The given name, or several.
    Given,
    /// The family name, or several.
    Family,
}

/// Reads a given or family name; gives the generational suffix that stood in it. `work` is scratch.
pub(super) fn name(raw: &str, part: Part, work: &mut String, out: &mut String) -> Result<Option<&'static str>, Reason> {
    if is_simple(raw) && !is_nothing(raw) && !is_title(raw) && suffix(raw).is_none() {
        out.push_str(raw);
        return Ok(None);
    }
    work.clear();
    tidy(raw, work)?;
    let mut words = work.as_str();
    let mut generation = None;
    // Each round takes something away, and what it uncovers may be a title or suffix again.
    loop {
        let size = words.len();
        words = words.trim_matches([',', ' ']);
        if part == Part::Given {
            words = without_titles(words, 1);
        }
        if let Some((rest, last)) = words.rsplit_once(' ') {
            let found = suffix(last);
            generation = generation.or(found);
            if found.is_some() || part == Part::Family && is_qualification(last) {
                words = rest;
            }
        }
        if words.len() == size {
            break;
        }
    }
    if is_only_title(words, part) {
        return Err(Reason::NameIsTitle);
    }
    if is_nothing(words) {
        return Err(Reason::Placeholder);
    }
    if !words.chars().any(char::is_alphabetic) {
        return Err(Reason::NameWithoutLetters);
    }
    casing::title(words, part == Part::Family, out);
    Ok(generation)
}

/// One ASCII word of a capital and small letters: nothing to do.
fn is_simple(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    bytes.len() > 1 && bytes[0].is_ascii_uppercase() && bytes[1..].iter().all(u8::is_ascii_lowercase)
}

/// Appends a name in NFC with blanks folded and one sort of apostrophe and hyphen, or says why it is none.
pub(super) fn tidy(raw: &str, out: &mut String) -> Result<(), Reason> {
    let start = out.len();
    text::clean(raw, out);
    if out.len() == start {
        return Err(Reason::Placeholder);
    }
    let plain = out[start..].bytes().all(|b| b.is_ascii_alphabetic() || b == b' ');
    if !plain {
        unify(out, start);
        let name = &out[start..];
        if is_nothing(name) {
            return Err(Reason::Placeholder);
        }
        if name.contains(['@', '<', '>', '{', '}', '\\', '|']) || name.contains("://") || name.contains("www.") {
            return Err(Reason::NameIsAddress);
        }
        if !name.chars().any(char::is_alphabetic) {
            return Err(Reason::NameWithoutLetters);
        }
    }
    if is_nothing(&out[start..]) { Err(Reason::Placeholder) } else { Ok(()) }
}

/// Writes apostrophes and hyphens in one way, and no blanks around a hyphen between letters.
pub(super) fn unify(out: &mut String, start: usize) {
    let odd = |c: char| {
        matches!(
            c,
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '\u{2032}' | '`' | '\u{b4}' | '\u{2010}'..='\u{2015}' | '\u{2212}'
        )
    };
    if !out[start..].contains(odd) && !out[start..].contains(" -") && !out[start..].contains("- ") {
        return;
    }
    let name: String = out[start..]
        .chars()
        .map(|c| match c {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '\u{2032}' | '`' | '\u{b4}' => '\'',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            other => other,
        })
        .collect();
    out.truncate(start);
    for (index, part) in name.split('-').enumerate() {
        if index > 0 {
            out.push('-');
        }
        out.push_str(part.trim_matches(' '));
    }
}

/// What stands for no name. `Null`, `Na` and `Nan` are written so by people whose name it is.
pub(super) fn is_nothing(name: &str) -> bool {
    !matches!(name, "Null" | "Na" | "Nan") && text::is_placeholder(name)
}

/// The words after any titles in front, so long as `words_min` of them stay.
pub(super) fn without_titles(words: &str, words_min: usize) -> &str {
    let mut rest = words;
    while let Some((first, after)) = rest.split_once(' ') {
        let left = after.split(' ').count();
        let doubtful = TITLES_AND_NAMES.contains(first);
        if !is_title(first) || left < words_min || doubtful && left <= words_min {
            break;
        }
        rest = after;
    }
    rest
}

/// Whether a word is a title, with or without its dot.
pub(super) fn is_title(word: &str) -> bool {
    let bare = word.trim_end_matches('.');
    TITLES.contains(bare)
}

/// Whether there is nothing but a title; `Lord`, `Don` and, as family names, others are names as well.
pub(super) fn is_only_title(words: &str, part: Part) -> bool {
    let title = is_title(words);
    let name = match part {
        Part::Given => TITLES_AND_NAMES.contains(words),
        Part::Family => !["mr", "mrs", "ms", "mx", "dr", "prof"].iter().any(|title| title.eq_ignore_ascii_case(words)),
    };
    words.is_empty() || title && (words.ends_with('.') || !name)
}

/// Whether a word is a qualification such as `PhD` or `M.D.`; short ones must be in capitals.
pub(super) fn is_qualification(word: &str) -> bool {
    let mut bare = [0u8; 8];
    let mut size = 0usize;
    for byte in word.bytes().filter(|byte| !b".,".contains(byte)) {
        let Some(slot) = bare.get_mut(size) else { return false };
        *slot = byte;
        size += 1;
    }
    let bare = &mut bare[..size];
    let shouted = bare.iter().all(u8::is_ascii_uppercase);
    bare.make_ascii_lowercase();
    std::str::from_utf8(bare).is_ok_and(|bare| QUALIFICATIONS.contains(bare) && (shouted || bare.len() > 2))
}

/// The canonical form of a generational suffix.
pub(super) fn suffix(word: &str) -> Option<&'static str> {
    let bare = word.trim_matches(['.', ',', ' ']);
    SUFFIXES.position(bare).and_then(|index| CANONICAL.get(index).copied())
}
