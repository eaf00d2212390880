//! Goal: whatever is wrong with a policy is told with its file and line, misspelt words included; libraries are parts of a
//! bundle.
//! Method: the retail bundle with one policy added or one file changed, and data directories that are made and opened again.

use super::{retail, with};
use onefold::pipeline::{InitOptions, Onefold, OpenOptions};
use onefold::policy::{Bundle, contacts};
use std::path::Path;

/// The shop with a file put in place of its own, or added.
pub fn shop(changed: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut files = retail();
    for (name, text) in changed {
        files.retain(|(file, _)| file != name);
        files.push(((*name).to_owned(), (*text).to_owned()));
    }
    files
}

/// Checks the problems, as (line, message), of a file of policies that is added to the shop.
fn check(policies: &str, expected: &[(usize, &str)]) {
    let problems = Bundle::compile(shop(&[("own.cedar", policies)])).expect_err(policies);
    let found: Vec<(&str, usize, &str)> =
        problems.iter().map(|p| (p.file.as_str(), p.line, p.message.as_str())).collect();
    let expected: Vec<_> = expected.iter().map(|(line, message)| ("own.cedar", *line, *message)).collect();
    assert_eq!(found, expected, "in\n{policies}");
    assert!(problems.iter().all(|problem| !problem.help.is_empty()));
}

/// The same of one policy whose condition is given: it stands in line 3.
fn check_condition(condition: &str, message: &str) {
    let policy = format!(
        "@id(\"own\") @law(\"Art. 1\")\nforbid (principal, action == Action::\"use\", resource) when {{\n{condition}\n}};\n"
    );
    check(&policy, &[(3, message)]);
}

#[test]
fn ids_and_laws_are_needed() {
    check(
        "forbid (principal, action, resource);\n@id(\"a\")\nforbid (principal, action, resource);\n\
         @law(\"x\")\nforbid (principal, action, resource);\n@id(\"\") @law(\" \")\nforbid (principal, action, resource);\n",
        &[
            (1, "a policy has no `@id`"),
            (1, "a policy has no `@law`"),
            (2, "a policy has no `@law`"),
            (4, "a policy has no `@id`"),
            (6, "a policy has no `@id`"),
            (6, "a policy has no `@law`"),
        ],
    );
    check(
        "@id(\"gdpr-consent\") @law(\"x\")\nforbid (principal, action, resource);\n\
         @id(\"No Name\") @law(\"x\")\nforbid (principal, action, resource);\n",
        &[
            (1, "policy `gdpr-consent` is declared twice: in `gdpr/bases.cedar`, line 8, too"),
            (3, "`No Name` cannot be the name of a policy"),
        ],
    );
    check(
        "@id(\"t\") @law(\"x\")\npermit (principal == ?principal, action, resource);\n",
        &[(1, "a template, which is no policy until its slots are filled")],
    );
}

#[test]
fn misspelt_words_are_errors() {
    check_condition("principal == Purpose::\"marketng\"", "unknown purpose `marketng`");
    check_condition("principal in DpvPurpose::\"Markting\"", "unknown DPV purpose `Markting`");
    check_condition("resource in CategoryGroup::\"specail\"", "unknown group of categories `specail`");
    check_condition("resource == Category::\"helth\"", "unknown category `helth`");
    check_condition("context.consent == \"ConsentWithdrawed\"", "unknown value of `consent`: `ConsentWithdrawed`");
    check_condition("\"under_12\" == context.age", "unknown value of `age`: `under_12`");
    check_condition("[\"eu\", \"us-ca\"].contains(context.regime)", "unknown value of `regime`: `us-ca`");
    check_condition("principal.basis != \"consnet\"", "unknown value of `basis`: `consnet`");
    check_condition("principal.dpv == \"Marketing\"", "unknown value of `dpv`: `Marketing`");
    check_condition("context.regime == (if context.gpc then \"uk\" else \"usa\")", "unknown value of `regime`: `usa`");
    let problems = Bundle::compile(shop(&[(
        "own.cedar",
        "@id(\"own\") @law(\"x\")\nforbid (principal == Purpose::\"marketng\", action, resource);",
    )]));
    let problems = problems.expect_err("misspelt");
    let first = problems.iter().next().expect("one");
    assert_eq!((first.line, first.column), (2, 31), "{problems}");
    assert!(first.help.starts_with("did you mean `marketing`?"), "{}", first.help);
}

#[test]
fn cedar_s_own_checks_have_places() {
    for (text, line) in [
        ("@id(\"own\") @law(\"x\")\nforbid (principal, action, resource) when { context.wihdrawn };", 2),
        ("@id(\"own\") @law(\"x\")\nforbid (principal, action == Action::\"read\", resource);", 2),
        ("@id(\"own\") @law(\"x\")\nforbid (principal in User::\"x\", action, resource);", 2),
        ("@id(\"own\") @law(\"x\")\nforbid (principal, action, resource) when { context.age > 3 };", 2),
        ("@id(\"own\") @law(\"x\")\n\nforbid (principal, action, resource) when {\n  context.gpc && \n};", 5),
    ] {
        let problems = Bundle::compile(shop(&[("own.cedar", text)])).expect_err(text);
        assert!(problems.iter().all(|problem| problem.file == "own.cedar"), "{problems}");
        assert!(problems.iter().any(|problem| problem.line == line), "{problems}");
        assert!(problems.iter().all(|problem| !problem.message.contains("impossible")), "{problems}");
    }
    // A policy that can never apply is a mistake by itself.
    let never = "@id(\"own\") @law(\"x\")\nforbid (principal, action == Action::\"combine\", resource == Category::\"health\");";
    let problems = Bundle::compile(shop(&[("own.cedar", never)])).expect_err("impossible");
    assert!(problems.iter().all(|problem| problem.line == 1), "{problems}");
    assert!(problems.to_string().contains("unable to find an applicable action"), "{problems}");
}

#[test]
fn hostile_policies_end_with_a_problem() {
    let big = |part: &str| part.repeat(((1 << 20) - 64) / part.len());
    let policy = |body: &str| format!("@id(\"x\") @law(\"x\") permit (principal, action, resource) when {{ {body} }};");
    let hostile = [
        big("("),
        big("permit (principal, action, resource);"),
        big("\""),
        big("@id(\"x\")"),
        policy(&"true && ".repeat(100_000)),
        policy(&format!("{}true", "!".repeat(10_000))),
        policy(&format!("{}true{}", "if true then (".repeat(300), ") else false".repeat(300))),
        policy(&format!("context{}", ".a".repeat(100_000))),
        policy(&format!("[{}].contains(1)", "1,".repeat(100_000) + "\"x\"")),
        "a".repeat((1 << 20) + 1),
    ];
    for text in hostile {
        let problems = Bundle::compile(shop(&[("own.cedar", &text)])).expect_err("hostile");
        assert!(problems.iter().count() >= 1 && problems.render(false).len() < 2_000_000);
    }
}

#[test]
fn libraries_are_parts_of_the_bundle() {
    let bundle = Bundle::compile(retail()).expect("it compiles");
    let names: Vec<&str> = bundle.files.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.is_sorted() && names.contains(&"gdpr/rights.cedar") && names.contains(&"ccpa/library.toml"),
        "{names:?}"
    );
    // A library that stands in the bundle wins over the one that comes with the program, and changes the digest.
    let own =
        "@id(\"own-consent\") @law(\"Art. 6(1)(a)\") permit (principal, action, resource) when { context.valid };";
    let library = "name = \"gdpr\"\nversion = \"2\"\ndescription = \"ours\"\n";
    let changed =
        Bundle::compile(shop(&[("gdpr/library.toml", library), ("gdpr/own.cedar", own)])).expect("it compiles");
    assert_ne!(changed.digest, bundle.digest);
    assert!(changed.policies.get("own-consent").is_some() && changed.policies.get("gdpr-consent").is_none());

    let lines = |files| -> Vec<String> {
        Bundle::compile(files).expect_err("broken").iter().map(ToString::to_string).collect()
    };
    let about = |used: &str| format!("name = \"c\"\nversion = \"1\"\ndescription = \"x\"\nuse = [{used}]\n");
    assert_eq!(lines(with(&[("bundle.toml", &about("\"gpdr\""))])), ["bundle.toml:4:8: unknown library `gpdr`"]);
    assert_eq!(
        lines(with(&[("gdpr/library.toml", library), ("gdpr/x.toml", "")])),
        [
            "gdpr/library.toml:1:1: the bundle does not use the library `gdpr`",
            "gdpr/library.toml:1:1: the library has no policy",
            "gdpr/x.toml:1:1: a bundle has no file of this name",
        ]
    );
}

/// A copy of the bundle in a data directory is whole: it does not need the libraries of the program.
#[test]
fn a_data_directory_keeps_its_libraries() {
    let place = tempfile::tempdir().expect("a place to write");
    let data = place.path().join("data");
    let bundle = Bundle::compile(retail()).expect("it compiles");
    drop(Onefold::init(&data, bundle.clone(), InitOptions::default()).expect("a new data directory"));
    assert_eq!(Bundle::load(&data.join("policy")).map(|loaded| loaded.digest), Ok(bundle.digest));
    drop(Onefold::open(&data, OpenOptions::default()).expect("it opens again"));
    // A policy that somebody changed there is noticed.
    std::fs::write(data.join("policy/gdpr/rights.cedar"), "").expect("written");
    assert!(Onefold::open(&data, OpenOptions::default()).is_err());
}

#[test]
fn folders_of_libraries_are_read() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/gdpr");
    let place = tempfile::tempdir().expect("a place to write");
    for (name, text) in contacts() {
        std::fs::write(place.path().join(name), text).expect("written");
    }
    let library = place.path().join("gdpr");
    std::fs::create_dir(&library).expect("made");
    assert_eq!(
        Bundle::load(place.path()).expect_err("a folder").to_string(),
        "gdpr:1:1: a bundle has no file of this name"
    );
    for entry in std::fs::read_dir(&shipped).expect("there") {
        let entry = entry.expect("read");
        std::fs::copy(entry.path(), library.join(entry.file_name())).expect("copied");
    }
    let about = "name = \"c\"\nversion = \"1\"\ndescription = \"x\"\nuse = \"gdpr\"\n";
    std::fs::write(place.path().join("bundle.toml"), about).expect("written");
    let loaded = Bundle::load(place.path()).expect("it loads");
    assert_eq!(Ok(loaded), Bundle::compile(with(&[("bundle.toml", about)])));
}

/// What is not classified can't be decided about: it is an error of the bundle.
#[test]
fn an_attribute_without_a_category_is_an_error() {
    let problems =
        Bundle::compile(with(&[("attributes.toml", "[[attribute]]\nname = \"tier\"\nsemantic = \"text\"\n")]));
    assert_eq!(problems.expect_err("unclassified").to_string(), "attributes.toml:1:1: an attribute has no `category`");
}

#[test]
fn consents_reach_as_far_as_the_bundle_says() {
    use onefold::model::Reach;
    let with_consent = |lines: &str| {
        let identity = format!("[consent]\n{lines}\n[[identifier]]\nattribute = \"email\"\npriority = 80\n");
        Bundle::compile(with(&[("identity.toml", &identity)])).map(|b| (b.schema.reach, b.schema.strong_priority_min))
    };
    assert_eq!(with_consent(""), Ok((Reach::Strong, 90)));
    assert_eq!(with_consent("reach = \"profile\"\nstrong_priority_min = 1"), Ok((Reach::Profile, 1)));
    assert_eq!(
        with_consent("reach = \"porfile\"\nstrong_priority_min = 0").expect_err("broken").to_string(),
        "identity.toml:2:9: unknown reach `porfile`\nidentity.toml:3:23: `strong_priority_min` is 0, which is out of bounds"
    );
}
