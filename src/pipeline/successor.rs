//! Whether a bundle may follow another over the same records: what the ledger says of them must mean the same under both.
//!
//! Entries name sources, fields, attributes and kinds of identifier by their places, and hold values as they were
//! standardised. So these stay where they are; new ones may come at the end. All else may change.

use super::Error;
use crate::model::{Schema, Source};
use crate::policy::Bundle;

/// Says what of a new bundle does not fit to the records taken under the old one.
///
/// # Errors
/// [`Error::Unsuited`], and [`Error::InForce`] when it is the same bundle.
pub(super) fn check(old: &Bundle, new: &Bundle) -> Result<(), Error> {
    if old.digest == new.digest {
        return Err(Error::InForce { name: new.name.clone(), version: new.version.clone() });
    }
    match differs(&old.schema, &new.schema) {
        Some(what) => Err(Error::Unsuited { what }),
        None => Ok(()),
    }
}

/// The first thing that does not mean the same.
fn differs(old: &Schema, new: &Schema) -> Option<String> {
    for (place, source) in old.sources.iter().enumerate() {
        let what = match new.sources.get(place) {
            Some(other) if other.name == source.name => source_differs(source, other),
            _ => Some("stands at another place or is missing"),
        };
        if let Some(what) = what {
            return Some(format!("source `{}` {what}", source.name));
        }
    }
    for (place, attribute) in old.attributes.iter().enumerate() {
        match new.attributes.get(place) {
            Some(other) if other.name != attribute.name => {
                return Some(format!("attribute `{}` stands at another place or is missing", attribute.name));
            }
            Some(other) if other.semantic != attribute.semantic => {
                return Some(format!("attribute `{}` has another semantic", attribute.name));
            }
            Some(_) => {}
            None => return Some(format!("attribute `{}` is missing", attribute.name)),
        }
    }
    for (place, kind) in old.kinds.iter().enumerate() {
        let what = match new.kinds.get(place) {
            Some(other) if other.name != kind.name => "stands at another place or is missing",
            Some(other) if other.attribute != kind.attribute => "is made from another attribute",
            Some(other) if other.blocked != kind.blocked => "has other blocked values, which are kept out on arrival",
            Some(_) => continue,
            None => "is missing",
        };
        return Some(format!("identifier `{}` {what}", kind.name));
    }
    None
}

fn source_differs(old: &Source, new: &Source) -> Option<&'static str> {
    let checks = [
        (old.role != new.role, "has another role"),
        (old.key != new.key, "has another key"),
        (old.format != new.format, "has another format"),
        (old.accumulate != new.accumulate, "accumulates in another way"),
        (old.time != new.time, "has another time"),
        (old.order != new.order, "has another order"),
        (old.region != new.region, "has another region"),
        (!new.fields.starts_with(&old.fields), "has other fields, or has them in another order"),
    ];
    checks.iter().find(|(differs, _)| *differs).map(|(_, what)| *what)
}
