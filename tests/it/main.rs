//! The one test binary.

mod crypto;
mod ledger;
mod ledger_damage;
