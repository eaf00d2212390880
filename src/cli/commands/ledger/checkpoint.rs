//! `onefold ledger checkpoint`.

use super::super::progress;
use crate::cli::access;
use crate::cli::args::{Checkpoint as Options, Global};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, counted, line};
use crate::ledger::{Tree, Witnessed};
use crate::pipeline::Head;
use crate::report::log::{self, Published};
use crate::tlog::{Checkpoint, SignedNote};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long sending a checkpoint may take, from the first name lookup to the end of the answer.
const SENDING_MAX: Duration = Duration::from_secs(30);
/// How long reaching the other side may take.
const CONNECTING_MAX: Duration = Duration::from_secs(10);

/// Signs, publishes, and takes cosignatures.
pub fn run(global: &Global, options: &Options) -> anyhow::Result<u8> {
    let copies = options.cosignature.iter().map(|path| Ok((path.clone(), super::read(path)?)));
    let copies = copies.collect::<anyhow::Result<Vec<(PathBuf, Vec<u8>)>>>()?;
    let witnesses = options.witness.iter().map(|key| super::verifier_key(key)).collect::<Result<Vec<_>, _>>()?;
    let target = options.publish.as_deref().map(target).transpose()?;
    let mut head = Head::open(&global.data, access::open_options(global)?)?;
    // What witnesses signed is the checkpoint as it stands: a new one would leave their signatures behind.
    let (bytes, witnessed) =
        if copies.is_empty() { (head.sign()?, Vec::new()) } else { head.cosign(&copies, &witnesses)? };
    let note = SignedNote::parse(&bytes)?;
    let checkpoint = Checkpoint::parse(note.text().as_bytes())?;
    if let Some(path) = &options.output {
        output::file(path, &bytes)?;
    }
    let published = match &target {
        Some(Target::Folder(folder)) => Some(publish(global, folder, &head.ledger(), &note, &checkpoint)?),
        Some(Target::Address(address)) => {
            send(address, &bytes)?;
            None
        }
        None => None,
    };
    if global.json {
        output::json(&json!({
            "origin": checkpoint.origin(), "size": checkpoint.size(),
            "root": crate::encoding::hex::encode(checkpoint.root()), "note": note.to_text(),
            "witnesses": witnessed.iter().map(|one| json!({ "name": one.name, "time_s": one.time_s })).collect::<Vec<_>>(),
            "published": published.map(|done| json!({ "from": done.from, "to": done.to, "tiles": done.tiles })),
            "sent": matches!(target, Some(Target::Address(_))),
        }))?;
    } else if options.output.is_none() && target.is_none() && witnessed.is_empty() {
        output::text(&note.to_text())?;
    } else if !global.quiet {
        tell(options, &target, &checkpoint, &witnessed, published)?;
    }
    Ok(SUCCESS)
}

/// Where a checkpoint is published to.
enum Target {
    Folder(PathBuf),
    Address(String),
}

fn target(given: &str) -> Result<Target, Usage> {
    match given.split_once("://") {
        Some(("http" | "https", _)) => Ok(Target::Address(given.to_owned())),
        Some((scheme, _)) => {
            let what = format!("a checkpoint cannot be sent by `{}`", output::shown(scheme));
            Err(Usage::new(what).help("name a folder, or an address that begins with https:// or http://"))
        }
        None => Ok(Target::Folder(PathBuf::from(given))),
    }
}

/// Brings a folder up to date.
fn publish(
    global: &Global,
    folder: &Path,
    ledger: &Path,
    note: &SignedNote,
    checkpoint: &Checkpoint,
) -> anyhow::Result<Published> {
    let tree = Tree::open(ledger, checkpoint.size(), checkpoint.root())?;
    let bar = progress(global);
    let published = log::publish(folder, &tree, note, |done, entries| {
        bar.set_message(format!("{} of {} published", output::count(done), counted(entries, "entry", "entries")));
        bar.tick();
    });
    bar.finish_and_clear();
    Ok(published?)
}

/// An anchor that did not take the checkpoint.
#[derive(Debug, thiserror::Error)]
#[error("the checkpoint was signed but not taken by {host}: {why}")]
pub struct NotSent {
    host: String,
    why: String,
}

/// Puts the checkpoint to an address. Nothing of the answer but its status counts.
fn send(address: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(SENDING_MAX))
        .timeout_connect(Some(CONNECTING_MAX))
        // What is redirected arrives elsewhere, or as another request: the operator is to name the right place.
        .max_redirects(0)
        .http_status_as_error(false)
        .build();
    let sent = ureq::Agent::new_with_config(config).put(address).content_type("text/plain; charset=utf-8").send(bytes);
    let why = match sent {
        Ok(answer) if answer.status().is_success() => return Ok(()),
        Ok(answer) => format!("it answered with status {}", answer.status().as_u16()),
        Err(error) => error.to_string(),
    };
    Err(NotSent { host: host(address).to_owned(), why }.into())
}

/// The part of an address that holds no secret: neither user nor path nor query.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

fn tell(
    options: &Options,
    target: &Option<Target>,
    checkpoint: &Checkpoint,
    witnessed: &[Witnessed],
    published: Option<Published>,
) -> anyhow::Result<()> {
    line(format!("Checkpoint over {}.", counted(checkpoint.size(), "entry", "entries")))?;
    for one in witnessed {
        let time = i64::try_from(one.time_s).ok().and_then(|seconds| seconds.checked_mul(1_000_000));
        line(format!("  cosigned by {}, {} UTC", output::shown(&one.name), output::time(time)))?;
    }
    if let Some(path) = &options.output {
        line(format!("  written to {}", path.display()))?;
    }
    match (target, published) {
        (Some(Target::Folder(folder)), Some(done)) => {
            let new = counted(done.to - done.from, "new entry", "new entries");
            let tiles = counted(done.tiles, "tile", "tiles");
            line(format!("  published in {}: {new}, {tiles} written", folder.display()))
        }
        (Some(Target::Address(address)), _) => line(format!("  taken by {}", output::shown(host(address)))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_without_its_secrets() {
        for (address, expected) in [
            ("https://anchor.example.com/log?token=secret", "anchor.example.com"),
            ("http://user:secret@[::1]:8080/x", "[::1]:8080"),
            ("https://host?q", "host"),
        ] {
            assert_eq!(host(address), expected);
        }
        assert!(matches!(target("https://a"), Ok(Target::Address(_))));
        assert!(matches!(target("./https"), Ok(Target::Folder(_))));
        assert!(target("ftp://a").is_err());
    }
}
