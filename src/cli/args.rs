//! The command line: what can be asked, with help that teaches.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Change streams in, explained and recorded profiles out.
#[derive(Debug, Parser)]
#[command(
    name = "onefold",
    version,
    max_term_width = 100,
    after_help = "\
Start with `onefold demo`, which needs nothing. Then:
  onefold init --policy policies/retail --data DATA
  onefold ingest --data DATA crm.ndjson newsletter.csv
  onefold profile --data DATA email:ada@example.com"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The data directory.
    #[arg(long, global = true, env = "ONEFOLD_DATA", value_name = "DIR", default_value = "onefold-data")]
    pub data: PathBuf,
    /// Print JSON for scripts instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print less: no progress, no summary.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a data directory under a policy bundle.
    #[command(after_help = "\
The bundle is copied into the directory, keys are made in DIR/keys (keep a copy of DIR/keys/kek somewhere safe:
without it nothing can be decrypted), and the ledger begins.

Example: onefold init --policy policies/contacts --data DATA")]
    Init {
        /// Folder of the bundle; `retail` and `contacts` name the ones that come with the program.
        #[arg(long, value_name = "BUNDLE")]
        policy: PathBuf,
        /// Take over the identity key of another data directory, so that both give the same ids.
        #[arg(long, value_name = "DIR")]
        identity_from: Option<PathBuf>,
    },
    /// Read change streams into profiles.
    #[command(after_help = "\
Files are recognised by the patterns of the bundle's sources, or all belong to the source named with --source.
`-` reads standard input. With --mixed, each line is {\"source\": NAME, \"event\": {…}}.
Reading a file again changes nothing; a file that has grown is read from where it ended. Ctrl-C stops cleanly, and
the next run goes on from there. What cannot be understood goes to quarantine: see `onefold quarantine`.

Examples:
  onefold ingest --data DATA export/*.ndjson export/*.csv
  onefold ingest --data DATA --mixed changes.ndjson
  tail -F app.log | onefold ingest --data DATA --source app -")]
    Ingest {
        /// The source that all inputs belong to.
        #[arg(long, value_name = "NAME", conflicts_with = "mixed")]
        source: Option<String>,
        /// Inputs are mixed streams, whose lines name their source.
        #[arg(long)]
        mixed: bool,
        /// Files, or `-` for standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Show a profile: its values, records and permissions.
    #[command(
        after_help = "ID is a profile id, SOURCE:KEY such as crm:4711, or KIND:VALUE such as email:ada@example.com."
    )]
    Profile {
        /// Whose.
        id: String,
        /// Only what may be used for this purpose; denied when nothing permits it.
        #[arg(long, value_name = "PURPOSE")]
        purpose: Option<String>,
    },
    /// Explain where each value of a profile comes from, which rule chose it and what lost.
    Explain {
        /// Whose: a profile id, SOURCE:KEY or KIND:VALUE.
        id: String,
        /// Only this attribute.
        #[arg(long, value_name = "ATTRIBUTE")]
        attribute: Option<String>,
    },
    /// Show the evidence that two records are one person.
    #[command(after_help = "Example: onefold why crm:crm-17 web:web-204")]
    Why {
        /// One record, as SOURCE:KEY.
        first: String,
        /// Another record, as SOURCE:KEY.
        second: String,
    },
    /// Write all members, profiles or consents as a table.
    Export {
        /// Which table.
        table: ExportTable,
        /// The form of the table.
        #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
        format: ExportFormat,
        /// Only profiles, and only values, that may be used for this purpose.
        #[arg(long, value_name = "PURPOSE")]
        purpose: Option<String>,
        /// Where to; standard output if not given.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List what could not be used, and try it again.
    Quarantine {
        /// What to do with it.
        #[command(subcommand)]
        command: QuarantineCommand,
    },
    /// Check the ledger, or show its entries.
    Ledger {
        /// What to do with it.
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// Check policy bundles.
    Policy {
        /// What to do with it.
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// See it all at work on a small invented shop.
    Demo {
        /// Keep the data directory here instead of a temporary one.
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// Measure this machine's figures beside those of a plain computation from scratch.
    #[command(after_help = "Example: onefold bench --records 1000000 --changes 20000")]
    Bench {
        /// Records of the generated workload.
        #[arg(long, default_value_t = 100_000)]
        records: u64,
        /// Changes that are streamed after the load.
        #[arg(long, default_value_t = 20_000)]
        changes: u64,
        /// Seed of the workload.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where to work; a temporary folder if not given.
        #[arg(long, value_name = "DIR")]
        work: Option<PathBuf>,
    },
    /// Write a completion script for a shell.
    #[command(after_help = "Example: onefold completions bash > /etc/bash_completion.d/onefold")]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportTable {
    /// Which record belongs to which profile: source, record_id, profile_id.
    Members,
    /// One row a profile with its values.
    Profiles,
    /// One row a profile and purpose with the decision.
    Consents,
}

/// The form of an exported table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// RFC 4180 with a header.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
}

/// Quarantine.
#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// List records that were refused, and values that could not be standardised.
    List {
        /// List single values instead of whole records.
        #[arg(long)]
        values: bool,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Try all of it again, after the bundle's source or the program was corrected.
    Retry,
}

/// The ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Check every byte of the chain. Needs no keys.
    Verify,
    /// Show entries in clear. Needs the keys.
    Show {
        /// Sequence of the first entry.
        #[arg(default_value_t = 0)]
        from: u64,
        /// How many entries.
        #[arg(long, short = 'n', default_value_t = 20)]
        count: u64,
    },
}

/// Policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Report every error of a bundle with file, line and remedy.
    Check {
        /// Folder of the bundle; `retail` and `contacts` name the ones that come with the program.
        bundle: PathBuf,
    },
}
