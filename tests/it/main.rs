//! The one test binary.

mod retail;
mod workload;
