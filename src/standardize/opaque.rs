//! Identifiers made by systems, and handles in social networks.
//!
//! An identifier is compared as it is, after trimming and NFC: case and signs mean something to the system that made it.
//! What consists of zeros only (a zeroed advertising id, a nil UUID) is nobody's. Hidden characters are refused rather
//! than removed, since removing them could make two identifiers one.

use super::{Reason, text};

/// No network allows longer handles, with server name included.
const HANDLE_SIZE_MAX: usize = 100;

/// Reads an identifier.
pub(super) fn opaque(raw: &str, out: &mut String) -> Result<(), Reason> {
    let raw = raw.trim();
    if text::has_hidden(raw) {
        return Err(Reason::HiddenCharacters);
    }
    let nobody = raw.bytes().all(|byte| matches!(byte, b'0' | b'-' | b':' | b'{' | b'}')) || raw == "-1";
    if nobody || is_no_identifier(raw) {
        return Err(Reason::Placeholder);
    }
    let start = out.len();
    out.push_str(raw);
    text::compose(out, start);
    Ok(())
}

fn is_no_identifier(raw: &str) -> bool {
    let words = ["none", "na", "unknown", "anonymous", "anon", "guest", "test", "true", "false", "xxx"];
    text::is_absent(raw) || words.iter().any(|word| word.eq_ignore_ascii_case(raw))
}

/// Reads a handle: without `@` in front, lowercase. `@ada@example.social` keeps its server.
pub(super) fn handle(raw: &str, out: &mut String) -> Result<(), Reason> {
    let handle = raw.trim().trim_start_matches('@');
    if handle.is_empty() || text::is_placeholder(handle) {
        return Err(Reason::Placeholder);
    }
    if text::has_hidden(handle) {
        return Err(Reason::HiddenCharacters);
    }
    if handle.len() > HANDLE_SIZE_MAX {
        return Err(Reason::TooLong);
    }
    let sign = |c: char| matches!(c, '_' | '-' | '.' | '@');
    let marks = |c: char| unicode_normalization::char::is_combining_mark(c);
    if !handle.chars().all(|c| c.is_alphanumeric() || sign(c) || marks(c)) || !handle.contains(char::is_alphanumeric) {
        return Err(Reason::HandleSyntax);
    }
    let start = out.len();
    if handle.is_ascii() {
        out.push_str(handle);
        out[start..].make_ascii_lowercase();
    } else {
        out.extend(handle.chars().flat_map(char::to_lowercase));
        text::compose(out, start);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reads: fn(&str, &mut String) -> Result<(), Reason>, raw: &str, expected: Result<&str, Reason>) {
        let mut out = String::new();
        assert_eq!(reads(raw, &mut out).map(|()| out.as_str()), expected, "{raw}");
    }

    #[test]
    fn identifiers() {
        check(opaque, " A00000001 ", Ok("A00000001"));
        check(opaque, "e\u{301}-1", Ok("é-1"));
        check(opaque, "a b", Ok("a b"));
        check(opaque, "a\u{200b}b", Err(Reason::HiddenCharacters));
        check(opaque, "a\nb", Err(Reason::HiddenCharacters));
        for junk in ["0", "000", "00000000-0000-0000-0000-000000000000", "-1", "null", "None", "guest"] {
            check(opaque, junk, Err(Reason::Placeholder));
        }
    }

    #[test]
    fn handles() {
        check(handle, "@Ada_Lovelace1", Ok("ada_lovelace1"));
        check(handle, "@ada@Example.Social", Ok("ada@example.social"));
        check(handle, "ada lovelace", Err(Reason::HandleSyntax));
        check(handle, "https://example.com/ada", Err(Reason::HandleSyntax));
        check(handle, "@", Err(Reason::Placeholder));
        check(handle, "@...", Err(Reason::Placeholder));
    }
}
