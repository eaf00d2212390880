//! The part of the command line about review: what stewards are asked, and what they decide.

use clap::{Args, Subcommand};

/// Review.
#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// List the links that do not join their records, the strongest first, with what hinders them.
    #[command(after_help = "\
Each is evidence that two profiles are one person, which something speaks against: different account ids, a \
steward's decision, a limit, a score that is not high enough. It says what, and what would resolve it. What a \
steward has decided already is counted and not listed; --all lists it, too. --decisions lists the decisions.

Examples:
  onefold review list
  onefold review list --all --limit 1000 --json
  onefold review list --decisions")]
    List {
        /// List at most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Also list what a steward has decided.
        #[arg(long)]
        all: bool,
        /// List the decisions that hold, with who decided and why.
        #[arg(long, conflicts_with_all = ["all", "limit"])]
        decisions: bool,
    },
    /// Show two records side by side, and what either decision about them would do. Decides nothing.
    #[command(after_help = "\
Example:
  onefold review show crm:crm-17 web:web-204")]
    Show(Pair),
    /// Decide that two records are one person.
    #[command(after_help = "\
Shows which profiles the decision would merge, and asks. It always wins over identifiers, scores and limits, also \
when the records change later, and is inherited: who is the same as a third is the same as each other. While \
either record is deleted it waits. A decision that contradicts an earlier one is refused, and both are named.

It is written to the ledger, encrypted under the keys of both records, so that it ends when either is erased.

Examples:
  onefold review same crm:crm-17 web:web-204 --reason \"called her: both addresses are hers\"
  onefold review same crm:crm-17 web:web-204 --by ada --reason \"ticket 4711\" --yes")]
    Same(Decide),
    /// Decide that two records are different persons.
    #[command(after_help = "\
Shows what the decision would split, and asks. No evidence joins the two from then on, directly or through others; \
a record that both could claim goes where its evidence is stronger.

Examples:
  onefold review different crm:crm-17 crm:crm-18 --reason \"father and son, one phone\"
  onefold review different crm:crm-17 crm:crm-18 --by ada --reason \"ticket 4712\" --yes")]
    Different(Decide),
    /// Withdraw the decision about two records.
    #[command(after_help = "\
Shows what would become of the profiles, and asks. The decision stays in the ledger, with its end.

Example:
  onefold review withdraw crm:crm-17 crm:crm-18 --reason \"decided on the wrong record\"")]
    Withdraw(Decide),
    /// List identifiers that are held back, because too many share them, and those that a steward allowed.
    #[command(after_help = "\
`quarantined` identifiers join nobody, `weak` ones only records whose given names agree. Both are judged by who \
carries them now, and end by themselves when that changes. What is on one record is not listed: it joins nobody.

Examples:
  onefold review identifiers
  onefold review identifiers --limit 1000 --json")]
    Identifiers {
        /// List at most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Let an identifier join all who carry it, whatever guards say.
    #[command(after_help = "\
Shows which profiles it would merge, and asks. Values that the bundle blocks cannot be allowed. The decision is \
encrypted under the key of one record that carries the identifier, and ends when that record is erased.

Example:
  onefold review allow email:info@firm1.example --reason \"one-man firm\"")]
    Allow(Overrule),
    /// Withdraw that an identifier is allowed, so that guards judge it again.
    #[command(after_help = "\
Example:
  onefold review disallow email:info@firm1.example --reason \"the firm has grown\"")]
    Disallow(Overrule),
}

/// Two records.
#[derive(Debug, Args)]
pub struct Pair {
    /// One record, as SOURCE:KEY.
    pub first: String,
    /// Another record, as SOURCE:KEY.
    pub second: String,
}

/// A decision about two records.
#[derive(Debug, Args)]
pub struct Decide {
    /// About whom.
    #[command(flatten)]
    pub pair: Pair,
    /// Who and why.
    #[command(flatten)]
    pub said: Said,
}

/// A decision about an identifier.
#[derive(Debug, Args)]
pub struct Overrule {
    /// The identifier, as KIND:VALUE.
    #[arg(value_name = "KIND:VALUE")]
    pub identifier: String,
    /// Who and why.
    #[command(flatten)]
    pub said: Said,
}

/// Who decides and why.
#[derive(Debug, Args)]
pub struct Said {
    /// Who decides; the name of the user if not given.
    #[arg(long, env = "USER", hide_env_values = true, value_name = "NAME")]
    pub by: Option<String>,
    /// Why; kept encrypted with the decision.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}
