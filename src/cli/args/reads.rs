//! The part of the command line about the record of reads.

use crate::pipeline::READS_MONTHS_KEPT;
use clap::Subcommand;

/// The record of reads.
#[derive(Debug, Subcommand)]
pub enum ReadsCommand {
    /// List the reads that are recorded, oldest first. Needs the keys.
    #[command(after_help = "\
Reads of several profiles at once, such as an export, are listed with --subject for each of their persons. What \
was read of persons who are erased since can no longer be told.

Examples:
  onefold ledger reads list
  onefold ledger reads list --subject email:ada@example.com --since 2026-01-01 --json")]
    List {
        /// Only reads of this person: a profile id, SOURCE:KEY or KIND:VALUE.
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// Only reads since this day, as 2026-01-31 (UTC).
        #[arg(long, value_name = "DATE")]
        since: Option<String>,
    },
    /// Delete the record of reads of old months, which go whole.
    #[command(after_help = "\
Nothing is deleted by itself. The present month counts as the first of those that are kept.

Example:
  onefold ledger reads prune --keep-months 24")]
    Prune {
        /// How many calendar months are kept.
        #[arg(long, value_name = "N", default_value_t = READS_MONTHS_KEPT, value_parser = clap::value_parser!(u32).range(1..))]
        keep_months: u32,
    },
}
