//! Compiling the texts of a bundle: which files there are, in what order they are checked, and the digest.
//!
//! INVARIANT: pure, and total over any texts: the result is a bundle or at least one problem.

use super::cedar::{self, Policies};
use super::decision::{Decider, Invariant, invariants};
use super::parts::{self, MODEL, PARTS};
use super::problem::Problems;
use super::section::{Diagnosis, File, Section, parse};
use super::{identity, library, purposes, sources, vocabulary};
use crate::model::Schema;
use ring::digest::{Context, SHA256};
use toml::de::DeTable;

/// The largest file of a bundle, in bytes, but for the match model.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// The data and rules behind the standardisers: when one of these changes, equal input may be read differently, so
/// they are part of the digest and a new version of them is a new policy.
pub const DATA_VERSION: &str = "standardize 1; guards 3; dpv 2.3; cedar-policy 4.14.1; rlibphonenumber 2.2.15; email_address 0.2.9; idna 1.1.0; \
    icu_normalizer_data 2.4.0; icu_properties_data 2.4.0; psl 2.1.247; unicode-normalization 0.1.26; any_ascii 0.3.3; \
    jiff 1.0.1";

/// A checked bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Name of the bundle; lowercase letters, digits, `-` and `_`.
    pub name: String,
    /// Version, as its authors count.
    pub version: String,
    /// What it is for.
    pub description: String,
    /// SHA-256 over the files, the built-in attributes, the schema of decisions and [`DATA_VERSION`].
    pub digest: [u8; 32],
    /// Name and text of each file, sorted by name: what the ledger keeps and what [`Bundle::compile`] takes.
    pub files: Vec<(String, String)>,
    /// What it says.
    pub schema: Schema,
    /// What decides.
    pub policies: Policies,
    /// What it says can never be allowed, beside what no bundle may allow.
    pub invariants: Vec<Invariant>,
}

impl Bundle {
    /// Checks and compiles the files of a bundle, given as name and text in any order.
    ///
    /// # Errors
    /// Every problem of every file. A file that is not valid TOML is not looked into further, and what depends on it
    /// is not held against other files.
    pub fn compile(files: Vec<(String, String)>) -> Result<Self, Problems> {
        Self::compile_beside(files, &[], Diagnosis::default())
    }

    /// Compiles what could be read, beside files that are there but could not, which `out` tells of already.
    pub(super) fn compile_beside(
        mut files: Vec<(String, String)>,
        unreadable: &[String],
        mut out: Diagnosis,
    ) -> Result<Self, Problems> {
        library::add_shipped(&mut files);
        files.sort();
        parts::check(&files, unreadable, &mut out);
        let compiled = compile(&files, unreadable, &mut out);
        match compiled.filter(|_| out.is_clean()) {
            Some(Compiled { about: About { name, version, description }, schema, policies, invariants }) => {
                let digest = digest(&files);
                Ok(Self { name, version, description, digest, files, schema, policies, invariants })
            }
            None => Err(out.into_problems()),
        }
    }

    /// What answers whether a value may be used.
    pub fn decider(&self) -> Decider {
        Decider::new(&self.schema, &self.policies)
    }
}

/// What the files say.
struct Compiled {
    about: About,
    schema: Schema,
    policies: Policies,
    invariants: Vec<Invariant>,
}

/// What `bundle.toml` says.
struct About {
    name: String,
    version: String,
    description: String,
}

/// What can be said of the parts of a bundle that others refer to.
pub(super) struct Known {
    /// Filled part by part, in the order of [`PARTS`].
    pub schema: Schema,
    /// Whether `attributes.toml` could be read, so that a name that is not there is a mistake.
    pub attributes: bool,
    /// The same of `purposes.toml`.
    pub purposes: bool,
    /// The same of `identity.toml`.
    pub kinds: bool,
}

/// One part: its file and, where that is valid TOML, its table.
struct Parsed<'t> {
    file: File<'t>,
    table: Option<DeTable<'t>>,
}

fn compile(files: &[(String, String)], unreadable: &[String], out: &mut Diagnosis) -> Option<Compiled> {
    let parsed = PARTS.each_ref().map(|part| {
        let (name, text) = files.iter().find(|(name, _)| name == part.name)?;
        if text.len() > FILE_BYTES_MAX {
            return None;
        }
        let file = File::new(name, text);
        let table = parse(&file, out);
        Some(Parsed { file, table })
    });
    let section = |index: usize, what: &'static str| -> Option<Section<'_>> {
        let part = parsed.get(index)?.as_ref()?;
        Some(Section::of_file(what, &part.file, part.table.as_ref()?))
    };
    // A part that is missing says nothing, one that is broken may say anything.
    let is_known = |index: usize| {
        let name = PARTS.get(index).map_or("", |part| part.name);
        let absent = !files.iter().any(|(file, _)| file == name) && !unreadable.iter().any(|file| file == name);
        absent || section(index, "").is_some()
    };
    let schema = Schema { attributes: vocabulary::built_in(), ..Schema::default() };
    let mut known = Known { schema, attributes: is_known(1), purposes: is_known(2), kinds: false };

    let about = section(0, "the bundle").and_then(|part| about(&part, files, out));
    if let Some(part) = section(1, "`attributes.toml`") {
        known.attributes &= purposes::attributes(&part, &mut known.schema.attributes, out);
    }
    if let Some(part) = section(2, "`purposes.toml`") {
        let read = purposes::purposes(&part, out);
        known.schema.purposes = read.list;
        known.schema.combining = read.combining;
        known.purposes &= read.whole;
    }
    if let Some(part) = section(3, "`identity.toml`") {
        let (kinds, whole) = identity::kinds(&part, &known, out);
        known.schema.kinds = kinds;
        known.kinds = whole;
        known.schema.profile_records_max = identity::profile_records_max(&part, out);
        (known.schema.reach, known.schema.strong_priority_min) = identity::consent(&part, out);
        let model = files.iter().find(|(name, _)| name == MODEL).map(|(_, text)| text.as_str());
        if !unreadable.iter().any(|name| name == MODEL) {
            known.schema.match_model = identity::match_model(&part, model, out);
        }
    }
    if let Some(part) = section(4, "`sources.toml`") {
        known.schema.sources = sources::sources(&part, &known, out);
    }
    let survivorship = section(5, "`survivorship.toml`");
    known.schema.survivorship = identity::survivorship(survivorship.as_ref(), &known, out);
    let policies = cedar::compile(files, &known, out);
    let invariants = section(6, "`invariants.toml`").map(|part| invariants::read(&part, &known, out));
    Some(Compiled { about: about?, schema: known.schema, policies, invariants: invariants.unwrap_or_default() })
}

fn about(part: &Section<'_>, files: &[(String, String)], out: &mut Diagnosis) -> Option<About> {
    part.only(&["name", "version", "description", "use"], out);
    let used = part.distinct_texts("use", "[\"gdpr\"]", out);
    library::check(&used, files, out);
    let name = part.need_text("name", "\"contacts\"", out);
    if let Some(name) = &name {
        check_name("bundle", name.value, |message, help| out.report(&name.place, message, help));
    }
    let version = part.need_text("version", "\"1.0.0\"", out);
    let description = part.need_text("description", "\"what this bundle is for\"", out);
    Some(About {
        name: name?.value.to_owned(),
        version: version?.value.to_owned(),
        description: description?.value.to_owned(),
    })
}

/// Tells when a name is not made of lowercase letters, digits, `-` and `_`, or is too long.
pub(super) fn check_name(what: &str, name: &str, report: impl FnOnce(String, &'static str)) {
    let good = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
    if !good || name.len() > 64 || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        let message = format!("`{}` cannot be the name of a {what}", super::problem::printable(name));
        report(message, "use lowercase letters, digits, `-` and `_`, a letter first, at most 64 in all");
    }
}

/// SHA-256 over tagged, length-prefixed parts, so that no two bundles give the same bytes:
///
/// ```text
/// "onefold bundle 2\n" | frame(DATA_VERSION) | frame(built-in attributes) | frame(schema of decisions)
///     | u64 count | (frame(name) | frame(text)) × count
/// frame(x) = u64 length of x in bytes, little-endian | x
/// ```
fn digest(files: &[(String, String)]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let frame = |context: &mut Context, bytes: &[u8]| {
        context.update(&(bytes.len() as u64).to_le_bytes());
        context.update(bytes);
    };
    context.update(b"onefold bundle 2\n");
    frame(&mut context, DATA_VERSION.as_bytes());
    frame(&mut context, vocabulary::built_in_text().as_bytes());
    frame(&mut context, cedar::SCHEMA.as_bytes());
    context.update(&(files.len() as u64).to_le_bytes());
    for (name, text) in files {
        frame(&mut context, name.as_bytes());
        frame(&mut context, text.as_bytes());
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}
