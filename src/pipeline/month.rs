//! Calendar months in UTC, by which reads are kept.

use super::day::Day;
use std::fmt;

/// A month; the order is that of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    year: i32,
    /// 1 to 12.
    month: u32,
}

impl Month {
    /// The month of a time in seconds since 1970.
    pub fn of(time_s: u32) -> Self {
        let (year, month, _) = Day::of(time_s).parts();
        Self { year, month }
    }

    /// The month of the name of a folder, such as `2026-11`.
    pub fn parse(name: &str) -> Option<Self> {
        let (year, month) = name.split_once('-')?;
        let month = Self { year: year.parse().ok()?, month: month.parse().ok()? };
        ((1..=12).contains(&month.month) && month.to_string() == name).then_some(month)
    }

    /// The month so many before this one.
    pub fn minus(self, months: u32) -> Self {
        let all = i64::from(self.year) * 12 + i64::from(self.month) - 1 - i64::from(months);
        let year = i32::try_from(all.div_euclid(12)).unwrap_or(i32::MIN);
        Self { year, month: u32::try_from(all.rem_euclid(12)).unwrap_or(0) + 1 }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        assert_eq!(Month::of(0).to_string(), "1970-01");
        assert_eq!(Month::of(1_772_323_199).to_string(), "2026-02", "the last second of February");
        assert_eq!(Month::of(1_772_323_200).to_string(), "2026-03");
        let of = |name: &str| Month::parse(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(of("2026-03").minus(2).to_string(), "2026-01");
        assert_eq!(of("2026-03").minus(3).to_string(), "2025-12");
        assert_eq!(of("2026-03").minus(27).to_string(), "2023-12");
        assert!(of("2025-12") < of("2026-01"));
        for bad in ["2026-13", "2026-00", "2026-3", "2026-03.new", "lock", "26-03", ""] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
    }
}
