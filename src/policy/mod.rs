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
mod cedar;
mod codes;
pub mod decision;
mod defaults;
mod dpv;
mod fideslang;
mod identity;
mod library;
mod load;
mod parts;
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
pub use cedar::{Effect, Policies, Policy};
pub use fideslang::{data_category, data_use, personal_data_term};
pub use load::load_cases;
pub use pattern::{Unrecognised, recognise};
pub use problem::{PROBLEMS_MAX, Problem, Problems};
pub use shipped::{contacts, retail, retail_cases};
pub use suggest::nearest;
pub use vocabulary::{basis_name, category_name, category_named};
