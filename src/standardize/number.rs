//! Whole numbers, decimals in millionths, and truth values. No floating point: what is read is exact or refused.

use super::{Reason, text};
use std::fmt::Write;

const MILLION: i128 = 1_000_000;

/// Reads a whole number that fits in `i64`; `12.0` and `1.2e1` are whole.
pub(super) fn integer(raw: &str, out: &mut String) -> Result<(), Reason> {
    let raw = raw.trim();
    if let Some(number) = plain(raw) {
        return push(out, format_args!("{number}"));
    }
    let (millionths, exact) = millionths(raw)?;
    if !exact || millionths % MILLION != 0 {
        return Err(Reason::NumberFraction);
    }
    let number = i64::try_from(millionths / MILLION).map_err(|_| Reason::NumberRange)?;
    push(out, format_args!("{number}"))
}

/// Reads a decimal that fits in `i64` millionths; further places are rounded to the nearest, halves to even, so that
/// `0.30000000000000004` is what was meant.
pub(super) fn decimal(raw: &str, out: &mut String) -> Result<(), Reason> {
    let (millionths, _) = millionths(raw.trim())?;
    let kept = i64::try_from(millionths).map_err(|_| Reason::NumberRange)?;
    let sign = if kept < 0 { "-" } else { "" };
    let (whole, fraction) = (kept.unsigned_abs() / 1_000_000, kept.unsigned_abs() % 1_000_000);
    push(out, format_args!("{sign}{whole}"))?;
    if fraction != 0 {
        push(out, format_args!(".{fraction:06}"))?;
        out.truncate(out.trim_end_matches('0').len());
    }
    Ok(())
}

/// Reads a truth value.
pub(super) fn boolean(raw: &str, out: &mut String) -> Result<(), Reason> {
    let raw = raw.trim();
    let is = |words: &[&str]| words.iter().any(|word| raw.eq_ignore_ascii_case(word));
    if is(&["true", "t", "yes", "y", "1", "on"]) {
        out.push_str("true");
    } else if is(&["false", "f", "no", "n", "0", "off"]) {
        out.push_str("false");
    } else if text::is_placeholder(raw) {
        return Err(Reason::Placeholder);
    } else {
        return Err(Reason::BooleanSyntax);
    }
    Ok(())
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) -> Result<(), Reason> {
    out.write_fmt(text).map_err(|_| Reason::NumberRange)
}

/// Digits with an optional sign, short enough not to overflow.
fn plain(raw: &str) -> Option<i64> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    let short = (1..=18).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if short { raw.parse().ok() } else { None }
}

/// A decimal number in millionths, and whether nothing had to be rounded off.
fn millionths(raw: &str) -> Result<(i128, bool), Reason> {
    let unsigned = raw.strip_prefix(['-', '+']).unwrap_or(raw);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], exponent(&unsigned[at + 1..]).ok_or_else(|| syntax(raw))?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return Err(syntax(raw));
    }
    // The value is `digits` × 10^(scale − 6) millionths.
    let digits = whole.bytes().chain(fraction.bytes());
    let fraction_size = i64::try_from(fraction.len()).map_err(|_| Reason::NumberRange)?;
    let size = i64::try_from(whole.len()).map_err(|_| Reason::NumberRange)? + fraction_size;
    let kept = size - fraction_size + exponent + 6;
    let (mut value, mut exact, mut rest) = (0i128, true, Rest::Nothing);
    let mut taken = 0i64;
    for digit in digits {
        let digit = digit - b'0';
        if taken < kept {
            value = value.checked_mul(10).and_then(|v| v.checked_add(digit.into())).ok_or(Reason::NumberRange)?;
        } else {
            rest = rest.then(digit, taken == kept);
            exact &= digit == 0;
        }
        taken += 1;
    }
    if value != 0 {
        for _ in taken..kept {
            value = value.checked_mul(10).ok_or(Reason::NumberRange)?;
        }
    }
    if rest == Rest::AboveHalf || rest == Rest::Half && value % 2 != 0 {
        value += 1;
    }
    Ok((if raw.starts_with('-') { -value } else { value }, exact))
}

/// What is cut off, against half of the last place kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Nothing,
    BelowHalf,
    Half,
    AboveHalf,
}

impl Rest {
    fn then(self, digit: u8, first: bool) -> Self {
        match (self, digit) {
            (_, 0) if first => Self::Nothing,
            (_, 1..=4) if first => Self::BelowHalf,
            (_, 5) if first => Self::Half,
            (_, _) if first => Self::AboveHalf,
            (Self::Nothing, 1..) => Self::BelowHalf,
            (Self::Half, 1..) => Self::AboveHalf,
            (rest, _) => rest,
        }
    }
}

fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn syntax(raw: &str) -> Reason {
    if text::is_placeholder(raw) { Reason::Placeholder } else { Reason::NumberSyntax }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reads: fn(&str, &mut String) -> Result<(), Reason>, raw: &str, expected: Result<&str, Reason>) {
        let mut out = String::new();
        assert_eq!(reads(raw, &mut out).map(|()| out.as_str()), expected, "{raw}");
    }

    #[test]
    fn integers() {
        for (raw, expected) in
            [("42", "42"), ("-7", "-7"), ("007", "7"), ("-0", "0"), ("12.000", "12"), ("1.2e1", "12")]
        {
            check(integer, raw, Ok(expected));
        }
        check(integer, "9223372036854775807", Ok("9223372036854775807"));
        check(integer, "-9223372036854775808", Ok("-9223372036854775808"));
        check(integer, "9223372036854775808", Err(Reason::NumberRange));
        check(integer, &"9".repeat(8_000), Err(Reason::NumberRange));
        check(integer, "1e999999", Err(Reason::NumberRange));
        check(integer, "0e999999", Ok("0"));
        check(integer, "1.5", Err(Reason::NumberFraction));
        check(integer, "1.00000000000001", Err(Reason::NumberFraction));
        for raw in ["1,000", "0x10", "", "-", "1e", "e1", ".", "1e9999999", "--1", "١"] {
            let mut out = String::new();
            assert!(integer(raw, &mut out).is_err(), "{raw}");
        }
    }

    #[test]
    fn decimals() {
        for (raw, expected) in [
            ("12.50", "12.5"),
            ("-0.000001", "-0.000001"),
            ("0.30000000000000004", "0.3"),
            ("1e-6", "0.000001"),
            ("1e-9", "0"),
            ("-1e-9", "0"),
            ("0.0000005", "0"),
            ("0.0000015", "0.000002"),
            ("0.00000050001", "0.000001"),
            ("9223372036854.775807", "9223372036854.775807"),
        ] {
            check(decimal, raw, Ok(expected));
        }
        check(decimal, "9223372036854.775808", Err(Reason::NumberRange));
        check(decimal, "1e400", Err(Reason::NumberRange));
        check(decimal, "NaN", Err(Reason::Placeholder));
        check(decimal, "12,50", Err(Reason::NumberSyntax));
    }

    #[test]
    fn truth_values() {
        for (raw, expected) in [("TRUE", "true"), (" yes ", "true"), ("0", "false"), ("off", "false")] {
            check(boolean, raw, Ok(expected));
        }
        check(boolean, "maybe", Err(Reason::BooleanSyntax));
    }
}
