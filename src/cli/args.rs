//! The command line: what can be asked, with help that teaches.

mod bench;
mod evidence;
mod ledger;
mod matching;
mod policy;
mod reads;
mod requests;
mod review;
mod rights;

pub use bench::{BenchLoad, BenchPart};
pub use evidence::{Checkpoint, Erase, KekKind, KeyCommand, Prove, Rewrap, Rotate, Verify};
pub use ledger::LedgerCommand;
pub use matching::MatchCommand;
pub use policy::{Explain, PolicyCommand};
pub use reads::ReadsCommand;
pub use requests::{LawWord, Open as OpenRequest, RequestCommand, RightWord};
pub use review::{Decide, Overrule, Pair, ReviewCommand, Said};
pub use rights::ReportCommand;
pub use rights::{CopyFormat, CopyOf, MarkCommand, Marked, ObjectCommand, RectifyCommand, Right, Said as Rectifying};

use super::access::KeyOptions;
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
    /// Who reads or decides; it is recorded. The login name of the user if not given.
    #[arg(long = "as", global = true, env = "ONEFOLD_ACTOR", hide_env_values = true, value_name = "ACTOR")]
    pub actor: Option<String>,
    /// Print JSON for scripts instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print less: no progress, no summary.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// What opens the keys.
    #[command(flatten)]
    pub keys: KeyOptions,
    /// The request that an inspection is for, where the command has one for all that it does.
    #[arg(skip)]
    pub request: Option<String>,
}

/// The request that values are read for, of all that a command does.
#[derive(Clone, Debug, Default, Args)]
pub struct AllOnRequest {
    /// The reference of the request that this is for, such as a case number; it is recorded with what is read.
    #[arg(long = "request", global = true, value_name = "REF")]
    pub request: Option<String>,
}

/// The request that values are read for.
#[derive(Clone, Debug, Default, Args)]
pub struct OnRequest {
    /// The reference of the request that this is for, such as a case number; it is recorded.
    #[arg(long = "request", value_name = "REF")]
    pub request: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a data directory under a policy bundle.
    #[command(after_help = "\
The bundle is copied into the directory, keys are made in DIR/keys, and the ledger begins. Keep a copy \
of DIR/keys/kek somewhere safe: without it nothing can be decrypted. With --kek the keys are put under a \
passphrase or a command instead; `onefold key rewrap` changes that later.

Examples:
  onefold init --policy contacts --data DATA
  onefold init --policy contacts --data DATA --kek passphrase
  onefold init --policy policies/mine --data STAGING --identity-from DATA")]
    Init {
        /// Folder of the bundle; `retail` and `contacts` name the ones that come with the program.
        #[arg(long, value_name = "BUNDLE")]
        policy: PathBuf,
        /// Take over the identity key of another data directory, so that both give the same ids.
        #[arg(long, value_name = "DIR")]
        identity_from: Option<PathBuf>,
        /// Who keeps the key that all others are kept under.
        #[arg(long, value_enum, default_value_t = KekKind::File)]
        kek: KekKind,
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
  onefold profile crm:4711 --at 12              # as it was at the end of epoch 12
  onefold profile cd9f0875730d210cc4e8e07c00e8f2ed --json")]
    Profile {
        /// Whose: a profile id, SOURCE:KEY such as crm:4711, or KIND:VALUE such as email:ada@example.com.
        id: String,
        /// Only what may be used for this purpose; denied when nothing permits it.
        #[arg(long, value_name = "PURPOSE")]
        purpose: Option<String>,
        /// As it was at the end of this epoch, from the ledger.
        #[arg(long, value_name = "EPOCH", conflicts_with = "purpose")]
        at: Option<u64>,
        /// On which request.
        #[command(flatten)]
        on: OnRequest,
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
        /// As it was at the end of this epoch, from the ledger.
        #[arg(long, value_name = "EPOCH")]
        at: Option<u64>,
        /// On which request.
        #[command(flatten)]
        on: OnRequest,
    },
    /// Show the evidence that two records are one person, or what holds a profile together.
    #[command(after_help = "\
Prints the chain of shared identifiers, scores and decisions that leads from one record to the other, each with \
the ledger entry of the merge. When nothing joins them, it says so (exit code 3). With --without, it tells into \
which parts a profile would come apart if that record left it; nothing is changed.

Examples:
  onefold why crm:crm-17 web:web-204
  onefold why --without crm:crm-17 email:ada@example.com")]
    Why {
        /// One record, as SOURCE:KEY; with --without a profile: its id, SOURCE:KEY or KIND:VALUE.
        first: String,
        /// Another record, as SOURCE:KEY.
        #[arg(required_unless_present = "without")]
        second: Option<String>,
        /// The record that would leave, as SOURCE:KEY.
        #[arg(long, value_name = "RECORD", conflicts_with = "second")]
        without: Option<String>,
        /// On which request.
        #[command(flatten)]
        on: OnRequest,
    },
    /// See what is uncertain about who is who, and decide it.
    #[command(after_help = "\
Evidence can be contradictory: two account ids on one e-mail address, a phone that a family shares, a value that \
thousands carry. What can't be decided by the rules of the bundle is not joined, and stands here.

Examples:
  onefold review list
  onefold review show crm:crm-17 web:web-204
  onefold review same crm:crm-17 web:web-204 --reason \"called her: both addresses are hers\"
  onefold review identifiers")]
    Review {
        /// What to do.
        #[command(subcommand)]
        command: ReviewCommand,
        /// On which request.
        #[command(flatten)]
        on: AllOnRequest,
    },
    /// Train the model by which records are matched, explain a match, and score the result.
    #[command(after_help = "\
Records that share no identifier can still be one person: a name that is spelt alike, a date of birth with day \
and month swapped, an address that was moved from. A model says how much each agreement and disagreement counts \
(Fellegi and Sunter, 1969); it is learnt from your own records without labels, stands in the bundle as \
`model.json`, and is named there by its digest.

Examples:
  onefold match train --data DATA -o model.json
  onefold match explain --data DATA crm:crm-17 shop:ord-3
  onefold match evaluate --data DATA --truth truth.csv")]
    Match {
        /// What to do.
        #[command(subcommand)]
        command: MatchCommand,
        /// On which request.
        #[command(flatten)]
        on: AllOnRequest,
    },
    /// Write all members, profiles or consents as a table.
    #[command(after_help = "\
Examples:
  onefold export members > members.csv
  onefold export profiles --purpose marketing --format ndjson
  onefold export consents --format parquet -o consents.parquet
  onefold export exposures            # withdrawals that were received late: uses in between had no consent")]
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
        /// On which request.
        #[command(flatten)]
        on: OnRequest,
    },
    /// Let time do its work: what has come to its end by now ends.
    #[command(after_help = "\
Consents expire, and values leave their retention, at a set time. A purpose is denied from then on in any case; \
the profiles are kept right, and the ledger records it, when the directory is next changed, or by this. Run it \
from cron where changes are rare.

With --until the clock is set on by hand, for tests and demos. What ends by then ends at once, and nothing brings \
the time back: it is refused to set the clock to an earlier time. More than a day ahead of the machine's clock it asks \
first, for a slip of the hand would end permissions for good.

Examples:
  onefold tick --data DATA
  onefold tick --data DATA --until 2027-03-01
  onefold tick --data DATA --until 2027-03-01T09:30:00+01:00 --yes --json")]
    Tick {
        /// Set the clock on by hand, to a time (RFC 3339) or the first second of a day (in UTC).
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Set it far ahead without a question.
        #[arg(long, requires = "until")]
        yes: bool,
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
        /// On which request.
        #[command(flatten)]
        on: AllOnRequest,
    },
    /// Check the ledger, sign and publish it, prove what stands in it, or show its entries.
    #[command(after_help = "\
Examples:
  onefold ledger verify --data DATA
  onefold ledger checkpoint --data DATA -o checkpoint
  onefold ledger show --data DATA 7236 -n 1")]
    Ledger {
        /// What to do with it.
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// Erase a person: destroy the keys of all that was ever recorded of them.
    #[command(after_help = "\
Shows what will be erased, and asks. All records of the person go, deleted ones and consents on what only they \
carry included; --only-record erases one record. Since then nobody can read anything of it, and a record that a \
source sends again is refused and counted. The ledger stays whole and verifies as before. By the date that is \
printed the ciphertexts are deleted, too: by `onefold ledger redact`, or when the directory is next opened for \
changes.

Backups of DIR/keys from before still hold the keys: delete them, or note by when they will be. The certificate \
that -o writes says so, too; `onefold verify CERT` checks it anywhere.

Examples:
  onefold erase email:ada@example.com --request DSR-2026-041 --ground consent-withdrawn -o erasure.zip
  onefold erase crm:4711 --request DSR-2026-042 --ground no-longer-needed --only-record --yes
  onefold erase --list")]
    Erase(Erase),
    /// Write a person's copy: everything about them, or what they provided to take elsewhere.
    #[command(after_help = "\
The copy is the same, byte for byte, for the same state. It is recorded as a read; with --request, its SHA-256 is \
written into the request, which stays open until `onefold request close`.

Examples:
  onefold report access email:ada@example.com -o copy.json --request R-2026-0001
  onefold report portability crm:4711 -o data.csv --format csv")]
    Report {
        /// Which copy.
        #[command(subcommand)]
        command: ReportCommand,
    },
    /// Keep track of what persons ask for: access, erasure and their other rights, with deadlines.
    #[command(after_help = "\
Each request and each step of it is an entry of the ledger, encrypted under the key of the person's oldest \
record. When the person is erased, reference, dates and outcome stay, and not whose it was.

Examples:
  onefold request open access email:ada@example.com --law gdpr
  onefold request list
  onefold request close R-2026-0001 --outcome fulfilled --reason \"copy sent\"")]
    Request {
        /// What to do.
        #[command(subcommand)]
        command: RequestCommand,
    },
    /// Keep a person's data from erasure, as a law or a claim requires (GDPR Art. 17(3)).
    #[command(after_help = "\
It holds for all live records of the profile and for those that join them later. An erasure leaves what is held, says \
so with the entry of the hold, and goes through with the rest.

Examples:
  onefold hold set crm:4711 --law \"GDPR Art. 17(3)(e)\" --reason \"lawsuit 12 O 34/26\"
  onefold hold list
  onefold hold release crm:4711 --law \"GDPR Art. 17(3)(e)\" --reason \"settled\"")]
    Hold {
        /// What to do.
        #[command(subcommand)]
        command: MarkCommand,
    },
    /// Keep a person's data and do not use it (GDPR Art. 18).
    #[command(after_help = "\
It holds for all live records of the profile and for those that join them later, and binds whatever profile they come \
to be in. The profile stays together: to keep is permitted, and what is not known to be the person's cannot be \
restricted.

Examples:
  onefold restrict set crm:4711 --reason \"contests the address\"
  onefold restrict lift crm:4711 --reason \"address confirmed\"")]
    Restrict {
        /// What to do.
        #[command(subcommand)]
        command: MarkCommand,
    },
    /// Record that a person objects to a purpose, or to all that can be objected to (GDPR Art. 21).
    #[command(after_help = "\
It holds for all live records of the profile and for those that join them later. The profile stays together, unless \
the objection names the purpose that governs combining.

Examples:
  onefold object set crm:4711 --purpose marketing --reason \"letter of 3 May\"
  onefold object withdraw crm:4711 --purpose marketing --reason \"called back\"")]
    Object {
        /// What to do.
        #[command(subcommand)]
        command: ObjectCommand,
    },
    /// Set right what a source says of a person (GDPR Art. 16).
    #[command(after_help = "\
The value holds in every record of the person that says something of the attribute, and wins over what other records \
of the profile say, for every purpose: what is known to be wrong is used for nothing. What sources send from then on \
does not overwrite it; their own field stays beside it. It goes with the records whatever becomes of the profile, \
identifies as any value does, and ends by `rectify withdraw`. A full name is set and withdrawn with its parts, but for \
those that were set by themselves.

Examples:
  onefold rectify set crm:4711 date_of_birth 1990-05-04 --reason \"passport seen\" --request R-2026-0003
  onefold rectify set email:ada@example.com phone --none --reason \"not her number\"
  onefold rectify set crm:4711 family_name - --reason \"married\" < name.txt
  onefold rectify withdraw crm:4711 date_of_birth --reason \"corrected at the source\"
  onefold rectify list")]
    Rectify {
        /// What to do.
        #[command(subcommand)]
        command: RectifyCommand,
    },
    /// Look after the keys: what they are, under whose key they are kept, replace them.
    #[command(after_help = "\
Examples:
  onefold key status --data DATA
  onefold key rewrap --to passphrase --data DATA
  onefold key rotate --signing --data DATA")]
    Key {
        /// What to do with them.
        #[command(subcommand)]
        command: KeyCommand,
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
    /// Check policy bundles, test and prove what they decide, and compare them.
    #[command(after_help = "\
Examples:
  onefold policy check policies/mine
  onefold policy prove policies/mine
  onefold policy explain retail --purpose marketing --category contact --consent given --age adult --regime eu")]
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
Examples:
  onefold bench --records 1000000 --changes 20000    # the engine, beside a from-scratch computation
  onefold bench ledger                               # the ledger, beside the least it could cost
  onefold bench match                                # what matching by score adds
  onefold bench policy                               # withdrawals, and a new version of the bundle")]
    Bench {
        /// The workload of the whole engine.
        #[command(flatten)]
        load: BenchLoad,
        /// A part of the engine to measure by itself.
        #[command(subcommand)]
        part: Option<BenchPart>,
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
    /// One row a withdrawal or objection, and purpose, that was received later than it was made.
    Exposures,
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
