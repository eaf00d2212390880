//! `onefold bench`: what the engine costs on this machine, beside a from-scratch computation of the same answer in the
//! same process on the same input.
//!
//! The workload is invented, deterministic and of the shape that real sources have (`workload`). The twin (`twin`) parses,
//! standardises, groups and picks winners with hash maps and union-find, and records nothing. Every figure is printed
//! with what it is measured against; nothing is printed that was not measured in this run.
//!
//! `onefold bench ledger` (`ledger`) measures the ledger alone in the same manner, `onefold bench match` (`matching`) what
//! scoring adds, `onefold bench policy` (`policy`) what withdrawals and new versions of the bundle cost.

pub mod ledger;
pub mod matching;
mod measure;
pub mod policy;
mod run;
pub mod twin;
pub mod workload;

pub use run::{Plan, run};
