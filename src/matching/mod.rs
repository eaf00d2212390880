//! Stub.
use serde::{Deserialize, Serialize};
/// Stub.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Comparable(pub Vec<u64>);
/// Stub.
#[derive(Debug)]
pub struct Scorer;
impl Scorer {
    /// Stub.
    pub fn blocks(&self, c: &Comparable, out: &mut Vec<u64>) {
        out.extend(&c.0);
        out.sort_unstable();
        out.dedup();
    }
    /// Stub.
    pub fn block_records_max(&self) -> u32 {
        4
    }
    /// Stub.
    pub fn score(&self, a: &Comparable, b: &Comparable) -> i32 {
        a.0.iter().filter(|x| b.0.contains(x)).count() as i32 * 10
    }
    /// Stub.
    pub fn automatic(&self) -> i32 {
        20
    }
    /// Stub.
    pub fn review(&self) -> i32 {
        10
    }
}
