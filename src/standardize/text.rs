//! Cleaning that all text goes through: invisible characters, white space, NFC; and what is junk.
//!
//! Control characters that separate (tab, line feed, …) become blanks, all other control, zero-width, bidirectional and
//! blank filler characters are removed. Identifiers, where a removed character could make two different ones equal,
//! are refused instead (see `opaque` and `email`).

use super::Reason;
use super::words::Words;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// How software writes that there is no value.
static ABSENT: Words =
    Words::new(&["null", "(null)", "<null>", "\\n", "nil", "nan", "undefined", "n/a", "#n/a", "[object object]"]);

/// What people write where there is none.
static PLACEHOLDERS: Words = Words::new(&[
    "none",
    "na",
    "n.a.",
    "n.a",
    "unknown",
    "unknow",
    "not known",
    "unbekannt",
    "inconnu",
    "desconocido",
    "desconhecido",
    "test",
    "testing",
    "test test",
    "tester",
    "tbd",
    "tba",
    "xx",
    "xxx",
    "xxxx",
    "xxxxx",
    "xxx xxx",
    "asdf",
    "asdfasdf",
    "qwerty",
    "anonymous",
    "anonym",
    "not provided",
    "not available",
    "no name",
    "noname",
    "not given",
    "blank",
    "empty",
    "void",
    "dummy",
    "unnamed",
    "no value",
    "not set",
    "missing",
    "withheld",
]);

/// Raw text above this is not looked at.
pub(super) const RAW_SIZE_MAX: usize = 8 * 1024;

/// No standardised value is longer than this.
pub(super) const VALUE_SIZE_MAX: usize = 1024;

/// Appends `raw` in NFC, without characters that cannot be seen, each run of white space as one blank and none at the ends.
pub(super) fn clean(raw: &str, out: &mut String) {
    if raw.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        let trimmed = raw.trim_matches(' ');
        if !trimmed.as_bytes().windows(2).any(|pair| pair == b"  ") {
            out.push_str(trimmed);
            return;
        }
    }
    let start = out.len();
    let mut blank = false;
    for character in raw.chars() {
        if character.is_whitespace() {
            blank = true;
        } else if !is_hidden(character) {
            if blank && out.len() > start {
                out.push(' ');
            }
            blank = false;
            out.push(character);
        }
    }
    compose(out, start);
}

/// Puts what stands from `start` in NFC.
pub(super) fn compose(out: &mut String, start: usize) {
    let tail = &out[start..];
    if tail.is_ascii() || is_nfc_quick(tail.chars()) == IsNormalized::Yes {
        return;
    }
    let composed: String = tail.nfc().collect();
    out.truncate(start);
    out.push_str(&composed);
}

/// Whether a character leaves nothing on the page: control, format, bidirectional and filler characters.
pub(super) fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    matches!(character,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a text has control characters, white space other than blanks, or characters that cannot be seen.
pub(super) fn has_hidden(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().any(|byte| byte.is_ascii_control());
    }
    text.chars().any(|c| is_hidden(c) || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Free text: cleaned, and refused where it only says that there is none.
pub(super) fn text(raw: &str, out: &mut String) -> Result<(), Reason> {
    let start = out.len();
    clean(raw, out);
    if is_absent(&out[start..]) { Err(Reason::Placeholder) } else { Ok(()) }
}

/// Whether a text is how software writes that there is no value, or consists of signs that stand for nothing.
pub(super) fn is_absent(text: &str) -> bool {
    const SIGNS: &[u8] = b"-.?_*#/\\";
    if text.bytes().all(|byte| SIGNS.contains(&byte)) && text.len() <= 8 {
        return !text.is_empty();
    }
    ABSENT.contains(text)
}

/// Whether a text is what people write where they have to write something.
pub fn is_placeholder(text: &str) -> bool {
    is_absent(text) || PLACEHOLDERS.contains(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &str) {
        let mut out = "kept ".to_owned();
        clean(raw, &mut out);
        assert_eq!(out, format!("kept {expected}"));
    }

    #[test]
    fn cleaning() {
        check("", "");
        check("  a  b\tc\r\n", "a b c");
        check("\u{a0}a\u{3000}b\u{2028}", "a b");
        check("a\u{200b}b\u{202e}c\u{feff}\u{0}\u{7}", "abc");
        check("e\u{301}", "\u{e9}");
        check("\u{212b}", "\u{c5}");
        check(" \u{200b} ", "");
        check("a \u{200b} b", "a b");
    }

    #[test]
    fn junk() {
        for junk in ["null", "NULL", "(null)", "N/A", "undefined", "-", "--", ".", "?", "???", "NaN"] {
            assert!(is_absent(junk) && is_placeholder(junk), "{junk}");
        }
        for junk in ["none", "Unknown", "xxx", "TEST"] {
            assert!(!is_absent(junk) && is_placeholder(junk), "{junk}");
        }
        for value in ["", "Ada", "a", "nullable", "a rather long text with null in it", "é"] {
            assert!(!is_absent(value) && !is_placeholder(value), "{value}");
        }
    }
}
