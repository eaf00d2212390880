//! Libraries of policies that bundles use: folders with a `library.toml` and policies.
//!
//! A bundle says `use = ["gdpr"]`. What stands in its own folder `gdpr/` is used; else the library of that name that comes
//! with the program becomes part of the bundle's files. A bundle that was compiled once is whole, therefore, and compiles to
//! the same again wherever it is taken.
//!
//! INVARIANT: every file of a library that is used is among the files of the bundle, and so in its digest.

use super::bundle::check_name;
use super::parts::{LIBRARY, is_policy, library_of};
use super::problem::printable;
use super::section::{Diagnosis, File, Located, Section, parse};
use super::shipped;
use std::collections::BTreeSet;

/// Adds the libraries that come with the program, where the bundle uses them and has none of that name itself.
pub(super) fn add_shipped(files: &mut Vec<(String, String)>) {
    let Some((name, text)) = files.iter().find(|(name, _)| name == "bundle.toml") else { return };
    // What is wrong with the file is told when it is checked.
    let mut ignored = Diagnosis::default();
    let file = File::new(name, text);
    let Some(table) = parse(&file, &mut ignored) else { return };
    let section = Section::of_file("the bundle", &file, &table);
    let used = section.distinct_texts("use", "[\"gdpr\"]", &mut ignored);
    let used: BTreeSet<String> = used.into_iter().map(|found| found.value.to_owned()).collect();
    let own: BTreeSet<String> = files.iter().filter_map(|(name, _)| library_of(name)).map(str::to_owned).collect();
    for library in used.difference(&own) {
        files.extend(shipped::library(library));
    }
    files.sort();
}

/// Checks what `bundle.toml` uses against the libraries that are there.
pub(super) fn check(used: &[Located<'_, &str>], files: &[(String, String)], out: &mut Diagnosis) {
    let there: BTreeSet<&str> = files.iter().filter_map(|(name, _)| library_of(name)).collect();
    for found in used {
        if !there.contains(found.value) {
            let known = shipped::LIBRARIES.iter().copied().chain(there.iter().copied()).collect::<BTreeSet<_>>();
            let help = "or put its folder into the bundle's";
            out.unknown(&found.place, "library", found.value, known, help);
        }
    }
    for library in there {
        if !used.iter().any(|found| found.value == library) {
            let message = format!("the bundle does not use the library `{}`", printable(library));
            let help = format!("add `use = [\"{}\"]` to `bundle.toml`, or remove the folder", printable(library));
            out.report_file(&format!("{library}/{LIBRARY}"), message, help);
        }
        check_library(library, files, out);
    }
}

/// Checks one library: it says what it is, and has policies.
fn check_library(library: &str, files: &[(String, String)], out: &mut Diagnosis) {
    let name = format!("{library}/{LIBRARY}");
    let Some((name, text)) = files.iter().find(|(file, _)| *file == name) else {
        out.report_file(&name, "this file is missing", "add one with `name`, `version` and `description`");
        return;
    };
    if !files.iter().any(|(file, _)| library_of(file) == Some(library) && is_policy(file)) {
        out.report_file(name, "the library has no policy", "add a file `*.cedar` beside this one");
    }
    let file = File::new(name, text);
    let Some(table) = parse(&file, out) else { return };
    let section = Section::of_file("the library", &file, &table);
    section.only(&["name", "version", "description"], out);
    if let Some(found) = section.need_text("name", "\"gdpr\"", out) {
        check_name("library", found.value, |message, help| out.report(&found.place, message, help));
        if found.value != library {
            let message = format!("the library `{}` stands in a folder `{library}`", printable(found.value));
            out.report(&found.place, message, "give both the same name");
        }
    }
    section.need_text("version", "\"1.0.0\"", out);
    section.need_text("description", "\"what this library is for\"", out);
}
