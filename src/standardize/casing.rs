//! Capital letters of names and places that were written all in capitals or all in small letters.
//!
//! A word in mixed case is kept: its writer knew (`deVries`, `McCarthy`, `d'Arc`). Otherwise each part gets one capital:
//! after hyphens, dots and a one-letter prefix with apostrophe, and after `Mc`; `Mac` only where the name is known.
//! Particles (`van`, `de`, `von`) are small unless they stand first or last where that would be a name.

use super::text;
use super::words::Words;

/// Words between or before names that stay small.
static PARTICLES: Words = Words::new(&[
    "af", "and", "al", "am", "auf", "av", "bin", "bint", "d'", "da", "dal", "das", "de", "degli", "dei", "del", "dela",
    "della", "delle", "den", "der", "des", "di", "do", "dos", "du", "e", "el", "et", "ibn", "in", "la", "las", "le",
    "los", "op", "ten", "ter", "te", "und", "van", "vom", "von", "y", "zu", "zum", "zur",
]);

/// What follows `Mac` in names that have a capital there.
const MAC: &[&str] = &[
    "alister",
    "allister",
    "arthur",
    "askill",
    "aulay",
    "beth",
    "callum",
    "cormack",
    "cormick",
    "diarmid",
    "donald",
    "donnell",
    "dougal",
    "dougall",
    "dowell",
    "duff",
    "farlane",
    "gillivray",
    "gowan",
    "gregor",
    "innes",
    "innis",
    "intosh",
    "intyre",
    "kay",
    "kenna",
    "kenzie",
    "kinlay",
    "kinnon",
    "lachlan",
    "laren",
    "lean",
    "leish",
    "lellan",
    "lennan",
    "leod",
    "manus",
    "millan",
    "nab",
    "namara",
    "naughton",
    "neil",
    "neill",
    "phail",
    "pherson",
    "queen",
    "quarrie",
    "rae",
    "ready",
    "tavish",
    "vicar",
];

/// How a word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// No letter has case.
    None,
    /// At least one capital, no small letter.
    Upper,
    /// At least one small letter, no capital.
    Lower,
    /// Both.
    Mixed,
}

/// How a text is written.
pub(super) fn case(text: &str) -> Case {
    let (mut upper, mut lower) = (false, false);
    if text.is_ascii() {
        for byte in text.bytes() {
            upper |= byte.is_ascii_uppercase();
            lower |= byte.is_ascii_lowercase();
        }
    } else {
        for character in text.chars() {
            upper |= character.is_uppercase();
            lower |= character.is_lowercase();
        }
    }
    match (upper, lower) {
        (false, false) => Case::None,
        (true, false) => Case::Upper,
        (false, true) => Case::Lower,
        (true, true) => Case::Mixed,
    }
}

/// Whether a word is a particle, in whatever case.
pub(super) fn is_particle(word: &str) -> bool {
    PARTICLES.contains(word)
}

/// Appends words, each in the case that it should have. `leading`: a particle may stand first, as in a family name.
pub(super) fn title(words: &str, leading: bool, out: &mut String) {
    let count = words.split(' ').count();
    for (index, word) in words.split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        let inner = index + 1 < count && (index > 0 || leading);
        word_title(word, inner, words.len() > word.len(), out);
    }
}

/// Appends one word. `particle`: it stands where a particle may. `among`: there are other words.
fn word_title(word: &str, particle: bool, among: bool, out: &mut String) {
    match case(word) {
        Case::None | Case::Mixed => out.push_str(word),
        Case::Lower if particle && is_particle(word) => out.push_str(word),
        // One capital is an initial.
        Case::Upper if particle && word.len() > 1 && is_particle(word) => push_lower(word, out),
        // `JP Morgan`: two capitals among other words are initials rather than a name.
        Case::Upper if among && word.len() == 2 && !has_vowel(word) => out.push_str(word),
        Case::Upper | Case::Lower => capitalise(word, out),
    }
}

fn has_vowel(word: &str) -> bool {
    word.bytes().any(|byte| b"AEIOUYaeiouy".contains(&byte)) || word.eq_ignore_ascii_case("ng")
}

fn capitalise(word: &str, out: &mut String) {
    let start = out.len();
    let mut part_start = true;
    let mut letters = 0usize;
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        if character.is_alphabetic() {
            if part_start {
                // What becomes several capitals, as `ß` does, keeps one.
                let mut capitals = character.to_uppercase();
                out.extend(capitals.next());
                out.extend(capitals.flat_map(char::to_lowercase));
            } else if character == 'Σ' && characters.peek().is_none_or(|next| !next.is_alphabetic()) {
                out.push('ς');
            } else {
                push_lower_char(character, out);
            }
            part_start = false;
            letters += 1;
        } else {
            out.push(character);
            match character {
                '-' | '.' | '/' | '(' | ',' | '&' => (part_start, letters) = (true, 0),
                '\'' => (part_start, letters) = (letters <= 1, 0),
                _ => {}
            }
        }
    }
    scottish(out, start);
    text::compose(out, start);
}

/// Gives the `C` of `Mccarthy` and the `D` of `Macdonald` their capitals.
fn scottish(out: &mut str, start: usize) {
    let mut at = start;
    while let Some(part) = out.get(at..) {
        let size = part.find(['-', '/', '.', '\'']).unwrap_or(part.len());
        let part = &part[..size];
        let capital = match part.strip_prefix("Mc") {
            Some(rest) if rest.len() >= 3 && rest.bytes().all(|b| b.is_ascii_lowercase()) => Some(at + 2),
            _ => part.strip_prefix("Mac").filter(|rest| MAC.contains(rest)).map(|_| at + 3),
        };
        at += size + 1;
        if let Some(letter) = capital.and_then(|position| out.get_mut(position..position + 1)) {
            letter.make_ascii_uppercase();
        }
    }
}

fn push_lower(word: &str, out: &mut String) {
    for character in word.chars() {
        push_lower_char(character, out);
    }
}

fn push_lower_char(character: char, out: &mut String) {
    // Lowercased by the general rule the Turkish capital becomes two characters.
    if character == 'İ' { out.push('i') } else { out.extend(character.to_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, leading: bool, expected: &str) {
        let mut out = String::new();
        title(words, leading, &mut out);
        assert_eq!(out, expected);
        let mut again = String::new();
        title(&out, leading, &mut again);
        assert_eq!(again, expected, "again");
    }

    #[test]
    fn titles() {
        for (words, expected) in [
            ("ADA", "Ada"),
            ("ada", "Ada"),
            ("deVries", "deVries"),
            ("ÖZTÜRK", "Öztürk"),
            ("ŁUKASZ", "Łukasz"),
            ("İBRAHİM", "İbrahim"),
            ("ΓΙΩΡΓΟΣ", "Γιωργος"),
            ("JEAN-LUC", "Jean-Luc"),
            ("O'BRIEN", "O'Brien"),
            ("d'angelo", "D'Angelo"),
            ("ma'ruf", "Ma'ruf"),
            ("mccarthy", "McCarthy"),
            ("MCDONALD-MACLEOD", "McDonald-MacLeod"),
            ("MACHADO", "Machado"),
            ("MACK", "Mack"),
            ("j.r.r.", "J.R.R."),
            ("JP Morgan", "JP Morgan"),
            ("Jean DUPONT", "Jean Dupont"),
            ("NG", "Ng"),
            ("JO", "Jo"),
            ("李小龙", "李小龙"),
            ("Ada Lovelace", "Ada Lovelace"),
        ] {
            check(words, false, expected);
        }
        check("VAN DER BERG", true, "van der Berg");
        check("VAN MORRISON", false, "Van Morrison");
        check("DE LA CRUZ", true, "de la Cruz");
        check("rio de janeiro", false, "Rio de Janeiro");
        check("VAN", true, "Van");
    }
}
