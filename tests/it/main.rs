//! The one test binary.

mod standardize;
mod standardize_conformance;
