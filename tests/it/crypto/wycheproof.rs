//! Goal: the primitives that keys, entries and checkpoints rest on are the standard ones.
//! Method: every Wycheproof vector of the forms that are used here, through the same calls, where the files are at hand.
//! The verdicts are counted, so that no vector is passed over.

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use ring::{hkdf, hmac};
use serde_json::Value;
use std::fs;
use std::path::Path;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/conformance/wycheproof");

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn size(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// Judges every case of a file, as (group, case) with `None` for forms that are not used here, and counts those that
/// were valid and invalid as they should be, and those that were not judged.
fn check(name: &str, expected: (usize, usize, usize), judge: impl Fn(&Value, &Value) -> Option<bool>) {
    let path = Path::new(VECTORS).join(name);
    if !path.exists() {
        eprintln!("SKIPPED: `{}` is not there", path.display());
        return;
    }
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut counts = (0, 0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            let id = &test["tcId"];
            match (judge(group, test), test["result"].as_str().unwrap()) {
                (None, _) => counts.2 += 1,
                (Some(true), "valid") => counts.0 += 1,
                (Some(false), "invalid") => counts.1 += 1,
                (verdict, result) => panic!("{name}, case {id}: {verdict:?} where it is {result}: {}", test["comment"]),
            }
        }
    }
    assert_eq!(counts, expected, "{name}: valid, invalid, of forms that are not used");
    assert_eq!(counts.0 + counts.1 + counts.2, size(&file["numberOfTests"]));
}

/// The one form that is used here: 256-bit key, 96-bit nonce, 128-bit tag.
#[test]
fn aes_gcm_is_that_of_wycheproof() {
    check("aes_gcm_test.json", (17, 13, 140), |group, test| {
        let form = ["keySize", "ivSize", "tagSize"].map(|field| size(&group[field]));
        if form != [256, 96, 128] {
            return None;
        }
        let cipher = Aes256Gcm::new_from_slice(&hex(&test["key"])).unwrap();
        let nonce: [u8; 12] = hex(&test["iv"]).try_into().unwrap();
        let tag: [u8; 16] = hex(&test["tag"]).try_into().unwrap();
        let (aad, clear, sealed) = (hex(&test["aad"]), hex(&test["msg"]), hex(&test["ct"]));
        let mut text = sealed.clone();
        let opened = cipher.decrypt_inout_detached(&nonce.into(), &aad, text.as_mut_slice().into(), &tag.into());
        if opened.is_ok() {
            assert_eq!(text, clear, "case {}", test["tcId"]);
            let made = cipher.encrypt_inout_detached(&nonce.into(), &aad, text.as_mut_slice().into()).unwrap();
            assert_eq!((text, &made[..]), (sealed, &tag[..]), "case {}", test["tcId"]);
        }
        Some(opened.is_ok())
    });
}

#[test]
fn hkdf_is_that_of_wycheproof() {
    struct Size(usize);
    impl hkdf::KeyType for Size {
        fn len(&self) -> usize {
            self.0
        }
    }
    check("hkdf_sha256_test.json", (31, 2, 0), |_, test| {
        let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &hex(&test["salt"])).extract(&hex(&test["ikm"]));
        let info = hex(&test["info"]);
        let mut out = vec![0; size(&test["size"])];
        let filled = key.expand(&[&info], Size(out.len())).and_then(|okm| okm.fill(&mut out));
        Some(filled.is_ok() && out == hex(&test["okm"]))
    });
}

/// Whole tags, and those cut to their first 16 bytes as keyed hashes are.
#[test]
fn hmac_is_that_of_wycheproof() {
    check("hmac_sha256_test.json", (33, 54, 0), |group, test| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &hex(&test["key"])), &hex(&test["msg"]));
        Some(tag.as_ref()[..size(&group["tagSize"]) / 8] == hex(&test["tag"]))
    });
}

#[test]
fn ed25519_is_that_of_wycheproof() {
    check("ed25519_test.json", (50, 35, 0), |group, test| {
        let key = UnparsedPublicKey::new(&ED25519, hex(&group["publicKey"]["pk"]));
        Some(key.verify(&hex(&test["msg"]), &hex(&test["sig"])).is_ok())
    });
    // RFC 8032, section 7.1, test 1: the seed is all that is kept of a signing key.
    let bytes = |text: &str| hex(&Value::from(text));
    let seed = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    assert_eq!(pair.public_key().as_ref(), bytes(public));
    let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
                     d25bf5f0595bbe24655141438e7a100b";
    assert_eq!(pair.sign(b"").as_ref(), bytes(signature));
}
