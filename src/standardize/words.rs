//! Short lists of lowercase words that nearly every word is looked up in and is not found: a table of lengths by first
//! letter answers most of them without a comparison.

/// A list of words in ASCII lowercase (other characters as they are), each at most 15 bytes long.
pub(super) struct Words {
    list: &'static [&'static str],
    /// By the lower five bits of the first byte: a bit for each length that a word of the list has.
    sizes: [u16; 32],
}

impl Words {
    pub(super) const fn new(list: &'static [&'static str]) -> Self {
        let mut sizes = [0u16; 32];
        let mut at = 0;
        while at < list.len() {
            let word = list[at].as_bytes();
            assert!(!word.is_empty() && word.len() < 16, "the words of the lists are short");
            sizes[(word[0] & 31) as usize] |= 1 << word.len();
            at += 1;
        }
        Self { list, sizes }
    }

    /// Where a word stands in the list; ASCII letters are compared without case.
    pub(super) fn position(&self, word: &str) -> Option<usize> {
        let first = word.as_bytes().first()?;
        let sizes = self.sizes.get(usize::from(first & 31))?;
        if word.len() > 15 || sizes >> word.len() & 1 == 0 {
            return None;
        }
        self.list.iter().position(|known| known.eq_ignore_ascii_case(word))
    }

    /// Whether a word is in the list; ASCII letters are compared without case.
    pub(super) fn contains(&self, word: &str) -> bool {
        self.position(word).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        static WORDS: Words = Words::new(&["van", "señor", "d'"]);
        for (word, expected) in [("van", Some(0)), ("VAN", Some(0)), ("Señor", Some(1)), ("D'", Some(2))] {
            assert_eq!(WORDS.position(word), expected);
        }
        for word in ["", "va", "vans", "von", "6an", "a word that is longer than any of them"] {
            assert!(!WORDS.contains(word), "{word}");
        }
    }
}
