//! Which files a bundle has: their names and how large they may be.
//!
//! INVARIANT: a name that is a part of a bundle is a plain file name, or a plain file name in one folder of a plain name.

use super::bundle::FILE_BYTES_MAX;
use super::section::Diagnosis;

/// The largest match model of a bundle, in bytes.
const MODEL_BYTES_MAX: usize = 16 << 20;

/// The file of the match model, which is no TOML and which programs write.
pub(super) const MODEL: &str = "model.json";

/// The file that says what can never be allowed.
pub(super) const INVARIANTS: &str = "invariants.toml";

/// The file that says what a library of policies is.
pub(super) const LIBRARY: &str = "library.toml";

/// What the files of policies end in.
const CEDAR: &str = ".cedar";

/// A file that a bundle may have.
pub(super) struct Part {
    /// Its name.
    pub name: &'static str,
    /// Whether a bundle has to have it.
    pub required: bool,
    /// What to do where it is missing.
    remedy: &'static str,
}

/// The tables of a bundle, in the order in which they are checked.
pub(super) const PARTS: [Part; 7] = [
    Part { name: "bundle.toml", required: true, remedy: "add one with `name`, `version` and `description`" },
    Part { name: "attributes.toml", required: false, remedy: "" },
    Part { name: "purposes.toml", required: false, remedy: "" },
    Part { name: "identity.toml", required: true, remedy: "add one that says which attributes identify a person" },
    Part { name: "sources.toml", required: true, remedy: "add one with a `[[source]]` for each system" },
    Part { name: "survivorship.toml", required: false, remedy: "" },
    Part { name: INVARIANTS, required: false, remedy: "" },
];

/// Whether a bundle may have a file of this name.
pub(super) fn is_part(name: &str) -> bool {
    match name.split_once('/') {
        Some((library, file)) => is_folder(library) && (file == LIBRARY || is_policy_file(file)),
        None => name == MODEL || is_policy_file(name) || PARTS.iter().any(|part| part.name == name),
    }
}

/// Whether a library may stand in a folder of this name.
pub(super) fn is_folder(name: &str) -> bool {
    name != "cases"
        && name.len() <= 64
        && name.bytes().all(is_plain)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Whether it holds policies.
pub(super) fn is_policy(name: &str) -> bool {
    name.ends_with(CEDAR)
}

/// The library that a file belongs to.
pub(super) fn library_of(name: &str) -> Option<&str> {
    name.split_once('/').map(|(library, _)| library)
}

fn is_policy_file(name: &str) -> bool {
    name.strip_suffix(CEDAR).is_some_and(|stem| !stem.is_empty() && stem.len() <= 64 && stem.bytes().all(is_plain))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
}

/// How many bytes the file of this name may have.
pub(super) fn bytes_max(name: &str) -> usize {
    match name {
        MODEL => MODEL_BYTES_MAX,
        _ => FILE_BYTES_MAX,
    }
}

/// Tells of files that are given twice, that no bundle has, that are too large or that are missing.
pub(super) fn check(files: &[(String, String)], unreadable: &[String], out: &mut Diagnosis) {
    for pair in files.windows(2) {
        if let [(a, _), (b, _)] = pair
            && a == b
        {
            out.report_file(a, "this file is given twice", "give each file once");
        }
    }
    for (name, text) in files {
        if !is_part(name) {
            report_unknown_file(name, out);
        } else if text.len() > bytes_max(name) {
            report_too_large(name, out);
        }
    }
    for part in PARTS.iter().filter(|part| part.required) {
        if !files.iter().any(|(name, _)| name == part.name) && !unreadable.iter().any(|name| name == part.name) {
            out.report_file(part.name, "this file is missing", part.remedy);
        }
    }
}

/// A file that no bundle has.
pub(super) fn report_unknown_file(name: &str, out: &mut Diagnosis) {
    let known: Vec<String> = PARTS.iter().map(|part| format!("`{}`", part.name)).collect();
    let help = format!(
        "remove or rename it; a bundle has {}, `{MODEL}`, policies in `*.cedar` (lowercase letters, digits, `-` and `_`), \
         folders of libraries with a `{LIBRARY}`, `README.md` and `cases`",
        known.join(", ")
    );
    out.report_file(name, "a bundle has no file of this name", help);
}

/// A file that is over its [`bytes_max`].
pub(super) fn report_too_large(name: &str, out: &mut Diagnosis) {
    out.report_file(name, format!("this file is larger than {} bytes", bytes_max(name)), "make it smaller");
}

#[cfg(test)]
mod tests {
    use super::is_part;

    #[test]
    fn parts_have_plain_names() {
        for name in ["bundle.toml", "model.json", "shop.cedar", "gdpr/eu.cedar", "gdpr/library.toml", "invariants.toml"]
        {
            assert!(is_part(name), "{name}");
        }
        for name in
            ["x.toml", ".cedar", "A.cedar", "../x.cedar", "a/b/c.cedar", "/x.cedar", "cases/x.cedar", "gdpr/x.toml"]
        {
            assert!(!is_part(name), "{name}");
        }
    }
}
