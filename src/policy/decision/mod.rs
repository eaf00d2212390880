//! Decisions: may a value be used, what can never be, and what would change.
//!
//! ```text
//! bundle ──Decider──▶ verdict of a cell: allowed or not, by which policies, under which law
//!        ──Space────▶ every cell: prove (what is never allowed), diff (what flips), table (for the hot path)
//! ```
//!
//! A *cell* is a purpose, a category (or the joining of records) and a [`Context`](crate::model::Context). There are 28,160
//! contexts, so that all cells of a bundle can be looked at.
//!
//! INVARIANT: a cell is allowed only where a policy permits, none forbids, and none failed to be evaluated. Decisions are a
//! function of the bundle: no clock, no randomness, no I/O.

mod alone;
mod cases;
mod decider;
mod diff;
pub(super) mod invariants;
mod law;
mod prove;
mod space;
mod table;
mod words;

pub use alone::{NeverAlone, Why};
pub use cases::{Case, Expectation, Outcome, read_cases, run_case};
pub use decider::{Citation, Decider, Reason, Verdict};
pub use diff::{Diff, Flip, Group};
pub use invariants::{Condition, Invariant};
pub use prove::{Breach, Checked, Proof, prove};
pub use table::Table;
pub use words::{Circumstance, Word, ages, consent_states, describe, regimes, set_circumstance};
