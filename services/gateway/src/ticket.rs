//! Tickets for uploads whose form comes without credentials, as Anaconda Repository's clients send it.
//!
//! A ticket is signed with a key that all gateways have, so any of them takes it; it is tied to the token that asked for
//! it, is good for fifteen minutes and for one upload, and opens nothing by itself: whoever asked is looked at again when
//! the form comes and when the file is committed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use runtime::Secret;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// How long a ticket is good for.
pub(crate) const LIFE: time::Duration = time::Duration::minutes(15);

/// Longest ticket that is read, in bytes: a file name, thirty labels and a few ids.
pub(crate) const MAX_BYTES: usize = 16 * 1024;

/// What an upload was announced as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    /// Taken once, by whichever upload comes first.
    pub(crate) id: Uuid,
    /// Where the bytes wait until they are committed.
    pub(crate) upload: Uuid,
    /// Seconds since 1970.
    pub(crate) until: i64,
    /// The token that asked for it.
    pub(crate) token: Uuid,
    pub(crate) channel: Uuid,
    pub(crate) kind: String,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) filename: String,
    /// conda: what the announced name says, empty if it says none.
    pub(crate) subdir: String,
    pub(crate) labels: Vec<String>,
    /// In hex, if it was announced.
    pub(crate) sha256: Option<String>,
}

/// The key that tickets are signed with; it cannot be printed.
pub(crate) struct Seal(hmac::Key);

impl Seal {
    /// The same in every gateway that has this credential.
    pub(crate) fn new(credential: &Secret) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, credential.expose().as_bytes());
        let derived = hmac::sign(&key, b"latchkey gateway upload ticket 1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    pub(crate) fn seal(&self, ticket: &Ticket) -> String {
        let body = serde_json::to_vec(ticket).expect("texts, numbers and ids are JSON");
        let tag = hmac::sign(&self.0, &body);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&body), URL_SAFE_NO_PAD.encode(tag))
    }

    /// The ticket, if it is one of ours and its time has not passed.
    pub(crate) fn open(&self, text: &str, now: OffsetDateTime) -> Option<Ticket> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let (body, tag) = text.split_once('.')?;
        let (body, tag) = (URL_SAFE_NO_PAD.decode(body).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
        hmac::verify(&self.0, &body, &tag).ok()?;
        let ticket: Ticket = serde_json::from_slice(&body).ok()?;
        (ticket.until > now.unix_timestamp()).then_some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-25 12:00 UTC);

    fn seal(credential: &str) -> Seal {
        Seal::new(&Secret::new(credential.to_owned()))
    }

    fn ticket() -> Ticket {
        Ticket {
            id: Uuid::from_u128(1),
            upload: Uuid::from_u128(2),
            until: (NOW + LIFE).unix_timestamp(),
            token: Uuid::from_u128(3),
            channel: Uuid::from_u128(4),
            kind: "conda".into(),
            package: "tiny".into(),
            version: "1.0".into(),
            filename: "tiny-1.0-0.conda".into(),
            subdir: "noarch".into(),
            labels: vec!["dev".into()],
            sha256: None,
        }
    }

    #[test]
    fn every_gateway_with_the_credential_takes_it_until_its_time_has_passed() {
        let text = seal("one").seal(&ticket());
        assert_eq!(seal("one").open(&text, NOW), Some(ticket()));
        assert_eq!(seal("one").open(&text, NOW + LIFE - time::Duration::seconds(1)), Some(ticket()));
        assert_eq!(seal("one").open(&text, NOW + LIFE), None);
        assert_eq!(seal("two").open(&text, NOW), None);
    }

    #[test]
    fn nothing_in_it_can_be_changed() {
        let text = seal("one").seal(&ticket());
        let (_, tag) = text.split_once('.').unwrap();
        let other = serde_json::to_vec(&Ticket { package: "other".into(), ..ticket() }).unwrap();
        for wrong in ["", ".", &text[1..], &format!("{}.{tag}", URL_SAFE_NO_PAD.encode(other))] {
            assert_eq!(seal("one").open(wrong, NOW), None, "{wrong}");
        }
        assert_eq!(seal("one").open(&format!("{text}{}", "A".repeat(MAX_BYTES)), NOW), None);
    }
}
