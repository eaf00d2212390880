//! The policies of a bundle: read, checked strictly against the schema of decisions, and named.
//!
//! ```text
//! *.cedar ──parse──▶ policies ──@id, @law, words──▶ named ones ──validate against SCHEMA──▶ Policies   or   problems
//! ```
//!
//! INVARIANT: each policy that compiles has an id of its own and cites a law, is no template, and compares circumstances only
//! with words that there are. Cedar checks types; a misspelt text or name would just never match, so that is checked here.

mod literals;
mod world;

pub(super) use literals::Mentions;
pub(super) use world::{Subject, World};

use super::bundle::{FILE_BYTES_MAX, Known, check_name};
use super::parts::{is_policy, library_of};
use super::section::{Diagnosis, File};
use cedar_policy::{PolicyId, PolicySet, ValidationMode, Validator};
use miette::Diagnostic;
use std::collections::{HashMap, HashSet};

/// The schema that every bundle has.
pub(super) const SCHEMA: &str = include_str!("../decision.cedarschema");

/// Policies of a bundle, those of its libraries included.
const POLICIES_MAX: usize = 1_000;

/// Brackets inside brackets: what is deeper was not written by a person.
const NESTING_MAX: usize = 64;

/// Signs in one policy that join or turn around expressions, each of which makes what is read one level deeper.
const OPERATORS_MAX: usize = 400;

/// What a policy does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Allows, unless another policy forbids.
    Permit,
    /// Forbids, whatever permits.
    Forbid,
}

impl Effect {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Forbid => "forbid",
        }
    }
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its `@id`, unique in the bundle.
    pub id: String,
    /// Its `@law`.
    pub law: String,
    /// What it does.
    pub effect: Effect,
    /// File of the bundle in which it stands.
    pub file: String,
    /// Line in which it begins, from 1.
    pub line: usize,
    /// What its outcome depends on.
    pub(super) mentions: Mentions,
}

impl Policy {
    /// Whether it stands in a library: one that determines nothing is no mistake there, the bundle just has no use for it.
    pub fn is_of_library(&self) -> bool {
        library_of(&self.file).is_some()
    }
}

/// The policies of a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// By file and line.
    list: Vec<Policy>,
    /// The same, as Cedar has them.
    set: PolicySet,
}

impl Policies {
    /// The policies, by file and line.
    pub fn iter(&self) -> std::slice::Iter<'_, Policy> {
        self.list.iter()
    }

    /// The policy of this id.
    pub fn get(&self, id: &str) -> Option<&Policy> {
        self.list.iter().find(|policy| policy.id == id)
    }

    /// As Cedar has them.
    pub(super) fn set(&self) -> &PolicySet {
        &self.set
    }
}

impl<'a> IntoIterator for &'a Policies {
    type Item = &'a Policy;
    type IntoIter = std::slice::Iter<'a, Policy>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Reads and checks the policies among the files of a bundle.
pub(super) fn compile(files: &[(String, String)], known: &Known, out: &mut Diagnosis) -> Policies {
    let files: Vec<File<'_>> = files
        .iter()
        .filter(|(name, text)| is_policy(name) && text.len() <= FILE_BYTES_MAX)
        .map(|(name, text)| File::new(name, text))
        .collect();
    let mut policies = Policies::default();
    for file in &files {
        if !is_readable(file, out) {
            continue;
        }
        match file.text().parse::<PolicySet>() {
            Ok(set) => take(file, &set, known, &mut policies, out),
            Err(errors) => {
                for error in errors.iter() {
                    report(
                        file,
                        error,
                        None,
                        "the syntax of Cedar stands in https://docs.cedarpolicy.com/policies",
                        out,
                    );
                }
            }
        }
    }
    if policies.list.len() > POLICIES_MAX {
        let message = format!("{} policies are too many", policies.list.len());
        out.report_file("bundle.toml", message, format!("keep at most {POLICIES_MAX}"));
    } else if !policies.list.is_empty() {
        validate(&files, &policies, out);
    }
    policies
}

/// Whether a text can be read within bounded memory; what can't be is no policy that a person wrote.
fn is_readable(file: &File<'_>, out: &mut Diagnosis) -> bool {
    let (mut depth, mut deepest, mut operators, mut most, mut policies) = (0_usize, 0, 0, 0, 0);
    let mut bytes = file.text().bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            // What stands in texts and comments is not read as a policy.
            b'"' => while bytes.next().is_some_and(|next| next != b'"' && (next != b'\\' || bytes.next().is_some())) {},
            b'/' if bytes.peek() == Some(&b'/') => while bytes.next().is_some_and(|next| next != b'\n') {},
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'&' | b'|' | b'!' | b'-' | b'+' | b'*' | b'.' | b'=' | b'<' | b'>' => operators += 1,
            b';' => (operators, policies) = (0, policies + 1),
            _ => {}
        }
        (deepest, most) = (deepest.max(depth), most.max(operators));
    }
    let (what, most) = match (deepest > NESTING_MAX, most > OPERATORS_MAX, policies > POLICIES_MAX) {
        (true, ..) => (format!("brackets stand {deepest} deep in each other"), NESTING_MAX),
        (_, true, _) => (format!("a policy has {most} operators"), OPERATORS_MAX),
        (.., true) => (format!("{policies} policies are too many"), POLICIES_MAX),
        _ => return true,
    };
    out.report_file(file.name, what, format!("divide it: at most {most}"));
    false
}

/// Checks the policies of one file, and adds the good ones.
fn take(file: &File<'_>, set: &PolicySet, known: &Known, policies: &mut Policies, out: &mut Diagnosis) {
    for template in set.templates() {
        let place = file.place(span_of(AsRef::<_>::as_ref(template).loc()));
        let message = "a template, which is no policy until its slots are filled".to_owned();
        out.report(&place, message, "name a purpose or category in the place of `?principal` and `?resource`");
    }
    let mut read: Vec<_> = set.policies().map(|policy| (span_of(AsRef::<_>::as_ref(policy).loc()), policy)).collect();
    read.sort_by_key(|(span, _)| span.start);
    for (span, policy) in read {
        let place = file.place(span.clone());
        let id = policy.annotation("id").unwrap_or_default().trim();
        let law = policy.annotation("law").unwrap_or_default().trim();
        if id.is_empty() {
            out.report(&place, "a policy has no `@id`".to_owned(), "add `@id(\"no-marketing-to-children\")` above it");
        } else {
            check_name("policy", id, |message, help| out.report(&place, message, help));
        }
        if law.is_empty() {
            let help = "add `@law(\"Art. 6(1)(a) GDPR\")` above it: each decision cites it";
            out.report(&place, "a policy has no `@law`".to_owned(), help);
        }
        let mentions = literals::check(file, span.clone(), policy, known, out);
        if id.is_empty() {
            continue;
        }
        if let Some(other) = policies.get(id) {
            let message = format!("policy `{id}` is declared twice: in `{}`, line {}, too", other.file, other.line);
            out.report(&place, message, "rename one of them: decisions are cited by it");
            continue;
        }
        let effect = match policy.effect() {
            cedar_policy::Effect::Permit => Effect::Permit,
            cedar_policy::Effect::Forbid => Effect::Forbid,
        };
        let line = file.line(span.start);
        let (id, law, name) = (id.to_owned(), law.to_owned(), file.name.to_owned());
        if policies.set.add(policy.new_id(PolicyId::new(&id))).is_ok() {
            policies.list.push(Policy { id, law, effect, file: name, line, mentions });
        }
    }
}

/// Validates the whole, strictly: what Cedar warns of is an error, too.
fn validate(files: &[File<'_>], policies: &Policies, out: &mut Diagnosis) {
    let result = Validator::new(world::schema()).validate(&policies.set, ValidationMode::Strict);
    let file_of: HashMap<&str, &File<'_>> = policies
        .iter()
        .filter_map(|policy| Some((policy.id.as_str(), files.iter().find(|file| file.name == policy.file)?)))
        .collect();
    let start_of = |id: &str| {
        let policy = policies.set.policy(&PolicyId::new(id));
        policy.map_or(0..0, |policy| span_of(AsRef::<_>::as_ref(policy).loc()))
    };
    let help = "what there is stands in `policies/README.md`, under Decisions";
    let mut broken = HashSet::new();
    for error in result.validation_errors() {
        let id: &str = error.policy_id().as_ref();
        broken.insert(id);
        if let Some(file) = file_of.get(id) {
            report(file, error, Some(start_of(id)), help, out);
        }
    }
    // What is warned of follows from an error, where there is one.
    for warning in result.validation_warnings() {
        let id: &str = warning.policy_id().as_ref();
        if let Some(file) = file_of.get(id).filter(|_| !broken.contains(id)) {
            report(file, warning, Some(start_of(id)), help, out);
        }
    }
}

/// A problem that Cedar found, where it says it is, or else at `otherwise`.
fn report(
    file: &File<'_>,
    error: &dyn Diagnostic,
    otherwise: Option<std::ops::Range<usize>>,
    help: &str,
    out: &mut Diagnosis,
) {
    let label = error.labels().and_then(|mut labels| labels.next());
    let span = label.map(|label| label.offset()..label.offset() + label.len());
    let own = error.help().map(|help| format!("{help}; ")).unwrap_or_default();
    let message = error.to_string().lines().map(str::trim).collect::<Vec<_>>().join("; ");
    out.report(&file.place(span.or(otherwise).unwrap_or(0..0)), message, format!("{own}{help}"));
}

/// Bytes of a place that Cedar knows.
fn span_of<T: Into<miette::SourceSpan>>(place: Option<T>) -> std::ops::Range<usize> {
    place.map_or(0..0, |place| {
        let span: miette::SourceSpan = place.into();
        span.offset()..span.offset() + span.len()
    })
}
