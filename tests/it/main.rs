//! The one test binary.

mod retail;
mod tidy;
mod workload;
mod sources;
mod policy;
mod store;
