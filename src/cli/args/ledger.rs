//! The part of the command line about the ledger.

use super::{Checkpoint, OnRequest, Prove, ReadsCommand, Verify};
use clap::Subcommand;
use std::path::PathBuf;

/// The ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Check every byte of the chain, and its signed checkpoints. Needs no keys.
    #[command(after_help = "\
Reads DIR/ledger alone, so a copy of that folder is enough. Exit code 5 means that it does not verify.

By itself a ledger shows that nothing in it was altered. That it was not cut back takes a checkpoint from \
before, that it was not written anew by somebody else takes a checkpoint or the public key: keep them apart from \
the ledger, and give them here. What was not proved for want of them is said.

Examples:
  onefold ledger verify --data DATA
  onefold ledger verify --data COPY --key onefold.vkey --since checkpoint-of-last-month
  onefold ledger verify --data COPY --json")]
    Verify(Verify),
    /// Sign a checkpoint over the whole ledger, publish it, or keep what witnesses say of it.
    #[command(after_help = "\
A checkpoint is a signed note (C2SP tlog-checkpoint): whoever has kept one can tell later whether the ledger \
still begins as it did then. --publish DIR writes the log for others to read (C2SP tlog-tiles): all hashes, and \
entries without anything encrypted; again, it adds what is new. --publish URL sends the checkpoint there by PUT. \
Witnesses cosign the file that -o wrote; --cosignature takes what they give back.

Examples:
  onefold ledger checkpoint -o checkpoint
  onefold ledger checkpoint --publish /srv/log
  onefold ledger checkpoint --publish https://anchor.example.com/onefold
  onefold ledger checkpoint --cosignature cosigned --witness witness.vkey")]
    Checkpoint(Checkpoint),
    /// Prove that an entry is in the ledger, or that the ledger goes on from an earlier checkpoint.
    #[command(after_help = "\
An entry's proof is a C2SP tlog-proof file. A proof of consistency (RFC 9162) is its hashes in base64, one a \
line; it is empty when nothing came in between. Both are made without keys, and verify without this program.

Examples:
  onefold ledger prove 7236 -o entry.tlog-proof
  onefold ledger prove 7236 --checkpoint checkpoint-of-last-month
  onefold ledger prove --from checkpoint-of-last-month")]
    Prove(Prove),
    /// Compare all that the ledger justifies with all that profiles show. Needs the keys.
    #[command(after_help = "\
Every link, every value and every permission must have exactly one entry that justifies it, and every entry in \
force must have its link, value or permission. Exit code 5 means that some do not.

Examples:
  onefold ledger audit --data DATA
  onefold ledger audit --data DATA --json")]
    Audit,
    /// Delete the ciphertexts of erased records whose date has come. Needs the keys.
    #[command(after_help = "\
Their keys are destroyed already, so nobody can read them; this removes the bytes, too. Hashes stay, so that the \
ledger verifies as before. It also happens when the directory is opened for changes after the date.

Examples:
  onefold ledger redact
  onefold ledger redact --all    # also those whose date has not come")]
    Redact {
        /// Do not wait for the dates.
        #[arg(long)]
        all: bool,
    },
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
        /// On which request.
        #[command(flatten)]
        on: OnRequest,
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
        /// On which request.
        #[command(flatten)]
        on: OnRequest,
    },
    /// List who read what of whom, or delete the record of old reads.
    #[command(after_help = "\
Every read of values is recorded in a chain of its own, DIR/reads, one ledger a calendar month: who, for which \
purpose, on which request, what, and whether it was allowed. A read without a purpose is an inspection by the \
operator. `onefold ledger verify` checks the chain.

Examples:
  onefold ledger reads list --subject email:ada@example.com
  onefold ledger reads prune --keep-months 24")]
    Reads {
        /// What to do with them.
        #[command(subcommand)]
        command: ReadsCommand,
    },
}
