//! DNS domains in lowercase A-label form (RFC 1035, RFC 5890, UTS #46).
//!
//! The A-label is chosen over the U-label because it is what DNS and mail servers compare, is one spelling for all
//! ways of writing a label, and cannot be mistaken on a screen for another domain.

use super::{Reason, text};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// RFC 1035: 255 bytes on the wire are 253 characters of text.
const DOMAIN_SIZE_MAX: usize = 253;

/// Reads a domain, also from a web address.
pub(super) fn domain(raw: &str, out: &mut String) -> Result<(), Reason> {
    if text::is_placeholder(raw.trim()) {
        return Err(Reason::Placeholder);
    }
    host(host_of(raw.trim()), out).ok_or(Reason::DomainSyntax)
}

/// The host in a web address, without `www.`; anything else as it is, without the root's dot.
fn host_of(raw: &str) -> &str {
    let Some((scheme, rest)) = raw.split_once("://") else {
        return raw.strip_suffix('.').unwrap_or(raw);
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return raw;
    }
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or(rest);
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.get(..4) {
        Some(www) if www.eq_ignore_ascii_case("www.") && host[4..].contains('.') => &host[4..],
        _ => host,
    }
}

/// Appends a host name of at least two labels in canonical form, or nothing and `None` when it is none.
pub(super) fn host(raw: &str, out: &mut String) -> Option<()> {
    if raw.len() > 4 * DOMAIN_SIZE_MAX {
        return None;
    }
    if is_plain(raw) {
        let start = out.len();
        out.push_str(raw);
        out[start..].make_ascii_lowercase();
        return Some(());
    }
    // Only labels that are not plain ASCII, or say that they are encoded, need Unicode's rules.
    if raw.is_ascii() && !has_encoded_label(raw) {
        return None;
    }
    let ascii = Uts46::new().to_ascii(raw.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    let ascii = ascii.ok()?;
    if !has_host_form(&ascii) {
        return None;
    }
    out.push_str(&ascii);
    Some(())
}

fn is_plain(raw: &str) -> bool {
    raw.is_ascii() && has_host_form(raw) && !has_encoded_label(raw)
}

fn has_encoded_label(raw: &str) -> bool {
    raw.split('.').any(|label| label.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--")))
}

/// RFC 1123: two labels or more of letters, digits and inner hyphens, the last not a number.
fn has_host_form(host: &str) -> bool {
    if host.len() > DOMAIN_SIZE_MAX {
        return false;
    }
    let mut labels = 0usize;
    let mut numeric = false;
    for label in host.as_bytes().split(|byte| *byte == b'.') {
        let (Some(first), Some(last)) = (label.first(), label.last()) else { return false };
        if label.len() > 63 || *first == b'-' || *last == b'-' {
            return false;
        }
        numeric = true;
        for byte in label {
            if !byte.is_ascii_digit() {
                if !byte.is_ascii_alphabetic() && *byte != b'-' {
                    return false;
                }
                numeric = false;
            }
        }
        labels += 1;
    }
    labels >= 2 && !numeric
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: Result<&str, Reason>) {
        let mut out = String::new();
        let result = domain(raw, &mut out);
        assert_eq!(result.map(|()| out.as_str()), expected, "{raw}");
        if let Ok(canonical) = expected {
            let mut again = String::new();
            assert_eq!(domain(canonical, &mut again).map(|()| again.as_str()), expected);
        }
    }

    #[test]
    fn domains() {
        check(" Example.COM ", Ok("example.com"));
        check("example.com.", Ok("example.com"));
        check("https://www.Example.com/a?b", Ok("example.com"));
        check("http://www.com", Ok("www.com"));
        check("www.example.com", Ok("www.example.com"));
        check("münchen.de", Ok("xn--mnchen-3ya.de"));
        check("XN--MNCHEN-3YA.de", Ok("xn--mnchen-3ya.de"));
        check("例え。テスト", Ok("xn--r8jz45g.xn--zckzah"));
        check("xn--a.de", Err(Reason::DomainSyntax));
        check("firm1.example", Ok("firm1.example"));
        for bad in ["localhost", "a..b", "-a.de", "a-.de", "1.2.3.4", "a b.de", "a_b.de", ".de", "ftp://a.de", "@a.de"]
        {
            check(bad, Err(Reason::DomainSyntax));
        }
        check("n/a", Err(Reason::Placeholder));
    }
}
