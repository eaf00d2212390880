//! Patterns with `*`, as used for file names and blocked values.
//!
//! INVARIANT: matching takes at most (length of pattern) × (length of text) steps and allocates nothing.

/// Whether `text` is matched by `pattern`, in which `*` stands for any run of characters, the empty one too.
/// Everything else stands for itself, byte for byte.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0usize, 0usize);
    // Where to take up again when what follows the last star fails: that star, and the text after what it ate.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&expected) if expected == byte => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, eaten)) = star else { return false };
                star = Some((at, eaten + 1));
                p = at + 1;
                t = eaten + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_any_run() {
        for (pattern, text, expected) in [
            ("crm.ndjson", "crm.ndjson", true),
            ("crm.ndjson", "crm-ndjson", false),
            ("crm*.ndjson", "crm.ndjson", true),
            ("crm*.ndjson", "crm-2026-11.ndjson", true),
            ("crm*.ndjson", "crm.ndjson.gz", false),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxa", false),
            ("info@*", "info@firm1.example", true),
            ("info@*", "sinfo@firm1.example", false),
            ("*", "", true),
            ("**", "é", true),
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn many_stars_on_a_long_text_end() {
        let pattern = "*a".repeat(50);
        assert!(!matches(&pattern, &"b".repeat(100_000)));
        assert!(matches(&pattern, &"a".repeat(100_000)));
    }
}
