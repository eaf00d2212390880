//! Onefold turns change streams into one profile a person, keeps it right as records change, and can prove where every
//! value came from, why records were merged, and which consent allowed a use.
//!
//! # Start here
//!
//! ```no_run
#![doc = include_str!("../examples/embed.rs")]
//! ```
//!
//! # The way of a change
//!
//! ```text
//! source ─▶ decode ─▶ standardise ─▶ LEDGER received ─▶ acknowledged
//! (file,     per        validate,        (fsync)
//!  stream)   format     quarantine          │
//!                                           ▼ epoch e
//!                           DATAFLOW  guards ─▶ links ─▶ clusters ─▶ profiles
//!                                     consents ─────────────────────▶ permissions
//!                                                                      │ what e changed
//!                                     LEDGER derived(e), commit(e) ◀───┘
//!                                                 │ fsync
//!                                                 ▼
//!                                     INDEX e ─▶ readers, subscribers, exports
//! ```
//!
//! [`pipeline`] is the only place that knows this order; [`pipeline::Onefold`] is the door. The values of a record stand
//! once, in its received entry, encrypted under the record's own key. Everything downstream carries births, keyed
//! hashes and times: lineage is not a by-product, it is the data.
//!
//! # Layers
//!
//! A module uses only those above it in this list.
//!
//! | module | what it is |
//! |---|---|
//! | [`model`] | the words of the engine as types |
//! | [`encoding`] | bytes |
//! | [`tlog`] | transparency-log formats: proofs, notes, checkpoints, tiles |
//! | [`crypto`] | keys, keyed hashes, sealing |
//! | [`matching`] | what makes records alike |
//! | [`policy`], [`standardize`], [`ledger`] | bundles; canonical values; the record of everything |
//! | [`dataflow`], [`sources`], [`store`], [`report`] | the graph; decoders; the index; tables |
//! | [`pipeline`] | the engine as a whole |
//! | [`cli`] | the command line |
//!
//! # Glossary
//!
//! *Source*: a system that emits changes. *Record*: one row or subject in a source, named by (source, key). *Birth*: the
//! number that a record gets when it is first seen, never reused. *Change*: an upsert, patch or delete of a record. *Attribute*:
//! a canonical name such as `email`, with a category of data. *Identifier*: (kind, canonical value); inside the engine a
//! keyed 128-bit hash. *Link*: evidence that two records are one person: an
//! identifier that guards let link, a score, or a steward's decision. *Block*: records that are alike enough to be scored with
//! each other. *Match weight*: the log-odds that two records are one person. *Profile*: records held together by accepted links; its id
//! is the keyed hash of the name of its oldest record. *Survivorship*: the rule by which one of several values wins.
//! *Purpose*, *consent*: as in the W3C Data Privacy Vocabulary. *Epoch*: a batch of changes that is applied atomically.
//! *Entry*: a leaf of the ledger. *Quarantine*: what could not be used, kept with its reason. *Bundle*: the folder of rules
//! that a data directory runs under.

pub mod cli;
pub mod crypto;
pub mod dataflow;
pub mod encoding;
pub mod ledger;
pub mod matching;
pub mod model;
pub mod pipeline;
pub mod policy;
pub mod report;
pub mod sources;
pub mod standardize;
pub mod store;
pub mod tlog;
