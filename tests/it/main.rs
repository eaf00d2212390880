//! The one test binary.

mod crypto;
mod ledger;
