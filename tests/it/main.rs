//! The one test binary.

#![allow(clippy::unwrap_used)]

mod retail;
mod tidy;
mod workload;
mod sources;
mod policy;
mod store;
