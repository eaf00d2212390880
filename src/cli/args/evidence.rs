//! The part of the command line about evidence: keys, checkpoints, proofs, erasure.

use crate::cli::access::NewKeyOptions;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Who keeps the key-encryption key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum KekKind {
    /// A file of mode 0600.
    #[default]
    File,
    /// Nobody: it is made of a passphrase (Argon2id).
    Passphrase,
    /// A command, for a key in Vault, a KMS or a token.
    Command,
}

/// The keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Tell what the keys are and under whose key they are kept. Works without that key, and says less then.
    #[command(after_help = "\
With the key it also prints the public key that signs checkpoints. Give that to whoever verifies the ledger: \
`onefold ledger verify --key` checks against it.

Examples:
  onefold key status --data DATA
  onefold key status --data DATA --kek-file /mnt/safe/kek --json")]
    Status,
    /// Put the keys under another key-encryption key: a file, a passphrase or a command.
    #[command(after_help = "\
Nothing that the keys open changes, and no data is written anew. What opens them now is given as always; the \
new passphrase by --new-passphrase-file or ONEFOLD_NEW_PASSPHRASE, or it is asked for. `--to file` when they \
are under that very file replaces its key by a new one. Old copies of DIR/keys stay under the old key.

A command is run by no shell, with `wrap` or `unwrap` as its last argument; it reads base64 from its input and \
prints base64. It has 30 seconds.

Examples:
  onefold key rewrap --to passphrase
  onefold key rewrap --to command --new-kek-command /usr/local/bin/kms-wrap
  onefold key rewrap --to file --new-kek-file /mnt/safe/kek")]
    Rewrap(Rewrap),
    /// Replace keys: those that records are sealed under from now on, or the one that signs checkpoints.
    #[command(after_help = "\
--records begins a new key epoch: what is written from now on has keys of its own; what was written before \
still opens. --signing makes a new signing key: the ledger records it under both signatures, and checkpoints \
bear both, so that whoever knows the old key learns the new one. When all have it, --retire destroys the old \
one. A ledger that has been signed by a key can be verified from that key on for ever.

Examples:
  onefold key rotate --records
  onefold key rotate --signing
  onefold key rotate --retire")]
    Rotate(Rotate),
}

/// Under what keys are to be put.
#[derive(Debug, Args)]
pub struct Rewrap {
    /// Who is to keep the key-encryption key.
    #[arg(long, value_enum)]
    pub to: KekKind,
    /// Where it is to be.
    #[command(flatten)]
    pub new: NewKeyOptions,
}

/// Which keys are to be replaced.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Rotate {
    /// The keys of records, from now on.
    #[arg(long)]
    pub records: bool,
    /// The key that signs checkpoints.
    #[arg(long)]
    pub signing: bool,
    /// Destroy the signing key before; with --signing, the one until now.
    #[arg(long)]
    pub retire: bool,
}

/// How a ledger is verified.
#[derive(Debug, Default, Args)]
pub struct Verify {
    /// A checkpoint of this ledger that was kept elsewhere; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Vec<PathBuf>,
    /// The checkpoint that you verified last time: what it covers must be unchanged, and what came since is counted.
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// The public key that you know the ledger's checkpoints by, as `onefold key status` prints it, or a file with it.
    #[arg(long, value_name = "VKEY|FILE")]
    pub key: Option<String>,
}

/// What is done with the checkpoint.
#[derive(Debug, Args)]
pub struct Checkpoint {
    /// Where to write it; standard output if not given and not published.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// A folder that is brought up to date as a C2SP tlog-tiles log, or an address that the checkpoint is PUT to.
    #[arg(long, value_name = "DIR|URL")]
    pub publish: Option<String>,
    /// A copy of the current checkpoint that witnesses have cosigned; their signatures are kept with it.
    #[arg(long, value_name = "FILE", requires = "witness", num_args = 1..)]
    pub cosignature: Vec<PathBuf>,
    /// The public key of a witness (C2SP tlog-cosignature), or a file with it.
    #[arg(long, value_name = "VKEY|FILE", requires = "cosignature", num_args = 1..)]
    pub witness: Vec<String>,
}

/// What is to be proved.
#[derive(Debug, Args)]
pub struct Prove {
    /// The entry that is to be proved to be in the ledger, by its number.
    #[arg(required_unless_present = "from", conflicts_with = "from", value_parser = entry_number)]
    pub sequence: Option<u64>,
    /// An earlier checkpoint: prove that the ledger goes on from it.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// The checkpoint to prove it under; the current one if not given.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Where to write the proof; standard output if not given.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A number of an entry, with or without the `#` that it is shown with.
fn entry_number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    digits.parse().map_err(|_| "an entry has a number, such as 7236".to_owned())
}

/// Who is to be erased, and why.
#[derive(Debug, Args)]
pub struct Erase {
    /// Whom: a profile id, SOURCE:KEY, also of a deleted record, or KIND:VALUE.
    #[arg(required_unless_present = "list")]
    pub id: Option<String>,
    /// The reference of the request, such as a case number. It stays in the ledger in clear: no name, no address.
    #[arg(long, value_name = "REFERENCE", required_unless_present = "list")]
    pub request: Option<String>,
    /// The ground: no-longer-needed, consent-withdrawn, objection, unlawful, legal-obligation, child (GDPR Art.
    /// 17(1)(a) to (f), in this order), or words of your own.
    #[arg(long, value_name = "GROUND", required_unless_present = "list")]
    pub ground: Option<String>,
    /// Days until the ciphertexts are deleted, too.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub days: u16,
    /// Erase this one record, not the person.
    #[arg(long)]
    pub only_record: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Where to write the certificate, a new file [default: erasure-REFERENCE.zip].
    #[arg(long, short, value_name = "CERT")]
    pub output: Option<PathBuf>,
    /// List the erasures so far, with the dates by which their ciphertexts are deleted.
    #[arg(long, conflicts_with_all = ["id", "request", "ground", "days", "only_record", "yes", "output"])]
    pub list: bool,
}
