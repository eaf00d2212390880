//! The one test binary.

mod retail;
mod tidy;
mod workload;
mod policy;
mod store;
