//! Parts of postal addresses: street, town, postal code.
//!
//! Conservative on purpose: an abbreviation is written out only where it stands as such ones do in the record's country,
//! and a postal code that has not the layout of its country is kept as it came, since much is typed into such fields that
//! still tells one household from another.

use super::casing::{self, Case};
use super::{Reason, text};
use crate::model::CellKind;

/// An abbreviation in lowercase, and what it stands for.
type Short = (&'static str, &'static str);

/// Countries whose streets are named in English.
const ENGLISH: &[&str] = &["US", "GB", "IE", "CA", "AU", "NZ", "ZA", "PR", "GG", "JE", "IM", "MT", "SG", "HK"];

/// Abbreviations of the last word.
const ENGLISH_ENDINGS: &[Short] = &[
    ("st", "Street"),
    ("str", "Street"),
    ("rd", "Road"),
    ("ave", "Avenue"),
    ("av", "Avenue"),
    ("blvd", "Boulevard"),
    ("dr", "Drive"),
    ("ln", "Lane"),
    ("ct", "Court"),
    ("pl", "Place"),
    ("sq", "Square"),
    ("ter", "Terrace"),
    ("terr", "Terrace"),
    ("cres", "Crescent"),
    ("cir", "Circle"),
    ("hwy", "Highway"),
    ("pkwy", "Parkway"),
    ("gdns", "Gardens"),
    ("grn", "Green"),
    ("cl", "Close"),
    ("aly", "Alley"),
    ("trl", "Trail"),
];

/// What may stand behind the ending of an English street.
const ENGLISH_TAILS: &[&str] =
    &["n", "s", "e", "w", "ne", "nw", "se", "sw", "apt", "apartment", "unit", "suite", "ste", "floor", "flat", "#"];

/// Abbreviations of the first word, by countries.
const BEGINNINGS: &[(&[&str], &[Short])] = &[
    (
        &["FR", "BE", "LU", "MC", "CH", "RE", "GP", "MQ"],
        &[
            ("av", "Avenue"),
            ("ave", "Avenue"),
            ("bd", "Boulevard"),
            ("bld", "Boulevard"),
            ("blvd", "Boulevard"),
            ("r", "Rue"),
            ("pl", "Place"),
            ("ch", "Chemin"),
            ("chem", "Chemin"),
            ("rte", "Route"),
            ("imp", "Impasse"),
        ],
    ),
    (
        &["ES", "MX", "AR", "CO", "CL", "PE", "EC", "UY"],
        &[
            ("c/", "Calle"),
            ("c", "Calle"),
            ("cl", "Calle"),
            ("avda", "Avenida"),
            ("avd", "Avenida"),
            ("av", "Avenida"),
            ("pza", "Plaza"),
            ("plza", "Plaza"),
            ("pl", "Plaza"),
            ("pº", "Paseo"),
            ("ctra", "Carretera"),
        ],
    ),
    (&["BR", "PT"], &[("r", "Rua"), ("av", "Avenida"), ("pç", "Praça"), ("tv", "Travessa"), ("al", "Alameda")]),
    (&["IT", "SM"], &[("v", "Via"), ("p.za", "Piazza"), ("pza", "Piazza"), ("c.so", "Corso"), ("v.le", "Viale")]),
];

/// Reads a street with house number. `country` is the record's, as alpha-2; `work` is scratch.
pub(super) fn street(raw: &str, country: Option<&str>, work: &mut String, out: &mut String) -> Result<(), Reason> {
    work.clear();
    text::clean(raw, work);
    check_words(work)?;
    if !work.chars().any(char::is_alphanumeric) {
        return Err(Reason::AddressSyntax);
    }
    let start = out.len();
    push_cased(work, out);
    let english = country.is_none_or(|code| ENGLISH.contains(&code));
    if english {
        expand_ending(out, start);
    } else if let Some(code) = country {
        expand_beginning(out, start, code);
        expand_german(out, start, code);
    }
    Ok(())
}

/// Reads a town. `work` is scratch.
pub(super) fn city(raw: &str, work: &mut String, out: &mut String) -> Result<(), Reason> {
    work.clear();
    text::clean(raw, work);
    check_words(work)?;
    if !work.chars().any(char::is_alphabetic) {
        return Err(Reason::AddressSyntax);
    }
    push_cased(work.trim_end_matches([',', ' ']), out);
    Ok(())
}

fn check_words(words: &str) -> Result<(), Reason> {
    if text::is_placeholder(words) {
        return Err(Reason::Placeholder);
    }
    if words.contains(['@', '<', '>', '{', '}']) || words.contains("://") {
        return Err(Reason::AddressSyntax);
    }
    Ok(())
}

/// Gives capitals to what has only capitals or none; words in a mixed text are their writer's.
fn push_cased(words: &str, out: &mut String) {
    match casing::case(words) {
        Case::Mixed | Case::None => out.push_str(words),
        Case::Upper | Case::Lower => casing::title(words, false, out),
    }
}

/// `12 Church St` → `12 Church Street`: the last word before any tail, with a name before it.
fn expand_ending(out: &mut String, start: usize) {
    let mut end = out.len();
    loop {
        let words = &out[start..end];
        let Some(blank) = words.rfind(' ') else { return };
        let last = words[blank + 1..].trim_end_matches(['.', ',']);
        let named = words[..blank].split(' ').skip(1).any(|word| !word.is_empty())
            || words[..blank].chars().any(char::is_alphabetic);
        if let Some((_, ending)) = ENGLISH_ENDINGS.iter().find(|(short, _)| short.eq_ignore_ascii_case(last)) {
            if named {
                let from = start + blank + 1;
                let to = from + last.len() + usize::from(out[from + last.len()..end].starts_with('.'));
                out.replace_range(from..to, ending);
            }
            return;
        }
        let tail = ENGLISH_TAILS.iter().any(|tail| tail.eq_ignore_ascii_case(last));
        let number = !last.is_empty() && last.len() <= 5 && last.bytes().any(|b| b.is_ascii_digit());
        let unit = words[..blank].rsplit(' ').next().is_some_and(|word| {
            let word = word.trim_end_matches(['.', ',']);
            word.len() > 2 && ENGLISH_TAILS.iter().any(|tail| tail.eq_ignore_ascii_case(word))
        });
        let behind = tail || last.starts_with('#') || number && unit;
        if !behind {
            return;
        }
        end = start + blank;
    }
}

/// `12 av. Foch` → `12 Avenue Foch`: the first word that is no house number, with a name after it.
fn expand_beginning(out: &mut String, start: usize, country: &str) {
    let Some((_, short_forms)) = BEGINNINGS.iter().find(|(countries, _)| countries.contains(&country)) else { return };
    let words = &out[start..];
    let mut at = 0usize;
    for word in words.split(' ') {
        if word.starts_with(|c: char| c.is_ascii_digit()) || matches!(word, "bis" | "ter") {
            at += word.len() + 1;
            continue;
        }
        let bare = word.trim_end_matches(['.', ',']);
        let stands_for =
            short_forms.iter().find(|(short, _)| short.chars().eq(bare.chars().flat_map(char::to_lowercase)));
        if let Some((_, long)) = stands_for
            && words[at + word.len()..].chars().any(char::is_alphabetic)
        {
            out.replace_range(start + at..start + at + word.len(), long);
        }
        return;
    }
}

/// `Hauptstr. 5` → `Hauptstraße 5`; in Switzerland and Liechtenstein `Hauptstrasse 5`.
fn expand_german(out: &mut String, start: usize, country: &str) {
    let swiss = matches!(country, "CH" | "LI");
    if !swiss && !matches!(country, "DE" | "AT") {
        return;
    }
    let ending = if swiss { "strasse" } else { "straße" };
    let mut at = start;
    while let Some(rest) = out.get(at..).filter(|rest| !rest.is_empty()) {
        let size = rest.find(' ').unwrap_or(rest.len());
        let word = &rest[..size];
        let short = ["strasse", "straße", "str.", "str"].into_iter().find(|short| {
            word.len()
                .checked_sub(short.len())
                .and_then(|cut| word.get(cut..))
                .is_some_and(|end| end.eq_ignore_ascii_case(short) && casing::case(end) != Case::Upper)
        });
        let Some(short) = short else {
            at += size + 1;
            continue;
        };
        let cut = at + size - short.len();
        let capital = out[cut..].starts_with('S');
        out.replace_range(cut..at + size, ending);
        if capital {
            out.replace_range(cut..=cut, "S");
        }
        return;
    }
}

/// Reads a postal code. `country` is the record's, as alpha-2.
pub(super) fn postcode(
    kind: CellKind,
    raw: &str,
    country: Option<&str>,
    work: &mut String,
    out: &mut String,
) -> Result<(), Reason> {
    work.clear();
    text::clean(raw, work);
    if text::is_placeholder(work) {
        return Err(Reason::Placeholder);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b' ' || byte == b'-';
    let digits_or_letters = work.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if work.len() > 12 || !work.bytes().all(allowed) || !digits_or_letters {
        return Err(Reason::PostcodeSyntax);
    }
    work.make_ascii_uppercase();
    let country = country.unwrap_or("");
    let mut packed = [0u8; 12];
    let mut size = 0usize;
    for byte in without_prefix(work, country).bytes().filter(u8::is_ascii_alphanumeric) {
        packed[size] = byte;
        size += 1;
    }
    if kind == CellKind::Number && size == 4 && matches!(country, "US" | "DE" | "FR" | "ES" | "IT" | "PR") {
        // A number has lost its leading zero.
        packed.copy_within(0..4, 1);
        packed[0] = b'0';
        size = 5;
    }
    match layout(&packed[..size], country) {
        Some((cut, separator)) => {
            push_ascii(&packed[..cut], out);
            if cut < size {
                out.push_str(separator);
                push_ascii(&packed[cut..size], out);
            }
        }
        None => out.push_str(work),
    }
    Ok(())
}

fn push_ascii(bytes: &[u8], out: &mut String) {
    out.extend(bytes.iter().map(|byte| char::from(*byte)));
}

/// Cuts off the letters of the country, as in `D-10115`; Latvia and Lithuania have them in the code itself.
fn without_prefix<'a>(code: &'a str, country: &str) -> &'a str {
    let prefixes: &[&str] = match country {
        "DE" => &["DE-", "D-"],
        "FR" => &["FR-", "F-"],
        "AT" => &["AT-", "A-"],
        "CH" => &["CH-"],
        "IT" => &["IT-", "I-"],
        "ES" => &["ES-", "E-"],
        "SE" => &["SE-", "S-"],
        "DK" => &["DK-"],
        "NO" => &["NO-", "N-"],
        "BE" => &["BE-", "B-"],
        "NL" => &["NL-"],
        "PL" => &["PL-"],
        "PT" => &["PT-"],
        "CZ" => &["CZ-"],
        _ => &[],
    };
    prefixes.iter().find_map(|prefix| code.strip_prefix(prefix)).unwrap_or(code)
}

/// Where a code of its country's layout is divided, and by what; `None` when it has not that layout.
fn layout(code: &[u8], country: &str) -> Option<(usize, &'static str)> {
    let is = |pattern: &str| {
        code.len() == pattern.len()
            && code.iter().zip(pattern.bytes()).all(|(byte, sign)| match sign {
                b'9' => byte.is_ascii_digit(),
                b'A' => byte.is_ascii_uppercase(),
                _ => byte.is_ascii_alphanumeric(),
            })
    };
    let divided = |patterns: &[&str], cut: usize, separator: &'static str| {
        patterns.iter().any(|pattern| is(pattern)).then_some((cut, separator))
    };
    match country {
        "GB" | "GG" | "JE" | "IM" => {
            let patterns = ["A99AA", "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA"];
            divided(&patterns, code.len().saturating_sub(3), " ")
        }
        "CA" => divided(&["A9A9A9"], 3, " "),
        "IE" => divided(&["A99****", "A9A****"], 3, " "),
        "NL" => divided(&["9999AA"], 4, " "),
        "PL" => divided(&["99999"], 2, "-"),
        "SE" | "GR" | "CZ" | "SK" => divided(&["99999"], 3, " "),
        "PT" => divided(&["9999999", "9999"], 4, "-"),
        "BR" => divided(&["99999999"], 5, "-"),
        "JP" => divided(&["9999999"], 3, "-"),
        "US" | "PR" | "GU" | "VI" | "AS" | "MP" => divided(&["99999", "999999999"], 5, "-"),
        "DE" | "FR" | "ES" | "IT" | "FI" | "HR" | "MX" | "TR" | "KR" => divided(&["99999"], 5, ""),
        "AT" | "CH" | "BE" | "DK" | "NO" | "HU" | "LU" | "AU" | "NZ" | "ZA" | "LI" => divided(&["9999"], 4, ""),
        "IN" | "CN" | "RO" | "RU" | "SG" => divided(&["999999"], 6, ""),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_street(raw: &str, country: &str, expected: Result<&str, Reason>) {
        let country = (!country.is_empty()).then_some(country);
        let (mut work, mut out) = (String::new(), String::new());
        assert_eq!(street(raw, country, &mut work, &mut out).map(|()| out.as_str()), expected, "{raw}");
        if let Ok(canonical) = expected {
            let mut again = String::new();
            assert_eq!(street(canonical, country, &mut work, &mut again).map(|()| again.as_str()), expected, "again");
        }
    }

    fn check_postcode(raw: &str, country: &str, expected: Result<&str, Reason>) {
        let country = (!country.is_empty()).then_some(country);
        let (mut work, mut out) = (String::new(), String::new());
        let result = postcode(CellKind::Text, raw, country, &mut work, &mut out);
        assert_eq!(result.map(|()| out.as_str()), expected, "{raw}");
        if let Ok(canonical) = expected {
            let mut again = String::new();
            let result = postcode(CellKind::Text, canonical, country, &mut work, &mut again);
            assert_eq!(result.map(|()| again.as_str()), expected, "again");
        }
    }

    #[test]
    fn streets() {
        check_street("12  Church St.", "GB", Ok("12 Church Street"));
        check_street("12 CHURCH ST", "", Ok("12 Church Street"));
        check_street("100 Main St N", "US", Ok("100 Main Street N"));
        check_street("100 Main Ave. Apt 4B", "US", Ok("100 Main Avenue Apt 4B"));
        check_street("100 5th Ave", "US", Ok("100 5th Avenue"));
        check_street("1 St James Rd", "GB", Ok("1 St James Road"));
        check_street("St", "US", Ok("St"));
        check_street("Hauptstr. 5", "DE", Ok("Hauptstraße 5"));
        check_street("Bahnhofstrasse 1", "CH", Ok("Bahnhofstrasse 1"));
        check_street("Berliner Strasse 5", "DE", Ok("Berliner Straße 5"));
        check_street("12 av. Foch", "FR", Ok("12 Avenue Foch"));
        check_street("C/ Mayor 5", "ES", Ok("Calle Mayor 5"));
        check_street("Av. Paulista 1000", "BR", Ok("Avenida Paulista 1000"));
        check_street("81 High Street", "DE", Ok("81 High Street"));
        check_street("unknown", "DE", Err(Reason::Placeholder));
        check_street("a@b.de", "DE", Err(Reason::AddressSyntax));
    }

    #[test]
    fn postcodes() {
        for (raw, country, expected) in [
            ("sw1a1aa", "GB", "SW1A 1AA"),
            ("M1 1AE", "GB", "M1 1AE"),
            ("k1a0b1", "CA", "K1A 0B1"),
            ("1234ab", "NL", "1234 AB"),
            ("a65f4e2", "IE", "A65 F4E2"),
            ("00950", "PL", "00-950"),
            ("11455", "SE", "114 55"),
            ("01310100", "BR", "01310-100"),
            ("1000205", "PT", "1000-205"),
            ("902101234", "US", "90210-1234"),
            ("90210", "US", "90210"),
            ("D-10115", "DE", "10115"),
            ("LV-1010", "LV", "LV-1010"),
            ("81234", "GB", "81234"),
            ("ab  12", "", "AB 12"),
        ] {
            check_postcode(raw, country, Ok(expected));
        }
        check_postcode("not a postal code", "GB", Err(Reason::PostcodeSyntax));
        check_postcode("n/a", "GB", Err(Reason::Placeholder));
        let (mut work, mut out) = (String::new(), String::new());
        assert_eq!(postcode(CellKind::Number, "2134", Some("US"), &mut work, &mut out), Ok(()));
        assert_eq!(out, "02134");
    }
}
