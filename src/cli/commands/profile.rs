//! `onefold profile`.

use super::{access_of, one_profile, open, purpose, record_name};
use crate::cli::args::{Global, OnRequest};
use crate::cli::failure::{Denial, SUCCESS};
use crate::cli::output::{self, Grid, line};
use crate::pipeline::{PermissionView, ProfileView, ReferenceView};

/// Shows a profile.
pub fn run(global: &Global, id: &str, purpose_name: Option<&str>, on: &OnRequest) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let purpose = purpose(&archive.finder()?, purpose_name)?;
    let reader = archive.read_as(&access_of(global, purpose_name, on))?;
    let root = one_profile(&reader, id)?;
    let view = match (reader.profile(root, purpose), purpose) {
        (Err(crate::pipeline::Error::Denied { .. }), Some(purpose)) => {
            let (permission, remedy) = (reader.permission(root, purpose)?, reader.remedy(root, purpose)?);
            return Err(Denial { permission, remedy }.into());
        }
        (view, _) => view?,
    };
    if global.json {
        output::json(&view)?;
    } else {
        print(&view, purpose_name)?;
    }
    Ok(SUCCESS)
}

/// Writes a profile for people.
pub fn print(view: &ProfileView, purpose: Option<&str>) -> anyhow::Result<()> {
    let only = purpose.map_or_else(String::new, |purpose| format!(", as far as `{purpose}` may use it"));
    line(format!("Profile {}{only}\n", view.id))?;
    if view.values.is_empty() {
        line("No value that may be shown.")?;
    } else {
        let mut values = Grid::new(&["attribute!", "value", "from", "as of (UTC)!", "entry!"]);
        for value in &view.values {
            let right = value.rectified.as_ref().map_or_else(String::new, |by| format!(", rectified by #{}", by.entry));
            let (from, at) = (record_name(&value.record) + &right, output::time_in_table(value.record.at_us));
            values.row([&value.attribute, &value.value, &from, &at, &format!("#{}", value.values)]);
        }
        values.print(0)?;
    }
    for reference in &view.references {
        references(reference)?;
    }
    let records = output::counted(view.members.len() as u64, "record", "records");
    line(format!("\nMade of {records}{}", if view.members.len() > 1 { ", the one first seen on top" } else { "" }))?;
    let mut members = Grid::new(&["record", "as of (UTC)!", "entry!"]);
    for member in &view.members {
        let at = output::time_in_table(member.record.at_us);
        members.row([&record_name(&member.record), &at, &format!("#{}", member.entry)]);
    }
    members.print(0)?;
    if !view.permissions.is_empty() {
        line("\nWhat it may be used for")?;
        permissions(&view.permissions)?;
    }
    Ok(())
}

/// Facts about a thing that a value names.
fn references(reference: &ReferenceView) -> anyhow::Result<()> {
    line(format!(
        "\nAbout its {}, from {} (entry #{})",
        reference.by,
        output::shown(&record_name(&reference.record)),
        reference.received
    ))?;
    let mut facts = Grid::new(&["attribute!", "value"]);
    for (attribute, value) in reference.facts.iter().filter(|(attribute, _)| **attribute != reference.by) {
        facts.row([attribute, value]);
    }
    facts.print(0)
}

/// Writes the permissions of a profile as a table.
fn permissions(views: &[PermissionView]) -> anyhow::Result<()> {
    let mut table = Grid::new(&["purpose!", "answer!", "why"]);
    for view in views {
        table.row([&view.purpose, if view.allowed { "allowed" } else { "denied" }, &reason(view)]);
    }
    table.print(0)
}

/// Why a purpose is allowed or denied: the rule, then the consent and the ledger entry that it rests on.
pub fn reason(view: &PermissionView) -> String {
    let mut text = view.why.clone();
    if let Some(consent) = &view.consent {
        text.push_str(&format!("; {}, {}", record_name(consent), output::as_of(consent.at_us)));
    }
    if let Some(exposure) = &view.exposure {
        text.push_str(&format!("; {}", exposure.says));
    }
    match view.until_us {
        Some(until) if view.allowed => text.push_str(&format!(", valid until {} UTC", output::time(Some(until)))),
        None if view.allowed => text.push_str(", without an end"),
        _ => {}
    }
    if let Some(entry) = view.decision {
        text.push_str(&format!("; entry #{entry}"));
    }
    text
}
