//! The part of the command line about policies: check, test, prove, compare, ask them and put them in force.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Report every error of a bundle with file, line and remedy.
    #[command(after_help = "\
A sound bundle is shown with its policies and the laws that they cite, with purposes that nothing ever permits, and \
with policies that never determine a decision or never do alone. \
Exit code 2 means that something is wrong. How to write a bundle stands in policies/README.md.

Examples:
  onefold policy check policies/mine
  onefold policy check policies/mine --json")]
    Check {
        /// Folder of the bundle; `retail` and `contacts` name the ones that come with the program.
        bundle: PathBuf,
    },
    /// Ask the policies every case that the bundle brings, and compare with what is expected.
    #[command(after_help = "\
Cases stand in the folder `cases` of the bundle. Exit code 2 means that one failed.

Examples:
  onefold policy test policies/mine
  onefold policy test retail --json")]
    Test {
        /// Folder of the bundle, or `retail`.
        bundle: PathBuf,
    },
    /// Look at every case that there can be, and prove what is never allowed.
    #[command(after_help = "\
A purpose, a category and the circumstances of a person make a cell; there are 28160 circumstances. In every cell \
it is checked that nothing is allowed after a withdrawal or an objection, while restricted or kept too long, that \
special categories need explicit consent, that children are not marketed to, and whatever `invariants.toml` of the \
bundle adds. Where one is broken, the cell is named with the policy that permits it. Policies that never determine \
anything are listed, and as a note those that never decide alone: without one of them every decision is the same, \
because others decide so, too. Exit code 2 means that something is not proved.

Examples:
  onefold policy prove policies/mine
  onefold policy prove retail --json")]
    Prove {
        /// Folder of the bundle, or `retail` or `contacts`.
        bundle: PathBuf,
    },
    /// Show what changes between two bundles: each kind of decision that flips, with an example.
    #[command(after_help = "\
Every cell is compared, also when purposes, categories or DPV terms were changed. Exit code 0 whether or not \
something flips.

With `current` for the old one, it is the bundle in force in the data directory, and everything there is looked at under \
the new one: each kind of decision says how many profiles and values would flip. Nothing is changed by that.

Examples:
  onefold policy diff retail policies/mine
  onefold policy diff current policies/mine --data DATA
  onefold policy diff policies/mine-1 policies/mine-2 --json")]
    Diff {
        /// The bundle in force: a folder, `retail` or `contacts`; `current` is that of the data directory.
        old: PathBuf,
        /// The bundle that is to follow it.
        new: PathBuf,
    },
    /// Put a new version of the bundle in force, as an epoch of its own.
    #[command(after_help = "\
Everything is seen anew under the new bundle: what flips is shown with how many profiles and values it touches, and after \
a yes it is recorded in the ledger, joins and partings included, with the bundle itself. Afterwards all is as in a new \
directory under that bundle. A stop in between leaves one version or the other, never a mix. To go back, activate the \
older bundle again.

Sources, attributes and identifiers must stand where they stood and mean the same; new ones come at the end. Guards, \
priorities, limits, survivorship, trust, purposes, retention, policies and the match model may all change.

Examples:
  onefold policy diff current policies/mine --data DATA
  onefold policy activate policies/mine --data DATA
  onefold policy activate policies/mine --data DATA --yes --json")]
    Activate {
        /// Folder of the bundle; `retail` and `contacts` name the ones that come with the program.
        bundle: PathBuf,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Ask for one decision, and see which policies determine it under which law.
    #[command(after_help = "\
What is not given is as if nothing were known: no consent, age under 13, law unknown; only the retention period is \
not over. Without --category the question is whether records may be joined. Exit code 0 whether it is allowed or not.

Examples:
  onefold policy explain retail --purpose marketing --category contact --consent given --age adult --regime eu
  onefold policy explain retail --purpose sharing_with_partners --category contact --consent given --age adult \\
      --regime us_ca --gpc
  onefold policy explain retail --purpose unified_profile --objected")]
    Explain(Explain),
}

/// One decision.
#[derive(Debug, Args)]
pub struct Explain {
    /// Folder of the bundle, or `retail`.
    pub bundle: PathBuf,
    /// A purpose of the bundle.
    #[arg(long)]
    pub purpose: String,
    /// A category of data, such as contact; joining records where it is not given.
    #[arg(long)]
    pub category: Option<String>,
    /// State of the consent: unknown, requested, deferred, refused, given, renewed, withdrawn, revoked, invalidated,
    /// expired, objected.
    #[arg(long, value_name = "STATE")]
    pub consent: Option<String>,
    /// Age: `under_13`, `13_to_15`, `16_to_17`, adult.
    #[arg(long, value_name = "BAND")]
    pub age: Option<String>,
    /// Which law governs: eu, uk, `us_ca`, other, unknown.
    #[arg(long)]
    pub regime: Option<String>,
    /// The consent is explicit.
    #[arg(long)]
    pub explicit: bool,
    /// Who holds parental responsibility gave it.
    #[arg(long)]
    pub parental: bool,
    /// The person withdrew consent to the purpose, on any record.
    #[arg(long)]
    pub withdrawn: bool,
    /// The person objected to the purpose, on any record.
    #[arg(long)]
    pub objected: bool,
    /// Processing of the person's data is restricted.
    #[arg(long)]
    pub restricted: bool,
    /// The person sent a Global Privacy Control signal.
    #[arg(long)]
    pub gpc: bool,
    /// The retention period of the value is over.
    #[arg(long)]
    pub kept_too_long: bool,
}
