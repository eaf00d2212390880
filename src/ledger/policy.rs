//! A bundle in entries: cut into parts that fit, and put together again.
//!
//! INVARIANT: putting together what was cut gives the same files; a piece that goes on with the last file of the part
//! before carries the same path, and no bundle has a path twice.

use super::error::Error;
use super::payload::{PolicyBundle, PolicyPart};

/// How many bytes of paths and texts go into a part. What else there is of a part fits into the rest of an entry.
const PART_BYTES: usize = 60_000;
/// The longest name, version and path; what is longer is no bundle that anybody wrote.
const NAME_BYTES_MAX: usize = 1_024;
/// What a file takes beside its path and text.
const FILE_BYTES: usize = 16;

/// The parts of a bundle, at least one.
///
/// # Errors
/// [`Error::Bundle`] when its paths do not ascend, or are too long or too many.
pub(super) fn split(bundle: &PolicyBundle) -> Result<Vec<PolicyPart>, Error> {
    let too_long = |text: &String| text.len() > NAME_BYTES_MAX;
    if too_long(&bundle.name) || too_long(&bundle.version) || bundle.files.iter().any(|(path, _)| too_long(path)) {
        return Err(Error::Bundle { what: "a name, version or path is longer than 1024 bytes" });
    }
    if !bundle.files.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Err(Error::Bundle { what: "its paths do not ascend" });
    }
    let mut parts: Vec<Vec<(String, String)>> = vec![Vec::new()];
    let mut room = PART_BYTES;
    for (path, text) in &bundle.files {
        let mut rest = text.as_str();
        loop {
            let overhead = path.len() + FILE_BYTES;
            // A piece of less than 64 bytes is not worth its path.
            if room < overhead + rest.len().min(64) {
                parts.push(Vec::new());
                room = PART_BYTES;
            }
            let piece = &rest[..rest.floor_char_boundary(room - overhead)];
            let files = parts.last_mut().expect("there is at least one part");
            files.push((path.clone(), piece.to_owned()));
            room -= overhead + piece.len();
            rest = &rest[piece.len()..];
            if rest.is_empty() {
                break;
            }
        }
    }
    let count = u16::try_from(parts.len()).map_err(|_| Error::Bundle { what: "it has more than 65535 parts" })?;
    let part = |(part, files)| PolicyPart {
        name: bundle.name.clone(),
        version: bundle.version.clone(),
        digest: bundle.digest,
        part,
        parts: count,
        files,
    };
    Ok((1..=count).zip(parts).map(part).collect())
}

impl PolicyBundle {
    /// The bundle that was recorded in these parts; `None` unless they are all of one bundle in order.
    pub fn from_parts(parts: &[PolicyPart]) -> Option<Self> {
        let first = parts.first()?;
        if parts.len() != usize::from(first.parts) {
            return None;
        }
        let mut files: Vec<(String, String)> = Vec::new();
        for (part, expected) in parts.iter().zip(1u16..) {
            let same = (&part.name, &part.version, part.digest, part.parts)
                == (&first.name, &first.version, first.digest, first.parts);
            if !same || part.part != expected {
                return None;
            }
            for (path, text) in &part.files {
                match files.last_mut() {
                    Some((last, whole)) if last == path => whole.push_str(text),
                    _ => files.push((path.clone(), text.clone())),
                }
            }
        }
        let bundle = Self { name: first.name.clone(), version: first.version.clone(), digest: first.digest, files };
        bundle.files.is_sorted_by(|(a, _), (b, _)| a < b).then_some(bundle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::ENTRY_BYTES_MAX;
    use crate::ledger::payload::Written;

    fn bundle(files: &[(&str, &str)]) -> PolicyBundle {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        PolicyBundle { name: "retail".into(), version: "1".into(), digest: [5; 32], files }
    }

    #[test]
    fn what_was_cut_comes_together() {
        let long = "é".repeat(100_000);
        for files in [&[][..], &[("a", "")], &[("a", "x"), ("b", &long), ("c", "y"), ("d", &long)]] {
            let bundle = bundle(files);
            let parts = split(&bundle).unwrap();
            for part in &parts {
                let mut bytes = Vec::new();
                part.write(&mut bytes).unwrap();
                assert!(bytes.len() + 20 <= ENTRY_BYTES_MAX);
            }
            assert_eq!(PolicyBundle::from_parts(&parts), Some(bundle));
            assert_eq!(PolicyBundle::from_parts(&parts[1..]), None);
        }
    }

    #[test]
    fn paths_must_ascend() {
        assert!(split(&bundle(&[("b", ""), ("a", "")])).is_err());
        assert!(split(&bundle(&[("a", ""), ("a", "")])).is_err());
    }
}
