//! `onefold request`.

use super::{actor, day, one_of, one_profile, read_given};
use crate::cli::access;
use crate::cli::args::{Global, LawWord, OpenRequest, RequestCommand, RightWord};
use crate::cli::failure::{NotFound, SUCCESS, Usage};
use crate::cli::output::{self, Grid, line};
use crate::ledger::{Law, Right};
use crate::model::Birth;
use crate::pipeline::{Error, NewRequest, Onefold, RequestView, Statement};
use crate::sources::{DsrDocument, read_dsr};
use clap::ValueEnum;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// More than any document of a request has.
const DOCUMENT_BYTES_MAX: u64 = 1 << 20;

/// Takes requests in, and on.
pub fn run(global: &Global, command: &RequestCommand) -> anyhow::Result<u8> {
    match command {
        RequestCommand::Open(new) => open(global, new),
        RequestCommand::List => list(global),
        RequestCommand::Show { reference } => show(global, reference),
        RequestCommand::Extend { reference, reason } => {
            let statement = Statement { by: actor(global), reason: reason.clone() };
            let due = opened(global)?.extend_request(reference, &statement)?;
            done(global, reference, &format!("Request {reference} is due on {due} now."))
        }
        RequestCommand::Close { reference, outcome, reason } => {
            let statement = Statement { by: actor(global), reason: reason.clone() };
            opened(global)?.close_request(reference, (*outcome).into(), &statement)?;
            done(global, reference, &format!("Request {reference} is closed."))
        }
    }
}

/// The data directory, open for changes.
pub fn opened(global: &Global) -> anyhow::Result<Onefold> {
    Ok(Onefold::open(&global.data, access::open_options(global)?)?)
}

/// The request that something is done on.
pub struct Asked<'a> {
    reference: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// None.
    pub fn none() -> Self {
        Self { reference: None }
    }

    /// Checks that the request waits for its answer, is for this right, and of the person of this root.
    pub fn new(
        onefold: &Onefold,
        reference: Option<&'a str>,
        right: Option<Right>,
        root: Birth,
    ) -> anyhow::Result<Self> {
        match (reference, right) {
            (Some(_), None) => Err(Usage::new("this is nothing that a person requests: leave --request out").into()),
            (Some(reference), Some(right)) => {
                onefold.finder()?.check_request(reference, right, root)?;
                Ok(Self { reference: Some(reference) })
            }
            (None, _) => Ok(Self::none()),
        }
    }

    /// Writes into the request that it was done.
    pub fn done(&self, onefold: &mut Onefold, what: &str, by: &str) -> anyhow::Result<()> {
        let Some(reference) = self.reference else { return Ok(()) };
        let statement = Statement { by: by.to_owned(), reason: what.to_owned() };
        Ok(onefold.advance_request(reference, [0; 32], &statement)?)
    }

    /// Says what is left to do.
    pub fn say(&self) -> anyhow::Result<()> {
        let Some(reference) = self.reference else { return Ok(()) };
        line(format!("Request {reference} says so. Tell the person, and then: `onefold request close {reference}`."))
    }
}

/// Says what became of a request.
fn done(global: &Global, reference: &str, text: &str) -> anyhow::Result<u8> {
    if global.json {
        let (view, _) = super::open(global)?.request(reference)?;
        output::json(&view)?;
    } else if !global.quiet {
        line(text)?;
    }
    Ok(SUCCESS)
}

fn open(global: &Global, new: &OpenRequest) -> anyhow::Result<u8> {
    let document = new.from.as_deref().map(document).transpose()?;
    let mut onefold = opened(global)?;
    let request = match &document {
        Some(document) => from_document(&onefold, new, document)?,
        None => NewRequest {
            subject: one_profile(&onefold.finder()?, new.subject.as_deref().unwrap_or_default())?,
            right: new.right.map(Right::from).ok_or_else(|| Usage::new("the right is missing"))?,
            law: new.law.map(Law::from).ok_or_else(|| Usage::new("the law is missing"))?,
            received: new.received.as_deref().map(day).transpose()?,
            reference: new.reference.clone(),
        },
    };
    let reference = onefold.open_request(&request, &actor(global))?;
    drop(onefold);
    let (view, _) = super::open(global)?.request(&reference)?;
    if global.json {
        output::json(&view)?;
    } else if !global.quiet {
        line(format!("Request {reference} ({}) is due on {}.", view.right, view.due))?;
    }
    Ok(SUCCESS)
}

fn document(path: &Path) -> anyhow::Result<DsrDocument> {
    let bytes = read_given(path, DOCUMENT_BYTES_MAX + 1)?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        return Err(Usage::new(format!("`{}` is larger than a request can be", path.display())).into());
    }
    let read = read_dsr(&bytes);
    read.map_err(|what| Usage::new(format!("`{}` is no OpenDSR request: {what}", path.display())).into())
}

/// What a document asks for, with what the command line adds or says otherwise.
fn from_document(onefold: &Onefold, new: &OpenRequest, document: &DsrDocument) -> anyhow::Result<NewRequest> {
    let right = RightWord::from_str(&document.right, true)
        .map_err(|_| Usage::new("`subject_request_type` is none of the rights that are known"))?;
    let named = document.regulation.as_deref().and_then(|name| LawWord::from_str(name, true).ok());
    let law = new
        .law
        .or(named)
        .ok_or_else(|| Usage::new("the document does not say under which law").help("give --law gdpr or --law ccpa"))?;
    let received = match new.received.as_deref().or(document.submitted.as_deref()) {
        Some(text) => Some(day(text)?),
        None => None,
    };
    Ok(NewRequest {
        subject: subject(onefold, document)?,
        right: right.into(),
        law: law.into(),
        received,
        reference: Some(new.reference.clone().unwrap_or_else(|| document.reference.clone())),
    })
}

/// The one person whom the identities of a document lead to.
fn subject(onefold: &Onefold, document: &DsrDocument) -> anyhow::Result<Birth> {
    let finder = onefold.finder()?;
    let mut roots = BTreeSet::new();
    for (kind, value) in &document.identities {
        match finder.profiles_of(&format!("{kind}:{value}")) {
            Ok(found) => roots.extend(found),
            Err(Error::NotFound { .. } | Error::BadName { .. } | Error::NotAName { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if roots.is_empty() {
        let what = "none of the identities of the document leads to a profile";
        let help = match document.hashed {
            0 => "they are looked up as KIND:VALUE, by the kinds of identifier of the bundle",
            _ => "those that are given as hashes cannot be looked up: ask for them in the clear",
        };
        return Err(NotFound::new(what).help(help).into());
    }
    one_of(&finder, &roots.into_iter().collect::<Vec<_>>())
}

fn list(global: &Global) -> anyhow::Result<u8> {
    let requests = super::open(global)?.requests()?;
    if global.json {
        output::json(&requests)?;
        return Ok(SUCCESS);
    }
    if requests.is_empty() {
        line("There is no request.")?;
        return Ok(SUCCESS);
    }
    let mut table = Grid::new(&["reference!", "right!", "law!", "received!", "due!", "state", "profile"]);
    for request in &requests {
        let profile = request.profile.as_deref().unwrap_or("");
        let (received, due) = (&request.received, &request.due);
        table.row([&request.reference, request.right, request.law, received, due, &state(request), profile]);
    }
    table.print(0)?;
    Ok(SUCCESS)
}

fn state(request: &RequestView) -> String {
    match &request.ended {
        Some(day) => format!("{} on {day}", request.state),
        None if request.overdue => format!("{}, OVERDUE", request.state),
        None => request.state.to_owned(),
    }
}

fn show(global: &Global, reference: &str) -> anyhow::Result<u8> {
    let (request, steps) = super::open(global)?.request(reference)?;
    if global.json {
        output::json(&json!({ "request": request, "steps": steps }))?;
        return Ok(SUCCESS);
    }
    line(format!("Request {}: {} under the {}", request.reference, request.right, request.law.to_uppercase()))?;
    let whose = request.profile.as_deref().map_or("of somebody who is gone".to_owned(), |id| format!("profile {id}"));
    line(format!("  {whose}"))?;
    line(format!("  received {}, due {}: {}", request.received, request.due, state(&request)))?;
    for step in &steps {
        let at = output::time(Some(i64::from(step.at_s) * 1_000_000));
        let digest = step.sha256.as_ref().map_or_else(String::new, |sha256| format!("; SHA-256 {sha256}"));
        let by = if step.by.is_empty() { String::new() } else { format!(" by {}", output::shown(&step.by)) };
        let reason = if step.reason.is_empty() { String::new() } else { format!(": {}", output::shown(&step.reason)) };
        output::wrapped(&format!("  #{:<6} {at}  {}{by}{reason}{digest}", step.entry, step.step), 10)?;
    }
    Ok(SUCCESS)
}
