//! What persons ask of the demo's shop: a copy of everything about them, and to be erased.

use super::{CONSENTING, HEADING_CHARS, NOW, ONE, SOURCES, heading};
use crate::cli::output::{self, counted, line};
use crate::encoding::hex;
use crate::ledger::{Law, Outcome, Right};
use crate::pipeline::{
    Access, Archive, Clock, ErasureRequest, Input, NewRequest, Onefold, OpenOptions, Scope, Statement, save_new,
};
use crate::report::disclosure;
use anyhow::Context;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Why the person is erased.
const GROUND: &str = "GDPR Art. 17(1)(a): no longer necessary";
/// Days until the ciphertexts are deleted, too.
const DUE_DAYS: u16 = 30;

fn said(reason: &str) -> Statement {
    Statement { by: "demo".to_owned(), reason: reason.to_owned() }
}

fn at_its_time() -> OpenOptions {
    OpenOptions { clock: Box::new(NOW), ..OpenOptions::default() }
}

/// Takes in what a person asks for; gives its reference.
fn take_in(onefold: &mut Onefold, who: &str, right: Right) -> anyhow::Result<String> {
    let subject = *onefold.finder()?.profiles_of(who)?.first().context("the demo's profile is missing")?;
    let new = NewRequest { subject, right, law: Law::Gdpr, received: None, reference: None };
    Ok(onefold.open_request(&new, "demo")?)
}

/// Answers a request for access.
pub fn access(data: &Path, folder: &Path) -> anyhow::Result<()> {
    heading(
        9,
        "A person asks what is known of her",
        "The person of step 3 asks for a copy (GDPR Art. 15). The request has its deadline, the copy\n\
         has everything, and that it was made is recorded, too.",
    )?;
    let mut onefold = Onefold::open(data, at_its_time())?;
    let reference = take_in(&mut onefold, CONSENTING, Right::Access)?;
    drop(onefold);
    let archive = Archive::open_at(data, at_its_time)?;
    let (request, _) = archive.request(&reference)?;
    line(format!("Request {reference} for {}: received {}, due {}.", request.right, request.received, request.due))?;
    let root = *archive.finder()?.profiles_of(CONSENTING)?.first().context("the demo's profile is missing")?;
    let access = Access { request: Some(reference.clone()), ..Access::inspection("demo") };
    let report = archive.access_report(root, &access)?;
    drop(archive);
    let bytes = serde_json::to_vec_pretty(&report)?;
    save_new(&folder.join("access.json"), &bytes)?;
    line(format!("access.json, {}, has", output::bytes(bytes.len() as u64)))?;
    for (number, one, many) in [
        (report.values.len(), "value with where it comes from", "values with where each comes from"),
        (report.records.len(), "record as it was received", "records as they were received"),
        (report.purposes.len(), "purpose with its decision and recipients", "purposes with decisions and recipients"),
        (report.consents.len(), "consent given or withdrawn", "consents given or withdrawn"),
        (report.entries.len(), "entry of the ledger about her", "entries of the ledger about her"),
        (report.reads.len(), "read of her data: by whom, when, for what", "reads of her data: by whom, when, for what"),
    ] {
        line(format!("  {}", counted(number as u64, one, many)))?;
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref());
    let mut onefold = Onefold::open(data, at_its_time())?;
    onefold.advance_request(&reference, digest, &said("access report was made"))?;
    onefold.close_request(&reference, Outcome::Fulfilled, &said("copy handed over"))?;
    drop(onefold);
    let (request, steps) = Archive::open_at(data, at_its_time)?.request(&reference)?;
    let steps: Vec<String> = steps.iter().map(|step| format!("#{} {}", step.entry, step.step)).collect();
    line(format!("SHA-256 {}", hex::encode(&digest)))?;
    line(format!("Request {reference} is {}, due {}: entries {}.", request.state, request.due, steps.join(", ")))
}

/// Erases a person, checks the certificate, and lets her record be sent again.
pub fn erasure(data: &Path, folder: &Path) -> anyhow::Result<()> {
    heading(
        10,
        "A person is erased",
        "Sophie of step 6 asks to be forgotten (GDPR Art. 17). The keys of all her records are\n\
         destroyed; what stays is proof that it was done.",
    )?;
    let mut onefold = Onefold::open(data, at_its_time())?;
    let reference = take_in(&mut onefold, ONE, Right::Erasure)?;
    let request = ErasureRequest { request: reference.clone(), ground: GROUND.to_owned(), due_days: DUE_DAYS };
    let person = *onefold.persons_of(ONE)?.first().context("the demo's profile is missing")?;
    let erased = onefold.erase(Scope::Person(person), &request)?;
    let entries: Vec<String> = erased.entries.iter().map(|entry| format!("#{entry}")).collect();
    line(format!(
        "Request {reference}: {} erased in epoch {}, entry {}.",
        counted(erased.records, "record", "records"),
        erased.epoch,
        entries.join(", ")
    ))?;
    let due = output::day(i64::from(erased.due_s) * 1_000_000);
    line(format!("Nobody can read them any more; the ciphertexts are deleted by {due}."))?;
    let path = folder.join("erasure.zip");
    onefold.certificate(&erased, NOW.now_s(), &path)?;
    let bytes = std::fs::read(&path)?;
    let verified = disclosure::verify(&bytes, &onefold.vkeys()?)?;
    anyhow::ensure!(verified.is_sound() && verified.certificate.is_some(), "the certificate does not verify");
    let proved = counted(verified.entries.len() as u64, "entry", "entries");
    line(format!(
        "\nThe certificate, erasure.zip, {}, verifies: {proved} proved to stand among the\n{} that the ledger's key signed. It says",
        output::bytes(bytes.len() as u64),
        output::count(verified.checkpoint.size())
    ))?;
    let text = verified.certificate.iter().flat_map(|(_, text)| text.lines()).filter(|text| !text.is_empty());
    for text in text.take_while(|text| !text.starts_with("What ")) {
        line(format!("  {}", output::shown(text)))?;
    }
    line("and, in words, what is left until copies of the keys are destroyed, too.")?;
    sent_again(&mut onefold, folder)
}

/// Sends the newsletter's row of the erased person again.
fn sent_again(onefold: &mut Onefold, folder: &Path) -> anyhow::Result<()> {
    let key = ONE.split_once(':').map_or(ONE, |(_, key)| key);
    let table = SOURCES.iter().find(|(name, _)| *name == "newsletter.csv").map_or("", |(_, text)| *text);
    let rows = table.lines().enumerate().filter(|(line, row)| *line == 0 || row.split(',').any(|cell| cell == key));
    let path = folder.join("newsletter-again.csv");
    std::fs::write(&path, rows.map(|(_, row)| format!("{row}\n")).collect::<String>())?;
    let source = onefold.schema().source("newsletter").context("the bundle has no source `newsletter`")?;
    let inputs = vec![Input::File(path, Some(source))];
    let done = onefold.ingest(inputs, &AtomicBool::new(false), &mut |_| {})?;
    anyhow::ensure!(done.erased > 0 && done.taken == 0, "a row of who was erased was taken");
    let refused = counted(done.erased, "change", "changes");
    line(format!("\nThe newsletter sends her row again: {refused} refused, nothing of it kept."))?;
    match onefold.finder()?.profiles_of(ONE) {
        Ok(_) => anyhow::bail!("who was erased is still there"),
        Err(error) => output::wrapped_at(&format!("Asked for {ONE}: {error}."), 2, HEADING_CHARS),
    }
}
