//! Reading the folder of a bundle. The only I/O of this layer.
//!
//! INVARIANT: reads regular files only, at most [`bytes_max`] of each, and follows into no folder but those of libraries and cases.

use super::bundle::Bundle;
use super::parts::{LIBRARY, bytes_max, is_folder, is_part, report_too_large, report_unknown_file};
use super::problem::Problems;
use super::section::Diagnosis;
use std::io::Read as _;
use std::path::Path;

/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 1_000;

impl Bundle {
    /// Reads and compiles the bundle in a folder. `README.md`, `cases` and hidden files are passed over.
    ///
    /// # Errors
    /// Every problem that was found; those of reading are told with those of the files that could be read.
    pub fn load(dir: &Path) -> Result<Self, Problems> {
        let mut out = Diagnosis::default();
        let Some(names) = list(dir, &mut out) else { return Err(out.into_problems()) };
        let (mut files, mut unreadable) = (Vec::new(), Vec::new());
        for name in libraries(dir, names, &mut out) {
            if !is_part(&name) {
                report_unknown_file(&name, &mut out);
            } else if let Some(text) = read_file(dir, &name, &mut out) {
                files.push((name, text));
            } else {
                unreadable.push(name);
            }
        }
        Self::compile_beside(files, &unreadable, out)
    }
}

/// The same names, with the folders of libraries replaced by the files in them.
fn libraries(dir: &Path, names: Vec<String>, out: &mut Diagnosis) -> Vec<String> {
    let mut files = Vec::new();
    for name in names {
        let folder = dir.join(&name);
        if is_folder(&name) && folder.join(LIBRARY).exists() {
            let inside = list(&folder, out).unwrap_or_default();
            files.extend(inside.into_iter().map(|file| format!("{name}/{file}")));
        } else {
            files.push(name);
        }
    }
    files
}

/// The cases of the bundle in a folder: name and text of each file in its folder `cases`, sorted. None when there is no such
/// folder.
///
/// # Errors
/// Every file that cannot be read, or is no TOML by its name.
pub fn load_cases(dir: &Path) -> Result<Vec<(String, String)>, Problems> {
    let mut out = Diagnosis::default();
    let folder = dir.join("cases");
    let names = if folder.is_dir() { list(&folder, &mut out).unwrap_or_default() } else { Vec::new() };
    let mut files = Vec::new();
    for name in names.into_iter().map(|name| format!("cases/{name}")) {
        if !name.ends_with(".toml") {
            out.report_file(&name, "is no file of cases", "rename it to `*.toml`, or move it elsewhere");
        } else if let Some(text) = read_file(dir, &name, &mut out) {
            files.push((name, text));
        }
    }
    if out.is_clean() { Ok(files) } else { Err(out.into_problems()) }
}

/// Names in the folder that may be files of a bundle, sorted; `None` when the folder cannot be read.
fn list(dir: &Path, out: &mut Diagnosis) -> Option<Vec<String>> {
    let folder = dir.display().to_string();
    let help = "give the folder of the bundle, the one with `bundle.toml` in it";
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries.take(ENTRIES_MAX + 1).collect::<Vec<_>>(),
        Err(error) => {
            out.report_file(&folder, format!("cannot be read: {}", said(&error)), help);
            return None;
        }
    };
    if entries.len() > ENTRIES_MAX {
        out.report_file(&folder, format!("has more than {ENTRIES_MAX} entries"), help);
        return None;
    }
    let mut names = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => names.push(entry.file_name().to_string_lossy().into_owned()),
            Err(error) => out.report_file(&folder, format!("cannot be read: {}", said(&error)), help),
        }
    }
    names.sort();
    names.retain(|name| name != "README.md" && name != "cases" && !name.starts_with('.'));
    Some(names)
}

fn read_file(dir: &Path, name: &str, out: &mut Diagnosis) -> Option<String> {
    let path = dir.join(name);
    // Opening a pipe would wait for its writer.
    match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => {
            out.report_file(name, "is not a regular file", "put a text file in its place");
            return None;
        }
        Err(error) => {
            out.report_file(name, format!("cannot be read: {}", said(&error)), "see that the file may be read");
            return None;
        }
    }
    let mut bytes = Vec::new();
    let read = std::fs::File::open(&path).and_then(|file| {
        let bound = u64::try_from(bytes_max(name)).unwrap_or(u64::MAX).saturating_add(1);
        file.take(bound).read_to_end(&mut bytes)
    });
    if let Err(error) = read {
        out.report_file(name, format!("cannot be read: {}", said(&error)), "see that the file may be read");
        return None;
    }
    if bytes.len() > bytes_max(name) {
        report_too_large(name, out);
        return None;
    }
    String::from_utf8(bytes)
        .map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = error.as_bytes().iter().take(valid).filter(|&&byte| byte == b'\n').count() + 1;
            let message = format!("is not UTF-8 from line {line} on");
            out.report_file(name, message, "save the file in UTF-8");
        })
        .ok()
}

/// What the operating system says, without its number.
fn said(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
