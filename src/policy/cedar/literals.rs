//! The words in a policy: names of purposes, terms and categories, texts that circumstances are compared with, and which
//! circumstances it mentions at all.
//!
//! It looks at the JSON form of a policy. What it does not know there, it takes to mention everything.
//!
//! INVARIANT: the outcome of a policy depends on nothing that its [`Mentions`] leave out.

use crate::policy::bundle::Known;
use crate::policy::dpv;
use crate::policy::problem::printable;
use crate::policy::section::{Diagnosis, File};
use crate::policy::vocabulary::{AGES, BASES, CATEGORIES, CONSENTS, FLAGS, REGIMES, names};
use serde_json::Value;
use std::ops::Range;

/// What the outcome of a policy depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::policy) struct Mentions {
    /// Bits of [`crate::model::Context`].
    pub context: u16,
    /// Which purpose it is about.
    pub purpose: bool,
    /// Which category it is about.
    pub category: bool,
}

/// The groups of categories.
pub(super) const GROUPS: [&str; 2] = ["sensitive", "special"];

/// The bits of a context that a circumstance is packed into; all of them for what is none.
fn bits(circumstance: &str) -> u16 {
    match circumstance {
        "consent" | "valid" => 0x000f,
        "age" => 0x0030,
        "regime" => 0x01c0,
        _ => (9..).zip(FLAGS).find(|(_, flag)| *flag == circumstance).map_or(u16::MAX, |(place, _)| 1 << place),
    }
}

/// Reports words that there are not, and tells what the policy mentions.
pub(super) fn check(
    file: &File<'_>,
    span: Range<usize>,
    policy: &cedar_policy::Policy,
    known: &Known,
    out: &mut Diagnosis,
) -> Mentions {
    let Ok(json) = policy.to_json() else {
        // INVARIANT: a policy that was parsed has a JSON form.
        return Mentions { context: u16::MAX, purpose: true, category: true };
    };
    let mut found = Found::default();
    let scope = |name: &str| json.get(name).and_then(|scope| scope.get("op")).and_then(Value::as_str) != Some("All");
    found.mentions.purpose = scope("principal");
    found.mentions.category = scope("resource");
    found.walk(&json);
    let place = |word: &str| {
        let text = file.text().get(span.clone()).unwrap_or_default();
        let quoted = format!("\"{word}\"");
        let at = text.find(&quoted).map(|at| span.start + at..span.start + at + quoted.len());
        file.place(at.unwrap_or(span.clone()))
    };
    for (kind, name) in &found.entities {
        let terms: Vec<&str> = match kind.as_str() {
            "Purpose" if known.purposes => known.schema.purposes.iter().map(|purpose| purpose.name.as_str()).collect(),
            "DpvPurpose" => dpv::purposes().collect(),
            "Category" => names(CATEGORIES).collect(),
            "CategoryGroup" => GROUPS.to_vec(),
            // Cedar knows the others, and which types there are.
            _ => continue,
        };
        if !terms.contains(&name.as_str()) {
            let what = match kind.as_str() {
                "Purpose" => "purpose",
                "DpvPurpose" => "DPV purpose",
                "Category" => "category",
                _ => "group of categories",
            };
            out.unknown(&place(name), what, name, terms, "");
        }
    }
    for (attribute, word) in &found.compared {
        let terms = words_of(attribute);
        if !terms.iter().any(|term| term == word) {
            let what = format!("value of `{}`:", printable(attribute));
            out.unknown(&place(word), &what, word, terms.iter().map(String::as_str), "");
        }
    }
    found.mentions
}

/// What may stand in an attribute.
fn words_of(attribute: &str) -> Vec<String> {
    let owned = |words: &mut dyn Iterator<Item = &'static str>| words.map(str::to_owned).collect();
    match attribute {
        "consent" => owned(&mut CONSENTS.iter().map(|(_, term, _)| *term)),
        "age" => owned(&mut names(AGES)),
        "regime" => owned(&mut names(REGIMES)),
        "basis" => owned(&mut names(BASES)),
        _ => dpv::purposes().map(|term| format!("dpv:{term}")).collect(),
    }
}

/// What was found in a policy.
#[derive(Default)]
struct Found {
    mentions: Mentions,
    /// Type and name.
    entities: Vec<(String, String)>,
    /// Attribute and the text that it is compared with.
    compared: Vec<(String, String)>,
}

impl Found {
    /// Looks at a node and what is below it. Cedar's parser bounds the depth.
    fn walk(&mut self, node: &Value) {
        match node {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(map) => {
                if let (Some(Value::String(kind)), Some(Value::String(name))) = (map.get("type"), map.get("id")) {
                    self.entities.push((kind.clone(), name.clone()));
                }
                for (key, inner) in map {
                    self.note(key, inner);
                    // An attribute of the context mentions that attribute and not all of it.
                    if !(matches!(key.as_str(), "." | "has") && is_variable(inner.get("left"), "context")) {
                        self.walk(inner);
                    }
                }
            }
            _ => {}
        }
    }

    /// Notes what a node says by itself.
    fn note(&mut self, key: &str, inner: &Value) {
        match key {
            "Var" => match inner.as_str() {
                Some("principal") => self.mentions.purpose = true,
                Some("resource") => self.mentions.category = true,
                Some("action") => {}
                _ => self.mentions.context = u16::MAX,
            },
            "." | "has" if is_variable(inner.get("left"), "context") => {
                let attributes = inner.get("attr").and_then(Value::as_str);
                self.mentions.context |= attributes.map_or(u16::MAX, bits);
            }
            "==" | "!=" | "in" | "contains" | "containsAll" | "containsAny" => {
                let (left, right) = (inner.get("left"), inner.get("right"));
                for (attribute, other) in [(left, right), (right, left)] {
                    if let (Some(attribute), Some(other)) = (attribute.and_then(attribute_of), other) {
                        self.compare(&attribute, other);
                    }
                }
            }
            _ => {}
        }
    }

    /// Notes the texts in what an attribute is compared with.
    fn compare(&mut self, attribute: &str, other: &Value) {
        match other {
            Value::Array(items) => items.iter().for_each(|item| self.compare(attribute, item)),
            Value::Object(map) => {
                for (key, inner) in map {
                    match (key.as_str(), inner) {
                        ("Value", Value::String(text)) => self.compared.push((attribute.to_owned(), text.clone())),
                        ("Set" | "then" | "else" | "if-then-else" | "Value", inner) => self.compare(attribute, inner),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether a node is this variable.
fn is_variable(node: Option<&Value>, name: &str) -> bool {
    node.and_then(|node| node.get("Var")).and_then(Value::as_str) == Some(name)
}

/// The attribute of context or principal that a node reads, when its values are words: also as the one in a set.
fn attribute_of(node: &Value) -> Option<String> {
    if let Some(items) = node.get("Set").and_then(Value::as_array) {
        return items.iter().find_map(attribute_of);
    }
    let access = node.get(".")?;
    let attribute = access.get("attr")?.as_str()?;
    let of_context = is_variable(access.get("left"), "context") && matches!(attribute, "consent" | "age" | "regime");
    let of_purpose = is_variable(access.get("left"), "principal") && matches!(attribute, "basis" | "dpv");
    (of_context || of_purpose).then(|| attribute.to_owned())
}
