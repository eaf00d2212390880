//! The one test binary.

mod sources;
