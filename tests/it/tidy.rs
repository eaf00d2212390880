//! Goal: the rules of the house hold in every file: layers, who may import what, sizes, forbidden calls.
//! Method: comments and texts are blanked out, then each rule looks at what is left of each file. Every rule is also
//! given a sample that breaks it, so that a rule that sees nothing fails, and one that keeps it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Layers, lowest first: a module names only modules of lower layers, and itself.
const LAYERS: [&[&str]; 9] = [
    &["model"],
    &["encoding"],
    &["tlog"],
    &["crypto"],
    &["matching"],
    &["policy", "standardize", "ledger"],
    &["dataflow", "sources", "store", "report"],
    &["pipeline"],
    &["server", "cli"],
];
/// Modules that may ask what time it is; every other is told.
const CLOCK: [&str; 4] = ["pipeline", "server", "cli", "main"];
/// Modules that write to the terminal.
const TERMINAL: [&str; 2] = ["cli", "main"];
const FILE_LINES_MAX: usize = 600;
/// Tables that a program wrote, which may be longer.
const GENERATED: &[&str] = &[];

/// A Rust file: its path from the root with `/`, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn sample(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Where in the crate it stands: `src/dataflow/graph.rs` is `["dataflow", "graph"]`, `src/main.rs` is `["main"]`.
    /// `None` outside of `src`.
    fn module(&self) -> Option<Vec<&str>> {
        let path = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        Some(path.split('/').filter(|part| !["mod", "lib"].contains(part)).collect())
    }

    /// The first part of the module; empty for `lib.rs` and outside of `src`.
    fn top(&self) -> &str {
        self.module().and_then(|parts| parts.first().copied()).unwrap_or("")
    }

    /// Whether all of it is test code.
    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

/// Blanks out comments and the insides of texts and characters; lines keep their numbers and bytes their places.
fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped(bytes, at);
        if end > at {
            out.extend(bytes[at..end].iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
            at = end;
        } else {
            // What is not ASCII stands for a letter of a name.
            out.push(if bytes[at].is_ascii() { bytes[at] } else { b'x' });
            at += 1;
        }
    }
    String::from_utf8(out).unwrap()
}

/// The end of the comment, text or character that starts here, or `at` when none does.
fn skipped(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let find = |from: usize, what: &[u8]| {
        rest[from..].windows(what.len()).position(|w| w == what).map_or(bytes.len(), |i| at + from + i + what.len())
    };
    let inside_name = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if rest.starts_with(b"//") {
        return rest.iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| at + i);
    }
    if rest.starts_with(b"/*") {
        return comment_end(bytes, at);
    }
    let prefix = rest.iter().take_while(|b| matches!(b, b'b' | b'c' | b'r')).count();
    let hashes = rest[prefix.min(rest.len())..].iter().take_while(|b| **b == b'#').count();
    let quoted = rest.get(prefix + hashes) == Some(&b'"');
    if quoted && !inside_name && prefix <= 2 && rest[..prefix].contains(&b'r') {
        let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
        return find(prefix + hashes + 1, &close);
    }
    if rest[0] == b'"' {
        let mut end = 1;
        while end < rest.len() && rest[end] != b'"' {
            end += if rest[end] == b'\\' { 2 } else { 1 };
        }
        return (at + end + 1).min(bytes.len());
    }
    if rest.starts_with(b"'\\") {
        return find(3, b"'");
    }
    let text =
        std::str::from_utf8(&rest[..rest.len().min(8)]).or_else(|e| std::str::from_utf8(&rest[..e.valid_up_to()]));
    let mut letters = text.unwrap_or("").char_indices();
    match (letters.next(), letters.next(), letters.next()) {
        (Some((_, '\'')), Some(_), Some((close, '\''))) => at + close + 1,
        _ => at,
    }
}

fn comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if bytes[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// Blanks out the items that stand under `#[cfg(test)]`. Takes what `code` gave.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    while let Some(start) = out.find(MARK) {
        let mut depth = 0usize;
        let end = out[start + MARK.len()..].char_indices().find_map(|(i, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            ((c == '}' || c == ';') && depth == 0).then_some(start + MARK.len() + i + 1)
        });
        let end = end.unwrap_or(out.len());
        let blank: String = out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
    }
    out
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where a word stands that is not part of a longer name. A word may end in what is no part of a name, such as `::`.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    let starts_name = is_name(word.as_bytes()[0]);
    let ends_name = is_name(*word.as_bytes().last().unwrap());
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).is_some_and(|i| is_name(bytes[i]));
        let after = bytes.get(at + word.len()).is_some_and(|b| is_name(*b));
        !(starts_name && before || ends_name && after)
    })
}

fn found(source: &Source, code: &str, at: usize, what: &str) -> String {
    format!("{}:{}: {what}", source.path, code[..at].matches('\n').count() + 1)
}

/// The names that follow a path's start: one, or those at the outer level of a `{…}`.
fn named(after: &str) -> Vec<&str> {
    let first = |text: &str| text.bytes().take_while(|b| is_name(*b)).count();
    let trimmed = after.trim_start();
    let Some(group) = trimmed.strip_prefix('{') else { return vec![&trimmed[..first(trimmed)]] };
    let (mut depth, mut start, mut names) = (0usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let part = group[start..at].trim();
                names.push(&part[..first(part)]);
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// `crate::x` and `super::…::x` name only `x` of lower layers.
fn layers(source: &Source) -> Vec<String> {
    let Some(module) = source.module() else { return Vec::new() };
    let Some(own) = layer(source.top()) else { return Vec::new() };
    let code = without_tests(&code(&source.text));
    let mut paths: Vec<(usize, &str)> =
        words(&code, "crate::").flat_map(|at| named(&code[at + 7..]).into_iter().map(move |n| (at, n))).collect();
    let to_root = "super::".repeat(module.len());
    paths.extend(words(&code, &to_root).flat_map(|at| {
        let end = at + to_root.len();
        named(&code[end..]).into_iter().map(move |n| (at, n))
    }));
    let broken = paths.into_iter().filter(|(_, name)| {
        // Macros and items of `lib.rs` have no layer.
        *name != source.top() && layer(name).is_some_and(|other| other >= own)
    });
    broken.map(|(at, name)| found(source, &code, at, &format!("`{}` names `{name}`", source.top()))).collect()
}

/// Every top-level module has a layer.
fn modules(source: &Source) -> Vec<String> {
    if source.path != "src/lib.rs" {
        return Vec::new();
    }
    let code = code(&source.text);
    let names = words(&code, "mod").map(|at| (at, named(&code[at + 3..])[0]));
    let unknown = names.filter(|(_, name)| layer(name).is_none());
    unknown.map(|(at, name)| found(source, &code, at, &format!("`{name}` is in no layer"))).collect()
}

/// Words that may stand only in some modules; test code in them counts.
fn imports(source: &Source) -> Vec<String> {
    let code = code(&source.text);
    let mut broken = Vec::new();
    let mut only = |allowed: &[&str], names: &[&str]| {
        // What a module may import, its oracles may too.
        let oracle = allowed.iter().any(|name| source.path.starts_with(&format!("tests/it/{name}/")));
        if !oracle && !allowed.contains(&source.top()) {
            let hits = names.iter().flat_map(|name| words(&code, name).map(move |at| (at, name)));
            broken.extend(hits.map(|(at, name)| found(source, &code, at, &format!("`{name}` is for {allowed:?}"))));
        }
    };
    only(&["dataflow"], &["timely", "differential_dataflow"]);
    only(&["cli", "main"], &["anyhow"]);
    broken
}

/// Calls that may stand nowhere, or not outside of tests, or only in some modules.
fn calls(source: &Source) -> Vec<String> {
    let all = code(&source.text);
    let live = if source.is_test() { String::new() } else { without_tests(&all) };
    let everywhere = ["todo!", "unimplemented!", "dbg!", "thread::sleep", "#[ignore", "unsafe"];
    let mut broken = Vec::new();
    let mut forbid = |code: &str, calls: &[&str]| {
        for call in calls {
            broken.extend(words(code, call).map(|at| found(source, code, at, &format!("`{call}` is forbidden here"))));
        }
    };
    forbid(&all, &everywhere);
    if source.path.starts_with("src/") {
        forbid(&live, &[".unwrap()"]);
        if !CLOCK.contains(&source.top()) {
            forbid(&live, &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"]);
        }
        if !TERMINAL.contains(&source.top()) {
            forbid(&live, &["println!", "eprintln!", "print!", "eprint!"]);
        }
    }
    broken
}

fn size(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines <= FILE_LINES_MAX || GENERATED.contains(&source.path.as_str()) {
        return Vec::new();
    }
    vec![format!("{}: {lines} lines, at most {FILE_LINES_MAX} are allowed", source.path)]
}

fn opening(source: &Source) -> Vec<String> {
    let opens = source.text.starts_with("//! ");
    let counts = source.path.starts_with("src/") || source.path.starts_with("tests/");
    if opens || !counts { Vec::new() } else { vec![format!("{}: does not open with `//! `", source.path)] }
}

/// Paths of the machine that it was built on, in any text.
fn build_paths(path: &str, text: &str) -> Vec<String> {
    let machine = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/fa", "rm/")];
    let lines = text.lines().enumerate();
    let broken = lines.filter(|(_, line)| machine.iter().any(|folder| line.contains(folder)));
    broken.map(|(n, _)| format!("{path}:{}: a path of the building machine", n + 1)).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files of the tree but what is built and what git keeps.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && name != ".git" {
                files(&entry.path(), found);
            }
        } else if name != ".git" {
            found.push(entry.path());
        }
    }
}

fn tree() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    files(root(), &mut found);
    found.sort();
    let path = |file: &Path| file.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
    found.iter().map(|file| (path(file), fs::read(file).unwrap())).collect()
}

fn sources() -> Vec<Source> {
    let rust = tree().into_iter().filter(|(path, _)| path.ends_with(".rs"));
    let sources: Vec<_> = rust
        .map(|(path, bytes)| Source { path, text: String::from_utf8(bytes).expect("source text is UTF-8") })
        .collect();
    assert!(sources.iter().any(|source| source.path == "src/lib.rs"), "the tree was not found");
    sources
}

fn check(rule: impl Fn(&Source) -> Vec<String>) {
    let broken: Vec<String> = sources().iter().flat_map(rule).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// A rule sees a sample that breaks it and passes one that keeps it.
fn check_samples(rule: impl Fn(&Source) -> Vec<String>, breaks: &[(&str, &str)], keeps: &[(&str, &str)]) {
    for (path, text) in breaks {
        assert_eq!(rule(&Source::sample(path, text)).len(), 1, "breaks the rule once: `{path}`: {text}");
    }
    for (path, text) in keeps {
        assert_eq!(rule(&Source::sample(path, text)), Vec::<String>::new(), "keeps the rule: `{path}`: {text}");
    }
}

#[test]
fn modules_use_lower_layers_only() {
    check(layers);
    check(modules);
    check_samples(
        layers,
        &[
            ("src/ledger/mod.rs", "use crate::pipeline::Engine;"),
            ("src/ledger/writer.rs", "fn f() { crate::store::open() }"),
            ("src/ledger/writer.rs", "use crate::{model::{Birth, Epoch}, cli::run};"),
            ("src/ledger/mod.rs", "use super::dataflow::Engine;"),
            ("src/ledger/writer.rs", "use super::super::{dataflow, model};"),
            ("src/store/mod.rs", "use crate::sources;"),
        ],
        &[
            ("src/pipeline/mod.rs", "use crate::{ledger, model::Birth, pipeline::x};"),
            ("src/ledger/writer.rs", "use super::dataflow;\n// crate::pipeline\nconst A: &str = \"crate::cli\";"),
            ("src/ledger/mod.rs", "#[cfg(test)]\nmod tests { use crate::pipeline; }"),
            ("src/main.rs", "use onefold::cli;"),
        ],
    );
    check_samples(modules, &[("src/lib.rs", "pub mod helpers;")], &[("src/lib.rs", "pub mod model;\nmod cli;")]);
}

#[test]
fn imports_stay_where_they_belong() {
    check(imports);
    check_samples(
        imports,
        &[
            ("src/pipeline/mod.rs", "use timely::Config;"),
            ("tests/it/x.rs", "fn f() { differential_dataflow::input() }"),
            ("src/ledger/mod.rs", "fn f() -> anyhow::Result<()> {}"),
        ],
        &[
            ("src/dataflow/graph.rs", "use timely::Config; use differential_dataflow::input;"),
            ("tests/it/dataflow/oracle.rs", "use differential_dataflow::input;"),
            ("src/cli/mod.rs", "use anyhow::Context;"),
            ("src/store/mod.rs", "/// In a timely way.\nfn untimely() {}"),
        ],
    );
}

#[test]
fn forbidden_calls_are_not_made() {
    check(calls);
    check_samples(
        calls,
        &[
            ("src/store/mod.rs", "fn f() { x.unwrap(); }"),
            ("src/store/mod.rs", "#[cfg(test)]\nmod tests { fn a() { x.unwrap() } }\nfn f() { x.unwrap(); }"),
            ("src/store/mod.rs", "fn f() { let c = '\"'; todo!() } // \""),
            ("tests/it/x.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"),
            ("tests/it/x.rs", "fn f() { std::thread::sleep(d) }"),
            ("src/store/mod.rs", "fn f() { unsafe { g() } }"),
            ("src/store/mod.rs", "fn f() { dbg!(1); }"),
            ("src/store/mod.rs", "fn f() { unimplemented!() }"),
            ("src/dataflow/mod.rs", "fn f() { std::time::Instant::now(); }"),
            ("src/ledger/mod.rs", "fn f() { SystemTime::now(); }"),
            ("src/ledger/mod.rs", "fn f<'a>(x: &'a str) { println!(\"a\") }"),
            ("src/pipeline/mod.rs", "fn f() { eprintln!(r#\"a \" b\"#) }"),
        ],
        &[
            ("src/store/mod.rs", "fn f() { x.unwrap_or(1); x.expect(\"why\"); }"),
            ("src/store/mod.rs", "#[cfg(test)]\nmod tests { fn f() { x.unwrap(); println!(); } }"),
            ("src/store/tests.rs", "fn f() { x.unwrap(); }"),
            (
                "src/store/mod.rs",
                "/* todo!() /* dbg!() */ unsafe */ fn f() { g(\"unsafe { todo!() }\", r#\"a \" dbg!()\"#) }",
            ),
            ("src/pipeline/mod.rs", "fn f() { Instant::now(); }"),
            ("src/cli/mod.rs", "fn f() { println!(); Instant::now(); }"),
            ("tests/it/x.rs", "fn f() { eprintln!(); x.unwrap(); }"),
        ],
    );
}

#[test]
fn files_are_small_and_say_what_they_are() {
    check(size);
    check(opening);
    let (long, short) = ("x\n".repeat(FILE_LINES_MAX + 1), "x\n".repeat(FILE_LINES_MAX));
    check_samples(size, &[("src/a.rs", &long), ("tests/it/a.rs", &long)], &[("src/a.rs", &short)]);
    check_samples(opening, &[("src/a.rs", "use b;"), ("src/a.rs", "// A.")], &[("src/a.rs", "//! A.\n")]);
    for path in GENERATED {
        assert!(root().join(path).exists(), "`{path}` is exempt and not there");
    }
}

#[test]
fn no_path_of_the_building_machine_stands_in_the_tree() {
    let texts = tree().into_iter().filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?)));
    let broken: Vec<String> = texts.flat_map(|(path, text)| build_paths(&path, &text)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    assert_eq!(build_paths("a.md", concat!("a\nsee /wo", "rk/x")), ["a.md:2: a path of the building machine"]);
    assert!(build_paths("a.md", "see ../work and /var/lib").is_empty());
}

#[test]
fn every_test_file_is_part_of_the_test_binary() {
    let forgotten = |main: &str, names: &BTreeSet<String>| -> Vec<String> {
        let code = code(main);
        let declared: BTreeSet<&str> = words(&code, "mod").map(|at| named(&code[at + 3..])[0]).collect();
        names.iter().filter(|name| !declared.contains(name.as_str())).cloned().collect()
    };
    let folder = root().join("tests/it");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let modules = entries.filter(|path| path.extension().is_some_and(|e| e == "rs") || path.join("mod.rs").exists());
    let mut names: BTreeSet<String> = modules.map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert!(names.remove("main"));
    assert_eq!(forgotten(&fs::read_to_string(folder.join("main.rs")).unwrap(), &names), Vec::<String>::new());
    let sample = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    assert_eq!(forgotten("mod a;\n// mod b;", &sample), ["b"]);
}
