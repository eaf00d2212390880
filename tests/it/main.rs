//! The one test binary.

#![allow(clippy::unwrap_used)]

mod activate;
mod as_of;
mod attacks;
mod bad_input;
mod cli;
mod consent;
mod crash;
mod crypto;
mod dataflow;
mod disclosure;
mod erasure;
mod evidence_cli;
mod exact;
mod faults;
mod final_state;
mod fuzz;
mod golden;
mod ledger;
mod ledger_damage;
mod ledger_faults;
mod ledger_opened;
mod matching;
mod policy;
mod privacy;
mod processes;
mod program;
mod reads;
mod receipts;
mod requests;
mod retail;
mod review;
mod rights;
mod scores;
mod semantics;
mod sources;
mod standardize;
mod standardize_conformance;
mod store;
mod support;
mod system_calls;
mod ticks;
mod tidy;
mod tlog;
mod workload;
