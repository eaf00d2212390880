//! `onefold ingest`.

use crate::cli::access;
use crate::cli::args::Global;
use crate::cli::failure::{INTERRUPTED, SUCCESS, Usage};
use crate::cli::output;
use crate::model::{Schema, SourceId};
use crate::pipeline::{Ingested, Input, Onefold, Progress};
use crate::policy::{Unrecognised, recognise};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads files and streams.
pub fn run(global: &Global, source: Option<&str>, mixed: bool, files: &[PathBuf]) -> anyhow::Result<u8> {
    let mut onefold = Onefold::open(&global.data, access::open_options(global)?)?;
    let inputs = inputs(onefold.schema(), source, mixed, files)?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // A second handler cannot be set: then whoever set the first one decides what Ctrl-C does.
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
    let bar = bar(global, files);
    let done = onefold.ingest(inputs, &stop, &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    let done = done?;
    summary(global, &done)?;
    Ok(if done.stopped { INTERRUPTED } else { SUCCESS })
}

/// What the command line names, checked before anything is read.
fn inputs(schema: &Arc<Schema>, source: Option<&str>, mixed: bool, files: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let named = match source {
        Some(name) => {
            let known = schema.sources.iter().map(|source| source.name.as_str());
            let missing = || Usage::unknown("source", name, known);
            Some(schema.source(name).ok_or_else(missing)?)
        }
        None => None,
    };
    let (mut inputs, mut nameless) = (Vec::new(), Vec::new());
    for file in files {
        match input(schema, named, mixed, file)? {
            Some(input) => inputs.push(input),
            None => nameless.push(format!("`{}`", file.display())),
        }
    }
    if nameless.is_empty() { Ok(inputs) } else { Err(unrecognised(schema, &nameless).into()) }
}

/// Files that match no source, all of them at once: nothing was read yet.
fn unrecognised(schema: &Schema, files: &[String]) -> Usage {
    let known: Vec<String> = schema
        .sources
        .iter()
        .flat_map(|s| s.files.iter().map(|file| format!("{file} ({})", s.name)))
        .take(40)
        .collect();
    let what = format!("no source of the bundle is known for {}; nothing was read", files.join(", "));
    Usage::new(what).help(format!(
        "name the source with --source NAME, or give --mixed when each line names its own; the bundle knows {}",
        if known.is_empty() { "no file names".to_owned() } else { known.join(", ") }
    ))
}

fn input(schema: &Arc<Schema>, named: Option<SourceId>, mixed: bool, file: &Path) -> anyhow::Result<Option<Input>> {
    if file == Path::new("-") {
        if named.is_none() && !mixed {
            let help = "name its source with --source NAME, or give --mixed when each line names its own";
            return Err(Usage::new("standard input has no name by which to know its source").help(help).into());
        }
        return Ok(Some(Input::Stream("standard input".to_owned(), named, Box::new(std::io::stdin()))));
    }
    let usage = |what: String| anyhow::Error::from(Usage::new(what));
    match std::fs::metadata(file) {
        Err(error) => return Err(usage(format!("cannot read `{}`: {error}", file.display()))),
        Ok(meta) if meta.is_dir() => {
            return Err(usage(format!("`{}` is a directory; name the files in it", file.display())));
        }
        Ok(_) => {}
    }
    let source = match named {
        _ if mixed => None,
        Some(source) => Some(source),
        None => {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            match recognise(schema, &name) {
                Ok(source) => Some(source),
                Err(Unrecognised::None { .. }) => return Ok(None),
                Err(error) => return Err(Usage::new(error.to_string()).help("name one with --source NAME").into()),
            }
        }
    };
    Ok(Some(Input::File(file.to_owned(), source)))
}

fn bar(global: &Global, files: &[PathBuf]) -> ProgressBar {
    if global.quiet || global.json {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::no_length();
    // A stream has no length, so there is nothing to say of what is left.
    let style = if files.iter().all(|file| file == Path::new("-")) {
        "{spinner} {elapsed}  {msg}"
    } else {
        "{wide_bar} {percent:>3}% {bytes}/{total_bytes}, {eta} left  {msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, progress: &Progress) {
    if progress.bytes_total > 0 {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes_done);
    } else {
        bar.tick();
    }
    let rate = (progress.changes as f64 / bar.elapsed().as_secs_f64().max(0.001)) as u64;
    let doing = if progress.committing { "resolving".to_owned() } else { format!("{}/s", output::count(rate)) };
    bar.set_message(format!("{} changes, {doing}", output::count(progress.changes)));
}

fn summary(global: &Global, done: &Ingested) -> anyhow::Result<()> {
    if global.json {
        return output::json(&serde_json::json!({
            "taken": done.taken, "unchanged": done.unchanged, "late": done.late, "quarantined": done.quarantined, "erased": done.erased,
            "epochs": done.epochs, "merges": done.merges, "unmerges": done.unmerges,
            "profiles_new": done.profiles_new, "profiles_retired": done.profiles_retired,
            "files_known": done.files_known, "stopped": done.stopped,
        }));
    }
    if global.quiet {
        return Ok(());
    }
    let (count, counted) = (output::count, output::counted);
    output::line(format!(
        "{} taken, {} unchanged, {} late, {} quarantined; {}, {} in {}",
        counted(done.taken, "change", "changes"),
        count(done.unchanged),
        count(done.late),
        count(done.quarantined),
        counted(done.merges, "merge", "merges"),
        counted(done.unmerges, "un-merge", "un-merges"),
        counted(done.epochs, "epoch", "epochs")
    ))?;
    if done.files_known > 0 {
        output::line(format!("{} had nothing new", counted(done.files_known, "file", "files")))?;
    }
    if done.quarantined > 0 {
        output::line("See what was refused, and why, with `onefold quarantine list`.")?;
    }
    if done.erased > 0 {
        let refused = counted(done.erased, "change was", "changes were");
        output::line(format!("{refused} about erased persons: refused, counted, and nothing of it kept."))?;
    }
    if done.stopped {
        output::line("Stopped. Nothing is lost: run the same command again to go on.")?;
    }
    Ok(())
}
