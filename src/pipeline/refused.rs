//! Which refused messages are about a person: those that name a record of hers, or hold a value by which she is known.
//!
//! They were refused because they cannot be read, so they are searched as text: in lower case, with the escapes of JSON
//! read, and for telephone numbers in whichever way their digits are grouped.

use super::quarantine::DECODED;
use super::wire::key_from_bytes;
use crate::ledger::Rejected;
use crate::model::SourceId;
use crate::sources::utf16;
use std::collections::BTreeSet;

/// Shorter values are in too many messages.
const VALUE_BYTES_MIN: usize = 5;
/// Shorter keys, and shorter keys of digits alone, are too often something else.
const KEY_BYTES_MIN: usize = 4;
const NUMBER_BYTES_MIN: usize = 6;
/// As many of the last digits of a telephone number are looked for: what comes before is written in several ways.
const PHONE_DIGITS: usize = 8;

/// Bytes of `\uXXXX`.
const ESCAPE_BYTES: usize = 6;

/// What is looked for.
#[derive(Debug, Default)]
pub(super) struct Needles {
    keys: BTreeSet<(SourceId, String)>,
    values: BTreeSet<String>,
    phones: BTreeSet<String>,
}

impl Needles {
    /// Adds the key of a record.
    pub fn key(&mut self, source: SourceId, key: &str) {
        self.keys.insert((source, key.to_owned()));
    }

    /// Adds a value that nobody else is known by.
    pub fn value(&mut self, value: &str) {
        if value.len() >= VALUE_BYTES_MIN {
            self.values.insert(value.to_lowercase());
        }
        if value.starts_with('+') {
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            if let Some(last) = digits.len().checked_sub(PHONE_DIGITS) {
                self.phones.insert(digits[last..].to_owned());
            }
        }
    }

    /// Whether a refused message has any of it.
    pub fn are_in(&self, rejected: &Rejected) -> bool {
        let text = unescaped(&String::from_utf8_lossy(&rejected.raw)).to_lowercase();
        let decoded = (rejected.input == DECODED).then(|| key_from_bytes(&rejected.raw)).flatten();
        let of_source = self.keys.iter().filter(|(source, _)| rejected.source == Some(*source));
        let mut named = of_source.map(|(_, key)| match &decoded {
            Some(decoded) => decoded == key,
            None => has_word(&text, &key.to_lowercase()),
        });
        named.any(|named| named)
            || self.values.iter().any(|value| text.contains(value))
            || !self.phones.is_empty() && {
                let grouped = |c: &char| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}');
                let text: String = text.chars().filter(grouped).collect();
                self.phones.iter().any(|digits| text.contains(digits))
            }
    }
}

/// Whether a text has a key in it that is no part of a longer word, and that is long enough to be nothing else.
fn has_word(text: &str, key: &str) -> bool {
    let is_number = key.bytes().all(|byte| byte.is_ascii_digit());
    if key.len() < if is_number { NUMBER_BYTES_MIN } else { KEY_BYTES_MIN } {
        return false;
    }
    text.match_indices(key).any(|(place, _)| {
        let (before, after) = (text[..place].chars().next_back(), text[place + key.len()..].chars().next());
        !before.into_iter().chain(after).any(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    })
}

/// A text with the escapes of characters in JSON strings read (RFC 8259, section 7), as far as they are any. Any other is
/// read as what follows the backslash, of which no identifier has any that matters.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('\\') {
        out.push_str(&rest[..place]);
        rest = &rest[place..];
        let read = if rest.starts_with("\\u") { utf16(rest.as_bytes()) } else { None };
        out.extend(read.map(|(character, _)| character));
        rest = &rest[read.map_or(1, |(_, escapes)| escapes * ESCAPE_BYTES)..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Birth;

    fn message(source: u16, raw: &str) -> Rejected {
        Rejected {
            number: Birth(0),
            source: Some(SourceId(source)),
            code: 0,
            reason: String::new(),
            input: "crm.ndjson".to_owned(),
            line: 1,
            size_bytes: raw.len() as u64,
            sha256: [0; 32],
            raw: raw.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_person_is_found_however_she_is_written() {
        let mut needles = Needles::default();
        needles.key(SourceId(1), "crm-17");
        needles.value("zora@example.com");
        needles.value("+4915112345678");
        for (source, raw, expected) in [
            (1, r#"{"id":"crm-17","name":"Zora"#, true),
            (2, r#"{"id":"crm-17","name":"Zora"#, false),
            (1, r#"{"id":"crm-170"#, false),
            (1, "xcrm-17,Zora", false),
            (2, "a;ZORA@Example.com;", true),
            (2, r#"{"email":"zora\u0040example.com""#, true),
            (2, r#"{"name":"\ud83d\ude00 \u007Aora@example.com""#, true),
            (2, r#"{"email":"other\u0040example.com""#, false),
            (2, "tel 0151 / 123 456-78", true),
            (2, "tel 0151 / 123 456-79", false),
            (2, "\u{1f600}\\", false),
            (2, r"zora\ud800@example.com \u00", false),
        ] {
            assert_eq!(needles.are_in(&message(source, raw)), expected, "{raw}");
        }
    }

    #[test]
    fn short_keys_are_not_looked_for_in_what_cannot_be_read() {
        let mut needles = Needles::default();
        for key in ["17", "2026", "a-1"] {
            needles.key(SourceId(1), key);
        }
        assert!(!needles.are_in(&message(1, "17,2026-01-02,a-1")));
    }
}
