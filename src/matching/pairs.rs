//! Pairs to learn from: those that share a block, and random ones. Both are samples of bounded size that the content of
//! the records decides, not their order of arrival.
//!
//! INVARIANT: records are given sorted; pairs come out sorted, each once, the lower index first.

use super::blocks;
use super::comparable::Comparable;

/// Blocked pairs that are learnt from, about.
const BLOCKED_MAX: u64 = 400_000;
/// Random pairs that are learnt from.
const RANDOM_MAX: u64 = 300_000;

/// A pair of indexes.
pub(super) type Pair = (u32, u32);

/// A sample of the pairs that share a block.
pub(super) struct Blocked {
    /// Sorted, each once.
    pub(super) pairs: Vec<Pair>,
    /// How many pairs one of the sample stands for.
    pub(super) each: f64,
}

/// SplitMix64: a fixed, well-mixed function of its argument.
pub(super) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Samples the pairs that share a block.
pub(super) fn blocked(records: &[&Comparable]) -> Blocked {
    let mut keyed: Vec<(u64, u32)> = Vec::new();
    let mut keys = Vec::new();
    for (index, record) in (0u32..).zip(records) {
        blocks::keys(record, &[0; 16], &mut keys);
        keyed.extend(keys.iter().map(|key| (*key, index)));
    }
    keyed.sort_unstable();
    let blocks =
        || keyed.chunk_by(|a, b| a.0 == b.0).filter(|block| (2..=blocks::RECORDS_MAX as usize).contains(&block.len()));
    let total: u64 = blocks().map(|block| block.len() as u64 * (block.len() as u64 - 1) / 2).sum();
    let every = total.div_ceil(BLOCKED_MAX).max(1);
    let mut pairs = Vec::new();
    for block in blocks() {
        for (i, (_, a)) in block.iter().enumerate() {
            for (_, b) in &block[i + 1..] {
                if every == 1 || mix(u64::from(*a) << 32 | u64::from(*b)).is_multiple_of(every) {
                    pairs.push((*a, *b));
                }
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    Blocked { pairs, each: every as f64 }
}

/// Random pairs, or all where there are few.
pub(super) fn random(count: u32) -> Vec<Pair> {
    let all = u64::from(count) * u64::from(count.saturating_sub(1)) / 2;
    if all <= RANDOM_MAX {
        return (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect();
    }
    let draw = |seed: u64| u32::try_from(mix(seed) % u64::from(count)).unwrap_or(0);
    let mut pairs: Vec<Pair> = (0..RANDOM_MAX)
        .map(|i| (draw(2 * i), draw(2 * i + 1)))
        .filter(|(a, b)| a != b)
        .map(|(a, b)| (a.min(b), a.max(b)))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}
