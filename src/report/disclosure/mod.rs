//! Packages: entries of the ledger taken out of it together with everything that proves them, for somebody who has
//! neither the ledger nor its keys.
//!
//! ```text
//! VERIFY.md             how to check all of this by hand
//! package.json          what is in it, and the keys of the entries
//! checkpoint            the signed head of the ledger (C2SP signed-note and tlog-checkpoint)
//! earlier-checkpoint    one that was given out before, with
//! consistency           the proof that the ledger goes on from it
//! certificate.txt       of an erasure: what was done (C2SP signed-note)
//! entries/N.logical     what the leaf of entry N is the hash of
//! entries/N.body        its payload, or ciphertext and tag; not there when the ciphertext was deleted
//! entries/N.tlog-proof  the proof that the leaf stands at N under the checkpoint (C2SP tlog-proof)
//! ```
//! It reads no clock and no directory but that of the ledger. A key of one entry opens that entry and no other.
//!
//! INVARIANT: the same entries under the same checkpoint give the same bytes, and what is packed was verified as its
//! reader will verify it.

mod archive;
mod certificate;
mod error;
mod manifest;
mod pack;
mod rules;
mod verify;

pub use archive::PACKAGE_BYTES_MAX;
pub use certificate::Certificate;
pub use error::Error;
pub use pack::{Evidence, Included, Package, Packed, pack};
pub use rules::DisclosedBundle;
pub use verify::{Problem, State, Verified, VerifiedEntry, verify};

/// What the first member of `package.json` says.
pub const FORMAT: &str = "onefold-disclosure/v1";
/// Entries that a package has at most; each has up to three files.
pub const ENTRIES_MAX: usize = 16_384;
/// Keys of the ledger that a package names at most.
const KEYS_MAX: usize = 16;

const GUIDE: &str = "VERIFY.md";
const MANIFEST: &str = "package.json";
const CHECKPOINT: &str = "checkpoint";
const EARLIER_CHECKPOINT: &str = "earlier-checkpoint";
const CONSISTENCY: &str = "consistency";
const CERTIFICATE: &str = "certificate.txt";

/// What every package has as `VERIFY.md`.
pub const GUIDE_TEXT: &str = include_str!("VERIFY.md");

/// What a package is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageKind {
    /// Entries are shown.
    Disclosure,
    /// An erasure is certified.
    Certificate,
}

impl PackageKind {
    /// The word in `package.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disclosure => "disclosure",
            Self::Certificate => "certificate",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Disclosure, Self::Certificate].into_iter().find(|kind| kind.name() == name)
    }
}
