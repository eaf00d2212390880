//! The part of the command line about requests of persons.

use crate::ledger::{Law, Outcome, Right};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Requests of persons.
#[derive(Debug, Subcommand)]
pub enum RequestCommand {
    /// Record that a request came in; from then on its deadline runs.
    #[command(after_help = "\
It is to be answered within one month under the GDPR (Art. 12(3)). Under the CCPA it is 45 days, and 15 business days \
for an objection, which is an opt-out of sale and sharing (11 CCR 7026(f)), and a restriction, which limits the use of \
sensitive data (11 CCR 7027(g)). Monday to Friday are counted; holidays are not known, so the true day may be later. \
The reference stays in the index when the person is erased, so it must be a case number and no name; one such as R-2026-0001 \
is made when none is given. --from reads the request from an OpenDSR or OpenGDPR document.

Examples:
  onefold request open access email:ada@example.com --law gdpr --received 2026-01-31
  onefold request open erasure crm:4711 --law ccpa --ref DSR-2026-042
  onefold request open --from request.json --law gdpr")]
    Open(Open),
    /// List requests: those that wait for their answer first, by the day they are due.
    #[command(after_help = "\
Examples:
  onefold request list
  onefold request list --json")]
    List,
    /// Show a request with all that happened to it.
    #[command(after_help = "\
Example:
  onefold request show R-2026-0001")]
    Show {
        /// Its reference.
        #[arg(value_name = "REF")]
        reference: String,
    },
    /// Record that the person was told that it takes longer: two months more (GDPR), 45 days more (CCPA), once.
    #[command(after_help = "\
The person must be told within the first period, and why. Objections and restrictions under the CCPA have 15 business \
days and no extension.

Example:
  onefold request extend R-2026-0001 --reason \"many systems; told on 12 May by letter\"")]
    Extend {
        /// Its reference.
        #[arg(value_name = "REF")]
        reference: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Record how a request ended.
    #[command(after_help = "\
Examples:
  onefold request close R-2026-0001 --outcome fulfilled --reason \"copy sent on 14 May\"
  onefold request close R-2026-0002 --outcome refused --reason \"not the person: Art. 12(6)\"")]
    Close {
        /// Its reference.
        #[arg(value_name = "REF")]
        reference: String,
        /// How it ended.
        #[arg(long, value_enum)]
        outcome: OutcomeWord,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// A request that comes in.
#[derive(Debug, Args)]
pub struct Open {
    /// What is asked for.
    #[arg(value_enum, required_unless_present = "from", conflicts_with = "from")]
    pub right: Option<RightWord>,
    /// Who asks: a profile id, SOURCE:KEY or KIND:VALUE.
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    pub subject: Option<String>,
    /// Under which law; an OpenDSR document may say it.
    #[arg(long, value_enum, required_unless_present = "from")]
    pub law: Option<LawWord>,
    /// When it was received, as 2026-01-31; today if not given.
    #[arg(long, value_name = "DATE")]
    pub received: Option<String>,
    /// Its reference: a case number, no name.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// An OpenDSR 2.0 or OpenGDPR 1.0 document with the request.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// A right by its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RightWord {
    /// A copy of everything (GDPR Art. 15).
    Access,
    /// A copy of what was provided (Art. 20).
    Portability,
    /// A correction (Art. 16).
    Rectification,
    /// To be forgotten (Art. 17).
    Erasure,
    /// That data is kept and not used (Art. 18); that the use of sensitive data is limited (CCPA 1798.121).
    Restriction,
    /// That it is not used for a purpose (Art. 21); an opt-out of sale and sharing (CCPA 1798.120).
    Objection,
}

impl From<RightWord> for Right {
    fn from(word: RightWord) -> Self {
        match word {
            RightWord::Access => Self::Access,
            RightWord::Portability => Self::Portability,
            RightWord::Rectification => Self::Rectification,
            RightWord::Erasure => Self::Erasure,
            RightWord::Restriction => Self::Restriction,
            RightWord::Objection => Self::Objection,
        }
    }
}

/// A law by its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LawWord {
    /// Regulation (EU) 2016/679.
    Gdpr,
    /// California Civil Code 1798.100 and following.
    Ccpa,
}

impl From<LawWord> for Law {
    fn from(word: LawWord) -> Self {
        match word {
            LawWord::Gdpr => Self::Gdpr,
            LawWord::Ccpa => Self::Ccpa,
        }
    }
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutcomeWord {
    /// What was asked for was done.
    Fulfilled,
    /// It was refused.
    Refused,
}

impl From<OutcomeWord> for Outcome {
    fn from(word: OutcomeWord) -> Self {
        match word {
            OutcomeWord::Fulfilled => Self::Fulfilled,
            OutcomeWord::Refused => Self::Refused,
        }
    }
}
