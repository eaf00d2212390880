//! The part of the command line about what holds for persons.

use super::OnRequest;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Holds and restrictions.
#[derive(Debug, Subcommand)]
pub enum MarkCommand {
    /// Set it for all live records of the person.
    Set(Marked),
    /// End it.
    #[command(visible_alias = "lift")]
    Release(Marked),
    /// List those that hold.
    List,
}

/// Objections.
#[derive(Debug, Subcommand)]
pub enum ObjectCommand {
    /// Record it for all live records of the person.
    Set(Objection),
    /// Record that the person no longer objects.
    Withdraw(Objection),
    /// List those that hold.
    List,
}

/// Of whom, and why.
#[derive(Debug, Args)]
pub struct Marked {
    /// Whom: a profile id, SOURCE:KEY or KIND:VALUE.
    pub subject: String,
    /// Why; kept encrypted.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The article that it rests on, such as `GDPR Art. 17(3)(e)`.
    #[arg(long, value_name = "ARTICLE")]
    pub law: Option<String>,
    /// On which request of the person, which then says that it was done.
    #[command(flatten)]
    pub on: OnRequest,
}

/// Of whom, to what, and why.
#[derive(Debug, Args)]
pub struct Objection {
    /// Of whom and why.
    #[command(flatten)]
    pub marked: Marked,
    /// To which purpose; to all that can be objected to if not given.
    #[arg(long, value_name = "PURPOSE")]
    pub purpose: Option<String>,
}

/// Rectifications.
#[derive(Debug, Subcommand)]
pub enum RectifyCommand {
    /// Say what is right.
    Set(Right),
    /// Believe the sources again.
    Withdraw(Said),
    /// List those that hold.
    List,
}

/// What is right.
#[derive(Debug, Args)]
pub struct Right {
    /// Of what.
    #[command(flatten)]
    pub said: Said,
    /// The value, as a source would write it; `-` reads it from standard input, which keeps it out of the shell's history.
    #[arg(required_unless_present = "none", conflicts_with = "none", allow_hyphen_values = true)]
    pub value: Option<String>,
    /// The person has no such value.
    #[arg(long)]
    pub none: bool,
}

/// Of whom and what, and why.
#[derive(Debug, Args)]
pub struct Said {
    /// Whom: a profile id, SOURCE:KEY or KIND:VALUE. Where no record of the person says anything of the attribute, the
    /// record that it belongs to, as SOURCE:KEY.
    pub subject: String,
    /// Which attribute.
    pub attribute: String,
    /// Why; kept encrypted.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// On which request of the person, which then says that it was done.
    #[command(flatten)]
    pub on: OnRequest,
}

/// Copies for persons.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Everything about the person (GDPR Art. 15), as JSON.
    Access(CopyOf),
    /// What the person provided (GDPR Art. 20): nothing that was derived or scored.
    Portability {
        /// Of whom, and where to.
        #[command(flatten)]
        copy: CopyOf,
        /// In which form.
        #[arg(long, value_enum, default_value_t = CopyFormat::Json)]
        format: CopyFormat,
    },
}

/// Of whom a copy is made, and where it goes.
#[derive(Debug, Args)]
pub struct CopyOf {
    /// Of whom: a profile id, SOURCE:KEY or KIND:VALUE.
    pub subject: String,
    /// Where to, a new file.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// On which request.
    #[command(flatten)]
    pub on: OnRequest,
}

/// The form of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CopyFormat {
    /// One JSON document.
    Json,
    /// RFC 4180, one row a value.
    Csv,
}
