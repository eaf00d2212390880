//! The paths that a source reads, as a tree, and one pass over a document that marks where each stands.
//!
//! Everything off the paths is read over and costs no memory. Because the lines of a source repeat the same members in
//! the same order, each level remembers the bytes of the last keys, so that a key costs one comparison.
//!
//! INVARIANT: a mark counts only when its `pass` is the present one; marks of earlier documents are never read.

use super::Refusal;
use super::json::{Kind, Reader, Span, unescape};

/// A path of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node(u32);

/// How many keys a level remembers, and how long a key may be to be remembered.
const EXPECTED_MAX: usize = 512;
const EXPECTED_BYTES_MAX: usize = 96;

/// The tree of paths with the marks of the last document.
#[derive(Clone, Debug)]
pub(super) struct Trie {
    levels: Vec<Level>,
    marks: Vec<Mark>,
    pass: u32,
    scratch: String,
}

/// What stands below a node.
#[derive(Clone, Debug, Default)]
struct Level {
    name: String,
    parent: u32,
    /// Sorted by name.
    children: Vec<(String, Node)>,
    /// The keys of the last object here, in their order.
    expected: Vec<Expected>,
}

/// A key as it was written, from its quote to its colon, and which child it names.
#[derive(Clone, Debug)]
struct Expected {
    bytes: Vec<u8>,
    child: Option<Node>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    pass: u32,
    span: Span,
}

const UNMARKED: Mark = Mark { pass: 0, span: Span { kind: Kind::Null, start: 0, end: 0 } };

impl Trie {
    /// The root of the tree.
    pub const ROOT: Node = Node(0);

    /// A tree of the root alone.
    pub fn new() -> Self {
        Self { levels: vec![Level::default()], marks: vec![UNMARKED], pass: 1, scratch: String::new() }
    }

    /// The node of a dotted path below `from`, made where it is missing.
    pub fn node(&mut self, from: Node, path: &str) -> Node {
        path.split('.').fold(from, |node, name| self.child(node, name))
    }

    /// The node of one member of `parent`, whose name may contain dots.
    pub fn child(&mut self, parent: Node, name: &str) -> Node {
        let children = &self.levels[parent.0 as usize].children;
        match children.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
            Ok(place) => children[place].1,
            Err(place) => {
                let node = Node(u32::try_from(self.levels.len()).expect("a bundle has fewer than 2^32 paths"));
                self.levels.push(Level { name: name.to_owned(), parent: parent.0, ..Level::default() });
                self.marks.push(UNMARKED);
                self.levels[parent.0 as usize].children.insert(place, (name.to_owned(), node));
                node
            }
        }
    }

    /// The node of one member of `parent`, where there is one.
    pub fn find(&self, parent: Node, name: &str) -> Option<Node> {
        let children = &self.levels[parent.0 as usize].children;
        children.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok().map(|place| children[place].1)
    }

    /// The dotted path of a node.
    pub fn path(&self, node: Node) -> String {
        let mut names = Vec::new();
        let mut at = node.0;
        while at != 0 {
            let level = &self.levels[at as usize];
            names.push(level.name.as_str());
            at = level.parent;
        }
        names.reverse();
        names.join(".")
    }

    /// The parent of a node; the root is its own.
    pub fn parent(&self, node: Node) -> Node {
        Node(self.levels[node.0 as usize].parent)
    }

    /// Forgets the marks of the last document.
    pub fn start(&mut self) {
        self.pass = self.pass.wrapping_add(1);
        if self.pass == 0 {
            // After 2^32 documents old marks could look new: they are wiped once.
            self.marks.fill(UNMARKED);
            self.pass = 1;
        }
    }

    /// Reads the value at `reader` as that of `node`, and marks what stands on paths below it.
    pub fn read(&mut self, node: Node, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        let mark = self.marks[node.0 as usize];
        if mark.pass == self.pass {
            return Err(Refusal::Duplicate { path: self.path(node) });
        }
        let span = if reader.peek() == b'{' && !self.levels[node.0 as usize].children.is_empty() {
            let start = reader.at() as u32;
            // Marked before its members are read, so that a member can't stand for it.
            self.read_members(node, reader)?;
            Span { kind: Kind::Object, start, end: reader.at() as u32 }
        } else {
            reader.value()?
        };
        self.marks[node.0 as usize] = Mark { pass: self.pass, span };
        Ok(())
    }

    fn read_members(&mut self, node: Node, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        let mut more = reader.enter_object()?;
        let mut place = 0;
        while more {
            match self.member(node, place, reader)? {
                Some(child) => self.read(child, reader)?,
                None => {
                    reader.value()?;
                }
            }
            place += 1;
            more = reader.next_member()?;
        }
        Ok(())
    }

    /// Reads a key with its colon and says which child it names.
    #[inline]
    fn member(&mut self, node: Node, place: usize, reader: &mut Reader<'_>) -> Result<Option<Node>, Refusal> {
        let expected = self.levels[node.0 as usize].expected.get(place);
        if let Some(expected) = expected.filter(|expected| reader.rest().starts_with(&expected.bytes)) {
            reader.advance(expected.bytes.len());
            return Ok(expected.child);
        }
        self.unexpected_member(node, place, reader)
    }

    fn unexpected_member(
        &mut self,
        node: Node,
        place: usize,
        reader: &mut Reader<'_>,
    ) -> Result<Option<Node>, Refusal> {
        let rest = reader.rest();
        let start = reader.at();
        let key = reader.key()?;
        let mut name = text_of(reader.text(), key);
        if key.kind == Kind::Escaped {
            self.scratch.clear();
            // A key with half of a surrogate pair is none of ours: paths are well-formed text.
            name = if unescape(name, &mut self.scratch) { &self.scratch } else { return Ok(None) };
        }
        let level = &mut self.levels[node.0 as usize];
        let found = level.children.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok();
        let child = found.map(|found| level.children[found].1);
        let bytes = rest.get(..reader.at() - start).unwrap_or_default();
        if bytes.first() == Some(&b'"') && bytes.len() <= EXPECTED_BYTES_MAX {
            let known = level.expected.len();
            match level.expected.get_mut(place) {
                Some(expected) => {
                    expected.bytes.clear();
                    expected.bytes.extend_from_slice(bytes);
                    expected.child = child;
                }
                None if place == known && place < EXPECTED_MAX => {
                    level.expected.push(Expected { bytes: bytes.to_vec(), child });
                }
                None => {}
            }
        }
        Ok(child)
    }

    /// Marks a node by hand, for formats that are not JSON.
    pub fn mark(&mut self, node: Node, span: Span) {
        self.marks[node.0 as usize] = Mark { pass: self.pass, span };
    }

    /// Where a node stands in the document; `None` when it doesn't.
    #[inline]
    pub fn get(&self, node: Node) -> Option<Span> {
        let mark = self.marks[node.0 as usize];
        (mark.pass == self.pass).then_some(mark.span)
    }

    /// Where a node stands, unless it is missing or null.
    #[inline]
    pub fn present(&self, node: Node) -> Option<Span> {
        self.get(node).filter(|span| span.kind != Kind::Null)
    }

    /// A node of this kind as it is written; enough for words and numbers, which have no escapes.
    #[inline]
    pub fn written<'t>(&self, node: Node, text: &'t str, kind: Kind) -> Option<&'t str> {
        self.get(node).filter(|span| span.kind == kind).map(|span| text_of(text, span))
    }
}

/// The text at a span.
#[inline]
pub(super) fn text_of(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or_default()
}
