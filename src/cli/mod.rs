//! The command line: a thin layer over the library. Data goes to standard output, everything else to standard error.
//!
//! It holds no rules of its own: what an answer is is decided in `pipeline`, how it looks is decided here.

mod access;
mod args;
pub mod bench;
mod commands;
mod failure;
mod output;
mod terminal;

use args::{BenchLoad, BenchPart, Cli, Command, Global};
use clap::{CommandFactory, Parser};
use std::io::Write;
use std::process::ExitCode;

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if failure::reader_is_gone(&error) {
                return ExitCode::from(failure::SUCCESS);
            }
            let (code, hint) = failure::verdict(&error);
            report(&error, hint.as_deref());
            ExitCode::from(code)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<u8> {
    let Cli { command, mut global } = cli;
    if let Command::Review { on, .. } | Command::Match { on, .. } | Command::Quarantine { on, .. } = &command {
        global.request.clone_from(&on.request);
    }
    match command {
        Command::Init { policy, identity_from, kek } => commands::init::run(&global, &policy, identity_from, kek),
        Command::Ingest { source, mixed, files } => commands::ingest::run(&global, source.as_deref(), mixed, &files),
        Command::Profile { id, at: Some(epoch), on, .. } => commands::past::profile(&global, &id, epoch, &on),
        Command::Profile { id, purpose, on, .. } => commands::profile::run(&global, &id, purpose.as_deref(), &on),
        Command::Explain { id, attribute, at: Some(epoch), on } => {
            commands::past::explain(&global, &id, attribute.as_deref(), epoch, &on)
        }
        Command::Explain { id, attribute, on, .. } => commands::explain::run(&global, &id, attribute.as_deref(), &on),
        Command::Why { first, second, without, on } => match (second, without) {
            (_, Some(without)) => commands::why::without(&global, &without, &first, &on),
            (second, None) => commands::why::run(&global, &first, &second.unwrap_or_default(), &on),
        },
        Command::Review { command, .. } => commands::review::run(&global, &command),
        Command::Export { table, format, purpose, output, on } => {
            commands::export::run(&global, table, format, purpose.as_deref(), output.as_deref(), &on)
        }
        Command::Tick { until, yes } => commands::tick::run(&global, until.as_deref(), yes),
        Command::Match { command, .. } => commands::matching::run(&global, &command),
        Command::Quarantine { command, .. } => commands::quarantine::run(&global, &command),
        Command::Ledger { command } => commands::ledger::run(&global, &command),
        Command::Erase(options) => commands::erase::run(&global, &options),
        Command::Report { command } => commands::report::run(&global, &command),
        Command::Hold { command } => commands::rights::hold(&global, &command),
        Command::Restrict { command } => commands::rights::restrict(&global, &command),
        Command::Object { command } => commands::rights::object(&global, &command),
        Command::Rectify { command } => commands::rectify::run(&global, &command),
        Command::Request { command } => commands::request::run(&global, &command),
        Command::Key { command } => commands::key::run(&global, &command),
        Command::Verify { package, key, since } => {
            commands::verify::run(&global, &package, key.as_deref(), since.as_deref())
        }
        Command::Policy { command } => commands::policy::run(&global, &command),
        Command::Demo { keep } => commands::demo::run(&global, keep.as_deref()),
        Command::Bench { load, part } => run_bench(&global, load, part),
        Command::Completions { shell } => {
            // Into memory first: the generator panics where its output is closed.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "onefold", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(failure::SUCCESS)
        }
    }
}

/// Measures the engine, or a part of it by itself.
fn run_bench(global: &Global, load: BenchLoad, part: Option<BenchPart>) -> anyhow::Result<u8> {
    let BenchLoad { records, changes, seed, work } = load;
    match part {
        None => {
            let (records, changes) = (records.unwrap_or(100_000), changes.unwrap_or(20_000));
            bench::run(global, &bench::Plan { records, changes, seed: seed.unwrap_or(1), work })
        }
        Some(_) if records.or(changes).or(seed).is_some() || work.is_some() => {
            let what = "the options before the part that is to be measured are for the whole engine";
            Err(failure::Usage::new(what).help("write options after it: `onefold bench ledger --work DIR`").into())
        }
        Some(BenchPart::Ledger { entries, proof_entries, work }) => {
            bench::ledger::run(global, &bench::ledger::Plan { entries, proof_entries, work })
        }
        Some(BenchPart::Match { records, changes, work }) => {
            bench::matching::run(global, &bench::matching::Plan { records, changes, work })
        }
        Some(BenchPart::Policy { records, withdrawals, work }) => {
            bench::policy::run(global, &bench::policy::Plan { records, withdrawals, work })
        }
    }
}

/// An error with its causes, each said once: many messages hold that of their cause already.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Writes an error and its remedy.
fn report(error: &anyhow::Error, hint: Option<&str>) {
    if let Some(problems) = error.downcast_ref::<crate::policy::Problems>() {
        eprint!("{}", problems.render(std::io::IsTerminal::is_terminal(&std::io::stderr())));
        return;
    }
    eprintln!("error: {}", output::harmless(&told(error)));
    if let Some(hint) = hint {
        eprintln!("help: {}", output::harmless(hint));
    }
}

/// Logs go to standard error; `ONEFOLD_LOG` says how much (`warn` if it does not). What the store below the index has
/// to say is then left out: the index itself says what became of it.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("ONEFOLD_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,fjall=off,lsm_tree=off,sfa=off"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr);
    // A subscriber that is set already is the caller's, who then sees our events.
    let _ = subscriber.try_init();
}
