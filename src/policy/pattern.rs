//! Which source a file belongs to, by its name.
//!
//! INVARIANT: in a bundle without problems no file name is matched by patterns of two sources.

use super::problem::printable;
use super::section::{Diagnosis, Located};
use crate::model::{Schema, SourceId, matches};

/// Bytes of a pattern.
const PATTERN_BYTES_MAX: usize = 255;

/// Patterns of a bundle: each is compared with each.
const PATTERNS_MAX: usize = 4_000;

/// Why the source of a file is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognised {
    /// No source has a pattern that matches.
    #[error("no source is known for file `{}`; the bundle has {known}", printable(.file))]
    None {
        /// Name of the file.
        file: String,
        /// Patterns and their sources, for people.
        known: String,
    },
    /// More than one source matches; schemas that were compiled here exclude it.
    #[error("file `{}` belongs to source `{first}` and to source `{second}`", printable(.file))]
    Several {
        /// Name of the file.
        file: String,
        /// A source that matches.
        first: String,
        /// Another.
        second: String,
    },
}

/// The source that a file belongs to; `file_name` is its name without folders.
///
/// # Errors
/// When no source or more than one matches.
pub fn recognise(schema: &Schema, file_name: &str) -> Result<SourceId, Unrecognised> {
    let mut found = schema.sources.iter().zip(0u16..).filter(|(source, _)| {
        let mut patterns = source.files.iter();
        patterns.any(|pattern| matches(pattern, file_name))
    });
    let file = file_name.to_owned();
    match (found.next(), found.next()) {
        (Some((_, id)), None) => Ok(SourceId(id)),
        (Some((first, _)), Some((second, _))) => {
            Err(Unrecognised::Several { file, first: first.name.clone(), second: second.name.clone() })
        }
        (None, _) => Err(Unrecognised::None { file, known: known(schema) }),
    }
}

/// Patterns and their sources, at most twenty.
fn known(schema: &Schema) -> String {
    let all = schema.sources.iter().flat_map(|source| source.files.iter().map(move |pattern| (pattern, &source.name)));
    let mut listed: Vec<String> = all.take(21).map(|(pattern, name)| format!("`{pattern}` ({name})")).collect();
    if listed.len() > 20 {
        listed.truncate(20);
        listed.push("…".to_owned());
    }
    if listed.is_empty() { "no patterns".to_owned() } else { listed.join(", ") }
}

/// Reports patterns that are no file names, and those of one source that match what those of another do.
pub(super) fn check_patterns(patterns: &[(usize, Located<'_, &str>)], out: &mut Diagnosis) {
    if let Some((_, pattern)) = patterns.get(PATTERNS_MAX) {
        let message = format!("{} patterns are too many", patterns.len());
        out.report(&pattern.place, message, format!("keep at most {PATTERNS_MAX} in all; `*` saves naming each file"));
    }
    for (index, (source, pattern)) in patterns.iter().take(PATTERNS_MAX).enumerate() {
        let value = pattern.value;
        if value.contains(['/', '\\']) || value.contains(char::is_control) || value.len() > PATTERN_BYTES_MAX {
            let message = format!("pattern `{}` cannot match a file name", printable(value));
            let help =
                format!("give the name without folders, at most {PATTERN_BYTES_MAX} bytes; `*` stands for any run");
            out.report(&pattern.place, message, help);
        }
        let before = patterns.iter().take(index);
        if let Some((_, other)) = before.filter(|(of, _)| of != source).find(|(_, other)| overlap(value, other.value)) {
            let message = format!(
                "pattern `{}` matches files that `{}` of another source matches too",
                printable(value),
                printable(other.value)
            );
            out.report(&pattern.place, message, "narrow one of them: a file belongs to one source");
        }
    }
}

/// Whether some name is matched by both. With a star in each, what stands before the first and after the last stars
/// decides: everything between fits into the other's star.
fn overlap(a: &str, b: &str) -> bool {
    let starts = |a: &str, b: &str| alike(a.chars(), b.chars());
    let ends = |a: &str, b: &str| alike(a.chars().rev(), b.chars().rev());
    match (a.split_once('*'), b.split_once('*')) {
        (None, None) => a.chars().count() == b.chars().count() && starts(a, b),
        (None, Some(_)) => fits(b, a),
        (Some(_), None) => fits(a, b),
        (Some((a_start, a_rest)), Some((b_start, b_rest))) => {
            let a_end = a_rest.rsplit('*').next().unwrap_or_default();
            let b_end = b_rest.rsplit('*').next().unwrap_or_default();
            starts(a_start, b_start) && ends(a_end, b_end)
        }
    }
}

/// Whether two runs of characters could be one as far as the shorter goes, with `?` for any character.
fn alike(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> bool {
    a.zip(b).all(|(a, b)| a == b || a == '?' || b == '?')
}

/// Whether some name of a pattern without stars is matched by one with stars.
fn fits(pattern: &str, plain: &str) -> bool {
    if !plain.contains('?') {
        return matches(pattern, plain);
    }
    let plain: Vec<char> = plain.chars().collect();
    let parts: Vec<&str> = pattern.split('*').collect();
    let (Some((first, rest)), Some(last)) = (parts.split_first(), parts.last()) else { return false };
    let (first_size, last_size) = (first.chars().count(), last.chars().count());
    if plain.len() < first_size + last_size {
        return false;
    }
    let (head, tail) = plain.split_at(first_size);
    let (body, foot) = tail.split_at(tail.len() - last_size);
    // What stands between stars is taken where it first fits: no later place could leave more room.
    let mut left = body;
    let between = rest.split_last().map_or(&[][..], |(_, between)| between);
    let fit = between.iter().all(|part| {
        let size = part.chars().count();
        let here = |at: &usize| alike(part.chars(), left[*at..].iter().copied());
        let found = (0..=left.len().saturating_sub(size)).filter(|at| at + size <= left.len()).find(here);
        found.is_some_and(|at| {
            left = &left[at + size..];
            true
        })
    });
    fit && alike(first.chars(), head.iter().copied()) && alike(last.chars(), foot.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::overlap;
    use crate::model::matches;

    /// Against the definition: some short name is matched by both.
    #[test]
    fn overlap_is_what_some_name_shows() {
        let mut texts = vec![String::new()];
        let mut patterns = texts.clone();
        let grow = |all: &mut Vec<String>, letters: &str, size: usize| {
            for _ in 0..size {
                let longer = all.iter().flat_map(|text| letters.chars().map(move |c| format!("{text}{c}")));
                let longer: Vec<String> = longer.collect();
                all.extend(longer);
                all.sort();
                all.dedup();
            }
        };
        grow(&mut texts, "ab", 6);
        grow(&mut patterns, "ab*?", 3);
        for a in &patterns {
            for b in &patterns {
                let shown = texts.iter().any(|text| matches(a, text) && matches(b, text));
                assert_eq!(overlap(a, b), shown, "`{a}` and `{b}`");
            }
        }
    }
}
