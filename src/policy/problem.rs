//! What is wrong with a bundle: each problem with its file, line, column, what was found and what to do.
//!
//! A problem quotes names and settings of the bundle, made harmless for a terminal; a bundle holds no personal data.
//!
//! INVARIANT: at most [`PROBLEMS_MAX`] problems are kept; those beyond are counted.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents};
use miette::{SourceCode, SourceSpan, SpanContents};
use std::fmt::{self, Write as _};

/// How many problems are kept of one bundle; the rest is counted.
pub const PROBLEMS_MAX: usize = 1_000;

/// How many problems are rendered with their line of source; the rest takes one line each.
const RENDERED_MAX: usize = 100;

/// Lines longer than this, in bytes, are not shown.
const EXCERPT_BYTES_MAX: usize = 240;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name of the file in the bundle; the folder, when it could not be read.
    pub file: String,
    /// Line from 1; 1 when the file as a whole is meant.
    pub line: usize,
    /// Column in characters from 1.
    pub column: usize,
    /// What was found, in one line.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// Bytes of the file that are meant; empty when the file as a whole is.
    pub span: std::ops::Range<usize>,
    excerpt: Option<Excerpt>,
}

/// The line of source that a problem stands in, at its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    file: String,
    text: String,
    start: usize,
    line: usize,
    column: usize,
}

impl Problem {
    /// A problem of a file as a whole.
    pub(super) fn of_file(file: &str, message: String, help: String) -> Self {
        Self { file: printable(file), line: 1, column: 1, message, help, span: 0..0, excerpt: None }
    }

    /// A problem at these bytes of a text, whose lines start at `line_starts` (the first at 0).
    pub(super) fn at(
        file: &str,
        text: &str,
        line_starts: &[usize],
        span: std::ops::Range<usize>,
        message: String,
        help: String,
    ) -> Self {
        let start = floor_char_boundary(text, span.start);
        let line = line_starts.partition_point(|&at| at <= start).max(1);
        let line_start = line_starts.get(line - 1).copied().unwrap_or(0);
        let rest = text.get(line_start..).unwrap_or_default();
        let source = rest.lines().next().unwrap_or_default();
        let column = text.get(line_start..start).unwrap_or_default().chars().count() + 1;
        let end = span.end.clamp(start, (line_start + source.len()).max(start));
        let excerpt = (source.len() <= EXCERPT_BYTES_MAX).then(|| Excerpt {
            file: printable(file),
            // One place more than the line has, for what is missing at its end.
            text: printable_same_size(source) + " ",
            start: line_start,
            line: line - 1,
            column: column - 1,
        });
        Self { file: printable(file), line, column, message, help, span: start..end, excerpt }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.help.is_empty()).then(|| Box::new(&self.help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.excerpt.as_ref()?;
        // At the end of a line the mark stands under the place where something is missing.
        let shown = (self.span.start, self.span.len().max(1));
        Some(Box::new(std::iter::once(LabeledSpan::underline(shown))))
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        _span: &SourceSpan,
        _lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let whole = SourceSpan::from((self.start, self.text.len()));
        let text = self.text.as_bytes();
        Ok(Box::new(MietteSpanContents::new_named(self.file.clone(), text, whole, self.line, self.column, 1)))
    }
}

/// Everything that is wrong with a bundle, in the order of files and lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    problems: Vec<Problem>,
    omitted: usize,
}

impl Problems {
    /// Sorted by file, line and column; `omitted` of them were not kept.
    pub(super) fn new(mut problems: Vec<Problem>, omitted: usize) -> Self {
        problems.sort_by(|a, b| (&a.file, a.line, a.column, &a.message).cmp(&(&b.file, b.line, b.column, &b.message)));
        problems.dedup();
        Self { problems, omitted }
    }

    /// The problems, by file and line.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.problems.iter()
    }

    /// How many problems were found, those that are not kept included.
    pub fn count(&self) -> usize {
        self.problems.len() + self.omitted
    }

    /// Laid out for a person: each problem with the line it stands in and its remedy, at the end the count.
    pub fn render(&self, colour: bool) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
        let mut out = String::new();
        for (index, problem) in self.problems.iter().enumerate() {
            if index < RENDERED_MAX {
                let start = out.len();
                if handler.render_report(&mut out, &Framed(problem)).is_err() {
                    out.truncate(start);
                    let _infallible = writeln!(out, "{problem}\n  help: {}", problem.help);
                }
                out.push('\n');
            } else {
                let _infallible = writeln!(out, "{problem}");
            }
        }
        let _infallible = match self.count() {
            1 => writeln!(out, "1 problem"),
            count if self.omitted == 0 => writeln!(out, "{count} problems"),
            count => writeln!(out, "{count} problems, {} of them not shown", self.omitted),
        };
        out
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            write!(f, "{problem}")?;
        }
        if self.omitted > 0 { write!(f, "\nand {} more problems", self.omitted) } else { Ok(()) }
    }
}

impl std::error::Error for Problems {}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A problem whose place stands above its snippet and so not in its message; without a snippet it stays there.
#[derive(Debug)]
struct Framed<'a>(&'a Problem);

impl fmt::Display for Framed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.excerpt.is_some() { f.write_str(&self.0.message) } else { self.0.fmt(f) }
    }
}

impl std::error::Error for Framed<'_> {}

impl Diagnostic for Framed<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.0.labels()
    }
}

/// A name as it may be printed: control and invisible characters escaped, at most 60 characters.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == 60 {
            out.push('…');
            break;
        }
        if c == '`' || is_unsafe_on_terminal(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// A line of source with every character that a terminal would act on replaced by one of the same size.
fn printable_same_size(line: &str) -> String {
    line.chars()
        .map(|c| match (is_unsafe_on_terminal(c) && c != '\t', c.len_utf8()) {
            (false, _) => c,
            (true, 1) => '?',
            (true, 2) => '¿',
            (true, 3) => '\u{FFFD}',
            (true, _) => '\u{1F7AE}',
        })
        .collect()
}

fn is_unsafe_on_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
        || matches!(c, '\u{E0000}'..='\u{E007F}')
}

fn floor_char_boundary(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
