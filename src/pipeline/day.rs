//! Days of the calendar, and by when a request is to be answered. Pure arithmetic, in UTC.
//!
//! INVARIANT: a month later is the same day of the next month, or its last day where it has no such day (Regulation
//! (EEC, Euratom) 1182/71 Art. 3(2)(c)).

use crate::ledger::Law;
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

/// By when a request that was received on a day is to be answered: under the GDPR within one month (Art. 12(3)), under
/// the CCPA within 45 days (1798.130(a)(2)).
pub fn due(law: Law, received: Day) -> Day {
    match law {
        Law::Gdpr => received.plus_months(1),
        Law::Ccpa => received.plus_days(45),
    }
}

/// By when it is to be answered after an extension: two further months, or another 45 days.
pub fn extended(law: Law, received: Day) -> Day {
    match law {
        Law::Gdpr => received.plus_months(3),
        Law::Ccpa => received.plus_days(90),
    }
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
            assert_eq!(
                (due(law, day(received)), extended(law, day(received))),
                (day(first), day(second)),
                "{received}"
            );
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
}
