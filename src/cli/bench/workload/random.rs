//! Pseudo-random numbers for the workload: SplitMix64 (Steele, Lea, Flood: *Fast splittable pseudorandom number
//! generators*, OOPSLA 2014), one short stream for each thing that is invented.
//!
//! Never for keys, salts or nonces. A stream is named by (seed, topic, index), so that any person or record can be
//! invented again at any time without keeping it. Only integers and IEEE-exact operations (multiplication, square
//! root) are used: the same seed gives the same bytes on every machine.

/// What a stream is for; streams of different topics have nothing in common.
#[derive(Clone, Copy)]
pub(super) enum Topic {
    Person = 1,
    Household = 2,
    RoleMailbox = 3,
    Arrival = 4,
    Row = 5,
    ConsentCount = 6,
    Consent = 7,
    Firm = 8,
    Change = 9,
}

/// One stream.
pub(super) struct Random(u64);

impl Random {
    /// The stream of this name, from its start.
    pub(super) fn of(seed: u64, topic: Topic, index: u64) -> Self {
        let topic = mix(seed ^ (topic as u64).wrapping_mul(GAMMA));
        Self(mix(topic.wrapping_add(index.wrapping_mul(GAMMA))))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// From 0 to `end`, which is not among them; 0 when `end` is 0. The bias is below `end` in 2^64.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// From `start` to `end`, which is not among them.
    pub(super) fn between(&mut self, start: u64, end: u64) -> u64 {
        start + self.below(end - start)
    }

    /// From 0 to 1, which is not among them, in steps of 2^-53.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// True in this share of cases.
    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of them, each as likely.
    pub(super) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len() as u64) as usize]
    }

    /// The index of one of these weights, which add up to 1, each as likely as it weighs.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit();
        for (index, weight) in weights.iter().enumerate() {
            if left < *weight {
                return index;
            }
            left -= weight;
        }
        weights.len() - 1
    }

    /// From 0 to 1 by the beta distribution with α = 1 and β = 1.6: low numbers are likelier. By inversion,
    /// `1 - (1 - u)^(1 / 1.6)`; 1 / 1.6 is 1/2 + 1/8, so square roots do.
    pub(super) fn skewed(&mut self) -> f64 {
        let root = (1.0 - self.unit()).sqrt();
        1.0 - root * root.sqrt().sqrt()
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Stafford's variant 13).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published first outputs of SplitMix64 for seed 1234567.
    #[test]
    fn generates_the_published_sequence() {
        let mut random = Random(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn skews_as_the_beta_distribution_does() {
        let mut random = Random::of(1, Topic::Arrival, 0);
        let n = 100_000;
        let mean = (0..n).map(|_| random.skewed()).sum::<f64>() / f64::from(n);
        assert!((mean - 1.0 / 2.6).abs() < 0.005, "mean is {mean}, that of Beta(1, 1.6) is 1 / 2.6");
    }

    #[test]
    fn streams_differ() {
        let first = |topic, index| Random::of(7, topic, index).next();
        assert_ne!(first(Topic::Row, 0), first(Topic::Row, 1));
        assert_ne!(first(Topic::Row, 0), first(Topic::Person, 0));
        assert_ne!(Random::of(8, Topic::Row, 0).next(), first(Topic::Row, 0));
    }
}
