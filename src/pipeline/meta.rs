//! Keys under which the index keeps what it stands at.

/// Number of the last epoch applied, u64 little-endian.
pub(super) const EPOCH: &str = "epoch";
/// State of the ledger at that epoch's commit.
pub(super) const LEDGER: &str = "ledger";
/// Not empty while epochs are being replayed into the index.
pub(super) const REPLAYING: &str = "replaying";
/// Erasures: for each, the sequence of its entry u64, the date of deletion u32, whether it was done u8; little-endian.
pub(super) const ERASURES: &str = "erasures";
/// The generation that the key state has at least, u64 little-endian: a lower one is a copy of before an erasure.
pub(super) const GENERATION: &str = "generation";
/// How many changes were refused because they were about erased records, u64 little-endian.
pub(super) const REFUSED: &str = "refused";
/// How many records there are, deleted ones and consents included, u64 little-endian.
pub(super) const RECORDS: &str = "records";
/// The time up to which what ends has ended, microseconds, i64 little-endian.
pub(super) const TICK: &str = "tick";
/// Digest of the bundle in force at that epoch.
pub(super) const BUNDLE: &str = "bundle";
