//! Onefold: a compliance-first unified customer profile engine.

pub mod cli;
pub mod crypto;
pub mod dataflow;
pub mod encoding;
pub mod ledger;
pub mod model;
pub mod pipeline;
pub mod policy;
pub mod report;
pub mod sources;
pub mod standardize;
pub mod store;
