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
Examples:
  onefold demo                                       # see it all; needs nothing
  onefold init --policy contacts --data DATA         # a new data directory
  onefold ingest --data DATA contacts.csv            # records become profiles
  onefold profile --data DATA email:ada@example.com  # one person
  onefold explain --data DATA email:ada@example.com  # where each value comes from
  onefold ledger verify --data DATA                  # check the record of it all

Data goes to standard output, everything else to standard error; ONEFOLD_LOG=info shows more.
Exit codes: 0 done, 1 the system failed, 2 wrong command line or bundle, 3 not found, 4 denied,
5 the ledger does not verify, 6 in use by another process, 130 stopped by Ctrl-C."
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
The bundle is copied into the directory, keys are made in DIR/keys, and the ledger begins. Keep a copy \
of DIR/keys/kek somewhere safe: without it nothing can be decrypted.

Examples:
  onefold init --policy contacts --data DATA
  onefold init --policy policies/mine --data STAGING --identity-from DATA")]
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
The source of a file is known by its name, from the patterns in the bundle, or named with --source. With \
--mixed, each line names its own: {\"source\": NAME, \"event\": {…}}.

Reading a file again changes nothing; a file that has grown is read from where it ended. Ctrl-C stops \
cleanly, and the next run goes on from there. What cannot be understood goes to quarantine: see \
`onefold quarantine list`.

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
    #[command(after_help = "\
Each value is shown with the record that it comes from and the ledger entry that made it the profile's. With \
--purpose, a profile that may not be used for it is denied (exit code 4) with the reason.

Examples:
  onefold profile email:ada@example.com
  onefold profile crm:4711 --purpose marketing
  onefold profile cd9f0875730d210cc4e8e07c00e8f2ed --json")]
    Profile {
        /// Whose: a profile id, SOURCE:KEY such as crm:4711, or KIND:VALUE such as email:ada@example.com.
        id: String,
        /// Only what may be used for this purpose; denied when nothing permits it.
        #[arg(long, value_name = "PURPOSE")]
        purpose: Option<String>,
    },
    /// Explain where each value of a profile comes from, which rule chose it and what lost.
    #[command(after_help = "\
For each value: the record that it comes from with its time, the field and how it is written there, the rule, \
the ledger entries, and every other value with the criterion on which it lost.

Examples:
  onefold explain email:ada@example.com
  onefold explain crm:4711 --attribute phone")]
    Explain {
        /// Whose: a profile id, SOURCE:KEY or KIND:VALUE.
        id: String,
        /// Only this attribute.
        #[arg(long, value_name = "ATTRIBUTE")]
        attribute: Option<String>,
    },
    /// Show the evidence that two records are one person.
    #[command(after_help = "\
Prints the chain of shared identifiers that leads from one to the other, each with the ledger entry of the \
merge. When nothing joins them, it says so (exit code 3).

Example:
  onefold why crm:crm-17 web:web-204")]
    Why {
        /// One record, as SOURCE:KEY.
        first: String,
        /// Another record, as SOURCE:KEY.
        second: String,
    },
    /// Write all members, profiles or consents as a table.
    #[command(after_help = "\
Examples:
  onefold export members > members.csv
  onefold export profiles --purpose marketing --format ndjson
  onefold export consents --format parquet -o consents.parquet")]
    Export {
        /// Which table.
        #[arg(value_enum)]
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
    #[command(after_help = "\
Examples:
  onefold quarantine list             # records that were refused
  onefold quarantine list --values    # single values that could not be used
  onefold quarantine retry")]
    Quarantine {
        /// What to do with it.
        #[command(subcommand)]
        command: QuarantineCommand,
    },
    /// Check the ledger, or show its entries.
    #[command(after_help = "\
Examples:
  onefold ledger verify --data DATA
  onefold ledger show --data DATA 7236 -n 1")]
    Ledger {
        /// What to do with it.
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// Check a package of entries that was handed over. Needs no data directory.
    #[command(after_help = "\
Prints what the package proves, what it does not, and by which key. Without --key it is checked against the \
key that it brings itself, which proves nothing about who made it. Exit code 5 means that something in it does \
not verify. VERIFY.md in the package says how to check it by hand.

Examples:
  onefold verify ada.zip --key onefold/5f1c…+8a1b2c3d+AX…
  onefold verify ada.zip --key regulator.vkey --since checkpoint-2026-01
  onefold verify ada.zip --json")]
    Verify {
        /// The package.
        package: PathBuf,
        /// The key that the ledger signs with, or a file with one such key a line.
        #[arg(long, value_name = "VKEY|FILE")]
        key: Option<String>,
        /// A checkpoint that was given out before: the package must prove that the ledger goes on from it.
        #[arg(long, value_name = "CHECKPOINT")]
        since: Option<PathBuf>,
    },
    /// Check policy bundles.
    #[command(after_help = "\
Example:
  onefold policy check policies/mine")]
    Policy {
        /// What to do with it.
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// See it all at work on a small invented shop.
    #[command(after_help = "\
Examples:
  onefold demo
  onefold demo --keep DEMO    # and then: onefold profile --data DEMO/data crm:crm-615")]
    Demo {
        /// Keep everything in this new folder instead of a temporary one.
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// Measure this machine's figures beside those of a plain computation from scratch.
    #[command(after_help = "\
Example:
  onefold bench --records 1000000 --changes 20000")]
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
    #[command(after_help = "\
Examples:
  onefold completions bash > /etc/bash_completion.d/onefold
  onefold completions zsh > ~/.zfunc/_onefold
  onefold completions fish > ~/.config/fish/completions/onefold.fish")]
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
    /// List records that were refused, or with --values the values that could not be used.
    #[command(after_help = "\
The state of a record is `kept` until a retry has `taken` it. `onefold ledger show ENTRY -n 1` tells more of it.

Examples:
  onefold quarantine list
  onefold quarantine list --values --limit 1000 --json")]
    List {
        /// List single values instead of whole records.
        #[arg(long)]
        values: bool,
        /// List at most so many.
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
    #[command(after_help = "\
Reads DIR/ledger alone, so a copy of that folder is enough. Exit code 5 means that it does not verify.

Examples:
  onefold ledger verify --data DATA
  onefold ledger verify --data COPY --json")]
    Verify,
    /// Show entries in clear. Needs the keys.
    #[command(after_help = "\
Examples:
  onefold ledger show                # the first 20
  onefold ledger show 7236 -n 1      # the entry that an explanation names as #7236
  onefold ledger show 0 -n 100 --json")]
    Show {
        /// Sequence of the first entry.
        #[arg(default_value_t = 0)]
        from: u64,
        /// How many entries.
        #[arg(long, short = 'n', default_value_t = 20)]
        count: u64,
    },
    /// Pack entries, their keys and their proofs for somebody who has neither the ledger nor its keys.
    #[command(after_help = "\
The package holds the key of each of its entries and of no other. With --profile, it holds what the present state \
of the profile rests on: what was received of its records, the merges that join them, where its values come from, \
the decisions about it and the consents behind them. Entries about erased records go in without a key.

Give its reader the key that is printed by another way than the package, and let them run `onefold verify`.

Examples:
  onefold ledger disclose --entries 12,40-45 -o entries.zip
  onefold ledger disclose --profile email:ada@example.com -o ada.zip
  onefold ledger disclose --profile crm:4711 --since checkpoint-2026-01 -o ada.zip")]
    #[command(group(clap::ArgGroup::new("what").required(true).args(["entries", "profile"])))]
    Disclose {
        /// Sequences of entries, such as 12,40-45.
        #[arg(long, value_name = "LIST")]
        entries: Option<String>,
        /// Whose: a profile id, SOURCE:KEY or KIND:VALUE.
        #[arg(long, value_name = "ID")]
        profile: Option<String>,
        /// A checkpoint that its reader has: the package proves that the ledger goes on from it.
        #[arg(long, value_name = "CHECKPOINT")]
        since: Option<PathBuf>,
        /// The package, a new file.
        #[arg(long, short, value_name = "PKG")]
        output: PathBuf,
    },
}

/// Policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Report every error of a bundle with file, line and remedy.
    #[command(after_help = "\
Exit code 2 means that something is wrong. How to write a bundle stands in policies/README.md.

Examples:
  onefold policy check policies/mine
  onefold policy check policies/mine --json")]
    Check {
        /// Folder of the bundle; `retail` and `contacts` name the ones that come with the program.
        bundle: PathBuf,
    },
}
