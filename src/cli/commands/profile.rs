//! `onefold profile`.

use super::{name, one_profile, open, purpose};
use crate::cli::args::Global;
use crate::cli::failure::SUCCESS;
use crate::cli::output;
use crate::pipeline::{PermissionView, ProfileView};

/// Shows a profile.
pub fn run(global: &Global, id: &str, purpose_name: Option<&str>) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let reader = archive.reader()?;
    let purpose = purpose(&reader, purpose_name)?;
    let view = reader.profile(one_profile(&reader, id)?, purpose)?;
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
    output::line(format!("Profile {}{only}\n", view.id))?;
    let mut values = output::table(&["attribute", "value", "from", "as of (UTC)", "entry"]);
    for value in &view.values {
        let from = name(&value.record);
        let entry = format!("#{}", value.values);
        values.add_row([
            value.attribute.clone(),
            output::shown(&value.value),
            from,
            output::time(value.record.at_us),
            entry,
        ]);
    }
    for reference in &view.references {
        for (attribute, value) in &reference.facts {
            values.add_row([
                attribute.clone(),
                output::shown(value),
                name(&reference.record),
                output::time(reference.record.at_us),
                String::new(),
            ]);
        }
    }
    output::line(values)?;
    let mut members = output::table(&["record", "as of (UTC)", "entry"]);
    for member in &view.members {
        members.add_row([name(&member.record), output::time(member.record.at_us), format!("#{}", member.entry)]);
    }
    output::line(format!("\n{} records, oldest first", view.members.len()))?;
    output::line(members)?;
    if !view.permissions.is_empty() {
        output::line("")?;
        output::line(permissions(&view.permissions))?;
    }
    Ok(())
}

/// The permissions of a profile as a table.
pub fn permissions(views: &[PermissionView]) -> comfy_table::Table {
    let mut table = output::table(&["purpose", "", "until (UTC)", "why", "consent", "entry"]);
    for view in views {
        table.add_row([
            view.purpose.clone(),
            if view.allowed { "allowed" } else { "denied" }.to_owned(),
            output::time(view.until_us),
            view.why.to_owned(),
            view.consent.as_ref().map_or_else(|| "-".to_owned(), name),
            view.decision.map_or_else(|| "-".to_owned(), |entry| format!("#{entry}")),
        ]);
    }
    table
}
