//! Sealed envelopes: what one message of the log holds.
//!
//! The signature covers subject, one zero byte, body, so that a message cannot be moved to another
//! aggregate.

use bytes::Bytes;
use prost::Message as _;
use proto::event::v1::{Envelope, Sealed};

use crate::{
    AppendError, LogError, Record, Stream, Writer,
    keys::{Distrust, Keyring, Signer},
};

/// The largest encoded envelope. Larger documents are blobs by hash.
pub const MAX_ENVELOPE_BYTES: usize = 256 * 1024;

/// Encodes and signs an envelope.
pub(crate) fn seal(signer: &Signer, subject: &str, envelope: &Envelope) -> Result<Bytes, AppendError> {
    let body = envelope.encode_to_vec();
    if body.len() > MAX_ENVELOPE_BYTES {
        return Err(AppendError::TooLarge { bytes: body.len() });
    }
    let signature = signer.sign(&signed_text(subject, &body));
    let sealed = Sealed { body: body.into(), key_id: signer.id().into(), signature };
    Ok(sealed.encode_to_vec().into())
}

/// Signs what is told beside the log, under the subject that it is told on.
pub fn seal_note(signer: &Signer, subject: &str, body: Vec<u8>) -> Bytes {
    let signature = signer.sign(&signed_text(subject, &body));
    Sealed { body: body.into(), key_id: signer.id().into(), signature }.encode_to_vec().into()
}

/// What this writer has told under a subject; an error says why it is not believed.
pub(crate) fn open_note(
    keyring: &Keyring,
    writer: Writer,
    subject: &str,
    raw: Bytes,
) -> Result<Bytes, String> {
    let sealed = Sealed::decode(raw).map_err(|error| error.to_string())?;
    let trusted = keyring.verify(&sealed.key_id, &signed_text(subject, &sealed.body), &sealed.signature);
    let trusted = trusted.map_err(|distrust| distrust.to_string())?;
    if !trusted.is(writer) {
        return Err(format!("key {} is not {writer}'s", sealed.key_id));
    }
    Ok(sealed.body)
}

/// Verifies and decodes what stands in the log, or in a copy of it.
///
/// What no key has signed that may say it is counted, and is [`LogError::BadSignature`].
pub fn open(
    keyring: &Keyring,
    stream: Stream,
    seq: u64,
    subject: &str,
    raw: Bytes,
) -> Result<Record, LogError> {
    let forged = |label: &'static str, why: String| {
        metrics::counter!("eventlog_forged_total", "stream" => stream.as_str(), "reason" => label)
            .increment(1);
        tracing::error!(%stream, seq, subject, why, "a message of the log is forged");
        LogError::BadSignature { stream, seq, subject: subject.into(), raw: raw.clone(), why }
    };
    let distrusted = |why: Distrust| forged(why.label(), why.to_string());
    let sealed = Sealed::decode(raw.clone()).map_err(|error| forged("unsealed", error.to_string()))?;
    let trusted = keyring
        .verify(&sealed.key_id, &signed_text(subject, &sealed.body), &sealed.signature)
        .map_err(distrusted)?;
    let undecodable =
        |error: prost::DecodeError| LogError::Undecodable { stream, seq, why: error.to_string() };
    let envelope = Envelope::decode(sealed.body).map_err(undecodable)?;
    trusted.may_sign(subject, &envelope).map_err(distrusted)?;
    Ok(Record { seq, subject: subject.into(), envelope, raw })
}

fn signed_text(subject: &str, body: &[u8]) -> Vec<u8> {
    [subject.as_bytes(), &[0], body].concat()
}

/// The type (its field number in `Event`) of the first event that this version does not know.
pub fn unknown_event(record: &Record) -> Option<u32> {
    let index = record.envelope.events.iter().position(|event| event.event.is_none())?;
    let sealed = Sealed::decode(record.raw.clone()).ok()?;
    let event = Raw::decode(sealed.body).ok()?.events.into_iter().nth(index)?;
    let (tag, _) = prost::encoding::decode_key(&mut event.as_slice()).ok()?;
    Some(tag)
}

/// An envelope whose events are left as they are.
#[derive(Clone, PartialEq, prost::Message)]
struct Raw {
    #[prost(bytes = "vec", repeated, tag = "7")]
    events: Vec<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use proto::event::v1::{Event, NameReleased, event};

    use super::*;
    use crate::{Writer, keys};

    const SUBJECT: &str = "evt.access.name.s";

    fn sealed(body: Vec<u8>) -> (Keyring, Bytes) {
        sealed_by(&[Writer::Catalog], body)
    }

    fn sealed_by(writers: &[Writer], body: Vec<u8>) -> (Keyring, Bytes) {
        let signer = Signer::parse(&keys::generate().private_pem).unwrap();
        let signature = signer.sign(&signed_text(SUBJECT, &body));
        let sealed = Sealed { body: body.into(), key_id: signer.id().into(), signature };
        (signer.trusted_as(writers), sealed.encode_to_vec().into())
    }

    #[test]
    fn a_note_is_believed_of_its_writer_on_its_subject_only() {
        let (generated, stranger) = (keys::generate(), keys::generate());
        let signer = Signer::parse(&generated.private_pem).unwrap();
        let keyring = signer.trusted_as(&[Writer::Auth]);
        let open = |raw| open_note(&keyring, Writer::Auth, "ack.authz", raw);
        assert_eq!(open(seal_note(&signer, "ack.authz", b"42".to_vec())).unwrap(), "42");
        assert!(open(seal_note(&signer, "ack.other", b"42".to_vec())).is_err(), "it was said elsewhere");
        let stranger = Signer::parse(&stranger.private_pem).unwrap();
        let forged = open(seal_note(&stranger, "ack.authz", b"42".to_vec()));
        assert!(forged.unwrap_err().contains("is not in the ring"));
        let catalogs = open_note(&keyring, Writer::Catalog, "s", seal_note(&signer, "s", b"42".to_vec()));
        assert!(catalogs.unwrap_err().contains("is not catalog's"));
        assert!(open(Bytes::from_static(b"x")).is_err());
    }

    #[test]
    fn the_type_of_an_unknown_event_is_told() {
        let known = Event { event: Some(event::Event::NameReleased(NameReleased::default())) };
        // Field 999 of an event of a later version: its key, and an empty message.
        let mut later = Vec::new();
        prost::encoding::encode_key(999, prost::encoding::WireType::LengthDelimited, &mut later);
        later.push(0);
        let raw = Raw { events: vec![known.encode_to_vec(), later] };
        let (keyring, bytes) = sealed(raw.encode_to_vec());
        let record = open(&keyring, Stream::Authz, 1, SUBJECT, bytes).unwrap();
        assert_eq!(unknown_event(&record), Some(999));

        let (keyring, bytes) =
            sealed(Envelope { events: vec![known], ..Envelope::default() }.encode_to_vec());
        assert_eq!(unknown_event(&open(&keyring, Stream::Authz, 1, SUBJECT, bytes).unwrap()), None);
    }

    #[test]
    fn a_message_counts_only_under_its_own_subject() {
        let (keyring, bytes) = sealed(named());
        open(&keyring, Stream::Authz, 1, SUBJECT, bytes.clone()).unwrap();
        let moved = open(&keyring, Stream::Authz, 1, "evt.access.name.t", bytes);
        assert!(matches!(moved, Err(LogError::BadSignature { seq: 1, .. })));
    }

    fn named() -> Vec<u8> {
        let event = Event { event: Some(event::Event::NameReleased(NameReleased::default())) };
        Envelope { events: vec![event], ..Envelope::default() }.encode_to_vec()
    }

    #[test]
    fn a_writer_is_believed_about_its_own_facts_only() {
        let (keyring, bytes) = sealed_by(&[Writer::Auth], named());
        open(&keyring, Stream::Authz, 1, SUBJECT, bytes).unwrap();
        let (keyring, bytes) = sealed_by(&[Writer::Projector], named());
        let Err(LogError::BadSignature { why, .. }) = open(&keyring, Stream::Authz, 1, SUBJECT, bytes) else {
            panic!("projector signs barriers only")
        };
        assert!(why.ends_with("is projector's, which may not say this there"), "{why}");
    }
}
