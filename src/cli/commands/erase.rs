//! `onefold erase`.

use super::request::Asked;
use super::{actor, one_of, progress};
use crate::cli::args::{Erase, Global};
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, Grid, counted, line};
use crate::cli::{access, terminal};
use crate::ledger::Right;
use crate::pipeline::{
    Archive, Clock, Coverage, Erased, ErasureRequest, ErasureView, NewFile, Onefold, Scope, SystemClock,
};
use anyhow::Context;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The grounds of GDPR Art. 17(1) by a word each.
const GROUNDS: [(&str, &str); 6] = [
    ("no-longer-needed", "GDPR Art. 17(1)(a): no longer necessary"),
    ("consent-withdrawn", "GDPR Art. 17(1)(b): consent withdrawn"),
    ("objection", "GDPR Art. 17(1)(c): objection under Art. 21"),
    ("unlawful", "GDPR Art. 17(1)(d): processed unlawfully"),
    ("legal-obligation", "GDPR Art. 17(1)(e): legal obligation to erase"),
    ("child", "GDPR Art. 17(1)(f): collected from a child, Art. 8(1)"),
];

/// Erases a person or a record, or lists what was erased.
pub fn run(global: &Global, options: &Erase) -> anyhow::Result<u8> {
    let Erase { id: Some(id), request: Some(request), ground: Some(ground), .. } = options else {
        return list(global);
    };
    let request = ErasureRequest { request: request.clone(), ground: grounds(ground), due_days: options.days };
    request.check()?;
    if !options.yes && (global.json || !terminal::is_there()) {
        let what = "nobody is there to be asked whether to erase";
        return Err(Usage::new(what).help("give --yes to erase without a question").into());
    }
    let certificate = certificate_path(options.output.as_deref(), &request.request)?;
    let opening = access::open_options(global)?;
    let bar = progress(global);
    bar.set_message("opening");
    let mut onefold = Onefold::open(&global.data, opening)?;
    let scope = scope(&onefold, id, options.only_record)?;
    let asked = asked(&onefold, &request.request, id)?;
    let coverage = onefold.coverage(scope)?;
    bar.finish_and_clear();
    if !options.yes {
        print_coverage(&coverage, scope)?;
        if !terminal::confirm("This cannot be undone.")? {
            line("Nothing was erased.")?;
            return Ok(SUCCESS);
        }
    }
    let file = NewFile::create(&certificate).map_err(|error| {
        Usage::new(format!("nothing was erased: {error}"))
            .help("name a file with -o for the certificate, in a folder that can be written")
    })?;
    let bar = progress(global);
    bar.set_message("erasing");
    let erased = onefold.erase(scope, &request)?;
    onefold.certificate_in(&erased, SystemClock.now_s(), file).with_context(|| {
        "the erasure is done and recorded, but its certificate could not be written: `onefold ledger disclose` of its \
         entries, which `onefold erase --list` names, gives the proof of it"
    })?;
    asked.done(&mut onefold, "the erasure was carried out", &actor(global))?;
    bar.finish_and_clear();
    if global.json {
        return output::json(&json!({
            "request": request.request, "ground": request.ground, "coverage": coverage, "erased": erased,
            "certificate": certificate,
        }))
        .map(|()| SUCCESS);
    }
    if !global.quiet {
        print(&coverage, &erased)?;
        line(format!("The certificate is {}: `onefold verify` checks it anywhere.", certificate.display()))?;
        asked.say()?;
    }
    Ok(SUCCESS)
}

/// Where the certificate goes, which must be a new file.
fn certificate_path(given: Option<&Path>, reference: &str) -> anyhow::Result<PathBuf> {
    let path = given.map_or_else(|| format!("erasure-{}.zip", reference.replace('/', "-")).into(), Path::to_owned);
    if path.exists() {
        let what = format!("`{}` exists already", path.display());
        return Err(Usage::new(what).help("name a new file with -o: certificates are not overwritten").into());
    }
    Ok(path)
}

/// The text of a ground: that of a known word, or what was given.
fn grounds(given: &str) -> String {
    GROUNDS.iter().find(|(word, _)| *word == given).map_or(given, |(_, text)| text).to_owned()
}

/// The request of this reference, where it is one that `onefold request` knows.
fn asked<'a>(onefold: &Onefold, reference: &'a str, id: &str) -> anyhow::Result<Asked<'a>> {
    if onefold.request_is_open(reference)?.is_none() {
        return Ok(Asked::none());
    }
    let root = one_of(&onefold.finder()?, &onefold.persons_of(id)?)?;
    Asked::new(onefold, Some(reference), Some(Right::Erasure), root)
}

/// Whom a name means.
fn scope(onefold: &Onefold, id: &str, only_record: bool) -> anyhow::Result<Scope> {
    let finder = onefold.finder()?;
    if only_record {
        return Ok(Scope::Record(finder.record(id)?));
    }
    Ok(Scope::Person(one_of(&finder, &onefold.persons_of(id)?)?))
}

/// Says what would be erased, without a value of it.
fn print_coverage(coverage: &Coverage, scope: Scope) -> anyhow::Result<()> {
    let whose = match (scope, coverage.profile) {
        (Scope::Person(_), Some(profile)) => format!("all of profile {profile}"),
        (Scope::Person(_), None) => "a person whose records were all deleted by their sources".to_owned(),
        (Scope::Record(_), Some(profile)) => format!("one record of profile {profile}, which goes on without it"),
        (Scope::Record(_), None) => "one record".to_owned(),
    };
    line(format!("To be erased: {whose}."))?;
    let mut table = Grid::new(&["source!", "records!"]);
    for (source, records) in &coverage.sources {
        table.row([source, &output::count(*records)]);
    }
    table.print(2)?;
    for (number, what) in [
        (coverage.consents, "of these are consents"),
        (coverage.deleted, "of these were deleted by their sources before"),
        (coverage.rejected, "refused messages about them go, too"),
        (coverage.kept.len() as u64, "others are kept, for they must not be erased: see `onefold hold list`"),
    ] {
        if number > 0 {
            line(format!("  {} {what}", output::count(number)))?;
        }
    }
    Ok(())
}

/// Says what was erased, and what was not.
fn print(coverage: &Coverage, erased: &Erased) -> anyhow::Result<()> {
    let sources: Vec<String> =
        coverage.sources.iter().map(|(source, records)| format!("{source} {}", output::count(*records))).collect();
    let entries: Vec<String> = erased.entries.iter().map(|entry| format!("#{entry}")).collect();
    line(format!("Erased: {} ({}).", counted(erased.records, "record", "records"), sources.join(", ")))?;
    if !erased.kept.is_empty() {
        let entries: Vec<String> = erased.kept.iter().map(|entry| format!("#{entry}")).collect();
        let kept = counted(erased.kept.len() as u64, "record is", "records are");
        line(format!("{kept} kept, because of {} (GDPR Art. 17(3)).", entries.join(", ")))?;
    }
    if erased.rejected > 0 {
        line(format!("{} about them, too.", counted(erased.rejected, "refused message", "refused messages")))?;
    }
    line(format!(
        "Their keys are destroyed: with what is in this directory, nobody can read anything of them any more.\n\
         The ledger records it in {} and verifies as before.",
        entries.join(", ")
    ))?;
    line(format!(
        "What is sent again is refused by {}, and counted.",
        counted(erased.tombstones, "name or identifier", "names and identifiers")
    ))?;
    line(format!("The ciphertexts are to be deleted by {} UTC: `onefold ledger redact`.", date(erased.due_s)))?;
    line(format!(
        "Not reached from here: backups of DIR/keys from before now, of generation {} or lower, still hold the keys.\n\
         Delete them, or note by when they will be.",
        erased.generation.saturating_sub(1)
    ))
}

/// Lists the erasures so far.
fn list(global: &Global) -> anyhow::Result<u8> {
    let archive = Archive::open_with(&global.data, &access::access(global)?)?;
    let (erasures, refused) = (archive.erasures()?, archive.refused()?);
    if global.json {
        output::json(&json!({ "erasures": erasures, "refused": refused }))?;
        return Ok(SUCCESS);
    }
    if erasures.is_empty() {
        line("Nothing was erased.")?;
        return Ok(SUCCESS);
    }
    let mut table = Grid::new(&["entry!", "erased (UTC)!", "request", "ground", "records!", "ciphertexts!"]);
    for erasure in &erasures {
        let entry = erasure.entries.first().map_or_else(String::new, |entry| format!("#{entry}"));
        let (at, records) = (date(erasure.at_s), output::count(erasure.records));
        table.row([&entry, &at, &erasure.request, &erasure.ground, &records, &ciphertexts(erasure)]);
    }
    table.print(0)?;
    let refused = counted(refused, "change was", "changes were");
    line(format!("{refused} refused because they were about erased persons."))?;
    Ok(SUCCESS)
}

fn ciphertexts(erasure: &ErasureView) -> String {
    if erasure.deleted { "deleted".to_owned() } else { format!("deleted by {}", date(erasure.due_s)) }
}

/// A day, in UTC.
fn date(seconds: u32) -> String {
    output::day(i64::from(seconds) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grounds_have_their_article() {
        for ((word, text), letter) in GROUNDS.iter().zip('a'..) {
            assert_eq!(grounds(word), *text);
            assert!(text.starts_with(&format!("GDPR Art. 17(1)({letter}): ")), "{text}");
            assert!(text.chars().count() <= 120 && !text.contains('@'), "{text}");
        }
        assert_eq!(grounds("CCPA 1798.105"), "CCPA 1798.105");
    }
}
