//! Goal: cases say what is expected of a bundle in words, and a word that there is not is an error.
//! Method: the shipped cases hold; small files of cases are run and broken; the commands are run as a person would.

use super::retail;
use crate::program::{ok, run};
use onefold::policy::decision::{read_cases, run_case};
use onefold::policy::{Bundle, retail_cases};
use serde_json::{Value, json};

fn file(text: &str) -> Vec<(String, String)> {
    vec![("cases/x.toml".to_owned(), text.to_owned())]
}

#[test]
fn the_cases_of_the_shop_hold() {
    let bundle = Bundle::compile(retail()).expect("it compiles");
    let decider = bundle.decider();
    let cases = read_cases(&retail_cases(), &bundle).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(cases.len() > 20);
    for case in cases {
        assert_eq!(run_case(&decider, &case).failure, None, "{}", case.name);
    }
}

#[test]
fn a_case_that_fails_says_why() {
    let bundle = Bundle::compile(retail()).expect("it compiles");
    let failure = |text: &str| {
        let cases = read_cases(&file(text), &bundle).unwrap_or_else(|problems| panic!("{problems}"));
        run_case(&bundle.decider(), &cases[0]).failure.unwrap_or_default()
    };
    let given = "given = { purpose = \"marketing\", category = \"contact\", consent = \"given\", age = \"adult\"";
    let case = |rest: &str| failure(&format!("[[case]]\nname = \"x\"\n{given}{rest}"));
    assert!(case(" }\nexpect = \"deny\"").starts_with("expected denied, is allowed: permitted by `gdpr-consent`"));
    assert!(case(", restricted = true }\nexpect = \"allow\"").contains("forbidden by `gdpr-restricted`"));
    assert!(case(" }\nexpect = \"allow\"\nby = []").starts_with("expected no policy"));
    assert!(case(" }\nexpect = \"allow\"\nby = [\"gdpr-contract\"]").starts_with("expected it by `gdpr-contract`"));
    assert_eq!(case(" }\nexpect = \"allow\"\nby = [\"gdpr-consent\"]"), "");
}

#[test]
fn unknown_words_are_errors() {
    let bundle = Bundle::compile(retail()).expect("it compiles");
    let problems = read_cases(
        &file(
            "[[case]]\nname = \"x\"\ngiven = { purpose = \"marketng\", category = \"contct\", consent = \"givn\" }\nexpect = \"alow\"\n\
             [[case]]\nname = \"x\"\ngiven = { purpose = \"marketing\", age = \"old\", explict = true }\nexpect = \"deny\"\n\
             by = [\"gdpr-consnet\"]\n[[case]]\nname = \"x\"\n",
        ),
        &bundle,
    );
    let problems = problems.expect_err("broken");
    let found: Vec<(usize, &str)> = problems.iter().map(|problem| (problem.line, problem.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (3, "unknown purpose `marketng`"),
            (3, "unknown category `contct`"),
            (3, "unknown consent `givn`"),
            (4, "unknown expectation `alow`"),
            (7, "a case names no category"),
            (7, "unknown age `old`"),
            (7, "unknown key in `given`: `explict`"),
            (9, "unknown policy `gdpr-consnet`"),
            (10, "a case has no `expect`"),
            (10, "a case has no `given`"),
        ]
    );
}

#[test]
fn commands_test_prove_compare_and_explain() {
    let tested = ok(&["policy", "test", "retail"]);
    assert!(tested.contains("0 failed."), "{tested}");
    let proved = ok(&["policy", "prove", "retail"]);
    assert!(proved.contains("everything is proved"), "{proved}");
    let words: String = proved.split_whitespace().collect::<Vec<_>>().join(" ");
    let note =
        "note policy `gdpr-objected-marketing` (gdpr/rights.cedar:21) never decides alone: `gdpr-objected` decides";
    assert!(words.contains(note) && words.contains("void advertising is never personalised"), "{proved}");
    let proved: Value = serde_json::from_str(&ok(&["policy", "prove", "retail", "--json"])).expect("JSON");
    let quiet = proved["never_alone_policies"].as_array().expect("a list");
    let found = quiet.iter().find(|found| found["id"] == "gdpr-objected-marketing").expect("it is told");
    assert_eq!(
        (&found["reason"], &found["by"], &found["always"]),
        (&json!("same"), &json!("gdpr-objected"), &json!(true))
    );
    let checked: Value = serde_json::from_str(&ok(&["policy", "check", "retail", "--json"])).expect("JSON");
    assert_eq!(checked["never_alone_policies"].as_array().expect("a list").len(), quiet.len());
    let checked = ok(&["policy", "check", "retail"]);
    let words: String = checked.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Note: of the libraries, these never decide alone: ccpa-opt-out, "), "{checked}");
    let explained = ok(&[
        "policy",
        "explain",
        "retail",
        "--purpose",
        "marketing",
        "--category",
        "contact",
        "--consent",
        "given",
        "--age",
        "adult",
        "--regime",
        "eu",
    ]);
    assert!(explained.starts_with("Allowed: contact for marketing\n"), "{explained}");
    assert!(explained.contains("`gdpr-consent` (Art. 6(1)(a) GDPR"), "{explained}");
    assert!(explained.contains("marketing.communications") && explained.contains("user.contact"), "{explained}");
    let same = ok(&["policy", "diff", "retail", "retail"]);
    assert!(same.contains("No decision changes."), "{same}");
    let misspelt = run(&["policy", "explain", "retail", "--purpose", "marketng"]);
    assert_eq!(misspelt.code, 2);
    assert!(misspelt.err.contains("did you mean `marketing`?"));

    let place = tempfile::tempdir().expect("a place to write");
    for (name, text) in super::proofs::without("gdpr-withdrawn") {
        let path = place.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let folder = place.path().to_str().expect("text");
    let broken = run(&["policy", "prove", folder]);
    assert_eq!(broken.code, 2);
    assert!(broken.out.contains("BROKEN") && broken.out.contains("permitted by gdpr-consent"), "{}", broken.out);
    let differs = ok(&["policy", "diff", "retail", folder]);
    assert!(differs.contains("deny to allow") && differs.contains("policies removed: gdpr-withdrawn"), "{differs}");
}
