//! The dataflow: integer facts of records and consents in, changes of links, members, winners and permissions out.
//!
//! This is the only module that knows timely and differential-dataflow; [`Engine`] is its plain face. Nothing here
//! does I/O, reads a clock or draws randomness, and no value of a person comes this far.
//!
//! [`graph`] shows the whole of it on one screen; each stage stands in a file of its own with its rule above it.

pub mod births;
pub mod channel;
pub mod claims;
pub mod clusters;
pub mod combining;
mod engine;
pub mod forest;
pub mod graph;
pub mod guards;
pub mod links;
pub mod matches;
pub mod outlet;
pub mod permissions;
pub mod profiles;
pub mod slab;
pub mod sorted;
pub mod stage;
pub mod strength;
pub mod trust;
pub mod words;

pub use claims::Membership;
pub use engine::{Delta, Engine, ProfileChange};
pub use graph::Rules;
pub use permissions::Decisions;
