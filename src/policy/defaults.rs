//! What every bundle gets beside its own: values that are nobody's own, and values that many share.
//!
//! They hold for a kind by the semantic of its attribute, unless the bundle says `defaults = false` for it. What stands
//! here is part of the digest of every bundle through `DATA_VERSION`: raise its `guards` when a list changes.
//!
//! INVARIANT: each is in standardised form, so that it can match.

use crate::model::Semantic;

/// What people and programs type to get past a form, and mailboxes that nobody reads.
const EMAIL_BLOCKED: &[&str] = &[
    "test@*",
    "tester@*",
    "testing@*",
    "a@a.*",
    "aa@aa.*",
    "aaa@aaa.*",
    "abc@abc.*",
    "x@x.*",
    "xx@xx.*",
    "xxx@xxx.*",
    "asd@asd.*",
    "asdf@*",
    "qwerty@*",
    "email@email.*",
    "na@na.*",
    "n/a@*",
    "no@no.*",
    "no@email.*",
    "noemail@*",
    "no-email@*",
    "nomail@*",
    "null@*",
    "none@*",
    "nil@*",
    "undefined@*",
    "unknown@*",
    "nobody@*",
    "noone@*",
    "anonymous@*",
    "fake@fake.*",
    "noreply@*",
    "no-reply@*",
    "no_reply@*",
    "no.reply@*",
    "donotreply@*",
    "do-not-reply@*",
    "do_not_reply@*",
    "do.not.reply@*",
    "mailer-daemon@*",
];

/// Mailboxes of a role: whoever has the role reads them.
const EMAIL_WEAK: &[&str] = &[
    "info@*",
    "infos@*",
    "sales@*",
    "office@*",
    "support@*",
    "contact@*",
    "contacts@*",
    "kontakt@*",
    "admin@*",
    "administrator@*",
    "administration@*",
    "service@*",
    "services@*",
    "customerservice@*",
    "customer.service@*",
    "help@*",
    "helpdesk@*",
    "hello@*",
    "mail@*",
    "post@*",
    "team@*",
    "staff@*",
    "reception@*",
    "enquiries@*",
    "inquiries@*",
    "enquiry@*",
    "inquiry@*",
    "orders@*",
    "order@*",
    "shop@*",
    "store@*",
    "booking@*",
    "bookings@*",
    "reservations@*",
    "billing@*",
    "invoice@*",
    "invoices@*",
    "payments@*",
    "accounts@*",
    "accounting@*",
    "finance@*",
    "buchhaltung@*",
    "hr@*",
    "jobs@*",
    "careers@*",
    "recruiting@*",
    "marketing@*",
    "press@*",
    "media@*",
    "legal@*",
    "privacy@*",
    "security@*",
    "it@*",
    "abuse@*",
    "postmaster@*",
    "webmaster@*",
    "hostmaster@*",
    "newsletter@*",
    "family@*",
];

/// The North American numbers that are kept for fiction, and what repeats a digit or counts.
const PHONE_BLOCKED: &[&str] = &[
    "+1???55501??",
    "*00000000",
    "*11111111",
    "*22222222",
    "*33333333",
    "*44444444",
    "*55555555",
    "*66666666",
    "*77777777",
    "*88888888",
    "*99999999",
    "*0123456789",
    "*1234567890",
    "*9876543210",
    "+33123456789",
    "+353123456789",
];

/// What systems write where they have no id.
const ID_BLOCKED: &[&str] = &[
    "null",
    "Null",
    "NULL",
    "(null)",
    "nil",
    "none",
    "None",
    "NONE",
    "n/a",
    "N/A",
    "#N/A",
    "nan",
    "NaN",
    "undefined",
    "unknown",
    "Unknown",
    "UNKNOWN",
    "test",
    "Test",
    "TEST",
    "-",
    "00000000-0000-0000-0000-000000000000",
];

/// Ids of nothing but zeros are blocked up to this length.
const ZEROS_MAX: usize = 40;

/// Values that never identify.
pub(super) fn blocked(semantic: Semantic) -> Vec<String> {
    let all = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    match semantic {
        Semantic::Email => all(EMAIL_BLOCKED),
        Semantic::Phone => all(PHONE_BLOCKED),
        Semantic::Opaque => {
            let mut values = all(ID_BLOCKED);
            values.extend((1..=ZEROS_MAX).map(|size| "0".repeat(size)));
            values
        }
        _ => Vec::new(),
    }
}

/// Values that do not link alone.
pub(super) fn weak(semantic: Semantic) -> Vec<String> {
    let values = if semantic == Semantic::Email { EMAIL_WEAK } else { &[] };
    values.iter().map(|value| (*value).to_owned()).collect()
}
