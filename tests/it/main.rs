//! The one test binary.

mod workload;
