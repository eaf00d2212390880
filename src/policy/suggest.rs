//! The remedy for a name that is not known: the nearest that is, and the list of them.
//!
//! INVARIANT: work is bounded by the number of known names, whatever was found.

/// How many names a remedy lists.
const NAMES_LISTED_MAX: usize = 40;

/// `did you mean …` where a known name is near, and the list of those known.
pub(super) fn suggestion<'k>(found: &str, known: impl IntoIterator<Item = &'k str>, otherwise: &str) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let mut help = String::new();
    if let Some(near) = nearest(found, &known) {
        help = format!("did you mean `{near}`? ");
    }
    if !known.is_empty() {
        let listed: Vec<String> = known.iter().take(NAMES_LISTED_MAX).map(|name| format!("`{name}`")).collect();
        let more = if known.len() > listed.len() { ", …" } else { "" };
        help.push_str(&format!("known: {}{more}", listed.join(", ")));
    }
    if !otherwise.is_empty() {
        if !help.is_empty() {
            help.push_str("; ");
        }
        help.push_str(otherwise);
    }
    help
}

/// The known name with the fewest edits, when these are at most a third of its letters.
pub fn nearest<'k>(found: &str, known: &[&'k str]) -> Option<&'k str> {
    if found.len() > 64 {
        return None;
    }
    let folded = found.to_lowercase();
    let scored = known.iter().map(|name| (distance(&folded, &name.to_lowercase()), *name));
    scored.filter(|(edits, name)| *edits <= (name.chars().count() / 3).max(1)).min().map(|(_, name)| name)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut edits = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                edits = edits.min(before[j - 2] + 1);
            }
            row.push(edits);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn edits_are_counted() {
        let of = |a, b, edits| assert_eq!(distance(a, b), edits, "{a} {b}");
        of("", "", 0);
        of("", "abc", 3);
        of("recnecy", "recency", 1);
        of("debezum", "debezium", 1);
        of("kitten", "sitting", 3);
        of("é", "e", 1);
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        assert_eq!(nearest("Formt", &["files", "format"]), Some("format"));
        assert_eq!(nearest("banana", &["files", "format"]), None);
        assert_eq!(nearest(&"x".repeat(100_000), &["x"]), None);
    }
}
