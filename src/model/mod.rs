//! The words of Onefold as types: ids, the compiled schema of a bundle, changes, record contents
//! and the integer facts that the dataflow runs on.
//!
//! Nothing here does I/O, reads a clock or draws randomness, and nothing here knows a file format.

mod change;
mod context;
mod facts;
mod ids;
mod pattern;
mod ruling;
mod schema;

pub use change::{Cell, CellKind, Change, Fields, Operation, Order, Timestamp};
pub use context::{AgeBand, Circumstances, ConsentState, Context, Regime};
pub use facts::{About, ConsentFacts, Facts, Link, NameMark, Named, Obstacle, Permission, Winner};
pub use ids::{
    AttributeId, Birth, Epoch, FieldIndex, IdentifierHash, KindId, NameHash, ProfileId, PurposeId, Sequence, SourceId,
    ValueHash,
};
pub use pattern::matches;
pub use ruling::Ruling;
pub use schema::{
    Attribute, Basis, Category, ConsentField, Criterion, EmbeddedConsents, FieldRole, Format, IdentifierKind, Purpose,
    Reach, Role, Schema, Semantic, Source, SourceField, SurvivorshipRule,
};
