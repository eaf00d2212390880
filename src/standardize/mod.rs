//! Standardising: from the raw fields of a record to values that can be compared.
//!
//! Every value is read by the [`Semantic`](crate::model::Semantic) of its attribute and written in one canonical form:
//! e-mail addresses that reach the same mailbox, E.164 numbers, ISO dates and countries, names in one case. A value that
//! cannot be read becomes an [`Issue`] and costs only itself; the raw text stays with the record and is never altered.
//! What is junk (`n/a`, `0000000000`) or blocked by the bundle becomes an issue too, and so neither identifies a
//! person nor can win.
//!
//! Nothing here does I/O, reads a clock or draws randomness.
//!
//! INVARIANT: standardising a standardised value gives the same value again.

mod address;
mod calendar;
mod casing;
mod consent;
mod country;
mod domain;
mod email;
mod full_name;
mod linked;
mod name;
mod number;
mod opaque;
mod phone;
mod reason;
mod standardized;
mod standardizer;
mod text;
mod words;

pub use consent::{Consent, ConsentProblem};
pub use country::country_name;
pub use reason::{Issue, Reason};
pub use standardized::{Standardized, Value};
pub use standardizer::Standardizer;
