//! Goal: a bundle compiles to what it says, and everything that is wrong with one is told with its place.
//! Method: the shipped bundles are compiled and looked into; broken ones are the smallest good bundle with one file
//! replaced, checked for the exact list of problems; hostile ones must come to an end with a problem.

use onefold::model::{FieldRole, Format, Role, matches};
use onefold::policy::{Bundle, Problems, Unrecognised, contacts, recognise, retail};
use std::fmt::Write as _;
use std::path::Path;

/// The text of a bundle's file.
fn text<'a>(files: &'a [(String, String)], name: &str) -> &'a str {
    &files.iter().find(|(file, _)| file == name).expect("the bundle has the file").1
}

/// The smallest good bundle with these files put in place of its own, or added.
fn with(changed: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut files = contacts();
    for (name, text) in changed {
        files.retain(|(file, _)| file != name);
        files.push(((*name).to_owned(), (*text).to_owned()));
    }
    files
}

fn problems(changed: &[(&str, &str)]) -> Problems {
    Bundle::compile(with(changed)).expect_err("the bundle is broken")
}

/// Checks the exact list of (line, message) of one broken file, and that each problem has a remedy.
fn check(file: &str, text: &str, expected: &[(usize, &str)]) {
    let problems = problems(&[(file, text)]);
    let found: Vec<(&str, usize, &str)> =
        problems.iter().map(|p| (p.file.as_str(), p.line, p.message.as_str())).collect();
    let expected: Vec<(&str, usize, &str)> = expected.iter().map(|(line, message)| (file, *line, *message)).collect();
    assert_eq!(found, expected, "in\n{text}");
    for problem in &problems {
        assert!(!problem.help.is_empty(), "{problem}: no remedy");
    }
}

/// The same of a source of `contacts`, whose own lines are given; line 1 is `[[source]]`.
fn check_source(lines: &str, expected: &[(usize, &str)]) {
    check("sources.toml", &format!("[[source]]\n{lines}"), expected);
}

#[test]
fn contacts_says_what_is_written() {
    let bundle = Bundle::compile(contacts()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((bundle.name.as_str(), bundle.version.as_str()), ("contacts", "1.0.0"));
    let [source] = bundle.schema.sources.as_slice() else { panic!("one source") };
    assert_eq!((source.format, source.role, source.trust, source.accumulate), (Format::Csv, Role::People, 50, false));
    assert_eq!(source.key, ["contact_id"]);
    let names = |source: &onefold::model::Source| -> Vec<(String, String)> {
        source
            .fields
            .iter()
            .map(|field| match field.role {
                FieldRole::Attribute(id) => {
                    (field.path.clone(), bundle.schema.attributes[usize::from(id.0)].name.clone())
                }
                FieldRole::Consent(_) => panic!("no consents here"),
            })
            .collect()
    };
    let expected =
        [("email", "email"), ("phone", "phone"), ("name", "full_name"), ("city", "city"), ("country", "country")];
    assert_eq!(names(source), expected.map(|(path, attribute)| (path.to_owned(), attribute.to_owned())));
    assert_eq!(bundle.schema.survivorship.len(), bundle.schema.attributes.len());
    assert!(bundle.schema.purposes.is_empty());
    let header = include_str!("../../examples/contacts/contacts.csv").lines().next().unwrap_or_default();
    assert_eq!(header, "contact_id,email,phone,name,city,country");
}

#[test]
fn retail_says_what_is_written() {
    let bundle = Bundle::compile(retail()).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let schema = &bundle.schema;
    let names: Vec<&str> = schema.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["crm", "shop", "support", "web", "app", "newsletter", "social", "firms", "consents"]);
    let kinds: Vec<&str> = schema.kinds.iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(kinds, ["account_id", "email", "social_handle", "device_id", "phone"]);
    assert_eq!(schema.purposes.len(), 5);

    let consents = schema.source("consents").expect("declared");
    for name in ["web", "app"] {
        let source = &schema.sources[usize::from(schema.source(name).expect("declared").0)];
        let embedded = source.embedded_consents.as_ref().expect("banner");
        assert_eq!(embedded.into, consents);
        assert_eq!(
            embedded.categories.first(),
            Some(&("Advertising".to_owned(), schema.purpose("marketing").expect("declared")))
        );
    }
    let firms = &schema.sources[usize::from(schema.source("firms").expect("declared").0)];
    assert_eq!(firms.role, Role::Reference(schema.attribute("company_domain").expect("built in")));

    let email = &schema.kinds[usize::from(schema.kind("email").expect("declared").0)];
    assert!(email.is_blocked("info@firm1.example") && email.is_blocked("test@test.com"));
    assert!(!email.is_blocked("ada.lovelace@example.com") && !email.is_blocked("sinfo@firm1.example"));
}

#[test]
fn folders_and_embedded_copies_are_one() {
    for (folder, files) in [("retail", retail()), ("contacts", contacts())] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(folder);
        let loaded = Bundle::load(&dir).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(Ok(loaded), Bundle::compile(files));
    }
}

#[test]
fn the_digest_stands_for_every_byte_and_no_order() {
    let digest = |files| Bundle::compile(files).map(|bundle| bundle.digest);
    let files = retail();
    let reversed: Vec<_> = files.iter().rev().cloned().collect();
    assert_eq!(digest(files.clone()), digest(reversed));
    for index in 0..files.len() {
        let mut changed = files.clone();
        changed[index].1.push('\n');
        assert_ne!(digest(files.clone()), digest(changed), "{}", files[index].0);
    }
    let compiled = Bundle::compile(files.clone()).expect("it compiles");
    assert_eq!(Ok(compiled.digest), digest(compiled.files));
}

/// A newer table of phone numbers or scripts must not go unnoticed: the digest names the versions that are built in.
#[test]
fn the_data_version_is_that_of_the_lock_file() {
    let lock = include_str!("../../Cargo.lock");
    let mut parts = onefold::policy::DATA_VERSION.split("; ");
    assert!(parts.next().is_some_and(|own| own.starts_with("standardize ")));
    for part in parts {
        let (name, version) = part.split_once(' ').expect("name and version");
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{part} is not locked");
    }
}

#[test]
fn files_are_recognised_by_their_name() {
    let schema = Bundle::compile(retail()).expect("it compiles").schema;
    for (file, source) in [
        ("crm.ndjson", "crm"),
        ("crm-2026-11-24.ndjson", "crm"),
        ("newsletter.csv", "newsletter"),
        ("consents.ndjson", "consents"),
    ] {
        assert_eq!(recognise(&schema, file).ok(), schema.source(source), "{file}");
    }
    for file in ["changes.ndjson", "crm.csv", "CRM.ndjson", ""] {
        let error = recognise(&schema, file).expect_err("no source");
        assert!(matches!(error, Unrecognised::None { .. }));
        assert!(error.to_string().contains("`crm*.ndjson` (crm)"), "{error}");
    }
    let mut both = schema.clone();
    both.sources[1].files.push("*.csv".to_owned());
    let error = recognise(&both, "social.csv").expect_err("two sources");
    assert_eq!(error.to_string(), "file `social.csv` belongs to source `shop` and to source `social`");
}
