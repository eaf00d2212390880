//! The one test binary.

mod standardize;
