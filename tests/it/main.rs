//! The one test binary.

#![allow(clippy::unwrap_used)]

mod policy;
mod retail;
mod store;
mod tidy;
mod workload;
mod sources;
