//! Reading TOML tables with their places: typed getters that report what is wrong and go on.
//!
//! Nothing here knows what a bundle means.
//!
//! INVARIANT: a getter that gives `None` for a key that is there has reported why.

use super::problem::{PROBLEMS_MAX, Problem, Problems, printable};
use super::suggest::suggestion;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file of a bundle.
pub(super) struct File<'t> {
    /// Name in the bundle.
    pub name: &'t str,
    text: &'t str,
    line_starts: Vec<usize>,
}

impl<'t> File<'t> {
    /// Finds the lines.
    pub fn new(name: &'t str, text: &'t str) -> Self {
        let line_starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        Self { name, text, line_starts: line_starts.collect() }
    }

    /// These bytes of it.
    pub fn place(&self, span: Range<usize>) -> Place<'_> {
        Place { file: self, span }
    }

    /// Its text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The line that a byte stands in, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= at).max(1)
    }
}

/// A place in a file of the bundle.
#[derive(Clone)]
pub(super) struct Place<'f> {
    file: &'f File<'f>,
    span: Range<usize>,
}

impl Place<'_> {
    /// The line in which it begins, from 1.
    pub fn line(&self) -> usize {
        self.file.line(self.span.start)
    }
}

/// Something and where it stands.
#[derive(Clone)]
pub(super) struct Located<'f, T> {
    pub value: T,
    pub place: Place<'f>,
}

/// Collects what is wrong.
#[derive(Default)]
pub(super) struct Diagnosis {
    problems: Vec<Problem>,
    omitted: usize,
}

impl Diagnosis {
    /// Keeps a problem, or counts it when there are too many.
    pub fn push(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX { self.problems.push(problem) } else { self.omitted += 1 }
    }

    /// A problem at a place.
    pub fn report(&mut self, place: &Place<'_>, message: String, help: impl Into<String>) {
        let Place { file, span } = place;
        self.push(Problem::at(file.name, file.text, &file.line_starts, span.clone(), message, help.into()));
    }

    /// A problem of a file as a whole.
    pub fn report_file(&mut self, file: &str, message: impl Into<String>, help: impl Into<String>) {
        self.push(Problem::of_file(file, message.into(), help.into()));
    }

    /// A name that is not among those known; the remedy names the nearest.
    pub fn unknown<'k>(
        &mut self,
        place: &Place<'_>,
        what: &str,
        found: &str,
        known: impl IntoIterator<Item = &'k str>,
        otherwise: &str,
    ) {
        // Looking for the nearest costs; past the bound nobody would see it.
        let help = if self.problems.len() < PROBLEMS_MAX { suggestion(found, known, otherwise) } else { String::new() };
        self.report(place, format!("unknown {what} `{}`", printable(found)), help);
    }

    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many problems were found until now.
    pub fn count(&self) -> usize {
        self.problems.len() + self.omitted
    }

    /// What was found.
    pub fn into_problems(self) -> Problems {
        Problems::new(self.problems, self.omitted)
    }
}

/// A table and what it is called in messages.
#[derive(Clone)]
pub(super) struct Section<'f> {
    /// With its article, such as `a source`.
    pub what: &'static str,
    /// Where it starts.
    pub place: Place<'f>,
    table: &'f DeTable<'f>,
    file: &'f File<'f>,
}

/// Parses a file; reports every error of syntax.
pub(super) fn parse<'t>(file: &File<'t>, out: &mut Diagnosis) -> Option<DeTable<'t>> {
    let (table, errors) = DeTable::parse_recoverable(file.text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let message = format!("not valid TOML: {}", one_line(error.message()));
        out.report(&Place { file, span }, message, syntax_help(error.message()));
    }
    errors.is_empty().then(|| table.into_inner())
}

impl<'f> Section<'f> {
    /// The whole of a file.
    pub fn of_file(what: &'static str, file: &'f File<'f>, table: &'f DeTable<'f>) -> Self {
        Self { what, place: Place { file, span: 0..0 }, table, file }
    }

    fn place(&self, span: Range<usize>) -> Place<'f> {
        Place { file: self.file, span }
    }

    /// Reports keys that are not among these.
    pub fn only(&self, keys: &[&'static str], out: &mut Diagnosis) {
        for (key, _) in self.entries() {
            if !keys.contains(&key.value) {
                let what = format!("key in {}:", self.what);
                out.unknown(&key.place, &what, key.value, keys.iter().copied(), "");
            }
        }
    }

    /// Keys and values in the order of the file.
    pub fn entries(&self) -> Vec<(Located<'f, &'f str>, &'f Spanned<DeValue<'f>>)> {
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| (Located { value: &**key.get_ref(), place: self.place(key.span()) }, value))
            .collect();
        entries.sort_by_key(|(key, _)| key.place.span.start);
        entries
    }

    /// Whether the key is there, of whatever type.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where the value of a key stands, or else the section.
    pub fn place_of(&self, key: &str) -> Place<'f> {
        self.table.get(key).map_or_else(|| self.place.clone(), |value| self.place(value.span()))
    }

    fn get<T>(
        &self,
        key: &str,
        expected: &str,
        example: &str,
        out: &mut Diagnosis,
        read: impl FnOnce(&'f DeValue<'f>) -> Option<T>,
    ) -> Option<Located<'f, T>> {
        let found = self.table.get(key)?;
        let place = self.place(found.span());
        let Some(value) = read(found.get_ref()) else {
            let message = format!("`{key}` is {}, not {expected}", kind(found.get_ref()));
            out.report(&place, message, format!("write it as `{key} = {example}`"));
            return None;
        };
        Some(Located { value, place })
    }

    fn missing(&self, key: &str, example: &str, out: &mut Diagnosis) {
        out.report(&self.place, format!("{} has no `{key}`", self.what), format!("add `{key} = {example}`"));
    }

    /// A string that is not blank.
    pub fn text(&self, key: &str, example: &str, out: &mut Diagnosis) -> Option<Located<'f, &'f str>> {
        let found = self.get(key, "a string", example, out, |value| value.as_str())?;
        if found.value.trim().is_empty() {
            out.report(&found.place, format!("`{key}` is empty"), format!("write it as `{key} = {example}`"));
            return None;
        }
        Some(found)
    }

    /// A string that has to be there.
    pub fn need_text(&self, key: &str, example: &str, out: &mut Diagnosis) -> Option<Located<'f, &'f str>> {
        if !self.has(key) {
            self.missing(key, example, out);
        }
        self.text(key, example, out)
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str, out: &mut Diagnosis) -> Option<bool> {
        self.get(key, "`true` or `false`", "true", out, |value| value.as_bool()).map(|found| found.value)
    }

    /// A whole number within bounds.
    pub fn number(&self, key: &str, range: RangeInclusive<u32>, out: &mut Diagnosis) -> Option<u32> {
        let (low, high) = (*range.start(), *range.end());
        let example = low.to_string();
        let found = self.get(key, "a whole number", &example, out, |value| value.as_integer())?;
        let number = i128::from_str_radix(found.value.as_str(), found.value.radix()).ok();
        let within = number.and_then(|n| u32::try_from(n).ok()).filter(|n| range.contains(n));
        if within.is_none() {
            let message = format!("`{key}` is {}, which is out of bounds", printable(&found.value.to_string()));
            out.report(&found.place, message, format!("choose a whole number from {low} to {high}"));
        }
        within
    }

    /// A string or a list of strings, none of them blank.
    pub fn texts(&self, key: &str, example: &str, out: &mut Diagnosis) -> Option<Vec<Located<'f, &'f str>>> {
        let value = self.table.get(key)?;
        if let DeValue::Array(list) = value.get_ref() {
            let mut texts = Vec::new();
            for item in list {
                let place = self.place(item.span());
                match item.get_ref().as_str() {
                    Some(text) if !text.trim().is_empty() => texts.push(Located { value: text, place }),
                    Some(_) => {
                        let message = format!("`{key}` has an empty entry");
                        out.report(&place, message, "remove it or say what is meant");
                    }
                    None => {
                        let message = format!("`{key}` has {} among its strings", kind(item.get_ref()));
                        out.report(&place, message, "put it in quotes or remove it");
                    }
                }
            }
            return Some(texts);
        }
        if !matches!(value.get_ref(), DeValue::String(_)) {
            let expected = "a string or a list of strings";
            self.get(key, expected, example, out, |_| None::<()>);
            return None;
        }
        self.text(key, example, out).map(|text| vec![text])
    }

    /// One or more strings, which have to be there and differ.
    pub fn need_texts(&self, key: &str, example: &str, out: &mut Diagnosis) -> Vec<Located<'f, &'f str>> {
        if !self.has(key) {
            self.missing(key, example, out);
        }
        let reported = out.count();
        let texts = self.distinct_texts(key, example, out);
        if texts.is_empty() && self.has(key) && out.count() == reported {
            out.report(&self.place_of(key), format!("`{key}` is empty"), format!("write it as `{key} = {example}`"));
        }
        texts
    }

    /// Strings that may be missing, and differ.
    pub fn distinct_texts(&self, key: &str, example: &str, out: &mut Diagnosis) -> Vec<Located<'f, &'f str>> {
        let mut seen = std::collections::HashSet::new();
        let mut texts = self.texts(key, example, out).unwrap_or_default();
        texts.retain(|text| {
            let is_new = seen.insert(text.value);
            if !is_new {
                let message = format!("`{}` stands twice in `{key}`", printable(text.value));
                out.report(&text.place, message, "remove one of them");
            }
            is_new
        });
        texts
    }

    /// A table inside.
    pub fn section(&self, key: &str, what: &'static str, out: &mut Diagnosis) -> Option<Section<'f>> {
        let found = self.get(key, "a table", "{ … }", out, |value| value.as_table())?;
        Some(Section { what, place: found.place, table: found.value, file: self.file })
    }

    /// The tables of `[[key]]`, in order.
    pub fn sections(&self, key: &'static str, what: &'static str, out: &mut Diagnosis) -> Vec<Section<'f>> {
        let Some(found) = self.table.get(key) else { return Vec::new() };
        let header = format!("start each {key} with a line `[[{key}]]`");
        let DeValue::Array(list) = found.get_ref() else {
            let message = format!("`{key}` is {}, not a list of tables", kind(found.get_ref()));
            out.report(&self.place(found.span()), message, header);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in list {
            let place = self.place(item.span());
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section { what, place, table, file: self.file }),
                None => out.report(&place, format!("`{key}` has {} in it", kind(item.get_ref())), header.clone()),
            }
        }
        sections
    }

    /// Every string under this table, with the keys that lead to it joined by dots: `a.b = "x"` and `"a.b" = "x"` are one.
    pub fn leaves(&self, example: &str, out: &mut Diagnosis) -> Vec<(Located<'f, String>, Located<'f, &'f str>)> {
        let mut leaves = Vec::new();
        for (key, value) in self.entries() {
            let place = self.place(value.span());
            match value.get_ref() {
                DeValue::String(text) => {
                    let path = Located { value: key.value.to_owned(), place: key.place };
                    leaves.push((path, Located { value: &**text, place }));
                }
                // The parser bounds the depth.
                DeValue::Table(table) => {
                    let inner = Section { what: self.what, place, table, file: self.file };
                    leaves.extend(inner.leaves(example, out).into_iter().map(|(mut path, text)| {
                        path.value = format!("{}.{}", key.value, path.value);
                        path.place.span.start = path.place.span.start.min(key.place.span.start);
                        (path, text)
                    }));
                }
                other => {
                    let message = format!("`{}` is {}, not a string", printable(key.value), kind(other));
                    out.report(&place, message, format!("write a string on the right, as in `{example}`"));
                }
            }
        }
        leaves
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

fn syntax_help(message: &str) -> &'static str {
    if message.contains("duplicate key") {
        "a name may stand once in a table: remove one of the two"
    } else {
        "texts stand in double quotes, lists in `[ ]`, a table starts with `[name]` and one of several with `[[name]]`"
    }
}
