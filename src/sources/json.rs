//! A strict reader of one JSON document (RFC 8259) that never builds a tree: it walks the text and says where each
//! value stands, so that what is not wanted costs a scan and no memory.
//!
//! It never recurses, never allocates and never reads past [`DEPTH_MAX`] open brackets, in parts that are skipped as
//! well. Numbers are spans of text, so digits beyond `i64` and `f64` stay as they were written.
//!
//! INVARIANT: `at` stands on a character boundary of `text` whenever a method returns `Ok`.

use super::Refusal;

/// How many brackets may be open at once.
pub(super) const DEPTH_MAX: u32 = 64;

/// What a value is and where it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub kind: Kind,
    pub start: u32,
    pub end: u32,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    /// The span is what stands between the quotes and holds no escape.
    Text,
    /// The span is what stands between the quotes, still to be unescaped.
    Escaped,
    Object,
    Array,
}

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

impl<'a> Reader<'a> {
    /// Reads `text`, which is at most `u32::MAX` bytes long.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The whole text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// What is not read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Where the reader stands, in bytes.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes on behind bytes of [`rest`](Self::rest) that the caller knows to be a whole key and its colon.
    #[inline]
    pub fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The next byte that is not white space; 0 at the end, which JSON allows nowhere outside a string.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(&byte) => return byte,
                None => return 0,
            }
        }
    }

    /// Refuses anything but white space up to the end.
    pub fn end(&mut self) -> Result<(), Refusal> {
        self.peek();
        if self.at == self.text.len() { Ok(()) } else { Err(self.fault()) }
    }

    /// That the text is wrong where the reader stands.
    #[cold]
    pub fn fault(&self) -> Refusal {
        Refusal::Json { offset: self.at }
    }

    /// Enters the object that [`peek`](Self::peek) has seen; `false` when it is empty and left already.
    #[inline]
    pub fn enter_object(&mut self) -> Result<bool, Refusal> {
        self.open()?;
        if self.peek() == b'}' {
            self.close();
            return Ok(false);
        }
        Ok(true)
    }

    /// Goes on behind a value in an object: `true` when another key follows, `false` when the object is left.
    #[inline]
    pub fn next_member(&mut self) -> Result<bool, Refusal> {
        match self.peek() {
            b',' => {
                self.at += 1;
                self.peek();
                Ok(true)
            }
            b'}' => {
                self.close();
                Ok(false)
            }
            _ => Err(self.fault()),
        }
    }

    /// A key and the colon behind it.
    #[inline]
    pub fn key(&mut self) -> Result<Span, Refusal> {
        if self.peek() != b'"' {
            return Err(self.fault());
        }
        let key = self.string()?;
        if self.peek() != b':' {
            return Err(self.fault());
        }
        self.at += 1;
        Ok(key)
    }

    /// Reads over one value, whatever it is.
    #[inline]
    pub fn value(&mut self) -> Result<Span, Refusal> {
        match self.peek() {
            open @ (b'{' | b'[') => {
                let start = self.at;
                self.skip_container()?;
                Ok(self.span(if open == b'{' { Kind::Object } else { Kind::Array }, start, self.at))
            }
            first => self.scalar(first),
        }
    }

    #[inline]
    fn scalar(&mut self, first: u8) -> Result<Span, Refusal> {
        match first {
            b'"' => self.string(),
            b't' => self.literal(b"true", Kind::Boolean),
            b'f' => self.literal(b"false", Kind::Boolean),
            b'n' => self.literal(b"null", Kind::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(self.fault()),
        }
    }

    /// Reads over the container at the reader without recursion; one bit a level says whether it is an object.
    fn skip_container(&mut self) -> Result<(), Refusal> {
        let (mut level, mut objects) = (0u32, 0u64);
        loop {
            let first = self.peek();
            if first == b'{' || first == b'[' {
                self.open()?;
                // `open` bounds the level by 64, so each has a bit of its own.
                level += 1;
                objects = objects << 1 | u64::from(first == b'{');
                if self.peek() == first + 2 {
                    self.close();
                    level -= 1;
                    objects >>= 1;
                } else {
                    if first == b'{' {
                        self.key()?;
                    }
                    continue;
                }
            } else {
                self.scalar(first)?;
            }
            loop {
                if level == 0 {
                    return Ok(());
                }
                let in_object = objects & 1 == 1;
                match self.peek() {
                    b',' => {
                        self.at += 1;
                        if in_object {
                            self.key()?;
                        }
                        break;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return Err(self.fault()),
                }
                self.close();
                level -= 1;
                objects >>= 1;
            }
        }
    }

    #[inline]
    fn open(&mut self) -> Result<(), Refusal> {
        if self.depth == DEPTH_MAX {
            return Err(Refusal::Depth);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    #[inline]
    fn span(&self, kind: Kind, start: usize, end: usize) -> Span {
        // The text is at most `u32::MAX` bytes long, and both are places in it.
        Span { kind, start: start as u32, end: end as u32 }
    }

    #[inline]
    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<Span, Refusal> {
        if !self.rest().starts_with(word) {
            return Err(self.fault());
        }
        let start = self.at;
        self.at += word.len();
        Ok(self.span(kind, start, self.at))
    }

    #[inline]
    fn string(&mut self) -> Result<Span, Refusal> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let (mut at, mut kind) = (start, Kind::Text);
        loop {
            at += plain_run(bytes.get(at..).unwrap_or_default());
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = Kind::Escaped;
                    at += match bytes.get(at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u') if hex4(bytes.get(at + 2..).unwrap_or_default()).is_some() => 6,
                        _ => return Err(Refusal::Json { offset: at }),
                    };
                }
                _ => return Err(Refusal::Json { offset: at }),
            }
        }
        self.at = at + 1;
        Ok(self.span(kind, start, at))
    }

    fn number(&mut self) -> Result<Span, Refusal> {
        let start = self.at;
        let rest = self.rest();
        let digits = |from: usize| rest.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let mut size = usize::from(rest.first() == Some(&b'-'));
        let whole = digits(size);
        if whole == 0 || (whole > 1 && rest.get(size) == Some(&b'0')) {
            return Err(self.fault());
        }
        size += whole;
        if rest.get(size) == Some(&b'.') {
            let fraction = digits(size + 1);
            if fraction == 0 {
                return Err(self.fault());
            }
            size += 1 + fraction;
        }
        if let Some(b'e' | b'E') = rest.get(size) {
            let sign = usize::from(matches!(rest.get(size + 1), Some(b'+' | b'-')));
            let exponent = digits(size + 1 + sign);
            if exponent == 0 {
                return Err(self.fault());
            }
            size += 1 + sign + exponent;
        }
        self.at += size;
        Ok(self.span(Kind::Number, start, self.at))
    }
}

/// How many bytes at the front are neither a quote, a backslash nor a control character. Eight bytes at a time: the
/// lowest bit that either trick sets stands at a byte that truly is one, and only the lowest is looked at.
#[inline]
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let (chunks, tail) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let zero_at = |x: u64| x.wrapping_sub(ONES) & !x;
        let quotes = zero_at(word ^ (ONES * u64::from(b'"')));
        let backslashes = zero_at(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (quotes | backslashes | controls) & TOPS;
        if found != 0 {
            return index * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let plain = tail.iter().take_while(|&&byte| byte != b'"' && byte != b'\\' && byte >= 0x20).count();
    chunks.len() * 8 + plain
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    let (digits, _) = bytes.split_first_chunk::<4>()?;
    digits.iter().try_fold(0u32, |value, &byte| Some(value << 4 | char::from(byte).to_digit(16)?))
}

/// Appends what an escaped string says. `escaped` went through [`Reader`], so its escapes are well formed; what can
/// still be wrong is half a surrogate pair. `false` then, and `into` holds what came before.
pub(super) fn unescape(escaped: &str, into: &mut String) -> bool {
    let mut rest = escaped;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, tail) = rest.split_at(at);
        into.push_str(plain);
        let mut size = 2;
        let character = match tail.as_bytes().get(1) {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let Some((character, units)) = utf16(tail.as_bytes()) else { return false };
                size = 6 * units;
                character
            }
            Some(&byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            _ => return false,
        };
        into.push(character);
        let Some(next) = tail.get(size..) else { return false };
        rest = next;
    }
    into.push_str(rest);
    true
}

/// The character of `\uXXXX` or of a surrogate pair `\uXXXX\uXXXX`, and of how many escapes it is made.
pub fn utf16(bytes: &[u8]) -> Option<(char, usize)> {
    let first = hex4(bytes.get(2..)?)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 1));
    }
    let second = if bytes.get(6..8) == Some(br"\u") { hex4(bytes.get(8..)?)? } else { return None };
    let paired = (0xD800..0xDC00).contains(&first) && (0xDC00..0xE000).contains(&second);
    let character = paired.then(|| 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)).and_then(char::from_u32);
    character.map(|character| (character, 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Span, Refusal> {
        let mut reader = Reader::new(text);
        let span = reader.value()?;
        reader.end()?;
        Ok(span)
    }

    /// serde_json is the oracle: both take the same documents (below the bound of depth), and read the same strings.
    fn check_against_serde(text: &str) {
        let ours = read(text);
        if ours == Err(Refusal::Depth) {
            return;
        }
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(text);
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{text:?}: {ours:?} {theirs:?}");
        if let Ok(Span { kind: Kind::Text | Kind::Escaped, start, end }) = ours {
            let mut unescaped = String::new();
            let whole = unescape(&text[start as usize..end as usize], &mut unescaped);
            assert_eq!(whole.then_some(unescaped), serde_json::from_str::<String>(text).ok(), "{text:?}");
        }
    }

    #[test]
    fn depth_is_bounded_in_skipped_parts() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(64)).is_ok());
        assert_eq!(read(&nested(65)), Err(Refusal::Depth));
        assert_eq!(read(&"{\"a\":".repeat(1_000_000)), Err(Refusal::Depth));
    }

    #[test]
    fn strings_end_where_they_should_at_every_alignment() {
        for size in 0..40 {
            for last in ["", "é", "\u{7f}", "€", r"\u00e9", r"\ud834\udd1e", r#"\""#, r"\\", "\u{1}", r"\x", r"\ud834"]
            {
                let text = format!("\"{}{last}\"", "a".repeat(size));
                check_against_serde(&text);
                check_against_serde(&text[..text.len() - 1]);
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_on_json_like_text(text in r#"([\[\]{},:"\\ \n]|true|false|null|-?0?[0-9]{1,3}|[.eE+-]|"[a-z\\u0-9dDbB]{0,9}"|"k":){0,24}"#) {
            check_against_serde(&text);
        }

        #[test]
        fn agrees_with_serde_json_on_strings(text in r#""([ -~]|\\u[dD][89abcdefAB][0-9]{2}|\\[nrtbf/"\\]|[\x00-\x1f]|\PC){0,12}"?"#) {
            check_against_serde(&text);
        }
    }
}
