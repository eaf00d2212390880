//! Requests of persons as OpenDSR 2.0 and OpenGDPR 1.0 write them: JSON documents between controllers and processors.
//!
//! Only requests are read; status answers, callbacks and descriptions of services are none. INVARIANT: an error names a
//! field and never its value.

use serde::Deserialize;

/// Identities of one person that a document may name.
const IDENTITIES_MAX: usize = 100;

/// What a document asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DsrDocument {
    /// `subject_request_id`.
    pub reference: String,
    /// `subject_request_type`: the word of a right.
    pub right: String,
    /// The day of `submitted_time`, as `2018-10-02`.
    pub submitted: Option<String>,
    /// `regulation`, where it is given.
    pub regulation: Option<String>,
    /// Kind and value of the person's identities in the clear.
    pub identities: Vec<(String, String)>,
    /// Identities that are given as hashes, which cannot be looked up.
    pub hashed: usize,
}

#[derive(Deserialize)]
struct Document {
    subject_request_id: Option<String>,
    subject_request_type: Option<String>,
    submitted_time: Option<String>,
    regulation: Option<String>,
    #[serde(default)]
    subject_identities: Vec<Identity>,
}

#[derive(Deserialize)]
struct Identity {
    identity_type: String,
    identity_value: String,
    identity_format: Option<String>,
}

/// Reads a document.
///
/// # Errors
/// What is wrong with it, in words, without a value of it.
pub fn read_dsr(bytes: &[u8]) -> Result<DsrDocument, &'static str> {
    let document: Document = serde_json::from_slice(bytes).map_err(|_| "it is no JSON object of a request")?;
    let reference = document.subject_request_id.ok_or("`subject_request_id` is missing")?;
    let right = document.subject_request_type.ok_or("`subject_request_type` is missing: it is no request")?;
    if document.subject_identities.is_empty() {
        return Err("`subject_identities` is missing: it is no request");
    }
    if document.subject_identities.len() > IDENTITIES_MAX {
        return Err("`subject_identities` has more than 100 members");
    }
    let submitted = match document.submitted_time {
        None => None,
        Some(time) => {
            let instant: jiff::Timestamp = time.parse().map_err(|_| "`submitted_time` is no time of RFC 3339")?;
            Some(instant.strftime("%Y-%m-%d").to_string())
        }
    };
    let all = document.subject_identities.len();
    let raw = document
        .subject_identities
        .into_iter()
        .filter(|identity| identity.identity_format.as_deref().is_none_or(|format| format == "raw"));
    let identities: Vec<(String, String)> =
        raw.map(|identity| (identity.identity_type, identity.identity_value)).collect();
    let hashed = all - identities.len();
    Ok(DsrDocument { reference, right, submitted, regulation: document.regulation, identities, hashed })
}
