//! Countries as ISO 3166-1 alpha-2, from alpha-2, alpha-3, or a name in English or a language spoken there.
//!
//! `UK` is `GB` and `EL` is `GR`, as the European Union writes them; Kosovo has the user-assigned `XK`, as phones do.
//! `NA` is Namibia when written in capitals and a placeholder otherwise. The names stand in `countries.tsv`.

use super::{Reason, text};
use std::collections::HashMap;
use std::sync::LazyLock;

/// alpha-2, alpha-3, and names separated by `|`, the first being the English short name.
const TABLE: &str = include_str!("countries.tsv");

/// No name in the table has more bytes, white space and signs included.
const NAME_SIZE_MAX: usize = 128;

struct Countries {
    /// Canonical code by both letters of alpha-2.
    alpha2: Vec<Option<&'static str>>,
    /// By alpha-3, or by name in [`key`] form.
    names: HashMap<String, &'static str>,
}

static COUNTRIES: LazyLock<Countries> = LazyLock::new(|| {
    let mut countries = Countries { alpha2: vec![None; 26 * 26], names: HashMap::new() };
    for (code, alpha3, names) in rows() {
        if let Some(slot) = slot(code).and_then(|index| countries.alpha2.get_mut(index)) {
            *slot = Some(code);
        }
        countries.names.insert(key(alpha3), code);
        for name in names.split('|') {
            countries.names.entry(key(name)).or_insert(code);
        }
    }
    countries
});

fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().filter_map(|line| {
        let mut columns = line.split('\t');
        Some((columns.next()?, columns.next()?, columns.next()?))
    })
}

/// Loads the table.
pub(super) fn prepare() {
    LazyLock::force(&COUNTRIES);
}

/// The English short name of an alpha-2 code.
pub fn country_name(code: &str) -> Option<&'static str> {
    rows().find(|(alpha2, _, _)| *alpha2 == code).and_then(|(_, _, names)| names.split('|').next())
}

/// Reads a country and appends its code.
pub(super) fn country(raw: &str, out: &mut String) -> Result<(), Reason> {
    let code = find(raw.trim())
        .ok_or_else(|| if text::is_placeholder(raw.trim()) { Reason::Placeholder } else { Reason::CountryUnknown })?;
    out.push_str(code);
    Ok(())
}

/// The code of a country.
pub(super) fn find(raw: &str) -> Option<&'static str> {
    if raw.eq_ignore_ascii_case("na") && raw != "NA" {
        return None;
    }
    if let Some(Some(code)) = slot(raw).and_then(|index| COUNTRIES.alpha2.get(index)) {
        return Some(code);
    }
    if raw.len() > NAME_SIZE_MAX {
        return None;
    }
    COUNTRIES.names.get(&key(raw)).copied()
}

/// Where two letters stand among all pairs of letters.
fn slot(code: &str) -> Option<usize> {
    let [first, second] = code.as_bytes() else { return None };
    let index = |byte: u8| byte.is_ascii_alphabetic().then(|| usize::from(byte.to_ascii_uppercase() - b'A'));
    Some(index(*first)? * 26 + index(*second)?)
}

/// A name without case, accents, signs and blanks; other scripts are kept as they are.
fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for character in name.chars().filter(|c| c.is_alphanumeric()) {
        if u32::from(character) < 0x250 || (0x1e00..0x1f00).contains(&u32::from(character)) {
            key.extend(any_ascii::any_ascii_char(character).chars().map(|c| c.to_ascii_lowercase()));
        } else {
            key.extend(character.to_lowercase());
        }
    }
    let mut composed = String::with_capacity(key.len());
    text::clean(&key, &mut composed);
    composed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: Result<&str, Reason>) {
        let mut out = String::new();
        assert_eq!(country(raw, &mut out).map(|()| out.as_str()), expected, "{raw}");
    }

    #[test]
    fn every_code_and_name_is_found_and_none_is_claimed_twice() {
        let mut seen: HashMap<String, &str> = HashMap::new();
        let mut count = 0;
        for (code, alpha3, names) in rows() {
            count += 1;
            assert_eq!((code.len(), alpha3.len()), (2, 3));
            for name in names.split('|').chain([code, alpha3]) {
                check(name, Ok(code));
                if let Some(other) = seen.insert(key(name), code) {
                    assert_eq!(other, code, "{name}");
                }
            }
        }
        assert_eq!(count, 250, "249 of ISO 3166-1 and Kosovo");
    }

    #[test]
    fn countries() {
        check(" de ", Ok("DE"));
        check("usa", Ok("US"));
        check("U.S.A.", Ok("US"));
        check("UK", Ok("GB"));
        check("EL", Ok("GR"));
        check("DEUTSCHLAND", Ok("DE"));
        check("cote d’ivoire", Ok("CI"));
        check("Espan\u{303}a", Ok("ES"));
        check("NA", Ok("NA"));
        check("na", Err(Reason::Placeholder));
        check("n/a", Err(Reason::Placeholder));
        check("ZZ", Err(Reason::CountryUnknown));
        check("Atlantis", Err(Reason::CountryUnknown));
        assert_eq!(country_name("CI"), Some("Côte d'Ivoire"));
    }
}
