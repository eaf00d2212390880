//! The canonical values of a record and what was wrong with the others.
//!
//! INVARIANT: values ascend by (attribute, field) and their texts stand one after another in one buffer, so equal
//! records have equal parts.

use super::{Issue, Reason};
use crate::model::{AttributeId, FieldIndex};

/// The values of a record in order of (attribute, field), with the issues in order of field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standardized {
    values: Vec<Value>,
    text: String,
    issues: Vec<Issue>,
}

/// One canonical value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Of which attribute.
    pub attribute: AttributeId,
    /// The field it came from; a full name also gives values of other attributes.
    pub field: FieldIndex,
    /// Bytes of text, which stand one after another in the order of the values.
    pub size_bytes: u32,
}

impl Standardized {
    /// The values in order of (attribute, field). The first of an attribute is *the* value; all may identify.
    pub fn values(&self) -> impl Iterator<Item = (AttributeId, FieldIndex, &str)> {
        let mut start = 0usize;
        self.values.iter().map(move |value| {
            let end = start + value.size_bytes as usize;
            let text = &self.text[start..end];
            start = end;
            (value.attribute, value.field, text)
        })
    }

    /// The first value of an attribute.
    pub fn first(&self, attribute: AttributeId) -> Option<&str> {
        self.values().find(|(a, _, _)| *a == attribute).map(|(_, _, text)| text)
    }

    /// What was not taken, in order of (field, reason).
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// Puts values in the place of all that there are of their attributes, which ascend; an empty one says that there is
    /// none.
    pub fn rectify(&mut self, rectified: &[(AttributeId, String)]) {
        let old = std::mem::take(self);
        let kept = old.values().filter(|(of, _, _)| rectified.iter().all(|(attribute, _)| attribute != of));
        let set = rectified.iter().map(|(of, text)| (*of, FieldIndex::RECTIFIED, text.as_str()));
        let mut all: Vec<(AttributeId, FieldIndex, &str)> = kept.chain(set).collect();
        all.sort_by_key(|(attribute, field, _)| (*attribute, *field));
        for (attribute, field, text) in all {
            let size_bytes = u32::try_from(text.len()).expect("a value has at most 1,024 bytes");
            self.values.push(Value { attribute, field, size_bytes });
            self.text.push_str(text);
        }
        self.issues = old.issues;
    }

    /// Removes everything and keeps the memory.
    pub fn clear(&mut self) {
        self.values.clear();
        self.text.clear();
        self.issues.clear();
    }

    /// The values, the buffer of their texts, and the issues.
    pub fn parts(&self) -> (&[Value], &str, &[Issue]) {
        (&self.values, &self.text, &self.issues)
    }

    /// What [`parts`](Self::parts) gave, put together again; `None` when the values or issues are out of order, or the
    /// values do not cover the text on character boundaries.
    pub fn from_parts(values: Vec<Value>, text: String, issues: Vec<Issue>) -> Option<Self> {
        let ordered = values.windows(2).all(|pair| order(&pair[0]) <= order(&pair[1]))
            && issues.windows(2).all(|pair| pair[0] <= pair[1]);
        let mut end = 0usize;
        let bounded = values.iter().all(|value| {
            end = end.saturating_add(value.size_bytes as usize);
            text.is_char_boundary(end)
        });
        (ordered && bounded && end == text.len()).then_some(Self { values, text, issues })
    }

    /// Adds an issue.
    pub(super) fn refuse(&mut self, field: FieldIndex, reason: Reason) {
        self.issues.push(Issue { field, reason });
    }

    /// Takes over the values that a draft holds, in order, and puts the issues in order.
    pub(super) fn fill(&mut self, draft: &mut Draft) {
        draft.spans.sort_by_key(|span| (span.attribute, span.field, span.start));
        self.text.reserve(draft.text.len());
        for span in &draft.spans {
            let text = &draft.text[span.start..span.end];
            let size_bytes = u32::try_from(text.len()).expect("a value has at most 1,024 bytes");
            self.values.push(Value { attribute: span.attribute, field: span.field, size_bytes });
            self.text.push_str(text);
        }
        self.issues.sort();
    }
}

fn order(value: &Value) -> (AttributeId, FieldIndex) {
    (value.attribute, value.field)
}

/// Values in the order in which they were made, before they are put in that of [`Standardized`].
#[derive(Debug, Default)]
pub(super) struct Draft {
    spans: Vec<Span>,
    /// Canonical texts; a value is first written at the end and then kept or cut off again.
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    attribute: AttributeId,
    field: FieldIndex,
    start: usize,
    end: usize,
}

impl Draft {
    /// Removes everything and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.text.clear();
    }

    /// Keeps the text from `start` to the end of the buffer as a value.
    pub(super) fn keep(&mut self, attribute: AttributeId, field: FieldIndex, start: usize) {
        self.spans.push(Span { attribute, field, start, end: self.text.len() });
    }

    /// How many values there are.
    pub(super) fn count(&self) -> usize {
        self.spans.len()
    }

    /// Whether an attribute has a value among the first `count`.
    pub(super) fn has(&self, attribute: AttributeId, count: usize) -> bool {
        self.spans.iter().take(count).any(|span| span.attribute == attribute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(attribute: u16, field: u16, size_bytes: u32) -> Value {
        Value { attribute: AttributeId(attribute), field: FieldIndex(field), size_bytes }
    }

    #[test]
    fn parts_are_put_together_only_when_they_fit() {
        let text = || "adaé".to_owned();
        assert!(Standardized::from_parts(vec![value(0, 1, 3), value(0, 2, 2)], text(), vec![]).is_some());
        assert!(Standardized::from_parts(vec![value(0, 1, 4), value(0, 2, 1)], text(), vec![]).is_none(), "inside é");
        assert!(Standardized::from_parts(vec![value(0, 2, 3), value(0, 1, 2)], text(), vec![]).is_none(), "order");
        assert!(Standardized::from_parts(vec![value(0, 1, 3)], text(), vec![]).is_none(), "text left over");
        assert!(Standardized::from_parts(vec![value(0, 1, u32::MAX), value(0, 2, 6)], text(), vec![]).is_none());
        let issue = |field| Issue { field: FieldIndex(field), reason: Reason::Placeholder };
        assert!(Standardized::from_parts(vec![], String::new(), vec![issue(2), issue(1)]).is_none());
    }

    #[test]
    fn a_draft_is_put_in_order() {
        let mut draft = Draft::default();
        for (attribute, field, text) in [(3, 0, "c"), (1, 2, "b"), (1, 1, "a")] {
            let start = draft.text.len();
            draft.text.push_str(text);
            draft.keep(AttributeId(attribute), FieldIndex(field), start);
        }
        let mut out = Standardized::default();
        out.fill(&mut draft);
        let texts: Vec<_> = out.values().map(|(_, _, text)| text).collect();
        assert_eq!(texts, ["a", "b", "c"]);
        let (values, text, issues) = out.parts();
        assert_eq!(Standardized::from_parts(values.to_vec(), text.to_owned(), issues.to_vec()), Some(out.clone()));
    }
}
