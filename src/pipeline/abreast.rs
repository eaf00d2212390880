//! Two sorted lists side by side.
//!
//! INVARIANT: each row of either list comes once, in the order of the keys, beside the row of the other list with its key.

use std::cmp::Ordering;
use std::iter::from_fn;

/// The rows of two lists that are sorted by a key, which no two rows of one list have in common.
pub(super) fn abreast<'r, T, K: Ord>(
    old: &'r [T],
    new: &'r [T],
    key: impl Fn(&T) -> K,
) -> impl Iterator<Item = (Option<&'r T>, Option<&'r T>)> {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    from_fn(move || {
        let pair = match (old.peek(), new.peek()) {
            (Some(was), Some(is)) => match key(was).cmp(&key(is)) {
                Ordering::Less => (old.next(), None),
                Ordering::Equal => (old.next(), new.next()),
                Ordering::Greater => (None, new.next()),
            },
            _ => (old.next(), new.next()),
        };
        (pair.0.is_some() || pair.1.is_some()).then_some(pair)
    })
}
