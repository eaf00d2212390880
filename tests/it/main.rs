//! The one test binary.

#![allow(clippy::unwrap_used)]

mod dataflow;
mod policy;
mod retail;
mod sources;
mod store;
mod tidy;
mod workload;
mod crypto;
mod ledger;
mod standardize;
mod standardize_conformance;
mod ledger_damage;
