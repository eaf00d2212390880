//! One file a command.

pub mod demo;
mod describe;
mod disclose;
pub mod erase;
pub mod evaluate;
pub mod explain;
pub mod export;
pub mod ingest;
pub mod init;
pub mod key;
pub mod ledger;
pub mod matching;
pub mod past;
pub mod policy;
pub mod profile;
pub mod quarantine;
pub mod rectify;
pub mod report;
pub mod request;
pub mod review;
pub mod rights;
pub mod tick;
pub mod verify;
pub mod why;

use crate::cli::access;
use crate::cli::args::{Global, OnRequest};
use crate::cli::failure::Usage;
use crate::model::{Birth, PurposeId};
use crate::pipeline::{Access, Archive, Day, Finder, RecordView};
use crate::policy::Bundle;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Read;
use std::path::Path;

/// The bundle in a folder, or one of those that come with the program.
fn load_bundle(path: &Path) -> anyhow::Result<Bundle> {
    if !path.exists() {
        match path.to_str() {
            Some("retail" | "policies/retail") => return Ok(Bundle::compile(crate::policy::retail())?),
            Some("contacts" | "policies/contacts") => return Ok(Bundle::compile(crate::policy::contacts())?),
            _ => {
                let help = "give the folder of a bundle, or `retail` or `contacts`, which come with the program";
                return Err(Usage::new(format!("`{}` does not exist", path.display())).help(help).into());
            }
        }
    }
    Ok(Bundle::load(path)?)
}

/// What to do about a file that cannot be read.
const GIVE_A_FILE: &str = "name a file that exists and that you may read";

/// So many bytes at most of a file that was named.
fn read_given(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    read.map_err(|error| Usage::new(format!("cannot read `{}`: {error}", path.display())).help(GIVE_A_FILE))?;
    Ok(bytes)
}

/// A day that was given, such as `2026-01-31`.
fn day(text: &str) -> anyhow::Result<Day> {
    if is_no_day(text) {
        return Err(Usage::new(format!("there is no day `{text}` in the calendar")).into());
    }
    Ok(text.parse::<Day>()?)
}

/// Whether a text is written as a day, and there is no such day.
fn is_no_day(text: &str) -> bool {
    let is_digit =
        |(place, byte): (usize, u8)| if matches!(place, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(is_digit) && text.parse::<Day>().is_err()
}

/// Opens the data directory to read it.
fn open(global: &Global) -> anyhow::Result<Archive> {
    Ok(Archive::open_with(&global.data, &access::access(global)?)?)
}

/// Who reads, for what, and on which request.
fn access_of(global: &Global, purpose: Option<&str>, on: &OnRequest) -> Access {
    Access { actor: actor(global), purpose: purpose.map(str::to_owned), request: on.request.clone() }
}

/// An inspection by the operator, on a request where the command names one.
fn inspection(global: &Global) -> Access {
    Access { request: global.request.clone(), ..Access::inspection(actor(global)) }
}

/// Who works with the program: who was named, or the login name of the user.
fn actor(global: &Global) -> String {
    global.actor.clone().unwrap_or_else(login_name)
}

/// The login name of the user that runs this, or the number where there is no name.
fn login_name() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)? == id).then(|| name.to_owned())
    });
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("user {id}"))
}

/// A spinner with words beside it; nothing where nobody wants to see it.
fn progress(global: &Global) -> ProgressBar {
    let bar = ProgressBar::no_length().with_style(ProgressStyle::default_spinner());
    if global.quiet || global.json {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}

/// The purpose of this name.
fn purpose(finder: &Finder<'_>, name: Option<&str>) -> anyhow::Result<Option<PurposeId>> {
    let Some(name) = name else { return Ok(None) };
    let schema = finder.schema();
    let known = schema.purposes.iter().map(|purpose| purpose.name.as_str());
    schema.purpose(name).map(Some).ok_or_else(|| Usage::unknown("purpose", name, known).into())
}

/// A record as people write it.
fn record_name(record: &RecordView) -> String {
    record.name()
}

/// The one profile that a name leads to.
fn one_profile(finder: &Finder<'_>, id: &str) -> anyhow::Result<Birth> {
    one_of(finder, &finder.profiles_of(id)?)
}

/// The one profile of these roots.
fn one_of(finder: &Finder<'_>, roots: &[Birth]) -> anyhow::Result<Birth> {
    match roots {
        [root] => Ok(*root),
        several => {
            let ids = several.iter().take(10).map(|root| finder.id(*root).map(|id| id.to_string()));
            let ids = ids.collect::<Result<Vec<_>, _>>()?.join(", ");
            let more = if several.len() > 10 { ", …" } else { "" };
            let what = format!(
                "{} profiles carry this identifier: too many records have it for it to join them",
                several.len()
            );
            Err(Usage::new(what).help(format!("name one of the profiles: {ids}{more}")).into())
        }
    }
}
