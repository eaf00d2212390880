//! Phone numbers in E.164, by Google's libphonenumber as ported in `rlibphonenumber`.
//!
//! A number in national form is read in the record's country, else in the source's `region`. An extension is dropped:
//! it names a desk, not a line. The library and its metadata take 15 ms to load, once a process.

use super::{Reason, text};
use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumber, Region};
use std::fmt::Write;
use std::sync::LazyLock;

/// libphonenumber's own limit on input; what comes after is no number any more.
const INPUT_SIZE_MAX: usize = 250;

/// Loads the library.
pub(super) fn prepare() {
    LazyLock::force(&PHONE_NUMBER_UTIL);
}

/// The library's region of an alpha-2 code, where numbers are known.
pub(super) fn region(code: &str) -> Option<Region> {
    Region::from_code(code).ok()
}

/// Reads a number.
pub(super) fn phone(raw: &str, region: Option<Region>, out: &mut String) -> Result<(), Reason> {
    let raw = cut(raw.trim());
    if text::is_placeholder(raw) {
        return Err(Reason::Placeholder);
    }
    if is_pattern(raw) {
        return Err(Reason::PhonePattern);
    }
    let number = match read(raw, region) {
        Ok(number) => number,
        // `00` is how most of the world writes `+`, also in countries that themselves dial another prefix.
        Err(reason) => international(raw).and_then(|digits| read(&digits, None).ok()).ok_or(reason)?,
    };
    write_e164(&number, out)
}

fn read(raw: &str, region: Option<Region>) -> Result<PhoneNumber, Reason> {
    let number = PHONE_NUMBER_UTIL.parse(raw, region).map_err(|error| match error {
        ParseError::NotANumber(_) => Reason::PhoneSyntax,
        ParseError::InvalidCountryCode if region.is_none() && !raw.contains(['+', '＋']) => Reason::PhoneRegion,
        _ => Reason::PhoneInvalid,
    })?;
    if PHONE_NUMBER_UTIL.is_valid_number(&number) { Ok(number) } else { Err(Reason::PhoneInvalid) }
}

fn international(raw: &str) -> Option<String> {
    let rest = raw.strip_prefix("00")?;
    (!rest.starts_with('0')).then(|| format!("+{rest}"))
}

fn cut(raw: &str) -> &str {
    if raw.len() <= INPUT_SIZE_MAX {
        return raw;
    }
    match raw.char_indices().nth(INPUT_SIZE_MAX) {
        Some((end, _)) => &raw[..end],
        None => raw,
    }
}

/// Whether the digits are all the same, or count up from 0 or 1: what is typed where a form insists. Real numbers count
/// up as well once their country stands before them, so those are not judged by it.
fn is_pattern(raw: &str) -> bool {
    let mut digits = raw.bytes().filter(u8::is_ascii_digit);
    let Some(mut last) = digits.next() else { return false };
    let (mut count, mut same, mut ascending) = (1usize, true, last <= b'1' && !raw.starts_with('+'));
    for digit in digits {
        count += 1;
        same &= digit == last;
        ascending &= digit == last + 1 || (last == b'9' && digit == b'0');
        last = digit;
    }
    count >= 5 && (same || ascending)
}

fn write_e164(number: &PhoneNumber, out: &mut String) -> Result<(), Reason> {
    let start = out.len();
    // Writing to a string cannot fail.
    let _ = write!(out, "+{}", number.country_code);
    let national = out.len();
    if number.italian_leading_zero() {
        for _ in 0..number.number_of_leading_zeros().clamp(0, 10) {
            out.push('0');
        }
    }
    let _ = write!(out, "{}", number.national_number);
    let digits = &out.as_bytes()[national..];
    if digits.len() >= 7 && digits.iter().all(|digit| Some(digit) == digits.first()) {
        return Err(Reason::PhonePattern);
    }
    if out.len() - start > 18 {
        return Err(Reason::PhoneInvalid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, country: &str, expected: Result<&str, Reason>) {
        let mut out = String::new();
        let result = phone(raw, region(country), &mut out);
        assert_eq!(result.map(|()| out.as_str()), expected, "{raw} in {country}");
        if let Ok(canonical) = expected {
            let mut again = String::new();
            assert_eq!(phone(canonical, None, &mut again).map(|()| again.as_str()), expected);
        }
    }

    #[test]
    fn numbers() {
        check("+49 151 23456789", "", Ok("+4915123456789"));
        check("0151 23456789", "DE", Ok("+4915123456789"));
        check("0049 151-23456789", "US", Ok("+4915123456789"));
        check("00353 861234567", "BR", Ok("+353861234567"));
        check("+1 (213) 555-0123 ext. 99", "", Ok("+12135550123"));
        check("+39 06 1234 5678", "", Ok("+390612345678"));
        check("＋４９１５１２３４５６７８９", "", Ok("+4915123456789"));
        check("0151 23456789", "", Err(Reason::PhoneRegion));
        check("+49", "", Err(Reason::PhoneSyntax));
        check("+999 123456", "", Err(Reason::PhoneInvalid));
        check("+4915123", "", Err(Reason::PhoneInvalid));
        check("call me", "DE", Err(Reason::PhoneSyntax));
        check("unknown", "DE", Err(Reason::Placeholder));
        for junk in ["0000000000", "1111111111", "123456789", "1234567890", "0123456789", "000-000-0000"] {
            check(junk, "DE", Err(Reason::PhonePattern));
        }
        check("+44 7777 777777", "", Err(Reason::PhonePattern));
        check(&format!("+4915123456789{}", " ".repeat(1000)), "", Ok("+4915123456789"));
        check(&"1".repeat(10_000), "DE", Err(Reason::PhonePattern));
        check(&"12".repeat(10_000), "DE", Err(Reason::PhoneInvalid));
    }
}
