//! The bundles and libraries that come with Onefold, embedded so that they are there wherever the program is.

macro_rules! files {
    ($folder:literal [$($file:literal),*]) => {
        vec![$((
            $file.to_owned(),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/", $folder, "/", $file)).to_owned(),
        )),*]
    };
}

/// `policies/retail`: eight systems of a shop, its consents and firm facts, under the laws of Europe and California.
pub fn retail() -> Vec<(String, String)> {
    files!("retail" [
        "attributes.toml", "bundle.toml", "identity.toml", "invariants.toml", "purposes.toml", "shop.cedar", "sources.toml",
        "survivorship.toml"
    ])
}

/// The cases of `policies/retail`.
pub fn retail_cases() -> Vec<(String, String)> {
    files!("retail" ["cases/california.toml", "cases/children.toml", "cases/consent.toml", "cases/joining.toml"])
}

/// `policies/contacts`: one CSV of people, the smallest bundle there is.
pub fn contacts() -> Vec<(String, String)> {
    files!("contacts" ["bundle.toml", "identity.toml", "sources.toml"])
}

/// The libraries that come with Onefold.
pub(super) const LIBRARIES: [&str; 2] = ["ccpa", "gdpr"];

/// The files of a library, named as they are in a bundle that uses it; none when there is no such library.
pub(super) fn library(name: &str) -> Vec<(String, String)> {
    let files: Vec<(String, String)> = match name {
        "ccpa" => files!("ccpa" ["library.toml", "selling.cedar"]),
        "gdpr" => files!("gdpr" ["bases.cedar", "children.cedar", "library.toml", "principles.cedar", "rights.cedar"]),
        _ => Vec::new(),
    };
    files.into_iter().map(|(file, text)| (format!("{name}/{file}"), text)).collect()
}
