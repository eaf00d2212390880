//! The bundles that come with Onefold, embedded so that they are there wherever the program is.

macro_rules! bundle {
    ($($(#[$doc:meta])* $name:ident: $folder:literal [$($file:literal),+];)+) => {
        $(
            $(#[$doc])*
            pub fn $name() -> Vec<(String, String)> {
                vec![$((
                    $file.to_owned(),
                    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/", $folder, "/", $file)).to_owned(),
                )),+]
            }
        )+
    };
}

bundle! {
    /// `policies/retail`: eight systems of a shop, its consents and firm facts.
    retail: "retail" [
        "attributes.toml", "bundle.toml", "identity.toml", "purposes.toml", "sources.toml", "survivorship.toml"
    ];
    /// `policies/contacts`: one CSV of people, the smallest bundle there is.
    contacts: "contacts" ["bundle.toml", "identity.toml", "sources.toml"];
}
