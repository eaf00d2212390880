//! Goal: a bundle compiles to what it says, and everything that is wrong with one is told with its place.
//! Method: the shipped bundles are compiled and looked into; broken ones are the smallest good bundle with one file
//! replaced, checked for the exact list of problems; hostile ones must come to an end with a problem.

use onefold::model::{FieldRole, Format, Role};
use onefold::policy::{Bundle, Problems, Unrecognised, contacts, recognise, retail};
use std::fmt::Write as _;
use std::path::Path;

mod cases;
mod cedar;
mod conformance;
mod decisions;
mod differences;
mod identity;
mod proofs;

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
    assert_eq!(schema.purposes.len(), 6);

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
    assert!(email.is_weak("info@firm1.example") && email.is_blocked("test@test.com"));
    assert!(!email.is_blocked("info@firm1.example") && !email.is_blocked("ada.lovelace@example.com"));
    assert!(!email.is_weak("ada.lovelace@example.com") && !email.is_weak("sinfo@firm1.example"));
    let unique: Vec<&str> = schema.kinds.iter().filter(|kind| kind.unique).map(|kind| kind.name.as_str()).collect();
    assert_eq!((unique.as_slice(), schema.profile_records_max), (&["account_id"][..], 500));
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
    for own in ["standardize ", "guards ", "dpv "] {
        assert!(parts.next().is_some_and(|part| part.starts_with(own)));
    }
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

#[test]
fn broken_bundle_files() {
    check(
        "bundle.toml",
        "name = \"My Bundle\"\nversion = 1.0\ntitle = \"x\"\n",
        &[
            (1, "the bundle has no `description`"),
            (1, "`My Bundle` cannot be the name of a bundle"),
            (2, "`version` is a decimal number, not a string"),
            (3, "unknown key in the bundle: `title`"),
        ],
    );
    check(
        "bundle.toml",
        "",
        &[(1, "the bundle has no `description`"), (1, "the bundle has no `name`"), (1, "the bundle has no `version`")],
    );
    check(
        "attributes.toml",
        "[[attribute]]\nname = \"email\"\nsemantic = \"text\"\ncategory = \"contact\"\n\
         [[attribute]]\nname = \"tier\"\nsemantic = \"txet\"\ncategory = \"prefs\"\n\
         [[attribute]]\nname = \"points\"\nsemantic = \"integer\"\ncategory = \"transaction\"\n\
         [[attribute]]\nname = \"points\"\nsemantic = \"integer\"\ncategory = \"transaction\"\n\
         [[attribute]]\nsemantic = \"integer\"\ncategory = \"transaction\"\n",
        &[
            (2, "attribute `email` is built in"),
            (7, "unknown semantic `txet`"),
            (8, "unknown category `prefs`"),
            (14, "attribute `points` is declared twice"),
            (17, "an attribute has no `name`"),
        ],
    );
}

#[test]
fn broken_identity() {
    check(
        "identity.toml",
        "[[identifier]]\nattribute = \"emial\"\npriority = 80\n\
         [[identifier]]\nattribute = \"country\"\npriority = 0\n\
         [[identifier]]\nattribute = \"phone\"\nrecords_max = 1\n\
         [[identifier]]\nkind = \"mobile\"\nattribute = \"phone\"\npriority = 101\n\
         [[identifier]]\nkind = \"mobile\"\nattribute = \"account_id\"\npriority = \"high\"\n",
        &[
            (2, "unknown attribute `emial`"),
            (5, "attribute `country` cannot identify: many people share a value"),
            (6, "`priority` is 0, which is out of bounds"),
            (7, "an identifier has no `priority`"),
            (9, "`records_max` is 1, which is out of bounds"),
            (12, "attribute `phone` already makes the kind `phone`"),
            (13, "`priority` is 101, which is out of bounds"),
            (15, "kind `mobile` is declared twice"),
            (17, "`priority` is a string, not a whole number"),
        ],
    );
    check(
        "identity.toml",
        "[[identifier]]\nattribute = \"email\"\npriority = 1\nblocked = [\n\"Info@*\",\n\"*\",\n\"\",\n7,\n\"a@b.c\",\n\"a@b.c\",\n\"*.test\",\n\"nobody\"]\n\
         [[identifier]]\nattribute = \"phone\"\npriority = 1\nblocked = [\"0000000000\", \"+4930*\", \"*000000\"]\n",
        &[
            (5, "`blocked` value `Info@*` is not in standardised form"),
            (6, "`blocked` value `*` stands for every value"),
            (7, "`blocked` has an empty entry"),
            (8, "`blocked` has a whole number among its strings"),
            (10, "`a@b.c` stands twice in `blocked`"),
            (12, "`blocked` value `nobody` is not in standardised form"),
            (16, "`blocked` value `0000000000` is not in standardised form"),
        ],
    );
    check("identity.toml", "# nothing\n", &[(1, "no identifier is declared")]);
}

#[test]
fn broken_survivorship() {
    check(
        "survivorship.toml",
        "default = []\n\
         [[rule]]\nattribute = \"email\"\nprefer = [\"recnecy\", \"trust\", \"trust\"]\n\
         [[rule]]\nattribute = [\"city\", \"email\"]\nprefer = \"frequency\"\n\
         [[rule]]\nattributes = \"city\"\n",
        &[
            (1, "`default` is empty"),
            (4, "unknown criterion `recnecy`"),
            (4, "`trust` stands twice in `prefer`"),
            (6, "attribute `email` has two rules"),
            (8, "a rule has no `attribute`"),
            (8, "a rule has no `prefer`"),
            (9, "unknown key in a rule: `attributes`"),
        ],
    );
}

#[test]
fn broken_purposes() {
    check(
        "purposes.toml",
        "[[purpose]]\nname = \"marketing\"\ndpv = \"dpv:Markting\"\ndescription = \"x\"\nbasis = \"contrat\"\n\
         categories = [\"contact\", \"contcat\"]\nrecipients = []\nretention_days = 0\n\
         [[purpose]]\nname = \"marketing\"\ndpv = \"Marketing\"\ndescription = \" \"\nbasis = \"because\"\n\
         categories = 3\nretention_days = 3.5\n",
        &[
            (3, "unknown DPV purpose `dpv:Markting`"),
            (5, "unknown basis `contrat`"),
            (6, "unknown category `contcat`"),
            (7, "`recipients` is empty"),
            (8, "`retention_days` is 0, which is out of bounds"),
            (9, "a purpose has no `recipients`"),
            (10, "purpose `marketing` is declared twice"),
            (11, "unknown DPV purpose `Marketing`"),
            (12, "`description` is empty"),
            (13, "unknown basis `because`"),
            (14, "`categories` is a whole number, not a string or a list of strings"),
            (15, "`retention_days` is a decimal number, not a whole number"),
        ],
    );
    let mut many = String::new();
    for index in 0..64 {
        let _infallible = write!(
            many,
            "[[purpose]]\nname = \"p{index}\"\ndpv = \"dpv:Marketing\"\ndescription = \"x\"\nbasis = \"consent\"\n\
             categories = [\"contact\"]\nrecipients = [\"us\"]\n"
        );
    }
    check("purposes.toml", &many, &[(63 * 7 + 1, "64 purposes are too many")]);
    let at_most = many.split("[[purpose]]\nname = \"p63\"").next().unwrap_or_default();
    assert_eq!(Bundle::compile(with(&[("purposes.toml", at_most)])).map(|b| b.schema.purposes.len()), Ok(63));
}

#[test]
fn broken_sources() {
    check_source(
        "nmae = \"a\"\n",
        &[
            (1, "a source has no `fields`"),
            (1, "a source has no `files`"),
            (1, "a source has no `format`"),
            (1, "a source has no `key`"),
            (1, "a source has no `name`"),
            (2, "unknown key in a source: `nmae`"),
        ],
    );
    check_source(
        "name = \"CRM\"\nfiles = [\"in/a.csv\", \"b.csv\", \"b.csv\"]\nformat = \"xlsx\"\nrole = \"persons\"\nkey = [\"a..b\"]\n\
         trust = -1\ntrust_half_life_days = 99999999999999999999\nregion = \"UK\"\naccumulate = \"yes\"\ntime = \"\"\n\
         [source.fields]\n\"a\" = \"email\"\n\"a b\\u001f\" = \"phone\"\nc = 3\nd.e = \"nmae\"\nf = \"consent.prupose\"\n",
        &[
            (2, "`CRM` cannot be the name of a source"),
            (3, "pattern `in/a.csv` cannot match a file name"),
            (3, "`b.csv` stands twice in `files`"),
            (4, "unknown format `xlsx`"),
            (5, "unknown role `persons`"),
            (6, "path `a..b` has an empty part"),
            (7, "`trust` is -1, which is out of bounds"),
            (8, "`trust_half_life_days` is 99999999999999999999, which is out of bounds"),
            (9, "`UK` is not a region"),
            (10, "`accumulate` is a string, not `true` or `false`"),
            (11, "`time` is empty"),
            (14, "path `a b\\u{1f}` has a control character"),
            (15, "`c` is a whole number, not a string"),
            (16, "unknown attribute `nmae`"),
            (17, "unknown part of a consent `consent.prupose`"),
        ],
    );
    // A dotted key and a quoted one are the same path.
    check_source(
        "name = \"a\"\nfiles = \"a*.csv\"\nformat = \"csv\"\nkey = \"id\"\n[source.fields]\n\"t.email\" = \"email\"\nt.email = \"phone\"\n\
         [[source]]\nname = \"a\"\nfiles = [\"*b.csv\"]\nformat = \"csv\"\nkey = \"id\"\n[source.fields]\n",
        &[
            (8, "field `t.email` is mapped twice"),
            (10, "source `a` is declared twice"),
            (11, "pattern `*b.csv` matches files that `a*.csv` of another source matches too"),
            (14, "`fields` is empty: nothing of the source would be read"),
        ],
    );
    check("sources.toml", "source = 3\n", &[(1, "`source` is a whole number, not a list of tables")]);
    check("sources.toml", "", &[(1, "no source is declared")]);
}

#[test]
fn broken_roles() {
    let head = "name = \"a\"\nfiles = \"a\"\nformat = \"ndjson\"\nkey = \"id\"\n";
    check_source(
        &format!(
            "{head}role = \"consents\"\nreference = \"email\"\n[source.fields]\nwho = \"given_name\"\nland = \"country\"\nwhat = \"consent.status\"\n"
        ),
        &[
            (1, "a source of consents, but the bundle has no purpose"),
            (7, "`reference` has no effect in this role"),
            (8, "a source of consents has no field for `consent.at`"),
            (8, "a source of consents has no field for `consent.purpose`"),
            (8, "a source of consents has no field that identifies who consents"),
            (9, "attribute `given_name` does not identify, so a consent has no use for it"),
        ],
    );
    check_source(
        &format!("{head}[source.fields]\nmail = \"email\"\nat = \"consent.at\"\nthen = \"consent.at\"\n"),
        &[
            (8, "`consent.at` in a source that is not of role `consents`"),
            (9, "`consent.at` comes from two fields"),
            (9, "`consent.at` in a source that is not of role `consents`"),
        ],
    );
    check_source(
        "name = \"a\"\nfiles = \"a\"\nformat = \"csv\"\nkey = [\"x\", \"y\"]\nrole = \"reference\"\n[source.fields]\nx = \"company_name\"\n",
        &[(1, "a source has no `reference`"), (5, "the key of a reference source has more than one part")],
    );
    check_source(
        &format!(
            "{head}[source.fields]\nmail = \"email\"\n[source.embedded_consents]\ninto = \"a\"\n[source.embedded_consents.categories]\nAds = \"marketing\"\n\
             [[source]]\nname = \"b\"\nfiles = \"b\"\nformat = \"segment\"\nkey = \"id\"\nfields.mail = \"email\"\n\
             embedded_consents.into = \"c\"\nembedded_consents.categories = {{}}\n"
        ),
        &[
            (8, "`embedded_consents` in a source that is not of format `segment`"),
            (9, "source `a` is not of role `consents`"),
            (11, "unknown purpose `marketing`"),
            (18, "`embedded_consents` maps no category to a purpose"),
            (18, "unknown source `c`"),
        ],
    );
}

#[test]
fn every_file_is_told_at_once() {
    let found = problems(&[
        ("bundle.toml", "name = \n"),
        ("identity.toml", "[[identifier]]\nattribute = \"tier\"\n"),
        ("attributes.toml", "[[attribute]]\nname = rank\n[[attribute]\n"),
        ("surviorship.toml", ""),
        ("sources.toml", "[[source]]\nname = \"a\"\nfiles = \"a\"\nformat = \"csv\"\nfields.x = \"tier\"\n"),
    ]);
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "attributes.toml:2:8: not valid TOML: string values must be quoted, expected literal string",
            "attributes.toml:3:13: not valid TOML: unclosed array table, expected `]`",
            "bundle.toml:1:8: not valid TOML: string values must be quoted, expected literal string",
            // The attribute `tier` may stand in the broken file, so nobody is blamed for it.
            "identity.toml:1:1: an identifier has no `priority`",
            "sources.toml:1:1: a source has no `key`",
            "surviorship.toml:1:1: a bundle has no file of this name",
        ]
    );
    assert_eq!(found.to_string(), lines.join("\n"));
    let missing = Bundle::compile(Vec::new()).expect_err("nothing there");
    let missing: Vec<&str> = missing.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(missing, ["bundle.toml", "identity.toml", "sources.toml"]);
    let twice = Bundle::compile([contacts(), contacts()].concat()).expect_err("each file twice");
    assert_eq!(twice.iter().filter(|problem| problem.message == "this file is given twice").count(), 3);
}

#[test]
fn a_problem_is_rendered_with_its_line_and_remedy() {
    let found = problems(&[("survivorship.toml", "default = [\"recnecy\"]\n")]);
    let expected = "  × unknown criterion `recnecy`
   ╭─[survivorship.toml:1:12]
 1 │ default = [\"recnecy\"]\u{20}
   ·            ─────────
   ╰────
  help: did you mean `recency`? known: `recency`, `trust`, `completeness`, `frequency`

1 problem
";
    assert_eq!(found.render(false), expected);
    assert!(found.render(true).contains("\u{1b}["));
    let problem = found.iter().next().expect("one");
    assert_eq!((problem.line, problem.column, problem.span.clone()), (1, 12, 11..20));
    let missing = Bundle::compile(Vec::new()).expect_err("nothing there").render(false);
    assert!(missing.contains("× bundle.toml:1:1: this file is missing"), "{missing}");
}

/// What a bundle holds cannot act on the terminal of who reads the problems.
#[test]
fn control_characters_are_not_printed() {
    let evil = "name = \"\u{202e}evil\"\nx\u{1b}[31m = 1\n\"\\u001b]0;x\\u0007\" = 1\n`\u{200b} = 2 \u{9b}31m\n";
    for text in [evil, "name = \"\u{202e}evil\u{200b}\"\nversion = \"\u{e0041}\"\n\"\\u001b]0;x\\u0007\" = 1\n"] {
        let found = Bundle::compile(with(&[("bundle.toml", text), ("\u{1b}[2J.toml", "")])).expect_err("broken");
        for shown in [found.render(false), found.to_string()] {
            let bad = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}' | '\u{e0041}');
            assert!(!shown.contains(bad), "{}", shown.escape_unicode());
        }
    }
}

#[test]
fn hostile_texts_end_with_a_problem() {
    let big = |part: &str| part.repeat(((1 << 20) - 64) / part.len());
    let hostile = [
        "\0".to_owned(),
        "name = \"\0\"".to_owned(),
        "\u{feff}\u{feff}x".to_owned(),
        big("["),
        big("a."),
        format!("x = {}", big("[")),
        format!("x = {}", big("{a=")),
        big("[[source]]\n"),
        big("[[identifier]]\n"),
        big("[[purpose]]\n"),
        big("x\n"),
        big("\"\\q\"\n"),
        "\"".to_owned() + &big("a"),
        format!("source = [{}]", (0..50_000).map(|n| format!("{{name=\"s{n}\"}},")).collect::<String>()),
        format!(
            "[[source]]\n[source.fields]\n{}",
            (0..40_000).map(|n| format!("f{n} = \"q{n}\"\n")).collect::<String>()
        ),
        format!("[[source]]\nfiles = [{}]", (0..60_000).map(|n| format!("\"a*{n}\",")).collect::<String>()),
        format!(
            "[[identifier]]\nattribute=\"email\"\nblocked = [{}]",
            (0..60_000).map(|n| format!("\"{n}@*\",")).collect::<String>()
        ),
        (0..9_000)
            .map(|n| format!("[[source]]\nname=\"s{n}\"\nfiles=[\"a*{n}*\",\"*a{n}\",\"b{n}*\"]\n"))
            .collect::<String>(),
        (0..1_000)
            .map(|n| {
                format!(
                    "[[source]]\nname=\"s{n}\"\nfiles=[{}]\n",
                    (0..30).map(|k| format!("\"a{n}x{k}*z\",")).collect::<String>()
                )
            })
            .collect::<String>(),
        "a".repeat((1 << 20) + 1),
    ];
    for text in hostile {
        for name in
            ["bundle.toml", "attributes.toml", "purposes.toml", "identity.toml", "sources.toml", "survivorship.toml"]
        {
            let found = problems(&[(name, &text)]);
            assert!(found.iter().count() <= onefold::policy::PROBLEMS_MAX);
            let rendered = found.render(false);
            assert!(rendered.len() < 2_000_000, "{} bytes for {} problems", rendered.len(), found.count());
        }
    }
}

/// Any text whatever, and any shipped bundle with a stretch of it replaced.
#[test]
fn mangled_bundles_never_panic() {
    use proptest::prelude::*;
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    let pieces = prop::sample::select(vec![
        "\"", "'''", "[[", "]]", "[", "]", "{", "}", "=", ",", ".", "\n", "\r", "#", "é", "\u{0}", "🜮", "-1", "1e9",
        "*", "source", "name",
    ]);
    proptest!(config, |(file in 0usize..8, at in any::<prop::sample::Index>(), size in 0usize..40, put in prop::collection::vec(pieces, 0..6))| {
        let mut files = retail();
        let text = &mut files[file].1;
        let boundary = |from: usize| (from..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len());
        let start = boundary(at.index(text.len()));
        let end = boundary((start + size).min(text.len()));
        text.replace_range(start..end, &put.concat());
        match Bundle::compile(files) {
            Ok(bundle) => prop_assert_eq!(bundle.schema.survivorship.len(), bundle.schema.attributes.len()),
            Err(problems) => {
                prop_assert!(problems.count() > 0);
                for problem in &problems {
                    prop_assert!(problem.line >= 1 && problem.column >= 1);
                    prop_assert!(!problem.message.is_empty() && !problem.help.is_empty(), "{}", problem);
                }
                prop_assert!(!problems.render(true).is_empty());
            }
        }
    });
}

#[test]
fn folders_that_are_no_bundle() {
    let dir = tempfile::tempdir().expect("a place to write");
    let path = |name: &str| dir.path().join(name);
    let lines = |dir: &Path| -> Vec<String> {
        let problems = Bundle::load(dir).expect_err("broken");
        problems.iter().map(ToString::to_string).collect()
    };
    let absent = path("absent");
    assert_eq!(lines(&absent), [format!("{}:1:1: cannot be read: no such file or directory", absent.display())]);

    for (name, text) in contacts() {
        std::fs::write(path(&name), text).expect("written");
    }
    for (name, text) in [("README.md", "x"), (".DS_Store", "x")] {
        std::fs::write(path(name), text).expect("written");
    }
    std::fs::create_dir(path("cases")).expect("made");
    assert!(Bundle::load(dir.path()).is_ok());

    std::fs::write(path("identity.toml"), b"# ok\n# \xff\n").expect("written");
    std::fs::write(path("bundle.toml"), "x = \n").expect("written");
    std::fs::write(path("survivorship.toml"), "rule = [{ attribute = \"tier\", prefer = \"trust\" }]")
        .expect("written");
    std::fs::write(path("notes.txt"), "").expect("written");
    std::fs::create_dir(path("purposes.toml")).expect("made");
    std::fs::write(path("attributes.toml"), "#".repeat((1 << 20) + 1)).expect("written");
    assert_eq!(
        lines(dir.path()),
        [
            "attributes.toml:1:1: this file is larger than 1048576 bytes",
            "bundle.toml:1:5: not valid TOML: string values must be quoted, expected literal string",
            "identity.toml:1:1: is not UTF-8 from line 2 on",
            "notes.txt:1:1: a bundle has no file of this name",
            "purposes.toml:1:1: is not a regular file",
        ]
    );
}

/// What `policies/README.md` teaches compiles as it stands there: each of its blocks that starts with `# FILE`.
#[test]
fn the_bundle_of_the_readme_compiles() {
    let readme = include_str!("../../policies/README.md");
    let blocks: Vec<(&str, &str)> = readme
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .filter_map(|block| Some((block.lines().next()?.strip_prefix("# ")?, block)))
        .filter(|(name, _)| name.ends_with(".toml"))
        .collect();
    let names: Vec<&str> = blocks.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        ["bundle.toml", "sources.toml", "identity.toml", "attributes.toml", "survivorship.toml", "purposes.toml"]
    );
    let policies = readme.split("```cedar\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
    let bundle = Bundle::compile(with(&[&blocks[..], &[("members.cedar", policies)]].concat()))
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let schema = &bundle.schema;
    assert_eq!((schema.sources.len(), schema.kinds.len(), schema.purposes.len()), (1, 3, 1));
    // Without what is optional it compiles too.
    let files = with(&blocks);
    let optional = ["survivorship.toml", "purposes.toml"];
    let least = files.into_iter().filter(|(name, _)| !optional.contains(&name.as_str())).collect();
    assert!(Bundle::compile(least).is_ok());
}
