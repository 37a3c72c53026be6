//! Revocation, and what its receipt says.

use std::time::Duration;

use ::access::{Caller, Credential};
use feed::deadline;
use proto::auth::v1::{RevokeTokenRequest, WhoAmIRequest};
use proto::event::v1::Privacy;
use proto::feed::v1::{AwaitAppliedRequest, FollowerMessage, Hello, RenewRequest, follower_message::Message};
use tonic::{Code, Request};

use crate::lab::{Lab, code, gateways, reader};

fn revoke(token: &str) -> RevokeTokenRequest {
    RevokeTokenRequest { token: token.into(), reason: "leaked".into(), ..RevokeTokenRequest::default() }
}

#[tokio::test]
async fn a_revocation_returns_when_every_follower_refuses_the_token() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let issued = lab.client(&admin).issue_token(reader("ci", "acme")).await.unwrap().into_inner();
    let followers = [lab.follower("gateway-1").await, lab.follower("gateway-2").await];
    let credential = Credential::of(&issued.secret);
    let caller = |view: &feed::client::AccessView| {
        view.read(|table| table.caller(lab.ambient.clock.now(), &credential))
    };
    assert!(followers.iter().all(|follower| matches!(caller(&follower.view), Caller::Token { .. })));

    let revoked = lab.client(&admin).revoke_token(revoke("ci")).await.unwrap().into_inner();
    assert!(followers.iter().all(|follower| matches!(caller(&follower.view), Caller::Revoked { .. })));
    let receipt = revoked.receipt.clone().unwrap();
    assert!(receipt.confirmed.iter().any(|one| one.follower == "auth"), "it authorises too: {receipt:?}");
    assert_eq!(gateways(revoked.receipt), ["gateway-1", "gateway-2"]);
    assert_eq!(receipt.effective_by_us, None);
    let token = revoked.token.unwrap();
    assert_eq!(token.state, "revoked");
    assert!(!token.revoked_at.is_empty());
    assert_eq!(code(lab.client(&issued.secret).who_am_i(WhoAmIRequest {}).await), Code::Unauthenticated);

    let again = lab.client(&admin).revoke_token(revoke(&token.id)).await.unwrap().into_inner();
    assert_eq!(gateways(again.receipt), ["gateway-1", "gateway-2"], "a retry waits for its receipt too");
    assert_eq!(again.token.unwrap(), token);
    for follower in followers {
        follower.leave().await;
    }
}

#[tokio::test]
async fn a_follower_that_says_nothing_is_named_when_the_callers_time_is_up() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let mut client = lab.client(&admin);
    client.issue_token(reader("ci", "acme")).await.unwrap();
    // Open for as long as the sender lives, and mute.
    let (_mute, messages) = tokio::sync::mpsc::channel(1);
    let hello = Hello {
        follower: "gateway-mute".into(),
        incarnation: uuid::Uuid::from_u128(1).to_string(),
        ..Hello::default()
    };
    _mute.send(FollowerMessage { message: Some(Message::Hello(hello)) }).await.unwrap();
    let messages = tokio_stream::wrappers::ReceiverStream::new(messages);
    let mut feed = lab.feed(lab.service("gateway"));
    let mut items = feed.follow(messages).await.unwrap().into_inner();
    items.message().await.unwrap().expect("a snapshot begins");
    // Without a lease it can do nothing, and nobody waits for it.
    let revoked = client.revoke_token(revoke("ci")).await.unwrap().into_inner();
    assert_eq!(gateways(revoked.receipt), Vec::<String>::new());

    client.issue_token(reader("ci-2", "acme")).await.unwrap();
    let ask = RenewRequest {
        holder: "gateway-mute".into(),
        incarnation: uuid::Uuid::from_u128(1).to_string(),
        nonce: 1,
        public_ms: 0,
    };
    assert_eq!(code(lab.feed(&admin).renew(ask.clone()).await), Code::PermissionDenied);
    assert_eq!(code(lab.feed(lab.service("catalog")).renew(ask.clone()).await), Code::PermissionDenied);
    lab.feed(lab.service("gateway")).renew(ask).await.unwrap();
    let mut request = Request::new(revoke("ci-2"));
    request.set_timeout(Duration::from_secs(1));
    let revoked = client.revoke_token(request).await.unwrap().into_inner();
    let receipt = revoked.receipt.unwrap();
    assert_eq!(receipt.silent, ["gateway-mute"]);
    let left_us = receipt.effective_by_us.unwrap() - micros(&lab);
    assert!((10_000_000..15_045_000).contains(&left_us), "{left_us}");
    assert_eq!(revoked.token.unwrap().state, "revoked", "it is committed all the same");

    // Nobody is waited for if that is asked for, and once its lease has ended nobody needs to be.
    let mut request = Request::new(revoke("ci-2"));
    request.metadata_mut().insert(deadline::WAIT, deadline::COMMITTED.parse().unwrap());
    let committed = client.revoke_token(request).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((committed.silent, committed.effective_by_us.is_some()), (vec!["gateway-mute".into()], true));
    let waited = client.revoke_token(revoke("ci-2")).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((waited.lapsed, waited.effective_by_us), (vec!["gateway-mute".to_owned()], None));
    assert!((13_000_000..15_500_000).contains(&waited.waited_us), "{}", waited.waited_us);
}

fn micros(lab: &Lab) -> i64 {
    i64::try_from(lab.ambient.clock.now().unix_timestamp_nanos() / 1_000).unwrap()
}

#[tokio::test]
async fn a_session_ends_itself_and_may_ask_again() {
    let lab = Lab::start().await;
    let session = lab.admin().await;
    let id = lab.client(&session).who_am_i(WhoAmIRequest {}).await.unwrap().into_inner().token.unwrap().id;
    let ended = lab.client(&session).revoke_token(revoke("")).await.unwrap().into_inner();
    assert_eq!(ended.token.unwrap().state, "revoked");
    assert_eq!(code(lab.client(&session).who_am_i(WhoAmIRequest {}).await), Code::Unauthenticated);
    for which in ["", &id] {
        assert!(
            lab.client(&session).revoke_token(revoke(which)).await.is_ok(),
            "the answer may have been lost"
        );
    }
    assert_eq!(code(lab.client(&session).revoke_token(revoke("other")).await), Code::Unauthenticated);
}

#[tokio::test]
async fn a_strangers_token_is_as_good_as_none() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let token =
        lab.client(&admin).issue_token(reader("ci", "acme")).await.unwrap().into_inner().token.unwrap();
    crate::account::make(&lab, &admin, "ben").await;
    let ben = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    for which in [&token.id, &uuid::Uuid::from_u128(7).to_string(), "ci"] {
        assert_eq!(code(lab.client(&ben).revoke_token(revoke(which)).await), Code::NotFound);
    }
    let theirs = lab.sign_in("ben", "ben has a password").await.unwrap().token.unwrap();
    assert!(lab.client(&admin).revoke_token(revoke(&theirs.id)).await.is_ok(), "an administrator may");
}

#[tokio::test]
async fn only_services_wait_for_followers_and_only_for_what_is_there() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let wait = |seq| AwaitAppliedRequest { seq, hides: false };
    let follower = lab.follower("gateway").await;
    let seq = lab.sign_in(crate::lab::LOGIN, crate::lab::PASSWORD).await.unwrap().authz_seq;
    let receipt = lab.feed(lab.service("catalog")).await_applied(wait(seq)).await.unwrap().into_inner();
    assert_eq!((receipt.confirmed.iter().any(|one| one.follower == "gateway"), receipt.seq), (true, seq));
    assert_eq!(code(lab.feed(&admin).await_applied(wait(seq)).await), Code::PermissionDenied);
    assert_eq!(code(lab.feed("").await_applied(wait(seq)).await), Code::Unauthenticated);
    let mut ahead = Request::new(wait(seq + 1_000));
    ahead.set_timeout(Duration::from_millis(200));
    let refused = lab.feed(lab.service("catalog")).await_applied(ahead).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    follower.leave().await;
}
