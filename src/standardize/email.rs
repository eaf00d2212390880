//! E-mail addresses in the one form under which a mailbox is known; the policy and its grounds stand in `EMAIL.md`.
//!
//! Accepted is what reaches a mailbox from a web form: a dot-atom or a quoted string of RFC 5321 (or RFC 6531) at a domain
//! of two labels or more. Comments, address literals and obsolete forms are refused. The local part is lowercased, the domain written in A-labels;
//! dots and tags are dropped only for providers that say that they ignore them.

use super::{Reason, domain, text};
use email_address::EmailAddress;

/// RFC 5321, 4.5.3.1.1.
const LOCAL_SIZE_MAX: usize = 64;

/// RFC 5321, 4.5.3.1.3, less the angle brackets.
const ADDRESS_SIZE_MAX: usize = 254;

/// Reads an address.
pub(super) fn email(raw: &str, out: &mut String) -> Result<(), Reason> {
    // Only blanks are trimmed: a line break at the end is a broken field, and invalid by RFC 5322.
    let raw = raw.trim_matches([' ', '\t', '\u{a0}', '\u{3000}']);
    if raw.is_ascii() {
        return address(raw, out);
    }
    let mut visible = String::with_capacity(raw.len());
    visible.extend(raw.chars().filter(|c| c.is_control() || c.is_whitespace() || !text::is_hidden(*c)));
    text::compose(&mut visible, 0);
    address(visible.trim_matches([' ', '\t']), out)
}

fn address(raw: &str, out: &mut String) -> Result<(), Reason> {
    if raw.len() > 4 * ADDRESS_SIZE_MAX {
        return Err(Reason::TooLong);
    }
    let Some((local, host)) = raw.rsplit_once('@') else {
        return Err(if text::is_placeholder(raw) { Reason::Placeholder } else { Reason::EmailSyntax });
    };
    if text::has_hidden(raw) {
        return Err(Reason::HiddenCharacters);
    }
    if local.is_empty() || host.is_empty() {
        return Err(Reason::EmailSyntax);
    }
    let start = out.len();
    if is_dot_atom(local) {
        push_lowercase(local, out);
    } else {
        push_quoted(local, out).ok_or(Reason::EmailSyntax)?;
    }
    let local_size = out.len() - start;
    if local_size > LOCAL_SIZE_MAX {
        return Err(Reason::TooLong);
    }
    out.push('@');
    let host_start = out.len();
    domain::host(host, out).ok_or(Reason::EmailDomain)?;
    if out.len() - start > ADDRESS_SIZE_MAX {
        return Err(Reason::TooLong);
    }
    // Other scripts are judged by a second opinion as well; for ASCII the rules above are the stricter ones.
    if !local.is_ascii() && !EmailAddress::is_valid(&out[start..]) {
        return Err(Reason::EmailSyntax);
    }
    fold_provider(out, start, host_start)
}

/// RFC 5322 `dot-atom-text`, with the characters above ASCII that RFC 6532 adds; those that are blank were refused before.
fn is_dot_atom(local: &str) -> bool {
    let mut last = b'.';
    for byte in local.bytes() {
        let atom = byte.is_ascii_alphanumeric() || byte >= 0x80 || b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
        if !(atom || byte == b'.' && last != b'.') {
            return false;
        }
        last = byte;
    }
    last != b'.' && (local.is_ascii() || !local.chars().any(char::is_whitespace))
}

/// RFC 5321 `Quoted-string` of printable ASCII: written without quotes where it needs none, else with as few escapes as
/// can be.
fn push_quoted(local: &str, out: &mut String) -> Option<()> {
    let inner = local.strip_prefix('"')?.strip_suffix('"')?;
    let mut content = String::with_capacity(inner.len());
    let mut bytes = inner.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'\\' => bytes.next()?,
            b'"' => return None,
            other => other,
        };
        if !matches!(byte, b' '..=b'~') {
            return None;
        }
        content.push(char::from(byte.to_ascii_lowercase()));
    }
    if is_dot_atom(&content) {
        out.push_str(&content);
        return Some(());
    }
    if content.trim().is_empty() {
        return None;
    }
    out.push('"');
    for character in content.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    Some(())
}

fn push_lowercase(local: &str, out: &mut String) {
    let start = out.len();
    if local.is_ascii() {
        out.push_str(local);
        out[start..].make_ascii_lowercase();
    } else {
        // The dotted capital I becomes i and a combining dot otherwise, which nobody types.
        out.extend(local.chars().flat_map(|c| if c == 'İ' { 'i'.to_lowercase() } else { c.to_lowercase() }));
        text::compose(out, start);
    }
}

/// How a provider reads the local part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    /// Dots and what follows a `+` are ignored.
    Google,
    /// What follows a `+` is ignored.
    Tagged,
    /// Only the names of the domain are alike.
    Yandex,
}

fn provider(host: &str) -> Option<Provider> {
    match host {
        "gmail.com" | "googlemail.com" => Some(Provider::Google),
        "outlook.com" | "hotmail.com" | "live.com" | "msn.com" | "icloud.com" | "me.com" | "hotmail.co.uk"
        | "hotmail.de" | "hotmail.fr" | "hotmail.es" | "hotmail.it" | "hotmail.nl" | "hotmail.be" | "hotmail.ca"
        | "hotmail.com.br" | "hotmail.com.ar" | "hotmail.co.jp" | "hotmail.se" | "hotmail.no" | "hotmail.dk"
        | "hotmail.fi" | "hotmail.gr" | "live.co.uk" | "live.de" | "live.fr" | "live.it" | "live.nl" | "live.be"
        | "live.ca" | "live.com.mx" | "live.com.au" | "live.com.pt" | "live.se" | "live.no" | "live.dk" | "live.ie"
        | "live.at" | "live.jp" | "live.cn" | "outlook.co.uk" | "outlook.de" | "outlook.fr" | "outlook.es"
        | "outlook.it" | "outlook.be" | "outlook.at" | "outlook.ie" | "outlook.pt" | "outlook.dk" | "outlook.jp"
        | "outlook.com.br" | "outlook.com.ar" | "outlook.com.au" | "windowslive.com" => Some(Provider::Tagged),
        "yandex.ru" | "yandex.com" | "yandex.by" | "yandex.kz" | "yandex.ua" | "ya.ru" => Some(Provider::Yandex),
        _ => None,
    }
}

/// Rewrites `local@host` from `start` as the provider understands it.
fn fold_provider(out: &mut String, start: usize, host_start: usize) -> Result<(), Reason> {
    let Some(provider) = provider(&out[host_start..]) else { return Ok(()) };
    let local = &out[start..host_start - 1];
    let quoted = local.starts_with('"');
    match provider {
        Provider::Google if quoted => {
            out.truncate(host_start);
            out.push_str("gmail.com");
        }
        Provider::Tagged if quoted => {}
        Provider::Yandex => {
            out.truncate(host_start);
            out.push_str("yandex.ru");
        }
        Provider::Tagged => {
            if let Some(tag) = local.find('+') {
                if tag == 0 {
                    return Err(Reason::EmailSyntax);
                }
                out.replace_range(start + tag..host_start - 1, "");
            }
        }
        Provider::Google => {
            let base = local.split('+').next().unwrap_or(local);
            let folded: String = base.chars().filter(|c| *c != '.').collect();
            if folded.is_empty() {
                return Err(Reason::EmailSyntax);
            }
            out.truncate(start);
            out.push_str(&folded);
            out.push_str("@gmail.com");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: Result<&str, Reason>) {
        let mut out = "before ".to_owned();
        let result = email(raw, &mut out);
        assert_eq!(result.map(|()| out["before ".len()..].to_owned()), expected.map(str::to_owned), "{raw}");
    }

    #[test]
    fn addresses() {
        check(" Ada@Example.COM ", Ok("ada@example.com"));
        check("A.D.A+news@GoogleMail.com", Ok("ada@gmail.com"));
        check("a.d.a+news@hotmail.co.uk", Ok("a.d.a@hotmail.co.uk"));
        check("ada+news@example.com", Ok("ada+news@example.com"));
        check("ada-news@yahoo.com", Ok("ada-news@yahoo.com"));
        check("ada@ya.ru", Ok("ada@yandex.ru"));
        check("Ada@MÜNCHEN.de", Ok("ada@xn--mnchen-3ya.de"));
        check("Jose\u{301}@example.com", Ok("josé@example.com"));
        check("ada\u{200b}@example.com", Ok("ada@example.com"));
        check("ada@example.com\n", Err(Reason::HiddenCharacters));
        check("\"A b\"@example.com", Ok("\"a b\"@example.com"));
        check("\"ada\"@example.com", Ok("ada@example.com"));
        check("\"a\\ \\\"b\"@example.com", Ok("\"a \\\"b\"@example.com"));
        check("\"a@b\"@googlemail.com", Ok("\"a@b\"@gmail.com"));
        check("\"\"@example.com", Err(Reason::EmailSyntax));
        check("\"ada@example.com", Err(Reason::EmailSyntax));
        check("\"ada\\\"@example.com", Err(Reason::EmailSyntax));
        check("ada@localhost", Err(Reason::EmailDomain));
        check("ada@[127.0.0.1]", Err(Reason::EmailDomain));
        check("ada@example.com, bob@example.com", Err(Reason::EmailSyntax));
        check("+tag@gmail.com", Err(Reason::EmailSyntax));
        check("ada", Err(Reason::EmailSyntax));
        check("N/A", Err(Reason::Placeholder));
        check(&format!("{}@example.com", "a".repeat(65)), Err(Reason::TooLong));
    }
}
