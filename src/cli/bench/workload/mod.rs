//! A synthetic customer population with known truth, as the files that eight systems really emit.
//!
//! A person's identifiers are deliberately messy: letter case, phone formats, shared household phones, role mailboxes,
//! junk values, typos, and a few records that wrongly carry somebody else's e-mail address. Nobody is real.
//!
//! INVARIANT: the same arguments give the same bytes. Memory is about five bytes for each record and a hundred for
//! each record that changes, whatever is written.

mod history;
mod person;
mod random;
mod rows;
mod words;

use history::{Event, History, Latest, Outcome, Part, System};
use person::Population;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Files of the load, in the order in which they are read; the changes come after.
pub const LOAD_FILES: [&str; 9] = [
    "crm.ndjson",
    "shop.ndjson",
    "support.ndjson",
    "web.ndjson",
    "app.ndjson",
    "newsletter.csv",
    "social.csv",
    "firms.csv",
    "consents.ndjson",
];

/// The most records and changes together that one workload may have: 2^28.
pub const RECORDS_MAX: u64 = 1 << 28;
/// Records for each person on average.
const RECORDS_PER_PERSON: u64 = 4;
const BUFFER_BYTES: usize = 1 << 18;
const TRUTH_HEADER: &str = "source,record_id,entity_id";
const FIRMS_HEADER: &str = "domain,name,industry,employees,country";

/// A population, its records and what happens to them.
pub struct Workload {
    history: History,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records in the files of the systems.
    pub records: u64,
    /// People whom they are of.
    pub people: u64,
    /// Consents in `consents.ndjson`.
    pub consents: u64,
    /// Lines of `changes.ndjson`: the sum of the following four.
    pub changes: u64,
    /// New records among the changes.
    pub inserts: u64,
    /// Updates among them.
    pub updates: u64,
    /// Deletes among them.
    pub deletes: u64,
    /// Consents among them.
    pub consent_changes: u64,
    /// Bytes of the files of the systems and of the consents.
    pub load_bytes: u64,
    /// Bytes of `changes.ndjson`.
    pub changes_bytes: u64,
}

impl Workload {
    /// A workload of as many records, then as many changes. There is at least one record, and together they are at
    /// most [`RECORDS_MAX`]; what is beyond is cut.
    pub fn new(records: u64, changes: u64, seed: u64) -> Self {
        let records = records.clamp(1, RECORDS_MAX);
        let changes = changes.min(RECORDS_MAX - records);
        let people = (records / RECORDS_PER_PERSON).max(1);
        Self { history: History { population: Population::new(seed, records, people), records, changes } }
    }

    /// Writes `crm`, `shop`, `support`, `web`, `app` and `consents` as `.ndjson`, `newsletter`, `social` and `firms`
    /// as `.csv`, `changes.ndjson`, and who the records are of before and after the changes: `truth.csv` and
    /// `truth_after.csv` (source, record_id, entity_id). The folder must exist; files in it are replaced.
    ///
    /// # Errors
    /// When a file cannot be created or written.
    pub fn write(&self, directory: &Path) -> io::Result<Summary> {
        let (history, population) = (&self.history, &self.history.population);
        let mut files = Files::create(directory)?;
        let mut changes = Output::create(directory, "changes.ndjson", None)?;
        let mut truth = Output::create(directory, "truth.csv", Some(TRUTH_HEADER))?;
        let mut summary = Summary { records: history.records, people: population.people, ..Summary::default() };
        let outcome = history.replay(|part, event| {
            summary.count(part, &event);
            if part == Part::Load {
                if let Event::Arrival { record, .. } = &event {
                    truth.line(|out| write_truth(population, out, record))?;
                }
                return files.write(population, &event);
            }
            changes.line(|out| {
                out.push_str("{\"source\":\"");
                out.push_str(source_of(&event));
                out.push_str("\",\"event\":");
                write_event(population, out, &event);
                out.push('}');
            })
        })?;
        summary.load_bytes = files.finish(population)?;
        summary.changes_bytes = changes.finish()?;
        truth.finish()?;
        self.write_survivors(&mut Output::create(directory, "truth_after.csv", Some(TRUTH_HEADER))?, &outcome)?;
        Ok(summary)
    }

    /// Writes what there is after the changes as files of the same kind: each surviving record once, in the order of
    /// first arrival, with its latest contents, time and log position; all consents; `truth.csv`. A fresh load of
    /// these gives the same partition of records and the same values as the load and the changes.
    ///
    /// # Errors
    /// When a file cannot be created or written.
    pub fn write_final(&self, directory: &Path) -> io::Result<Summary> {
        let (history, population) = (&self.history, &self.history.population);
        let outcome = history.replay(|_, _| Ok(()))?;
        let mut files = Files::create(directory)?;
        let mut summary = Summary { people: population.people, ..Summary::default() };
        history.replay(|_, event| {
            let event = match event {
                Event::Update { .. } | Event::Delete { .. } => return Ok(()),
                Event::Consent(_) => event,
                Event::Arrival { index, record, slot, moment } => match outcome.latest(index) {
                    None => Event::Arrival { index, record, slot, moment },
                    Some(Latest::Contents { slot, moment }) => Event::Arrival { index, record, slot, moment },
                    Some(Latest::Deleted) => return Ok(()),
                },
            };
            summary.count(Part::Load, &event);
            files.write(population, &event)
        })?;
        summary.load_bytes = files.finish(population)?;
        self.write_survivors(&mut Output::create(directory, "truth.csv", Some(TRUTH_HEADER))?, &outcome)?;
        summary.records =
            (0..outcome.arrived()).filter(|i| !matches!(outcome.latest(*i), Some(Latest::Deleted))).count() as u64;
        Ok(summary)
    }

    fn write_survivors(&self, truth: &mut Output, outcome: &Outcome) -> io::Result<()> {
        for index in 0..outcome.arrived() {
            if !matches!(outcome.latest(index), Some(Latest::Deleted)) {
                let (record, _) = self.history.record(outcome, index);
                truth.line(|out| write_truth(&self.history.population, out, &record))?;
            }
        }
        truth.finish().map(|_| ())
    }
}

impl Summary {
    fn count(&mut self, part: Part, event: &Event) {
        if part == Part::Load {
            self.consents += u64::from(matches!(event, Event::Consent(_)));
            return;
        }
        self.changes += 1;
        *match event {
            Event::Arrival { .. } => &mut self.inserts,
            Event::Update { .. } => &mut self.updates,
            Event::Delete { .. } => &mut self.deletes,
            Event::Consent(_) => &mut self.consent_changes,
        } += 1;
    }
}

fn source_of(event: &Event) -> &'static str {
    match event {
        Event::Arrival { record, .. } | Event::Update { record, .. } | Event::Delete { record, .. } => {
            record.system.name()
        }
        Event::Consent(_) => "consents",
    }
}

/// Writes an event as it stands in the file of its source.
fn write_event(population: &Population, out: &mut String, event: &Event) {
    match event {
        Event::Arrival { record, slot, moment, .. } => population.write_arrival(out, record, *slot, *moment),
        Event::Update { record, before, slot, moment } => {
            population.write_debezium(out, record, Some(*before), Some(*slot), *moment);
        }
        Event::Delete { record, before, moment } => {
            population.write_debezium(out, record, Some(*before), None, *moment);
        }
        Event::Consent(consent) => population.write_consent(out, consent),
    }
}

fn write_truth(population: &Population, out: &mut String, record: &history::Record) {
    use std::fmt::Write as _;
    out.push_str(record.system.name());
    out.push(',');
    population.write_id(out, record);
    let _ = write!(out, ",{}", record.person);
}

/// The files of the systems and of the consents, and that of the firms.
struct Files {
    systems: [Output; 7],
    consents: Output,
    firms: Output,
}

impl Files {
    fn create(directory: &Path) -> io::Result<Self> {
        let open = |name, header| Output::create(directory, name, header);
        Ok(Self {
            // In the order of `System`.
            systems: [
                open("crm.ndjson", None)?,
                open("shop.ndjson", None)?,
                open("support.ndjson", None)?,
                open("web.ndjson", None)?,
                open("app.ndjson", None)?,
                open("newsletter.csv", Some(rows::NEWSLETTER_HEADER))?,
                open("social.csv", Some(rows::SOCIAL_HEADER))?,
            ],
            consents: open("consents.ndjson", None)?,
            firms: open("firms.csv", Some(FIRMS_HEADER))?,
        })
    }

    fn write(&mut self, population: &Population, event: &Event) -> io::Result<()> {
        let system = |system: System| system as usize;
        let output = match event {
            Event::Arrival { record, .. } | Event::Update { record, .. } | Event::Delete { record, .. } => {
                &mut self.systems[system(record.system)]
            }
            Event::Consent(_) => &mut self.consents,
        };
        output.line(|out| write_event(population, out, event))
    }

    /// Writes the firms that people of the load work for, in the order of their domains, and flushes. Returns the
    /// bytes of all files.
    fn finish(mut self, population: &Population) -> io::Result<u64> {
        let mut employs = vec![false; population.firms().end as usize];
        for person in 0..population.people {
            employs[population.person(person).firm as usize] = true;
        }
        let mut firms: Vec<String> =
            population.firms().filter(|firm| employs[*firm as usize]).map(|firm| format!("{firm}.")).collect();
        firms.sort_unstable();
        for firm in firms {
            let number = firm.trim_end_matches('.').parse().expect("it was made of a number");
            self.firms.line(|out| population.write_firm(out, number))?;
        }
        let outputs = self.systems.iter_mut().chain([&mut self.consents, &mut self.firms]);
        outputs.map(Output::finish).sum()
    }
}

/// A file that is written line by line.
struct Output {
    file: BufWriter<File>,
    line: String,
    size_bytes: u64,
}

impl Output {
    fn create(directory: &Path, name: &str, header: Option<&str>) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, File::create(directory.join(name))?);
        let mut output = Self { file, line: String::new(), size_bytes: 0 };
        if let Some(header) = header {
            output.line(|out| out.push_str(header))?;
        }
        Ok(output)
    }

    /// Writes what `write` puts in the buffer, and the end of the line.
    fn line(&mut self, write: impl FnOnce(&mut String)) -> io::Result<()> {
        self.line.clear();
        write(&mut self.line);
        self.line.push('\n');
        self.size_bytes += self.line.len() as u64;
        self.file.write_all(self.line.as_bytes())
    }

    fn finish(&mut self) -> io::Result<u64> {
        self.file.flush()?;
        Ok(self.size_bytes)
    }
}
