//! Trust of a source that decays with age, in integers.
//!
//! It reads no clock: a profile's values are weighed as of the latest event time among its records, so that the weights
//! are a function of the profile's content alone.
//! INVARIANT: of two values of one source the later never weighs less.

use crate::model::Source;

/// One halving of trust, in the unit of [`Trust::weight`].
const HALVING: i64 = 1 << 20;
const DAY_US: i64 = 86_400_000_000;

/// How much a source is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Trust {
    /// log2 of the trust in halvings; `None`: not at all.
    level: Option<i32>,
    /// 0: it does not decay.
    half_life_days: u32,
}

impl Trust {
    /// As the bundle says.
    pub fn new(source: &Source) -> Self {
        let level = (source.trust > 0).then(|| LEVELS[usize::from(source.trust)]);
        Self { level, half_life_days: source.trust_half_life_days.unwrap_or(0) }
    }

    /// The logarithm of trust·2^(−(latest − at)/half-life): what a value of time `at` weighs at the time `latest`.
    /// What has no time has no weight where trust decays.
    pub fn weight(self, at: i64, latest: i64) -> i64 {
        let Some(level) = self.level else { return i64::MIN };
        if self.half_life_days == 0 {
            return i64::from(level);
        }
        if at == i64::MIN {
            return i64::MIN;
        }
        let half_life_us = i128::from(self.half_life_days) * i128::from(DAY_US);
        let age = (i128::from(latest) - i128::from(at)) * i128::from(HALVING) / half_life_us;
        // An age fits: 2^64 microseconds are 2^28 days, and a day is 2^20 at most.
        i64::from(level).saturating_sub(i64::try_from(age).unwrap_or(i64::MAX))
    }
}

/// By trust, its level.
static LEVELS: [i32; 256] = {
    let mut levels = [0; 256];
    let mut n = 1;
    while n < 256 {
        levels[n as usize] = log2_scaled(n);
        n += 1;
    }
    levels
};

/// log2(n) in units of 2^-20, rounded down, by repeated squaring in integers; `n` is not 0.
const fn log2_scaled(n: u32) -> i32 {
    let whole = n.ilog2();
    let mut result = whole << 20;
    // In units of 2^-62, and at least 1 and less than 2.
    let mut value = ((n as u128) << 62) >> whole;
    let mut bit = 20;
    while bit > 0 {
        bit -= 1;
        value = (value * value) >> 62;
        if value >= 1 << 63 {
            value >>= 1;
            result |= 1 << bit;
        }
    }
    // At most 32 times 2^20.
    result.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::{DAY_US, HALVING, LEVELS, Trust, log2_scaled};

    fn trust(n: u8, half_life_days: u32) -> Trust {
        Trust { level: (n > 0).then(|| LEVELS[usize::from(n)]), half_life_days }
    }

    #[test]
    fn logarithms_are_monotone_and_within_one_unit() {
        for n in 1..=255 {
            let exact = f64::from(n).log2() * HALVING as f64;
            let error = exact - f64::from(log2_scaled(n));
            assert!((-1e-6..1.0 + 1e-6).contains(&error), "log2({n}) is off by {error}");
            assert_eq!(LEVELS[n as usize], log2_scaled(n));
            assert!(n == 1 || log2_scaled(n) > log2_scaled(n - 1), "log2({n}) is not above log2({})", n - 1);
        }
    }

    #[test]
    fn a_half_life_halves() {
        for (n, days) in [(100, 1), (60, 30), (2, 365), (50, 3650)] {
            let (at, latest) = (1_700_000_000_000_000, 1_700_000_000_000_000 + i64::from(days) * DAY_US);
            let old = trust(n, days as u32).weight(at, latest);
            assert_eq!(old, trust(n / 2, 0).weight(latest, latest), "{n} after {days} days is {}", n / 2);
            assert!(old < trust(n / 2 + 1, 0).weight(at, latest));
            assert!(trust(n, days as u32).weight(at + 3_600_000_000, latest) > old, "an hour less counts");
        }
    }

    #[test]
    fn later_never_weighs_less_and_extremes_hold() {
        let times = [i64::MIN, i64::MIN + 1, -DAY_US, -1, 0, 1, DAY_US, 400 * DAY_US, i64::MAX - 1, i64::MAX];
        for trust in [trust(0, 0), trust(0, 5), trust(1, 1), trust(255, u32::MAX), trust(100, 0)] {
            for latest in times {
                let weights: Vec<i64> =
                    times.iter().filter(|at| **at <= latest).map(|at| trust.weight(*at, latest)).collect();
                assert!(weights.is_sorted(), "{trust:?} at {latest}: {weights:?}");
            }
        }
        assert!(trust(1, 1).weight(i64::MIN + 1, i64::MAX) > trust(0, 0).weight(i64::MAX, i64::MAX));
        assert!(trust(1, 0).weight(i64::MIN, i64::MAX) > trust(100, 1).weight(i64::MIN, i64::MAX));
    }
}
