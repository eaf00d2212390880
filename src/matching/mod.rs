//! Scored matches: how likely two records without a common identifier are one person.
//!
//! ```text
//! record ──Comparisons──▶ Comparable ──blocks──▶ pairs ──Scorer──▶ match weight
//!                             │                              ▲
//!                             └────────train──▶ Model ───────┘
//! ```
//! The model is that of Fellegi and Sunter (1969) with term-frequency adjustment: each comparison adds log2 of how much
//! likelier its outcome is among records of one person than among strangers. What is compared follows from the
//! [`Semantic`](crate::model::Semantic) of each attribute; nothing is configured. Weights are integers in *millibits*,
//! thousandths of a bit.
//!
//! Nothing here does I/O, reads a clock or draws randomness.
//!
//! INVARIANT: a score depends on two records and the model alone, and is the same on every machine.

mod birth;
mod blocks;
mod comparable;
mod compare;
mod comparisons;
mod error;
pub mod evaluate;
mod fold;
mod kind;
mod model;
mod nicknames;
mod organisation;
mod pairs;
pub mod resolve;
mod rival;
mod scorer;
mod street;
mod terms;
mod train;
mod waterfall;

pub use comparable::Comparable;
pub use comparisons::Comparisons;
pub use error::Error;
pub use kind::Kind;
pub use model::{FORMAT, Model};
pub use nicknames::formal_name;
pub use scorer::Scorer;
pub use train::train;
pub use waterfall::{Step, Waterfall};
