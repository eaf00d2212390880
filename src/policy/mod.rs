//! Bundles: what a data-protection officer writes in TOML, checked and compiled into a [`Schema`].
//!
//! ```text
//! folder ──load──▶ (name, text)… ──compile──▶ Bundle { schema, digest }   or   Problems: every one, with its place
//! ```
//!
//! Reading the folder ([`Bundle::load`]) is the only I/O; everything else is a pure function of the texts, so that a
//! bundle read back from the ledger compiles to what it was.
//!
//! INVARIANT: an id in a schema that was compiled here is an index into its vectors. Equal digests mean equal texts,
//! equal built-in attributes and equal data behind the standardisers.

mod bundle;
mod codes;
mod defaults;
mod identity;
mod load;
mod pattern;
mod problem;
mod purposes;
mod section;
mod shipped;
mod source_fields;
mod sources;
mod suggest;
mod vocabulary;

pub use crate::model::Schema;
pub use bundle::{Bundle, DATA_VERSION, FILE_BYTES_MAX};
pub use pattern::{Unrecognised, recognise};
pub use problem::{PROBLEMS_MAX, Problem, Problems};
pub use shipped::{contacts, retail};
pub use suggest::nearest;
