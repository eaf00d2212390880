//! Goal: what is never allowed is proved for the bundles that are shipped, and a proof fails where one policy is taken away.
//! Method: every cell is looked at; for each `forbid` of the libraries, a bundle without it.

use super::cedar::shop;
use super::retail;
use onefold::policy::decision::{Diff, Proof, describe, prove};
use onefold::policy::{Bundle, Effect, contacts};
use std::collections::BTreeSet;

fn proof(files: Vec<(String, String)>) -> Proof {
    let proof = prove(&Bundle::compile(files).unwrap_or_else(|problems| panic!("{problems}")));
    assert_eq!(proof.disagreements, Vec::<String>::new());
    proof
}

/// Names of the invariants that are broken.
fn broken(proof: &Proof) -> Vec<&str> {
    let broken = proof.checked.iter().filter(|checked| checked.broken > 0);
    broken.map(|checked| checked.invariant.name.as_str()).collect()
}

/// The shop without one policy of its libraries.
pub fn without(id: &str) -> Vec<(String, String)> {
    bundle_without(retail(), id)
}

/// A bundle without one policy of its libraries.
fn bundle_without(files: Vec<(String, String)>, id: &str) -> Vec<(String, String)> {
    let mut files = Bundle::compile(files).unwrap_or_else(|problems| panic!("{problems}")).files;
    let start = format!("@id(\"{id}\")");
    let (_, text) = files.iter_mut().find(|(_, text)| text.contains(&start)).expect("there is one");
    let from = text.find(&start).expect("found");
    let to = text[from..].find(";\n").map_or(text.len(), |at| from + at + 2);
    // Laws have semicolons, too.
    let end = text[from..].find("};\n").map_or(to, |at| from + at + 3);
    text.replace_range(from..end, "");
    files
}

#[test]
fn shipped_bundles_are_proved() {
    let proof_of_shop = proof(retail());
    assert!(proof_of_shop.holds(), "{:?}", broken(&proof_of_shop));
    assert_eq!(proof_of_shop.cells, 28_160 * (6 * 18 + 1));
    assert!(proof_of_shop.compared > 500 && proof_of_shop.unpermitted.is_empty());
    let of_nothing = proof_of_shop.checked.iter().filter(|checked| checked.cells == 0);
    let of_nothing: Vec<&str> = of_nothing.map(|checked| checked.invariant.name.as_str()).collect();
    assert!(matches!(of_nothing.as_slice(), [name] if name.starts_with("advertising")), "{of_nothing:?}");
    let dead: Vec<&str> = proof_of_shop.dead.iter().filter(|of| !of.is_of_library()).map(|of| of.id.as_str()).collect();
    assert_eq!(dead, Vec::<&str>::new());
    let proof_of_contacts = proof(contacts());
    assert!(proof_of_contacts.holds() && proof_of_contacts.cells == 0);
}

/// A bundle with both libraries and purposes of a term and a basis, the first of which joins records.
fn purposes_of(terms: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut purposes = "combining = \"p0\"\n".to_owned();
    for (number, (term, basis)) in terms.iter().enumerate() {
        purposes += &format!(
            "[[purpose]]\nname = \"p{number}\"\ndpv = \"dpv:{term}\"\ndescription = \"x\"\nbasis = \"{basis}\"\n\
             categories = [\"identity\", \"health\", \"criminal\"]\nrecipients = [\"us\"]\n"
        );
    }
    let about = "name = \"c\"\nversion = \"1\"\ndescription = \"x\"\nuse = [\"gdpr\", \"ccpa\"]";
    super::with(&[("bundle.toml", about), ("purposes.toml", &purposes)])
}

/// Purposes for which every `forbid` of the libraries decides something alone.
fn all_needed() -> Vec<(String, String)> {
    purposes_of(&[
        ("ServiceUsageAnalytics", "consent"),
        ("ProvidePersonalisedRecommendations", "contract"),
        ("DirectMarketing", "contract"),
        ("TargetedAdvertising", "contract"),
        ("SellDataToThirdParties", "contract"),
    ])
}

#[test]
fn a_proof_fails_without_a_forbid_and_names_the_cell() {
    let whole = Bundle::compile(all_needed()).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(prove(&whole).holds());
    let cases = [
        ("gdpr-withdrawn", "once it was withdrawn", "adult, law of eu, withdrawn"),
        ("gdpr-objected", "against an objection", "objected"),
        ("gdpr-objected-marketing", "marketing is never allowed against", "objected"),
        ("gdpr-restricted", "while restricted", "not objected, restricted"),
        ("gdpr-storage-limitation", "kept too long", "kept too long"),
        ("gdpr-special-categories", "without explicit consent", "not explicit"),
        ("gdpr-criminal-offences", "convictions", "consent given"),
        ("gdpr-child-consent", "a child's own consent", "not by a parent"),
        ("gdpr-child-marketing", "never marketed to", "under 13 or of unknown age, law of eu"),
        ("gdpr-child-profiling", "never profiled", "under 13 or of unknown age, law of eu"),
        ("gdpr-child-disclosure", "never sold, but", "13 to 15"),
        ("ccpa-gpc-selling", "sold against a Global Privacy Control", "with Global Privacy Control"),
        ("ccpa-gpc-advertising", "advertising is never personalised", "with Global Privacy Control"),
        ("ccpa-opt-out", "after an opt-out", "law unknown, withdrawn"),
        ("ccpa-child-under-13", "never sold, but", "under 13"),
        ("ccpa-child-13-to-15", "never sold, but", "13 to 15"),
        ("ccpa-sensitive", "sensitive data are never sold", "not explicit"),
    ];
    let forbids =
        whole.policies.iter().filter(|policy| policy.effect == Effect::Forbid).map(|policy| policy.id.as_str());
    let named = cases.iter().map(|(id, ..)| *id);
    assert_eq!(forbids.collect::<BTreeSet<_>>(), named.collect::<BTreeSet<_>>(), "all of the libraries");
    for (id, invariant, words) in cases {
        let proof = proof(bundle_without(all_needed(), id));
        assert!(!proof.holds(), "{id}");
        let checked = proof.checked.iter().find(|checked| checked.broken > 0).expect("one is broken");
        assert!(checked.invariant.name.contains(invariant), "{id}: {:?}", broken(&proof));
        let breach = checked.breach.as_ref().expect("it is named");
        assert!(describe(breach.context).contains(words), "{id}: {}", describe(breach.context));
        assert!(breach.policies.iter().all(|policy| policy.effect == Effect::Permit) && !breach.policies.is_empty());
    }
}

/// The libraries keep what is always proved whatever the purposes are, even where legitimate interest is permitted wholesale.
#[test]
fn libraries_keep_the_law_for_any_purposes() {
    let terms = [
        "DirectMarketing",
        "RecruitmentTargetedAdvertising",
        "ProvideProductRecommendations",
        "SellDataToThirdParties",
        "ServicePersonalisation",
        "CustomerManagement",
    ];
    let bases =
        ["consent", "contract", "legal_obligation", "vital_interests", "public_interest", "legitimate_interest"];
    let each: Vec<(&str, &str)> = terms.iter().flat_map(|term| bases.map(|basis| (*term, basis))).collect();
    let permit = "@id(\"all\") @law(\"x\")\npermit (principal, action, resource)\n\
        when { principal.basis == \"legitimate_interest\" };\n";
    let mut files = purposes_of(&each);
    files.push(("own.cedar".to_owned(), permit.to_owned()));
    let proof = proof(files);
    assert!(proof.holds(), "{:?}", broken(&proof));
    assert_eq!((proof.dead.len(), proof.unpermitted.len()), (0, 0), "{:?}", proof.dead);
}

#[test]
fn a_bundle_adds_invariants_of_its_own() {
    let never = "[[never]]\nname = \"no newsletters to California\"\nlaw = \"house rule\"\npurpose = [\"marketing\"]\n\
        category = [\"contact\"]\nwhen = { regime = [\"us_ca\"], consent = \"given\", valid = true }\n";
    let proof_of_shop = proof(shop(&[("invariants.toml", never)]));
    assert_eq!(broken(&proof_of_shop), ["no newsletters to California"]);
    let forbid = "@id(\"own\") @law(\"house rule\")\nforbid (principal == Purpose::\"marketing\", action, resource)\n\
        when { context.regime == \"us_ca\" };\n";
    assert!(proof(shop(&[("invariants.toml", never), ("own.cedar", forbid)])).holds());

    let broken = "[[never]]\nname = \"x\"\npurpose = [\"marketng\"]\npurpose_in = [\"dpv:Markting\"]\ncategory = [\"helth\"]\n\
        when = { consent = [\"givn\"], age = \"12\", regime = \"usa\", gcp = true }\n";
    let problems = Bundle::compile(shop(&[("invariants.toml", broken)])).expect_err("broken");
    let found: Vec<(usize, &str)> = problems.iter().map(|problem| (problem.line, problem.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (1, "an invariant has no `law`"),
            (3, "unknown purpose `marketng`"),
            (4, "unknown DPV purpose `dpv:Markting`"),
            (5, "unknown category `helth`"),
            (6, "unknown consent `givn`"),
            (6, "unknown age `12`"),
            (6, "unknown regime `usa`"),
            (6, "unknown key in `when`: `gcp`"),
        ]
    );
}

/// What speaks of no cell would be proved whatever the policies say.
#[test]
fn an_invariant_that_speaks_of_nothing_is_an_error() {
    let check = |lines: &str, expected: &[(usize, &str)]| {
        let text = format!("[[never]]\nname = \"x\"\nlaw = \"x\"\n{lines}\n");
        let found = Bundle::compile(shop(&[("invariants.toml", &text)]));
        let problems: Vec<_> = found.err().iter().flat_map(|problems| problems.iter().cloned()).collect();
        let told: Vec<(usize, &str)> = problems.iter().map(|found| (found.line, found.message.as_str())).collect();
        assert_eq!(told, expected, "{lines}");
        assert!(problems.iter().all(|found| found.file == "invariants.toml" && found.help.contains("leave `")));
    };
    check("category = []", &[(4, "`category` is empty, so the invariant speaks of nothing")]);
    check("special = true\ncategory = []", &[(5, "`category` is empty, so the invariant speaks of nothing")]);
    let not_other = "no category that is named is other than special, so the invariant speaks of nothing";
    check("category = [\"health\", \"genetic\"]\nspecial = false", &[(4, not_other)]);
    let not_special = "no category that is named is a special one, so the invariant speaks of nothing";
    check("category = [\"contact\"]\nspecial = true", &[(4, not_special)]);
    let not_valid = "no consent that is named is valid, so the invariant speaks of nothing";
    check("[never.when]\nvalid = true\nconsent = [\"withdrawn\", \"expired\"]", &[(6, not_valid)]);
    let all_valid = "no consent that is named is other than valid, so the invariant speaks of nothing";
    check("when = { valid = false, consent = [\"given\", \"renewed\"] }", &[(4, all_valid)]);
    // These speak of something.
    check("category = [\"health\", \"contact\"]\nspecial = false", &[]);
    check("when = { valid = false, consent = [\"given\", \"expired\"] }", &[]);
    check("when = { consent = [\"withdrawn\"], withdrawn = false }", &[]);
    check("purpose_in = [\"dpv:AcademicResearch\"]", &[]);
}

#[test]
fn dead_policies_and_purposes_are_found() {
    let own = "@id(\"never-applies\") @law(\"x\")\nforbid (principal == Purpose::\"marketing\", action, resource)\n\
        when { context.valid && context.consent == \"ConsentRefused\" };\n\
        @id(\"always-overruled\") @law(\"x\")\npermit (principal, action, resource) when { context.restricted };\n";
    let proof_of_shop = proof(shop(&[("own.cedar", own)]));
    let dead: Vec<&str> = proof_of_shop.dead.iter().filter(|of| !of.is_of_library()).map(|of| of.id.as_str()).collect();
    assert_eq!(dead, ["never-applies", "always-overruled"]);
    assert!(proof_of_shop.holds());
    let proof_of_shop = proof(shop(&[("shop.cedar", "")]));
    assert_eq!(proof_of_shop.unpermitted, ["unified_profile"]);
}

/// The ids of the policies that decide somewhere and nowhere alone, each with why.
fn never_alone(proof: &Proof) -> Vec<(&str, String)> {
    proof.never_alone.iter().map(|found| (found.policy.id.as_str(), found.why.sentence())).collect()
}

#[test]
fn policies_that_never_decide_alone_are_told_with_why() {
    let told = |id, why: &str| (id, why.to_owned());
    let undeclared = "no purpose names what it is about";
    let unpermitted = "what it forbids, no policy permits";
    assert_eq!(
        never_alone(&proof(retail())),
        [
            told("ccpa-opt-out", "others, such as `gdpr-withdrawn`, decide the same"),
            told("ccpa-child-under-13", "`gdpr-child-consent` decides the same in every case"),
            told("ccpa-child-13-to-15", unpermitted),
            told("ccpa-sensitive", undeclared),
            told("gdpr-special-categories", undeclared),
            told("gdpr-criminal-offences", undeclared),
            told("gdpr-objected-marketing", "`gdpr-objected` decides the same in every case"),
        ]
    );
    let own = "@id(\"again\") @law(\"x\")\nforbid (principal, action, resource) when { context.restricted };\n\
        @id(\"overruled\") @law(\"x\")\npermit (principal == Purpose::\"analytics\", action, resource)\n\
        when { context.consent == \"ConsentExpired\" };\n\
        @id(\"closed\") @law(\"x\")\nforbid (principal == Purpose::\"analytics\", action, resource)\n\
        when { context.consent == \"ConsentExpired\" && (resource == Category::\"technical\" ||\n\
        resource == Category::\"behaviour\" || resource == Category::\"location\") };\n\
        @id(\"too\") @law(\"x\")\npermit (principal == Purpose::\"analytics\", action, resource)\n\
        when { context.valid && context.age == \"adult\" };\n";
    let changed = proof(shop(&[("own.cedar", own)]));
    let told_of = |id| never_alone(&changed).into_iter().find(|(found, _)| *found == id).map(|(_, why)| why);
    let same = |id| Some(format!("`{id}` decides the same in every case"));
    assert_eq!((told_of("again"), told_of("gdpr-restricted")), (same("gdpr-restricted"), same("again")));
    assert_eq!(told_of("overruled").as_deref(), Some("what it permits, others forbid"));
    assert_eq!(told_of("closed"), None);
    assert_eq!(told_of("too"), same("gdpr-consent"));
    assert_eq!(told_of("gdpr-consent"), None, "of two that permit, it permits more");
}

/// What the proof says of each policy is what the difference to a bundle without it says.
#[test]
fn what_never_decides_alone_changes_nothing_when_it_goes() {
    let mut files =
        purposes_of(&[("SellDataToThirdParties", "consent"), ("CustomerManagement", "legitimate_interest")]);
    let own = "@id(\"own\") @law(\"x\")\npermit (principal, action, resource)\n\
        when { principal.basis == \"legitimate_interest\" && context.age == \"adult\" };\n\
        @id(\"overruled\") @law(\"x\")\npermit (principal, action, resource == Category::\"identity\")\n\
        when { context.restricted && context.valid };\n\
        @id(\"elsewhere\") @law(\"x\")\npermit (principal, action, resource == Category::\"contact\") when { true };\n";
    files.push(("own.cedar".to_owned(), own.to_owned()));
    let whole = Bundle::compile(files.clone()).unwrap_or_else(|problems| panic!("{problems}"));
    let proof = prove(&whole);
    let quiet: BTreeSet<&str> =
        proof.dead.iter().chain(proof.never_alone.iter().map(|found| &found.policy)).map(|of| of.id.as_str()).collect();
    assert!(quiet.contains("overruled") && quiet.contains("elsewhere") && !quiet.contains("own"), "{quiet:?}");
    for policy in &whole.policies {
        let less =
            Bundle::compile(bundle_without(files.clone(), &policy.id)).unwrap_or_else(|problems| panic!("{problems}"));
        let nothing_changes = Diff::new(&whole, &less).is_empty();
        assert_eq!(nothing_changes, quiet.contains(policy.id.as_str()), "{}", policy.id);
    }
}
