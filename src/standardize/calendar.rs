//! Dates as `YYYY-MM-DD` and instants as RFC 3339 in UTC, read from text or from the epoch numbers that connectors send.
//!
//! The arithmetic is our own because `9999-12-31T23:59:59Z`, which means *never*, must be read as well. A time without
//! offset is taken for UTC. Dates lie in 1900 to 2100, times in 1900 to 9999.
//!
//! Day and month of `03/04/1980` are told apart only where a number above 12 or a country of the record that writes the
//! month first (the United States) says so; a guess would be a wrong fact about a person.

use super::{Reason, text};
use crate::model::{CellKind, Timestamp};
use std::fmt::Write;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The instant that stands for *never*: the last second that RFC 3339 can write.
pub(super) const NEVER: Timestamp = Timestamp(253_402_300_799 * SECOND);

/// Countries that write the month before the day.
const MONTH_FIRST: &[&str] = &["US", "PR", "GU", "VI", "AS", "MP", "UM"];

/// A day of the proleptic Gregorian calendar that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Day {
    year: i64,
    month: u32,
    day: u32,
}

impl Day {
    fn new(year: i64, month: u32, day: u32) -> Option<Self> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u32::from(leap),
            1..=12 => 31,
            _ => return None,
        };
        (1..=days).contains(&day).then_some(Self { year, month, day })
    }

    /// Days since 1970-01-01 (Hinnant, `days_from_civil`).
    fn to_epoch(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let month = (i64::from(self.month) + 9) % 12;
        let of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The day that lies `days` after 1970-01-01 (Hinnant, `civil_from_days`).
    fn from_epoch(days: i64) -> Self {
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let small = |n: i64| u32::try_from(n).expect("a day of a month or a month is small and positive");
        let month = small(if shifted < 10 { shifted + 3 } else { shifted - 9 });
        let day = small(of_year - (153 * shifted + 2) / 5 + 1);
        Self { year: era * 400 + year + i64::from(month <= 2), month, day }
    }
}

/// Reads a date. `country` is the record's, as alpha-2.
pub(super) fn date(kind: CellKind, raw: &str, country: Option<&str>, out: &mut String) -> Result<(), Reason> {
    let raw = raw.trim();
    let day = match kind {
        CellKind::Number => numeric_date(raw)?,
        _ => text_date(raw, country)?,
    };
    if !(1900..=2100).contains(&day.year) {
        return Err(if day.year < 10 || day.year == 9999 { Reason::Placeholder } else { Reason::DateRange });
    }
    if day == (Day { year: 1900, month: 1, day: 1 }) {
        return Err(Reason::Placeholder);
    }
    write_day(day, out);
    Ok(())
}

/// Days since the epoch (as Debezium sends dates), `YYYYMMDD`, or milli-, micro- or nanoseconds since the epoch.
fn numeric_date(raw: &str) -> Result<Day, Reason> {
    let number: i64 = raw.parse().map_err(|_| Reason::DateSyntax)?;
    if number.unsigned_abs() < 100_000 {
        return Ok(Day::from_epoch(number));
    }
    if let Some(day) = compact(number).filter(|day| (1900..=2100).contains(&day.year)) {
        return Ok(day);
    }
    let days = match number.unsigned_abs() {
        0..100_000_000 => return Err(Reason::DateSyntax),
        100_000_000..100_000_000_000_000 => number.div_euclid(DAY / 1_000),
        100_000_000_000_000..100_000_000_000_000_000 => number.div_euclid(DAY),
        _ => number.div_euclid(DAY * 1_000),
    };
    Ok(Day::from_epoch(days))
}

fn compact(number: i64) -> Option<Day> {
    let part = |n: i64| u32::try_from(n).ok();
    Day::new(number / 10_000, part(number / 100 % 100)?, part(number % 100)?)
}

fn text_date(raw: &str, country: Option<&str>) -> Result<Day, Reason> {
    if text::is_placeholder(raw) || raw.starts_with("0000") {
        return Err(Reason::Placeholder);
    }
    if !raw.is_ascii() || raw.len() > 64 {
        return Err(Reason::DateSyntax);
    }
    if raw.len() == 8 && raw.bytes().all(|b| b.is_ascii_digit()) {
        return raw.parse().ok().and_then(compact).ok_or(Reason::DateSyntax);
    }
    let calendar = without_time(raw);
    let mut parts = calendar.split(['-', '/', '.', ' ', ',']).filter(|part| !part.is_empty());
    let (Some(a), Some(b), Some(c), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(Reason::DateSyntax);
    };
    if let (Some(month), Some(day), Some(year)) = (month_name(a), number(b), number(c)) {
        check_year(c)?;
        return Day::new(year.into(), month, day).ok_or(Reason::DateSyntax);
    }
    if let (Some(day), Some(month), Some(year)) = (number(a), month_name(b), number(c)) {
        check_year(c)?;
        return Day::new(year.into(), month, day).ok_or(Reason::DateSyntax);
    }
    let (Some(x), Some(y), Some(z)) = (number(a), number(b), number(c)) else { return Err(Reason::DateSyntax) };
    if a.len() == 4 && b.len() <= 2 && c.len() <= 2 {
        return Day::new(x.into(), y, z).ok_or(Reason::DateSyntax);
    }
    if a.len() > 2 || b.len() > 2 {
        return Err(Reason::DateSyntax);
    }
    check_year(c)?;
    let month_first = if calendar.contains('.') || x == y || x > 12 {
        false
    } else if y > 12 || country.is_some_and(|code| MONTH_FIRST.contains(&code)) {
        true
    } else {
        return Err(Reason::DateAmbiguous);
    };
    let (day, month) = if month_first { (y, x) } else { (x, y) };
    Day::new(z.into(), month, day).ok_or(Reason::DateSyntax)
}

/// Refuses a year of other than four digits.
fn check_year(year: &str) -> Result<(), Reason> {
    match year.len() {
        4 => Ok(()),
        2 => Err(Reason::DateCentury),
        _ => Err(Reason::DateSyntax),
    }
}

/// Cuts off a time of day, which a date of birth has none of.
fn without_time(raw: &str) -> &str {
    let Some(colon) = raw.find(':') else {
        return raw.strip_suffix('Z').unwrap_or(raw);
    };
    raw[..colon].rfind(['T', 't', ' ']).map_or(raw, |start| &raw[..start])
}

fn number(part: &str) -> Option<u32> {
    if part.len() > 4 || !part.bytes().all(|byte| byte.is_ascii_digit()) { None } else { part.parse().ok() }
}

fn month_name(part: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    if part.len() < 3 || !part.is_ascii() {
        return None;
    }
    let whole = |month: &str| month.get(..part.len()).is_some_and(|start| start.eq_ignore_ascii_case(part));
    let index = MONTHS.iter().position(|month| whole(month) && (part.len() == 3 || part.len() == month.len()))?;
    u32::try_from(index + 1).ok()
}

/// Reads an instant; `infinity` and the year 9999 are [`NEVER`].
pub(super) fn instant(kind: CellKind, raw: &str) -> Result<Timestamp, Reason> {
    let raw = raw.trim();
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    let numeric = digits.len() >= 9 && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let at = if kind == CellKind::Number || numeric { epoch_instant(raw)? } else { text_instant(raw)? };
    let first = Day { year: 1900, month: 1, day: 1 }.to_epoch() * DAY;
    if at.0 < first || at.0 >= NEVER.0 + SECOND {
        return Err(Reason::TimeRange);
    }
    Ok(if at.0 >= (Day { year: 9999, month: 1, day: 1 }.to_epoch() * DAY) { NEVER } else { at })
}

/// Seconds, milli-, micro- or nanoseconds since the epoch, told apart by magnitude: seconds reach to the year 5138.
fn epoch_instant(raw: &str) -> Result<Timestamp, Reason> {
    let (whole, fraction) = raw.split_once('.').unwrap_or((raw, ""));
    let number: i64 = whole.parse().map_err(|_| Reason::TimeSyntax)?;
    if number == 0 {
        return Err(Reason::Placeholder);
    }
    let fraction = if fraction.is_empty() { 0 } else { micros(fraction).ok_or(Reason::TimeSyntax)? };
    let micros = match number.unsigned_abs() {
        0..100_000_000_000 => number * SECOND + if number < 0 { -fraction } else { fraction },
        100_000_000_000..100_000_000_000_000 => number * 1_000,
        100_000_000_000_000..100_000_000_000_000_000 => number,
        _ => number.div_euclid(1_000),
    };
    Ok(Timestamp(micros))
}

/// The digits after a decimal point as millionths; what lies below is cut off.
fn micros(digits: &str) -> Option<i64> {
    if digits.is_empty() || digits.len() > 30 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = &digits[..digits.len().min(6)];
    let mut value: i64 = kept.parse().ok()?;
    for _ in kept.len()..6 {
        value *= 10;
    }
    Some(value)
}

fn text_instant(raw: &str) -> Result<Timestamp, Reason> {
    if raw.eq_ignore_ascii_case("infinity") || raw.eq_ignore_ascii_case("never") {
        return Ok(NEVER);
    }
    if text::is_placeholder(raw) || raw.starts_with("0000") {
        return Err(Reason::Placeholder);
    }
    rfc3339(raw).ok_or(Reason::TimeSyntax)
}

/// RFC 3339, also with a blank for the `T`, without seconds, without offset (UTC), or a date alone (its first moment).
fn rfc3339(raw: &str) -> Option<Timestamp> {
    if !raw.is_ascii() || raw.len() > 64 {
        return None;
    }
    let (date, rest) = raw.split_at_checked(10)?;
    let bytes = date.as_bytes();
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let day = Day::new(digits(&date[..4])?, two(&date[5..7])?, two(&date[8..])?)?;
    let midnight = day.to_epoch() * DAY;
    if rest.is_empty() {
        return Some(Timestamp(midnight));
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let end = rest.find(|c: char| !matches!(c, '0'..='9' | ':' | '.' | ',')).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at(end);
    let (clock, fraction) = match clock.find(['.', ',']) {
        Some(point) if clock.len() > 5 => (&clock[..point], micros(&clock[point + 1..])?),
        Some(_) => return None,
        None => (clock, 0),
    };
    let (hour, minute, second) = match clock.len() {
        5 => (two(&clock[..2])?, two(&clock[3..])?, 0),
        8 if clock.as_bytes()[5] == b':' => (two(&clock[..2])?, two(&clock[3..5])?, two(&clock[6..])?),
        _ => return None,
    };
    if clock.as_bytes()[2] != b':' || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // A leap second is taken for the one before it, as POSIX clocks do.
    let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second.min(59));
    Some(Timestamp(midnight + (seconds - offset_seconds(offset.trim())?) * SECOND + fraction))
}

fn offset_seconds(offset: &str) -> Option<i64> {
    if offset.is_empty() || offset.eq_ignore_ascii_case("z") || offset.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let sign = match offset.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let rest = &offset[1..];
    let (hours, minutes) = match rest.len() {
        2 => (two(rest)?, 0),
        4 => (two(&rest[..2])?, two(&rest[2..])?),
        5 if rest.as_bytes()[2] == b':' => (two(&rest[..2])?, two(&rest[3..])?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then(|| sign * (i64::from(hours) * 3_600 + i64::from(minutes) * 60))
}

fn digits(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn two(text: &str) -> Option<u32> {
    if text.len() == 2 { number(text) } else { None }
}

/// Appends an instant in RFC 3339, with as many decimals as it has.
pub(super) fn write_instant(at: Timestamp, out: &mut String) {
    write_day(Day::from_epoch(at.0.div_euclid(DAY)), out);
    let micros = at.0.rem_euclid(DAY);
    let seconds = micros / SECOND;
    // Writing to a string cannot fail.
    let _ = write!(out, "T{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = micros % SECOND;
    if fraction != 0 {
        let _ = write!(out, ".{fraction:06}");
        out.truncate(out.trim_end_matches('0').len());
    }
    out.push('Z');
}

fn write_day(day: Day, out: &mut String) {
    let push = |out: &mut String, n: u32| {
        for divisor in [10, 1] {
            out.push(char::from_digit(n / divisor % 10, 10).unwrap_or('0'));
        }
    };
    let year = u32::try_from(day.year).unwrap_or(0);
    push(out, year / 100);
    push(out, year % 100);
    out.push('-');
    push(out, day.month);
    out.push('-');
    push(out, day.day);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_agree_with_jiff() {
        let epoch = jiff::civil::date(1970, 1, 1);
        for days in (-40_000..2_000_000).step_by(37) {
            let day = Day::from_epoch(days);
            let theirs = epoch.checked_add(jiff::Span::new().days(days)).expect("in range");
            assert_eq!(
                (day.year, day.month, day.day),
                (
                    i64::from(theirs.year()),
                    u32::from(theirs.month().unsigned_abs()),
                    u32::from(theirs.day().unsigned_abs())
                )
            );
            assert_eq!(day.to_epoch(), days);
        }
    }

    #[test]
    fn instants_agree_with_jiff() {
        for text in ["2025-01-31T09:30:00Z", "1999-12-31T23:59:59.123456+05:30", "2024-02-29T00:00:00-08:00"] {
            let theirs: jiff::Timestamp = text.parse().expect("valid");
            assert_eq!(instant(CellKind::Text, text), Ok(Timestamp(theirs.as_microsecond())));
        }
        let mut out = String::new();
        write_instant(NEVER, &mut out);
        assert_eq!(out, "9999-12-31T23:59:59Z");
    }
}
