//! Days of the calendar, and by when a request is to be answered. Pure arithmetic, in UTC.
//!
//! INVARIANT: a month later is the same day of the next month, or its last day where it has no such day (Regulation
//! (EEC, Euratom) 1182/71 Art. 3(2)(c)).

use crate::ledger::{Law, Right};
use std::fmt;
use std::str::FromStr;

/// A day, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The day of a time in seconds since 1970.
    pub fn of(time_s: u32) -> Self {
        // INVARIANT: 2^32 seconds are fewer than 50,000 days.
        Self(i32::try_from(time_s / 86_400).unwrap_or(i32::MAX))
    }

    /// Its first second since 1970; 0 for days before, the last second there is for days after 2106.
    pub fn start_s(self) -> u32 {
        u32::try_from(i64::from(self.0.max(0)) * 86_400).unwrap_or(u32::MAX)
    }

    /// The day of a year, a month from 1 and a day from 1; `None` where the calendar has no such day.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        let sound = (0..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1;
        if !sound || day > days_in(year, month) {
            return None;
        }
        // Years that begin in March have their leap day at the end.
        let shifted = if month > 2 { year } else { year - 1 };
        let (era, month) = (shifted.div_euclid(400), i64::from((month + 9) % 12));
        let of_era = i64::from(shifted.rem_euclid(400));
        let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
        let days = i64::from(era) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        i32::try_from(days).ok().map(Self)
    }

    /// Year, month from 1 and day from 1.
    pub fn parts(self) -> (i32, u32, u32) {
        let days = i64::from(self.0) + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        let narrow = |number: i64| u32::try_from(number).unwrap_or(0);
        (i32::try_from(year).unwrap_or(0), narrow(month), narrow(day))
    }

    /// So many months later, on the same day of the month or its last one.
    pub fn plus_months(self, months: u32) -> Self {
        let (year, month, day) = self.parts();
        let all = i64::from(year) * 12 + i64::from(month) - 1 + i64::from(months);
        let (year, month) = (i32::try_from(all.div_euclid(12)), u32::try_from(all.rem_euclid(12) + 1));
        let (Ok(year), Ok(month)) = (year, month) else { return Self(i32::MAX) };
        Self::new(year, month, day.min(days_in(year, month))).unwrap_or(Self(i32::MAX))
    }

    /// So many days later.
    pub fn plus_days(self, days: u16) -> Self {
        Self(self.0.saturating_add(days.into()))
    }

    /// So many business days later: Monday to Friday are such days. Holidays are not known, so that where one lies in
    /// between, the true day is later.
    pub fn plus_business_days(self, days: u16) -> Self {
        let (weeks, rest) = (days / 5, i32::from(days % 5));
        // Monday is 0: 1970-01-01 was a Thursday. A weekend counts as the Friday before it.
        let weekday = self.0.saturating_add(3).rem_euclid(7);
        let (counted, weekday) = (self.0.saturating_sub((weekday - 4).max(0)), weekday.min(4));
        let over_weekend = if weekday + rest > 4 { 2 } else { 0 };
        Self(counted.saturating_add(rest + over_weekend)).plus_days(weeks.saturating_mul(7))
    }
}

fn days_in(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = super::Error;

    /// Reads `2026-01-31`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || super::Error::BadName { what: "a day is written as 2026-01-31".to_owned() };
        let mut parts = text.splitn(3, '-').map(str::parse::<u32>);
        let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let found = i32::try_from(year).ok().and_then(|year| Self::new(year, month, day)).ok_or_else(wrong)?;
        if found.to_string() == text { Ok(found) } else { Err(wrong()) }
    }
}

/// By when a request that was received on a day is to be answered: under the GDPR within one month (Art. 12(3)); under the
/// CCPA within 45 days (1798.130(a)(2)), but within 15 business days where somebody opts out of sale and sharing, which
/// is an objection (11 CCR 7026(f)), or limits the use of sensitive data, which is a restriction (11 CCR 7027(g)).
///
/// Federal and state holidays are not known: where one lies within the 15 business days, the law gives a day more than
/// this does.
pub fn due(law: Law, right: Right, received: Day) -> Day {
    match law {
        Law::Gdpr => received.plus_months(1),
        Law::Ccpa if is_opt_out(right) => received.plus_business_days(15),
        Law::Ccpa => received.plus_days(45),
    }
}

/// By when it is to be answered after an extension: two further months, or another 45 days. `None` where the law knows
/// none: what has 15 business days has no more.
pub fn extended(law: Law, right: Right, received: Day) -> Option<Day> {
    match law {
        Law::Gdpr => Some(received.plus_months(3)),
        Law::Ccpa if is_opt_out(right) => None,
        Law::Ccpa => Some(received.plus_days(90)),
    }
}

/// Whether the CCPA has it done within business days: to opt out, and to limit.
fn is_opt_out(right: Right) -> bool {
    matches!(right, Right::Objection | Right::Restriction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let mut at = Day::new(1970, 1, 1).expect("a day");
        assert_eq!(at, Day(0));
        for _ in 0..60_000 {
            let (year, month, of_month) = at.parts();
            assert_eq!(Day::new(year, month, of_month), Some(at));
            assert_eq!(day(&at.to_string()), at);
            let next = Day(at.0 + 1).parts();
            let last = of_month == days_in(year, month);
            let expected = match (last, month) {
                (false, _) => (year, month, of_month + 1),
                (true, 12) => (year + 1, 1, 1),
                (true, _) => (year, month + 1, 1),
            };
            assert_eq!(next, expected);
            at = Day(at.0 + 1);
        }
        assert_eq!(Day::of(1_772_323_199), day("2026-02-28"));
        assert_eq!(day("2026-03-01").start_s(), 1_772_323_200);
        for bad in
            ["2026-02-29", "2026-13-01", "2026-1-1", "2026-01-00", "26-01-01", "2026-01", "", "x-y-z", "+026-01-01"]
        {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
    }

    #[test]
    fn deadlines_at_the_ends_of_months() {
        let check = |law, received, first, second| {
            for right in Right::ALL.into_iter().filter(|right| law == Law::Gdpr || !is_opt_out(*right)) {
                let dues = (due(law, right, day(received)), extended(law, right, day(received)));
                assert_eq!(dues, (day(first), Some(day(second))), "{received}");
            }
        };
        check(Law::Gdpr, "2026-01-15", "2026-02-15", "2026-04-15");
        check(Law::Gdpr, "2026-01-31", "2026-02-28", "2026-04-30");
        check(Law::Gdpr, "2028-01-31", "2028-02-29", "2028-04-30");
        check(Law::Gdpr, "2026-03-31", "2026-04-30", "2026-06-30");
        check(Law::Gdpr, "2026-02-28", "2026-03-28", "2026-05-28");
        check(Law::Gdpr, "2026-11-30", "2026-12-30", "2027-02-28");
        check(Law::Gdpr, "2026-12-31", "2027-01-31", "2027-03-31");
        check(Law::Ccpa, "2026-01-31", "2026-03-17", "2026-05-01");
        check(Law::Ccpa, "2027-12-31", "2028-02-14", "2028-03-30");
    }

    #[test]
    fn opt_outs_have_fifteen_business_days() {
        let check = |received, expected| {
            for right in [Right::Objection, Right::Restriction] {
                assert_eq!(due(Law::Ccpa, right, day(received)), day(expected), "{received}");
                assert_eq!(extended(Law::Ccpa, right, day(received)), None);
            }
        };
        // A week of March, from Monday on: who asks at the weekend is counted from Monday.
        check("2026-03-02", "2026-03-23");
        check("2026-03-05", "2026-03-26");
        check("2026-03-06", "2026-03-27");
        check("2026-03-07", "2026-03-27");
        check("2026-03-08", "2026-03-27");
        check("2026-03-09", "2026-03-30");
        // Over ends of years, one of them of a leap year; New Year's Day is counted as any Friday.
        check("2025-12-31", "2026-01-21");
        check("2026-12-18", "2027-01-08");
        check("2027-12-31", "2028-01-21");
        check("2028-12-30", "2029-01-19");
        check("2028-02-15", "2028-03-07");
    }

    #[test]
    fn business_days_are_those_that_are_counted_one_by_one() {
        for start in (-20..40).chain(20_500..20_540).map(Day) {
            let mut at = start;
            for days in 0..40 {
                let found = start.plus_business_days(days);
                assert!(days == 0 || found == at, "{start} and {days}: {found}, not {at}");
                at = Day(at.0 + 1);
                while (at.0 + 3).rem_euclid(7) > 4 {
                    at = Day(at.0 + 1);
                }
            }
        }
    }
}
