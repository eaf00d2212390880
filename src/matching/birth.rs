//! Dates of birth as eight digits, `YYYYMMDD` with zeros for what is unknown, and how near two of them are.
//!
//! The date need not exist: a slip of the hand makes the 37th of a month, and that is still near the 27th.

use super::fold;
use super::kind::{MISSING, birth};

/// The digits of a date in any of the usual forms; `None` when they are not those of a date.
pub(super) fn birth_digits(text: &str, month_first: bool) -> Option<String> {
    let text = text.trim();
    let text = text.split(['T', ' ']).next().unwrap_or(text);
    if text.len() > 16 {
        return None;
    }
    let parts: Vec<&str> = text.split(['-', '/', '.']).filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    match parts[..] {
        [whole] if whole.len() == 8 => Some(whole.to_owned()),
        [year, month, day] if year.len() == 4 && month.len() <= 2 && day.len() <= 2 => {
            Some(format!("{year:0>4}{month:0>2}{day:0>2}"))
        }
        [a, b, year] if year.len() == 4 && a.len() <= 2 && b.len() <= 2 => {
            let first_is_month =
                month_first && a.parse::<u8>().is_ok_and(|n| n <= 12) || b.parse::<u8>().is_ok_and(|n| n > 12);
            let (month, day) = if first_is_month { (a, b) } else { (b, a) };
            Some(format!("{year}{month:0>2}{day:0>2}"))
        }
        [a, b, year] if year.len() == 2 && a.len() <= 2 && b.len() <= 2 => {
            let century = if year < "30" { "20" } else { "19" };
            birth_digits(&format!("{a}/{b}/{century}{year}"), month_first)
        }
        _ => None,
    }
}

/// The digits of a date that stands in three fields; `None` when not even the year is known.
pub(super) fn birth_of_parts(parts: &[Option<String>; 3]) -> Option<String> {
    let [year, month, day] = parts;
    let year = year.as_ref().filter(|year| year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()))?;
    let two = |part: &Option<String>| {
        let number = part.as_ref().and_then(|part| part.parse::<u8>().ok()).filter(|n| *n < 100).unwrap_or(0);
        format!("{number:02}")
    };
    Some([year.as_str(), &two(month), &two(day)].concat())
}

/// The level of two dates, each of eight digits.
pub(super) fn compare(a: &[u8], b: &[u8]) -> u8 {
    let (Some(x), Some(y)) = (split(a), split(b)) else { return MISSING };
    if a == b {
        return if x.1 == 0 { birth::YEAR } else { birth::EXACT };
    }
    if x.1 == 0 || y.1 == 0 || x.2 == 0 || y.2 == 0 {
        let known = x.0 == y.0 && (x.1 == y.1 || x.1 == 0 || y.1 == 0) && (x.2 == y.2 || x.2 == 0 || y.2 == 0);
        return if known { birth::YEAR } else { birth::DIFFERENT };
    }
    if x.0 == y.0 && x.1 == y.2 && x.2 == y.1 {
        return birth::SWAPPED;
    }
    if fold::distance(a, b) == 1 {
        return birth::NEAR;
    }
    let same = u8::from(x.0 == y.0) + u8::from(x.1 == y.1) + u8::from(x.2 == y.2);
    if same == 2 {
        return birth::TWO_PARTS;
    }
    let (years, months, days) = (x.0.abs_diff(y.0), x.1.abs_diff(y.1), x.2.abs_diff(y.2));
    if matches!(years, 0 | 1 | 10) && months <= 1 && days <= 3 {
        return birth::CLOSE;
    }
    if years == 0 { birth::YEAR } else { birth::DIFFERENT }
}

fn split(digits: &[u8]) -> Option<(u32, u32, u32)> {
    let number = |range: std::ops::Range<usize>| {
        digits.get(range)?.iter().try_fold(0u32, |sum, byte| Some(sum * 10 + u32::from(byte.checked_sub(b'0')?)))
    };
    (digits.len() == 8).then_some(())?;
    Some((number(0..4)?, number(4..6)?, number(6..8)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_any_form() {
        for (text, month_first, expected) in [
            ("1980-02-31", false, Some("19800231")),
            ("19800231", false, Some("19800231")),
            ("02/03/1980", true, Some("19800203")),
            ("02/03/1980", false, Some("19800302")),
            ("02/30/1980", false, Some("19800230")),
            ("1980-02-03T00:00:00Z", false, Some("19800203")),
            ("198", false, None),
            ("9/10/62", true, Some("19620910")),
            ("9/10/06", true, Some("20060910")),
            ("soon", false, None),
            ("１９８０", false, None),
        ] {
            assert_eq!(birth_digits(text, month_first).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn levels() {
        for (a, b, expected) in [
            ("19800203", "19800203", birth::EXACT),
            ("19800203", "19800302", birth::SWAPPED),
            ("19800203", "19800204", birth::NEAR),
            ("19800203", "19800230", birth::NEAR),
            ("19800203", "19850203", birth::NEAR),
            ("19800203", "19970203", birth::TWO_PARTS),
            ("19800817", "19900716", birth::CLOSE),
            ("19800817", "19800122", birth::YEAR),
            ("19800000", "19800122", birth::YEAR),
            ("19800000", "19810122", birth::DIFFERENT),
            ("19800817", "19610122", birth::DIFFERENT),
            ("", "19610122", MISSING),
        ] {
            assert_eq!(compare(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
            assert_eq!(compare(b.as_bytes(), a.as_bytes()), expected, "{b} {a}");
        }
    }
}
