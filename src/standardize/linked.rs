//! Values as JSON-LD writes them: a text, `{ "@id": … }`, `{ "@type": … }`, `{ "@value": … }`, or a list of those.
//!
//! Nothing is looked up: an IRI is a word like any other. A member that stands twice in an object counts twice, so that
//! nothing of what a receipt says is passed over.

use crate::model::CellKind;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The words by which one thing is named: its text, or its `@id` and each `@type`.
pub(super) type Words = Vec<String>;

/// A JSON value; of numbers, booleans and null only that they are there.
enum Node {
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
    Other,
}

/// What a cell names, one item for each thing; of an object that has members of `through`, what they name. Things whose
/// only word is in `passed` are none; one without a word is an item of no words. `None`: it is no JSON.
pub(super) fn items(kind: CellKind, raw: &str, through: &[&str], passed: &[&str]) -> Option<Vec<Words>> {
    if kind != CellKind::Json {
        return Some(vec![vec![raw.to_owned()]]);
    }
    let mut items = Vec::new();
    collect(serde_json::from_str(raw).ok()?, through, &mut items);
    items.retain(|words| !matches!(words.as_slice(), [word] if passed.contains(&word.as_str())));
    items.sort_unstable();
    items.dedup();
    Some(items)
}

fn collect(node: Node, through: &[&str], items: &mut Vec<Words>) {
    match node {
        Node::Text(text) => items.push(vec![text]),
        Node::List(nodes) => nodes.into_iter().for_each(|node| collect(node, through, items)),
        Node::Other => items.push(Vec::new()),
        Node::Object(members) => {
            let (inner, own): (Vec<_>, Vec<_>) =
                members.into_iter().partition(|(name, _)| through.contains(&name.as_str()));
            if inner.is_empty() {
                items.push(own.into_iter().flat_map(|(name, node)| words(&name, node)).collect());
            }
            inner.into_iter().for_each(|(_, node)| collect(node, through, items));
        }
    }
}

/// The words that a member of an object adds.
fn words(name: &str, node: Node) -> Words {
    match (name, node) {
        ("@id" | "@type", Node::Text(text)) => vec![text],
        ("@type", Node::List(nodes)) => {
            let text = |node| if let Node::Text(text) = node { Some(text) } else { None };
            nodes.into_iter().filter_map(text).collect()
        }
        _ => Words::new(),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Nodes)
    }
}

struct Nodes;

impl<'de> Visitor<'de> for Nodes {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = object.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_read() {
        let check = |raw: &str, expected: Option<&[&[&str]]>| {
            let found = items(CellKind::Json, raw, &["has", "in"], &["Process"]);
            let found: Option<Vec<Vec<&str>>> = found
                .as_ref()
                .map(|items| items.iter().map(|words| words.iter().map(String::as_str).collect()).collect());
            let expected = expected.map(|items| items.iter().map(|words| words.to_vec()).collect());
            assert_eq!(found, expected, "{raw}");
        };
        check(r#""a""#, Some(&[&["a"]]));
        check(r#"{"@id":"a","other":"x"}"#, Some(&[&["a"]]));
        check(r#"{"@type":["a","b"],"@id":"c"}"#, Some(&[&["a", "b", "c"]]));
        check(r#"["a",{"@id":"b"},"a"]"#, Some(&[&["a"], &["b"]]));
        check(r#"[{"@type":"Process","has":"a"},{"@type":"Process"}]"#, Some(&[&["a"]]));
        check(r#"{"in":{"has":"a"},"in":{"has":"b"},"has":"c"}"#, Some(&[&["a"], &["b"], &["c"]]));
        check(r#"{"else":"x"}"#, Some(&[&[]]));
        check("[1,null]", Some(&[&[]]));
        check("[]", Some(&[]));
        check("{", None);
        check(&"[".repeat(1_000_000), None);
    }
}
