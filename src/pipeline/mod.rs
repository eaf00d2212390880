//! The engine as a whole: a data directory into which changes go and out of which explained profiles come.
//!
//! This is the only place that knows the way of a change through standardising, ledger, dataflow and index
//! (`epoch.rs`), how a directory is opened again (`recover.rs`) and how an answer is put together (`read.rs`).
//! It never shows a reader what is not durable.

mod about;
mod abreast;
mod access;
mod activate;
mod archive;
mod as_of;
mod audit;
mod bindings;
mod carried;
mod clock;
mod conclude;
mod day;
mod decisions;
mod derive;
mod directory;
mod epoch;
mod erase;
mod error;
mod evidence;
mod export;
mod exposure;
mod facts;
mod foresight;
mod grounds;
mod guarded;
mod head;
mod ingest;
mod keys;
mod known;
mod live;
mod lookup;
mod matching;
mod meta;
mod month;
mod notify;
mod open;
mod options;
mod person_report;
mod policies;
mod progress;
mod quarantine;
mod questions;
mod read;
mod read_history;
mod reads;
mod recorder;
mod recover;
mod rectify;
mod redact;
mod refused;
mod remake;
mod requests;
mod resolve;
mod review;
mod rights;
mod sandbox;
mod settled;
mod shown_under;
mod subject;
mod successor;
mod time;
mod touched;
mod version;
mod view;
mod wire;
mod wordings;

pub use access::Access;
pub use archive::Archive;
pub use as_of::{PastOther, PastPermission, PastProfile, PastValue};
pub use audit::Audit;
pub use clock::{Clock, FixedClock, SystemClock};
pub use day::{Day, due, extended};
pub use decisions::Contradiction;
pub use epoch::{Committed, Outcome};
pub use erase::{Erased, ErasureRequest, ErasureState, Scope};
pub use error::Error;
pub use evidence::{Certified, NewFile, Selection, save_new};
pub use export::Table;
pub use exposure::Exposure;
pub use foresight::{Foresight, Heads};
pub use grounds::Remedy;
pub use head::Head;
pub use ingest::{Ingested, Input, Progress};
pub use keys::{HeldKeys, KeyAccount, Rotation, key_status};
pub use live::Breach;
pub use lookup::Finder;
pub use matching::{BlockView, Blocks, MatchStep, MatchView, bits};
pub use notify::{EpochChanges, ProfileChanges};
pub use open::Onefold;
use open::recorded as ledger_bundle;
pub use options::{InitOptions, OpenOptions};
pub use person_report::{AccessReport, PortabilityReport};
pub use quarantine::{QuarantinedRecord, QuarantinedValue, Retried};
pub use read::Reader;
pub use read_history::{READS_MONTHS_KEPT, ReadFilter, ReadView, ReadsAfter, VerifiedReads, prune_reads, verify_reads};
pub use rectify::{Rectification, Rectified};
pub use requests::{NewRequest, RequestView, StepView};
pub use resolve::Name;
pub use review::{Decided, Statement};
pub use rights::{Mark, MarkView};
pub use sandbox::Hypothesis;
pub use subject::{Coverage, ErasureView};
pub use view::{
    Candidate, DecisionView, Evidence, Explanation, Ground, Group, GuardedView, Held, MemberView, PairView,
    PermissionView, Preview, ProfileView, QuestionView, Questions, RecordView, RectifiedView, ReferenceView, SCORED,
    STEWARD, Step, ValueView, criterion_name, written_key,
};
pub use wordings::Wordings;
