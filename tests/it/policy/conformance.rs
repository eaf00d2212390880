//! Goal: the Cedar that decides here is Cedar: as it is built in, it decides the published integration tests as they say.
//! Method: each test's policies validated strictly against its schema, and each request, validated too, put to them; the
//! decision, the policies that determine it and the errors are compared.

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, Schema, ValidationMode, Validator,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The tests' files, where they are.
fn published() -> Option<(PathBuf, Vec<PathBuf>)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/conformance/cedar"));
    let Ok(groups) = std::fs::read_dir(folder.join("tests")) else {
        eprintln!("SKIPPED: no conformance data `cedar`");
        return None;
    };
    let files = groups.flat_map(|group| std::fs::read_dir(group.unwrap().path()).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Some((folder, files))
}

fn parsed(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn uid(of: &Value) -> EntityUid {
    EntityUid::from_json(of.clone()).unwrap()
}

#[test]
fn published_decisions_are_made() {
    let Some((folder, files)) = published() else { return };
    let mut decided = 0;
    for file in &files {
        let test = parsed(file);
        let name = format!("{}", file.strip_prefix(folder.join("tests")).unwrap().display());
        let text = |what: &str| std::fs::read_to_string(folder.join(test[what].as_str().unwrap())).unwrap();
        let (schema, _) = Schema::from_cedarschema_str(&text("schema")).expect(&name);
        let policies: PolicySet = text("policies").parse().expect(&name);
        let entities = Entities::from_json_str(&text("entities"), Some(&schema)).expect(&name);
        let result = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        assert_eq!(result.validation_passed(), test["shouldValidate"], "{name}: {result}");
        for asked in test["requests"].as_array().unwrap() {
            let about = format!("{name}: {}", asked["description"]);
            let action = uid(&asked["action"]);
            let context = Context::from_json_value(asked["context"].clone(), Some((&schema, &action))).expect(&about);
            let request =
                Request::new(uid(&asked["principal"]), action, uid(&asked["resource"]), context, Some(&schema))
                    .expect(&about);
            let answer = Authorizer::new().is_authorized(&request, &policies, &entities);
            let word = if answer.decision() == Decision::Allow { "allow" } else { "deny" };
            assert_eq!(word, asked["decision"], "{about}");
            let names = |of: &Value| -> BTreeSet<String> {
                of.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
            };
            let reasons = answer.diagnostics().reason().map(ToString::to_string).collect();
            assert_eq!(names(&asked["reason"]), reasons, "{about}");
            assert_eq!(asked["errors"].as_array().unwrap().len(), answer.diagnostics().errors().count(), "{about}");
            decided += 1;
        }
    }
    assert_eq!((files.len(), decided), (22, 74));
}
