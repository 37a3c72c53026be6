//! The fold alone, without a database.

use eventlog::{Record, Stream};
use proptest::prelude::*;
use proto::event::v1::{
    Actor, ArtifactPublished, ArtifactRemoved, ChannelCreated, ChannelDescribed, CondaArtifact, Envelope,
    Event as Part, PackageCreated, Privacy, TokenGrant, TokenIssued, TokenKind, TokenRevoked,
    artifact_published::Detail, event::Event,
};
use readmodel::write::Rows;
use uuid::Uuid;

use super::{Entry, fold};

const CHANNEL: u128 = 3;

fn bytes(n: u128) -> Vec<u8> {
    Uuid::from_u128(n).as_bytes().to_vec()
}

fn entry(stream: Stream, seq: u64, subject: String, event: Event) -> Entry {
    let envelope = Envelope {
        event_id: bytes(u128::from(seq) << 8 | u128::from(stream == Stream::Catalog)),
        time_us: 1_700_000_000_000_000,
        actor: Some(Actor { system: "test".into(), ..Actor::default() }),
        events: vec![Part { event: Some(event) }],
        ..Envelope::default()
    };
    let record = Record { seq, subject, envelope, raw: vec![].into() };
    Entry { stream, record, void: false, forged: None, span: tracing::Span::none() }
}

fn published(build: u8, content: u8) -> Event {
    Event::ArtifactPublished(ArtifactPublished {
        artifact_id: bytes(u128::from(content)),
        package_id: bytes(5),
        channel_id: bytes(CHANNEL),
        filename: format!("a-1-{build}.conda"),
        sha256: vec![content; 32],
        md5: vec![content; 16],
        size_bytes: 1,
        detail: Some(Detail::Conda(CondaArtifact {
            subdir: "noarch".into(),
            name: "a".into(),
            ..CondaArtifact::default()
        })),
        labels: None,
    })
}

fn event(n: u8) -> (Stream, String, Event) {
    let channel = || format!("evt.access.channel.{}", Uuid::from_u128(CHANNEL));
    let owner = || format!("evt.auth.owner.{}", Uuid::from_u128(1));
    let files = || format!("evt.catalog.{}.conda.a", Uuid::from_u128(CHANNEL));
    match n % 8 {
        0 => {
            let event = ChannelCreated {
                channel_id: bytes(CHANNEL),
                name: "c".into(),
                owner_id: bytes(1),
                privacy: Privacy::Private.into(),
                description: String::new(),
                ..Default::default()
            };
            (Stream::Authz, channel(), Event::ChannelCreated(event))
        }
        1 => {
            let event = ChannelDescribed { channel_id: bytes(CHANNEL), description: format!("d{n}") };
            (Stream::Authz, channel(), Event::ChannelDescribed(event))
        }
        2 => {
            let event = TokenIssued {
                token_id: bytes(2),
                owner_id: bytes(1),
                kind: TokenKind::Resource.into(),
                grants: vec![TokenGrant { channel_id: bytes(CHANNEL), level: 1 }],
                ..TokenIssued::default()
            };
            (Stream::Authz, owner(), Event::TokenIssued(event))
        }
        3 => {
            let event = PackageCreated {
                package_id: bytes(5),
                channel_id: bytes(CHANNEL),
                kind: 1,
                ..Default::default()
            };
            (Stream::Authz, channel(), Event::PackageCreated(event))
        }
        4 | 5 => (Stream::Catalog, files(), published(n / 8 % 3, n)),
        6 => {
            let event = TokenRevoked { token_id: bytes(2), ..TokenRevoked::default() };
            (Stream::Authz, owner(), Event::TokenRevoked(event))
        }
        _ => {
            let event = ArtifactRemoved {
                artifact_id: bytes(u128::from(n / 2)),
                filename: format!("a-1-{}.conda", n / 8 % 3),
                subdir: "noarch".into(),
            };
            (Stream::Catalog, files(), Event::ArtifactRemoved(event))
        }
    }
}

/// A token is issued before it is revoked: anything else stops AUTHZ.
fn entries(numbers: Vec<u8>) -> Vec<Entry> {
    let issued_first = std::iter::once(2).chain(numbers);
    issued_first
        .zip(1..)
        .map(|(n, seq)| {
            let (stream, subject, event) = event(n);
            entry(stream, seq, subject, event)
        })
        .collect()
}

proptest! {
    #[test]
    fn applied_twice_is_applied_once(numbers in proptest::collection::vec(any::<u8>(), 0..40)) {
        let entries = entries(numbers);
        let mut once = Rows::default();
        fold(&mut once, &entries).unwrap();
        let mut twice = once.clone();
        fold(&mut twice, &entries).unwrap();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn batches_of_any_size_make_the_same_rows(numbers in proptest::collection::vec(any::<u8>(), 0..40), cut in 0..40_usize) {
        let entries = entries(numbers);
        let mut whole = Rows::default();
        fold(&mut whole, &entries).unwrap();
        let mut parts = Rows::default();
        let (first, second) = entries.split_at(cut.min(entries.len()));
        fold(&mut parts, first).unwrap();
        fold(&mut parts, second).unwrap();
        prop_assert_eq!(whole, parts);
    }
}

#[test]
fn content_in_authz_stops_it_and_access_in_catalog_is_parked() {
    let (_, _, content) = event(4);
    let (_, _, access) = event(1);
    let mut rows = Rows::default();
    let stopped = fold(&mut rows, &[entry(Stream::Authz, 7, "evt.access.x".into(), content)]).unwrap_err();
    assert_eq!((stopped.seq, stopped.reason.as_str()), (7, "it stands in the wrong stream"));
    fold(&mut rows, &[entry(Stream::Catalog, 7, "evt.catalog.x".into(), access)]).unwrap();
    assert_eq!(rows.parked["evt.catalog.x"].seq, 7);
}
