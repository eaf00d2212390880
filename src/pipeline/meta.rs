//! Keys under which the index keeps what it stands at.

/// Number of the last epoch applied, u64 little-endian.
pub(super) const EPOCH: &str = "epoch";
/// State of the ledger at that epoch's commit.
pub(super) const LEDGER: &str = "ledger";
/// Not empty while epochs are being replayed into the index.
pub(super) const REPLAYING: &str = "replaying";
/// How many records there are, deleted ones and consents included, u64 little-endian.
pub(super) const RECORDS: &str = "records";
/// Digest of the bundle in force at that epoch.
pub(super) const BUNDLE: &str = "bundle";
