//! The keyspaces of the index and how each is tuned.
//!
//! All values are hashes, which do not compress, so nothing is compressed; reads are points and full scans, writes are
//! sorted batches. Figures behind the choices are printed by `benches/store.rs`.
//!
//! INVARIANT: beside its rows each keyspace holds at most one [`MARK`], which is longer and greater than any row's key.

use fjall::config::{BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry};
use fjall::{Database, Keyspace, KeyspaceCreateOptions};

/// A keyspace; the discriminant is its place in every array of keyspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// birth u64 → record.
    Records,
    /// name hash u128 → birth n.
    Names,
    /// identifier hash u128, birth u64 → kind u8.
    Identifiers,
    /// birth u64 of a record → birth n of the root of its profile.
    Members,
    /// birth u64 of the root → profile.
    Profiles,
    /// sequence u64 → rejected.
    Rejected,
    /// birth u64, field u16 → reason u8.
    Issues,
    /// hash of a source file, 32 bytes → its progress.
    Offsets,
    /// Keyed hash of a name or identifier that was erased, u128 → nothing.
    Tombstones,
    /// sequence u64 → decision of a steward.
    Decisions,
    /// birth u64, birth u64, sort u8 → question to stewards.
    Questions,
    /// reference of a request, text → request.
    Requests,
    /// record u64, consent u64 → identifier hash u128.
    Bindings,
    /// Name of a fact about the index → bytes.
    Meta,
}

/// How many keyspaces there are.
pub(super) const SPACES: usize = 14;

/// Key under which a keyspace holds the number of the batch that last wrote to it.
pub(super) const MARK: [u8; 33] = [0xff; 33];

const MIB: u64 = 1 << 20;

/// Blocks that were read, kept in memory for all keyspaces together.
const CACHE_BYTES: u64 = 48 * MIB;

/// What the journals may take on disk before keyspaces are flushed to let the oldest go; the least that is allowed.
const JOURNALS_BYTES: u64 = 64 * MIB;

impl Space {
    pub(super) const ALL: [Self; SPACES] = [
        Self::Records,
        Self::Names,
        Self::Identifiers,
        Self::Members,
        Self::Profiles,
        Self::Rejected,
        Self::Issues,
        Self::Offsets,
        Self::Tombstones,
        Self::Decisions,
        Self::Questions,
        Self::Requests,
        Self::Bindings,
        Self::Meta,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Names => "names",
            Self::Identifiers => "identifiers",
            Self::Members => "members",
            Self::Profiles => "profiles",
            Self::Rejected => "rejected",
            Self::Issues => "issues",
            Self::Offsets => "offsets",
            Self::Tombstones => "tombstones",
            Self::Decisions => "decisions",
            Self::Questions => "questions",
            Self::Requests => "requests",
            Self::Bindings => "bindings",
            Self::Meta => "meta",
        }
    }

    /// What is kept in memory before it is written out as a table.
    fn memtable_bytes(self) -> u64 {
        match self {
            Self::Records | Self::Profiles => 16 * MIB,
            Self::Names | Self::Identifiers | Self::Members => 8 * MIB,
            Self::Rejected | Self::Issues | Self::Offsets | Self::Tombstones => 2 * MIB,
            Self::Decisions | Self::Questions | Self::Requests | Self::Bindings | Self::Meta => 2 * MIB,
        }
    }

    fn options(self) -> KeyspaceCreateOptions {
        let bloom = FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(10.0));
        let options = KeyspaceCreateOptions::default()
            .max_memtable_size(self.memtable_bytes())
            .data_block_size_policy(BlockSizePolicy::all(4 * 1024))
            .data_block_compression_policy(CompressionPolicy::disabled())
            .index_block_compression_policy(CompressionPolicy::disabled())
            .manual_journal_persist(true);
        match self {
            // A new record is looked up by name and not found: only here does a filter save reads.
            Self::Names => options.filter_policy(FilterPolicy::all(bloom)),
            // Carriers are found by prefix, to which filters do not apply.
            Self::Identifiers => options.filter_policy(FilterPolicy::disabled()),
            // What is asked for is nearly always there.
            _ => options.filter_policy(FilterPolicy::all(bloom)).expect_point_read_hits(true),
        }
    }
}

/// Opens or creates the database itself.
pub(super) fn database(dir: &std::path::Path) -> fjall::Result<Database> {
    Database::builder(dir)
        .cache_size(CACHE_BYTES)
        .max_journaling_size(JOURNALS_BYTES)
        .journal_compression(fjall::CompressionType::None)
        .worker_threads(1)
        .open()
}

/// The keyspaces in the order of [`Space::ALL`], created where absent.
pub(super) fn keyspaces(database: &Database) -> fjall::Result<Vec<Keyspace>> {
    Space::ALL.iter().map(|space| database.keyspace(space.name(), || space.options())).collect()
}
