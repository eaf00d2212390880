//! What `onefold bench` measures with: an invented population as the files of eight systems, and a from-scratch
//! computation of what the engine answers.
//!
//! Nothing here records, encrypts or keeps anything between runs, and nothing here draws on chance: the same
//! arguments give the same bytes.

pub mod twin;
pub mod workload;
