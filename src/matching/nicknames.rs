//! Names by which one person may be called: `Bill` and `William`, `Katya` and `Catherine`.
//!
//! The list was written by hand from common knowledge. Two names are variants when a line holds both.

use super::fold::folded;
use std::collections::HashMap;
use std::sync::LazyLock;

static GROUPS: LazyLock<HashMap<&'static str, Vec<u16>>> = LazyLock::new(|| {
    let lines = include_str!("nicknames.txt").lines().filter(|line| !line.starts_with('#'));
    let mut groups: HashMap<&'static str, Vec<u16>> = HashMap::new();
    for (number, line) in (0u16..).zip(lines) {
        for name in line.split(' ').filter(|name| !name.is_empty()) {
            let of = groups.entry(name).or_default();
            if of.last() != Some(&number) {
                of.push(number);
            }
        }
    }
    groups
});

/// The first name of each group.
static LEADERS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("nicknames.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(' ').next().unwrap_or_default()).collect()
});

/// The groups that a folded name stands in, in ascending order.
pub(super) fn groups(name: &str) -> &'static [u16] {
    GROUPS.get(name).map_or(&[], Vec::as_slice)
}

/// The name that stands for a given name: that which leads the only group it is in, else its own. Folded.
///
/// Only the first of several names counts.
pub fn formal_name(given: &str) -> String {
    let folded = folded(given);
    let first = folded.split(' ').find(|part| !part.is_empty()).unwrap_or_default();
    match groups(first) {
        [only] => LEADERS.get(usize::from(*only)).copied().unwrap_or(first).to_owned(),
        _ => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_meet_in_a_group() {
        let meet = |a: &str, b: &str| groups(a).iter().any(|group| groups(b).contains(group));
        assert!(meet("bill", "william") && meet("peggy", "margaret") && meet("katya", "catherine"));
        assert!(!meet("bill", "margaret") && !meet("", "") && !meet("zzz", "zzz"));
    }

    #[test]
    fn one_name_stands_for_a_group() {
        for (given, expected) in
            [("Bill", "william"), ("William Henry", "william"), ("Zoë", "zoe"), ("", ""), ("A.", "a")]
        {
            assert_eq!(formal_name(given), expected, "{given}");
        }
    }

    #[test]
    fn the_list_is_folded() {
        for line in include_str!("nicknames.txt").lines().filter(|line| !line.starts_with('#')) {
            assert!(line.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b' '), "{line}");
        }
    }
}
