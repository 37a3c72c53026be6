//! Events.Subscribe: the log for auditors.

use proto::auth::v1::RevokeTokenRequest;
use proto::event::v1::Privacy;
use proto::event::v1::event::Event;
use proto::events::v1::{Recorded, SubscribeRequest};
use tonic::Code;

use crate::lab::{Lab, code, reader};

async fn all(lab: &Lab, session: &str) -> Vec<Recorded> {
    wanted(lab, session, SubscribeRequest::default()).await
}

/// What there is of it at this moment.
async fn wanted(lab: &Lab, session: &str, request: SubscribeRequest) -> Vec<Recorded> {
    let request = SubscribeRequest { until_now: true, ..request };
    let mut items = lab.events(session).subscribe(request).await.unwrap().into_inner();
    let mut recorded = vec![];
    while let Some(item) = items.message().await.unwrap() {
        recorded.push(item);
    }
    recorded
}

#[tokio::test]
async fn an_administrator_reads_every_event_without_secrets() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    lab.client(&admin).issue_token(reader("ci", "acme")).await.unwrap();
    let recorded = all(&lab, &admin).await;
    assert!(recorded.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    let events: Vec<Event> = recorded
        .into_iter()
        .flat_map(|recorded| recorded.envelope.unwrap().events)
        .map(|event| event.event.unwrap())
        .collect();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::TokenIssued(_))).count(), 2);
    for event in events {
        if let Event::AccountCreated(event) = &event {
            assert_eq!((&event.login, &event.password_hash), (&None, &None));
        }
        if let Event::TokenIssued(event) = &event {
            assert_eq!(event.secrets, vec![]);
        }
    }
}

#[tokio::test]
async fn a_subscription_ends_with_its_session() {
    let lab = Lab::start().await;
    let (admin, auditor) =
        (lab.admin().await, lab.sign_in(crate::lab::LOGIN, crate::lab::PASSWORD).await.unwrap());
    let request = SubscribeRequest { from_seq: 1, until_now: false, ..SubscribeRequest::default() };
    let mut items = lab.events(&auditor.secret).subscribe(request).await.unwrap().into_inner();
    let revoke = RevokeTokenRequest { token: auditor.token.unwrap().id, ..RevokeTokenRequest::default() };
    lab.client(&admin).revoke_token(revoke).await.unwrap();
    let ended = loop {
        match items.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it must end with a reason"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn only_administrators_read_the_log() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    crate::account::make(&lab, &admin, "ben").await;
    let ben = lab.sign_in("ben", "ben has a password").await.unwrap().secret;
    let request = || SubscribeRequest { from_seq: 1, until_now: true, ..SubscribeRequest::default() };
    assert_eq!(code(lab.events(&ben).subscribe(request()).await.map(drop)), Code::PermissionDenied);
    assert_eq!(code(lab.events("").subscribe(request()).await.map(drop)), Code::Unauthenticated);
}

#[tokio::test]
async fn an_auditor_hears_what_it_asks_for_and_how_far_the_log_was_looked_through() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let owner = lab.account_id(&admin).await;
    let acme = lab.make_channel("acme", owner, Privacy::Private).await;
    lab.make_channel("other", owner, Privacy::Private).await;
    lab.client(&admin).issue_token(reader("ci", "acme")).await.unwrap();
    let before = all(&lab, &admin).await.last().unwrap().seq;
    let request = SubscribeRequest {
        kinds: vec!["channel_created".into(), "TokenIssued".into()],
        objects: vec![acme.to_string()],
        ..SubscribeRequest::default()
    };
    let mut told = wanted(&lab, &admin, request.clone()).await;
    let bookmark = told.pop().unwrap();
    assert!(bookmark.envelope.is_none() && bookmark.seq > before, "{bookmark:?}");
    let events = told.iter().flat_map(|recorded| recorded.envelope.clone().unwrap().events);
    let events: Vec<Event> = events.map(|event| event.event.unwrap()).collect();
    assert!(matches!(events[..], [Event::ChannelCreated(_), Event::TokenIssued(_)]), "{events:?}");

    // It goes on behind what it has, in this log and in no other.
    let on = SubscribeRequest { from_seq: told[0].seq + 1, epoch: told[0].epoch.clone(), ..request.clone() };
    assert_eq!(wanted(&lab, &admin, on.clone()).await[0].seq, told[1].seq);
    let elsewhere = SubscribeRequest { epoch: "another".into(), ..on };
    let refused = lab.events(&admin).subscribe(elsewhere).await.map(drop).unwrap_err();
    assert!(refused.message().contains("another"), "{refused}");
    let by = SubscribeRequest { actors: vec![owner.to_string()], ..SubscribeRequest::default() };
    let told = wanted(&lab, &admin, by).await;
    assert_eq!(
        told.iter().filter(|recorded| recorded.envelope.is_some()).count(),
        2,
        "its session and its token"
    );
    let wrong = SubscribeRequest { kinds: vec!["TokenFlown".into()], ..SubscribeRequest::default() };
    assert_eq!(code(lab.events(&admin).subscribe(wrong).await.map(drop)), Code::InvalidArgument);
}

#[tokio::test]
async fn an_auditor_begins_at_a_time() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let whole = all(&lab, &admin).await;
    let [.., last] = &whole[..] else { panic!("the first account is made") };
    let at = last.envelope.as_ref().unwrap().time_us;
    for (from_time_us, first) in [(at, true), (0, true), (at + 1, false), (i64::MAX / 2_000, false)] {
        let request = SubscribeRequest { from_time_us: Some(from_time_us), ..SubscribeRequest::default() };
        let told = wanted(&lab, &admin, request).await;
        let heard = told.iter().any(|recorded| recorded.seq == last.seq && recorded.envelope.is_some());
        assert_eq!(heard, first, "{from_time_us}");
    }
}
