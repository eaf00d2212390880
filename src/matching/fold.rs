//! Texts as they are compared: in ASCII lowercase letters, digits and single blanks; how far two are apart; how a word sounds.
//!
//! Transliteration is `any_ascii`'s, whose version is pinned: two spellings of one name meet in its Latin form.
//!
//! INVARIANT: what is folded consists of `a-z`, `0-9` and blanks that stand alone and never at an end; folding it again
//! changes nothing.

/// Bytes of a folded text above which the rest is cut off.
pub(super) const FOLDED_BYTES_MAX: usize = 120;
/// Bytes that [`distance`] looks at.
const COMPARED_BYTES_MAX: usize = 64;
/// Symbols of folded text: 26 letters, 10 digits, the blank, and one for anything else.
const SYMBOLS: usize = 38;

/// Appends the folded form of a text.
pub(super) fn fold(text: &str, out: &mut String) {
    let start = out.len();
    let mut blank = false;
    let mut push = |c: u8, out: &mut String| {
        if c.is_ascii_alphanumeric() {
            if blank && out.len() > start {
                out.push(' ');
            }
            blank = false;
            out.push(char::from(c.to_ascii_lowercase()));
        } else if !matches!(c, b'\'' | b'`') {
            blank = true;
        }
    };
    for c in text.chars() {
        if out.len() >= start + FOLDED_BYTES_MAX {
            break;
        }
        if c.is_ascii() {
            push(c as u8, out);
        } else {
            any_ascii::any_ascii_char(c).bytes().for_each(|byte| push(byte, out));
        }
    }
}

/// The folded form of a text.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold(text, &mut out);
    out
}

/// Appends the ASCII digits of a text.
pub(super) fn digits(text: &str, out: &mut String) {
    out.extend(text.chars().filter(char::is_ascii_digit).take(FOLDED_BYTES_MAX));
}

const fn symbol(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => (byte - b'a') as usize,
        b'0'..=b'9' => 26 + (byte - b'0') as usize,
        b' ' => 36,
        _ => 37,
    }
}

/// Symbols of all bytes, so that the inner loop is a look-up.
static SYMBOL: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut byte = 0usize;
    while byte < 256 {
        table[byte] = symbol(byte as u8) as u8;
        byte += 1;
    }
    table
};

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment), by the
/// first 64 bytes of each. Bit-parallel: H. Hyyrö, *A bit-vector algorithm for computing Levenshtein and Damerau edit
/// distances* (2002).
pub(super) fn distance(a: &[u8], b: &[u8]) -> u32 {
    let (a, b) = (head(a), head(b));
    if a.is_empty() || b.is_empty() {
        return size(a.len().max(b.len()));
    }
    let mut positions = [0u64; SYMBOLS];
    for (i, byte) in a.iter().enumerate() {
        positions[usize::from(SYMBOL[usize::from(*byte)])] |= 1 << i;
    }
    let last = 1u64 << (a.len() - 1);
    let (mut plus, mut minus, mut diagonal, mut before) = (!0u64, 0u64, 0u64, 0u64);
    let mut edits = size(a.len());
    for byte in b {
        let here = positions[usize::from(SYMBOL[usize::from(*byte)])];
        let swapped = ((!diagonal & here) << 1) & before;
        diagonal = ((here & plus).wrapping_add(plus) ^ plus) | here | minus | swapped;
        let mut right = minus | !(diagonal | plus);
        let left = diagonal & plus;
        edits += u32::from(right & last != 0);
        edits -= u32::from(left & last != 0);
        right = (right << 1) | 1;
        plus = (left << 1) | !(diagonal | right);
        minus = right & diagonal;
        before = here;
    }
    edits
}

fn head(text: &[u8]) -> &[u8] {
    &text[..text.len().min(COMPARED_BYTES_MAX)]
}

fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// How near two folded texts are that are not equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    /// One slip of the hand: one edit in four letters or more, two in eight.
    Near,
    /// At least two thirds of the letters agree.
    Similar,
    /// Anything else.
    Far,
}

/// Which symbols a text has, a bit each.
fn symbols(text: &[u8]) -> u64 {
    text.iter().fold(0, |set, byte| set | 1 << SYMBOL[usize::from(*byte)])
}

/// Edits that there are at least: one puts right two symbols at most. Much cheaper than [`distance`].
pub(super) fn distance_min(a: &[u8], b: &[u8]) -> usize {
    let differ = (symbols(a) ^ symbols(b)).count_ones() as usize;
    differ.div_ceil(2).max(a.len().abs_diff(b.len()))
}

/// How near two folded texts are.
pub(super) fn nearness(a: &[u8], b: &[u8]) -> Nearness {
    let longer = a.len().max(b.len());
    if distance_min(a, b) * 3 > longer {
        return Nearness::Far;
    }
    let edits = distance(a, b) as usize;
    match edits {
        0 => Nearness::Near,
        1 if longer >= 4 => Nearness::Near,
        2 if longer >= 8 => Nearness::Near,
        _ if edits * 3 <= longer => Nearness::Similar,
        _ => Nearness::Far,
    }
}

/// How a folded word sounds, as up to four symbols: a Soundex whose first letter is a group as well, and in which what is
/// written in two ways in many languages (`ph`/`f`, `c`/`k`, `j`/`y`/`g`, `w`/`v`) is one.
pub(super) fn sound(word: &[u8]) -> [u8; 4] {
    let mut out = [0u8; 4];
    let mut count = 0;
    let mut last = 0u8;
    for (i, byte) in word.iter().enumerate() {
        let next = word.get(i + 1).copied();
        let group = match byte {
            b'p' if next == Some(b'h') => 1,
            b'b' | b'f' | b'p' | b'v' | b'w' => 1,
            b'c' | b'g' | b'j' | b'k' | b'q' | b's' | b'x' | b'z' => 2,
            b'd' | b't' => 3,
            b'l' => 4,
            b'm' | b'n' => 5,
            b'r' => 6,
            b'0'..=b'9' => *byte,
            b'h' => continue,
            _ if i == 0 => 7,
            _ => 0,
        };
        if group != 0 && group != last {
            out[count] = group;
            count += 1;
            if count == out.len() {
                break;
            }
        }
        last = group;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_folded() {
        for (text, expected) in [
            ("  Zoë  O'Brien-Ünal ", "zoe obrien unal"),
            ("Фуад Гулієв", "fuad guliiev"),
            ("St. John's (North)", "st johns north"),
            ("!!!", ""),
        ] {
            assert_eq!(folded(text), expected);
            assert_eq!(folded(expected), expected);
        }
    }

    /// The textbook computation.
    fn naive(a: &[u8], b: &[u8]) -> u32 {
        let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                rows[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                    best = best.min(rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]));
                    if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                        best = best.min(rows[i - 2][j - 2] + 1);
                    }
                    best
                };
            }
        }
        size(rows[a.len()][b.len()])
    }

    #[test]
    fn the_distance_is_the_textbooks() {
        let mut state = 7u64;
        let mut next = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        for _ in 0..2_000 {
            let word = |next: &mut dyn FnMut(u64) -> u64| -> Vec<u8> {
                (0..next(9)).map(|_| b'a' + u8::try_from(next(4)).unwrap()).collect()
            };
            let (a, b) = (word(&mut next), word(&mut next));
            assert_eq!(distance(&a, &b), naive(&a, &b), "{a:?} {b:?}");
            assert_eq!(distance(&a, &b), distance(&b, &a));
            assert!(distance_min(&a, &b) <= distance(&a, &b) as usize);
        }
    }

    #[test]
    fn words_that_sound_alike_are_alike() {
        for (a, b) in [("smith", "smyth"), ("philip", "filip"), ("karl", "carl"), ("wagner", "vagner")] {
            assert_eq!(sound(a.as_bytes()), sound(b.as_bytes()), "{a} {b}");
        }
        assert_ne!(sound(b"smith"), sound(b"jones"));
    }
}
