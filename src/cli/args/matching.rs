//! Arguments of `onefold match`.

use clap::Subcommand;
use std::path::PathBuf;

/// Matching by score.
#[derive(Debug, Subcommand)]
pub enum MatchCommand {
    /// Learn a model from the records of a data directory, without labels.
    #[command(after_help = "\
The file holds integers and the commonest names, towns and streets, none that fewer than ten records carry. The \
same records give the same file, whatever their order. To use it, put it into the bundle's folder and name its \
digest in `identity.toml`, as is printed.

Examples:
  onefold match train -o policies/mine/model.json")]
    Train {
        /// The model, a new file.
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        /// Join records from this weight on, in bits, instead of the default.
        #[arg(long, value_name = "BITS")]
        automatic: Option<f64>,
        /// Review pairs from this weight on, in bits, instead of the default.
        #[arg(long, value_name = "BITS")]
        review: Option<f64>,
    },
    /// Show how the weight of two records comes about, comparison by comparison.
    #[command(after_help = "\
Weights are in bits: one bit more makes it twice as likely that both are one person. A comparison in which one \
of the records has no value counts nothing.

Examples:
  onefold match explain crm:crm-17 shop:ord-3
  onefold match explain crm:crm-17 shop:ord-3 --model model.json")]
    Explain {
        /// One record, as SOURCE:KEY.
        first: String,
        /// Another record, as SOURCE:KEY.
        second: String,
        /// A model instead of the bundle's.
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
    },
    /// Show which blocks are too large for their records to be compared with each other.
    #[command(after_help = "\
Two records are compared when they share a block: alike names and a place, a date of birth and an initial, a \
part of an address. A block that very many records share tells too little and would cost too much, so that its \
pairs are passed over, unless another block has them, until it shrinks again. Nothing of this is an error: it \
says where recall may be lost.

Examples:
  onefold match blocks
  onefold match blocks --limit 100 --json")]
    Blocks {
        /// Show at most so many, the largest first.
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
    },
    /// Score the profiles against a file that says which records are one person.
    #[command(after_help = "\
The file is CSV with the columns source, record_id and entity_id. Precision falls with each record that is in \
the wrong profile, recall with each that is left out; over-merged profiles hold two persons or more, which is \
the dangerous error. With --chart, the thresholds' curve is drawn as SVG.

Examples:
  onefold match evaluate --truth truth.csv
  onefold match evaluate --truth truth.csv --worst 10 --chart thresholds.svg")]
    Evaluate {
        /// Who is who: source, record_id, entity_id.
        #[arg(long, value_name = "FILE")]
        truth: PathBuf,
        /// Show so many of the worst profiles.
        #[arg(long, default_value_t = 5, value_name = "N")]
        worst: usize,
        /// Draw precision and recall over the thresholds, as SVG.
        #[arg(long, value_name = "FILE")]
        chart: Option<PathBuf>,
    },
}
