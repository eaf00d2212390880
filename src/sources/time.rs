//! Reads the times that sources write: RFC 3339, the same with a space and without zone (taken as UTC), a plain date
//! (its midnight in UTC), and numbers since 1970 in seconds, milli-, micro- or nanoseconds.
//!
//! It never guesses: what does not read whole is no time. The unit of a number follows from its size: below 10^11
//! seconds, below 10^14 milliseconds, below 10^17 microseconds, else nanoseconds; so milliseconds before March 1973
//! are taken for seconds.

use crate::model::Timestamp;

/// Reads a time.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.get(4) == Some(&b'-') && bytes.first() != Some(&b'-') { calendar(bytes) } else { number(text) }
}

/// Microseconds of whole units since 1970; `None` when they do not fit.
pub(super) fn of_unit(text: &str, unit: Unit) -> Option<Timestamp> {
    let count: i64 = text.parse().ok()?;
    match unit {
        Unit::Seconds => count.checked_mul(1_000_000),
        Unit::Millis => count.checked_mul(1_000),
        Unit::Micros => Some(count),
        Unit::Nanos => Some(count.div_euclid(1_000)),
    }
    .map(Timestamp)
}

/// Unit of a number since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

fn number(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let unit = match whole.parse::<i64>().ok()?.unsigned_abs() {
        0..100_000_000_000 => Unit::Seconds,
        100_000_000_000..100_000_000_000_000 => Unit::Millis,
        100_000_000_000_000..100_000_000_000_000_000 => Unit::Micros,
        _ => Unit::Nanos,
    };
    let Timestamp(micros) = of_unit(whole, unit)?;
    let Some(fraction) = fraction else { return Some(Timestamp(micros)) };
    let (parts, size) = fraction_micros(fraction.as_bytes())?;
    let scaled = match unit {
        Unit::Seconds => parts,
        Unit::Millis => parts / 1_000,
        Unit::Micros | Unit::Nanos => 0,
    };
    let signed = if whole.starts_with('-') { -scaled } else { scaled };
    (size == fraction.len()).then_some(())?;
    micros.checked_add(signed).map(Timestamp)
}

/// `YYYY-MM-DD[(T| )HH:MM:SS[.f][ ][Z|UTC|±HH[[:]MM]]]`.
fn calendar(bytes: &[u8]) -> Option<Timestamp> {
    let year = digits(bytes, 0, 4)?;
    let month = digits(bytes, 5, 2)?;
    let day = digits(bytes, 8, 2)?;
    if bytes.get(7) != Some(&b'-') || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let date = days_since_1970(year, month, day) * 86_400_000_000;
    let Some(separator) = bytes.get(10) else { return Some(Timestamp(date)) };
    if !matches!(separator, b'T' | b't' | b' ') || bytes.get(13) != Some(&b':') || bytes.get(16) != Some(&b':') {
        return None;
    }
    let (hour, minute, second) = (digits(bytes, 11, 2)?, digits(bytes, 14, 2)?, digits(bytes, 17, 2)?);
    // RFC 3339 allows a leap second; it is the first moment of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = bytes.get(19..)?;
    let mut micros = ((hour * 60 + minute) * 60 + second) * 1_000_000;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let (parts, size) = fraction_micros(fraction)?;
        micros += parts;
        rest = fraction.get(size..)?;
    }
    Some(Timestamp(date + micros - offset_minutes(rest.trim_ascii_start())? * 60_000_000))
}

/// Minutes that a zone is ahead of UTC; no zone is UTC.
fn offset_minutes(zone: &[u8]) -> Option<i64> {
    let sign = match zone {
        b"" | b"Z" | b"z" | b"UTC" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hour, minute) = match zone.len() {
        3 => (digits(zone, 1, 2)?, 0),
        5 => (digits(zone, 1, 2)?, digits(zone, 3, 2)?),
        6 if zone.get(3) == Some(&b':') => (digits(zone, 1, 2)?, digits(zone, 4, 2)?),
        _ => return None,
    };
    (hour <= 23 && minute <= 59).then_some(sign * (hour * 60 + minute))
}

/// Millionths of the decimals at the front, the rest cut off, and how many digits there are; at least one.
fn fraction_micros(bytes: &[u8]) -> Option<(i64, usize)> {
    let size = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let parts = (0..6).map(|i| bytes.get(i).filter(|_| i < size).map_or(0, |byte| i64::from(byte - b'0')));
    (size > 0).then(|| (parts.fold(0, |sum, digit| sum * 10 + digit), size))
}

fn digits(bytes: &[u8], start: usize, count: usize) -> Option<i64> {
    let digits = bytes.get(start..start + count)?;
    digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar; years begin in March so that the leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year - 719_468
}

/// Writes days since 1970 as `YYYY-MM-DD`; `None` outside the years 0 to 9999.
pub(super) fn date_text(days: i64) -> Option<String> {
    let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    (date.year() >= 0).then(|| date.to_string())
}

/// Writes microseconds since 1970 as RFC 3339 in UTC; `None` outside the years that have such a form.
pub(super) fn instant_text(micros: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros).ok().map(|instant| instant.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse(text), expected.map(Timestamp), "{text}");
    }

    #[test]
    fn reads_the_forms_that_sources_write() {
        check("2025-01-01T00:01:34Z", Some(1_735_689_694_000_000));
        check("2015-02-23T22:28:55.387Z", Some(1_424_730_535_387_000));
        check("2015-02-23 22:28:55.387123999", Some(1_424_730_535_387_123));
        check("2015-02-23T22:28:55+02:00", Some(1_424_723_335_000_000));
        check("2015-02-23 22:28:55 UTC", Some(1_424_730_535_000_000));
        check("2015-02-23 22:28:55-0530", Some(1_424_750_335_000_000));
        check("2016-12-31T23:59:60Z", Some(1_483_228_800_000_000));
        check("1970-01-01", Some(0));
        check("9999-12-31T23:59:59Z", Some(253_402_300_799_000_000));
        check("1735689694", Some(1_735_689_694_000_000));
        check("1735689694.5", Some(1_735_689_694_500_000));
        check("-1.25", Some(-1_250_000));
        check("1735689694123", Some(1_735_689_694_123_000));
        check("1735689694123456", Some(1_735_689_694_123_456));
        check("1735689694123456789", Some(1_735_689_694_123_456));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "-",
            ".",
            "never",
            "2025-13-01",
            "2025-02-29",
            "2025-01-01T",
            "2025-01-01T24:00:00Z",
            "1e9",
            "1.",
            "1.x",
            "2025-01-01T00:00:00X",
            "2025-01-01T00:00:00+2",
            "2025-01-01T00:00:00.Z",
            "99999999999999999999",
            "0000-00-00",
            "2025-1-1",
            "2025-01-01T00:00",
            "+-1",
            "é025-01-01",
        ] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn agrees_with_jiff(micros in -62_167_219_200_000_000i64..253_402_207_200_000_000) {
            let text = instant_text(micros).expect("in range");
            prop_assert_eq!(parse(&text), Some(Timestamp(micros)));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,30}|[0-9TZ: .+-]{0,30}") {
            parse(&text);
        }
    }
}
