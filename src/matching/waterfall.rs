//! How a match weight comes about, step by step, for people.

/// The prior, each comparison, and what they come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waterfall {
    /// The reason for their likeness that *one person* is weighed against, the likeliest of those that there are:
    /// `strangers` (that it is chance), or `one household`, `another branch`, `same house`.
    pub against: &'static str,
    /// The odds before anything is compared, in millibits.
    pub prior: i32,
    /// The comparisons in which both records have a value.
    pub steps: Vec<Step>,
    /// Prior and all steps, in millibits: the score.
    pub sum: i32,
    /// The probability that both are one person, in parts per million.
    pub probability_ppm: u32,
}

/// What one comparison says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name: that of the attribute or of the kind.
    pub comparison: String,
    /// The level that it came to.
    pub level: &'static str,
    /// What the level weighs, in millibits; positive speaks for one person.
    pub weight: i32,
    /// What the frequency of the term adds to it, or the likeness of a rival takes from it, in millibits.
    pub adjustment: i32,
}

impl Waterfall {
    pub(super) fn new(against: &'static str, prior: i32, steps: Vec<Step>, sum: i32) -> Self {
        Self { against, prior, steps, sum, probability_ppm: probability_ppm(sum) }
    }
}

/// 2^(i/16) in units of 2^-32, for i from 0 to 15.
const SIXTEENTHS: [u64; 16] = [
    4_294_967_296,
    4_485_121_744,
    4_683_695_048,
    4_891_059_943,
    5_107_605_667,
    5_333_738_689,
    5_569_883_475,
    5_816_483_285,
    6_074_001_000,
    6_342_919_999,
    6_623_745_059,
    6_917_003_306,
    7_223_245_206,
    7_543_045_592,
    7_877_004_752,
    8_225_749_546,
];

/// The probability of these odds, rounded down to sixteenths of a bit. Integers only.
fn probability_ppm(millibits: i32) -> u32 {
    let size = u64::from(millibits.unsigned_abs()) * 16 / 1_000;
    if size >= 30 * 16 {
        return if millibits > 0 { 1_000_000 } else { 0 };
    }
    let fraction = usize::try_from(size % 16).unwrap_or(0);
    let odds = (u128::from(SIXTEENTHS[fraction]) << (size / 16)) * 1_000_000;
    let one = 1u128 << 32;
    let likely = odds / (odds / 1_000_000 + one);
    let likely = u32::try_from(likely).unwrap_or(1_000_000).min(1_000_000);
    if millibits >= 0 { likely } else { 1_000_000 - likely }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities() {
        for (millibits, expected) in
            [(0, 500_000), (1_000, 666_666), (-1_000, 333_334), (10_000, 999_024), (i32::MAX, 1_000_000), (i32::MIN, 0)]
        {
            assert_eq!(probability_ppm(millibits), expected, "{millibits}");
        }
        assert!((-40_000..40_000).step_by(7).all(|m| probability_ppm(m) <= probability_ppm(m + 7)));
    }
}
