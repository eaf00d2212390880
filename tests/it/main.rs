//! The one test binary.

mod dataflow;
