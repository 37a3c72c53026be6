//! Edits and reissues, as a gateway sees them that follows.

use std::time::Duration;

use ::access::{Caller, Credential};
use futures::StreamExt as _;
use proto::auth::v1::{
    EditTokenRequest, IssuedToken, ListTokensRequest, ReissueTokenRequest, RevokeTokenRequest, TokenRequest,
};
use proto::event::v1::event::Event as Stored;
use tonic::{Code, Request};

use crate::lab::{Follower, Lab, code, gateways, scoped};

fn reissue(overlap_s: u64) -> ReissueTokenRequest {
    ReissueTokenRequest { token: "ci".into(), overlap_s, ..ReissueTokenRequest::default() }
}

async fn issued(lab: &Lab, admin: &str) -> IssuedToken {
    lab.client(admin).issue_token(scoped("ci", &["repos"])).await.unwrap().into_inner()
}

fn opens(lab: &Lab, follower: &Follower, secret: &str) -> bool {
    let now = lab.ambient.clock.now();
    let caller = follower.view.read(|table| table.caller(now, &Credential::of(secret)));
    matches!(caller, Caller::Token { .. })
}

#[tokio::test]
async fn an_edit_keeps_the_string_and_a_reissue_kills_it() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let follower = lab.follower("gateway").await;
    let first = issued(&lab, &admin).await;
    let mut client = lab.client(&admin);
    let edit = EditTokenRequest {
        token: "ci".into(),
        name: Some("nightly".into()),
        description: Some("builds".into()),
        expires_at: Some("2027-02-01T00:00:00Z".into()),
        ..EditTokenRequest::default()
    };
    let edited = client.edit_token(edit).await.unwrap().into_inner();
    assert_eq!(gateways(edited.receipt), ["gateway"]);
    let token = edited.token.unwrap();
    assert_eq!((token.name.as_str(), token.description.as_str()), ("nightly", "builds"));
    assert_eq!(token.expires_at, "2027-02-01T00:00:00Z");
    assert!(opens(&lab, &follower, &first.secret));

    let nightly = ReissueTokenRequest { token: "nightly".into(), ..reissue(0) };
    let second = client.reissue_token(nightly).await.unwrap().into_inner();
    assert_eq!(gateways(second.receipt), ["gateway"], "it waits for whoever follows");
    assert!(!opens(&lab, &follower, &first.secret) && opens(&lab, &follower, &second.secret));
    assert_eq!(&second.secret[..4], &first.secret[..4]);
    assert_eq!(second.token.unwrap().overlap_ends_at, "");
    let listed = client.list_tokens(ListTokensRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.total, 1, "it is the same token");
    follower.leave().await;
}

#[tokio::test]
async fn an_overlap_lasts_exactly_as_long_as_was_asked() {
    let (lab, clock) = Lab::with_clock().await;
    let admin = lab.admin().await;
    let follower = lab.follower("gateway").await;
    let first = issued(&lab, &admin).await;
    let second = lab.client(&admin).reissue_token(reissue(3600)).await.unwrap().into_inner();
    assert_ne!(second.token.unwrap().overlap_ends_at, "");
    clock.advance(Duration::from_secs(3600) - Duration::from_micros(1));
    assert!(opens(&lab, &follower, &first.secret) && opens(&lab, &follower, &second.secret));
    clock.advance(Duration::from_micros(2));
    assert!(!opens(&lab, &follower, &first.secret) && opens(&lab, &follower, &second.secret));
    let month = 30 * 24 * 3600;
    let long = lab.client(&admin).reissue_token(reissue(month + 1)).await;
    assert_eq!(code(long), Code::InvalidArgument);
    follower.leave().await;
}

#[tokio::test]
async fn an_overlap_ends_early_or_with_the_token() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let follower = lab.follower("gateway").await;
    let first = issued(&lab, &admin).await.secret;
    let mut client = lab.client(&admin);
    let keep = ReissueTokenRequest { keep_older: true, ..reissue(0) };
    let second = client.reissue_token(keep).await.unwrap().into_inner();
    let token = second.token.unwrap();
    assert_eq!(token.overlap_ends_at, token.expires_at);
    let which = || TokenRequest { token: "ci".into(), owner: String::new() };
    let ended = client.end_overlap(which()).await.unwrap().into_inner();
    assert_eq!(
        (gateways(ended.receipt), ended.token.unwrap().overlap_ends_at),
        (vec!["gateway".into()], String::new())
    );
    assert!(!opens(&lab, &follower, &first) && opens(&lab, &follower, &second.secret));
    assert!(client.end_overlap(which()).await.is_ok(), "a retry");

    let third = client.reissue_token(reissue(60)).await.unwrap().into_inner().secret;
    assert!(opens(&lab, &follower, &second.secret) && opens(&lab, &follower, &third));
    let revoke = RevokeTokenRequest { token: "ci".into(), ..RevokeTokenRequest::default() };
    client.revoke_token(revoke).await.unwrap();
    for dead in [&first, &second.secret, &third] {
        assert!(!opens(&lab, &follower, dead));
    }
    assert_eq!(code(client.reissue_token(reissue(0)).await), Code::Aborted);
    follower.leave().await;
}

#[tokio::test]
async fn the_address_of_a_request_is_written_down_unreadably() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let mut client = lab.client(&admin);
    fn from<T>(message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert(auth::call::CLIENT_ADDRESS, "203.0.113.77".parse().unwrap());
        request
    }
    client.issue_token(from(scoped("ci", &["repos"]))).await.unwrap();
    client.reissue_token(from(reissue(60))).await.unwrap();
    client.end_overlap(from(TokenRequest { token: "ci".into(), owner: String::new() })).await.unwrap();
    let edit = EditTokenRequest { token: "ci".into(), name: Some("x".into()), ..EditTokenRequest::default() };
    client.edit_token(from(edit)).await.unwrap();
    client.revoke_token(from(RevokeTokenRequest { token: "x".into(), ..Default::default() })).await.unwrap();

    let end = eventlog::Log::barrier(&lab.log, eventlog::Stream::Authz).await.unwrap();
    let records: Vec<_> = eventlog::Log::tail(&lab.log, eventlog::Stream::Authz, 1)
        .take_while(|record| {
            let more = record.as_ref().unwrap().seq < end;
            async move { more }
        })
        .map(Result::unwrap)
        .collect()
        .await;
    let mut addresses = 0;
    for record in &records {
        assert!(!record.raw.windows(12).any(|bytes| bytes == b"203.0.113.77"));
        let shown = auth::events::for_auditors(record.envelope.clone());
        for (event, shown) in record.envelope.events.iter().zip(&shown.events) {
            if let Some(address) = address(event.event.as_ref().unwrap()) {
                addresses += 1;
                assert_eq!(address.ciphertext.len(), 12 + 12 + 16, "nonce, address, tag");
                assert!(super::reissue::address(shown.event.as_ref().unwrap()).is_none());
            }
        }
    }
    assert_eq!(addresses, 5);
}

fn address(event: &Stored) -> Option<&proto::event::v1::Personal> {
    if let Stored::TokenIssued(event) = event {
        return event.from_address.as_ref();
    }
    if let Stored::TokenReissued(event) = event {
        return event.from_address.as_ref();
    }
    if let Stored::TokenOverlapEnded(event) = event {
        return event.from_address.as_ref();
    }
    if let Stored::TokenEdited(event) = event {
        return event.from_address.as_ref();
    }
    if let Stored::TokenRevoked(event) = event { event.from_address.as_ref() } else { None }
}
