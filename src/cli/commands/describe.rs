//! Entries of the ledger as `ledger show` prints them.

use super::record_name;
use crate::cli::output::{self, shown};
use crate::ledger::Entry;
use crate::model::{Birth, Schema};
use crate::pipeline::Reader;
use crate::report::entry::{self, Words};
use serde_json::{Value, json};

/// Where the second line of an entry that does not fit on one begins.
pub const INDENT: usize = 10;

/// An entry for people, under the rules that it was written under: its sequence, time and kind, and what it says.
pub fn text(reader: &Reader<'_>, schema: &Schema, entry: &Entry) -> String {
    let header = &entry.header;
    let time = output::time(Some(i64::from(header.time_s) * 1_000_000));
    with_words(reader, schema, |words| {
        format!("#{:<8} {time}  {:<8} {}", header.sequence, header.kind.name(), entry::says(words, &entry.content))
    })
}

/// An entry for scripts.
pub fn json(reader: &Reader<'_>, schema: &Schema, entry: &Entry) -> Value {
    let header = &entry.header;
    with_words(reader, schema, |words| {
        let mut value = json!({
            "sequence": header.sequence.0, "kind": header.kind.to_string(), "time_s": header.time_s, "run": header.run,
            "position": entry.placed.position.to_string(), "says": entry::says(words, &entry.content),
        });
        if let Some((name, content)) = entry::json(words, &entry.content) {
            value[name] = content;
        }
        value
    })
}

fn with_words<T>(reader: &Reader<'_>, schema: &Schema, tell: impl FnOnce(&Words<'_>) -> T) -> T {
    let record = |birth: Birth| {
        reader.name_of(birth).map_or_else(|_| format!("record {birth}"), |record| shown(&record_name(&record)))
    };
    tell(&Words { schema, record: &record, shown })
}
